//! How much work wallets may give this node at once: blocks and votes of its own have threads and processors left.

use std::{sync::Arc, thread};

use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;
use tokio::sync::Semaphore;

use super::{
    Rpc,
    error::{Answer, failed, too_much},
};

/// Reads that are being answered or wait for it.
const READS_OPEN: usize = 1_024;
/// The same of questions that run something.
const RUNS_OPEN: usize = 256;
/// Reads at once for each processor: most wait for the disk.
const READS_PER_PROCESSOR: usize = 8;

/// What answering takes.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// A look at the chain, or into the pool.
    Read,
    /// The EVM, or many blocks.
    Run,
}

/// Room for questions.
pub(crate) struct Room {
    reads: Class,
    runs: Class,
}

/// Questions of one kind: those that are open, and those that are being answered.
struct Class {
    open: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, |count| count.get());
        Self {
            reads: Class::new(READS_OPEN, processors * READS_PER_PROCESSOR),
            runs: Class::new(RUNS_OPEN, processors),
        }
    }
}

impl Class {
    fn new(open: usize, places: usize) -> Self {
        Self {
            open: Arc::new(Semaphore::new(open)),
            places: Arc::new(Semaphore::new(places)),
        }
    }
}

impl Room {
    /// Whoever asked may go at any moment: the places are given back by the work, which goes on.
    async fn answer<T: Send + 'static>(
        &self,
        work: Work,
        answer: impl FnOnce() -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let class = match work {
            Work::Read => &self.reads,
            Work::Run => &self.runs,
        };
        let Ok(open) = class.open.clone().try_acquire_owned() else {
            return Err(too_much("too many questions wait for an answer; ask again in a moment"));
        };
        // They are never closed.
        let place = class.places.clone().acquire_owned().await;
        let working = tokio::task::spawn_blocking(move || {
            let answered = answer();
            drop((open, place));
            answered
        });
        let answered = working.await;
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
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn who_asks_too_much_at_once_is_told_and_others_are_answered_later() {
        let room = Arc::new(Room::default());
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = Arc::new(std::sync::Mutex::new(wait));
        let mut open = tokio::task::JoinSet::new();
        for _ in 0..RUNS_OPEN {
            let (room, wait) = (room.clone(), wait.clone());
            open.spawn(async move {
                let answer = move || {
                    wait.lock().unwrap().recv().unwrap();
                    Ok(())
                };
                room.answer(Work::Run, answer).await
            });
        }
        while room.runs.open.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = room.answer(Work::Run, || Ok(())).await.unwrap_err();
        assert_eq!(refused.code(), -32_005);
        room.answer(Work::Read, || Ok(())).await.unwrap();
        for _ in 0..RUNS_OPEN {
            go.send(()).unwrap();
        }
        while let Some(answered) = open.join_next().await {
            answered.unwrap().unwrap();
        }
        room.answer(Work::Run, || Ok(())).await.unwrap();
        let broken: Answer<()> = room.answer(Work::Run, || panic!("a mistake of ours")).await;
        assert_eq!(broken.unwrap_err().code(), -32_000);
        assert_eq!(room.runs.open.available_permits(), RUNS_OPEN);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_goes_away_leaves_its_place_taken_until_the_work_is_done() {
        let room = Room::default();
        let places = room.runs.places.available_permits();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let asking = room.answer(Work::Run, move || {
            let _ = begun.send(());
            wait.recv().unwrap();
            Ok(())
        });
        tokio::select! {
            _ = asking => panic!("it waits"),
            _ = begins => {}
        }
        assert_eq!(room.runs.places.available_permits(), places - 1);
        go.send(()).unwrap();
        while room.runs.places.available_permits() < places {
            tokio::task::yield_now().await;
        }
    }
}
