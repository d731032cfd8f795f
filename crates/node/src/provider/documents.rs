//! Documents of a job that the escrow has the hashes of: manifest and plan.

use crate::services::Services;
use rayswarm_model::{B256, BlobId, JobId, canonical, keccak256};
use rayswarm_network::{NetworkError, PeerAddr, Want};
use serde::de::DeserializeOwned;

/// The most such a document may weigh: 100,000 files with long names, or a million tasks.
const BYTES_MAX: u64 = 64 << 20;

/// Where a document is, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is called.
    pub name: &'static str,
    /// The blob that holds its canonical encoding.
    pub blob: BlobId,
    /// Its length.
    pub bytes: u64,
    /// Its keccak-256 by the escrow.
    pub paid_for: B256,
}

/// A document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// The transfer failed.
    #[error("the {name} could not be transferred")]
    Network {
        /// Of what.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<NetworkError>,
    },
    /// The escrow pays for another.
    #[error(
        "the {name} is not the one the escrow pays for (expected {expected}, got {found}); the requestor must submit \
         the job again"
    )]
    NotPaidFor {
        /// Of what.
        name: &'static str,
        /// Its keccak-256 by the escrow.
        expected: B256,
        /// That of what came.
        found: B256,
    },
    /// It does not read.
    #[error("the {name} does not read")]
    Unreadable {
        /// Of what.
        name: &'static str,
        /// Why.
        #[source]
        source: canonical::CanonicalError,
    },
}

impl Document {
    /// Fetches it from `from`, if it is not here.
    pub async fn fetch<T: DeserializeOwned>(
        &self,
        services: &Services,
        from: &PeerAddr,
        job: JobId,
    ) -> Result<T, DocumentError> {
        let name = self.name;
        let failed = |source| DocumentError::Network {
            name,
            source: Box::new(source),
        };
        let wanted = Want {
            blob: self.blob,
            bytes_max: self.bytes.min(BYTES_MAX),
        };
        let peers = [from.clone()];
        let fetched = services.network.fetch(job, &peers, &[wanted], |_| {}).await;
        fetched.map_err(failed)?;
        let bytes = services.network.blobs().read(self.blob, BYTES_MAX).await;
        self.read(&bytes.map_err(failed)?)
    }

    /// Reads its encoding.
    pub fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, DocumentError> {
        let (name, found) = (self.name, keccak256(bytes));
        if found != self.paid_for {
            return Err(DocumentError::NotPaidFor {
                name,
                expected: self.paid_for,
                found,
            });
        }
        canonical::decode(name, bytes).map_err(|source| DocumentError::Unreadable { name, source })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_document_that_the_escrow_pays_for_is_read() {
        let encode = |path: &str| canonical::encode("manifest", &path).unwrap();
        let document = Document {
            name: "manifest",
            blob: BlobId::from_bytes([1; 32]),
            bytes: 1,
            paid_for: keccak256(encode("a")),
        };
        assert_eq!(document.read::<String>(&encode("a")).unwrap(), "a");
        let refused = document.read::<String>(&encode("b"));
        assert!(matches!(refused, Err(DocumentError::NotPaidFor { expected, .. }) if expected == document.paid_for));
        let other = document.read::<(String, String)>(&encode("a"));
        assert!(matches!(other, Err(DocumentError::Unreadable { .. })), "{other:?}");
    }
}
