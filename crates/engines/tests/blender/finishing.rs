//! Finishing a merged frame gives what plain Blender gives.

use crate::farm::{Farm, all, own_settings, read, render};
use rayswarm_engines::FinishRequest;
use rayswarm_imaging::{Compression, Picture, encode};
use rayswarm_model::settings::OutputFormat;
use std::{fs, path::PathBuf};

/// What Cycles' own denoiser and the one after the merge may differ by; measured 5.7e-5 at most.
const DENOISED_BOUND: f64 = 1e-4;

/// Renders and finishes one frame in every format; returns the scene-linear picture and the one of plain Blender.
async fn finish(farm: &Farm, name: &str, frame: i32) -> (Picture, Picture) {
    let scene = farm.scene(name);
    let facts = farm.inspect(&scene).await.unwrap();
    let settings = own_settings(&facts);
    let mut session = farm.open(&scene, &facts, settings.clone()).await;
    let tile = settings.resolution.whole();
    let raw = render(session.as_mut(), &facts, &settings, frame, tile, all(&settings)).await;
    let merged = farm.path("merged.exr");
    fs::write(&merged, encode(&raw, Compression::Uncompressed).unwrap()).unwrap();
    let mut finisher = farm.open_finishing(&scene, &facts, settings.clone()).await;
    for format in [
        OutputFormat::Png,
        OutputFormat::Jpeg,
        OutputFormat::ExrMultilayer,
        OutputFormat::Exr,
    ] {
        let output = farm.path("frame.0001");
        let request = FinishRequest {
            frame,
            merged: merged.clone(),
            output: output.clone(),
            format,
        };
        let files = finisher.finish(&request).await.unwrap();
        assert_eq!(
            files,
            [PathBuf::from(format!("{}.{}", output.display(), format.extension()))]
        );
        let start = fs::read(&files[0]).unwrap()[..4].to_vec();
        match format {
            OutputFormat::Png => assert_eq!(start, *b"\x89PNG"),
            OutputFormat::Jpeg => assert_eq!(start[..2], *b"\xff\xd8"),
            _ => assert_eq!(start, [0x76, 0x2f, 0x31, 0x01]),
        }
        if format == OutputFormat::ExrMultilayer {
            let passes = read(&files[0]);
            assert!(
                raw.channels().iter().all(|one| passes.channel(one.name()).is_some()),
                "{name} lost passes"
            );
        }
    }
    finisher.close().await;
    let on_all_processors = read(&farm.path("frame.0001.exr"));
    // A session for rendering finishes as well, on one thread: same picture. And renders tiles again.
    let request = FinishRequest {
        frame,
        merged: merged.clone(),
        output: farm.path("again"),
        format: OutputFormat::Exr,
    };
    let files = session.finish(&request).await.unwrap();
    assert!(
        rayswarm_imaging::compare(&on_all_processors, &read(&files[0]))
            .unwrap()
            .is_exact()
    );
    let again = render(session.as_mut(), &facts, &settings, frame, tile, all(&settings)).await;
    assert!(rayswarm_imaging::compare(&raw, &again).unwrap().is_exact());
    session.close().await;

    let plain = farm.path("plain.exr");
    farm.python("render_plain.py", &[scene, frame.to_string().into(), plain.clone()]);
    (read(&farm.path("frame.0001.exr")), read(&plain))
}

/// The largest absolute difference of any channel.
fn difference(one: &Picture, other: &Picture) -> f64 {
    let names = |picture: &Picture| {
        picture
            .channels()
            .iter()
            .map(|channel| channel.name().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(one), names(other));
    let mut worst = 0.0f64;
    for (left, right) in one.channels().iter().zip(other.channels()) {
        for index in 0..left.samples().len() {
            let (left, right) = (left.samples().get(index).unwrap(), right.samples().get(index).unwrap());
            worst = worst.max((left.value() - right.value()).abs());
        }
    }
    worst
}

macro_rules! finishes {
    ($($test:ident: $name:literal at $frame:literal within $bound:expr),+ $(,)?) => {$(
        #[tokio::test]
        async fn $test() {
            let Some(farm) = Farm::with(&[$name]) else { return };
            let (finished, plain) = finish(&farm, $name, $frame).await;
            let found = difference(&finished, &plain);
            assert!(found <= $bound, "{} differs by {found}", $name);
            assert!(!farm.path("scenes/stolen").exists(), "a File Output node wrote");
        }
    )+};
}

finishes! {
    without_compositor: "odd" at 3 within 0.0,
    with_a_compositor: "composed" at 1 within 0.0,
    with_cryptomatte: "cryptomatte" at 1 within 0.0,
    with_a_denoiser: "denoised" at 1 within DENOISED_BOUND,
    with_layers_of_which_one_is_denoised: "layers" at 1 within DENOISED_BOUND,
    with_markers: "markers" at 10 within 0.0,
}

/// Finishes frame 1 of a scene in one format.
async fn finished(farm: &Farm, name: &str, format: OutputFormat) -> Vec<u8> {
    let scene = farm.scene(name);
    let facts = farm.inspect(&scene).await.unwrap();
    let settings = own_settings(&facts);
    let mut session = farm.open(&scene, &facts, settings.clone()).await;
    let tile = settings.resolution.whole();
    let raw = render(session.as_mut(), &facts, &settings, 1, tile, all(&settings)).await;
    let merged = farm.path("merged.exr");
    fs::write(&merged, encode(&raw, Compression::Uncompressed).unwrap()).unwrap();
    let request = FinishRequest {
        frame: 1,
        merged,
        output: farm.path("frame"),
        format,
    };
    let files = session.finish(&request).await.unwrap();
    session.close().await;
    fs::read(&files[0]).unwrap()
}

/// The bytes of an attribute of an OpenEXR header.
fn attribute<'a>(file: &'a [u8], name: &str, kind: &str) -> &'a [u8] {
    let key = [name.as_bytes(), &[0], kind.as_bytes(), &[0]].concat();
    let at = file.windows(key.len()).position(|window| window == key).unwrap() + key.len();
    let length = u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    &file[at + 4..at + 4 + length]
}

#[tokio::test]
async fn the_file_s_own_depth_and_codec_are_kept() {
    let Some(farm) = Farm::with(&["tiff", "halves", "plain"]) else {
        return;
    };
    // Bit depth and colour type stand at fixed places of a PNG.
    let png = finished(&farm, "tiff", OutputFormat::Png).await;
    assert_eq!(png[24], 16, "a 16-bit TIFF becomes a 16-bit PNG");
    let png = finished(&farm, "plain", OutputFormat::Png).await;
    assert_eq!(png[24], 8);

    for format in [OutputFormat::Exr, OutputFormat::ExrMultilayer] {
        let exr = finished(&farm, "halves", format).await;
        // PIZ is compression 4; of a channel the type follows its name, and HALF is 1.
        assert_eq!(attribute(&exr, "compression", "compression"), [4], "{format:?}");
        let channels = attribute(&exr, "channels", "chlist");
        let name = channels.iter().position(|byte| *byte == 0).unwrap();
        assert_eq!(channels[name + 1..name + 5], [1, 0, 0, 0], "{format:?}");
    }
    let exr = finished(&farm, "plain", OutputFormat::Exr).await;
    assert_eq!(
        attribute(&exr, "compression", "compression"),
        [3],
        "ZIP, with nothing lost"
    );
}
