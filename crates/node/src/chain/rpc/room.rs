//! How much work wallets may give this node at once: blocks and votes of its own have threads and processors left.

use std::{sync::Arc, thread};

use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::{
    Rpc,
    error::{Answer, failed, too_much},
};

/// Questions that are being answered or wait for it.
const OPEN_MAX: usize = 1_024;
/// Reads of the chain at once.
const READS_MAX: usize = 64;

/// What answering takes.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// A look at the chain, or into the pool.
    Read,
    /// The EVM, or many blocks: as much as a processor does in a second.
    Run,
}

/// Room for questions.
pub(crate) struct Room {
    open: Semaphore,
    reads: Semaphore,
    runs: Semaphore,
}

impl Default for Room {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, |count| count.get());
        Self {
            open: Semaphore::new(OPEN_MAX),
            reads: Semaphore::new(READS_MAX),
            runs: Semaphore::new(processors),
        }
    }
}

impl Room {
    async fn answer<T: Send + 'static>(
        &self,
        work: Work,
        answer: impl FnOnce() -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let Ok(_open) = self.open.try_acquire() else {
            return Err(too_much(format!(
                "{OPEN_MAX} questions wait for an answer; ask again in a moment"
            )));
        };
        let places = match work {
            Work::Read => &self.reads,
            Work::Run => &self.runs,
        };
        // They are never closed.
        let _place = places.acquire().await;
        let answered = tokio::task::spawn_blocking(answer).await;
        answered.unwrap_or_else(|_| Err(failed("the answer was broken off; the node's log says why")))
    }
}

/// Adds a method that takes a thread while it answers.
pub(super) fn register<T: Serialize + Clone + Send + 'static>(
    module: &mut RpcModule<Rpc>,
    name: &'static str,
    work: Work,
    method: fn(&Rpc, &Params<'_>) -> Answer<T>,
) -> Result<(), RegisterMethodError> {
    let answer = move |params: Params<'static>, rpc: Arc<Rpc>| async move {
        let asked = rpc.clone();
        rpc.room.answer(work, move || method(&asked, &params)).await
    };
    module.register_async_method(name, move |params, rpc, _| answer(params, rpc))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn who_asks_too_much_at_once_is_told_and_others_are_answered_later() {
        let room = Arc::new(Room::default());
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let mut open = tokio::task::JoinSet::new();
        for _ in 0..OPEN_MAX {
            let (room, wait) = (room.clone(), wait.clone());
            open.spawn(async move {
                let answer = move || {
                    wait.lock().unwrap().recv().unwrap();
                    Ok(())
                };
                room.answer(Work::Run, answer).await
            });
        }
        while room.open.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = room.answer(Work::Read, || Ok(())).await.unwrap_err();
        assert_eq!(refused.code(), -32_005);
        for _ in 0..OPEN_MAX {
            go.send(()).unwrap();
        }
        while let Some(answered) = open.join_next().await {
            answered.unwrap().unwrap();
        }
        room.answer(Work::Read, || Ok(())).await.unwrap();
        let broken: Answer<()> = room.answer(Work::Read, || panic!("a mistake of ours")).await;
        assert_eq!(broken.unwrap_err().code(), -32_000);
        room.answer(Work::Read, || Ok(())).await.unwrap();
    }
}
