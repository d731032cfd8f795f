//! Files of jobs, by content: stored once, fetched only where missing, shown only to nodes that were granted the job.
//!
//! Blobs belong to jobs. What no job needs is collected; when the cache exceeds its limit, the job used longest ago and not
//! pinned is dropped. Stored blobs are plain bytes: whoever needs secrecy encrypts before importing (the manifest names the
//! cipher).

mod access;
mod cache;
mod fetch;
mod import;
mod store;

pub use fetch::{FetchProgress, FetchReport, Want};
pub use import::ImportedFile;
pub use store::{BlobOptions, BlobStore};

pub(crate) use access::BlobsProtocol;
pub(crate) use fetch::fetch;

/// Name and version of the protocol (iroh-blobs' own).
pub use iroh_blobs::ALPN;

use iroh_blobs::Hash;
use rayswarm_model::BlobId;

fn hash(id: BlobId) -> Hash {
    Hash::from_bytes(*id.as_bytes())
}

fn blob_id(hash: Hash) -> BlobId {
    BlobId::from_bytes(*hash.as_bytes())
}
