//! What a party says to jurors, signed by its account.

use rayswarm_imaging::PixelCells;
use rayswarm_model::{
    Address, B256, DisputeId, NodeId,
    canonical::{self, CanonicalError},
    signed::{AccountKey, is_digest_signed},
};
use rayswarm_network::work::JobInvite;
use rayswarm_verifier::{AuditPolicy, claim::ClaimedResult};
use serde::{Deserialize, Serialize};

/// A statement and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedStatement {
    /// What is said.
    pub statement: Statement,
    /// The account's signature over the statement's hash.
    pub signature: Vec<u8>,
}

/// What a party says in one dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The contract that judges.
    pub disputes: Address,
    /// The dispute.
    pub dispute: DisputeId,
    /// The node that says it, from which the requestor's scene is fetched.
    pub node: NodeId,
    /// In which role, and what.
    pub said: Said,
}

/// What a party says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// By the requestor.
    Requestor(Box<RequestorsCase>),
    /// By the provider.
    Provider(Box<ProvidersCase>),
}

/// What the requestor gives. It lets jurors fetch the scene besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestorsCase {
    /// The canonical encoding of the plan that the escrow pays for.
    pub plan: Vec<u8>,
    /// The policy that the job was opened with.
    pub policy: AuditPolicy,
    /// What the hash in the rejection is of.
    pub evidence: Vec<u8>,
}

/// What the provider gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvidersCase {
    /// The invitation that it worked by, signed by the requestor.
    pub invite: JobInvite,
    /// What its claim counts.
    pub results: Vec<ClaimedResult>,
    /// The hashes of the cells of its result for the named task, if it claims that.
    pub cells: Option<PixelCells>,
}

/// The requestor's evidence: why it rejects a claim, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// For people.
    pub reason: String,
    /// The requestor's own view of what the provider has earned, in base units.
    pub earned: rayswarm_model::Amount,
}

impl Statement {
    /// The same, signed.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn signed(self, key: &AccountKey) -> Result<SignedStatement, CanonicalError> {
        let signature = key.sign_digest(&self.hash()?).as_bytes().to_vec();
        Ok(SignedStatement {
            statement: self,
            signature,
        })
    }

    fn hash(&self) -> Result<B256, CanonicalError> {
        canonical::document_hash("statement", self)
    }
}

impl SignedStatement {
    /// Whether `account` has signed it.
    pub fn is_by(&self, account: Address) -> bool {
        let hash = self.statement.hash();
        hash.is_ok_and(|hash| is_digest_signed(&hash, &self.signature, account))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_statement_is_its_signer_s_for_one_dispute() {
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        let statement = Statement {
            chain_id: 1,
            disputes: Address::repeat_byte(2),
            dispute: DisputeId(3),
            node: NodeId::from_bytes([5; 32]),
            said: Said::Requestor(Box::new(RequestorsCase {
                plan: vec![1],
                policy: AuditPolicy::default(),
                evidence: vec![2],
            })),
        };
        let signed = statement.signed(&key).unwrap();
        assert!(signed.is_by(key.address()));
        assert!(!signed.is_by(Address::repeat_byte(9)));
        let mut moved = signed.clone();
        moved.statement.dispute = DisputeId(4);
        assert!(!moved.is_by(key.address()));
        let mut garbled = signed;
        garbled.signature.pop();
        assert!(!garbled.is_by(key.address()));
    }
}
