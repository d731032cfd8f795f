//! The bytes of a result, from the provider's file into the requestor's, resumed where an earlier try stopped.

use super::{
    Delivery,
    messages::{ProviderCall, Stored, UploadAnswer, UploadHeader},
    spool::Turn,
};
use crate::{
    address::node_id,
    call::{self, ANSWER_DEADLINE},
    error::NetworkError,
    frame::FrameError,
};
use iroh::endpoint::{Connection, RecvStream};
use rayswarm_model::{AttemptId, BlobId, JobId, NodeId};
use std::{
    io::{self, SeekFrom},
    path::Path,
    time::Duration,
};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};

/// Bytes moved at a time: large enough to keep system calls few, small enough to show a stall.
const BUFFER_BYTES: usize = 256 << 10;
/// How long one buffer may take; 256 KiB in 20 s is slower than any line worth rendering over.
const STALL_DEADLINE: Duration = Duration::from_secs(20);
/// How long the requestor may take to sync and hash a result and to note it down.
const STORE_DEADLINE: Duration = Duration::from_secs(120);
const WHAT: &str = "an upload";

/// Sends `file`; see [`super::ProviderLink::upload`].
pub(super) async fn send(
    connection: &Connection,
    job: JobId,
    attempt: AttemptId,
    file: &Path,
) -> Result<BlobId, NetworkError> {
    let node = node_id(connection.remote_id());
    let reading = |source| NetworkError::file("read", file, source);
    let mut source = File::open(file).await.map_err(reading)?;
    let bytes = source.metadata().await.map_err(reading)?.len();
    let opening = async {
        let (mut send, mut recv) = connection
            .open_bi()
            .await
            .map_err(|source| NetworkError::ended(node, source))?;
        let header = ProviderCall::Upload(UploadHeader { job, attempt, bytes });
        call::put(node, &mut send, &header, WHAT).await?;
        let answer = call::get::<UploadAnswer>(node, &mut recv, WHAT).await?;
        Ok((send, recv, answer))
    };
    let (mut send, mut recv, answer) = call::within(node, WHAT, ANSWER_DEADLINE, opening).await?;
    let offset = match answer {
        UploadAnswer::Continue { offset } if offset <= bytes => offset,
        UploadAnswer::Continue { .. } => {
            let source = FrameError::Unacceptable {
                message: "an answer to an upload",
                why: "its offset lies beyond the end",
            };
            return Err(NetworkError::Malformed { node, source });
        }
        UploadAnswer::Refused { reason } => {
            return Err(NetworkError::UploadRefused {
                node,
                job,
                attempt,
                reason,
            });
        }
    };
    source.seek(SeekFrom::Start(offset)).await.map_err(reading)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut left = bytes - offset;
    while left > 0 {
        let length = BUFFER_BYTES.min(usize::try_from(left).unwrap_or(usize::MAX));
        source.read_exact(&mut buffer[..length]).await.map_err(reading)?;
        let writing = async {
            send.write_all(&buffer[..length])
                .await
                .map_err(|source| NetworkError::write_failed(node, WHAT, source))
        };
        call::within(node, WHAT, STALL_DEADLINE, writing).await?;
        left -= length as u64;
    }
    // Fails only on a stream that is already closed, which reading will report.
    let _ = send.finish();
    let stored = call::get::<Stored>(node, &mut recv, WHAT);
    Ok(call::within(node, "the end of an upload", STORE_DEADLINE, stored)
        .await?
        .blake3)
}

/// Opens the partial file of `turn` and says how much of it is there.
pub(super) async fn open_partial(turn: &Turn, bytes: u64) -> Result<(File, u64), NetworkError> {
    let failed = |source| NetworkError::file("open", &turn.path, source);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&turn.path)
        .await
        .map_err(failed)?;
    let mut offset = file.metadata().await.map_err(failed)?.len();
    if offset > bytes {
        file.set_len(0).await.map_err(failed)?;
        offset = 0;
    }
    file.seek(SeekFrom::Start(offset)).await.map_err(failed)?;
    Ok((file, offset))
}

/// Receives the rest of a result into its partial file. Whatever arrived before an error stays for the next try.
pub(super) async fn receive(
    node: NodeId,
    recv: &mut RecvStream,
    turn: &Turn,
    (mut file, offset): (File, u64),
    bytes: u64,
) -> Result<Delivery, NetworkError> {
    let copied = tokio::select! {
        () = turn.superseded.cancelled() => Err(NetworkError::Stopped),
        copied = copy(node, recv, &mut file, &turn.path, bytes - offset) => copied,
    };
    // A write in flight must land before the next upload looks at the file's length.
    let flushed = file.flush().await;
    copied?;
    let synced = match flushed {
        Ok(()) => file.sync_all().await,
        Err(error) => Err(error),
    };
    synced.map_err(|source| NetworkError::file("write", &turn.path, source))?;
    let blake3 = hash(turn.path.clone())
        .await
        .map_err(|source| NetworkError::file("read", &turn.path, source))?;
    Ok(Delivery {
        path: turn.path.clone(),
        bytes,
        blake3,
    })
}

async fn copy(
    node: NodeId,
    recv: &mut RecvStream,
    file: &mut File,
    path: &Path,
    mut left: u64,
) -> Result<(), NetworkError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let reading = async {
            recv.read(&mut buffer)
                .await
                .map_err(|source| NetworkError::reading(node, WHAT, FrameError::Read(source)))
        };
        let cut = |why| NetworkError::Malformed { node, source: why };
        match call::within(node, WHAT, STALL_DEADLINE, reading).await? {
            None if left == 0 => return Ok(()),
            None => return Err(cut(FrameError::Cut { message: "a result" })),
            Some(length) if length as u64 > left => {
                return Err(cut(FrameError::Unacceptable {
                    message: "a result",
                    why: "it is longer than was committed",
                }));
            }
            Some(length) => {
                file.write_all(&buffer[..length])
                    .await
                    .map_err(|source| NetworkError::file("write", path, source))?;
                left -= length as u64;
            }
        }
    }
}

/// Hashes a file away from the event loop.
async fn hash(path: std::path::PathBuf) -> io::Result<BlobId> {
    let hashing = move || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        Ok(BlobId::from_bytes(*hasher.finalize().as_bytes()))
    };
    tokio::task::spawn_blocking(hashing).await.map_err(io::Error::other)?
}
