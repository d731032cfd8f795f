//! One of each document.

use super::Sample;
use crate::consensus::key;
use rayswarm_model::{
    Address, Allocation, Amount, AttemptId, B256, BlobId, CpuTime, Frames, JobId, Manifest, NodeId, Plan, Rect,
    RenderSettings, Resolution, Slice, TaskId, TaskSpec, Work,
    allocation::Share,
    canonical,
    manifest::{Cipher, ManifestFile},
    signed::{Domain, EndpointBinding, Receipt, SignedEndpointBinding, SignedReceipt, SignedVoucher, Voucher},
};
use serde::Serialize;

const DOMAIN: Domain = Domain {
    chain_id: crate::chain::CHAIN_ID,
    escrow: Address::repeat_byte(0xe5),
};

/// The job of all samples.
pub const JOB: JobId = JobId::from_bytes([0x10; 32]);

/// Its settings.
pub fn settings() -> RenderSettings {
    RenderSettings {
        resolution: Resolution {
            width: 640,
            height: 360,
        },
        samples: 64,
        renderer_override: Some("cycles".into()),
        allowed_missing: vec!["//wood.png".into()],
        options: vec![("declare".into(), "fp=0".into())],
    }
}

/// A task of it.
pub fn task(id: u64) -> TaskSpec {
    TaskSpec {
        id: TaskId(id),
        frame: -1,
        tile: Rect {
            x: 0,
            y: 0,
            width: 320,
            height: 360,
        },
        slice: Slice::whole(64),
        work: Work { milli_wu: 300 },
    }
}

fn plan() -> Plan {
    Plan {
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        settings: settings(),
        frames: "1-3".parse::<Frames>().unwrap(),
        tiles: vec![task(0).tile],
        tile_padding: 16,
        slices: vec![Slice::whole(64)],
        sequential: false,
        tasks: (0..3).map(task).collect(),
    }
}

fn manifest() -> Manifest {
    let file = |path: &str, size| ManifestFile {
        path: path.into(),
        size,
        plain: BlobId::from_bytes([3; 32]),
        cipher: Cipher::None,
        chunks: vec![BlobId::from_bytes([3; 32])],
    };
    Manifest {
        scene: "/scene/a.blend".into(),
        files: vec![file("/scene/a.blend", 4_000_000), file("/scene/wood.png", 7)],
    }
}

fn allocation() -> Allocation {
    let share = |number: u8| Share {
        provider: key(number).address(),
        owed: Amount(1),
        in_flight: Amount(2),
        headroom: Amount(3),
        rate_milli_wu: 4,
        cap: Amount(6),
    };
    Allocation {
        job: JOB,
        epoch: 2,
        free: Amount(1 << 90),
        shares: (1..=3).map(share).collect(),
    }
}

/// A receipt, signed.
pub fn receipt() -> Vec<u8> {
    let receipt = Receipt {
        job: JOB,
        task: TaskId(1),
        attempt: AttemptId(2),
        provider: key(2).address(),
        bytes_hash: B256::repeat_byte(4),
        pixel_commitment: B256::repeat_byte(5),
        cpu: CpuTime { millis: 12_000 },
    };
    encoded(&SignedReceipt::sign(receipt, &DOMAIN, &key(2)))
}

/// A voucher, signed.
pub fn voucher() -> Vec<u8> {
    let voucher = Voucher {
        job: JOB,
        provider: key(2).address(),
        cumulative: Amount(77),
    };
    encoded(&SignedVoucher::sign(voucher, &DOMAIN, &key(1)))
}

/// The account's word for a node.
pub fn binding() -> SignedEndpointBinding {
    let binding = EndpointBinding {
        node: NodeId::from_bytes([6; 32]),
        account: key(1).address(),
    };
    SignedEndpointBinding::sign(binding, &DOMAIN, &key(1))
}

fn encoded(document: &impl Serialize) -> Vec<u8> {
    canonical::encode("sample", document).unwrap()
}

pub(super) fn documents() -> Vec<Sample> {
    vec![
        ("plan", encoded(&plan())),
        ("manifest", encoded(&manifest())),
        ("allocation", encoded(&allocation())),
        ("receipt", receipt()),
        ("voucher", voucher()),
        ("endpoint-binding", encoded(&binding())),
    ]
}
