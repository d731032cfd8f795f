//! A child process: one account with its keystore and its journal, which does what it is told over a socket until it is
//! killed.

use crate::{
    chains::{breath, is_away},
    orders::{Answer, Moment, Order, in_force},
    processes::{Words, serve},
    support::world::sentence,
};
use rayswarm_model::{Amount, B256, Caps, FailureKind};
use rayswarm_node::journal::{Journal, JournalOutbox};
use rayswarm_settlement::{
    Chronicle, Contracts, JobState, MemoryOutbox, Mined, Outbox, OutboxError, Outgoing, Settlement, SettlementError,
    identify, keystore,
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

const JOURNAL: &str = "journal.sqlite";
/// As the daemon does every 15 s.
const TEND_EVERY: Duration = Duration::from_millis(400);

/// The outbox in an actor's folder.
pub async fn outbox(folder: &Path, rpc_url: &str) -> JournalOutbox {
    let key = keystore::load_or_create(folder, None).unwrap();
    let journal = Journal::open(&folder.join(JOURNAL)).unwrap();
    let genesis = loop {
        match identify(rpc_url).await {
            Ok(chain) => break chain.genesis,
            Err(error) if is_away(&error) => breath(20).await,
            Err(error) => panic!("{error}"),
        }
    };
    journal.outbox(genesis, key.address())
}

/// Does what it is told until it is killed, or its parent is gone.
pub async fn live(socket: &Path, folder: &Path, rpc_url: &str, contracts: Contracts, forgetful: bool) {
    let inner: Arc<dyn Outbox> = if forgetful {
        Arc::new(MemoryOutbox::default())
    } else {
        Arc::new(outbox(folder, rpc_url).await)
    };
    let fused = Arc::new(Fused {
        inner,
        fuse: Mutex::new(None),
    });
    let settlement = connect(folder, rpc_url, contracts, fused.clone()).await;
    let account = Arc::new(Account { settlement, fused });
    let tended = account.clone();
    let tending = async move {
        loop {
            tokio::time::sleep(TEND_EVERY).await;
            // As in the daemon: the next look may do better.
            let _ = tended.settlement.tend().await;
        }
    };
    let answering = serve(socket, move |mut words: Words| {
        let account = account.clone();
        async move {
            let order = words.hear().await?;
            let answer = account.take(order).await;
            words.say(&answer).await
        }
    });
    tokio::select! {
        () = answering => {}
        () = tending => {}
    }
}

async fn connect(folder: &Path, rpc_url: &str, contracts: Contracts, outbox: Arc<Fused>) -> Settlement {
    loop {
        let key = keystore::load_or_create(folder, None).unwrap();
        let chronicle = Chronicle {
            outbox: outbox.clone(),
            ..Chronicle::default()
        };
        match Settlement::connect_with(rpc_url, key, contracts, chronicle).await {
            Ok(settlement) => return settlement,
            Err(error) if is_away(&error) => breath(20).await,
            Err(error) => panic!("{error}"),
        }
    }
}

struct Account {
    settlement: Settlement,
    fused: Arc<Fused>,
}

impl Account {
    async fn take(&self, order: Order) -> Answer {
        if let Order::Fuse { touches, when } = order {
            *self.fused.fuse.lock().unwrap() = Some((touches, when));
            return Answer::Done(Vec::new());
        }
        match self.act(order).await {
            Ok(Some(mined)) => Answer::Done(mined.iter().map(|mined| mined.tx).collect()),
            Ok(None) => Answer::Idle,
            Err(error) => answer(&error),
        }
    }

    /// What was sent; `None` when there was nothing to do it with.
    async fn act(&self, order: Order) -> Result<Option<Vec<Mined>>, SettlementError> {
        let chain = &self.settlement;
        let one = |mined: Option<Mined>| mined.into_iter().collect();
        let caps = match order.published() {
            None => None,
            Some((job, published)) => in_force(published, &chain.epochs(job).await?),
        };
        Ok(Some(match (order, caps) {
            (Order::Open { terms, salt }, _) => chain.open_job(&terms, salt).await?.transactions,
            (Order::Allocate { job, caps, document }, _) => {
                one(chain.allocate(job, &caps.caps(), document).await?.transaction)
            }
            (Order::TopUpTo { job, deposited }, _) => match chain.job(job).await?.state {
                JobState::None => return Ok(None),
                _ => chain.top_up(job, deposited).await?,
            },
            (Order::Redeem { job, vouchers, .. }, Some(caps)) => {
                chain.redeem(job, &vouchers, &caps).await?.transactions
            }
            (Order::Settle { job, payments, .. }, Some(caps)) => {
                chain.settle_job(job, &payments, &caps).await?.redeemed.transactions
            }
            (Order::Close { job, vouchers, .. }, Some(caps)) => {
                chain.close_job(job, &vouchers, &caps).await?.redeemed.transactions
            }
            // Without caps it is closed all the same.
            (Order::Close { job, .. }, None) => {
                chain.close_job(job, &[], &Caps::default()).await?.redeemed.transactions
            }
            (Order::Claim { job, cumulative, .. }, Some(caps)) => {
                one(chain.claim(job, cumulative, B256::repeat_byte(7), &caps).await?)
            }
            (Order::Redeem { .. } | Order::Settle { .. } | Order::Claim { .. }, None) => return Ok(None),
            (Order::Cancel { job }, _) => one(chain.cancel_job(job).await?),
            (Order::Record { job }, _) => match chain.settled_shares(job, 0).await? {
                None => return Ok(None),
                Some(settled) => one(chain.record_settlement(job, &settled).await?),
            },
            (Order::PayClaim { job, provider }, _) => one(chain.pay_claim(job, provider).await?),
            (Order::Refund { job }, _) => one(chain.refund(job).await?.transaction),
            (Order::Tend, _) => {
                chain.tend().await?;
                Vec::new()
            }
            (Order::Nudge, _) => vec![chain.send_tokens(chain.account(), Amount::ZERO).await?],
            (Order::Fuse { .. }, _) => Vec::new(),
        }))
    }
}

fn answer(error: &SettlementError) -> Answer {
    let text = sentence(error);
    match error {
        SettlementError::Reverted { revert, .. } if revert.is_only_early() => Answer::Early,
        // It took force after the look.
        SettlementError::Reverted { revert, .. } if revert.is_other_epoch() => Answer::Again(text),
        SettlementError::Reverted { .. } | SettlementError::NoCap { .. } => Answer::Refused(text),
        _ if error.kind() == FailureKind::Transient || is_away(error) => Answer::Again(text),
        _ => Answer::Fault(text),
    }
}

/// An outbox at which its process dies.
#[derive(Debug)]
struct Fused {
    inner: Arc<dyn Outbox>,
    fuse: Mutex<Option<(u32, Moment)>>,
}

impl Fused {
    fn touch<T>(&self, act: impl FnOnce(&dyn Outbox) -> T) -> T {
        let dies = {
            let mut fuse = self.fuse.lock().unwrap();
            match fuse.as_mut() {
                None => None,
                Some((0, when)) => Some(*when),
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
            }
        };
        if dies == Some(Moment::Before) {
            die();
        }
        let done = act(self.inner.as_ref());
        if dies == Some(Moment::After) {
            die();
        }
        done
    }
}

/// As `kill -9`.
fn die() {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
}

impl Outbox for Fused {
    fn load(&self) -> Result<Vec<Outgoing>, OutboxError> {
        self.inner.load()
    }

    fn save(&self, outgoing: &Outgoing) -> Result<(), OutboxError> {
        self.touch(|inner| inner.save(outgoing))
    }

    fn forget(&self, nonce: u64) -> Result<(), OutboxError> {
        self.touch(|inner| inner.forget(nonce))
    }
}
