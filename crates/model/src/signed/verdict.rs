//! What a juror says of a claim, and how it hides that until all jurors have committed.

use crate::ids::DisputeId;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a claim is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The work is what was asked for.
    Good,
    /// It is not.
    Bad,
}

impl Verdict {
    /// Its number in the contract, where 0 says nothing.
    pub const fn number(self) -> u8 {
        match self {
            Self::Good => 1,
            Self::Bad => 2,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "good",
            Self::Bad => "bad",
        })
    }
}

/// A juror's verdict in one round of a dispute. Secret until it is revealed: who loses the salt cannot reveal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JurorVerdict {
    /// The dispute.
    pub dispute: DisputeId,
    /// The round, from 0.
    pub round: u8,
    /// Whose verdict it is: nobody can copy another's commitment.
    pub juror: Address,
    /// What it says.
    pub verdict: Verdict,
    /// The pixel commitment of what the juror rendered.
    pub crop_hash: B256,
    /// 32 fresh bytes.
    pub salt: B256,
}

impl JurorVerdict {
    /// What the juror commits to, at the contract `disputes` of a chain (`docs/protocol/settlement.md`). `rayswarm-settlement`
    /// holds it to the vectors shared with the contracts, and to the contract itself.
    pub fn commitment(&self, chain_id: u64, disputes: Address) -> B256 {
        let words = (
            U256::from(chain_id),
            disputes,
            U256::from(self.dispute.0),
            U256::from(self.round),
            self.juror,
            U256::from(self.verdict.number()),
            self.crop_hash,
            self.salt,
        );
        keccak256(words.abi_encode())
    }
}
