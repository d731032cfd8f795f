//! Tiles equal the whole bit for bit; slices within their bound; simulations are played.

use crate::farm::{Farm, all, own_settings, part, render};
use rayswarm_imaging::{Merger, compare};
use rayswarm_model::{Bytes, RenderSettings, SceneFacts, Slice};

/// A scene's name and the frame to look at.
async fn tiles_are_exact(name: &str, frame: i32) {
    let Some(farm) = Farm::with(&[name]) else { return };
    let scene = farm.scene(name);
    let facts = farm.inspect(&scene).await.unwrap();
    assert_eq!(facts.refusals().collect::<Vec<_>>(), [] as [&_; 0]);
    let (whole, merged) = farm.whole_and_tiles(&scene, &facts, &own_settings(&facts), frame).await;
    let comparison = compare(&whole, &merged).unwrap();
    assert!(comparison.is_exact(), "{name}: {comparison:?}");
    // Not a black picture compared with itself.
    let lit = whole
        .channels()
        .iter()
        .find(|channel| channel.name().ends_with(".Combined.R"))
        .unwrap();
    let values = (0..lit.samples().len()).filter_map(|index| Some(lit.samples().get(index)?.value()));
    assert!(values.sum::<f64>() > 1.0, "{name} is dark");
}

macro_rules! exact {
    ($($name:ident at $frame:literal),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            tiles_are_exact(stringify!($name), $frame).await;
        }
    )+};
}

exact! {
    plain at 1,
    odd at 3,
    adaptive at 1,
    blur at 12,
    markers at 10,
    denoised at 1,
    composed at 1,
    layers at 1,
    cryptomatte at 1,
    beveled at 1,
    sparks at 20,
}

#[tokio::test]
async fn an_overlooked_simulation_would_be_seen() {
    let Some(farm) = Farm::with(&["falling"]) else { return };
    let scene = farm.scene("falling");
    let facts = farm.inspect(&scene).await.unwrap();
    let careless = SceneFacts {
        sequential: false,
        ..facts
    };
    let settings = own_settings(&careless);
    let (whole, merged) = farm.whole_and_tiles(&scene, &careless, &settings, 20).await;
    assert!(!compare(&whole, &merged).unwrap().is_exact());
}

#[tokio::test]
async fn slices_are_within_their_bound() {
    let Some(farm) = Farm::with(&["denoised", "composed"]) else {
        return;
    };
    // Inspection refuses what the merge could not put together.
    let composed = farm.inspect(&farm.scene("composed")).await.unwrap();
    assert!(composed.slices_refused.unwrap().contains("Mist"));
    let scene = farm.scene("denoised");
    let facts = farm.inspect(&scene).await.unwrap();
    assert_eq!(facts.slices_refused, None);
    let settings = own_settings(&facts);
    let mut session = farm.open(&scene, &facts, settings.clone()).await;
    let tile = settings.resolution.whole();
    let whole = render(session.as_mut(), &facts, &settings, 1, tile, all(&settings)).await;
    let slices = [(0, 0, 3), (1, 3, 3), (2, 6, 2)].map(|(index, offset, length)| Slice {
        index,
        count: 3,
        offset,
        length,
    });
    let mut merger = Merger::new(settings.resolution, &[tile], &slices, Bytes(1 << 30)).unwrap();
    for slice in slices {
        let part = part(session.as_mut(), &facts, &settings, 1, tile, slice).await;
        assert!(
            !compare(&whole, &part.picture).unwrap().is_exact(),
            "a slice is not the whole"
        );
        merger.add(part).unwrap();
    }
    session.close().await;
    let comparison = compare(&whole, &merger.finish().unwrap()).unwrap();
    assert_eq!(comparison.beyond_bound, 0, "{comparison:?}");
}

#[tokio::test]
async fn an_unbaked_simulation_is_played_whatever_came_before() {
    let Some(farm) = Farm::with(&["falling"]) else { return };
    let scene = farm.scene("falling");
    let facts = farm.inspect(&scene).await.unwrap();
    assert!(facts.sequential);
    let settings = own_settings(&facts);
    let tile = settings.resolution.whole();
    let mut once = farm.open(&scene, &facts, settings.clone()).await;
    let played = render(once.as_mut(), &facts, &settings, 20, tile, all(&settings)).await;
    once.close().await;
    let mut twice = farm.open(&scene, &facts, settings.clone()).await;
    for frame in [3, 24, 11] {
        render(twice.as_mut(), &facts, &settings, frame, tile, all(&settings)).await;
    }
    let again = render(twice.as_mut(), &facts, &settings, 20, tile, all(&settings)).await;
    twice.close().await;
    assert!(compare(&played, &again).unwrap().is_exact());

    let mut jumping = farm.open(&scene, &facts, settings.clone()).await;
    let careless = SceneFacts {
        sequential: false,
        ..facts
    };
    let jumped = render(jumping.as_mut(), &careless, &settings, 20, tile, all(&settings)).await;
    jumping.close().await;
    assert!(
        !compare(&played, &jumped).unwrap().is_exact(),
        "jumping is right here, so playing proves nothing"
    );
}

#[tokio::test]
async fn settings_of_the_job_replace_the_file_s() {
    let Some(farm) = Farm::with(&["plain"]) else { return };
    let scene = farm.scene("plain");
    let facts = farm.inspect(&scene).await.unwrap();
    let resolution = "33x20".parse().unwrap();
    let settings = RenderSettings {
        resolution,
        samples: 2,
        ..own_settings(&facts)
    };
    let mut session = farm.open(&scene, &facts, settings.clone()).await;
    assert!(session.resident().0 > 100 << 20);
    let picture = render(
        session.as_mut(),
        &facts,
        &settings,
        1,
        resolution.whole(),
        all(&settings),
    )
    .await;
    assert_eq!(picture.resolution(), resolution);
    session.close().await;
    let left: Vec<_> = std::fs::read_dir(farm.path("scratch"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    assert!(left.is_empty(), "{left:?} left behind");
}
