//! What inspection says.

use crate::farm::{Farm, all, inspection, own_settings, render};
use rayswarm_engines::{Engine, layout::session_view};
use rayswarm_model::{
    SceneFacts,
    scene::{DependencyState, Severity},
};

fn codes(facts: &SceneFacts, severity: Severity) -> Vec<&str> {
    facts
        .findings
        .iter()
        .filter(|found| found.severity == severity)
        .map(|found| found.code.as_str())
        .collect()
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
