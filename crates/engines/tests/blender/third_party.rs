//! Scenes that nobody here made, where they are present.

use crate::{
    farm::{Farm, inspection},
    testdata,
};
use rayswarm_engines::{Engine, EngineError};
use rayswarm_imaging::compare;
use rayswarm_model::{RenderSettings, Resolution};

/// Inspects a scene, and renders it tiny: whole and played from its first frame in one process, in tiles in another.
async fn is_exact(file: &str, renderer: Option<&str>, frame: i32) {
    let (Some(scene), Some(farm)) = (testdata::find(&format!("scenes/blender/{file}")), Farm::with(&[])) else {
        return;
    };
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

/// Inspects a scene that is not accepted: the code it gets, and a part of the sentence.
async fn is_refused(file: &str, wanted_code: &str, says: &str) {
    let (Some(scene), Some(farm)) = (testdata::find(&format!("scenes/blender/{file}")), Farm::with(&[])) else {
        return;
    };
    let mut request = inspection(&scene);
    request.renderer_override = Some("cycles".into());
    let refusals: Vec<(String, String)> = match farm.engine.inspect(&request).await {
        Ok(facts) => facts
            .refusals()
            .map(|finding| (finding.code.clone(), finding.message.clone()))
            .collect(),
        Err(error @ EngineError::Refused { code, .. }) => vec![(code.to_owned(), error.to_string())],
        Err(other) => panic!("{file}: {other}"),
    };
    let [(code, message)] = &refusals[..] else {
        panic!("{file}: {refusals:?}");
    };
    assert!(
        code == wanted_code && message.contains(says),
        "{file}: {code}: {message}"
    );
}

macro_rules! refused {
    ($($test:ident: $file:literal, $code:literal, $says:literal;)+) => {$(
        #[tokio::test]
        async fn $test() {
            is_refused($file, $code, $says).await;
        }
    )+};
}

refused! {
    a_scene_with_a_missing_texture: "chess/chess-scene.blend", "missing_files", "Brazilian_Rosewood.tif";
    a_file_of_nothing_but_its_first_bytes: "corrupt/corrupt_only_magic.blend", "unreadable", "Blender cannot read";
}
