//! The documents a contract may judge: vouchers and receipts, hashed by EIP-712 and signed by an account key.
//!
//! Trust is visible in the types. Bytes from a peer become a [`SignedReceipt`]; checked against what was asked and what
//! arrived it becomes a [`VerifiedReceipt`], and nothing else can be paid. The same hashes are computed by the contracts;
//! `contracts/vectors/eip712.json` holds both to one set of values.

mod verdict;

pub use verdict::{JurorVerdict, Verdict};

use crate::{
    ids::{AttemptId, JobId, NodeId, TaskId},
    money::Amount,
    units::CpuTime,
};
use alloy_primitives::{Address, B256, FixedBytes, Signature, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, SolValue, eip712_domain};
use k256::ecdsa::SigningKey;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The EIP-712 types, named and ordered as the contracts hash them.
mod typed_data {
    alloy_sol_types::sol! {
        struct Voucher { bytes32 jobId; address provider; uint256 cumulative; }
        struct Receipt {
            bytes32 jobId; uint64 taskId; uint64 attemptId; address provider;
            bytes32 bytesHash; bytes32 pixelCommitment; uint64 cpuMillis;
        }
        struct EndpointBinding { bytes32 endpointId; address account; }
    }
}

/// Where a signature is valid: one escrow on one chain. Signatures made for another say nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Domain {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Address of the `JobEscrow` contract.
    pub escrow: Address,
}

impl Domain {
    /// The id of the job that `requestor` opens here with `salt`.
    pub fn job_id(&self, requestor: Address, salt: B256) -> JobId {
        JobId::from(keccak256(
            (U256::from(self.chain_id), self.escrow, requestor, salt).abi_encode(),
        ))
    }

    /// The hash under which EIP-712 puts this domain into every digest.
    pub fn separator(&self) -> B256 {
        self.eip712().separator()
    }

    fn eip712(&self) -> Eip712Domain {
        eip712_domain! { name: "Rayswarm", version: "1", chain_id: self.chain_id, verifying_contract: self.escrow, }
    }
}

/// A document with one EIP-712 digest per domain.
pub trait TypedDocument {
    /// What the document is called in errors.
    const NAME: &'static str;
    /// What an account signs.
    fn digest(&self, domain: &Domain) -> B256;
}

/// The requestor's word that `provider` has earned `cumulative` in `job` so far. Only the largest matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Voucher {
    /// The job.
    pub job: JobId,
    /// The account that is paid.
    pub provider: Address,
    /// Everything earned in this job so far.
    pub cumulative: Amount,
}

impl TypedDocument for Voucher {
    const NAME: &'static str = "voucher";
    fn digest(&self, domain: &Domain) -> B256 {
        let data = typed_data::Voucher {
            jobId: self.job.as_b256(),
            provider: self.provider,
            cumulative: U256::from(self.cumulative.0),
        };
        data.eip712_signing_hash(&domain.eip712())
    }
}

/// The provider's statement: this attempt gave these bytes, these pixels, and took this much CPU time. It is given before
/// the provider can know which crops will be audited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Receipt {
    /// The job.
    pub job: JobId,
    /// The task of the job's plan.
    pub task: TaskId,
    /// Which try at the task.
    pub attempt: AttemptId,
    /// The account that asks to be paid.
    pub provider: Address,
    /// keccak-256 of the delivered bytes.
    pub bytes_hash: B256,
    /// Commitment to the decoded channels; never over the bytes of a picture file.
    pub pixel_commitment: B256,
    /// CPU time the attempt took, as the provider measured it.
    pub cpu: CpuTime,
}

impl TypedDocument for Receipt {
    const NAME: &'static str = "receipt";
    fn digest(&self, domain: &Domain) -> B256 {
        let data = typed_data::Receipt {
            jobId: self.job.as_b256(),
            taskId: self.task.0,
            attemptId: self.attempt.0,
            provider: self.provider,
            bytesHash: self.bytes_hash,
            pixelCommitment: self.pixel_commitment,
            cpuMillis: self.cpu.millis,
        };
        data.eip712_signing_hash(&domain.eip712())
    }
}

/// The account's half of "this node acts for this account"; the node's key signs the other half, which peers check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EndpointBinding {
    /// The node.
    pub node: NodeId,
    /// The account it acts for, which signs this.
    pub account: Address,
}

impl TypedDocument for EndpointBinding {
    const NAME: &'static str = "endpoint binding";
    fn digest(&self, domain: &Domain) -> B256 {
        let data = typed_data::EndpointBinding {
            endpointId: self.node.as_b256(),
            account: self.account,
        };
        data.eip712_signing_hash(&domain.eip712())
    }
}

/// What a node's own key (ed25519) signs to say "this account may act for me": the registry keeps the signature, peers
/// check it when they connect.
pub fn endpoint_account_text(chain_id: u64, registry: Address, account: Address) -> Vec<u8> {
    let chain_id: [u8; 32] = U256::from(chain_id).to_be_bytes();
    [
        b"rayswarm/endpoint-account/1".as_slice(),
        &chain_id,
        registry.as_slice(),
        account.as_slice(),
    ]
    .concat()
}

/// A document and a signature that nobody has checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Signed<T> {
    /// What was signed.
    pub message: T,
    /// r ‖ s ‖ v, with v 27 or 28.
    pub signature: FixedBytes<65>,
}

/// A voucher as it travels.
pub type SignedVoucher = Signed<Voucher>;
/// A receipt as it travels.
pub type SignedReceipt = Signed<Receipt>;
/// An endpoint binding as it travels.
pub type SignedEndpointBinding = Signed<EndpointBinding>;

/// A signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The 65 bytes cannot be any key's signature.
    #[error(
        "the signature of the {document} is malformed (r, s or v out of range, or the malleable high-s form); ask its signer for another"
    )]
    Malformed {
        /// What was signed.
        document: &'static str,
    },
    /// It is somebody's signature, or one for another document, chain or escrow.
    #[error("the {document} is not signed by {expected} for this chain and escrow (its signature gives {recovered})")]
    WrongSigner {
        /// What was signed.
        document: &'static str,
        /// Whose signature was needed.
        expected: Address,
        /// Whose address the signature gives.
        recovered: Address,
    },
}

impl<T: TypedDocument> Signed<T> {
    /// Signs `message` for `domain`. The same key, message and domain always give the same bytes (RFC 6979).
    pub fn sign(message: T, domain: &Domain, key: &AccountKey) -> Self {
        let signature = FixedBytes(key.sign_digest(&message.digest(domain)).as_bytes());
        Self { message, signature }
    }

    /// Who signed this document for `domain`.
    pub fn signer(&self, domain: &Domain) -> Result<Address, SignatureError> {
        let malformed = || SignatureError::Malformed { document: T::NAME };
        let signature = Signature::from_raw_array(&self.signature.0).map_err(|_| malformed())?;
        let canonical_v = matches!(self.signature.0[64], 27 | 28);
        if !canonical_v || signature.normalize_s().is_some() {
            return Err(malformed());
        }
        signature
            .recover_address_from_prehash(&self.message.digest(domain))
            .map_err(|_| malformed())
    }

    /// Succeeds when `expected` signed this document for `domain`.
    pub fn signed_by(&self, domain: &Domain, expected: Address) -> Result<(), SignatureError> {
        let recovered = self.signer(domain)?;
        if recovered == expected {
            return Ok(());
        }
        Err(SignatureError::WrongSigner {
            document: T::NAME,
            expected,
            recovered,
        })
    }
}

impl<T> Signed<T> {
    /// The signature as contracts take it: `r` and `vs` of ERC-2098.
    pub fn compact(&self) -> (B256, B256) {
        let bytes = &self.signature.0;
        let r = B256::from_slice(&bytes[..32]);
        let mut vs = B256::from_slice(&bytes[32..64]);
        if bytes[64] == 28 {
            vs.0[0] |= 0x80;
        }
        (r, vs)
    }
}

/// What the requestor asked for and what it got, to hold a receipt against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedReceipt {
    /// The job.
    pub job: JobId,
    /// The task that was granted.
    pub task: TaskId,
    /// The attempt it was granted as.
    pub attempt: AttemptId,
    /// The account it was granted to.
    pub provider: Address,
    /// keccak-256 of the bytes that arrived.
    pub bytes_hash: B256,
    /// The commitment computed from the pixels that arrived.
    pub pixel_commitment: B256,
}

/// A receipt is not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It names another job, task, attempt or account.
    #[error("the receipt's {field} is {actual}, but the lease says {expected}; refuse it and lease the task again")]
    Mismatch {
        /// Which field differs.
        field: &'static str,
        /// What was granted.
        expected: String,
        /// What the receipt says.
        actual: String,
    },
    /// The result is not what the provider committed to.
    #[error(
        "the delivered {what} do not match the receipt (it commits to {committed}, got {delivered}); fetch the result again"
    )]
    NotAsCommitted {
        /// Bytes or pixels.
        what: &'static str,
        /// What the receipt commits to.
        committed: B256,
        /// What arrived.
        delivered: B256,
    },
    /// The signature does not hold.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// A receipt whose signature, assignment, bytes and pixels were checked. Audits may still be drawn for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt(SignedReceipt);

impl VerifiedReceipt {
    /// What the provider stated.
    pub const fn receipt(&self) -> &Receipt {
        &self.0.message
    }
    /// The evidence, as it arrived.
    pub const fn signed(&self) -> &SignedReceipt {
        &self.0
    }
}

impl SignedReceipt {
    /// Checks everything that can be checked without rendering.
    pub fn check(self, domain: &Domain, expected: &ExpectedReceipt) -> Result<VerifiedReceipt, ReceiptError> {
        let receipt = &self.message;
        same("job", &expected.job, &receipt.job)?;
        same("task", &expected.task, &receipt.task)?;
        same("attempt", &expected.attempt, &receipt.attempt)?;
        same("provider", &expected.provider, &receipt.provider)?;
        self.signed_by(domain, expected.provider)?;
        as_committed("bytes", receipt.bytes_hash, expected.bytes_hash)?;
        as_committed("pixels", receipt.pixel_commitment, expected.pixel_commitment)?;
        Ok(VerifiedReceipt(self))
    }
}

fn same<T: PartialEq + fmt::Display>(field: &'static str, expected: &T, actual: &T) -> Result<(), ReceiptError> {
    if expected == actual {
        return Ok(());
    }
    Err(ReceiptError::Mismatch {
        field,
        expected: expected.to_string(),
        actual: actual.to_string(),
    })
}

fn as_committed(what: &'static str, committed: B256, delivered: B256) -> Result<(), ReceiptError> {
    if committed == delivered {
        return Ok(());
    }
    Err(ReceiptError::NotAsCommitted {
        what,
        committed,
        delivered,
    })
}

/// The secp256k1 key of an account. It cannot be printed, compared or serialised, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct AccountKey {
    key: SigningKey,
    address: Address,
}

/// 32 bytes are not a secp256k1 secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the 32 bytes are not a secp256k1 key (zero, or not below the group order); generate others")]
pub struct AccountKeyError;

/// Whether `account` has signed `digest`, as [`AccountKey::sign_digest`] does. For documents that no contract judges.
pub fn is_digest_signed(digest: &B256, signature: &[u8], account: Address) -> bool {
    let signature = Signature::try_from(signature);
    let signer = signature.and_then(|signature| signature.recover_address_from_prehash(digest));
    signer.is_ok_and(|signer| signer == account)
}

impl AccountKey {
    /// From 32 secret bytes, which the caller drew or loaded: this crate has no entropy.
    pub fn from_bytes(secret: &[u8; 32]) -> Result<Self, AccountKeyError> {
        let key = SigningKey::from_bytes(secret.into()).map_err(|_| AccountKeyError)?;
        let address = Address::from_public_key(key.verifying_key());
        Ok(Self { key, address })
    }

    /// The account.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a 32-byte digest; `s` is in the lower half, as contracts demand.
    #[allow(clippy::expect_used)]
    pub fn sign_digest(&self, digest: &B256) -> Signature {
        // ECDSA over a 32-byte digest fails only if the derived nonce gives r = 0 or s = 0: probability 2^-255.
        let signed = self.key.sign_prehash_recoverable(digest.as_slice());
        signed.expect("a 32-byte digest can be signed").into()
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey({})", self.address)
    }
}

#[cfg(test)]
mod tests;
