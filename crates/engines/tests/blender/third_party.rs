//! Scenes that nobody here made, where they are present: `$RAYSWARM_TESTDATA/scenes/blender`.

use crate::farm::{Farm, inspection};
use rayswarm_engines::Engine;
use rayswarm_imaging::compare;
use rayswarm_model::{RenderSettings, Resolution};
use std::path::{Path, PathBuf};

fn folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("RAYSWARM_TESTDATA").map_or(beside, PathBuf::from);
    let scenes = root.join("scenes/blender").canonicalize().ok();
    if scenes.is_none() {
        eprintln!("skipped: no scenes in {}; set RAYSWARM_TESTDATA", root.display());
    }
    scenes
}

/// Inspects a scene, and renders it tiny: whole in one process, in tiles in another.
async fn is_exact(file: &str, renderer: Option<&str>, frame: i32) {
    let (Some(scenes), Some(farm)) = (folder(), Farm::with(&[])) else {
        return;
    };
    let scene = scenes.join(file);
    if !scene.is_file() {
        eprintln!("skipped: no {}", scene.display());
        return;
    }
    let mut request = inspection(&scene);
    request.renderer_override = renderer.map(str::to_owned);
    let facts = farm.engine.inspect(&request).await.unwrap();
    assert_eq!(facts.refusals().collect::<Vec<_>>(), [] as [&_; 0]);
    let longest = facts.resolution.width.max(facts.resolution.height);
    let side = |pixels: u32| (pixels * 64 / longest).max(16);
    let resolution = Resolution {
        width: side(facts.resolution.width),
        height: side(facts.resolution.height),
    };
    let settings = RenderSettings {
        resolution,
        samples: 4,
        renderer_override: renderer.map(str::to_owned),
        allowed_missing: Vec::new(),
        options: Vec::new(),
    };
    let (whole, merged) = farm.whole_and_tiles(&scene, &facts, &settings, frame).await;
    let comparison = compare(&whole, &merged).unwrap();
    assert!(comparison.is_exact(), "{file}: {comparison:?}");
}

macro_rules! exact {
    ($($test:ident: $file:literal, $renderer:expr, $frame:literal;)+) => {$(
        #[tokio::test]
        async fn $test() {
            is_exact($file, $renderer, $frame).await;
        }
    )+};
}

exact! {
    bmw27: "bmw27/bmw27_cpu.blend", None, 1;
    the_column: "the_column/the_column.blend", None, 1;
    cubes: "cubes/cubes.blend", None, 30;
    f9r: "f9r-v2/f9r-v2.blend", None, 0;
    x220: "x220/x220.blend", None, 90;
    stargate: "stargate/stargate.blend", None, 100;
    dna: "dna/dna.blend", Some("cycles"), 1;
    udim: "udim/v01_UDIM_BAT_debugging.blend", Some("cycles"), 1;
    suzanne: "suzanne248/Suzanne_248.blend", Some("cycles"), 1;
    cube_compositor: "cube_compositor/cube_compositor.blend", Some("cycles"), 1;
}

#[tokio::test]
async fn a_scene_with_a_missing_texture_is_refused_by_its_name() {
    let (Some(scenes), Some(farm)) = (folder(), Farm::with(&[])) else {
        return;
    };
    let scene = scenes.join("chess/chess-scene.blend");
    if scene.is_file() {
        let mut request = inspection(&scene);
        request.renderer_override = Some("cycles".into());
        let facts = farm.engine.inspect(&request).await.unwrap();
        let refusals: Vec<_> = facts
            .refusals()
            .map(|finding| (finding.code.as_str(), finding.message.as_str()))
            .collect();
        assert!(matches!(refusals[..], [("missing_files", message)] if message.contains("Brazilian_Rosewood.tif")));
    }
}
