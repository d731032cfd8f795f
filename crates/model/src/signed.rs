//! The documents a contract may judge: vouchers and receipts, hashed by EIP-712 and signed by an account key.
//!
//! Trust is visible in the types. Bytes from a peer become a [`SignedReceipt`]; checked against what was asked and what
//! arrived it becomes a [`VerifiedReceipt`], and nothing else can be paid. The same hashes are computed by the contracts;
//! `contracts/vectors/eip712.json` holds both to one set of values.

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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::canonical;

    const DOMAIN: Domain = Domain {
        chain_id: 31337,
        escrow: Address::repeat_byte(0xe5),
    };

    fn key(seed: u8) -> AccountKey {
        AccountKey::from_bytes(&[seed; 32]).unwrap()
    }

    fn voucher() -> Voucher {
        Voucher {
            job: JobId::from_bytes([1; 32]),
            provider: key(2).address(),
            cumulative: Amount(7),
        }
    }

    fn receipt() -> Receipt {
        Receipt {
            job: JobId::from_bytes([1; 32]),
            task: TaskId(3),
            attempt: AttemptId(4),
            provider: key(2).address(),
            bytes_hash: B256::repeat_byte(5),
            pixel_commitment: B256::repeat_byte(6),
            cpu: CpuTime { millis: 7 },
        }
    }

    fn expected() -> ExpectedReceipt {
        let Receipt {
            job,
            task,
            attempt,
            provider,
            bytes_hash,
            pixel_commitment,
            ..
        } = receipt();
        ExpectedReceipt {
            job,
            task,
            attempt,
            provider,
            bytes_hash,
            pixel_commitment,
        }
    }

    #[test]
    fn only_its_signer_domain_and_words_make_a_signature_hold() {
        let signed = Signed::sign(voucher(), &DOMAIN, &key(1));
        assert_eq!(signed.signed_by(&DOMAIN, key(1).address()), Ok(()));

        let elsewhere = [
            Domain { chain_id: 1, ..DOMAIN },
            Domain {
                escrow: Address::repeat_byte(1),
                ..DOMAIN
            },
        ];
        for domain in elsewhere {
            assert!(signed.signed_by(&domain, key(1).address()).is_err(), "{domain:?}");
        }
        let raised = Signed {
            message: Voucher {
                cumulative: Amount(8),
                ..voucher()
            },
            ..signed
        };
        assert!(raised.signed_by(&DOMAIN, key(1).address()).is_err());
        let error = signed.signed_by(&DOMAIN, key(2).address()).unwrap_err();
        assert!(matches!(error, SignatureError::WrongSigner { recovered, .. } if recovered == key(1).address()));
    }

    #[test]
    fn malformed_and_malleable_signatures_are_refused() {
        let signed = Signed::sign(voucher(), &DOMAIN, &key(1));
        let order = U256::from_be_slice(&alloy_primitives::hex!(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ));
        let mut high_s = signed;
        let s = U256::from_be_slice(&signed.signature.0[32..64]);
        high_s.signature.0[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        high_s.signature.0[64] = if signed.signature.0[64] == 27 { 28 } else { 27 };
        let mut zero_v = signed;
        zero_v.signature.0[64] -= 27;
        let zeros = Signed {
            signature: FixedBytes::ZERO,
            ..signed
        };
        for broken in [high_s, zero_v, zeros] {
            assert_eq!(
                broken.signer(&DOMAIN),
                Err(SignatureError::Malformed { document: "voucher" })
            );
        }
    }

    #[test]
    fn a_receipt_is_verified_only_when_everything_agrees() {
        let signed = Signed::sign(receipt(), &DOMAIN, &key(2));
        assert_eq!(signed.check(&DOMAIN, &expected()).unwrap().receipt(), &receipt());

        let e = expected();
        let wrong = [
            ExpectedReceipt {
                job: JobId::from_bytes([9; 32]),
                ..e
            },
            ExpectedReceipt { task: TaskId(9), ..e },
            ExpectedReceipt {
                attempt: AttemptId(9),
                ..e
            },
            ExpectedReceipt {
                provider: key(9).address(),
                ..e
            },
            ExpectedReceipt {
                bytes_hash: B256::ZERO,
                ..e
            },
            ExpectedReceipt {
                pixel_commitment: B256::ZERO,
                ..e
            },
        ];
        for case in wrong {
            assert!(signed.check(&DOMAIN, &case).is_err(), "{case:?}");
        }
        let forged = Signed::sign(receipt(), &DOMAIN, &key(9));
        assert!(matches!(forged.check(&DOMAIN, &e), Err(ReceiptError::Signature(_))));
    }

    #[test]
    fn signed_documents_survive_both_encodings() {
        let signed = Signed::sign(receipt(), &DOMAIN, &key(2));
        let bytes = canonical::encode("receipt", &signed).unwrap();
        assert_eq!(canonical::decode::<SignedReceipt>("receipt", &bytes).unwrap(), signed);
        let json = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<SignedReceipt>(&json).unwrap(), signed);
    }

    #[test]
    fn a_key_never_shows_its_secret() {
        let shown = format!("{:?}", key(0x5a));
        assert!(!shown.contains("5a5a5a"), "{shown}");
        assert_eq!(AccountKey::from_bytes(&[0; 32]).unwrap_err(), AccountKeyError);
        assert_eq!(AccountKey::from_bytes(&[0xff; 32]).unwrap_err(), AccountKeyError);
    }

    /// The values that `contracts/test/Eip712Vectors.t.sol` computes in Solidity.
    #[test]
    fn the_vectors_shared_with_the_contracts_hold() {
        let committed: serde_json::Value =
            serde_json::from_str(include_str!("../../../contracts/vectors/eip712.json")).unwrap();

        let domain = Domain {
            chain_id: 31337,
            escrow: Address::repeat_byte(0xe5),
        };
        let signer = key(0x11);
        let salt = B256::repeat_byte(0x5a);
        let job = domain.job_id(signer.address(), salt);
        let provider = key(0x22).address();
        let voucher = Voucher {
            job,
            provider,
            cumulative: Amount(1_234_567_890_123_456_789_012),
        };
        let receipt = Receipt {
            job,
            task: TaskId(41),
            attempt: AttemptId(u64::MAX),
            provider: signer.address(),
            bytes_hash: keccak256("bytes"),
            pixel_commitment: keccak256("pixels"),
            cpu: CpuTime { millis: 65_432 },
        };
        let binding = EndpointBinding {
            node: NodeId::from_bytes([0xed; 32]),
            account: signer.address(),
        };
        let computed = serde_json::json!({
            "domain": {
                "name": "Rayswarm", "version": "1", "chainId": domain.chain_id,
                "escrow": domain.escrow, "separator": domain.separator(),
            },
            "signer": { "secret": B256::repeat_byte(0x11), "address": signer.address() },
            "job": { "requestor": signer.address(), "salt": salt, "id": job.as_b256() },
            "voucher": {
                "jobId": job.as_b256(), "provider": provider, "cumulative": voucher.cumulative,
                "digest": voucher.digest(&domain),
                "signature": Signed::sign(voucher, &domain, &signer).signature,
            },
            "receipt": {
                "jobId": job.as_b256(), "taskId": receipt.task, "attemptId": receipt.attempt.0.to_string(),
                "provider": receipt.provider, "bytesHash": receipt.bytes_hash,
                "pixelCommitment": receipt.pixel_commitment, "cpuMillis": receipt.cpu.millis,
                "digest": receipt.digest(&domain),
                "signature": Signed::sign(receipt, &domain, &signer).signature,
            },
            "endpointBinding": {
                "endpointId": binding.node.as_b256(), "account": binding.account,
                "digest": binding.digest(&domain),
                "signature": Signed::sign(binding, &domain, &signer).signature,
            },
        });
        assert_eq!(computed, committed, "computed:\n{computed:#}");
    }
}
