//! The offer of a job, signed by whoever pays.

use rayswarm_model::{
    Address, B256, BlobId, Bytes, JobId, RenderSettings, UnixMillis, WorkPrice,
    canonical::{self, CanonicalError},
    signed::{AccountKey, is_digest_signed},
};
use serde::{Deserialize, Serialize};

/// The offer of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobInvite {
    /// The job. Its id binds chain and escrow.
    pub job: JobId,
    /// The account that pays.
    pub requestor: Address,
    /// EIP-155 id of the chain the escrow lives on.
    pub chain_id: u64,
    /// `JobEscrow`.
    pub escrow: Address,
    /// The canonical encoding of the job's [`rayswarm_model::Manifest`], as a blob of the requestor's.
    pub manifest: BlobId,
    /// Length of that blob.
    pub manifest_bytes: u64,
    /// The canonical encoding of the job's [`rayswarm_model::Plan`], as a blob of the requestor's. Nothing else is granted.
    pub plan: BlobId,
    /// Length of that blob.
    pub plan_bytes: u64,
    /// The engine adapter.
    pub engine: String,
    /// Its exact version.
    pub engine_version: String,
    /// Settings that change pixels.
    pub settings: RenderSettings,
    /// The frame to play from, where one session must play all frames in order.
    pub play_from: Option<i32>,
    /// Memory one session is expected to need.
    pub memory: Bytes,
    /// What is paid.
    pub price: WorkPrice,
    /// When the job must be done; the escrow's refund opens then.
    pub deadline: UnixMillis,
    /// The account's signature over all of this, by which a provider shows jurors what it was promised.
    pub signature: Vec<u8>,
}

impl JobInvite {
    /// The same, signed by the account that pays.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn signed(mut self, key: &AccountKey) -> Result<Self, CanonicalError> {
        let signature = key.sign_digest(&self.digest()?);
        self.signature = signature.as_bytes().to_vec();
        Ok(self)
    }

    /// Whether the account that pays has signed it.
    pub fn is_signed(&self) -> bool {
        let digest = self.digest();
        digest.is_ok_and(|digest| is_digest_signed(&digest, &self.signature, self.requestor))
    }

    fn digest(&self) -> Result<B256, CanonicalError> {
        let unsigned = Self {
            signature: Vec::new(),
            ..self.clone()
        };
        canonical::document_hash("invitation", &unsigned)
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.engine.len().max(self.engine_version.len()) > 64 {
            return Err("an engine's name or version is longer than 64 bytes");
        }
        if self.signature.len() > 65 {
            return Err("an invitation's signature is longer than 65 bytes");
        }
        Ok(())
    }
}
