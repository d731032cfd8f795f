//! The books see what must not happen.

use super::*;
use rayswarm_model::{
    JobId, UnixMillis,
    allocation::Cap,
    signed::{AccountKey, Domain, Signed, Voucher},
};

const PROVIDER: Address = Address::repeat_byte(5);

fn meant() -> Meant {
    let key = AccountKey::from_bytes(&[1; 32]).unwrap();
    let domain = Domain {
        chain_id: 1,
        escrow: Address::ZERO,
    };
    let voucher = |cumulative| Voucher {
        job: JobId::from_bytes([1; 32]),
        provider: PROVIDER,
        cumulative: Amount(cumulative),
    };
    Meant {
        published: vec![caps(60)],
        vouchers: [30, 50, 80].map(|it| Signed::sign(voucher(it), &domain, &key)).to_vec(),
        claimed: [(PROVIDER, Amount(55))].into(),
        settlements: vec![[(PROVIDER, Amount(40))].into()],
    }
}

fn caps(cap: u128) -> Lines {
    Lines(vec![Cap {
        provider: PROVIDER,
        cap: Amount(cap),
    }])
}

/// A job of 100 with a cap of 60, and what happened then.
fn books(then: &[JobEventKind]) -> Result<Books, String> {
    let first = [
        JobEventKind::Opened { budget: Amount(100) },
        JobEventKind::Allocated {
            epoch: 1,
            root: caps(60).caps().root(),
            total: Amount(60),
            document: B256::ZERO,
            force_at: UnixMillis(0),
        },
        JobEventKind::InForce { epoch: 1 },
    ];
    let event = |kind: &JobEventKind| JobEvent {
        tx: B256::ZERO,
        block: 0,
        kind: kind.clone(),
    };
    let history: Vec<JobEvent> = first.iter().chain(then).map(event).collect();
    let settled = [(PROVIDER, Amount(40))].into();
    Books::of(&history, &meant(), Some(&settled))
}

fn redeemed(amount: u128, paid: u128) -> JobEventKind {
    JobEventKind::Redeemed {
        provider: PROVIDER,
        amount: Amount(amount),
        paid: Amount(paid),
    }
}

fn claimed(amount: u128) -> JobEventKind {
    JobEventKind::Claimed {
        provider: PROVIDER,
        amount: Amount(amount),
        cumulative: Amount(0),
        commitment: Default::default(),
        challenge_ends_at: UnixMillis(0),
    }
}

fn claim_paid(amount: u128, paid: u128) -> JobEventKind {
    JobEventKind::ClaimPaid {
        provider: PROVIDER,
        amount: Amount(amount),
        paid: Amount(paid),
    }
}

fn underfunded(unpaid: u128) -> JobEventKind {
    JobEventKind::Underfunded {
        provider: PROVIDER,
        unpaid: Amount(unpaid),
    }
}

fn refunded(amount: u128) -> JobEventKind {
    JobEventKind::Refunded { amount: Amount(amount) }
}

#[test]
fn a_job_is_followed_to_its_end() {
    let story = [
        redeemed(30, 30),
        claimed(25),
        redeemed(20, 50),
        claim_paid(5, 55),
        underfunded(20),
        redeemed(5, 60),
    ];
    let end = books(&[&story[..], &[refunded(40)]].concat()).unwrap();
    assert_eq!((end.paid(PROVIDER), end.refunded, end.over), (60, 40, true));
    let settled = [
        JobEventKind::Closed {
            refundable_at: UnixMillis(0),
        },
        JobEventKind::Settled { amount: Amount(40) },
        JobEventKind::Recorded {
            provider: PROVIDER,
            paid: Amount(40),
        },
        underfunded(20),
        redeemed(20, 60),
        refunded(40),
    ];
    assert_eq!(books(&settled).unwrap().paid(PROVIDER), 60);
}

#[test]
fn what_must_not_happen_is_seen() {
    let tables: [(&[JobEventKind], &str); 10] = [
        (&[JobEventKind::Opened { budget: Amount(1) }], "open already"),
        (&[redeemed(30, 30), redeemed(30, 60)], "nobody signed"),
        (&[redeemed(30, 30), redeemed(30, 30)], "counted twice"),
        (&[redeemed(20, 20)], "nobody signed"),
        (&[redeemed(80, 80)], "its cap and the job go"),
        (&[claimed(56)], "more than it ever claimed"),
        (&[claimed(25), claim_paid(25, 25), claim_paid(25, 50)], "no claim"),
        (&[claimed(55), claimed(5)], "it had a claim"),
        (&[redeemed(30, 30), refunded(70)], "could still be paid 30 of 50"),
        (
            &[redeemed(30, 30), JobEventKind::Settled { amount: Amount(40) }],
            "before",
        ),
    ];
    for (then, why) in tables {
        let error = books(then).unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
}
