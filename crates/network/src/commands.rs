//! `rayswarm/commands/1`: a requestor runs a session of commands on another node.
//!
//! The requestor dials and orders one session per connection; after that it calls (enter, run, cancel, close) and the
//! host answers and tells what the commands say. Files travel as blobs. Either side's end ends the session: what it was
//! doing is lost and can be done elsewhere.

mod conversation;
mod messages;

pub use conversation::{Conversation, Mouth};
pub use messages::*;

use crate::{
    address::{PeerAddr, node_id},
    call::{self, READ_DEADLINE},
    error::{CloseCode, NetworkError},
};
use iroh::{
    endpoint::Connection,
    protocol::{AcceptError, ProtocolHandler},
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Name and version of the protocol.
pub const ALPN: &[u8] = b"rayswarm/commands/1";

/// Sessions served at once, admitted or about to be refused.
const CONNECTIONS_MAX: usize = 256;

/// A requestor's side of a session.
pub type SessionCaller = Conversation<SessionCall, SessionWord>;
/// The side of the node that runs it.
pub type SessionHost = Conversation<SessionWord, SessionCall>;

/// A requestor orders a session of this node.
#[derive(Debug)]
pub struct SessionRequest {
    /// Where the requestor was seen.
    pub from: PeerAddr,
    /// What it orders.
    pub order: SessionOrder,
    /// What it is answered over: [`SessionWord::Opened`] or [`SessionWord::Refused`] first.
    pub host: SessionHost,
}

/// Orders a session over a connection of its own.
pub(crate) async fn order(
    connection: Connection,
    order: SessionOrder,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<SessionCaller, NetworkError> {
    let node = node_id(connection.remote_id());
    let opening = async {
        let (mut send, recv) = connection
            .open_bi()
            .await
            .map_err(|source| NetworkError::ended(node, source))?;
        call::put(node, &mut send, &order, "an order").await?;
        Ok((send, recv))
    };
    let streams = call::within(node, "an order", call::ANSWER_DEADLINE, opening).await?;
    Ok(Conversation::begin(connection, streams, tasks, stop))
}

/// Takes orders in the role of provider.
#[derive(Debug)]
pub(crate) struct CommandsProtocol {
    requests: mpsc::Sender<SessionRequest>,
    tasks: TaskTracker,
    stop: CancellationToken,
    room: Semaphore,
}

impl CommandsProtocol {
    pub(crate) fn new(requests: mpsc::Sender<SessionRequest>, tasks: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            requests,
            tasks,
            stop,
            room: Semaphore::new(CONNECTIONS_MAX),
        }
    }

    async fn take(&self, connection: &Connection) -> Result<(), NetworkError> {
        let node = node_id(connection.remote_id());
        let reading = async {
            let (send, mut recv) = connection
                .accept_bi()
                .await
                .map_err(|source| NetworkError::ended(node, source))?;
            let order = call::get::<SessionOrder>(node, &mut recv, "an order").await?;
            Ok((send, recv, order))
        };
        let (send, recv, order) = call::within(node, "an order", READ_DEADLINE, reading).await?;
        let mut from = PeerAddr {
            node,
            sockets: Vec::new(),
            relay: None,
        };
        from.add_observed(connection);
        let host = Conversation::begin(connection.clone(), (send, recv), &self.tasks, &self.stop);
        let request = SessionRequest { from, order, host };
        self.requests.send(request).await.map_err(|_| NetworkError::Stopped)
    }
}

impl ProtocolHandler for CommandsProtocol {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let Ok(_room) = self.room.try_acquire() else {
            CloseCode::Busy.close(&connection, "");
            return Ok(());
        };
        match self.take(&connection).await {
            Ok(()) => {
                connection.closed().await;
            }
            Err(NetworkError::Stopped) => CloseCode::Stopping.close(&connection, ""),
            Err(error) => {
                tracing::debug!(%error, "an order was not taken");
                call::close_if_broken(&connection, &error);
            }
        }
        Ok(())
    }
}
