//! The `solo` sealer: one node that seals a block as soon as a transaction waits.
//!
//! There are no empty blocks unless somebody asks for one (`rayswarm_mine`), and no block time: a lone
//! transaction is in a durable block a few milliseconds after it came. Blocks may share a second, never
//! precede their parent (see `rayswarm_chain::block`).

use std::{sync::Arc, time::Duration};

use rayswarm_chain::SealedBlock;
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::ledger::{Ledger, SealError, chained};

/// How long a first transaction waits for company.
const COALESCE: Duration = Duration::from_millis(2);

/// How long to wait before trying again when a block could not be stored.
const RETRY: Duration = Duration::from_secs(1);

/// How many `rayswarm_mine` requests may wait.
pub(crate) const MINE_REQUESTS_MAX: usize = 64;

/// Somebody wants a block now, empty or not, and wants to know it.
pub(crate) type MineRequest = oneshot::Sender<Result<Arc<SealedBlock>, String>>;

/// The sealing loop's state.
pub(crate) struct Sealer {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) requests: mpsc::Receiver<MineRequest>,
}

impl Sealer {
    /// Seals until cancelled. A block being sealed is finished first.
    pub(crate) async fn run(mut self, cancelled: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => return,
                Some(request) = self.requests.recv() => {
                    let result = self.seal(true).await;
                    let answer = match result {
                        Ok(Some(block)) => Ok(block),
                        Ok(None) => Err("nothing was sealed".to_owned()),
                        Err(error) => Err(error),
                    };
                    // Whoever asked may be gone.
                    let _ = request.send(answer);
                }
                () = self.ledger.submitted() => {
                    sleep(COALESCE).await;
                    self.drain(&cancelled).await;
                }
            }
        }
    }

    /// Seals until nothing is ready.
    async fn drain(&self, cancelled: &CancellationToken) {
        while !cancelled.is_cancelled() {
            match self.seal(false).await {
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "no block could be sealed; trying again");
                    tokio::select! {
                        () = cancelled.cancelled() => return,
                        () = sleep(RETRY) => {}
                    }
                }
            }
        }
    }

    /// One block, on a thread that may block.
    async fn seal(&self, empty: bool) -> Result<Option<Arc<SealedBlock>>, String> {
        let ledger = self.ledger.clone();
        let sealing = tokio::task::spawn_blocking(move || ledger.seal(empty));
        match sealing.await {
            Ok(result) => result.map_err(|error: SealError| chained(&error)),
            Err(error) => Err(chained(&error)),
        }
    }
}
