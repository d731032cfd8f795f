//! `rayswarm/peers/1`: nodes introduce themselves, learn of others, and measure round trips.

use crate::{
    address::node_id,
    call::{self, ANSWER_DEADLINE, READ_DEADLINE},
    error::{CloseCode, NetworkError},
    frame::Message,
    peer_book::{ANSWER_PEERS_MAX, KnownPeer, PeerBook, PeerCard},
};
use iroh::{
    endpoint::Connection,
    protocol::{AcceptError, ProtocolHandler},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::Instant};

/// Name and version of the protocol.
pub const ALPN: &[u8] = b"rayswarm/peers/1";

/// Questions one connection may ask; a hello and a few pings is what honest nodes need.
const QUESTIONS_MAX: usize = 16;
/// Connections served at once; a hello takes milliseconds.
const CONNECTIONS_MAX: usize = 256;
/// The whole time one connection may take.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(60);
/// Pings per measurement; the shortest counts, since delays only add.
const PINGS: usize = 3;

/// What a node asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Question {
    /// This is me; whom do you know?
    Hello(Box<PeerCard>),
    /// Are you there?
    Ping,
}

/// The answer to a hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Acquaintances {
    /// The answering node.
    me: PeerCard,
    /// Others it knows.
    others: Vec<KnownPeer>,
}

/// The answer to a ping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pong;

impl Message for Question {
    const NAME: &'static str = "a question about peers";
    const BYTES_MAX: usize = PeerCard::BYTES_MAX + 16;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Hello(card) => card.check(),
            Self::Ping => Ok(()),
        }
    }
}

impl Message for Acquaintances {
    const NAME: &'static str = "a list of peers";
    const BYTES_MAX: usize = 1 << 20;
    fn check(&self) -> Result<(), &'static str> {
        if self.others.len() > ANSWER_PEERS_MAX {
            return Err("it names more than 512 peers");
        }
        self.me.check()?;
        self.others.iter().try_for_each(|peer| peer.card.check())
    }
}

impl Message for Pong {
    const NAME: &'static str = "a pong";
    const BYTES_MAX: usize = 16;
}

/// This node's own card, as it is now.
pub(crate) type OwnCard = Arc<dyn Fn() -> PeerCard + Send + Sync>;

/// Says hello over `connection` and writes what comes back into `book`. Returns how many others were named.
pub(crate) async fn hello(connection: &Connection, me: PeerCard, book: &PeerBook) -> Result<usize, NetworkError> {
    let own = me.address.node;
    let answer: Acquaintances =
        call::ask(connection, &Question::Hello(Box::new(me)), "a hello", ANSWER_DEADLINE).await?;
    let now = Instant::now();
    let answering = node_id(connection.remote_id());
    if answer.me.address.node == answering {
        book.met(with_observed(answer.me, connection), now);
    }
    let others = answer
        .others
        .into_iter()
        .filter(|peer| ![own, answering].contains(&peer.card.address.node));
    let mut count = 0;
    for peer in others {
        book.heard(answering, peer, now);
        count += 1;
    }
    Ok(count)
}

/// The shortest of a few round trips over `connection`.
pub(crate) async fn ping(connection: &Connection) -> Result<Duration, NetworkError> {
    let mut shortest = Duration::MAX;
    for _ in 0..PINGS {
        let start = Instant::now();
        let Pong = call::ask(connection, &Question::Ping, "a ping", ANSWER_DEADLINE).await?;
        shortest = shortest.min(start.elapsed());
    }
    Ok(shortest)
}

/// Answers other nodes.
pub(crate) struct PeersProtocol {
    pub(crate) own: OwnCard,
    pub(crate) book: Arc<PeerBook>,
    room: Semaphore,
}

impl std::fmt::Debug for PeersProtocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeersProtocol").finish_non_exhaustive()
    }
}

impl PeersProtocol {
    pub(crate) fn new(own: OwnCard, book: Arc<PeerBook>) -> Self {
        Self {
            own,
            book,
            room: Semaphore::new(CONNECTIONS_MAX),
        }
    }

    async fn serve(&self, connection: &Connection) -> Result<(), NetworkError> {
        let node = node_id(connection.remote_id());
        for _ in 0..QUESTIONS_MAX {
            let (mut send, mut recv) = connection
                .accept_bi()
                .await
                .map_err(|source| NetworkError::ended(node, source))?;
            let question = call::get::<Question>(node, &mut recv, "a question");
            match call::within(node, "a question", READ_DEADLINE, question).await? {
                Question::Ping => call::put(node, &mut send, &Pong, "a pong").await?,
                Question::Hello(card) if card.address.node != node => {
                    CloseCode::Malformed.close(connection, "the card belongs to another node");
                    return Ok(());
                }
                Question::Hello(card) => {
                    let now = Instant::now();
                    let answer = Acquaintances {
                        me: (self.own)(),
                        others: self.book.tell(node, now),
                    };
                    self.book.met(with_observed(*card, connection), now);
                    call::put(node, &mut send, &answer, "a list of peers").await?;
                }
            }
            // Fails only when the asker has gone.
            let _ = send.finish();
        }
        CloseCode::Busy.close(connection, "too many questions on one connection");
        Ok(())
    }
}

impl ProtocolHandler for PeersProtocol {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let Ok(_room) = self.room.try_acquire() else {
            CloseCode::Busy.close(&connection, "");
            return Ok(());
        };
        match tokio::time::timeout(CONNECTION_DEADLINE, self.serve(&connection)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "a peers connection ended");
                call::close_if_broken(&connection, &error);
            }
            Err(_) => CloseCode::Busy.close(&connection, "the connection was open for too long"),
        }
        Ok(())
    }
}

fn with_observed(mut card: PeerCard, connection: &Connection) -> PeerCard {
    card.address.add_observed(connection);
    card
}
