//! Files in and out of the store, cut into chunks and put together again.

use super::{
    hash,
    store::{BlobStore, create_parent},
};
use crate::error::NetworkError;
use rayswarm_model::JobId;
use rayswarm_model::{BlobId, manifest::CHUNK_BYTES};
use std::path::Path;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};

/// A file in the store, as a manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of all its bytes.
    pub plain: BlobId,
    /// The blobs it was cut into, each but the last [`CHUNK_BYTES`] long; none for an empty file.
    pub chunks: Vec<BlobId>,
}

impl BlobStore {
    /// Stores `bytes` for a job. What is here already is not written again.
    pub async fn import_bytes(&self, job: JobId, bytes: Vec<u8>) -> Result<BlobId, NetworkError> {
        let id = BlobId::from_bytes(*blake3::hash(&bytes).as_bytes());
        self.reserve(job, &[(id, bytes.len() as u64)]).await?;
        if self.has(id).await? {
            return Ok(id);
        }
        let held = self.fs().add_bytes(bytes).temp_tag().await;
        let held = held.map_err(|source| NetworkError::store("import a blob", source))?;
        debug_assert_eq!(held.hash(), hash(id));
        Ok(id)
    }

    /// Stores a file for a job, in chunks. Call [`BlobStore::keep`] after the last.
    pub async fn import_file(&self, job: JobId, path: &Path) -> Result<ImportedFile, NetworkError> {
        let failed = |source| NetworkError::file("read", path, source);
        let mut file = File::open(path).await.map_err(failed)?;
        let (mut bytes, mut chunks, mut whole) = (0, Vec::new(), blake3::Hasher::new());
        loop {
            let mut chunk = Vec::new();
            (&mut file)
                .take(CHUNK_BYTES)
                .read_to_end(&mut chunk)
                .await
                .map_err(failed)?;
            if chunk.is_empty() {
                break;
            }
            bytes += chunk.len() as u64;
            whole.update(&chunk);
            chunks.push(self.import_bytes(job, chunk).await?);
        }
        Ok(ImportedFile {
            bytes,
            plain: BlobId::from_bytes(*whole.finalize().as_bytes()),
            chunks,
        })
    }

    /// Puts a file together from its chunks and gives the BLAKE3 of the whole. The file appears whole or not at all.
    pub async fn export_file(&self, chunks: &[BlobId], path: &Path) -> Result<BlobId, NetworkError> {
        create_parent(path).await?;
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let part = Path::new(&name);
        let written = self.write_chunks(chunks, part).await;
        let placed = match written {
            Ok(plain) => tokio::fs::rename(part, path)
                .await
                .map(|()| plain)
                .map_err(|source| NetworkError::file("write", path, source)),
            Err(error) => Err(error),
        };
        if placed.is_err() {
            // The first error is the one to report.
            let _ = tokio::fs::remove_file(part).await;
        }
        placed
    }

    async fn write_chunks(&self, chunks: &[BlobId], path: &Path) -> Result<BlobId, NetworkError> {
        let failed = |source| NetworkError::file("write", path, source);
        let mut whole = blake3::Hasher::new();
        let mut file = File::create(path).await.map_err(failed)?;
        for chunk in chunks {
            let bytes = self.read(*chunk, CHUNK_BYTES).await?;
            whole.update(&bytes);
            file.write_all(&bytes).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        Ok(BlobId::from_bytes(*whole.finalize().as_bytes()))
    }
}
