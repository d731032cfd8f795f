//! Models that nobody here made, where they are present.

use super::{Farm, engine, grid, limits, merged, png_of, render, testdata};
use rayswarm_engines::SessionPurpose;
use rayswarm_model::Resolution;
use std::fs;

#[tokio::test]
async fn a_style_network_gives_the_same_bytes_in_any_tiles() {
    let Some(model) = testdata::find("models/mosaic.onnx") else {
        return;
    };
    let found = engine().examine(&model, &limits(1)).await.unwrap();
    assert_eq!((found.scale, found.multiple, found.statistics), (1, 4, 30));
    let size = Resolution { width: 130, height: 98 };
    let farm = Farm::with(&fs::read(model).unwrap(), "style-transfer", &png_of(size, false), "");
    let mut session = farm.open("tiles", 1, SessionPurpose::Rendering).await;
    let whole = render(session.as_mut(), size.whole()).await;
    let pieced = merged(session.as_mut(), size, &grid(size, 2, 1)).await;
    assert!(rayswarm_imaging::compare(&whole, &pieced).unwrap().is_exact());
    session.close().await;
}

#[tokio::test]
async fn upscalers_are_read_with_their_scale_and_their_margin() {
    for (name, scale, size) in [
        ("realesr-animevideov3-x2.onnx", 2, Resolution { width: 40, height: 30 }),
        ("realesr-animevideov3-x4.onnx", 4, Resolution { width: 40, height: 30 }),
        (
            "waifu2x-upconv7-photo-noise1-x2.onnx",
            2,
            Resolution { width: 41, height: 31 },
        ),
    ] {
        let Some(model) = testdata::find(&format!("models/{name}")) else {
            continue;
        };
        let farm = Farm::with(&fs::read(model).unwrap(), "upscale", &png_of(size, false), "");
        let facts = farm.inspect().await.unwrap();
        assert_eq!(facts.refusals().count(), 0, "{name}: {:?}", facts.findings);
        let larger = Resolution {
            width: size.width * scale,
            height: size.height * scale,
        };
        assert_eq!(facts.resolution, larger, "{name}");
        let mut session = farm.open("tiles", 1, SessionPurpose::Rendering).await;
        assert_eq!(render(session.as_mut(), larger.whole()).await.resolution(), larger);
        session.close().await;
    }
}
