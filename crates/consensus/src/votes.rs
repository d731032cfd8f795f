//! What validators sign, by EIP-712, so that a contract can check evidence with `ecrecover`.
//!
//! The system contract of the validators is the verifying contract. It has the same address on every chain, so the chain id is what keeps
//! a signature for one chain from saying anything on another.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain};
use rayswarm_model::signed::{AccountKey, is_digest_signed};
use serde::{Deserialize, Serialize};

/// The EIP-712 types, named and ordered as the contracts hash them.
mod typed_data {
    alloy_sol_types::sol! {
        struct Vote { uint64 height; uint32 round; uint8 kind; bytes32 blockHash; }
        struct Proposal { uint64 height; uint32 round; int64 validRound; bytes32 blockHash; }
    }
}

/// Where votes are valid: one system contract on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VoteDomain {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The contract that keeps the validators.
    pub contract: Address,
}

/// The two votes of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum VoteKind {
    /// The first, on a proposal.
    Prevote,
    /// The second, once two thirds have given the first.
    Precommit,
}

/// One vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Vote {
    /// At this height.
    pub height: u64,
    /// In this round.
    pub round: u32,
    /// Which of the two.
    pub kind: VoteKind,
    /// For this block; zero is for none.
    pub block: B256,
}

/// A proposal of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proposal {
    /// At this height.
    pub height: u64,
    /// In this round.
    pub round: u32,
    /// The round in which two thirds prevoted for it before, or -1.
    pub valid_round: i64,
    /// This block.
    pub block: B256,
}

/// Two signatures of one validator that nobody may give both. Each is 65 bytes: r, s and v (27 or 28).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Two votes of one kind in one round for different blocks.
    Votes {
        /// Whose.
        validator: Address,
        /// One.
        first: (Vote, Bytes),
        /// The other.
        second: (Vote, Bytes),
    },
    /// Two proposals in one round.
    Proposals {
        /// Whose.
        validator: Address,
        /// One.
        first: (Proposal, Bytes),
        /// The other.
        second: (Proposal, Bytes),
    },
}

impl VoteDomain {
    fn eip712(&self) -> Eip712Domain {
        eip712_domain! { name: "Rayswarm consensus", version: "1", chain_id: self.chain_id, verifying_contract: self.contract, }
    }
}

/// What a validator can sign.
pub trait Signable {
    /// Its EIP-712 digest.
    fn digest(&self, domain: &VoteDomain) -> B256;

    /// The signature of `key`: r, s, v.
    fn sign(&self, domain: &VoteDomain, key: &AccountKey) -> Bytes {
        key.sign_digest(&self.digest(domain)).as_bytes().into()
    }

    /// Whether `account` has signed it.
    fn is_signed(&self, domain: &VoteDomain, signature: &[u8], account: Address) -> bool {
        is_digest_signed(&self.digest(domain), signature, account)
    }
}

impl Signable for Vote {
    fn digest(&self, domain: &VoteDomain) -> B256 {
        let vote = typed_data::Vote {
            height: self.height,
            round: self.round,
            kind: match self.kind {
                VoteKind::Prevote => 0,
                VoteKind::Precommit => 1,
            },
            blockHash: self.block,
        };
        vote.eip712_signing_hash(&domain.eip712())
    }
}

impl Signable for Proposal {
    fn digest(&self, domain: &VoteDomain) -> B256 {
        let proposal = typed_data::Proposal {
            height: self.height,
            round: self.round,
            validRound: self.valid_round,
            blockHash: self.block,
        };
        proposal.eip712_signing_hash(&domain.eip712())
    }
}

impl Evidence {
    /// Against whom.
    pub const fn validator(&self) -> Address {
        match self {
            Self::Votes { validator, .. } | Self::Proposals { validator, .. } => *validator,
        }
    }

    /// Of which height.
    pub const fn height(&self) -> u64 {
        match self {
            Self::Votes { first, .. } => first.0.height,
            Self::Proposals { first, .. } => first.0.height,
        }
    }

    /// Whether it proves anything: both signed by the validator, at the same place, and different.
    pub fn holds(&self, domain: &VoteDomain) -> bool {
        match self {
            Self::Votes {
                validator,
                first,
                second,
            } => {
                let place = |vote: &Vote| (vote.height, vote.round, vote.kind);
                place(&first.0) == place(&second.0)
                    && first.0.block != second.0.block
                    && first.0.is_signed(domain, &first.1, *validator)
                    && second.0.is_signed(domain, &second.1, *validator)
            }
            Self::Proposals {
                validator,
                first,
                second,
            } => {
                let place = |proposal: &Proposal| (proposal.height, proposal.round);
                place(&first.0) == place(&second.0)
                    && first.0 != second.0
                    && first.0.is_signed(domain, &first.1, *validator)
                    && second.0.is_signed(domain, &second.1, *validator)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn evidence_is_two_different_words_of_one_validator_about_one_thing() {
        let domain = VoteDomain {
            chain_id: 5_253,
            contract: Address::repeat_byte(5),
        };
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        let vote = |round, block| Vote {
            height: 9,
            round,
            kind: VoteKind::Precommit,
            block: B256::repeat_byte(block),
        };
        let signed = |vote: Vote| (vote, vote.sign(&domain, &key));
        let evidence = |first, second| Evidence::Votes {
            validator: key.address(),
            first: signed(first),
            second: signed(second),
        };
        assert!(evidence(vote(1, 1), vote(1, 0)).holds(&domain));
        assert!(!evidence(vote(1, 1), vote(1, 1)).holds(&domain), "the same twice");
        assert!(!evidence(vote(1, 1), vote(2, 2)).holds(&domain), "two rounds");
        let elsewhere = VoteDomain { chain_id: 1, ..domain };
        assert!(!evidence(vote(1, 1), vote(1, 0)).holds(&elsewhere), "another chain");
    }

    /// The contract that takes evidence hashes the same: `contracts/test/chain/ChainVectors.t.sol`.
    #[test]
    fn votes_and_proposals_are_those_of_the_vectors_shared_with_the_contracts() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../contracts/vectors/votes.json")).unwrap();
        fn read<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &serde_json::Value) -> T {
            value.as_str().unwrap().parse().unwrap()
        }
        let domain = VoteDomain {
            chain_id: read(&vectors["domain"]["chainId"]),
            contract: read(&vectors["domain"]["contract"]),
        };
        assert_eq!(
            domain.eip712().separator(),
            read::<B256>(&vectors["domain"]["separator"])
        );
        let key = AccountKey::from_bytes(&read::<B256>(&vectors["signer"]["secret"]).0).unwrap();
        assert_eq!(key.address(), read::<Address>(&vectors["signer"]["address"]));

        let hold = |signable: &dyn Signable, row: &serde_json::Value| {
            assert_eq!(signable.digest(&domain), read::<B256>(&row["digest"]), "{row}");
            let signature = read::<Bytes>(&row["signature"]);
            assert_eq!(signable.sign(&domain, &key), signature, "{row}");
            assert!(signable.is_signed(&domain, &signature, key.address()), "{row}");
        };
        for row in vectors["votes"].as_array().unwrap() {
            let vote = Vote {
                height: read(&row["height"]),
                round: read(&row["round"]),
                kind: match read::<u8>(&row["kind"]) {
                    0 => VoteKind::Prevote,
                    _ => VoteKind::Precommit,
                },
                block: read(&row["blockHash"]),
            };
            hold(&vote, row);
        }
        for row in vectors["proposals"].as_array().unwrap() {
            let proposal = Proposal {
                height: read(&row["height"]),
                round: read(&row["round"]),
                valid_round: read(&row["validRound"]),
                block: read(&row["blockHash"]),
            };
            hold(&proposal, row);
        }
    }
}
