//! Bad input and bad luck end in words, never in a picture of something else.

use crate::farm::{Farm, all, inspection, limits, own_settings, render, task};
use rayswarm_engines::{Engine, EngineError, SessionLimits, SessionRequest};
use rayswarm_model::{Bytes, FailureKind, RenderSettings};
use std::{fs, future::Future, path::Path, pin::pin, task::Poll, time::Duration};

async fn refused(farm: &Farm, scene: &Path) -> (&'static str, String) {
    match farm.inspect(scene).await {
        Err(error @ EngineError::Refused { code, .. }) => {
            assert_eq!(error.kind(), FailureKind::Permanent);
            (code, error.to_string())
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_whole_blend_file_is_refused() {
    let Some(farm) = Farm::with(&["plain"]) else { return };
    let good = fs::read(farm.scene("plain")).unwrap();
    let newer = [b"BLENDER17-01v0500".as_slice(), &[0; 4096]].concat();
    let old_header = [b"BLENDER-v599".as_slice(), &good[12..]].concat();
    let damaged = [&good[..good.len() / 2], &[0xa5; 2000], &good[good.len() / 2 + 2000..]].concat();
    for (bytes, codes) in [
        (&b"not a blend at all"[..], &["not_a_blend"][..]),
        (b"", &["not_a_blend"]),
        (&good[..good.len() / 2], &["truncated"]),
        (&good[..200], &["truncated"]),
        (b"BLENDER-v405RENDENDB", &["unreadable"]),
        (&newer, &["newer_file"]),
        (&old_header, &["newer_file"]),
    ] {
        let path = farm.path("bad.blend");
        fs::write(&path, bytes).unwrap();
        let (code, message) = refused(&farm, &path).await;
        assert!(codes.contains(&code), "{code}: {message}");
    }
    let (_, message) = refused(&farm, &{
        let path = farm.path("newer.blend");
        fs::write(&path, &newer).unwrap();
        path
    })
    .await;
    // No engine that could be installed reads it, so none is offered.
    assert!(
        message.contains("saved by Blender 5.0") && message.contains("open it in Blender 4.5"),
        "{message}"
    );
    assert!(!message.contains("engines install"), "{message}");
    assert_eq!(refused(&farm, &farm.path("gone.blend")).await.0, "not_found");
    // Bytes damaged in the middle may load, crash Blender or be refused, but they end.
    fs::write(farm.path("damaged.blend"), damaged).unwrap();
    let _ends = farm.inspect(&farm.path("damaged.blend")).await;
}

#[tokio::test]
async fn scripts_in_the_file_do_not_run() {
    let Some(farm) = Farm::with(&["escape"]) else { return };
    let scene = farm.scene("escape");
    let facts = farm.inspect(&scene).await.unwrap();
    let warnings: Vec<_> = facts.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert!(
        warnings.contains(&"scripts_off") && warnings.contains(&"drivers_fail"),
        "{warnings:?}"
    );
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
    // What the driver writes would lie in the session's folder.
    let folders: Vec<_> = fs::read_dir(farm.path("scratch"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert_eq!(folders.len(), 1);
    assert!(!folders[0].join("escaped").exists(), "a script ran");
    session.close().await;
}

#[tokio::test]
async fn a_session_without_a_camera_or_with_another_renderer_says_so() {
    let Some(farm) = Farm::with(&["no_camera", "eevee"]) else {
        return;
    };
    let facts = farm.inspect(&farm.scene("no_camera")).await.unwrap();
    let settings = own_settings(&facts);
    let mut session = farm.open(&farm.scene("no_camera"), &facts, settings.clone()).await;
    let request = task(&facts, 1, settings.resolution.whole(), all(&settings));
    let failed = session.render(&request, &mut |_| {}).await;
    assert!(
        matches!(failed, Err(EngineError::Refused { code: "no_camera", .. })),
        "{failed:?}"
    );
    session.close().await;
    let facts = farm.inspect(&farm.scene("eevee")).await.unwrap();
    let opened = farm
        .engine
        .open(farm.request(&farm.scene("eevee"), &facts, own_settings(&facts)))
        .await;
    assert!(matches!(
        opened.err(),
        Some(EngineError::Refused { code: "renderer", .. })
    ));
}

#[tokio::test]
async fn too_little_memory_ends_the_session_with_its_last_words() {
    let Some(farm) = Farm::with(&["plain"]) else { return };
    let scene = farm.scene("plain");
    let facts = farm.inspect(&scene).await.unwrap();
    // Hours of work, so that whoever watches the memory looks long before the end.
    let settings = RenderSettings {
        samples: 10_000_000,
        ..own_settings(&facts)
    };
    let mut request = farm.request(&scene, &facts, settings.clone());
    request.limits.memory = Bytes(120 << 20);
    let ended = async {
        let mut session = farm.engine.open(request).await?;
        let task = task(&facts, 1, settings.resolution.whole(), all(&settings));
        session.render(&task, &mut |_| {}).await
    };
    let error = ended.await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Died { ended, .. } if ended.over_limit()),
        "{error}"
    );
    assert!(error.to_string().contains("MiB of memory, over its limit"), "{error}");
    assert_eq!(error.kind(), FailureKind::Transient);
}

#[tokio::test]
async fn silence_ends_the_session() {
    let Some(farm) = Farm::with(&["plain"]) else { return };
    let request = rayswarm_engines::InspectRequest {
        limits: SessionLimits {
            silence: Duration::from_millis(1),
            ..limits()
        },
        ..inspection(&farm.scene("plain"))
    };
    assert!(matches!(
        farm.engine.inspect(&request).await,
        Err(EngineError::Silent { .. })
    ));
}

#[tokio::test]
async fn a_render_that_is_given_up_takes_its_session_along() {
    let Some(farm) = Farm::with(&["plain"]) else { return };
    let scene = farm.scene("plain");
    let facts = farm.inspect(&scene).await.unwrap();
    let settings = own_settings(&facts);
    let request: SessionRequest = farm.request(&scene, &facts, settings.clone());
    let mut session = farm.engine.open(request).await.unwrap();
    let task = task(&facts, 1, settings.resolution.whole(), all(&settings));
    {
        let mut ignore = |_| {};
        let mut rendering = pin!(session.render(&task, &mut ignore));
        // Polled once, so that the request is on its way, then dropped.
        std::future::poll_fn(|context| {
            assert!(rendering.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
    }
    assert_eq!(session.resident(), Bytes(0));
    let failed = session.render(&task, &mut |_| {}).await;
    assert!(matches!(failed, Err(EngineError::Failed { .. })), "{failed:?}");
    session.close().await;
}
