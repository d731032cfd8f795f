//! Recipes, models and tasks that are refused, with words and without harm.

use super::{Farm, SIZE, engine, limits, png_of, style, task};
use rayswarm_engines::{EngineError, RenderRequest, SessionPurpose};
use rayswarm_model::{FailureKind, Rect, Resolution, SceneFacts, Slice, scene::Severity};
use rayswarm_models::sample::Layers;
use std::fs;

fn refusals(facts: &SceneFacts) -> Vec<String> {
    let refusals = facts
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Refusal);
    refusals
        .map(|finding| format!("{}: {}; {}", finding.code, finding.message, finding.remedy))
        .collect()
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be_are_findings() {
    let picture = png_of(SIZE, false);
    let unknown = Layers::new().operation("Engrave").file();
    let cases: [(&[u8], &[u8], &str, &str); 4] = [
        (b"no model", &picture, "", "model: the file is no ONNX model"),
        (&unknown, &picture, "", "Engrave"),
        (&style(), b"no picture", "", "picture: the picture is no PNG"),
        (&[], &picture, "", "model"),
    ];
    for (model, picture, more, expected) in cases {
        let farm = Farm::with(model, "denoise", picture, more);
        let facts = farm.inspect().await.unwrap();
        let said = refusals(&facts);
        assert!(said.len() == 1 && said[0].contains(expected), "{expected}: {said:?}");
    }
    let farm = Farm::with(&style(), "denoise", &picture, "");
    fs::remove_file(farm.scene().with_file_name("m.onnx")).unwrap();
    let said = refusals(&farm.inspect().await.unwrap());
    assert!(
        said[0].starts_with("missing_files") && said[0].contains("m.onnx"),
        "{said:?}"
    );
}

#[tokio::test]
async fn what_is_no_recipe_is_refused_before_any_process_starts() {
    let farm = Farm::with(&style(), "denoise", &png_of(SIZE, false), r#", "strength": 300"#);
    let refused = farm.inspect().await.unwrap_err();
    assert!(
        matches!(refused, EngineError::Refused { code: "recipe", .. }),
        "{refused}"
    );
    fs::write(
        farm.scene(),
        r#"{"recipe": 1, "model": {"file": "../m.onnx", "kind": "denoise"}, "picture": "p.png"}"#,
    )
    .unwrap();
    let refused = farm.inspect().await.unwrap_err().to_string();
    assert!(refused.contains("../m.onnx"), "{refused}");
}

#[tokio::test]
async fn another_size_slices_and_tiles_outside_are_refused_and_the_session_goes_on() {
    let farm = Farm::with(&style(), "style-transfer", &png_of(SIZE, false), "");
    let facts = farm.inspect().await.unwrap();
    let half = Resolution { width: 100, height: 75 };
    let refused = farm.open_as("half", 1, SessionPurpose::Rendering, &facts, half).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.kind(), FailureKind::Permanent);
    assert!(refused.to_string().contains("--resolution"), "{refused}");

    let mut session = farm.open("tiles", 1, SessionPurpose::Rendering).await;
    let tile = Rect {
        x: 0,
        y: 0,
        width: 16,
        height: 16,
    };
    let mut sliced: RenderRequest = task(tile);
    sliced.task.slice = Slice {
        index: 0,
        count: 2,
        offset: 0,
        length: 1,
    };
    assert!(session.render(&sliced, &mut |_| {}).await.is_err());
    let outside = Rect { x: 200, ..tile };
    let mut request = task(outside);
    request.task.tile = outside;
    assert!(session.render(&request, &mut |_| {}).await.is_err());
    let mut told = Vec::new();
    session
        .render(&task(tile), &mut |milli| told.push(milli))
        .await
        .unwrap();
    assert_eq!(told.last(), Some(&1000));
    session.close().await;
}

#[tokio::test]
async fn a_model_is_examined_without_a_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("any.onnx");
    fs::write(&model, Layers::new().convolution(12, 3, 1).spread_out(2).file()).unwrap();
    let found = engine().examine(&model, &limits(1)).await.unwrap();
    assert_eq!((found.scale, found.statistics, found.around), (2, 0, 1));
    fs::write(&model, b"GIF89a").unwrap();
    let refused = engine().examine(&model, &limits(1)).await.unwrap_err();
    assert!(
        matches!(refused, EngineError::Refused { code: "model", .. }),
        "{refused}"
    );
}
