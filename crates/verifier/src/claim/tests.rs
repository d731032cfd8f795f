//! Claims of a small plan, honest and not.
#![allow(clippy::unwrap_used)]
use super::*;
use rayswarm_imaging::{Channel, PixelTree, Samples, crop};
use rayswarm_model::{
    AttemptId, CpuTime, Frames, RenderSettings, Resolution, Slice, TaskSpec,
    signed::{AccountKey, Receipt, Signed},
};

const JOB: JobId = JobId::from_bytes([1; 32]);
const SIDE: u32 = 200;
const WORK: Work = Work { milli_wu: 4_000 };

fn tile(task: u64) -> Rect {
    Rect {
        x: SIDE * u32::try_from(task).unwrap(),
        y: 0,
        width: SIDE,
        height: SIDE,
    }
}

fn plan() -> Plan {
    let slice = Slice {
        index: 0,
        count: 1,
        offset: 0,
        length: 1,
    };
    let task = |id| TaskSpec {
        id: TaskId(id),
        frame: 1,
        tile: tile(id),
        slice,
        work: WORK,
    };
    Plan {
        engine: "povray".into(),
        engine_version: "3.7".into(),
        settings: RenderSettings {
            resolution: Resolution {
                width: SIDE * 3,
                height: SIDE,
            },
            samples: 1,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        },
        frames: Frames::try_from(vec![1]).unwrap(),
        tiles: (0..3).map(tile).collect(),
        tile_padding: 0,
        slices: vec![slice],
        sequential: false,
        tasks: (0..3).map(task).collect(),
    }
}

fn domain() -> Domain {
    Domain {
        chain_id: 1,
        escrow: Address::ZERO,
    }
}

fn provider() -> AccountKey {
    AccountKey::from_bytes(&[7; 32]).unwrap()
}

fn picture(size: Rect, seed: u32) -> Picture {
    let values = (0..size.width * size.height).map(|index| (index ^ seed) as f32);
    let resolution = Resolution {
        width: size.width,
        height: size.height,
    };
    Picture::new(resolution, vec![Channel::new("R", Samples::F32(values.collect()))]).unwrap()
}

fn result_of(task: u64, tile: Rect, delivered: &Picture) -> ClaimedResult {
    let whole = self::tile(task);
    let message = Receipt {
        job: JOB,
        task: TaskId(task),
        attempt: AttemptId(task + 10),
        provider: provider().address(),
        bytes_hash: B256::ZERO,
        pixel_commitment: PixelCommitment::of(delivered).0,
        cpu: CpuTime { millis: 1 },
    };
    ClaimedResult {
        receipt: Signed::sign(message, &domain(), &provider()),
        tile,
        work: work_of(WORK, tile, whole),
    }
}

/// Holds a claim of `cumulative` base units for `results` against the plan, at one base unit per thousandth of a WU.
fn examined(results: &[ClaimedResult], cumulative: u128) -> Result<Option<&ClaimedResult>, Flaw> {
    examine(
        &Claim {
            job: JOB,
            plan: &plan(),
            provider: provider().address(),
            price: WorkPrice {
                per_wu_hour: Amount(3_600_000),
            },
            cumulative: Amount(cumulative),
            commitment: commitment_of(results, &domain()),
            domain: &domain(),
        },
        results,
        TaskId(2),
    )
}

fn results(tasks: &[u64]) -> Vec<ClaimedResult> {
    let result = |task: &u64| result_of(*task, tile(*task), &picture(tile(*task), 0));
    tasks.iter().map(result).collect()
}

#[test]
fn receipts_carry_what_their_results_are_worth_and_no_more() {
    let both = results(&[0, 2]);
    assert_eq!(examined(&both, 8_000).unwrap(), Some(&both[1]));
    assert_eq!(
        examined(&both, 8_001),
        Err(Flaw::Worth {
            worth: Amount(8_000),
            claimed: Amount(8_001)
        })
    );
    assert_eq!(examined(&results(&[0, 1]), 1).unwrap(), None, "another task is named");
    assert_eq!(examined(&[], 0).unwrap(), None);
    assert!(matches!(examined(&[], 1), Err(Flaw::Worth { .. })), "no work at all");
}

#[test]
fn what_no_requestor_asked_for_is_a_flaw() {
    let one = || results(&[0]).remove(0);
    assert_eq!(examined(&results(&[1, 0]), 1), Err(Flaw::Order(TaskId(0))));
    assert_eq!(
        examined(&results(&[1, 1]), 1),
        Err(Flaw::Order(TaskId(1))),
        "counted twice"
    );
    let unknown = result_of(3, tile(3), &picture(tile(3), 0));
    assert_eq!(examined(&[unknown], 1), Err(Flaw::NoSuchTask(TaskId(3))));
    let larger = ClaimedResult {
        tile: Rect {
            width: SIDE + 1,
            ..tile(0)
        },
        ..one()
    };
    assert_eq!(examined(&[larger], 1), Err(Flaw::Tile(TaskId(0))));
    let endless = ClaimedResult {
        tile: Rect {
            x: 1,
            width: u32::MAX,
            ..tile(0)
        },
        work: Work { milli_wu: u64::MAX },
        ..one()
    };
    assert_eq!(examined(&[endless], 1), Err(Flaw::Tile(TaskId(0))));
    let dearer = ClaimedResult {
        work: Work { milli_wu: 4_001 },
        ..one()
    };
    assert_eq!(examined(&[dearer], 1), Err(Flaw::Work(TaskId(0))));
    let crop = Rect { width: 50, ..tile(0) };
    let audit_as_render = ClaimedResult { tile: crop, ..one() };
    assert_eq!(examined(&[audit_as_render], 1), Err(Flaw::Work(TaskId(0))));
    let stranger = AccountKey::from_bytes(&[8; 32]).unwrap();
    let theirs = one();
    let forged = ClaimedResult {
        receipt: Signed::sign(theirs.receipt.message, &domain(), &stranger),
        ..theirs
    };
    assert_eq!(examined(&[forged], 1), Err(Flaw::Receipt(TaskId(0))));
}

#[test]
fn the_named_task_is_good_if_every_bit_of_the_crop_is() {
    let (tile, policy) = (tile(1), AuditPolicy::default());
    let (right, garbage) = (picture(tile, 0), picture(tile, 1));
    let rendered = |crop_at: Rect| {
        let inside = Rect {
            x: crop_at.x - tile.x,
            ..crop_at
        };
        crop(&right, inside).unwrap()
    };
    for seed in 0..20 {
        let seed = B256::repeat_byte(seed);
        for (delivered, expected) in [(&right, Ok(())), (&garbage, Err(Flaw::Pixels(TaskId(1))))] {
            let (result, cells) = (result_of(1, tile, delivered), PixelTree::of(delivered).cells());
            let at = crop_to_render(&policy, seed, &result, &cells).unwrap();
            assert!(
                at.x >= tile.x && at.right() <= tile.right() && at.bottom() <= tile.bottom(),
                "{at:?}"
            );
            assert_eq!(weigh(&result, &cells, at, &rendered(at)), expected, "{seed} {at:?}");
        }
    }
}

#[test]
fn cells_of_another_picture_do_not_pass_for_those_of_the_receipt() {
    let (right, other) = (picture(tile(1), 0), picture(tile(1), 1));
    let result = result_of(1, tile(1), &right);
    let found = crop_to_render(
        &AuditPolicy::default(),
        B256::ZERO,
        &result,
        &PixelTree::of(&other).cells(),
    );
    assert_eq!(found, Err(Flaw::Cells(TaskId(1))));
}
