//! Vouchers kept and looked after, on a real chain.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::chain::{ChainConfig, DEVELOPMENT_CHAIN_ID, EmbeddedChain, development_genesis};
use rayswarm_model::{
    B256,
    signed::{AccountKey, Signed, Voucher},
};
use rayswarm_settlement::{JobTerms, ask_faucet};
use std::net::Ipv4Addr;
use tempfile::TempDir;

const HOUR_MS: u64 = 3_600_000;

fn key(seed: u8) -> AccountKey {
    AccountKey::from_bytes(&[seed; 32]).unwrap()
}

/// A chain, a requestor with an open job, and a provider that has accepted it.
struct World {
    requestor: Settlement,
    job: JobId,
    deadline: UnixMillis,
    journal: Journal,
    watcher: Watcher,
    _chain: EmbeddedChain,
    _folder: TempDir,
}

impl World {
    async fn new(exit_window: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The clients are built without a TLS provider of their own; an error means that one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now = crate::clock::now();
        let chain = EmbeddedChain::start(ChainConfig {
            dir: folder.path().join("chain"),
            genesis: development_genesis(DEVELOPMENT_CHAIN_ID, now.seconds_floor()),
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        });
        let chain = chain.await.unwrap();
        let url = chain.rpc_url();
        for account in [key(1).address(), key(2).address()] {
            ask_faucet(&url, account).await.unwrap();
        }
        let contracts = Settlement::deploy(&url, key(1)).await.unwrap();
        let requestor = Settlement::connect(&url, key(1), contracts).await.unwrap();
        let provider = Settlement::connect(&url, key(2), contracts).await.unwrap();
        requestor
            .mint_dev_tokens(requestor.account(), Amount(1_000))
            .await
            .unwrap();
        let deadline = UnixMillis(now.0 + HOUR_MS);
        let terms = JobTerms {
            manifest_hash: B256::repeat_byte(1),
            plan_hash: B256::repeat_byte(2),
            token: contracts.token,
            budget: Amount(100),
            deadline,
            exit_window,
        };
        let job = requestor.open_job(&terms, B256::ZERO).await.unwrap().job_id;
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        journal.accept_job(job, requestor.account(), deadline, now).unwrap();
        Self {
            watcher: Watcher::new(journal.clone(), Arc::new(provider), key(2).address()),
            requestor,
            job,
            deadline,
            journal,
            _chain: chain,
            _folder: folder,
        }
    }

    /// The provider gets a voucher, which it keeps.
    fn voucher(&self, cumulative: u128) {
        let signed = signed(self.job, 2, cumulative, &self.requestor.domain(), 1);
        keep_in(
            &self.journal,
            &self.requestor.domain(),
            key(2).address(),
            self.job,
            &signed,
        )
        .unwrap();
    }

    /// Looks at once, whatever the last look asked for.
    async fn look(&mut self, now: UnixMillis) {
        self.watcher
            .jobs
            .values_mut()
            .for_each(|watched| watched.next_look = None);
        self.watcher.round(now).await;
    }

    fn open(&self) -> usize {
        self.journal.open_vouchers().unwrap().len()
    }

    async fn paid(&self) -> Amount {
        self.requestor.paid_to(self.job, key(2).address()).await.unwrap()
    }
}

fn signed(job: JobId, provider: u8, cumulative: u128, domain: &Domain, signer: u8) -> Vec<u8> {
    let voucher = Voucher {
        job,
        provider: key(provider).address(),
        cumulative: Amount(cumulative),
    };
    canonical::encode("voucher", &Signed::sign(voucher, domain, &key(signer))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_that_a_closing_requestor_left_out_is_redeemed_in_the_window() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    world.voucher(40);
    let now = crate::clock::now();
    world.look(now).await;
    assert_eq!((world.paid().await, world.open()), (Amount(0), 1), "nothing presses");
    world.requestor.close_job(world.job, &[]).await.unwrap();
    world.look(now).await;
    assert_eq!(world.paid().await, Amount(40));
    world.look(now).await;
    assert_eq!(world.open(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn near_the_deadline_vouchers_are_redeemed_but_not_each_by_itself() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    world.voucher(40);
    let near = UnixMillis(world.deadline.0 - 1_000);
    world.look(near).await;
    assert_eq!(world.paid().await, Amount(40));
    world.voucher(41);
    world.look(near).await;
    assert_eq!(world.paid().await, Amount(40), "a fee for each task would eat its pay");
    world.look(world.deadline).await;
    assert_eq!(world.paid().await, Amount(41));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_empty_escrow_cannot_pay_is_lost_once() {
    let mut world = World::new(Duration::ZERO).await;
    world.voucher(40);
    world.requestor.close_job(world.job, &[]).await.unwrap();
    world.requestor.refund(world.job).await.unwrap();
    world.look(crate::clock::now()).await;
    assert_eq!((world.paid().await, world.open()), (Amount(0), 0));
}

#[test]
fn a_voucher_that_comes_after_the_work_has_ended_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
    let domain = Domain {
        chain_id: 1,
        escrow: Address::repeat_byte(9),
    };
    let (known, unknown, us) = (JobId::from_bytes([1; 32]), JobId::from_bytes([2; 32]), key(2).address());
    journal
        .accept_job(known, key(1).address(), UnixMillis(7), UnixMillis(1))
        .unwrap();
    for (job, voucher_job, provider, signer, kept) in [
        (unknown, unknown, 2, 1, false),
        (known, unknown, 2, 1, false),
        (known, known, 3, 1, false),
        (known, known, 2, 3, false),
        (known, known, 2, 1, true),
    ] {
        let signed = signed(voucher_job, provider, 5, &domain, signer);
        let outcome = keep_in(&journal, &domain, us, job, &signed);
        assert_eq!(outcome.is_ok(), kept, "{outcome:?}");
        assert_eq!(journal.open_vouchers().unwrap().len(), usize::from(kept));
    }
    assert_eq!(journal.vouchered(known).unwrap(), Amount(5));
}

/// State of the escrow, what is locked, seconds until the deadline, whether a payment was just made; and what follows.
#[test]
fn each_state_of_an_escrow_leads_somewhere() {
    let deadline = UnixMillis(1_000 * HOUR_MS);
    let held = HeldVoucher {
        job: JobId::from_bytes([1; 32]),
        cumulative: Amount(10),
        deadline,
        voucher: Vec::new(),
    };
    let lost = Step::End(VoucherEnd::Lost);
    for (state, locked, until_deadline_s, rests, expected) in [
        (JobState::Open, 90, 7_200, false, Step::Wait),
        (JobState::Open, 90, 600, false, Step::Redeem),
        (JobState::Open, 90, 600, true, Step::Wait),
        (JobState::Open, 90, 0, true, Step::Redeem),
        (JobState::Open, 0, 0, false, Step::Wait),
        (JobState::Closed, 90, 7_200, true, Step::Redeem),
        (JobState::Closed, 0, 7_200, false, Step::Wait),
        (JobState::Refunded, 0, 7_200, false, lost),
        (JobState::None, 0, 7_200, false, Step::Wait),
        (JobState::None, 0, -3_599, false, Step::Wait),
        (JobState::None, 0, -3_600, false, lost),
    ] {
        let job = Job {
            state,
            locked: Amount(locked),
            ..escrow(deadline)
        };
        let now = UnixMillis(deadline.0.saturating_add_signed(-1_000 * until_deadline_s));
        let step = next_step(&held, Amount(9), &job, now, rests);
        assert_eq!(step, expected, "{state:?} {locked} {until_deadline_s} {rests}");
        let paid = next_step(&held, Amount(10), &job, now, rests);
        assert_eq!(paid, Step::End(VoucherEnd::Paid), "{state:?}");
    }
}

fn escrow(deadline: UnixMillis) -> Job {
    Job {
        state: JobState::Open,
        requestor: key(1).address(),
        token: Address::repeat_byte(3),
        manifest_hash: B256::ZERO,
        plan_hash: B256::ZERO,
        deadline,
        exit_window: Duration::from_secs(2),
        refundable_at: deadline,
        deposited: Amount(100),
        paid: Amount::ZERO,
        refunded: Amount::ZERO,
        locked: Amount(100),
    }
}
