//! Good books, and every way in which they can be wrong.

#![allow(clippy::unwrap_used)]

use super::*;
use rayswarm_model::{Caps, ComparisonClass, UnixMillis};
use rayswarm_scheduler::caps::{Need, divide};
use std::time::Duration;

const JOB: JobId = JobId::from_bytes([1; 32]);
const ALICE: Address = Address::repeat_byte(0xa1);
const BOB: Address = Address::repeat_byte(0xb0);

struct Case {
    escrow: Job,
    events: Vec<JobEventKind>,
    settled: Vec<(Address, Amount)>,
    documents: Vec<Vec<u8>>,
}

fn allocation() -> Allocation {
    let need = |provider| Need {
        provider,
        owed: Amount::ZERO,
        in_flight: Amount::ZERO,
        headroom: Amount(100),
        rate_milli_wu: 1,
    };
    divide(JOB, 1, Amount(100), &[need(ALICE), need(BOB)])
}

/// A hundred locked, caps of fifty, Alice paid twenty by voucher and Bob thirty by a claim, the rest refunded.
fn good() -> Case {
    let document = canonical::encode("allocation", &allocation()).unwrap();
    let paid = |provider, amount| (provider, Amount(amount), Amount(amount));
    let (alice, bob) = (paid(ALICE, 20), paid(BOB, 30));
    Case {
        escrow: Job {
            state: JobState::Refunded,
            requestor: Address::repeat_byte(1),
            token: Address::repeat_byte(3),
            manifest_hash: B256::ZERO,
            plan_hash: B256::ZERO,
            policy_hash: B256::ZERO,
            comparison_class: ComparisonClass(B256::ZERO),
            provider_stake: Amount::ZERO,
            deadline: UnixMillis(0),
            exit_window: Duration::ZERO,
            notice: Duration::ZERO,
            challenge: Duration::ZERO,
            trust_tier: 0,
            refundable_at: UnixMillis(0),
            deposited: Amount(100),
            paid: Amount(49),
            fees: Amount(1),
            refunded: Amount(50),
            locked: Amount::ZERO,
            reserved: Amount::ZERO,
            settlement_hash: B256::ZERO,
        },
        events: vec![
            JobEventKind::Opened { budget: Amount(100) },
            JobEventKind::Allocated {
                epoch: 1,
                root: allocation().caps().unwrap().root(),
                total: Amount(100),
                document: keccak256(&document),
                force_at: UnixMillis(0),
            },
            JobEventKind::InForce { epoch: 1 },
            JobEventKind::Redeemed {
                provider: alice.0,
                amount: alice.1,
                paid: alice.2,
            },
            JobEventKind::Claimed {
                provider: BOB,
                amount: Amount(30),
                cumulative: Amount(30),
                commitment: B256::ZERO,
                challenge_ends_at: UnixMillis(0),
            },
            JobEventKind::ClaimPaid {
                provider: bob.0,
                amount: bob.1,
                paid: bob.2,
            },
            JobEventKind::Refunded { amount: Amount(50) },
        ],
        settled: Vec::new(),
        documents: vec![document],
    }
}

impl Case {
    fn audit(&self) -> Audit {
        let event = |kind: &JobEventKind| JobEvent {
            tx: B256::ZERO,
            block: 1,
            kind: kind.clone(),
        };
        let events: Vec<_> = self.events.iter().map(event).collect();
        check(JOB, &self.escrow, &events, &self.settled, &self.documents)
    }
}

#[test]
fn good_books_have_no_differences() {
    let audit = good().audit();
    assert_eq!(audit.differences, [""; 0]);
    assert_eq!(audit.paid, BTreeMap::from([(ALICE, Amount(20)), (BOB, Amount(30))]));
    let caps: Vec<_> = audit.epochs[0].shares.iter().map(|share| share.cap.0).collect();
    assert_eq!((audit.epochs.len(), caps), (1, vec![50, 50]));
}

#[test]
fn a_settlement_at_one_stroke_is_read_from_its_shares() {
    let mut case = good();
    case.events.splice(3..6, [JobEventKind::Settled { amount: Amount(50) }]);
    case.settled = vec![(ALICE, Amount(20)), (BOB, Amount(30))];
    assert_eq!(case.audit().differences, [""; 0]);
    case.settled[0].1 = Amount(19);
    assert!(case.audit().differences[0].contains("settled at one stroke"));
}

#[test]
fn whatever_is_changed_is_noticed() {
    type Change = fn(&mut Case);
    let favour = |case: &mut Case| {
        let mut favoured = allocation();
        (favoured.shares[0].cap, favoured.shares[1].cap) = (Amount(60), Amount(40));
        let document = canonical::encode("allocation", &favoured).unwrap();
        if let JobEventKind::Allocated {
            document: hash, root, ..
        } = &mut case.events[1]
        {
            (*hash, *root) = (keccak256(&document), favoured.caps().unwrap().root());
        }
        case.documents = vec![document];
    };
    let other_root = |case: &mut Case| {
        let mut others = allocation().caps().unwrap().lines().to_vec();
        others.swap(0, 1);
        if let JobEventKind::Allocated { root, .. } = &mut case.events[1] {
            *root = Caps::new(others).unwrap().root();
        }
    };
    let other_free = |case: &mut Case| {
        let mut allocation = allocation();
        allocation.free = Amount(101);
        let document = canonical::encode("allocation", &allocation).unwrap();
        if let JobEventKind::Allocated { document: hash, .. } = &mut case.events[1] {
            *hash = keccak256(&document);
        }
        case.documents = vec![document];
    };
    let changes: [(Change, &str); 12] = [
        (|case| case.escrow.deposited = Amount(101), "locked in all"),
        (|case| case.escrow.paid = Amount(50), "were paid"),
        (|case| case.escrow.refunded = Amount(49), "refunded"),
        (|case| case.escrow.locked = Amount(1), "in the escrow's books"),
        (|case| case.documents.clear(), "is not here"),
        (|case| case.documents[0][40] ^= 1, "is not here"),
        (favour, "do not follow"),
        (other_root, "are not those on the chain"),
        (other_free, "divides"),
        // Caps that never took force pay nothing.
        (
            |case| case.events.retain(|kind| !matches!(kind, JobEventKind::InForce { .. })),
            "was paid",
        ),
        (
            |case| case.events[2] = JobEventKind::InForce { epoch: 2 },
            "nobody published it",
        ),
        (
            |case| {
                case.events[3] = JobEventKind::Redeemed {
                    provider: ALICE,
                    amount: Amount(51),
                    paid: Amount(51),
                };
            },
            "with caps of 0.00000000000000005 in all",
        ),
    ];
    for (change, words) in changes {
        let mut case = good();
        change(&mut case);
        let found = case.audit().differences;
        assert!(found.iter().any(|one| one.contains(words)), "{words}: {found:?}");
    }
}
