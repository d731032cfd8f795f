//! The merged picture is the single-machine picture: bit for bit for tiles, within the bound for slices.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_tests::Farm;
use serde_json::{Value, json};

#[test]
fn the_merged_picture_is_the_single_machine_picture() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let still = Farm::example("still/still.blend");
    let animation = Farm::example("animation/animation.blend");
    let (still, animation) = (still.to_string_lossy(), animation.to_string_lossy());
    let arguments = [
        "bench",
        "exactness",
        &still,
        &animation,
        "--side",
        "64",
        "--samples",
        "4",
        "--json",
    ];
    let found: Vec<Value> = farm.run(arguments)?.json()?;

    assert_eq!(found.len(), 2);
    assert_eq!(
        (&found[0]["frames"], &found[1]["frames"]),
        (&json!([1]), &json!([1, 25]))
    );
    for scene in &found {
        assert_eq!(scene["played_from"].as_i64(), Some(1), "{scene}");
        assert!(scene["refused"].is_null(), "{scene}");
        let tiles = &scene["tiles"];
        assert!(tiles["pixels"].as_u64() >= Some(64 * 36), "{scene}");
        assert_eq!(tiles["differing"].as_u64(), Some(0), "{scene}");
        // Nothing in our own scenes keeps their samples from being split.
        assert!(scene["slices_refused"].is_null(), "{scene}");
        let slices = &scene["slices"];
        assert!(slices["pixels"].as_u64() >= Some(64 * 36), "{scene}");
        assert_eq!(slices["beyond_bound"].as_u64(), Some(0), "{scene}");
        for case in [tiles, slices] {
            assert_eq!(case["holds"].as_bool(), Some(true), "{scene}");
        }
    }
    Ok(())
}

#[test]
fn frames_do_not_depend_on_what_the_session_rendered_before() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let animation = Farm::example("animation/animation.blend");
    let animation = animation.to_string_lossy();
    // The two sessions that render the tiles see other frames, in another order, than the one that renders the whole.
    let arguments = [
        "bench",
        "exactness",
        &animation,
        "--frames",
        "1-6",
        "--side",
        "64",
        "--samples",
        "4",
        "--json",
    ];
    let answer = farm.run(arguments)?;
    let line = answer.stdout.trim_end().lines().next_back().unwrap_or_default();
    let found: Vec<Value> = serde_json::from_str(line)?;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["frames"].as_array().map(Vec::len), Some(6), "{line}");
    assert_eq!(found[0]["tiles"]["differing"].as_u64(), Some(0), "{line}");
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    Ok(())
}
