//! `rayswarm/chain/1`: nodes that keep one chain tell each other of consensus, blocks and transactions.
//!
//! One connection per pair of nodes. Whoever dials opens a stream and greets with the chain's name; on that stream both say
//! [`ChainWord`]s, which may be lost where the other listens too slowly. Questions have streams of their own, so that a long
//! answer holds up no vote.

mod link;
mod messages;
mod state;

pub use link::{ChainEvent, ChainLink};
pub use messages::*;
pub use state::*;

use crate::{
    address::node_id,
    call::{self, ANSWER_DEADLINE, READ_DEADLINE},
    error::{CloseCode, NetworkError},
};
use iroh::{
    endpoint::Connection,
    protocol::{AcceptError, ProtocolHandler},
};
use rayswarm_model::{B256, NodeId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Name and version of the protocol.
pub const ALPN: &[u8] = b"rayswarm/chain/1";

/// Peers at once.
const PEERS_MAX: usize = 128;

/// What all connections of the protocol share.
#[derive(Clone, Debug)]
pub(crate) struct ChainPeers {
    inner: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// The chain this node keeps, once it does.
    genesis: OnceLock<B256>,
    links: Mutex<HashMap<NodeId, ChainLink>>,
    events: mpsc::Sender<ChainEvent>,
    room: Semaphore,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl ChainPeers {
    pub(crate) fn new(events: mpsc::Sender<ChainEvent>, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            inner: Arc::new(Shared {
                genesis: OnceLock::new(),
                links: Mutex::default(),
                events,
                room: Semaphore::new(PEERS_MAX),
                tasks,
                stop,
            }),
        }
    }

    /// From now on this node keeps a chain, and others of it may join. Only the first chain counts.
    pub(crate) fn keep(&self, genesis: B256) {
        // A node keeps one chain for its life.
        let _ = self.inner.genesis.set(genesis);
    }

    pub(crate) fn links(&self) -> Vec<ChainLink> {
        self.table().values().cloned().collect()
    }

    pub(crate) fn has(&self, node: NodeId) -> bool {
        self.table().contains_key(&node)
    }

    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<NodeId, ChainLink>> {
        self.inner.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Greets over a connection that was just dialled.
    pub(crate) async fn join(&self, connection: Connection) -> Result<(), NetworkError> {
        let node = node_id(connection.remote_id());
        let Some(genesis) = self.inner.genesis.get().copied() else {
            return Err(NetworkError::Stopped);
        };
        let greeting = async {
            let (mut send, mut recv) = connection
                .open_bi()
                .await
                .map_err(|source| NetworkError::ended(node, source))?;
            call::put(node, &mut send, &Greeting { genesis }, "a greeting").await?;
            let answer = call::get::<Greeting>(node, &mut recv, "a greeting").await?;
            Ok((send, recv, answer))
        };
        let (send, recv, answer) = call::within(node, "a greeting", ANSWER_DEADLINE, greeting).await?;
        if answer.genesis != genesis {
            CloseCode::Denied.close(&connection, "another chain");
            return Err(NetworkError::OtherChain {
                node,
                own: genesis,
                got: answer.genesis,
            });
        }
        self.begin(connection, send, recv).await
    }

    async fn greeted(&self, connection: &Connection) -> Result<(), NetworkError> {
        let node = node_id(connection.remote_id());
        let Some(genesis) = self.inner.genesis.get().copied() else {
            CloseCode::Denied.close(connection, "this node keeps no chain");
            return Ok(());
        };
        let reading = async {
            let (send, mut recv) = connection
                .accept_bi()
                .await
                .map_err(|source| NetworkError::ended(node, source))?;
            let greeting = call::get::<Greeting>(node, &mut recv, "a greeting").await?;
            Ok((send, recv, greeting))
        };
        let (mut send, recv, greeting) = call::within(node, "a greeting", READ_DEADLINE, reading).await?;
        call::put(node, &mut send, &Greeting { genesis }, "a greeting").await?;
        if greeting.genesis != genesis {
            // The other side has what it needs to say which chain is which, and goes; or is shown out.
            let going = tokio::time::timeout(READ_DEADLINE, connection.closed());
            if going.await.is_err() {
                CloseCode::Denied.close(connection, "another chain");
            }
            return Ok(());
        }
        self.begin(connection.clone(), send, recv).await
    }

    /// Takes the place of an older connection to the same node.
    async fn begin(
        &self,
        connection: Connection,
        send: iroh::endpoint::SendStream,
        recv: iroh::endpoint::RecvStream,
    ) -> Result<(), NetworkError> {
        let shared = &self.inner;
        let node = node_id(connection.remote_id());
        let (link, said) = ChainLink::new(connection.clone());
        if let Some(older) = self.table().insert(node, link.clone()) {
            older.replace();
        }
        let joined = ChainEvent::Joined { link: link.clone() };
        shared.events.send(joined).await.map_err(|_| NetworkError::Stopped)?;
        shared
            .tasks
            .spawn(link::speak(connection.clone(), send, said, shared.stop.clone()));
        let answering = link::answer(connection.clone(), shared.events.clone());
        shared
            .tasks
            .spawn(shared.stop.clone().run_until_cancelled_owned(answering));
        let (peers, events, stop) = (self.clone(), shared.events.clone(), shared.stop.clone());
        shared.tasks.spawn(stop.run_until_cancelled_owned(async move {
            link::listen(&connection, recv, &events).await;
            link.close();
            peers.left(&link).await;
        }));
        Ok(())
    }

    async fn left(&self, link: &ChainLink) {
        let from = link.node();
        {
            let mut table = self.table();
            if table.get(&from).is_none_or(|standing| !standing.is_same(link)) {
                // A newer one stands.
                return;
            }
            table.remove(&from);
        }
        // Nobody needs to know while the node stops.
        let _ = self.inner.events.send(ChainEvent::Left { from }).await;
    }
}

impl ProtocolHandler for ChainPeers {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let Ok(_room) = self.inner.room.try_acquire() else {
            CloseCode::Busy.close(&connection, "");
            return Ok(());
        };
        match self.greeted(&connection).await {
            Ok(()) => {
                connection.closed().await;
            }
            Err(NetworkError::Stopped) => CloseCode::Stopping.close(&connection, ""),
            Err(error) => {
                tracing::debug!(%error, "a peer of the chain was not greeted");
                call::close_if_broken(&connection, &error);
            }
        }
        Ok(())
    }
}
