//! The adapter of image models with real processes in the real sandbox. Networks and pictures are made here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "onnx/real_models.rs"]
mod real_models;
#[path = "onnx/refusing.rs"]
mod refusing;
mod testdata;

use rayswarm_engines::{
    Engine, EngineError, FinishRequest, InspectRequest, Onnx, RenderRequest, Sandbox, Session, SessionLimits,
    SessionPurpose, SessionRequest, layout::session_view,
};
use rayswarm_imaging::{DecodeLimits, Merger, Part, Picture, decode, encode};
use rayswarm_model::{
    Bytes, Rect, RenderSettings, Resolution, SceneFacts, Slice, TaskId, TaskSpec, Work,
    settings::{Device, OutputFormat},
};
use rayswarm_models::sample::Layers;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const SIZE: Resolution = Resolution {
    width: 203,
    height: 150,
};

fn engine() -> Onnx {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_rayswarm-model-session"));
    Onnx::with_program(program, &Sandbox::detect().unwrap())
}

fn limits(threads: u32) -> SessionLimits {
    SessionLimits {
        threads,
        memory: Bytes(2 << 30),
        nice: 0,
        device: Device::Cpu,
        silence: Duration::from_secs(120),
    }
}

/// A recipe and its files in a folder of their own.
struct Farm {
    folder: tempfile::TempDir,
}

impl Farm {
    /// With this model and a picture of `size`; `more` goes into the recipe.
    fn with(model: &[u8], kind: &str, picture: &[u8], more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = folder.path().join("scene");
        fs::create_dir(&scene).unwrap();
        fs::write(scene.join("m.onnx"), model).unwrap();
        fs::write(scene.join("p.png"), picture).unwrap();
        let recipe =
            format!(r#"{{"recipe": 1, "model": {{"file": "m.onnx", "kind": "{kind}"}}, "picture": "p.png"{more}}}"#);
        fs::write(scene.join("cat.recipe.json"), recipe).unwrap();
        Self { folder }
    }

    fn scene(&self) -> PathBuf {
        self.folder.path().join("scene/cat.recipe.json")
    }

    async fn inspect(&self) -> Result<SceneFacts, EngineError> {
        let request = InspectRequest {
            frames: None,
            scene: self.scene(),
            include: Vec::new(),
            allow_missing: Vec::new(),
            renderer_override: None,
            options: Vec::new(),
            limits: limits(1),
        };
        engine().inspect(&request).await
    }

    async fn open(&self, scratch: &str, threads: u32, purpose: SessionPurpose) -> Box<dyn Session> {
        let facts = self.inspect().await.unwrap();
        assert_eq!(facts.refusals().count(), 0, "{:?}", facts.findings);
        self.open_as(scratch, threads, purpose, &facts, facts.resolution)
            .await
            .unwrap()
    }

    async fn open_as(
        &self,
        scratch: &str,
        threads: u32,
        purpose: SessionPurpose,
        facts: &SceneFacts,
        resolution: Resolution,
    ) -> Result<Box<dyn Session>, EngineError> {
        let scratch = self.folder.path().join(scratch);
        fs::create_dir_all(&scratch).unwrap();
        let view = session_view(&self.scene(), facts);
        let settings = RenderSettings {
            resolution,
            samples: 1,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        };
        let request = SessionRequest {
            purpose,
            scene: view.scene,
            files: view.files,
            settings,
            scratch,
            limits: limits(threads),
        };
        engine().open(request).await
    }
}

fn task(tile: Rect) -> RenderRequest {
    let task = TaskSpec {
        id: TaskId(u64::from(tile.x) << 32 | u64::from(tile.y)),
        frame: 1,
        tile,
        slice: Slice::whole(1),
        work: Work::ZERO,
    };
    RenderRequest {
        task,
        padding: 0,
        play_from: None,
    }
}

async fn render(session: &mut dyn Session, tile: Rect) -> Picture {
    let result = session.render(&task(tile), &mut |_| {}).await.unwrap();
    let size = Resolution {
        width: result.rect.width,
        height: result.rect.height,
    };
    decode(&fs::read(&result.picture).unwrap(), &DecodeLimits::exactly(size)).unwrap()
}

fn grid(size: Resolution, columns: u32, rows: u32) -> Vec<Rect> {
    let edge = |side: u32, at: u32, parts: u32| side * at / parts;
    let cell = |column: u32, row: u32| {
        let (x, y) = (edge(size.width, column, columns), edge(size.height, row, rows));
        Rect {
            x,
            y,
            width: edge(size.width, column + 1, columns) - x,
            height: edge(size.height, row + 1, rows) - y,
        }
    };
    (0..rows)
        .flat_map(|row| (0..columns).map(move |column| cell(column, row)))
        .collect()
}

/// Tiles merged as a job's are.
async fn merged(session: &mut dyn Session, size: Resolution, tiles: &[Rect]) -> Picture {
    let mut merger = Merger::new(size, tiles, &[Slice::whole(1)], Bytes(1 << 30)).unwrap();
    for tile in tiles {
        let part = Part {
            tile: *tile,
            slice: Slice::whole(1),
            held: *tile,
            picture: render(session, *tile).await,
        };
        merger.add(part).unwrap();
    }
    merger.finish().unwrap()
}

/// A PNG of slow colours and hard edges; opaque unless `alpha`.
fn png_of(size: Resolution, alpha: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.width, size.height);
    encoder.set_color(if alpha {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    let mut data = Vec::new();
    for y in 0..size.height {
        for x in 0..size.width {
            let hard = if (x / 20 + y / 20) % 2 == 0 { 0 } else { 80 };
            data.extend(
                [
                    x * 170 / size.width + hard,
                    y * 170 / size.height + hard,
                    (x * 5 + y * 3) % 256,
                ]
                .map(|level| level as u8),
            );
            if alpha {
                data.push((x * 255 / size.width.max(2).saturating_sub(1)).min(255) as u8);
            }
        }
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&data).unwrap();
    writer.finish().unwrap();
    bytes
}

fn style() -> Vec<u8> {
    let layers = Layers::new().mirror(2).unpadded_convolution(8, 5).normalise().rectify();
    layers
        .convolution(12, 3, 2)
        .normalise()
        .rectify()
        .enlarge(2.0)
        .convolution(3, 3, 1)
        .file()
}

#[tokio::test]
async fn a_recipe_says_what_it_makes_and_needs() {
    let farm = Farm::with(&style(), "style-transfer", &png_of(SIZE, false), "");
    let facts = farm.inspect().await.unwrap();
    assert_eq!(
        (facts.engine.as_str(), facts.renderer.as_str()),
        ("onnx", "style-transfer")
    );
    assert_eq!(
        (facts.resolution, facts.samples, facts.frame_start, facts.frame_end),
        (SIZE, 1, 1, 1)
    );
    assert!(facts.tiles_exact && facts.slices_refused.is_some() && facts.tile_padding == 0);
    assert_eq!(facts.tile_step % 64, 0);
    assert_eq!(facts.output.name, "cat");
    let named: Vec<_> = facts
        .dependencies
        .iter()
        .map(|one| (one.reference.as_str(), one.kind.as_str()))
        .collect();
    assert_eq!(named, [("m.onnx", "model"), ("p.png", "image")]);
    // A picture of this size is its own thumbnail: there is nothing to tell.
    assert_eq!(facts.findings, []);
}

#[tokio::test]
async fn tiles_of_any_plan_and_of_any_process_merge_to_the_same_bytes() {
    // Larger than a cell, so that plans cut across cells.
    let size = Resolution {
        width: 700,
        height: 560,
    };
    let farm = Farm::with(&style(), "style-transfer", &png_of(size, false), "");
    let mut one = farm.open("one", 1, SessionPurpose::Rendering).await;
    let mut other = farm.open("other", 3, SessionPurpose::Rendering).await;
    let whole = encode(&render(one.as_mut(), size.whole()).await, Default::default()).unwrap();
    for (columns, rows) in [(3, 2), (1, 5)] {
        let tiles = grid(size, columns, rows);
        let pieced = encode(&merged(other.as_mut(), size, &tiles).await, Default::default()).unwrap();
        assert!(pieced == whole, "{columns}x{rows}");
    }
    // What an auditor renders again: a small crop somewhere.
    let crop = Rect {
        x: 490,
        y: 500,
        width: 40,
        height: 30,
    };
    let audited = render(one.as_mut(), crop).await;
    let delivered = rayswarm_imaging::crop(&render(other.as_mut(), size.whole()).await, crop).unwrap();
    assert!(rayswarm_imaging::compare(&audited, &delivered).unwrap().is_exact());
    one.close().await;
    other.close().await;
}

#[tokio::test]
async fn an_enlarged_picture_is_finished_with_its_transparency() {
    let size = Resolution { width: 61, height: 47 };
    let larger = Resolution { width: 122, height: 94 };
    let model = Layers::new().convolution(12, 3, 1).spread_out(2).file();
    let farm = Farm::with(&model, "upscale", &png_of(size, true), "");
    let facts = farm.inspect().await.unwrap();
    assert_eq!((facts.resolution, facts.output.color_mode.as_str()), (larger, "RGBA"));
    let mut session = farm.open("tiles", 2, SessionPurpose::Rendering).await;
    let picture = merged(session.as_mut(), larger, &grid(larger, 2, 2)).await;
    session.close().await;
    let raw = farm.folder.path().join("merged.exr");
    fs::write(&raw, encode(&picture, Default::default()).unwrap()).unwrap();
    let mut session = farm.open("finish", 1, SessionPurpose::Finishing).await;
    assert_eq!(session.resident(), Bytes(0), "finishing needs no process");
    for (format, name) in [
        (OutputFormat::Png, "out.png"),
        (OutputFormat::Jpeg, "out.jpg"),
        (OutputFormat::Exr, "out.exr"),
    ] {
        let request = FinishRequest {
            frame: 1,
            merged: raw.clone(),
            output: farm.folder.path().join("out"),
            format,
        };
        let files = session.finish(&request).await.unwrap();
        assert_eq!(files, [farm.folder.path().join(name)]);
    }
    let info = read_png(&farm.folder.path().join("out.png")).0;
    assert_eq!(
        (info.width, info.height, info.color_type),
        (122, 94, png::ColorType::Rgba)
    );
}

/// A network that gives what it takes: all that remains is the way through linear light and back.
#[tokio::test]
async fn values_go_through_raw_and_finished_pictures_unchanged() {
    let picture = png_of(SIZE, false);
    let farm = Farm::with(&Layers::new().enlarge(1.0).file(), "denoise", &picture, "");
    let mut session = farm.open("tiles", 1, SessionPurpose::Rendering).await;
    let raw = farm.folder.path().join("merged.exr");
    fs::write(
        &raw,
        encode(&render(session.as_mut(), SIZE.whole()).await, Default::default()).unwrap(),
    )
    .unwrap();
    let request = FinishRequest {
        frame: 1,
        merged: raw,
        output: farm.folder.path().join("out"),
        format: OutputFormat::Png,
    };
    session.finish(&request).await.unwrap();
    let given = farm.folder.path().join("given.png");
    fs::write(&given, &picture).unwrap();
    assert_eq!(read_png(&farm.folder.path().join("out.png")).1, read_png(&given).1);
}

fn read_png(path: &Path) -> (png::OutputInfo, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(fs::read(path).unwrap()))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info, pixels)
}
