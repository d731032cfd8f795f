//! Vouchers kept and looked after, on a real chain.

#![allow(clippy::unwrap_used)]

use super::{keeping::keep_in, *};
use crate::chain::{ChainConfig, DEVELOPMENT_CHAIN_ID, EmbeddedChain, development_genesis};
use crate::journal::{Delivered, DeliveredState};
use rayswarm_model::{
    AttemptId, B256, ComparisonClass, NodeId, Rect, TaskId, Work,
    allocation::Share,
    signed::{AccountKey, Domain, Receipt, Signed, Voucher},
};
use rayswarm_network::{
    Inbox, NetworkConfig,
    juries::{JuryEvent, NotNeeded},
};
use rayswarm_settlement::{JobTerms, Payments, ask_faucet};
use std::{net::Ipv4Addr, path::Path};
use tempfile::TempDir;

const HOUR_MS: u64 = 3_600_000;
/// The blocks of a busy second bear later times.
const CHAIN_AHEAD: Duration = Duration::from_secs(60);
const NODE: NodeId = NodeId::from_bytes([4; 32]);

fn key(seed: u8) -> AccountKey {
    AccountKey::from_bytes(&[seed; 32]).unwrap()
}

/// A chain, a requestor with an open job, and a provider that has accepted it.
struct World {
    requestor: Settlement,
    /// The requestor's node and what it is asked.
    node: Network,
    inbox: Inbox,
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
            policy_hash: B256::repeat_byte(3),
            comparison_class: ComparisonClass(B256::repeat_byte(4)),
            token: contracts.token,
            budget: Amount(100),
            provider_stake: Amount::ZERO,
            deadline,
            exit_window,
            notice: Duration::from_secs(3_600),
            challenge: Duration::ZERO,
            trust_tier: 0,
        };
        let job = requestor.open_job(&terms, B256::ZERO).await.unwrap().job_id;
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let height = requestor.height().await.unwrap();
        let (node, inbox) = network(4, folder.path()).await;
        journal
            .accept_job(job, (requestor.account(), node.node_id()), deadline, height, now)
            .unwrap();
        Self {
            watcher: Watcher {
                network: network(5, folder.path()).await.0,
                journal: journal.clone(),
                settlement: Arc::new(provider),
                account: key(2).address(),
                court: B256::ZERO,
                jobs: HashMap::new(),
            },
            requestor,
            node,
            inbox,
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

    /// The requestor publishes caps, which the provider gets if `sent`.
    async fn cap(&self, epoch: u32, cap: u128, sent: bool) -> Caps {
        let share = Share {
            provider: key(2).address(),
            owed: Amount(cap),
            in_flight: Amount::ZERO,
            rate_milli_wu: 1,
            cap: Amount(cap),
            headroom: Amount::ZERO,
        };
        let allocation = Allocation {
            job: self.job,
            epoch,
            free: Amount(100),
            shares: vec![share],
        };
        let caps = allocation.caps().unwrap();
        self.requestor.allocate(self.job, &caps, B256::ZERO).await.unwrap();
        if sent {
            let document = canonical::encode("allocation", &allocation).unwrap();
            keep_caps(&self.journal, self.node.node_id(), self.job, &document).unwrap();
        }
        caps
    }

    /// The provider has delivered a result.
    fn delivered(&self, worth: u128) {
        let receipt = Receipt {
            job: self.job,
            task: TaskId(1),
            attempt: AttemptId(1),
            provider: key(2).address(),
            bytes_hash: B256::ZERO,
            pixel_commitment: B256::ZERO,
            cpu: Default::default(),
        };
        let receipt = Signed::sign(receipt, &self.requestor.domain(), &key(2));
        let result = Delivered {
            attempt: AttemptId(1),
            task: TaskId(1),
            worth: Amount(worth),
            work: Work { milli_wu: 1 },
            tile: Rect {
                x: 0,
                y: 0,
                width: 1,
                height: 1,
            },
            receipt: canonical::encode("receipt", &receipt).unwrap(),
            state: DeliveredState::Unjudged,
        };
        self.journal.save_delivered(self.job, &result, &[]).unwrap();
        self.journal.add_delivered(self.job, Amount(worth)).unwrap();
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
        self.journal.owing_jobs().unwrap().len()
    }

    async fn paid(&self) -> Amount {
        self.requestor.paid_to(self.job, key(2).address()).await.unwrap()
    }
}

/// A node on loopback.
async fn network(seed: u8, folder: &Path) -> (Network, Inbox) {
    let folder = folder.join(format!("network-{seed}"));
    Network::start(NetworkConfig::loopback([seed; 32], folder))
        .await
        .unwrap()
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
    let caps = world.cap(1, 60, true).await;
    world.voucher(40);
    let now = crate::clock::now();
    world.look(now).await;
    assert_eq!((world.paid().await, world.open()), (Amount(0), 1), "nothing presses");
    let worked = world.journal.worked_job(world.job).unwrap().unwrap();
    assert_eq!(worked.secured, Some(Amount(60)));
    world.requestor.close_job(world.job, &[], &caps).await.unwrap();
    world.look(now).await;
    assert_eq!(world.paid().await, Amount(40));
    world.look(now).await;
    assert_eq!(world.open(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn near_the_deadline_vouchers_are_redeemed_but_not_each_by_itself() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    world.cap(1, 60, true).await;
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
    let caps = world.cap(1, 60, true).await;
    world.voucher(40);
    world.requestor.close_job(world.job, &[], &caps).await.unwrap();
    world.requestor.refund(world.job).await.unwrap();
    world.look(crate::clock::now()).await;
    assert_eq!((world.paid().await, world.open()), (Amount(0), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_is_redeemed_before_lower_caps_take_force() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    world.cap(1, 60, true).await;
    world.voucher(40);
    let now = crate::clock::now();
    world.cap(2, 40, true).await;
    world.look(now).await;
    assert_eq!(world.paid().await, Amount(0), "they still cover it");
    world.cap(2, 39, true).await;
    world.look(now).await;
    assert_eq!(world.paid().await, Amount(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_requestor_is_silent_is_paid_without_it() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    world.cap(1, 60, true).await;
    world.voucher(10);
    world.delivered(35);
    world.look(crate::clock::now()).await;
    assert_eq!(world.paid().await, Amount(0));
    // The voucher, then the claim of the rest, then its payment.
    world.look(world.deadline).await;
    assert_eq!(world.paid().await, Amount(10));
    world.look(world.deadline).await;
    let escrow = world.requestor.job(world.job).await.unwrap();
    assert_eq!((escrow.paid, escrow.reserved), (Amount(10), Amount(25)));
    world.look(world.deadline).await;
    assert_eq!(world.paid().await, Amount(35));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_paid_too_little_is_recorded_and_the_rest_redeemed() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    let caps = world.cap(1, 60, true).await;
    world.voucher(40);
    let less = Payments::from([(key(2).address(), Amount(30))]);
    world.requestor.settle_job(world.job, &less, &caps).await.unwrap();
    let now = crate::clock::now();
    world.look(now).await;
    assert_eq!(world.paid().await, Amount(30), "written down");
    world.look(now).await;
    assert_eq!(world.paid().await, Amount(40));
    world.look(now).await;
    assert_eq!(world.open(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_paid_all_ends_the_watch_without_a_transaction() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    let caps = world.cap(1, 60, true).await;
    world.voucher(40);
    let all = Payments::from([(key(2).address(), Amount(40))]);
    world.requestor.settle_job(world.job, &all, &caps).await.unwrap();
    let before = world.requestor.height().await.unwrap();
    world.look(crate::clock::now()).await;
    assert_eq!((world.open(), world.requestor.height().await.unwrap()), (0, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requestor_that_closes_without_paying_what_was_earned_is_answered_with_a_claim() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    let caps = world.cap(1, 60, true).await;
    world.voucher(10);
    world.delivered(35);
    world.requestor.close_job(world.job, &[], &caps).await.unwrap();
    let now = crate::clock::now().after(CHAIN_AHEAD);
    // The voucher, then the claim of the rest, then its payment.
    for (paid, reserved) in [(10, 0), (10, 25), (35, 0)] {
        world.look(now).await;
        let escrow = world.requestor.job(world.job).await.unwrap();
        assert_eq!((escrow.paid, escrow.reserved), (Amount(paid), Amount(reserved)));
    }
    world.look(now).await;
    assert_eq!(world.open(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_requestor_does_not_need_is_not_claimed_though_its_first_word_was_lost() {
    for (is_needed, reserved) in [(true, 25), (false, 0)] {
        let mut world = World::new(Duration::from_secs(3_600)).await;
        let caps = world.cap(1, 60, true).await;
        world.voucher(10);
        world.delivered(35);
        world.watcher.network.hello(&world.node.addr()).await.unwrap();
        world.requestor.close_job(world.job, &[], &caps).await.unwrap();
        let now = crate::clock::now().after(CHAIN_AHEAD);
        let (_, nobody) = tokio::sync::mpsc::channel(1);
        let mut questions = std::mem::replace(&mut world.inbox.juries, nobody);
        let answering = async {
            let Some(JuryEvent::NotNeeded { attempts, reply, .. }) = questions.recv().await else {
                panic!("no question came");
            };
            assert_eq!(attempts, [AttemptId(1)]);
            let attempts = if is_needed { Vec::new() } else { attempts };
            reply.send(NotNeeded { attempts }).unwrap();
        };
        // It is asked before the voucher is redeemed, and only once.
        tokio::join!(world.look(now), answering);
        world.look(now).await;
        let escrow = world.requestor.job(world.job).await.unwrap();
        assert_eq!((escrow.paid, escrow.reserved), (Amount(10), Amount(reserved)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_without_a_share_is_recorded_and_what_was_earned_claimed() {
    let mut world = World::new(Duration::from_secs(3_600)).await;
    let caps = world.cap(1, 60, true).await;
    world.delivered(35);
    let nothing = Payments::new();
    world.requestor.settle_job(world.job, &nothing, &caps).await.unwrap();
    let now = crate::clock::now().after(CHAIN_AHEAD);
    // Written down, claimed, paid.
    for paid in [0, 0, 35] {
        world.look(now).await;
        assert_eq!(world.paid().await, Amount(paid));
    }
    world.look(now).await;
    assert_eq!(world.open(), 0);
}

#[test]
fn caps_are_kept_for_work_that_was_accepted_only() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
    let known = JobId::from_bytes([1; 32]);
    journal
        .accept_job(known, (key(1).address(), NODE), UnixMillis(7), 1, UnixMillis(1))
        .unwrap();
    let document = |job: u8| {
        let allocation = Allocation {
            job: JobId::from_bytes([job; 32]),
            epoch: 1,
            free: Amount(9),
            shares: Vec::new(),
        };
        canonical::encode("allocation", &allocation).unwrap()
    };
    let stranger = NodeId::from_bytes([5; 32]);
    assert!(matches!(
        keep_caps(&journal, stranger, known, &document(1)),
        Err(CapsRefusal::NotOurs(_))
    ));
    assert!(keep_caps(&journal, NODE, known, &document(1)).is_ok());
    assert!(matches!(
        keep_caps(&journal, NODE, known, &document(2)),
        Err(CapsRefusal::NotOurs(_))
    ));
    let unknown = JobId::from_bytes([2; 32]);
    assert!(matches!(
        keep_caps(&journal, NODE, unknown, &document(2)),
        Err(CapsRefusal::NotOurs(_))
    ));
    assert!(matches!(
        keep_caps(&journal, NODE, known, &[1, 2]),
        Err(CapsRefusal::Unreadable(_))
    ));
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
        .accept_job(known, (key(1).address(), NODE), UnixMillis(7), 1, UnixMillis(1))
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
