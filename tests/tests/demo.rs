//! `rayswarm demo`: pays exactly, leaves nothing behind, and makes the picture one machine makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::job::EscrowView;
use rayswarm_imaging::{DecodeLimits, Picture, compare, decode};
use rayswarm_model::Amount;
use rayswarm_tests::{Farm, nothing_left};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The last line of `rayswarm demo --json`; a field that is missing fails the test.
#[derive(Debug, Deserialize)]
struct Report {
    job_id: String,
    scene: PathBuf,
    engine: String,
    frames: String,
    resolution: String,
    tasks: u64,
    attempts: u64,
    wall_s: f64,
    providers: Vec<Share>,
    escrow: EscrowView,
    settlement: Settlement,
    outputs: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Share {
    id: String,
    account: String,
    tasks: u64,
    audited: u64,
    cpu_s: f64,
    paid: Amount,
}

#[derive(Debug, Deserialize)]
struct Settlement {
    transactions: Vec<String>,
    gas_used: u64,
}

fn demo(farm: &Farm, scene: &str, providers: &str, tiles: &str, out: &Path) -> anyhow::Result<Report> {
    demo_by(farm, "solo", scene, providers, tiles, out)
}

/// The same, paid on a chain by this consensus.
fn demo_by(
    farm: &Farm,
    consensus: &str,
    scene: &str,
    providers: &str,
    tiles: &str,
    out: &Path,
) -> anyhow::Result<Report> {
    let scene = Farm::example(scene);
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let arguments = [
        "demo",
        "--json",
        "--consensus",
        consensus,
        "--keep-raw",
        "--frames",
        "1",
        "--resolution",
        "96x54",
        "--samples",
        "4",
        "--slices",
        "1",
        "--providers",
        providers,
        "--tiles",
        tiles,
        "--scene",
        &scene,
        "--out",
        &out,
    ];
    farm.run(arguments)?.json()
}

/// The one raw picture of a demo.
fn raw_picture(report: &Report) -> anyhow::Result<Picture> {
    let raw = report
        .outputs
        .iter()
        .find(|path| path.to_string_lossy().ends_with("_raw.exr"));
    Ok(decode(
        &std::fs::read(raw.expect("a raw picture is kept"))?,
        &DecodeLimits::default(),
    )?)
}

#[test]
fn demo_pays_exactly() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let report = demo(&farm, "still/still.blend", "2", "2x2", &farm.scratch().join("tiled"))?;

    assert_eq!(report.job_id.len(), 64, "{report:?}");
    assert!(report.scene.ends_with("still.blend"), "{report:?}");
    assert_eq!(report.engine, "blender 4.5.15");
    assert_eq!((report.frames.as_str(), report.resolution.as_str()), ("1", "96x54"));
    assert_eq!(report.tasks, 4);
    assert!(report.attempts >= report.tasks && report.wall_s > 0.0, "{report:?}");
    assert!(
        !report.settlement.transactions.is_empty() && report.settlement.gas_used > 0,
        "{report:?}"
    );

    let shares = &report.providers;
    assert_eq!(shares.iter().map(|share| share.tasks).sum::<u64>(), 4, "{shares:?}");
    for share in shares {
        assert_eq!(share.id.len(), 64, "{share:?}");
        assert!(
            share.account.starts_with("0x") && share.audited <= share.tasks,
            "{share:?}"
        );
        assert!((share.tasks == 0) == (share.cpu_s == 0.0), "{share:?}");
    }
    let escrow = report.escrow;
    assert_eq!(shares.iter().map(|share| share.paid).sum::<Amount>(), escrow.paid);
    assert!(escrow.paid > Amount(0), "{escrow:?}");
    assert_eq!(escrow.deposited.0, escrow.paid.0 + escrow.refunded.0 + escrow.locked.0);
    assert_eq!(escrow.locked, Amount(0));

    assert_eq!(report.outputs.len(), 2, "{:?}", report.outputs);
    for output in &report.outputs {
        assert!(std::fs::metadata(output)?.len() > 0, "{}", output.display());
    }
    nothing_left(farm.scratch())
}

#[test]
fn demo_pays_by_every_consensus() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    for consensus in ["pos", "dpos", "pow"] {
        let out = farm.scratch().join(consensus);
        let report = demo_by(&farm, consensus, "still/still.blend", "1", "2x1", &out)?;
        let escrow = report.escrow;
        assert!(
            escrow.paid > Amount(0) && escrow.locked == Amount(0),
            "{consensus}: {escrow:?}"
        );
        assert_eq!(escrow.deposited.0, escrow.paid.0 + escrow.refunded.0, "{consensus}");
        assert_eq!(report.outputs.len(), 2, "{consensus}: {:?}", report.outputs);
    }
    nothing_left(farm.scratch())
}

#[test]
fn tiles_from_two_providers_are_the_picture_of_one_machine() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let scene = "animation/animation.blend";
    let whole = demo(&farm, scene, "1", "1x1", &farm.scratch().join("whole"))?;
    assert_eq!(whole.tasks, 1);
    let tiled = demo(&farm, scene, "2", "2x2", &farm.scratch().join("tiled"))?;
    let found = compare(&raw_picture(&whole)?, &raw_picture(&tiled)?)?;
    assert!(found.is_exact(), "{found:?}");
    Ok(())
}
