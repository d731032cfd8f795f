//! What inspection says.

use crate::farm::{Farm, all, inspection, own_settings, render};
use rayswarm_engines::{Engine, layout::session_view};
use rayswarm_imaging::compare;
use rayswarm_model::{
    SceneFacts,
    scene::{DependencyState, Severity},
};
use std::fs;

fn codes(facts: &SceneFacts, severity: Severity) -> Vec<&str> {
    facts
        .findings
        .iter()
        .filter(|found| found.severity == severity)
        .map(|found| found.code.as_str())
        .collect()
}

/// The message of the finding called `code`.
fn message<'a>(facts: &'a SceneFacts, code: &str) -> &'a str {
    let found = facts.findings.iter().find(|finding| finding.code == code);
    &found
        .unwrap_or_else(|| panic!("no {code} in {:#?}", facts.findings))
        .message
}

#[tokio::test]
async fn facts_of_several_scenes() {
    let Some(farm) = Farm::with(&["odd", "adaptive", "markers", "layers", "composed"]) else {
        return;
    };
    let odd = farm.inspect(&farm.scene("odd")).await.unwrap();
    assert_eq!(odd.resolution, "61x47".parse().unwrap());
    assert_eq!(
        (odd.pixel_aspect_milli, odd.frame_start, odd.frame_end, odd.samples),
        (1500, 1, 24, 8)
    );
    assert_eq!((odd.frame_rate.numerator, odd.frame_rate.denominator), (24, 1));
    assert_eq!(
        (odd.output.name.as_str(), odd.output.format.as_str()),
        ("frame_####", "png")
    );
    assert_eq!((odd.engine.as_str(), odd.renderer.as_str()), ("blender", "CYCLES"));
    assert!(odd.saved_by.starts_with("Blender 4."), "{}", odd.saved_by);
    assert!(odd.tiles_exact && !odd.sequential && odd.slices_refused.is_none() && odd.tile_padding == 0);
    assert!((200 << 20..1 << 30).contains(&odd.memory_estimate.0));

    let adaptive = farm.inspect(&farm.scene("adaptive")).await.unwrap();
    assert!(adaptive.adaptive_sampling && adaptive.tile_padding == 16);
    assert!(adaptive.slices_refused.unwrap().contains("adaptive sampling"));

    let markers = farm.inspect(&farm.scene("markers")).await.unwrap();
    let bound: Vec<_> = markers
        .cameras
        .iter()
        .map(|one| (one.name.as_str(), one.active, &one.marker_frames[..]))
        .collect();
    assert_eq!(bound, [("Camera", true, &[1][..]), ("Second", false, &[10][..])]);

    let layers = farm.inspect(&farm.scene("layers")).await.unwrap();
    assert!(layers.denoise && layers.compositor);
    let passes: Vec<_> = layers.view_layers.iter().map(|layer| layer.passes.join(" ")).collect();
    assert_eq!(
        passes,
        ["Combined", "Combined Denoising Normal Denoising Albedo Denoising Depth"]
    );

    // Of mist, depth and UV the compositor reads mist only; the File Output node is said to write nothing.
    let composed = farm.inspect(&farm.scene("composed")).await.unwrap();
    assert_eq!(composed.view_layers[0].passes, ["Combined", "Mist"]);
    assert_eq!(codes(&composed, Severity::Warning), ["file_output"]);
    let every = inspection(&farm.scene("composed"));
    let every = rayswarm_engines::InspectRequest {
        options: vec![("passes".into(), "all".into())],
        ..every
    };
    assert_eq!(
        farm.engine.inspect(&every).await.unwrap().view_layers[0].passes,
        ["Combined", "Depth", "Mist", "UV"]
    );
}

#[tokio::test]
async fn files_outside_the_scene_s_folder_wait_for_consent() {
    let Some(farm) = Farm::with(&["files"]) else { return };
    let scene = farm.path("scenes/project/shots/files.blend");
    let facts = farm.inspect(&scene).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), ["needs_consent"]);
    let waiting: Vec<_> = facts
        .dependencies_in(DependencyState::NeedsConsent)
        .map(|one| one.kind.as_str())
        .collect();
    assert_eq!(waiting, ["image", "library", "image"], "{:#?}", facts.dependencies);
    assert_eq!(session_view(&scene, &facts).scene, "/scene/files.blend");

    let mut request = inspection(&scene);
    request.include = vec![farm.path("scenes/project"), farm.path("scenes/elsewhere/far.png")];
    let facts = farm.engine.inspect(&request).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), [] as [&str; 0]);
    // The library's own picture came to light only when the library did.
    let found: Vec<_> = facts
        .dependencies_in(DependencyState::Found)
        .map(|one| one.path.clone().unwrap())
        .collect();
    assert!(
        found.contains(&farm.path("scenes/project/library/textures/inner.png")),
        "{found:?}"
    );
    assert_eq!(found.len(), 5, "{found:?}");
    let view = session_view(&scene, &facts);
    assert_eq!(view.scene, "/scene/shots/files.blend");
    let far = farm.path("scenes/elsewhere/far.png").display().to_string();
    assert!(view.files.iter().any(|file| file.inside == far));
    let settings = own_settings(&facts);
    let mut session = farm.open(&scene, &facts, settings.clone()).await;
    render(
        session.as_mut(),
        &facts,
        &settings,
        1,
        settings.resolution.whole(),
        all(&settings),
    )
    .await;
    session.close().await;
}

#[tokio::test]
async fn missing_files_are_refused_unless_allowed_by_name() {
    let Some(farm) = Farm::with(&["missing"]) else { return };
    let scene = farm.scene("missing");
    let facts = farm.inspect(&scene).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), ["missing_files"]);
    let message = &facts.refusals().next().unwrap().message;
    assert!(
        message.contains("//textures/gone.png") && message.contains("wood.png"),
        "{message}"
    );

    // A session that is opened all the same does not paint magenta.
    let opened = farm
        .engine
        .open(farm.request(&scene, &facts, own_settings(&facts)))
        .await;
    let error = opened.err().unwrap().to_string();
    assert!(error.contains("//textures/gone.png"), "{error}");

    let names: Vec<_> = facts
        .dependencies_in(DependencyState::Missing)
        .map(|one| one.reference.clone())
        .collect();
    let request = rayswarm_engines::InspectRequest {
        allow_missing: names.clone(),
        ..inspection(&scene)
    };
    let facts = farm.engine.inspect(&request).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), [] as [&str; 0]);
    assert_eq!(codes(&facts, Severity::Warning), ["missing_files_allowed"]);
    let settings = rayswarm_model::RenderSettings {
        allowed_missing: names,
        ..own_settings(&facts)
    };
    farm.open(&scene, &facts, settings).await.close().await;
}

#[tokio::test]
async fn what_cannot_be_distributed_is_refused_with_a_way_out() {
    let Some(farm) = Farm::with(&[
        "no_camera",
        "border",
        "eevee",
        "stereo",
        "hurried",
        "falling",
        "beveled",
        "tiff",
        "pencil",
    ]) else {
        return;
    };
    for (name, severity, code) in [
        ("no_camera", Severity::Refusal, "no_camera"),
        ("border", Severity::Refusal, "border"),
        ("eevee", Severity::Refusal, "renderer"),
        ("stereo", Severity::Refusal, "multiview"),
        ("hurried", Severity::Warning, "time_limit"),
        ("falling", Severity::Warning, "unbaked_simulation"),
        ("beveled", Severity::Note, "bevel_uv"),
        ("tiff", Severity::Warning, "format_replaced"),
        ("pencil", Severity::Refusal, "grease_pencil"),
    ] {
        let facts = farm.inspect(&farm.scene(name)).await.unwrap();
        assert_eq!(codes(&facts, severity), [code], "{name}");
        assert!(
            facts.findings.iter().all(|finding| !finding.remedy.is_empty()),
            "{name}"
        );
    }
    let request = inspection(&farm.scene("eevee"));
    let request = rayswarm_engines::InspectRequest {
        renderer_override: Some("cycles".into()),
        ..request
    };
    let facts = farm.engine.inspect(&request).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), [] as [&str; 0]);
    let request = inspection(&farm.scene("border"));
    let request = rayswarm_engines::InspectRequest {
        options: vec![("border".into(), "ignore".into())],
        ..request
    };
    assert_eq!(
        codes(&farm.engine.inspect(&request).await.unwrap(), Severity::Refusal),
        [] as [&str; 0]
    );
}

#[tokio::test]
async fn instances_and_background_scenes_are_looked_into() {
    let Some(farm) = Farm::with(&["instanced", "backdrop"]) else {
        return;
    };
    let instanced = farm.inspect(&farm.scene("instanced")).await.unwrap();
    assert_eq!(codes(&instanced, Severity::Refusal), [] as [&str; 0]);
    assert_eq!(codes(&instanced, Severity::Warning), ["unbaked_simulation", "tiles"]);
    assert_eq!(codes(&instanced, Severity::Note), ["bevel_uv"]);
    let warning = message(&instanced, "unbaked_simulation");
    assert!(instanced.sequential && warning.contains("Flag (cloth)"), "{warning}");
    assert!(!instanced.tiles_exact);
    assert!(instanced.slices_refused.unwrap().contains("shadow catchers"));

    let backdrop = farm.inspect(&farm.scene("backdrop")).await.unwrap();
    let warning = message(&backdrop, "unbaked_simulation");
    assert!(
        backdrop.sequential && warning.contains("Scene (rigid body)"),
        "{warning}"
    );
}

#[tokio::test]
async fn an_instanced_simulation_is_played() {
    let Some(farm) = Farm::with(&["instanced"]) else { return };
    let scene = farm.scene("instanced");
    let facts = farm.inspect(&scene).await.unwrap();
    let settings = own_settings(&facts);
    let tile = settings.resolution.whole();
    let mut pictures = Vec::new();
    let careless = SceneFacts {
        sequential: false,
        ..facts.clone()
    };
    for facts in [&facts, &facts, &careless] {
        let mut session = farm.open(&scene, facts, settings.clone()).await;
        pictures.push(render(session.as_mut(), facts, &settings, 20, tile, all(&settings)).await);
        session.close().await;
    }
    assert!(compare(&pictures[0], &pictures[1]).unwrap().is_exact());
    assert!(
        !compare(&pictures[0], &pictures[2]).unwrap().is_exact(),
        "jumping is right here, so playing proves nothing"
    );
}

#[tokio::test]
async fn fluids_are_refused_where_their_solver_does_not_work() {
    let Some(farm) = Farm::with(&["liquid"]) else { return };
    let facts = farm.inspect(&farm.scene("liquid")).await.unwrap();
    assert_eq!(
        codes(&facts, Severity::Refusal),
        ["fluid_solver", "unbaked_fluid", "missing_files"]
    );
    assert!(message(&facts, "unbaked_fluid").contains("Cube (flow)"));
}

#[tokio::test]
async fn drivers_that_fail_are_found_wherever_they_are() {
    let Some(farm) = Farm::with(&["driven"]) else { return };
    let facts = farm.inspect(&farm.scene("driven")).await.unwrap();
    let warning = message(&facts, "drivers_fail");
    assert!(warning.ends_with("Area, Camera, Red, Scene, World"), "{warning}");
}

#[tokio::test]
async fn what_a_film_is_not_written_with_is_said() {
    let Some(farm) = Farm::with(&["film", "tiff"]) else {
        return;
    };
    let film = farm.inspect(&farm.scene("film")).await.unwrap();
    assert_eq!(codes(&film, Severity::Warning), ["sound", "format_replaced"]);
    assert!(message(&film, "sound").ends_with("Beep"));
    let replaced = message(&film, "format_replaced");
    assert!(replaced.contains("MKV") && replaced.contains("MP4"), "{replaced}");
    let tiff = farm.inspect(&farm.scene("tiff")).await.unwrap();
    let replaced = message(&tiff, "format_replaced");
    assert!(
        replaced.contains("TIFF") && replaced.contains("PNG with 16 bits"),
        "{replaced}"
    );
}

#[tokio::test]
async fn pictures_that_the_frames_show_and_that_are_not_there_are_missing() {
    let Some(farm) = Farm::with(&["gap", "broken", "emptied"]) else {
        return;
    };
    let scene = farm.scene("gap");
    let facts = farm.inspect(&scene).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), ["missing_files"]);
    let missing = message(&facts, "missing_files");
    assert!(missing.ends_with("//frames/gap001.png (gap004.png)"), "{missing}");
    let request = rayswarm_engines::InspectRequest {
        frames: Some("1-3".parse().unwrap()),
        ..inspection(&scene)
    };
    let facts = farm.engine.inspect(&request).await.unwrap();
    assert_eq!(
        codes(&facts, Severity::Refusal),
        [] as [&str; 0],
        "frames 1-3 show no 4th picture"
    );

    let facts = farm.inspect(&farm.scene("broken")).await.unwrap();
    let unreadable: Vec<_> = facts.refusals().map(|finding| finding.message.as_str()).collect();
    assert!(
        unreadable.len() == 2
            && unreadable.iter().any(|said| said.contains("//frames/tile.1002.png"))
            && unreadable.iter().any(|said| said.contains("//frames/broken002.png")),
        "{unreadable:?}"
    );

    let facts = farm.inspect(&farm.scene("emptied")).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), ["missing_files"]);
    let missing = message(&facts, "missing_files");
    assert!(missing.ends_with("//empty (nothing in it)"), "{missing}");
}

#[tokio::test]
async fn a_scene_in_a_home_folder_does_not_take_all_of_it_along() {
    let Some(farm) = Farm::with(&["homely"]) else { return };
    let (home, scene) = (farm.path("scenes"), farm.scene("homely"));
    for secret in [".ssh/id_rsa", "letters/.draft", "letters/will.txt"] {
        fs::create_dir_all(home.join(secret).parent().unwrap()).unwrap();
        fs::write(home.join(secret), "private").unwrap();
    }
    let facts = farm.inspect(&scene).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), ["needs_consent"]);
    let files = session_view(&scene, &facts).files;
    assert_eq!(files.len(), 1, "{files:?}");

    let mut request = inspection(&scene);
    request.include = vec![home.clone()];
    let facts = farm.engine.inspect(&request).await.unwrap();
    assert_eq!(codes(&facts, Severity::Refusal), [] as [&str; 0]);
    let told = message(&facts, "hidden_files");
    assert!(told.contains("/.ssh") && told.contains("/letters/.draft"), "{told}");
    let files: Vec<_> = session_view(&scene, &facts)
        .files
        .into_iter()
        .map(|file| file.host)
        .collect();
    assert_eq!(files, [scene, home.join("letters/will.txt")]);
}
