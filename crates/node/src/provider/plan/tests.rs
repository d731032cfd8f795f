//! Grants and invitations against a plan.

#![allow(clippy::unwrap_used)]

use super::*;
use rayswarm_model::{
    Address, Amount, AttemptId, BlobId, Bytes, Frames, JobId, Rect, RenderSettings, Resolution, Slice, TaskSpec,
    UnixMillis, Work, WorkPrice,
};
use rayswarm_network::work::Purpose;

const SIZE: Resolution = Resolution { width: 8, height: 4 };

fn settings(samples: u32) -> RenderSettings {
    RenderSettings {
        resolution: SIZE,
        samples,
        renderer_override: None,
        allowed_missing: Vec::new(),
        options: Vec::new(),
    }
}

fn task(id: u64) -> TaskSpec {
    TaskSpec {
        id: TaskId(id),
        frame: 7,
        tile: SIZE.whole(),
        slice: Slice::whole(16),
        work: Work { milli_wu: 100 },
    }
}

fn plan() -> Plan {
    Plan {
        engine: "povray".into(),
        engine_version: "3.7".into(),
        settings: settings(16),
        frames: Frames::try_from(vec![7]).unwrap(),
        tiles: vec![SIZE.whole()],
        tile_padding: 2,
        slices: vec![Slice::whole(16)],
        sequential: false,
        tasks: vec![task(0), task(1)],
    }
}

fn invite() -> JobInvite {
    JobInvite {
        job: JobId::from_bytes([1; 32]),
        requestor: Address::repeat_byte(1),
        chain_id: 1,
        escrow: Address::repeat_byte(2),
        manifest: BlobId::from_bytes([3; 32]),
        manifest_bytes: 1,
        plan: BlobId::from_bytes([4; 32]),
        plan_bytes: 1,
        engine: "povray".into(),
        engine_version: "3.7".into(),
        settings: settings(16),
        play_from: None,
        memory: Bytes(1),
        price: WorkPrice { per_wu_hour: Amount(1) },
        deadline: UnixMillis(0),
        signature: Vec::new(),
    }
}

fn grant(change: impl Fn(&mut TaskGrant)) -> TaskGrant {
    let mut grant = TaskGrant {
        attempt: AttemptId(1),
        task: task(1),
        padding: 2,
        purpose: Purpose::Render,
    };
    change(&mut grant);
    grant
}

#[test]
fn what_the_plan_has_may_be_granted_and_parts_of_it_for_audits() {
    let paid = PaidPlan::of(plan(), &invite()).unwrap();
    let whole = grant(|_| {});
    let part = grant(|grant| {
        grant.purpose = Purpose::Audit;
        grant.task.tile = Rect {
            x: 4,
            y: 2,
            width: 4,
            height: 2,
        };
        grant.task.work = Work { milli_wu: 25 };
    });
    assert_eq!(paid.check(&[whole, part]), Ok(()));
}

#[test]
fn what_jurors_would_not_find_in_the_plan_is_not_worked_on() {
    let paid = PaidPlan::of(plan(), &invite()).unwrap();
    let second = TaskId(1);
    let different = |what| NotPlanned::Different { task: second, what };
    type Case = (fn(&mut TaskGrant), NotPlanned);
    let refused: [Case; 7] = [
        (|grant| grant.task.id = TaskId(2), Flaw::NoSuchTask(TaskId(2)).into()),
        (|grant| grant.task.tile.x = 1, Flaw::Tile(second).into()),
        (
            |grant| grant.task.work = Work { milli_wu: 101 },
            Flaw::Work(second).into(),
        ),
        (
            |grant| {
                // Half of the tile for the whole pay.
                grant.task.tile.width = 4;
            },
            Flaw::Work(second).into(),
        ),
        (|grant| grant.task.frame = 8, different("frame")),
        (|grant| grant.task.slice = Slice::whole(15), different("slice")),
        (|grant| grant.padding = 0, different("padding")),
    ];
    for (change, expected) in refused {
        // One such task among good ones is enough.
        let tasks = [grant(|_| {}), grant(change)];
        assert_eq!(paid.check(&tasks), Err(expected));
    }
}

#[test]
fn an_invitation_must_agree_with_the_plan() {
    type Case = (fn(&mut JobInvite), &'static str);
    let refused: [Case; 4] = [
        (|invite| invite.engine = "blender".into(), "engines"),
        (|invite| invite.engine_version = "3.8".into(), "versions"),
        (|invite| invite.settings = settings(17), "settings"),
        (|invite| invite.play_from = Some(1), "orders"),
    ];
    for (change, word) in refused {
        let mut invite = invite();
        change(&mut invite);
        let error = PaidPlan::of(plan(), &invite).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
