//! Who may read which blobs. A ticket to a blob is no right to it: every request is checked against the jobs its node was
//! granted.

use super::{blob_id, store::BlobStore};
use crate::{address::node_id, error::CloseCode};
use iroh::{
    endpoint::Connection,
    protocol::{AcceptError, ProtocolHandler},
};
use iroh_blobs::{
    protocol::GetRequest,
    provider::{
        events::{AbortReason, EventMask, EventSender, ObserveMode, ProviderMessage, RequestMode},
        handle_connection,
    },
};
use rayswarm_model::{JobId, NodeId};
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Nodes that fetch at once.
const CONNECTIONS_MAX: usize = 512;
/// Requests of one connection waiting to be judged.
const WAITING_MAX: usize = 32;

/// The jobs each node may read.
#[derive(Debug, Default)]
pub(super) struct Grants(Mutex<HashMap<NodeId, Granted>>);

#[derive(Debug, Default)]
struct Granted {
    jobs: HashSet<JobId>,
    /// Cuts the node's connections.
    cut: CancellationToken,
}

impl Grants {
    fn map(&self) -> MutexGuard<'_, HashMap<NodeId, Granted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn grant(&self, peer: NodeId, job: JobId) {
        self.map().entry(peer).or_default().jobs.insert(job);
    }

    /// Connections are cut even if other jobs remain: a fetch of those reconnects.
    pub(super) fn revoke(&self, peer: NodeId, job: JobId) {
        let mut map = self.map();
        let Some(granted) = map.get_mut(&peer) else { return };
        if granted.jobs.remove(&job) {
            granted.cut.cancel();
            granted.cut = CancellationToken::new();
        }
        if granted.jobs.is_empty() {
            map.remove(&peer);
        }
    }

    /// Takes back a right that was of no use, as that of a peer that declined the job. Its other jobs' transfers go on.
    pub(super) fn withdraw(&self, peer: NodeId, job: JobId) {
        let mut map = self.map();
        let Some(granted) = map.get_mut(&peer) else { return };
        granted.jobs.remove(&job);
        if granted.jobs.is_empty() {
            granted.cut.cancel();
            map.remove(&peer);
        }
    }

    pub(super) fn revoke_all(&self, job: JobId) {
        let peers: Vec<NodeId> = self.map().keys().copied().collect();
        for peer in peers {
            self.revoke(peer, job);
        }
    }

    /// What cuts the node's connections; `None` for a stranger.
    fn admit(&self, peer: NodeId) -> Option<CancellationToken> {
        self.map().get(&peer).map(|granted| granted.cut.clone())
    }

    fn jobs(&self, peer: NodeId) -> Vec<JobId> {
        self.map()
            .get(&peer)
            .map(|granted| granted.jobs.iter().copied().collect())
            .unwrap_or_default()
    }
}

/// Serves blobs to nodes that were granted them.
#[derive(Debug)]
pub(crate) struct BlobsProtocol {
    store: BlobStore,
    room: Semaphore,
}

impl BlobsProtocol {
    pub(crate) fn new(store: BlobStore) -> Self {
        Self {
            store,
            room: Semaphore::new(CONNECTIONS_MAX),
        }
    }

    /// Answers the questions of one connection until it ends.
    async fn judge(&self, peer: NodeId, mut questions: mpsc::Receiver<ProviderMessage>) {
        while let Some(question) = questions.recv().await {
            match question {
                ProviderMessage::GetRequestReceived(message) => {
                    let verdict = if self.allows(peer, &message.request) {
                        Ok(())
                    } else {
                        Err(AbortReason::Permission)
                    };
                    // Fails only when the request is already gone.
                    let _ = message.tx.send(verdict).await;
                }
                ProviderMessage::ObserveRequestReceived(message) => {
                    let _ = message.tx.send(Err(AbortReason::Permission)).await;
                }
                _ => {}
            }
        }
    }

    fn allows(&self, peer: NodeId, request: &GetRequest) -> bool {
        // A request for more than the blob itself treats its bytes as a list of further blobs, which nobody granted.
        let blob = blob_id(request.hash);
        request.ranges.is_blob()
            && self
                .store
                .inner
                .grants
                .jobs(peer)
                .into_iter()
                .any(|job| self.store.belongs(job, blob))
    }
}

impl ProtocolHandler for BlobsProtocol {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let peer = node_id(connection.remote_id());
        let Some(cut) = self.store.inner.grants.admit(peer) else {
            CloseCode::Denied.close(&connection, "no job was granted to this node");
            return Ok(());
        };
        let Ok(_room) = self.room.try_acquire() else {
            CloseCode::Busy.close(&connection, "");
            return Ok(());
        };
        let mask = EventMask {
            get: RequestMode::Intercept,
            get_many: RequestMode::Disabled,
            push: RequestMode::Disabled,
            observe: ObserveMode::Intercept,
            ..EventMask::DEFAULT
        };
        let (events, questions) = EventSender::channel(WAITING_MAX, mask);
        let store = self.store.fs().clone().into();
        tokio::select! {
            () = handle_connection(connection.clone(), store, events) => {}
            () = self.judge(peer, questions) => {}
            () = cut.cancelled() => CloseCode::Denied.close(&connection, "the right to these files was taken back"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PEER: NodeId = NodeId::from_bytes([1; 32]);

    fn job(n: u8) -> JobId {
        JobId::from_bytes([n; 32])
    }

    #[test]
    fn declining_one_job_leaves_transfers_of_another_alone() {
        let grants = Grants::default();
        grants.grant(PEER, job(1));
        grants.grant(PEER, job(2));
        let cut = grants.admit(PEER).unwrap();
        grants.withdraw(PEER, job(1));
        assert!(!cut.is_cancelled(), "the other job's transfer goes on");
        assert_eq!(grants.jobs(PEER), [job(2)]);
        grants.withdraw(PEER, job(2));
        assert!(
            cut.is_cancelled() && grants.admit(PEER).is_none(),
            "nothing is left to read"
        );
    }

    #[test]
    fn the_end_of_a_job_ends_everybodys_right_to_it() {
        let (grants, other) = (Grants::default(), NodeId::from_bytes([2; 32]));
        for peer in [PEER, other] {
            grants.grant(peer, job(1));
        }
        grants.grant(other, job(2));
        let cut = grants.admit(PEER).unwrap();
        grants.revoke_all(job(1));
        assert!(cut.is_cancelled() && grants.admit(PEER).is_none());
        assert_eq!(grants.jobs(other), [job(2)]);
    }
}
