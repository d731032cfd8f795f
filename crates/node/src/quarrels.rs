//! Quarrels about claims, as this node takes part in them: as the requestor that rejected, the provider that claimed, or a
//! juror. `docs/protocol/settlement.md` has the rules.
//!
//! | module | holds |
//! |---|---|
//! | [`statement`] | what a party says to jurors, signed |
//! | [`party`] | a quarrel of one's own, from the draw to the end |
//! | [`juror`] | a juror's seats, from the draw to its fee |
//! | [`judging`] | a juror's verdict |
//! | [`calendar`] | which phase a transaction sent now would meet |

pub mod calendar;
pub mod judging;
pub mod juror;
pub mod party;
pub mod statement;

use crate::journal::JournalError;
use rayswarm_model::{B256, canonical::CanonicalError, keccak256};
use rayswarm_network::NetworkError;
use rayswarm_settlement::{Settlement, SettlementError};
use std::time::Duration;

/// How often the chain is asked about a quarrel that is under way.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A step of a quarrel did not happen; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum QuarrelError {
    /// The chain.
    #[error(transparent)]
    Settlement(#[from] SettlementError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A document.
    #[error(transparent)]
    Encoding(#[from] CanonicalError),
    /// A peer.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// Something of this node's own that a quarrel needs is gone.
    #[error("{0}")]
    Missing(&'static str),
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Entropy(#[from] rand::rand_core::OsError),
}

/// Names the contract that judges, on its chain: disputes are counted by each anew.
pub fn court(genesis: B256, settlement: &Settlement) -> B256 {
    keccak256([genesis.as_slice(), settlement.disputes().as_slice()].concat())
}
