//! What is not asked of this chain, and why: all such rules are here.

use std::fmt;

use alloy_consensus::Transaction as _;
use alloy_primitives::U256;
use rayswarm_chain::Transaction;

use crate::fixture::{Outcome, StateTest};

/// Why a test is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// A genesis names Prague or Osaka.
    Hardfork,
    /// Older fixtures tell fields and a key; signing would be ours then.
    NoBytes,
    /// A block with blobs before it makes `BLOBBASEFEE` dearer, and here there are none.
    BlobPrice,
    /// A chain begins at block 0, so that the transaction is in block 1.
    BlockNumber,
    /// State tests invent the hashes of earlier blocks; here they are what they are.
    BlockHash,
    /// [`rayswarm_chain::Genesis::check`] takes 21,000 to 10^12 gas, and balances that sum to less than 2^256.
    Genesis,
    /// Blobs are refused here whatever they pay, which is checked, but not what would have become of them.
    Blobs,
    /// What anybody could say again on another chain is refused here too.
    AnyChain,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hardfork => "by rules of another hardfork",
            Self::NoBytes => "without the signed transaction",
            Self::BlobPrice => "after blocks with blobs",
            Self::BlockNumber => "not in block 1",
            Self::BlockHash => "about hashes of earlier blocks",
            Self::Genesis => "with more gas or coins than a genesis may have",
            Self::Blobs => "with blobs, refused on this chain",
            Self::AnyChain => "signed for any chain, refused on this one",
        })
    }
}

/// Whether a test is left out for what it begins with.
pub fn before_trial(name: &str, test: &StateTest, outcome: &Outcome) -> Option<LeftOut> {
    let env = &test.env;
    let supply = test
        .pre
        .values()
        .try_fold(U256::ZERO, |sum, account| sum.checked_add(account.balance));
    let gas = U256::from(21_000)..=U256::from(1_000_000_000_000_u64);
    if outcome.txbytes.is_none() {
        Some(LeftOut::NoBytes)
    } else if !env.current_excess_blob_gas.is_zero() {
        Some(LeftOut::BlobPrice)
    } else if env.current_number != U256::ONE {
        Some(LeftOut::BlockNumber)
    } else if name.to_lowercase().contains("blockhash") {
        Some(LeftOut::BlockHash)
    } else if supply.is_none() || !gas.contains(&env.current_gas_limit) {
        Some(LeftOut::Genesis)
    } else {
        None
    }
}

/// Whether a transaction that others would execute is left out, once it was seen that it is refused.
pub fn of_this_kind(transaction: &Transaction) -> Option<LeftOut> {
    if transaction.is_eip4844() {
        Some(LeftOut::Blobs)
    } else if transaction.chain_id().is_none() {
        Some(LeftOut::AnyChain)
    } else {
        None
    }
}
