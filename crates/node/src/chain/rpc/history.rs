//! What fees have been.

use alloy::{eips::BlockNumberOrTag, rpc::types::FeeHistory};
use alloy_primitives::U64;
use jsonrpsee::types::Params;
use rayswarm_chain::FEE_HISTORY_BLOCKS_MAX;
use serde::Deserialize;

use super::{
    Rpc, convert,
    error::{Answer, invalid, not_found},
};

/// Most percentiles in one question.
const PERCENTILES_MAX: usize = 100;

/// A block count, which clients send as a number or in hexadecimal.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Plain(u64),
    Quantity(U64),
}

impl Rpc {
    pub(super) fn fee_history(&self, params: &Params<'_>) -> Answer<FeeHistory> {
        let mut params = params.sequence();
        let count = match params.next()? {
            Count::Plain(count) => count,
            Count::Quantity(count) => count.to(),
        };
        let newest: BlockNumberOrTag = params.next()?;
        let percentiles: Option<Vec<f64>> = params.optional_next()?;
        let wanted = percentiles.as_deref().unwrap_or_default();
        let rising = wanted.is_sorted() && wanted.iter().all(|value| (0.0..=100.0).contains(value));
        if !rising || wanted.len() > PERCENTILES_MAX {
            return Err(invalid(format!(
                "percentiles must rise from 0 to 100, at most {PERCENTILES_MAX} of them"
            )));
        }
        let chain = self.ledger.read();
        let head = chain.head().number();
        let newest = convert::height(&chain, newest).unwrap_or(head);
        if newest > head {
            return Err(not_found(format!("block not found: {newest}, the head is {head}")));
        }
        if count == 0 {
            return Ok(FeeHistory::default());
        }
        let history = chain.fee_history(count.min(FEE_HISTORY_BLOCKS_MAX), newest, wanted);
        let blocks = history.gas_used_ratios.len();
        // Who asks for no percentile gets no rows of none either.
        let reward = percentiles.map(|wanted| if wanted.is_empty() { Vec::new() } else { history.rewards });
        Ok(FeeHistory {
            oldest_block: history.oldest,
            base_fee_per_gas: history.base_fees.into_iter().map(u128::from).collect(),
            gas_used_ratio: history.gas_used_ratios,
            base_fee_per_blob_gas: vec![1; blocks + 1],
            blob_gas_used_ratio: vec![0.0; blocks],
            reward,
        })
    }
}
