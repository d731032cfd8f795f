//! What a provider signs and sends, and what is believed of it.
#![allow(clippy::unwrap_used)]

use super::*;
use rayswarm_imaging::{Channel, Compression, Picture, SampleType, Samples, encode};
use rayswarm_model::{
    B256, CpuTime, Frames, RenderSettings, Resolution, Slice, TaskId, Work, keccak256,
    signed::{AccountKey, Receipt, Signed},
};
use rayswarm_scheduler::Reason;

const SIZE: Resolution = Resolution { width: 16, height: 8 };
const DOMAIN: Domain = Domain {
    chain_id: 31_337,
    escrow: Address::repeat_byte(0xe5),
};
const JOB: JobId = JobId::from_bytes([1; 32]);

fn key() -> AccountKey {
    AccountKey::from_bytes(&[7; 32]).unwrap()
}

/// Two whole frames.
fn plan() -> Plan {
    let task = |id: u64| TaskSpec {
        id: TaskId(id),
        frame: 1 + id as i32,
        tile: SIZE.whole(),
        slice: Slice::whole(4),
        work: Work { milli_wu: 100 },
    };
    Plan {
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        settings: RenderSettings {
            resolution: SIZE,
            samples: 4,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        },
        frames: Frames::try_from(vec![1, 2]).unwrap(),
        tiles: vec![SIZE.whole()],
        slices: vec![Slice::whole(4)],
        tile_padding: 0,
        sequential: false,
        tasks: vec![task(0), task(1)],
    }
}

/// Attempt 5, at task 1.
fn granted() -> Granted {
    Granted {
        node: NodeId::from_bytes([3; 32]),
        grant: Grant {
            attempt: AttemptId(5),
            task: TaskId(1),
            purpose: Purpose::Render,
            work: Work { milli_wu: 100 },
            reason: Reason::ResultWanted,
        },
    }
}

fn receipt() -> Receipt {
    Receipt {
        job: JOB,
        task: TaskId(1),
        attempt: AttemptId(5),
        provider: key().address(),
        bytes_hash: B256::repeat_byte(2),
        pixel_commitment: B256::repeat_byte(3),
        cpu: CpuTime { millis: 10 },
    }
}

fn signed(receipt: Receipt) -> SignedReceipt {
    Signed::sign(receipt, &DOMAIN, &key())
}

fn admit(receipt: Receipt, bytes: u64, held: Option<&SignedReceipt>) -> Result<SignedReceipt, CheckError> {
    let channels = vec![("R".to_owned(), SampleType::F32); 4];
    let awaited = Awaited {
        plan: &plan(),
        granted: &granted(),
        account: key().address(),
        job: JOB,
        domain: &DOMAIN,
        receipt: held,
        channels: Some(&channels),
    };
    awaited.admit(&canonical::encode("receipt", &signed(receipt)).unwrap(), Bytes(bytes))
}

#[test]
fn a_receipt_counts_for_what_was_granted_alone() {
    assert_eq!(admit(receipt(), 1000, None).unwrap(), signed(receipt()));
    let others = [
        (
            "job",
            Receipt {
                job: JobId::from_bytes([9; 32]),
                ..receipt()
            },
        ),
        (
            "task",
            Receipt {
                task: TaskId(0),
                ..receipt()
            },
        ),
        (
            "attempt",
            Receipt {
                attempt: AttemptId(4),
                ..receipt()
            },
        ),
    ];
    for (name, other) in others {
        let refused = admit(other, 1000, None);
        assert!(
            matches!(&refused, Err(CheckError::Receipt(ReceiptError::Mismatch { field, .. })) if *field == name),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn who_has_signed_once_cannot_sign_otherwise() {
    let first = signed(receipt());
    assert!(admit(receipt(), 1000, Some(&first)).is_ok(), "the same again is heard");
    let other = Receipt {
        pixel_commitment: B256::repeat_byte(4),
        ..receipt()
    };
    assert!(matches!(
        admit(other, 1000, Some(&first)),
        Err(CheckError::AnotherReceipt(AttemptId(5)))
    ));
}

#[test]
fn nobody_may_send_more_than_the_pixels_take() {
    let raw = SIZE.pixels() * 16;
    assert!(admit(receipt(), raw + 4096, None).is_ok());
    for bytes in [1 << 30, u64::MAX] {
        let refused = admit(receipt(), bytes, None);
        assert!(matches!(refused, Err(CheckError::TooLarge { .. })), "{refused:?}");
    }
}

#[test]
fn only_the_granted_node_has_an_attempt() {
    let mut ledger = crate::requestor::ledger::Ledger::default();
    ledger.granted.insert(AttemptId(5), granted());
    assert!(ledger.is_granted_to(AttemptId(5), NodeId::from_bytes([3; 32])));
    assert!(!ledger.is_granted_to(AttemptId(5), NodeId::from_bytes([4; 32])));
    assert!(!ledger.is_granted_to(AttemptId(6), NodeId::from_bytes([3; 32])));
}

fn picture(names: &[&str]) -> Picture {
    let channel = |name: &&str| Channel::new(*name, Samples::F32(vec![0.5; SIZE.pixels() as usize]));
    Picture::new(SIZE, names.iter().map(channel).collect()).unwrap()
}

/// Delivers `picture` with an honest receipt for it.
fn deliver(picture: &Picture, known: Option<&Channels>) -> Result<(), CheckError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("5.exr");
    let bytes = encode(picture, Compression::Zip).unwrap();
    std::fs::write(&file, &bytes).unwrap();
    let receipt = signed(Receipt {
        bytes_hash: keccak256(&bytes),
        pixel_commitment: PixelCommitment::of(picture).0,
        ..receipt()
    });
    let task = plan().tasks[1];
    check_delivery(&file, task.tile, &task, &receipt, key().address(), &DOMAIN, known)
}

#[test]
fn a_channel_more_or_less_is_not_what_the_scene_gives() {
    let known: Channels = ["B", "G", "R"].map(|name| (name.to_owned(), SampleType::F32)).into();
    assert!(deliver(&picture(&["R", "G", "B"]), Some(&known)).is_ok());
    for names in [&["R", "G", "B", "Z"][..], &["R", "G"], &["R", "G", "Y"]] {
        let refused = deliver(&picture(names), Some(&known));
        assert!(
            matches!(refused, Err(CheckError::Channels { .. })),
            "{names:?}: {refused:?}"
        );
        // Where nothing is known an audit's own channels are the yardstick.
        assert!(deliver(&picture(names), None).is_ok());
    }
}

#[test]
fn what_the_probe_showed_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(known_channels(folder.path()), None);
    let channels = vec![("R".to_owned(), SampleType::F16), ("Z".to_owned(), SampleType::F32)];
    store_channels(folder.path(), &channels).unwrap();
    assert_eq!(known_channels(folder.path()), Some(channels));
}
