//! One peer of the chain.

use super::messages::{ChainAnswer, ChainQuestion, ChainWord};
use crate::{
    Reply,
    address::node_id,
    call::{self, READ_DEADLINE},
    error::{CloseCode, NetworkError},
};
use iroh::endpoint::{Connection, RecvStream, SendStream};
use rayswarm_model::{FailureKind, NodeId};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Words on their way to one peer; what comes when there is no room is lost.
const WORDS_MAX: usize = 1_024;
/// How long blocks may take to arrive.
const BLOCKS_DEADLINE: Duration = Duration::from_secs(60);

/// What peers of the chain do.
#[derive(Debug)]
pub enum ChainEvent {
    /// One is there. An older link to the same node has ended without a word.
    Joined {
        /// The link to it.
        link: ChainLink,
    },
    /// One says something.
    Said {
        /// Who.
        from: NodeId,
        /// What.
        word: ChainWord,
    },
    /// One asks something.
    Asked {
        /// Who.
        from: NodeId,
        /// What.
        question: ChainQuestion,
        /// Where the answer goes.
        reply: Reply<ChainAnswer>,
    },
    /// One has sent bytes that no honest one sends.
    Lied {
        /// Who.
        from: NodeId,
        /// What is wrong with them.
        reason: String,
    },
    /// One has gone.
    Left {
        /// Who.
        from: NodeId,
    },
}

/// A link to a peer. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ChainLink {
    connection: Connection,
    words: mpsc::Sender<Arc<ChainWord>>,
}

impl ChainLink {
    pub(super) fn new(connection: Connection) -> (Self, mpsc::Receiver<Arc<ChainWord>>) {
        let (words, said) = mpsc::channel(WORDS_MAX);
        (Self { connection, words }, said)
    }

    /// The node at the other end.
    pub fn node(&self) -> NodeId {
        node_id(self.connection.remote_id())
    }

    /// Says something without waiting; it is lost where the peer listens too slowly or has gone.
    pub fn say(&self, word: Arc<ChainWord>) {
        // Consensus repeats what matters, blocks are fetched, and transactions are told again.
        let _ = self.words.try_send(word);
    }

    /// Asks something.
    pub async fn ask(&self, question: &ChainQuestion) -> Result<ChainAnswer, NetworkError> {
        call::ask(&self.connection, question, "blocks", BLOCKS_DEADLINE).await
    }

    /// Ends the link to a peer that lies; `reason` tells it why.
    pub fn drop_liar(&self, reason: &str) {
        CloseCode::Malformed.close(&self.connection, reason);
    }

    pub(super) fn close(&self) {
        CloseCode::Done.close(&self.connection, "");
    }

    pub(super) fn replace(&self) {
        CloseCode::Replaced.close(&self.connection, "");
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.words.same_channel(&other.words)
    }
}

/// Sends what is said until the connection ends.
pub(super) async fn speak(
    connection: Connection,
    mut send: SendStream,
    mut said: mpsc::Receiver<Arc<ChainWord>>,
    stop: CancellationToken,
) {
    let node = node_id(connection.remote_id());
    let speaking = async {
        while let Some(word) = said.recv().await {
            if let Err(error) = call::put(node, &mut send, &*word, "a word about the chain").await {
                tracing::debug!(%node, %error, "a peer of the chain hears no more");
                return;
            }
        }
    };
    tokio::select! {
        // Whoever hears nothing more must not look like a peer.
        () = speaking => CloseCode::Internal.close(&connection, ""),
        _ = connection.closed() => {}
        () = stop.cancelled() => CloseCode::Stopping.close(&connection, ""),
    }
}

/// Hears what the peer says until it ends or is none of the protocol.
pub(super) async fn listen(connection: &Connection, mut recv: RecvStream, events: &mpsc::Sender<ChainEvent>) {
    let node = node_id(connection.remote_id());
    loop {
        match call::get::<ChainWord>(node, &mut recv, "a word about the chain").await {
            Ok(word) => {
                if events.send(ChainEvent::Said { from: node, word }).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%node, %error, "a peer of the chain says no more");
                return part_if_broken(connection, &error, events).await;
            }
        }
    }
}

/// Hands on what the peer asks, one question at a time: an answer may be long.
pub(super) async fn answer(connection: Connection, events: mpsc::Sender<ChainEvent>) {
    let from = node_id(connection.remote_id());
    while let Ok((mut send, mut recv)) = connection.accept_bi().await {
        let answering = async {
            let reading = call::get::<ChainQuestion>(from, &mut recv, "a question about the chain");
            let question = call::within(from, "a question about the chain", READ_DEADLINE, reading).await?;
            let (reply, answer) = Reply::pair();
            let asked = ChainEvent::Asked { from, question, reply };
            events.send(asked).await.map_err(|_| NetworkError::Stopped)?;
            let answer = answer.await.map_err(|_| NetworkError::Stopped)?;
            let sending = call::put(from, &mut send, &answer, "an answer about the chain");
            call::within(from, "an answer about the chain", BLOCKS_DEADLINE, sending).await?;
            // Fails only when the asker has gone.
            let _ = send.finish();
            Ok(())
        };
        if let Err(error) = answering.await {
            tracing::debug!(node = %from, %error, "a question about the chain was not answered");
            return part_if_broken(&connection, &error, &events).await;
        }
    }
}

/// Closes the connection when the peer's bytes were not the protocol. Bytes that no honest peer sends are told of before that: whoever
/// sent them is known for it when it comes again.
async fn part_if_broken(connection: &Connection, error: &NetworkError, events: &mpsc::Sender<ChainEvent>) {
    if let NetworkError::Malformed { source, .. } = error
        && error.kind() == FailureKind::Malicious
    {
        let (from, reason) = (node_id(connection.remote_id()), source.to_string());
        // Nobody needs to know while the node stops.
        let _ = events.send(ChainEvent::Lied { from, reason }).await;
    }
    call::close_if_broken(connection, error);
}
