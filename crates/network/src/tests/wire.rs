//! The bytes on the wire: fixed for good under today's version, and harmless whatever they are.

use super::support::{commit, invite, job, pull};
use crate::{
    KnownPeer, PeerAddr, PeerCard,
    frame::{self, Message},
    peers::{Acquaintances, Question},
    work::{
        CommitAnswer, Failure, InviteAnswer, Lease, ProviderCall, PullAnswer, Purpose, RequestorCall, TaskGrant,
        UploadAnswer, log_tail,
    },
};
use proptest::prelude::*;
use rayswarm_model::{AttemptId, FailureKind, LeaseId, NodeId, Rect, Slice, TaskId, TaskSpec, Work};

fn hex<T: Message>(message: &T) -> String {
    data_encoding::HEXLOWER.encode(&frame::encode(message).unwrap())
}

/// Changed deliberately, together with `MESSAGE_VERSION`, or not at all.
#[test]
fn golden_bytes() {
    assert_eq!(hex(&Question::Ping), "030100000001");
    assert_eq!(hex(&InviteAnswer::Accepted), "030100000000");
    assert_eq!(
        hex(&CommitAnswer::Drop { reason: "late".into() }),
        "030600000002046c617465"
    );
    let job = "01".repeat(32);
    assert_eq!(
        hex(&ProviderCall::Pull(pull(1))),
        format!("03280000000020{job}e0d403000000")
    );
    let tile = Rect {
        x: 1,
        y: 2,
        width: 3,
        height: 4,
    };
    let task = TaskSpec {
        id: TaskId(5),
        frame: -1,
        tile,
        slice: Slice::whole(64),
        work: Work { milli_wu: 300 },
    };
    let grant = TaskGrant {
        attempt: AttemptId(6),
        task,
        padding: 16,
        purpose: Purpose::Audit,
    };
    let lease = PullAnswer::Lease(Lease {
        lease: LeaseId(7),
        lasts_ms: 1000,
        tasks: vec![grant],
    });
    assert_eq!(hex(&lease), "03140000000007e807010605010102030400010040ac021001");
    // Long ones by their hash.
    let hash = |bytes: Vec<u8>| blake3::hash(&bytes).to_hex()[..16].to_owned();
    let invitation = frame::encode(&RequestorCall::Invite(Box::new(invite(1)))).unwrap();
    let commitment = frame::encode(&ProviderCall::Commit(commit(1, 2, 3))).unwrap();
    assert_eq!(
        [hash(invitation), hash(commitment)],
        ["69cb53f090b9cd05", "03b3262be99ef5fc"]
    );
}

#[test]
fn limits_are_checked_by_sender_and_receiver_alike() {
    let failure = |message: usize, log: usize| {
        let (message, log_tail) = ("m".repeat(message), "l".repeat(log));
        ProviderCall::Failed(Failure {
            job: job(1),
            attempt: AttemptId(1),
            kind: FailureKind::Permanent,
            message,
            log_tail,
        })
    };
    assert!(frame::encode(&failure(1024, 8192)).is_ok());
    assert!(frame::encode(&failure(1025, 0)).is_err());
    assert!(frame::encode(&failure(0, 8193)).is_err());
    assert!(frame::encode(&ProviderCall::Commit(commit(1, 1, u64::MAX))).is_err());

    let address = |sockets| PeerAddr {
        node: NodeId::from_bytes([1; 32]),
        sockets: vec![([127, 0, 0, 1], 1).into(); sockets],
        relay: None,
    };
    let hello = |sockets| {
        let address = address(sockets);
        Question::Hello(Box::new(PeerCard { address, offer: None }))
    };
    assert!(frame::encode(&hello(16)).is_ok());
    assert!(frame::encode(&hello(17)).is_err());
}

#[test]
fn a_log_is_cut_between_characters() {
    let log = format!("{}é{}", "x".repeat(10), "y".repeat(8191));
    assert_eq!(log_tail(&log), "y".repeat(8191));
    assert_eq!(log_tail("short"), "short");
}

proptest! {
    /// Any bytes decode to a message that encodes again, or to an error.
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fn decode<T: Message>(bytes: &[u8]) {
            if let Ok(message) = frame::decode_body::<T>(bytes) {
                assert!(frame::encode(&message).is_ok());
            }
        }
        decode::<Question>(&bytes);
        decode::<Acquaintances>(&bytes);
        decode::<RequestorCall>(&bytes);
        decode::<ProviderCall>(&bytes);
        decode::<InviteAnswer>(&bytes);
        decode::<PullAnswer>(&bytes);
        decode::<CommitAnswer>(&bytes);
        decode::<UploadAnswer>(&bytes);
        let _ = postcard::from_bytes::<KnownPeer>(&bytes);
    }
}
