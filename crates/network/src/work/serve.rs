//! Answers the other end of a working connection: reads each question, hands it to the program, sends its answer.

use super::{
    ProviderEvent, ProviderLink, Reply, RequestorEvent,
    messages::{CommitAnswer, Heard, PULL_WAIT, ProviderCall, RequestorCall, Stored, UploadAnswer, UploadHeader},
    spool::Spool,
    transfer,
};
use crate::{
    address::node_id,
    call::{self, READ_DEADLINE},
    error::{CloseCode, NetworkError},
    frame::{FrameError, Message},
};
use iroh::{
    endpoint::{Connection, RecvStream, SendStream},
    protocol::{AcceptError, ProtocolHandler},
};
use rayswarm_model::{FailureKind, NodeId};
use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Requestors served at once.
const CONNECTIONS_MAX: usize = 256;
/// How long the program may take for an answer; longer than any peer waits.
const PROGRAM_DEADLINE: Duration = PULL_WAIT.saturating_add(Duration::from_secs(40));

/// The open working connections of one role, one per node: a newer one replaces the older.
#[derive(Debug, Default)]
pub(crate) struct Links {
    open: Mutex<HashMap<NodeId, Connection>>,
    /// Who is being dialled now.
    dialled: Mutex<HashMap<NodeId, Arc<AsyncMutex<()>>>>,
}

impl Links {
    fn map(&self) -> MutexGuard<'_, HashMap<NodeId, Connection>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to `node`, or a new one by `dial`, which is remembered. Two callers never dial the same node at
    /// once: each side could take the other's connection for the newer one, and close both. The flag says it is new.
    pub(crate) async fn get_or_dial(
        &self,
        node: NodeId,
        dial: impl Future<Output = Result<Connection, NetworkError>>,
    ) -> Result<(Connection, bool), NetworkError> {
        let turns = || self.dialled.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns().entry(node).or_default().clone();
        let held = turn.lock().await;
        let outcome = match self.get(node) {
            Some(connection) => Ok((connection, false)),
            None => dial.await.map(|connection| {
                self.insert(&connection);
                (connection, true)
            }),
        };
        drop(held);
        // The map and `turn` hold the last two references unless somebody waits.
        let mut turns = turns();
        if Arc::strong_count(&turn) == 2 {
            turns.remove(&node);
        }
        outcome
    }

    /// The connection to `node`, if it still stands.
    pub(crate) fn get(&self, node: NodeId) -> Option<Connection> {
        self.map()
            .get(&node)
            .filter(|connection| connection.close_reason().is_none())
            .cloned()
    }

    /// Remembers a connection and closes the one it replaces.
    fn insert(&self, connection: &Connection) {
        if let Some(old) = self.map().insert(node_id(connection.remote_id()), connection.clone()) {
            CloseCode::Replaced.close(&old, "");
        }
    }

    /// Forgets a connection that has ended, unless another has taken its place.
    fn remove(&self, connection: &Connection) {
        let (mut map, node) = (self.map(), node_id(connection.remote_id()));
        if map
            .get(&node)
            .is_some_and(|current| current.stable_id() == connection.stable_id())
        {
            map.remove(&node);
        }
    }
}

/// Accepts requestors' connections in the role of provider.
#[derive(Debug)]
pub(crate) struct WorkProtocol {
    events: mpsc::Sender<ProviderEvent>,
    links: Arc<Links>,
    tasks: TaskTracker,
    stop: CancellationToken,
    room: Semaphore,
}

impl WorkProtocol {
    pub(crate) fn new(
        events: mpsc::Sender<ProviderEvent>,
        links: Arc<Links>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self {
            events,
            links,
            tasks,
            stop,
            room: Semaphore::new(CONNECTIONS_MAX),
        }
    }
}

impl ProtocolHandler for WorkProtocol {
    async fn accept(&self, connection: Connection) -> Result<(), AcceptError> {
        let Ok(_room) = self.room.try_acquire() else {
            CloseCode::Busy.close(&connection, "");
            return Ok(());
        };
        self.links.insert(&connection);
        let role = ProviderRole {
            events: self.events.clone(),
        };
        let error = serve(&connection, role, &self.tasks, &self.stop).await;
        self.links.remove(&connection);
        let closed = ProviderEvent::LinkClosed {
            from: node_id(connection.remote_id()),
            error,
        };
        // Nobody listens only when the program is ending.
        let _ = self.events.send(closed).await;
        Ok(())
    }
}

/// Serves a connection that this node has dialled, in the role of requestor, until it ends.
pub(crate) async fn serve_requestor(
    connection: Connection,
    links: Arc<Links>,
    events: mpsc::Sender<RequestorEvent>,
    spool: Arc<Spool>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let role = RequestorRole {
        events: events.clone(),
        spool,
    };
    let error = serve(&connection, role, &tasks, &stop).await;
    links.remove(&connection);
    let _ = events
        .send(RequestorEvent::LinkClosed {
            from: node_id(connection.remote_id()),
            error,
        })
        .await;
}

/// One side's way to answer.
trait Role: Clone + Send + Sync + 'static {
    /// What the other side asks.
    type Call: Message;
    /// Answers one question on its stream. `send` is missing for what needs no answer.
    fn answer(&self, stream: Stream, call: Self::Call) -> impl Future<Output = Result<(), NetworkError>> + Send;
}

/// A stream on which a question came.
struct Stream {
    connection: Connection,
    node: NodeId,
    /// Missing on one-way streams.
    send: Option<SendStream>,
    recv: RecvStream,
}

/// Serves until the connection ends; returns how.
async fn serve<R: Role>(
    connection: &Connection,
    role: R,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> NetworkError {
    let node = node_id(connection.remote_id());
    let (broken, mut fault) = mpsc::channel(1);
    loop {
        let (send, recv) = tokio::select! {
            () = stop.cancelled() => {
                CloseCode::Stopping.close(connection, "");
                return NetworkError::Stopped;
            }
            Some(error) = fault.recv() => {
                call::close_if_broken(connection, &error);
                return error;
            }
            stream = connection.accept_bi() => match stream {
                Ok((send, recv)) => (Some(send), recv),
                Err(error) => return NetworkError::ended(node, error),
            },
            stream = connection.accept_uni() => match stream {
                Ok(recv) => (None, recv),
                Err(error) => return NetworkError::ended(node, error),
            },
        };
        let stream = Stream {
            connection: connection.clone(),
            node,
            send,
            recv,
        };
        let (role, broken) = (role.clone(), broken.clone());
        // Ends with the connection at the latest; QUIC's stream limit bounds how many there are.
        tasks.spawn(async move {
            if let Err(error) = serve_stream(stream, role).await {
                tracing::debug!(%node, %error, "a question was not answered");
                // The serving loop takes the connection down, so that it knows the reason.
                if error.kind() != FailureKind::Transient {
                    let _ = broken.try_send(error);
                }
            }
        });
    }
}

async fn serve_stream<R: Role>(mut stream: Stream, role: R) -> Result<(), NetworkError> {
    let question = call::get::<R::Call>(stream.node, &mut stream.recv, "a question");
    let question = call::within(stream.node, "a question", READ_DEADLINE, question).await?;
    role.answer(stream, question).await
}

impl Stream {
    /// Waits for the program's answer and sends it. Stops waiting when the peer does.
    async fn relay<T, A: Message>(
        self,
        answer: oneshot::Receiver<T>,
        to_wire: impl FnOnce(T) -> A,
    ) -> Result<(), NetworkError> {
        let node = self.node;
        let mut send = self.send.ok_or_else(|| misplaced(node))?;
        let answer = tokio::select! {
            answer = tokio::time::timeout(PROGRAM_DEADLINE, answer) => answer,
            _ = send.stopped() => return Ok(()),
        };
        match answer {
            Ok(Ok(answer)) => {
                let mut answer = to_wire(answer);
                answer.cut_words();
                call::put(node, &mut send, &answer, "an answer").await?;
                let _ = send.finish();
                Ok(())
            }
            Ok(Err(_)) | Err(_) => {
                let _ = send.reset(CloseCode::Internal.to_wire());
                Err(NetworkError::Stopped)
            }
        }
    }
}

/// A question that needs an answer came on a one-way stream, or the reverse.
fn misplaced(node: NodeId) -> NetworkError {
    let source = FrameError::Unacceptable {
        message: "a message",
        why: "it came on the wrong kind of stream",
    };
    NetworkError::Malformed { node, source }
}

#[derive(Clone)]
struct ProviderRole {
    events: mpsc::Sender<ProviderEvent>,
}

impl Role for ProviderRole {
    type Call = RequestorCall;

    async fn answer(&self, stream: Stream, call: RequestorCall) -> Result<(), NetworkError> {
        let from = stream.node;
        if let RequestorCall::Invite(invite) = call {
            let link = ProviderLink::new(stream.connection.clone());
            let (reply, answer) = Reply::pair();
            hand(&self.events, ProviderEvent::Invite { link, invite, reply }).await?;
            return stream.relay(answer, |answer| answer).await;
        }
        let (reply, answer) = Reply::pair();
        let event = match call {
            RequestorCall::Verdict(verdict) => ProviderEvent::Verdict { from, verdict, reply },
            RequestorCall::Voucher(voucher) => ProviderEvent::Voucher { from, voucher, reply },
            RequestorCall::Cancel(cancel) => ProviderEvent::Cancel { from, cancel, reply },
            RequestorCall::Revoke(revoke) => ProviderEvent::Revoke { from, revoke, reply },
            RequestorCall::Allocation(allocation) => ProviderEvent::Allocation {
                from,
                allocation,
                reply,
            },
            RequestorCall::Invite(_) => return Err(misplaced(from)),
        };
        hand(&self.events, event).await?;
        stream.relay(answer, |()| Heard).await
    }
}

#[derive(Clone)]
struct RequestorRole {
    events: mpsc::Sender<RequestorEvent>,
    spool: Arc<Spool>,
}

impl Role for RequestorRole {
    type Call = ProviderCall;

    async fn answer(&self, stream: Stream, call: ProviderCall) -> Result<(), NetworkError> {
        let from = stream.node;
        match call {
            ProviderCall::Pull(pull) => {
                let (reply, answer) = Reply::pair();
                hand(&self.events, RequestorEvent::Pull { from, pull, reply }).await?;
                stream.relay(answer, |answer| answer).await
            }
            ProviderCall::Commit(commit) => {
                let (job, attempt, bytes, receipt) = (commit.job, commit.attempt, commit.bytes, commit.receipt.clone());
                let (reply, answer) = Reply::pair();
                hand(&self.events, RequestorEvent::Commit { from, commit, reply }).await?;
                let note = |answer| {
                    if answer == CommitAnswer::Deliver {
                        self.spool.expect(from, job, attempt, bytes, &receipt);
                    }
                    answer
                };
                stream.relay(answer, note).await
            }
            ProviderCall::Failed(failure) => {
                let (reply, answer) = Reply::pair();
                hand(&self.events, RequestorEvent::Failed { from, failure, reply }).await?;
                stream.relay(answer, |()| Heard).await
            }
            ProviderCall::Progress(_) if stream.send.is_some() => Err(misplaced(from)),
            ProviderCall::Progress(progress) => hand(&self.events, RequestorEvent::Progress { from, progress }).await,
            ProviderCall::Upload(header) => self.take_upload(stream, header).await,
        }
    }
}

impl RequestorRole {
    async fn take_upload(&self, mut stream: Stream, header: UploadHeader) -> Result<(), NetworkError> {
        let UploadHeader { job, attempt, bytes } = header;
        let from = stream.node;
        let send = stream.send.as_mut().ok_or_else(|| misplaced(from))?;
        let Some(turn) = self.spool.claim(from, job, attempt, bytes).await else {
            let reason = "no commitment to these bytes was answered with `Deliver` since this node started".into();
            call::put(from, send, &UploadAnswer::Refused { reason }, "an answer").await?;
            let _ = send.finish();
            return Ok(());
        };
        let received = async {
            let (file, offset) = transfer::open_partial(&turn, bytes).await?;
            call::put(from, send, &UploadAnswer::Continue { offset }, "an answer").await?;
            transfer::receive(from, &mut stream.recv, &turn, (file, offset), bytes).await
        };
        let delivery = match received.await {
            Ok(delivery) => delivery,
            Err(error @ NetworkError::File { .. }) => {
                let _ = send.reset(CloseCode::Internal.to_wire());
                return hand(
                    &self.events,
                    RequestorEvent::NotStored {
                        from,
                        job,
                        attempt,
                        error,
                    },
                )
                .await;
            }
            Err(error) => {
                let _ = send.reset(CloseCode::Internal.to_wire());
                return Err(error);
            }
        };
        let stored = Stored {
            blake3: delivery.blake3,
        };
        // From here on the file is the program's. Should it drop the event, a new commitment starts over.
        self.spool.done(from, job, attempt);
        let (reply, answer) = Reply::pair();
        hand(
            &self.events,
            RequestorEvent::Delivered {
                from,
                job,
                attempt,
                delivery,
                reply,
            },
        )
        .await?;
        stream.relay(answer, |()| stored).await
    }
}

async fn hand<E>(events: &mpsc::Sender<E>, event: E) -> Result<(), NetworkError> {
    events.send(event).await.map_err(|_| NetworkError::Stopped)
}
