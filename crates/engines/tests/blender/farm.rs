//! One installed Blender, a folder of small scenes, and what the tests do with them.

use rayswarm_engines::{
    Blender, Engine, EngineError, InspectRequest, RenderRequest, Sandbox, Session, SessionLimits, SessionPurpose,
    SessionRequest, Store, layout::session_view,
};
use rayswarm_imaging::{DecodeLimits, Merger, Part, Picture, crop, decode};
use rayswarm_model::{
    Bytes, Rect, RenderSettings, Resolution, SceneFacts, Slice, TaskId, TaskSpec, Work, settings::Device,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

pub struct Farm {
    pub engine: Blender,
    pub folder: tempfile::TempDir,
    python: PathBuf,
}

impl Farm {
    /// A farm with the scenes `names` of `engines/blender/tests/make_scenes.py`, or `None` without a Blender.
    pub fn with(names: &[&str]) -> Option<Self> {
        let store = Store::open_default().unwrap();
        let Some(install) = store.list().into_iter().find(|install| install.folder.is_some()) else {
            eprintln!(
                "skipped: no Blender in {}; run: rayswarm engines install blender",
                store.folder().display()
            );
            return None;
        };
        let python = install.folder.as_ref().unwrap().join("bin/python");
        let farm = Self {
            engine: Blender::new(install, Sandbox::detect().unwrap()),
            // Not in /tmp, which sandboxes have one of their own of: a scene here names a file by its absolute path.
            folder: tempfile::tempdir_in("/var/tmp").unwrap(),
            python,
        };
        // The sandbox's own user reads what is here.
        Command::new("chmod")
            .arg("o+rx")
            .arg(farm.folder.path())
            .status()
            .unwrap();
        if !names.is_empty() {
            let mut arguments = vec![farm.path("scenes")];
            arguments.extend(names.iter().map(PathBuf::from));
            farm.python("make_scenes.py", &arguments);
        }
        Some(farm)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn scene(&self, name: &str) -> PathBuf {
        self.path("scenes").join(format!("{name}.blend"))
    }

    /// Runs one of the scripts beside the session with Blender's Python, outside any sandbox.
    pub fn python(&self, script: &str, arguments: &[PathBuf]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../engines/blender/tests")
            .join(script);
        let mut command = Command::new(&self.python);
        command
            .arg(script)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        assert!(command.status().unwrap().success());
    }

    pub async fn inspect(&self, scene: &Path) -> Result<SceneFacts, EngineError> {
        self.engine.inspect(&inspection(scene)).await
    }

    /// A session of `scene` as a provider would open it.
    pub async fn open(&self, scene: &Path, facts: &SceneFacts, settings: RenderSettings) -> Box<dyn Session> {
        self.engine.open(self.request(scene, facts, settings)).await.unwrap()
    }

    /// A session of `scene` as a requestor would open it to finish frames.
    pub async fn open_finishing(&self, scene: &Path, facts: &SceneFacts, settings: RenderSettings) -> Box<dyn Session> {
        let request = SessionRequest {
            purpose: SessionPurpose::Finishing,
            ..self.request(scene, facts, settings)
        };
        self.engine.open(request).await.unwrap()
    }

    pub fn request(&self, scene: &Path, facts: &SceneFacts, settings: RenderSettings) -> SessionRequest {
        let view = session_view(scene, facts);
        let scratch = self.path("scratch");
        fs::create_dir_all(&scratch).unwrap();
        SessionRequest {
            purpose: SessionPurpose::Rendering,
            scene: view.scene,
            files: view.files,
            settings,
            scratch,
            limits: limits(),
        }
    }

    /// The whole frame from one session that was played from the scene's first frame on, and the merge of 2×2 tiles from
    /// another process that does as `facts` say. A simulation that inspection overlooks makes the two differ.
    pub async fn whole_and_tiles(
        &self,
        scene: &Path,
        facts: &SceneFacts,
        settings: &RenderSettings,
        frame: i32,
    ) -> (Picture, Picture) {
        let mut session = self.open(scene, facts, settings.clone()).await;
        let played = SceneFacts {
            sequential: true,
            ..facts.clone()
        };
        let whole = render(
            session.as_mut(),
            &played,
            settings,
            frame,
            settings.resolution.whole(),
            all(settings),
        )
        .await;
        session.close().await;
        let mut session = self.open(scene, facts, settings.clone()).await;
        let tiles = quarters(settings.resolution);
        let slices = [all(settings)];
        let mut merger = Merger::new(settings.resolution, &tiles, &slices, Bytes(1 << 30)).unwrap();
        // Not in order, so that nothing depends on it.
        for tile in [tiles[3], tiles[0], tiles[2], tiles[1]] {
            merger
                .add(part(session.as_mut(), facts, settings, frame, tile, slices[0]).await)
                .unwrap();
        }
        session.close().await;
        (whole, merger.finish().unwrap())
    }
}

pub fn inspection(scene: &Path) -> InspectRequest {
    InspectRequest {
        scene: scene.to_owned(),
        include: Vec::new(),
        allow_missing: Vec::new(),
        renderer_override: None,
        options: Vec::new(),
        frames: None,
        limits: limits(),
    }
}

pub fn limits() -> SessionLimits {
    SessionLimits {
        threads: 1,
        memory: Bytes(4 << 30),
        nice: 0,
        device: Device::Cpu,
        silence: Duration::from_secs(60),
    }
}

/// The scene's own settings.
pub fn own_settings(facts: &SceneFacts) -> RenderSettings {
    RenderSettings {
        resolution: facts.resolution,
        samples: facts.samples,
        renderer_override: None,
        allowed_missing: Vec::new(),
        options: Vec::new(),
    }
}

pub fn all(settings: &RenderSettings) -> Slice {
    Slice::whole(settings.samples)
}

/// Four unequal tiles.
pub fn quarters(Resolution { width, height }: Resolution) -> [Rect; 4] {
    let (x, y) = (width / 2 + 3, height / 3 + 1);
    [
        (0, 0, x, y),
        (x, 0, width - x, y),
        (0, y, x, height - y),
        (x, y, width - x, height - y),
    ]
    .map(|(x, y, width, height)| Rect { x, y, width, height })
}

/// Renders one task; the picture holds the tile without its padding.
pub async fn render(
    session: &mut dyn Session,
    facts: &SceneFacts,
    settings: &RenderSettings,
    frame: i32,
    tile: Rect,
    slice: Slice,
) -> Picture {
    let Part {
        tile, held, picture, ..
    } = part(session, facts, settings, frame, tile, slice).await;
    crop(
        &picture,
        Rect {
            x: tile.x - held.x,
            y: tile.y - held.y,
            ..tile
        },
    )
    .unwrap()
}

/// Renders one task.
pub async fn part(
    session: &mut dyn Session,
    facts: &SceneFacts,
    settings: &RenderSettings,
    frame: i32,
    tile: Rect,
    slice: Slice,
) -> Part {
    let request = task(facts, frame, tile, slice);
    let mut last = 0;
    let result = session.render(&request, &mut |milli| last = milli).await.unwrap();
    assert!(last <= 1000 && result.cpu.millis > 0 && result.peak_memory.0 > 100 << 20);
    assert_eq!(result.rect, tile.padded(facts.tile_padding, settings.resolution));
    let picture = read(&result.picture);
    fs::remove_file(&result.picture).unwrap();
    Part {
        tile,
        slice,
        held: result.rect,
        picture,
    }
}

pub fn task(facts: &SceneFacts, frame: i32, tile: Rect, slice: Slice) -> RenderRequest {
    let task = TaskSpec {
        id: TaskId(7),
        frame,
        tile,
        slice,
        work: Work { milli_wu: 1000 },
    };
    RenderRequest {
        task,
        padding: facts.tile_padding,
        play_from: facts.sequential.then_some(facts.frame_start),
    }
}

pub fn read(path: &Path) -> Picture {
    decode(&fs::read(path).unwrap(), &DecodeLimits::default()).unwrap()
}
