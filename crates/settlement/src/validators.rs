//! Who votes on a chain of ours, and what one account has to do with it: stake, votes, rewards.
//!
//! The contract is in the chain's genesis, at one address by proof of stake and at another by delegated proof of stake, so that
//! nobody has to be told where it is. [`ValidatorsView`] reads, [`Validators`] acts for one account. Amounts are of the chain's own
//! coin, in wei.

pub mod calls;
mod steps;
mod view;

pub use steps::{PaidOut, Validators};

use crate::{error::SettlementError, jobs::amount_from_chain, rpc::Rpc};
use alloy::primitives::{Address, address};
use rayswarm_model::Amount;
use serde::Serialize;
use std::fmt;

/// The contract that keeps the validators by pos.
pub const STAKED_VALIDATORS: Address = address!("0000000000000000000000000000000000005201");
/// The contract that keeps the delegates by dpos.
pub const DELEGATED_VALIDATORS: Address = address!("0000000000000000000000000000000000005202");

/// How the contract says that a jail has no end.
const FOR_GOOD: u64 = u64::MAX;

/// How a chain's validators come to their votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum SetKind {
    /// By what they have at stake.
    #[serde(rename = "pos")]
    Staked,
    /// By whom holders of coins vote for.
    #[serde(rename = "dpos")]
    Delegated,
}

/// The contract that keeps a chain's validators, to read.
#[derive(Clone, Debug)]
pub struct ValidatorsView {
    rpc: Rpc,
    chain_id: u64,
    kind: SetKind,
}

/// One who votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The account whose key signs.
    pub account: Address,
    /// Voting power: by pos whole coins at stake, by dpos one.
    pub power: u64,
}

/// One who stands for the next sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The account.
    pub account: Address,
    /// What counts for it: stake by pos, votes by dpos.
    pub weight: Amount,
}

/// Until when a validator is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Jail {
    /// It may come back from this height on.
    Until(u64),
    /// It has signed what nobody may sign.
    ForGood,
}

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its power at the next block; zero is none.
    pub power: u64,
    /// Whether it stands for the next sets.
    pub candidate: bool,
    /// Whether it is out.
    pub jail: Option<Jail>,
    /// Its turns to propose in this epoch so far, missed ones included.
    pub turns: u32,
    /// Those that it missed.
    pub missed: u32,
    /// What it has at risk and in the count, or on the way there.
    pub stake: Amount,
    /// All that is on its way out.
    pub unbonding: Amount,
    /// What a claim would pay.
    pub rewards: Amount,
}

/// Coins on their way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// How many.
    pub amount: Amount,
    /// From which height they may be withdrawn, as far as is known now: it moves while the set still counts them.
    pub release_height: u64,
    /// Whether they can still be slashed.
    pub at_risk: bool,
}

/// What the chain's genesis fixed. Ten-thousandths end in `_bps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SetParams {
    /// Blocks of an epoch. The set changes only between epochs.
    pub epoch_blocks: u64,
    /// How many blocks after a signature was given it can still be reported.
    pub evidence_blocks: u64,
    /// How long stake stays after it stopped to count.
    pub unbonding_blocks: u64,
    /// How long one that was absent stays out at least.
    pub jail_blocks: u64,
    /// Whoever misses more turns than these in an epoch, and more than half of its turns, is jailed.
    pub missed_turns_max: u32,
    /// The most that vote.
    pub validators_max: u16,
    /// What a double signature costs.
    pub slash_bps: u16,
    /// What the reporter gets of it.
    pub reporter_bps: u16,
    /// The least that a validator puts at risk itself.
    pub min_stake: Amount,
}

/// What a delegate is to its voters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Delegate {
    /// Votes for it, own stake included.
    pub votes: Amount,
    /// What it keeps of its voters' rewards, in ten-thousandths.
    pub commission_bps: u16,
    /// What that will be, and from which epoch on, if it is to change.
    pub next_commission: Option<(u16, u64)>,
}

/// Votes that an account gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BallotFor {
    /// For whom.
    pub delegate: Address,
    /// How many, one a wei.
    pub votes: Amount,
}

impl SetKind {
    /// Where its contract is.
    pub const fn contract(self) -> Address {
        match self {
            Self::Staked => STAKED_VALIDATORS,
            Self::Delegated => DELEGATED_VALIDATORS,
        }
    }

    /// What keeps the validators of the chain of a server, if anything does.
    pub(crate) async fn find(rpc: &Rpc) -> Result<Option<Self>, SettlementError> {
        for kind in [Self::Staked, Self::Delegated] {
            if rpc.has_code(kind.contract()).await? {
                return Ok(Some(kind));
            }
        }
        Ok(None)
    }
}

impl fmt::Display for SetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Staked => "pos",
            Self::Delegated => "dpos",
        })
    }
}

impl Jail {
    const fn of(until: u64) -> Option<Self> {
        match until {
            0 => None,
            FOR_GOOD => Some(Self::ForGood),
            height => Some(Self::Until(height)),
        }
    }
}

impl fmt::Display for Jail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Until(height) => write!(f, "jailed; may come back from block {height} on"),
            Self::ForGood => f.write_str("jailed for good"),
        }
    }
}

/// What the contract counts with is not more than coins there can be.
fn coins(value: alloy::primitives::U256) -> Result<Amount, SettlementError> {
    amount_from_chain("the contract of the validators", value)
}

#[cfg(test)]
mod tests;
