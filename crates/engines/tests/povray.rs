//! The POV-Ray adapter with the real program in the real sandbox. Needs Debian's `povray` and `povray-includes`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "povray/finishing.rs"]
mod finishing;
mod testdata;
#[path = "povray/third_party.rs"]
mod third_party;

use rayswarm_engines::{
    Engine, EngineError, InspectRequest, PovRay, RenderRequest, Sandbox, SceneFile, Session, SessionLimits,
    SessionPurpose, SessionRequest, layout::session_view,
};
use rayswarm_imaging::{DecodeLimits, Picture, crop, decode};
use rayswarm_model::{
    Bytes, Rect, RenderSettings, Resolution, SceneFacts, Slice, TaskId, TaskSpec, Work, settings::Device,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const SIZE: Resolution = Resolution { width: 61, height: 47 };

/// A scene with an include of its own and one of POV-Ray's, reflections, and a clock.
const SCENE: &str = r##"#version 3.7;
global_settings { assumed_gamma 1.0 EXTRA }
#include "colors.inc"
#include "ball.inc"
camera { location <0, 1, -4> right x*image_width/image_height look_at 0 }
light_source { <5, 8, -5> color White*1.5 }
plane { y, -1 pigment { checker color Red, color White } finish { reflection 0.3 } }
object { Ball translate <clock*2 - 1, 0, 0> }
"##;
const BALL: &str =
    "#declare Ball = sphere { 0, 1 pigment { rgb <0.1, 0.6, 0.2> } finish { phong 0.8 reflection 0.2 } }";

struct Farm {
    folder: tempfile::TempDir,
    options: Vec<(String, String)>,
}

fn engine() -> PovRay {
    PovRay::detect(&Sandbox::detect().unwrap())
        .expect("POV-Ray 3.7 is not installed; run: apt-get install povray povray-includes")
}

fn limits(threads: u32) -> SessionLimits {
    SessionLimits {
        threads,
        memory: Bytes(2 << 30),
        nice: 0,
        device: Device::Cpu,
        silence: Duration::from_secs(60),
    }
}

impl Farm {
    /// The scene of these tests with `extra` in its global settings, and its INI file.
    fn with(extra: &str, ini: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = folder.path().join("scene");
        fs::create_dir(&scene).unwrap();
        fs::write(scene.join("ball.inc"), BALL).unwrap();
        fs::write(scene.join("main.pov"), SCENE.replace("EXTRA", extra)).unwrap();
        if !ini.is_empty() {
            fs::write(scene.join("main.ini"), ini).unwrap();
        }
        Self {
            folder,
            options: Vec::new(),
        }
    }

    fn scene(&self) -> PathBuf {
        self.folder.path().join("scene/main.pov")
    }

    async fn inspect(&self) -> Result<SceneFacts, EngineError> {
        inspect(&self.scene(), &self.options).await
    }

    async fn open(&self, scratch: &str, threads: u32) -> Box<dyn Session> {
        let facts = self.inspect().await.unwrap();
        assert_eq!(facts.refusals().count(), 0, "{:?}", facts.findings);
        open(
            &self.scene(),
            &facts,
            &self.options,
            &self.folder.path().join(scratch),
            threads,
            SIZE,
        )
        .await
    }
}

async fn inspect(scene: &Path, options: &[(String, String)]) -> Result<SceneFacts, EngineError> {
    let request = InspectRequest {
        frames: None,
        scene: scene.into(),
        include: Vec::new(),
        allow_missing: Vec::new(),
        renderer_override: None,
        options: options.to_vec(),
        limits: limits(1),
    };
    engine().inspect(&request).await
}

async fn open(
    scene: &Path,
    facts: &SceneFacts,
    options: &[(String, String)],
    scratch: &Path,
    threads: u32,
    resolution: Resolution,
) -> Box<dyn Session> {
    fs::create_dir_all(scratch).unwrap();
    let view = session_view(scene, facts);
    let settings = RenderSettings {
        resolution,
        samples: 1,
        renderer_override: None,
        allowed_missing: Vec::new(),
        options: options.to_vec(),
    };
    let request = SessionRequest {
        purpose: SessionPurpose::Rendering,
        scene: view.scene,
        files: view.files,
        settings,
        scratch: scratch.into(),
        limits: limits(threads),
    };
    engine().open(request).await.unwrap()
}

fn task(frame: i32, tile: Rect) -> RenderRequest {
    let task = TaskSpec {
        id: TaskId(0),
        frame,
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

/// Renders `tile` and checks that the file holds exactly it.
async fn render(session: &mut dyn Session, frame: i32, tile: Rect) -> Picture {
    let result = session.render(&task(frame, tile), &mut |_| {}).await.unwrap();
    assert_eq!(result.rect, tile);
    let bytes = fs::read(&result.picture).unwrap();
    decode(
        &bytes,
        &DecodeLimits::exactly(Resolution {
            width: tile.width,
            height: tile.height,
        }),
    )
    .unwrap()
}

#[tokio::test]
async fn tiles_equal_the_whole_bit_for_bit_on_any_number_of_threads() {
    let farm = Farm::with("", "");
    let whole = render(farm.open("whole", 2).await.as_mut(), 1, SIZE.whole()).await;
    let names: Vec<_> = whole
        .channels()
        .iter()
        .map(|channel| channel.name().to_owned())
        .collect();
    assert_eq!(names, ["B", "G", "R"]);
    let mut session = farm.open("tiles", 1).await;
    for (x, y, width, height) in [
        (0, 0, 30, 20),
        (30, 0, 31, 20),
        (0, 20, 61, 26),
        (60, 46, 1, 1),
        (0, 46, 1, 1),
    ] {
        let tile = Rect { x, y, width, height };
        assert_eq!(
            render(session.as_mut(), 1, tile).await,
            crop(&whole, tile).unwrap(),
            "{tile}"
        );
    }
    session.close().await;
}

#[tokio::test]
async fn a_session_leaves_only_its_results() {
    let farm = Farm::with("", "");
    let mut session = farm.open("scratch", 1).await;
    let mut told = Vec::new();
    let result = session
        .render(&task(1, SIZE.whole()), &mut |permille| told.push(permille))
        .await
        .unwrap();
    assert_eq!(told.last(), Some(&1000));
    assert!(told.is_sorted());
    fs::remove_file(result.picture).unwrap();
    assert_eq!(fs::read_dir(farm.folder.path().join("scratch")).unwrap().count(), 0);
}

#[tokio::test]
async fn the_clock_of_a_frame_depends_on_the_declared_range_alone() {
    let farm = Farm::with("", "Final_Frame=5\nWidth=160\nHeight=120\n");
    let facts = farm.inspect().await.unwrap();
    assert_eq!((facts.frame_start, facts.frame_end), (1, 5));
    assert_eq!(
        facts.resolution,
        Resolution {
            width: 160,
            height: 120
        }
    );
    assert_eq!(facts.output.name, "main#");
    let mut session = farm.open("a", 1).await;
    // The third of five frames has clock 0.5, as a still with that clock has.
    let third = render(session.as_mut(), 3, SIZE.whole()).await;
    let mut still = Farm::with("", "");
    still.options = vec![("clock".into(), "0.5".into())];
    assert_eq!(third, render(still.open("b", 1).await.as_mut(), 1, SIZE.whole()).await);
    assert_ne!(third, render(session.as_mut(), 4, SIZE.whole()).await);
    let outside = session.render(&task(6, SIZE.whole()), &mut |_| {}).await.unwrap_err();
    assert!(outside.to_string().contains("1-5"), "{outside}");
}

#[tokio::test]
async fn a_scene_shown_as_a_folder_is_the_same_scene() {
    // The order of tracing matters to radiosity: the session must see it in the text, and the INI file beside it.
    let farm = Farm::with("radiosity { count 20 error_bound 0.5 }", "Final_Frame=3\n");
    let one_by_one = render(farm.open("a", 2).await.as_mut(), 2, SIZE.whole()).await;
    let scratch = farm.folder.path().join("b");
    fs::create_dir_all(&scratch).unwrap();
    let request = SessionRequest {
        purpose: SessionPurpose::Rendering,
        scene: "/scene/main.pov".into(),
        files: vec![SceneFile {
            host: farm.folder.path().join("scene"),
            inside: "/scene".into(),
        }],
        settings: RenderSettings {
            resolution: SIZE,
            samples: 1,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        },
        scratch,
        limits: limits(2),
    };
    let mut session = engine().open(request).await.unwrap();
    assert_eq!(one_by_one, render(session.as_mut(), 2, SIZE.whole()).await);
}

#[tokio::test]
async fn what_cannot_be_split_is_said() {
    let facts = Farm::with("", "").inspect().await.unwrap();
    assert!(
        facts.tiles_exact && facts.slices_refused.is_some() && facts.findings.is_empty(),
        "{:?}",
        facts.findings
    );
    assert_eq!(facts.saved_by, "POV-Ray 3.7");
    for (extra, ini, code) in [
        ("", "Antialias=on", "antialiasing"),
        ("radiosity { count 8 }", "", "radiosity"),
        ("photons { spacing 0.1 }", "", "photons"),
    ] {
        let facts = Farm::with(extra, ini).inspect().await.unwrap();
        assert!(!facts.tiles_exact);
        assert_eq!(
            facts
                .findings
                .iter()
                .map(|finding| finding.code.as_str())
                .collect::<Vec<_>>(),
            [code]
        );
        assert_eq!(facts.refusals().count(), 0);
    }
}

#[tokio::test]
async fn radiosity_and_antialiasing_repeat_as_whole_frames() {
    for (extra, ini) in [
        ("radiosity { count 20 error_bound 0.5 } photons { spacing 0.05 }", ""),
        ("", "Antialias=on"),
    ] {
        let farm = Farm::with(extra, ini);
        let first = render(farm.open("a", 2).await.as_mut(), 1, SIZE.whole()).await;
        assert_eq!(first, render(farm.open("b", 1).await.as_mut(), 1, SIZE.whole()).await);
    }
}

#[tokio::test]
async fn a_scene_that_cannot_work_is_refused_before_it_is_rendered() {
    let refusals = |source: &'static str| async move {
        let farm = Farm::with("", "");
        fs::write(farm.scene(), source).unwrap();
        let facts = farm.inspect().await.unwrap();
        let refusals: Vec<_> = facts
            .refusals()
            .map(|finding| (finding.code.clone(), finding.message.clone()))
            .collect();
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        refusals.into_iter().next().unwrap()
    };
    let (code, message) = refusals("#include \"gone.inc\"").await;
    assert_eq!(code, "missing_files");
    assert!(message.contains("gone.inc"), "{message}");
    let (code, message) = refusals("sphere { 0, 1 pigmment { rgb 1 } }").await;
    assert_eq!(code, "does_not_parse");
    assert!(message.contains("pigmment") && message.contains("line 1"), "{message}");
    assert_eq!(refusals("#declare r = seed(now);").await.0, "reads_clock");
    assert_eq!(refusals("#fopen F \"x.txt\" write").await.0, "writes_files");
    // A name that is computed is not seen by reading; the trial finds that it leads nowhere.
    assert_eq!(
        refusals("#include concat(\"go\", \"ne.inc\")").await.0,
        "does_not_parse"
    );
}

#[tokio::test]
async fn a_scene_reads_nothing_but_its_own_files() {
    let farm = Farm::with("", "");
    let secret = farm.folder.path().join("secret.inc");
    fs::write(&secret, "#error \"the secret\"").unwrap();
    for path in [
        secret.to_str().unwrap(),
        "../secret.inc",
        "/etc/passwd",
        "/etc/hostname",
    ] {
        // A name in two pieces, which the reading of the text does not see.
        let (start, end) = path.split_at(path.len() - 1);
        fs::write(farm.scene(), format!("#include concat(\"{start}\", \"{end}\")")).unwrap();
        let facts = farm.inspect().await.unwrap();
        let message = &facts.refusals().next().unwrap().message;
        assert!(message.contains("Cannot open include file"), "{path}: {message}");
    }
}

#[tokio::test]
async fn slices_and_broken_scenes_fail_with_reasons() {
    let farm = Farm::with("", "");
    let mut session = farm.open("scratch", 1).await;
    let mut sliced = task(1, SIZE.whole());
    sliced.task.slice = Slice {
        index: 0,
        count: 2,
        offset: 0,
        length: 1,
    };
    assert!(matches!(
        session.render(&sliced, &mut |_| {}).await,
        Err(EngineError::Refused { code: "slices", .. })
    ));
    fs::write(farm.folder.path().join("scene/ball.inc"), "#error \"no ball today\"").unwrap();
    let failed = session
        .render(&task(1, SIZE.whole()), &mut |_| {})
        .await
        .unwrap_err()
        .to_string();
    assert!(failed.contains("no ball today"), "{failed}");
}
