//! Scenes that nobody here made, where they are present.

use crate::{SIZE, inspect, open, render, testdata};
use rayswarm_imaging::crop;
use rayswarm_model::Rect;

const TILE: Rect = Rect {
    x: 13,
    y: 17,
    width: 30,
    height: 20,
};

/// A scene is accepted, and a tile of it is a part of the whole; where tiles are not exact, the whole repeats.
async fn is_exact(name: &str, frame: i32, tiles_exact: bool) {
    let Some(scene) = testdata::find(&format!("scenes/povray/{name}/{name}.pov")) else {
        return;
    };
    let facts = inspect(&scene, &[]).await.unwrap();
    assert_eq!(facts.refusals().count(), 0, "{name}: {:?}", facts.findings);
    assert_eq!(facts.tiles_exact, tiles_exact, "{name}");
    let scratch = tempfile::tempdir().unwrap();
    let mut session = open(&scene, &facts, &[], scratch.path(), 2, SIZE).await;
    let whole = render(session.as_mut(), frame, SIZE.whole()).await;
    let tile = if tiles_exact { TILE } else { SIZE.whole() };
    let again = render(session.as_mut(), frame, tile).await;
    assert_eq!(again, crop(&whole, tile).unwrap(), "{name}");
}

macro_rules! exact {
    ($($name:ident at $frame:literal, tiles $tiles:literal;)+) => {$(
        #[tokio::test]
        async fn $name() {
            is_exact(stringify!($name), $frame, $tiles).await;
        }
    )+};
}

exact! {
    woodbox at 1, tiles true;
    splinefollow at 7, tiles false;
    biscuit at 1, tiles true;
}
