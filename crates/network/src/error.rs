//! What can go wrong between nodes, and what follows from it.

use crate::frame::FrameError;
use iroh::endpoint::{Connection, ConnectionError, ReadError, VarInt, WriteError};
use rayswarm_model::{AttemptId, B256, Bytes, FailureKind, JobId, NodeId};
use std::{fmt, io, net::SocketAddr, path::PathBuf, time::Duration};

/// An error of a library below, kept whole for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A network operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A local socket could not be opened.
    #[error("cannot listen on {addresses:?}; another program may use the port, or the address is not this machine's")]
    Bind {
        /// The addresses asked for.
        addresses: Vec<SocketAddr>,
        /// What the operating system said.
        #[source]
        source: Cause,
    },
    /// A relay URL does not parse.
    #[error("{text:?} is not a relay URL; write for example https://relay.example.org")]
    RelayUrl {
        /// The text.
        text: String,
    },
    /// A node id is not an ed25519 public key.
    #[error("{node} is no public key, so no node can have it; ask for a new ticket")]
    NoSuchNode {
        /// The id.
        node: NodeId,
    },
    /// No connection came about.
    #[error(
        "cannot reach node {node} at {addresses}; check that it runs and that nothing blocks UDP between the machines"
    )]
    Unreachable {
        /// The node.
        node: NodeId,
        /// Where it was looked for.
        addresses: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The peer closed the connection on purpose.
    #[error("node {node} closed the connection: {code}{}", said(.reason))]
    Closed {
        /// The peer.
        node: NodeId,
        /// Its reason as a code.
        code: CloseCode,
        /// Its reason in words, shortened.
        reason: String,
    },
    /// The connection broke, or this side closed it.
    #[error("lost the connection to node {node}")]
    Lost {
        /// The peer.
        node: NodeId,
        /// How.
        #[source]
        source: ConnectionError,
    },
    /// The peer aborted one request.
    #[error("node {node} aborted {what}: {code}; try again later")]
    Aborted {
        /// The peer.
        node: NodeId,
        /// What was asked.
        what: &'static str,
        /// Its reason.
        code: CloseCode,
    },
    /// No answer in time.
    #[error("node {node} did not answer {what} within {after:?}; it may be overloaded or stopped")]
    Deadline {
        /// The peer.
        node: NodeId,
        /// What was asked.
        what: &'static str,
        /// How long it had.
        after: Duration,
    },
    /// The peer sent something that is not the protocol.
    #[error("node {node} broke the protocol")]
    Malformed {
        /// The peer.
        node: NodeId,
        /// What was wrong with it.
        #[source]
        source: FrameError,
    },
    /// Something to be sent exceeds the protocol's limits.
    #[error("cannot send to node {node}")]
    Unsendable {
        /// The peer.
        node: NodeId,
        /// Which limit.
        #[source]
        source: FrameError,
    },
    /// The requestor does not want an upload.
    #[error("node {node} does not take the result of attempt {attempt} of job {}: {reason}", .job.short())]
    UploadRefused {
        /// The requestor.
        node: NodeId,
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: AttemptId,
        /// Its reason.
        reason: String,
    },
    /// A peer may not read a job's blobs.
    #[error("node {node} does not let this node read the files of job {}; it must accept an invitation first", .job.short())]
    Denied {
        /// The peer.
        node: NodeId,
        /// The job.
        job: JobId,
    },
    /// A peer's bytes do not have the hash they were asked by.
    #[error("node {node} sent bytes that do not match blob {blob}")]
    Corrupt {
        /// The peer.
        node: NodeId,
        /// The blob, in hexadecimal.
        blob: String,
        /// The failed check.
        #[source]
        source: Cause,
    },
    /// A blob is larger than its manifest allows.
    #[error("node {node} sent more than the {allowed} that blob {blob} may have; refuse the job")]
    Oversized {
        /// The peer.
        node: NodeId,
        /// The blob, in hexadecimal.
        blob: String,
        /// The limit.
        allowed: Bytes,
    },
    /// A blob could not be fetched from a peer.
    #[error("cannot fetch blob {blob} from node {node}")]
    Fetch {
        /// The peer.
        node: NodeId,
        /// The blob, in hexadecimal.
        blob: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// There was nobody to fetch from.
    #[error("{missing} blobs of job {} are missing and no peer is known that has them", .job.short())]
    NoSource {
        /// The job.
        job: JobId,
        /// How many blobs.
        missing: usize,
    },
    /// The cache is full of files of running jobs.
    #[error(
        "the blob cache needs {needed} more but its limit of {limit} is taken by running jobs; raise --cache-size or wait"
    )]
    CacheFull {
        /// What was to be stored.
        needed: Bytes,
        /// The limit.
        limit: Bytes,
    },
    /// A blob that should be in the store is not.
    #[error("blob {blob} is not complete in the local store; fetch it again")]
    Missing {
        /// The blob, in hexadecimal.
        blob: String,
    },
    /// The local blob store failed.
    #[error("the blob store failed to {what}; check the disk it is on")]
    Store {
        /// What it was to do.
        what: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A local file failed.
    #[error("cannot {what} {}", .path.display())]
    File {
        /// What was to be done: `read`, `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It keeps another chain.
    #[error(
        "{node} keeps the chain that begins with block {got}, this node the one with {own}; join nodes of one chain only"
    )]
    OtherChain {
        /// The peer.
        node: NodeId,
        /// Hash of this node's genesis block.
        own: B256,
        /// Hash of the peer's.
        got: B256,
    },
    /// The network was shut down, or the program dropped a question unanswered.
    #[error("the node is shutting down")]
    Stopped,
}

fn said(reason: &str) -> String {
    if reason.is_empty() {
        String::new()
    } else {
        format!(" ({reason})")
    }
}

impl NetworkError {
    /// What follows: try again, refuse, or penalise.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Malformed { source, .. } => source.kind(),
            Self::Corrupt { .. } | Self::Oversized { .. } => FailureKind::Malicious,
            Self::Closed { code, .. } | Self::Aborted { code, .. } => code.kind(),
            Self::RelayUrl { .. }
            | Self::NoSuchNode { .. }
            | Self::Unsendable { .. }
            | Self::UploadRefused { .. }
            | Self::OtherChain { .. }
            | Self::Denied { .. } => FailureKind::Permanent,
            Self::Bind { .. }
            | Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Deadline { .. }
            | Self::Fetch { .. }
            | Self::NoSource { .. }
            | Self::CacheFull { .. }
            | Self::Missing { .. }
            | Self::Store { .. }
            | Self::File { .. }
            | Self::Stopped => FailureKind::Transient,
        }
    }

    /// A connection ended.
    pub(crate) fn ended(node: NodeId, source: ConnectionError) -> Self {
        match source {
            ConnectionError::ApplicationClosed(close) => {
                let reason = String::from_utf8_lossy(&close.reason).chars().take(200).collect();
                Self::Closed {
                    node,
                    code: CloseCode::from_wire(close.error_code),
                    reason,
                }
            }
            source => Self::Lost { node, source },
        }
    }

    /// Reading the answer to `what` from `node` failed.
    pub(crate) fn reading(node: NodeId, what: &'static str, source: FrameError) -> Self {
        match source {
            FrameError::Read(ReadError::ConnectionLost(source)) => Self::ended(node, source),
            FrameError::Read(ReadError::Reset(code)) => Self::Aborted {
                node,
                what,
                code: CloseCode::from_wire(code),
            },
            source => Self::Malformed { node, source },
        }
    }

    /// Writing `what` to `node` failed.
    pub(crate) fn writing(node: NodeId, what: &'static str, source: FrameError) -> Self {
        match source {
            FrameError::Write(source) => Self::write_failed(node, what, source),
            source => Self::Unsendable { node, source },
        }
    }

    /// Writing raw bytes of `what` to `node` failed.
    pub(crate) fn write_failed(node: NodeId, what: &'static str, source: WriteError) -> Self {
        match source {
            WriteError::ConnectionLost(source) => Self::ended(node, source),
            WriteError::Stopped(code) => Self::Aborted {
                node,
                what,
                code: CloseCode::from_wire(code),
            },
            source => Self::Unsendable {
                node,
                source: FrameError::Write(source),
            },
        }
    }

    /// A store operation failed.
    pub(crate) fn store(what: &'static str, source: impl Into<Cause>) -> Self {
        Self::Store {
            what,
            source: source.into(),
        }
    }

    /// A file operation failed.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File {
            what,
            path: path.into(),
            source,
        }
    }
}

/// Why a connection or a request was ended on purpose; travels as a QUIC application error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseCode {
    /// Nothing more to say.
    Done,
    /// The other side sent something that is not the protocol.
    Malformed,
    /// The other side speaks another message version.
    Version,
    /// A newer connection from the same node took its place.
    Replaced,
    /// Too many connections or requests.
    Busy,
    /// The node stops.
    Stopping,
    /// The other side has no right to this.
    Denied,
    /// The node could not answer, by its own fault.
    Internal,
    /// A code this version does not know.
    Other(u64),
}

impl CloseCode {
    const WIRE: [(Self, u32); 8] = [
        (Self::Done, 0x100),
        (Self::Malformed, 0x101),
        (Self::Version, 0x102),
        (Self::Replaced, 0x103),
        (Self::Busy, 0x104),
        (Self::Stopping, 0x105),
        (Self::Denied, 0x106),
        (Self::Internal, 0x107),
    ];

    pub(crate) fn to_wire(self) -> VarInt {
        let known = Self::WIRE.iter().find(|(code, _)| *code == self);
        VarInt::from_u32(known.map_or(0x107, |(_, wire)| *wire))
    }

    pub(crate) fn from_wire(wire: VarInt) -> Self {
        let wire = wire.into_inner();
        let known = Self::WIRE.iter().find(|(_, code)| u64::from(*code) == wire);
        known.map_or(Self::Other(wire), |(code, _)| *code)
    }

    /// Closes `connection` with this code; `reason` is shortened.
    pub(crate) fn close(self, connection: &Connection, reason: &str) {
        let end = reason.floor_char_boundary(200);
        connection.close(self.to_wire(), &reason.as_bytes()[..end]);
    }

    fn kind(self) -> FailureKind {
        match self {
            // The peer found our bytes malformed or our version foreign: repeating them helps nobody.
            Self::Malformed | Self::Version | Self::Denied => FailureKind::Permanent,
            Self::Done | Self::Replaced | Self::Busy | Self::Stopping | Self::Internal | Self::Other(_) => {
                FailureKind::Transient
            }
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("it was done"),
            Self::Malformed => f.write_str("it could not read what this node sent"),
            Self::Version => f.write_str("it speaks another protocol version; update the older of the two"),
            Self::Replaced => f.write_str("a newer connection took its place"),
            Self::Busy => f.write_str("it has too many connections"),
            Self::Stopping => f.write_str("it is stopping"),
            Self::Denied => f.write_str("it does not allow this"),
            Self::Internal => f.write_str("it could not answer"),
            Self::Other(code) => write!(f, "unknown code {code}"),
        }
    }
}
