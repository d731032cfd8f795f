//! What fees have been: the answer to `eth_feeHistory`.

use alloy_consensus::Transaction as _;

use crate::{
    block::{SealedBlock, next_base_fee},
    chain::Chain,
};

/// Most blocks that one question may cover.
pub const FEE_HISTORY_BLOCKS_MAX: u64 = 1_024;

/// Fees over a run of blocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeeHistory {
    /// Height of the first block.
    pub oldest: u64,
    /// Base fee of each block and of the one after the last, in wei per gas.
    pub base_fees: Vec<u64>,
    /// Gas used over gas limit, of each block.
    pub gas_used_ratios: Vec<f64>,
    /// For each block the tips at the wanted percentiles of its gas, in wei per gas; zeros for an empty block.
    pub rewards: Vec<Vec<u128>>,
}

impl Chain {
    /// Fees of the `count` blocks up to `newest`, fewer where the chain is younger.
    /// `percentiles` are rising numbers between 0 and 100.
    pub fn fee_history(&self, count: u64, newest: u64, percentiles: &[f64]) -> FeeHistory {
        let newest = newest.min(self.head().number());
        let count = count.clamp(1, FEE_HISTORY_BLOCKS_MAX).min(newest.saturating_add(1));
        let oldest = (newest + 1 - count).max(self.oldest_known());
        let mut history = FeeHistory {
            oldest,
            ..FeeHistory::default()
        };
        for block in (oldest..=newest).filter_map(|number| self.block(number)) {
            let header = block.header();
            history.base_fees.push(block.base_fee());
            history
                .gas_used_ratios
                .push(header.gas_used as f64 / header.gas_limit as f64);
            history.rewards.push(rewards(block, percentiles));
            if header.number == newest {
                history.base_fees.push(next_base_fee(header));
            }
        }
        history
    }
}

/// The tip below which the given percentages of the block's gas were bought.
fn rewards(block: &SealedBlock, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = block.base_fee();
    let mut tips: Vec<(u128, u64)> = block
        .transactions()
        .iter()
        .enumerate()
        .map(|(index, transaction)| {
            let tip = transaction.effective_tip_per_gas(base_fee).unwrap_or_default();
            (tip, block.gas_used_by(index))
        })
        .collect();
    tips.sort_unstable();
    let total = block.header().gas_used as f64;
    percentiles
        .iter()
        .map(|percentile| {
            let threshold = total * percentile / 100.0;
            let mut sum = 0.0;
            tips.iter()
                .find(|(_, gas)| {
                    sum += *gas as f64;
                    sum >= threshold
                })
                .or(tips.last())
                .map_or(0, |(tip, _)| *tip)
        })
        .collect()
}
