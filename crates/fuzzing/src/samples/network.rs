//! Frames of the protocols. What only the network's crate can make is put together of what it shows: a call is the place of its
//! variant, and what the variant holds.

use super::{Sample, chain, consensus, model};
use crate::consensus::key;
use rayswarm_model::{
    Address, Amount, AttemptId, B256, BlobId, Bytes, FailureKind, LeaseId, NodeId, Offer, TaskId, U256, UnixMillis,
    WorkPrice,
    offer::{CommandsOffer, ComparisonClass, EngineOffer},
    settings::Device,
};
use rayswarm_network::{
    ChainAnswer, ChainQuestion, ChainWord, KnownPeer, MESSAGE_VERSION, PeerAddr, PeerCard, SealedBytes, SignedOffer,
    StateCursor, StatePage, StateQuestion, StateRow,
    commands::{SentDocument, SessionOrder, SessionWord},
    juries::Brief,
    work::{Commit, Failure, JobInvite, Judgement, Lease, Pull, PullAnswer, Purpose, TaskGrant, Verdict, Voucher},
};
use serde::Serialize;

/// Version, length, and the message.
fn frame(message: &impl Serialize) -> Vec<u8> {
    let body = postcard::to_stdvec(message).unwrap();
    let length = (body.len() as u32).to_le_bytes();
    [&[MESSAGE_VERSION][..], &length, &body].concat()
}

/// A variant by its place.
fn call(place: u32, message: &impl Serialize) -> Vec<u8> {
    frame(&(place, message))
}

fn sealed() -> SealedBytes {
    SealedBytes {
        block: chain::empty().encode(),
        seal: Some(consensus::seals().remove(0).1),
    }
}

pub(super) fn words() -> Vec<Sample> {
    let transactions = chain::transactions().into_iter().map(|(_, bytes)| bytes.into());
    let hashes = (1..=3).map(B256::repeat_byte).collect();
    let vote = consensus::messages().remove(0).1;
    let status = ChainWord::Status {
        head: 5,
        hash: B256::repeat_byte(5),
        weight: U256::from(1u64 << 60),
    };
    [
        ("status", status),
        ("consensus", ChainWord::Consensus(vote)),
        ("block", ChainWord::Block(sealed())),
        ("transactions", ChainWord::Transactions(transactions.collect())),
        ("announced", ChainWord::Announced(hashes)),
    ]
    .map(|(name, word)| (name, frame(&word)))
    .into()
}

pub(super) fn questions() -> Vec<Sample> {
    let hashes = |count| (1..=count).map(B256::repeat_byte).collect::<Vec<_>>();
    let cursor = StateCursor {
        address: Address::repeat_byte(3),
        slot: Some(U256::from(9)),
    };
    let state = StateQuestion {
        block: B256::repeat_byte(1),
        after: Some(cursor),
    };
    [
        ("blocks", ChainQuestion::BlocksAfter(hashes(9))),
        ("headers", ChainQuestion::HeadersAfter(hashes(1))),
        ("executed", ChainQuestion::ExecutedUpTo(B256::repeat_byte(2))),
        ("state", ChainQuestion::State(state)),
        ("transactions", ChainQuestion::Transactions(hashes(5))),
    ]
    .map(|(name, question)| (name, frame(&question)))
    .into()
}

pub(super) fn answers() -> Vec<Sample> {
    let headers = chain::headers().into_iter().map(|(_, bytes)| bytes);
    let executed = chain::empty().encode_executed();
    let account = StateRow::Account {
        address: Address::repeat_byte(3),
        nonce: 1,
        balance: U256::from(1u64 << 60),
        code: vec![0x5f, 0x5f, 0xf3],
    };
    let slot = StateRow::Slot {
        slot: U256::ZERO,
        value: U256::from(7),
    };
    let page = StatePage {
        rows: vec![account, slot.clone(), slot],
        more: false,
    };
    [
        ("blocks", ChainAnswer::Blocks(vec![sealed()])),
        ("headers", ChainAnswer::Headers(headers.collect())),
        ("executed", ChainAnswer::Executed(vec![executed])),
        ("state", ChainAnswer::State(Some(page))),
    ]
    .map(|(name, answer)| (name, frame(&answer)))
    .into()
}

fn card(number: u8) -> PeerCard {
    let node = NodeId::from_bytes([number; 32]);
    let offer = Offer {
        node,
        account: key(number).address(),
        engines: vec![EngineOffer {
            name: "blender".into(),
            version: "4.5.15".into(),
            class: ComparisonClass(B256::repeat_byte(8)),
        }],
        threads: 8,
        memory: Bytes(8 << 30),
        benchmark_milli_wu: 900,
        price: WorkPrice { per_wu_hour: Amount(5) },
        device: Device::Cpu,
        sandboxed: true,
        commands: Some(CommandsOffer {
            sessions: 1,
            architecture: "x86_64".into(),
        }),
        issued_at: UnixMillis(crate::consensus::NOW),
    };
    PeerCard {
        address: PeerAddr {
            node,
            sockets: vec!["127.0.0.1:4000".parse().unwrap(), "[::1]:4000".parse().unwrap()],
            relay: Some("https://relay.example".into()),
        },
        offer: Some(SignedOffer {
            offer,
            signature: vec![7; 65],
        }),
    }
}

fn invite() -> JobInvite {
    JobInvite {
        job: model::JOB,
        requestor: key(1).address(),
        chain_id: crate::chain::CHAIN_ID,
        escrow: Address::repeat_byte(0xe5),
        manifest: BlobId::from_bytes([3; 32]),
        manifest_bytes: 1_000,
        plan: BlobId::from_bytes([4; 32]),
        plan_bytes: 2_000,
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        settings: model::settings(),
        play_from: Some(-3),
        memory: Bytes(1 << 30),
        price: WorkPrice { per_wu_hour: Amount(5) },
        deadline: UnixMillis(crate::consensus::NOW),
        signature: vec![7; 65],
    }
}

fn lease() -> PullAnswer {
    PullAnswer::Lease(Lease {
        lease: LeaseId(7),
        lasts_ms: 60_000,
        tasks: vec![TaskGrant {
            attempt: AttemptId(6),
            task: model::task(5),
            padding: 16,
            purpose: Purpose::Audit,
        }],
    })
}

pub(super) fn messages() -> Vec<Sample> {
    let (job, attempt) = (model::JOB, AttemptId(6));
    let verdict = Verdict {
        job,
        attempt,
        judgement: Judgement::Accepted {
            voucher: Some(model::voucher()),
        },
    };
    let pull = Pull {
        job,
        wanted_cpu_ms: 60_000,
        warm: true,
        warm_frame: Some(-1),
        running: vec![attempt; 3],
    };
    let commit = Commit {
        job,
        attempt,
        receipt: model::receipt(),
        bytes: 1 << 20,
    };
    let failure = Failure {
        job,
        attempt,
        kind: FailureKind::Transient,
        message: "out of memory".into(),
        log_tail: "Blender 4.5\n".repeat(4),
    };
    let order = SessionOrder {
        job,
        binding: model::binding(),
        document: SentDocument {
            blob: BlobId::from_bytes([1; 32]),
            bytes: 400,
        },
    };
    let known = KnownPeer {
        card: card(2),
        seen_ms_ago: 3_000,
    };
    let brief = Brief {
        dispute: 4,
        document: model::receipt(),
    };
    let voucher = Voucher {
        job,
        signed: model::voucher(),
    };
    vec![
        ("hello", call(0, &card(1))),
        ("acquaintances", frame(&(card(1), vec![known]))),
        ("invite", call(0, &invite())),
        ("verdict", call(1, &verdict)),
        ("voucher", call(2, &voucher)),
        ("pull", call(0, &pull)),
        ("commit", call(1, &commit)),
        ("failure", call(3, &failure)),
        ("lease", frame(&lease())),
        ("order", frame(&order)),
        ("run", call(1, &TaskId(3))),
        ("line", frame(&SessionWord::Line("frame 1".into()))),
        ("brief", call(0, &brief)),
    ]
}
