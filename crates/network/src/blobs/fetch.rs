//! Fetching what is missing: from several peers at once, each blob from one, another peer where one fails.

use super::{hash, store::BlobStore};
use crate::{
    address::PeerAddr,
    error::{CloseCode, NetworkError},
};
use iroh::{Endpoint, endpoint::Connection};
use iroh_blobs::{
    HashAndFormat,
    api::{blobs::BlobStatus, remote::GetProgressItem},
    get::{GetError, Stats, fsm::DecodeError},
    protocol::ERR_PERMISSION,
};
use n0_future::StreamExt;
use rayswarm_model::{
    BlobId, Bytes, FailureKind, JobId, Manifest, NodeId,
    manifest::{CHUNK_BYTES, ManifestFile},
};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Blobs asked of one peer at a time: hides the round trip of small files without starving large ones.
const STREAMS_PER_PEER: usize = 4;
/// How long a peer may send nothing.
const STALL_DEADLINE: Duration = Duration::from_secs(20);

/// A blob to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Want {
    /// The blob.
    pub blob: BlobId,
    /// The most bytes it may have: its chunk's length by the manifest.
    pub bytes_max: u64,
}

impl Want {
    /// Every blob of a manifest, each with the length the manifest gives it.
    pub fn all(manifest: &Manifest) -> Vec<Self> {
        let of_file = |file: &ManifestFile| {
            let lengths = (0..).map(|chunk: u64| {
                file.size
                    .saturating_sub(chunk.saturating_mul(CHUNK_BYTES))
                    .min(CHUNK_BYTES)
            });
            let wants = file
                .chunks
                .iter()
                .zip(lengths)
                .map(|(blob, bytes_max)| Self { blob: *blob, bytes_max });
            wants.collect::<Vec<_>>()
        };
        manifest.files.iter().flat_map(of_file).collect()
    }
}

/// How far a fetch is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchProgress {
    /// Blobs that are here.
    pub blobs_done: usize,
    /// Blobs that were wanted.
    pub blobs: usize,
    /// Payload bytes that arrived in this fetch.
    pub bytes_fetched: u64,
}

/// What a fetch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchReport {
    /// Payload bytes that travelled, repeated ones included.
    pub bytes_fetched: u64,
    /// Blobs that were here, whole, before.
    pub blobs_present: usize,
}

/// Fetches what is missing of `wants` from `peers` for `job`. Everything that arrived stays when it fails.
pub(crate) async fn fetch(
    endpoint: &Endpoint,
    store: &BlobStore,
    job: JobId,
    peers: &[PeerAddr],
    wants: &[Want],
    progress: &(dyn Fn(FetchProgress) + Send + Sync),
) -> Result<FetchReport, NetworkError> {
    let reserved: Vec<(BlobId, u64)> = wants.iter().map(|want| (want.blob, want.bytes_max)).collect();
    store.reserve(job, &reserved).await?;
    // Written before the first byte, so that what arrives before a crash is still there after it.
    store.keep(job).await?;
    let mut missing = VecDeque::new();
    for want in wants {
        if !store.has(want.blob).await? {
            missing.push_back(*want);
        }
    }
    let blobs_present = wants.len() - missing.len();
    let board = Board {
        store,
        job,
        progress,
        state: Mutex::new(State {
            progress: FetchProgress {
                blobs_done: blobs_present,
                blobs: wants.len(),
                bytes_fetched: 0,
            },
            queue: missing,
            error: None,
        }),
    };
    (progress)(board.now());
    let mut healthy: Vec<&PeerAddr> = peers.iter().collect();
    while board.left() > 0 && !healthy.is_empty() {
        let visits = healthy.iter().map(|peer| board.visit(endpoint, peer));
        let outcomes = n0_future::join_all(visits).await;
        // A peer that failed late leaves work to those that had already finished: they go round again.
        let outcomes = healthy.into_iter().zip(outcomes);
        healthy = outcomes.filter(|(_, fine)| *fine).map(|(peer, _)| peer).collect();
    }
    let (missing, bytes_fetched) = (board.left(), board.now().bytes_fetched);
    match board.into_error() {
        _ if missing == 0 => Ok(FetchReport {
            bytes_fetched,
            blobs_present,
        }),
        Some(error) => Err(error),
        None => Err(NetworkError::NoSource { job, missing }),
    }
}

/// What the visits of one fetch share.
struct Board<'a> {
    store: &'a BlobStore,
    job: JobId,
    progress: &'a (dyn Fn(FetchProgress) + Send + Sync),
    state: Mutex<State>,
}

struct State {
    queue: VecDeque<Want>,
    progress: FetchProgress,
    /// The gravest error so far.
    error: Option<NetworkError>,
}

impl Board<'_> {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn left(&self) -> usize {
        self.with(|state| state.queue.len())
    }

    fn now(&self) -> FetchProgress {
        self.with(|state| state.progress)
    }

    fn into_error(self) -> Option<NetworkError> {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).error
    }

    fn advance(&self, blobs: usize, bytes: u64) {
        let now = self.with(|state| {
            state.progress.blobs_done += blobs;
            state.progress.bytes_fetched += bytes;
            state.progress
        });
        (self.progress)(now);
    }

    fn failed(&self, error: NetworkError) {
        tracing::debug!(%error, "a peer failed while blobs were fetched");
        let gravity = gravity(error.kind());
        self.with(|state| {
            if state
                .error
                .as_ref()
                .is_none_or(|known| gravity > self::gravity(known.kind()))
            {
                state.error = Some(error);
            }
        });
    }

    /// Fetches from one peer until nothing is left; `false` when the peer failed.
    async fn visit(&self, endpoint: &Endpoint, peer: &PeerAddr) -> bool {
        let connection = match crate::endpoint::connect(endpoint, peer, super::ALPN).await {
            Ok(connection) => connection,
            Err(error) => {
                self.failed(error);
                return false;
            }
        };
        let streams = (0..STREAMS_PER_PEER).map(|_| self.stream(&connection, peer.node));
        let fine = n0_future::join_all(streams).await.into_iter().all(|fine| fine);
        CloseCode::Done.close(&connection, "");
        fine
    }

    async fn stream(&self, connection: &Connection, node: NodeId) -> bool {
        while let Some(want) = self.with(|state| state.queue.pop_front()) {
            if let Err(error) = self.blob(connection, node, want).await {
                self.with(|state| state.queue.push_back(want));
                self.failed(error);
                return false;
            }
            self.advance(1, 0);
        }
        true
    }

    /// Fetches the missing ranges of one blob.
    async fn blob(&self, connection: &Connection, node: NodeId, want: Want) -> Result<(), NetworkError> {
        let blob = want.blob.to_string();
        let content = HashAndFormat::raw(hash(want.blob));
        let mut items = std::pin::pin!(self.store.fs().remote().fetch(connection.clone(), content).stream());
        let mut seen = 0;
        loop {
            let item = tokio::time::timeout(STALL_DEADLINE, items.next()).await;
            let item = item.map_err(|_| NetworkError::Deadline {
                node,
                what: "a blob",
                after: STALL_DEADLINE,
            })?;
            let (total, done) = match item {
                Some(GetProgressItem::Progress(total)) => (total, false),
                Some(GetProgressItem::Done(Stats { counters, .. })) => (counters.payload_bytes_read, true),
                Some(GetProgressItem::Error(error)) => return Err(self.explain(connection, node, blob, error)),
                None => return Err(NetworkError::Stopped),
            };
            // Progress comes in steps and may lag the final count, never the reverse.
            self.advance(0, total.saturating_sub(seen));
            seen = seen.max(total);
            if seen > want.bytes_max {
                return Err(NetworkError::Oversized {
                    node,
                    blob,
                    allowed: Bytes(want.bytes_max),
                });
            }
            if done {
                break;
            }
        }
        match self.store.status(want.blob).await? {
            BlobStatus::Complete { size } if size <= want.bytes_max => {
                self.store.measured(want.blob, size);
                Ok(())
            }
            BlobStatus::Complete { .. } => Err(NetworkError::Oversized {
                node,
                blob,
                allowed: Bytes(want.bytes_max),
            }),
            _ => Err(NetworkError::Missing { blob }),
        }
    }

    fn explain(&self, connection: &Connection, node: NodeId, blob: String, error: GetError) -> NetworkError {
        let cut = connection
            .close_reason()
            .map(|reason| NetworkError::ended(node, reason));
        let cut_off = matches!(
            cut,
            Some(NetworkError::Closed {
                code: CloseCode::Denied,
                ..
            })
        );
        if cut_off || error.iroh_error_code() == Some(ERR_PERMISSION) {
            return NetworkError::Denied { node, job: self.job };
        }
        match &error {
            GetError::Decode {
                source: DecodeError::ParentHashMismatch { .. } | DecodeError::LeafHashMismatch { .. },
                ..
            } => NetworkError::Corrupt {
                node,
                blob,
                source: error.into(),
            },
            _ => NetworkError::Fetch {
                node,
                blob,
                source: error.into(),
            },
        }
    }
}

fn gravity(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Transient => 0,
        FailureKind::Permanent => 1,
        FailureKind::Malicious => 2,
    }
}
