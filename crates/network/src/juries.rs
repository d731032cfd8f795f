//! `rayswarm/juries/1`: the parties of a quarrel about a claim give jurors what they need, and each party asks the other before
//! it quarrels at all: a provider which of its results are not needed, a requestor what is claimed.
//!
//! One question and one answer per stream. Who asks proves itself by signatures inside the documents, not by its node.

use crate::{
    address::{PeerAddr, node_id},
    call::{self, READ_DEADLINE},
    error::{CloseCode, NetworkError},
    frame::Message,
    work::Reply,
};
use iroh::{
    endpoint::{Connection, RecvStream, SendStream},
    protocol::{AcceptError, ProtocolHandler},
};
use rayswarm_model::{AttemptId, B256, JobId, NodeId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// Name and version of the protocol.
pub const ALPN: &[u8] = b"rayswarm/juries/1";

/// The longest document: the receipts of some 50,000 tasks.
pub const DOCUMENT_BYTES_MAX: usize = 32 << 20;
/// The longest reason in words.
pub const REASON_BYTES_MAX: usize = 1 << 10;
/// Results asked about at once; who has more asks about the first of them.
pub const ATTEMPTS_MAX: usize = 1 << 16;
/// Connections at once. Most wait for a question, which costs nothing.
const CONNECTIONS_MAX: usize = 128;
/// Questions read and answered at once: documents are large, and whoever sends one is known only when it was read.
const QUESTIONS_MAX: usize = 8;
/// How long a document may take.
const DOCUMENT_DEADLINE: Duration = Duration::from_secs(120);

/// What a party gives a juror; canonical documents, signed inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// The quarrel, by its number on the chain.
    pub dispute: u64,
    /// What the party says.
    pub document: Vec<u8>,
}

/// How a juror took a brief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BriefAnswer {
    /// It judges by it.
    Taken,
    /// It has no use for it.
    Refused {
        /// Why, in words.
        reason: String,
    },
}

/// What a provider claims in a job: a canonical document, or nothing where it claims nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedResults {
    /// The list of results.
    pub document: Option<Vec<u8>>,
}

/// Those results of a provider that its requestor does not need: others of their tasks count, or the job does without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotNeeded {
    /// The attempts that gave them.
    pub attempts: Vec<AttemptId>,
}

/// What others ask this node about quarrels.
#[derive(Debug)]
pub enum JuryEvent {
    /// A party gives what it has to say.
    Brief {
        /// Where it was seen.
        from: PeerAddr,
        /// What it says.
        brief: Brief,
        /// Where the answer goes.
        reply: Reply<BriefAnswer>,
    },
    /// A requestor wants to know what this node claims in a job.
    Claimed {
        /// Who asks.
        from: NodeId,
        /// The job.
        job: JobId,
        /// What the claim commits to.
        commitment: B256,
        /// Where the answer goes.
        reply: Reply<ClaimedResults>,
    },
    /// A provider is about to claim results of which it has heard nothing.
    NotNeeded {
        /// Who asks.
        from: NodeId,
        /// The job.
        job: JobId,
        /// The attempts that gave them.
        attempts: Vec<AttemptId>,
        /// Where the answer goes.
        reply: Reply<NotNeeded>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Question {
    Brief(Brief),
    Claimed(JobId, B256),
    NotNeeded(JobId, Vec<AttemptId>),
}

impl Message for Question {
    const NAME: &'static str = "a question about a quarrel";
    const BYTES_MAX: usize = DOCUMENT_BYTES_MAX + (1 << 10);
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::NotNeeded(_, attempts) => check_number(attempts),
            Self::Brief(_) | Self::Claimed(..) => Ok(()),
        }
    }
}

fn check_number(attempts: &[AttemptId]) -> Result<(), &'static str> {
    if attempts.len() > ATTEMPTS_MAX {
        return Err("more than 65,536 attempts are named");
    }
    Ok(())
}

impl Message for BriefAnswer {
    const NAME: &'static str = "an answer to a brief";
    const BYTES_MAX: usize = 4 << 10;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Refused { reason } if reason.len() > REASON_BYTES_MAX => Err("a reason is longer than 1 KiB"),
            Self::Refused { .. } | Self::Taken => Ok(()),
        }
    }
    fn cut_words(&mut self) {
        if let Self::Refused { reason } = self {
            reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        }
    }
}

impl Message for ClaimedResults {
    const NAME: &'static str = "a list of claimed results";
    const BYTES_MAX: usize = DOCUMENT_BYTES_MAX + (1 << 10);
}

impl Message for NotNeeded {
    const NAME: &'static str = "a list of results that are not needed";
    const BYTES_MAX: usize = 1 << 20;
    fn check(&self) -> Result<(), &'static str> {
        check_number(&self.attempts)
    }
}

/// Gives a juror a brief.
pub(crate) async fn brief(connection: &Connection, brief: Brief) -> Result<BriefAnswer, NetworkError> {
    call::ask(connection, &Question::Brief(brief), "a brief", DOCUMENT_DEADLINE).await
}

/// Asks a provider what it claims.
pub(crate) async fn claimed(
    connection: &Connection,
    job: JobId,
    commitment: B256,
) -> Result<ClaimedResults, NetworkError> {
    call::ask(
        connection,
        &Question::Claimed(job, commitment),
        "a list of claimed results",
        DOCUMENT_DEADLINE,
    )
    .await
}

/// Asks a requestor which of these results it does not need.
pub(crate) async fn not_needed(
    connection: &Connection,
    job: JobId,
    attempts: Vec<AttemptId>,
) -> Result<NotNeeded, NetworkError> {
    let question = Question::NotNeeded(job, attempts);
    call::ask(connection, &question, NotNeeded::NAME, READ_DEADLINE).await
}

/// Answers such questions.
#[derive(Debug)]
pub(crate) struct JuriesProtocol {
    events: mpsc::Sender<JuryEvent>,
    connections: Semaphore,
    questions: Semaphore,
}

impl JuriesProtocol {
    pub(crate) fn new(events: mpsc::Sender<JuryEvent>) -> Self {
        Self {
            events,
            connections: Semaphore::new(CONNECTIONS_MAX),
            questions: Semaphore::new(QUESTIONS_MAX),
        }
    }

    async fn answer(&self, connection: &Connection) -> Result<(), NetworkError> {
        let node = node_id(connection.remote_id());
        loop {
            let accepting = connection.accept_bi();
            let Ok(accepted) = tokio::time::timeout(READ_DEADLINE, accepting).await else {
                return Ok(());
            };
            // Whoever has closed has asked all it wanted.
            let Ok((send, recv)) = accepted else { return Ok(()) };
            let _room = self.questions.acquire().await.map_err(|_| NetworkError::Stopped)?;
            self.answer_one(connection, node, send, recv).await?;
        }
    }

    async fn answer_one(
        &self,
        connection: &Connection,
        node: NodeId,
        mut send: SendStream,
        mut recv: RecvStream,
    ) -> Result<(), NetworkError> {
        let reading = call::get::<Question>(node, &mut recv, "a question about a quarrel");
        let question = call::within(node, "a question about a quarrel", DOCUMENT_DEADLINE, reading).await?;
        match question {
            Question::Brief(brief) => {
                let mut from = PeerAddr {
                    node,
                    sockets: Vec::new(),
                    relay: None,
                };
                from.add_observed(connection);
                let (reply, answer) = Reply::pair();
                self.tell(JuryEvent::Brief { from, brief, reply }).await?;
                let mut answer = answer.await.map_err(|_| NetworkError::Stopped)?;
                answer.cut_words();
                call::put(node, &mut send, &answer, "an answer to a brief").await?;
            }
            Question::Claimed(job, commitment) => {
                let (reply, answer) = Reply::pair();
                let from = node;
                self.tell(JuryEvent::Claimed {
                    from,
                    job,
                    commitment,
                    reply,
                })
                .await?;
                let answer = answer.await.map_err(|_| NetworkError::Stopped)?;
                call::put(node, &mut send, &answer, "a list of claimed results").await?;
            }
            Question::NotNeeded(job, attempts) => {
                let (reply, answer) = Reply::pair();
                let from = node;
                self.tell(JuryEvent::NotNeeded {
                    from,
                    job,
                    attempts,
                    reply,
                })
                .await?;
                let answer = answer.await.map_err(|_| NetworkError::Stopped)?;
                call::put(node, &mut send, &answer, NotNeeded::NAME).await?;
            }
        }
        let _ = send.finish();
        Ok(())
    }

    async fn tell(&self, event: JuryEvent) -> Result<(), NetworkError> {
        self.events.send(event).await.map_err(|_| NetworkError::Stopped)
    }
}

impl ProtocolHandler for JuriesProtocol {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let Ok(_place) = self.connections.try_acquire() else {
            CloseCode::Busy.close(&connection, "");
            return Ok(());
        };
        match self.answer(&connection).await {
            Ok(()) => CloseCode::Done.close(&connection, ""),
            Err(NetworkError::Stopped) => CloseCode::Stopping.close(&connection, ""),
            Err(error) => {
                tracing::debug!(%error, "a question about a quarrel was not answered");
                call::close_if_broken(&connection, &error);
            }
        }
        Ok(())
    }
}
