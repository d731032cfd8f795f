//! Files of a session that is run on another node: they travel as blobs of its job, inputs one way and results the other.

use crate::services::Services;
use rayswarm_engines::commands::{CommandsError, FileStore};
use rayswarm_model::{BlobId, JobId, canonical, manifest::CHUNK_BYTES};
use rayswarm_network::{NetworkError, PeerAddr, Want, commands::SentDocument};
use rayswarm_openjd::{
    paths::{INSIDE, normal},
    run::WrittenFile,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The most a list of files may weigh: 100,000 files with long names.
const DOCUMENT_BYTES_MAX: u64 = 64 << 20;
/// The most files one list may have.
const FILES_MAX: usize = 100_000;

/// A file that travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentFile {
    /// Where it lies inside a session.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its content.
    pub plain: BlobId,
    /// Whether it is a program.
    pub runnable: bool,
    /// The blobs whose concatenation it is, each but the last [`CHUNK_BYTES`] long.
    pub chunks: Vec<BlobId>,
}

/// Files could not be sent or had.
#[derive(Debug, thiserror::Error)]
pub enum SessionFilesError {
    /// The transfer failed.
    #[error("a transfer failed")]
    Network(#[from] NetworkError),
    /// A list of files does not read.
    #[error("a list of files does not read")]
    Unreadable(#[from] canonical::CanonicalError),
    /// The other side's list is not acceptable.
    #[error("a list of files is refused: {path:?} {why}")]
    Refused {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What came is not what the list names.
    #[error("{path} is not the file that was listed (expected {expected}, got {found}); the job goes on elsewhere")]
    Different {
        /// Its path inside the session.
        path: String,
        /// BLAKE3 by the list.
        expected: BlobId,
        /// BLAKE3 of what came.
        found: BlobId,
    },
    /// This machine's disk.
    #[error("{path} cannot be read or written")]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Keeping it.
    #[error(transparent)]
    Store(#[from] CommandsError),
}

/// Keeps the blobs of a job from being dropped for room until it is dropped itself.
pub struct PinnedJob {
    services: Arc<Services>,
    job: JobId,
}

impl PinnedJob {
    /// Pins the blobs of `job`.
    pub fn new(services: Arc<Services>, job: JobId) -> Self {
        services.network.blobs().pin(job);
        Self { services, job }
    }
}

impl Drop for PinnedJob {
    fn drop(&mut self) {
        self.services.network.blobs().unpin(self.job);
    }
}

impl SessionFilesError {
    fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Disk { path, source }
    }
}

/// Stores a file as blobs of `job`, for whoever may read them.
pub async fn send(services: &Services, job: JobId, host: &Path, inside: &str) -> Result<SentFile, SessionFilesError> {
    let metadata = fs::metadata(host).map_err(SessionFilesError::disk(host))?;
    let imported = services.network.blobs().import_file(job, host).await?;
    Ok(SentFile {
        path: inside.to_owned(),
        bytes: imported.bytes,
        plain: imported.plain,
        runnable: metadata.permissions().mode() & 0o100 != 0,
        chunks: imported.chunks,
    })
}

/// Stores a document as a blob of `job`.
pub async fn send_document<T: Serialize>(
    services: &Services,
    job: JobId,
    document: &T,
) -> Result<SentDocument, SessionFilesError> {
    let encoded = canonical::encode("session's document", document)?;
    let bytes = encoded.len() as u64;
    let blob = services.network.blobs().import_bytes(job, encoded).await?;
    Ok(SentDocument { blob, bytes })
}

/// Fetches a document of `job`.
pub async fn fetch_document<T: DeserializeOwned>(
    services: &Services,
    job: JobId,
    from: &PeerAddr,
    sent: SentDocument,
) -> Result<T, SessionFilesError> {
    let wanted = Want {
        blob: sent.blob,
        bytes_max: sent.bytes.min(DOCUMENT_BYTES_MAX),
    };
    services
        .network
        .fetch(job, std::slice::from_ref(from), &[wanted], |_| {})
        .await?;
    let bytes = services.network.blobs().read(sent.blob, DOCUMENT_BYTES_MAX).await?;
    Ok(canonical::decode("session's document", &bytes)?)
}

/// Fetches the blobs of files after checking what is said of them.
pub async fn fetch(
    services: &Services,
    job: JobId,
    from: &PeerAddr,
    files: &[SentFile],
) -> Result<(), SessionFilesError> {
    check(files)?;
    let wants: Vec<Want> = files.iter().flat_map(wants).collect();
    services
        .network
        .fetch(job, std::slice::from_ref(from), &wants, |_| {})
        .await?;
    Ok(())
}

/// Puts a fetched file together at `to`, whole or not at all.
pub async fn export(services: &Services, file: &SentFile, to: &Path) -> Result<(), SessionFilesError> {
    let found = services.network.blobs().export_file(&file.chunks, to).await?;
    if found != file.plain {
        return Err(SessionFilesError::Different {
            path: file.path.clone(),
            expected: file.plain,
            found,
        });
    }
    let mode = if file.runnable { 0o755 } else { 0o644 };
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(SessionFilesError::disk(to))
}

/// Puts a fetched file together in a store of written files; `through` is where it lies meanwhile.
pub async fn keep(
    services: &Services,
    file: &SentFile,
    store: &FileStore,
    through: &Path,
) -> Result<WrittenFile, SessionFilesError> {
    export(services, file, through).await?;
    let mut opened = fs::File::open(through).map_err(SessionFilesError::disk(through))?;
    let kept = tokio::task::block_in_place(|| store.keep(&mut opened, file.bytes));
    fs::remove_file(through).map_err(SessionFilesError::disk(through))?;
    let (hash, bytes) = kept?;
    Ok(WrittenFile {
        path: file.path.clone(),
        hash,
        bytes,
        runnable: file.runnable,
    })
}

/// The ordinary files at or below a path of this machine, with their paths inside; links stay behind, as in a local session.
pub fn below(host: &Path, inside: &str) -> Result<Vec<(PathBuf, String)>, SessionFilesError> {
    let mut found = Vec::new();
    let mut waiting = vec![(host.to_path_buf(), inside.to_owned())];
    while let Some((host, inside)) = waiting.pop() {
        let metadata = match fs::symlink_metadata(&host) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(SessionFilesError::disk(&host))?,
        };
        if metadata.is_file() {
            found.push((host, inside));
        } else if metadata.is_dir() {
            for entry in fs::read_dir(&host).map_err(SessionFilesError::disk(&host))? {
                let entry = entry.map_err(SessionFilesError::disk(&host))?;
                // Names that are no text cannot be said inside either.
                if let Some(name) = entry.file_name().to_str() {
                    waiting.push((entry.path(), format!("{inside}/{name}")));
                }
            }
        }
    }
    found.sort();
    Ok(found)
}

fn wants(file: &SentFile) -> impl Iterator<Item = Want> + '_ {
    let length = |chunk: u64| {
        let before = chunk.saturating_mul(CHUNK_BYTES);
        file.bytes.saturating_sub(before).min(CHUNK_BYTES)
    };
    file.chunks.iter().zip(0u64..).map(move |(blob, chunk)| Want {
        blob: *blob,
        bytes_max: length(chunk),
    })
}

fn check(files: &[SentFile]) -> Result<(), SessionFilesError> {
    let refused = |file: &SentFile, why| {
        Err(SessionFilesError::Refused {
            path: file.path.clone(),
            why,
        })
    };
    if let Some(file) = files.get(FILES_MAX) {
        return refused(file, "is one file too many");
    }
    for file in files {
        let below = file.path.strip_prefix(INSIDE).is_some_and(|rest| rest.starts_with('/'));
        if !below || normal(&file.path).as_ref() != Some(&file.path) {
            return refused(file, "is not a path of the job");
        }
        if file.bytes.div_ceil(CHUNK_BYTES) != file.chunks.len() as u64 {
            return refused(file, "has another number of chunks than its length");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(path: &str, bytes: u64, chunks: usize) -> SentFile {
        SentFile {
            path: path.into(),
            bytes,
            plain: BlobId::from_bytes([1; 32]),
            runnable: false,
            chunks: vec![BlobId::from_bytes([2; 32]); chunks],
        }
    }

    #[test]
    fn only_files_of_the_job_with_the_chunks_they_need_are_taken() {
        check(&[file("/job/a", 1, 1), file("/job/b/c", 0, 0)]).unwrap();
        for bad in [
            file("/job/../etc/passwd", 1, 1),
            file("/jobs/a", 1, 1),
            file("/job", 1, 1),
            file("job/a", 1, 1),
            file("/job/a", CHUNK_BYTES + 1, 1),
        ] {
            assert!(matches!(check(&[bad]), Err(SessionFilesError::Refused { .. })));
        }
    }

    #[test]
    fn the_last_chunk_may_be_as_long_as_what_is_left() {
        let lengths: Vec<u64> = wants(&file("/job/a", CHUNK_BYTES + 5, 2))
            .map(|want| want.bytes_max)
            .collect();
        assert_eq!(lengths, [CHUNK_BYTES, 5]);
    }

    #[test]
    fn links_stay_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/a"), "1").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        let found = below(folder.path(), "/job/x").unwrap();
        assert_eq!(found, [(folder.path().join("deep/a"), "/job/x/deep/a".to_owned())]);
        assert!(below(&folder.path().join("nothing"), "/job/y").unwrap().is_empty());
    }
}
