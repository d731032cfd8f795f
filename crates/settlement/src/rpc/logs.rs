//! Events, from servers that limit for how many blocks at once one may ask.

use super::Rpc;
use crate::error::SettlementError;
use alloy::{
    eips::BlockNumberOrTag,
    providers::Provider,
    rpc::types::{Filter, Log},
};

impl Rpc {
    pub(crate) async fn logs(&self, filter: &Filter) -> Result<Vec<Log>, SettlementError> {
        self.done("eth_getLogs", self.provider.get_logs(filter).await)
    }

    /// The events that `filter` names from block `first` on.
    pub(crate) async fn logs_since(&self, filter: &Filter, first: u64) -> Result<Vec<Log>, SettlementError> {
        let last = self.block(BlockNumberOrTag::Latest).await?.number;
        self.logs_between(filter, first, last).await
    }

    /// The events that `filter` names in blocks `first..=last`, in as few questions as the server allows.
    pub(crate) async fn logs_between(
        &self,
        filter: &Filter,
        first: u64,
        last: u64,
    ) -> Result<Vec<Log>, SettlementError> {
        let mut found = Vec::new();
        let (mut next, mut span) = (first, u64::MAX);
        while next <= last {
            let end = last.min(next.saturating_add(span - 1));
            let asked = end - next + 1;
            match self.logs(&filter.clone().from_block(next).to_block(end)).await {
                Ok(logs) => {
                    found.extend(logs);
                    next = end + 1;
                    span = span.saturating_mul(2);
                }
                Err(SettlementError::Refused { message, .. }) if asked > 1 => {
                    tracing::debug!(blocks = asked, message, "too many blocks were asked for at once");
                    span = asked / 2;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rpc::testing::server;
    use serde_json::{Value, json};
    use std::sync::mpsc::channel;

    /// Blocks that the server allows in one question.
    const ALLOWED: u64 = 10;

    fn number(value: &Value) -> u64 {
        u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    }

    /// What block `number` holds.
    fn log(number: u64) -> Value {
        let hash = format!("0x{:064x}", 7);
        json!({
            "address": format!("0x{:040x}", 1), "topics": [hash], "data": "0x", "blockNumber": format!("{number:#x}"),
            "blockHash": hash, "transactionHash": hash, "transactionIndex": "0x0", "logIndex": "0x0", "removed": false,
        })
    }

    #[tokio::test]
    async fn who_allows_few_blocks_at_once_is_asked_for_few_until_all_are_read() {
        let (sender, asked) = channel();
        let url = server(move |question| {
            let filter = &question["params"][0];
            let (first, last) = (number(&filter["fromBlock"]), number(&filter["toBlock"]));
            let answer = if last - first + 1 > ALLOWED {
                json!({"error": {"code": -32_602, "message": "block range too large"}})
            } else {
                sender.send((first, last)).unwrap();
                json!({"result": (first..=last).map(log).collect::<Value>()})
            };
            (200, answer)
        });
        let rpc = Rpc::new(&url).unwrap();
        let found = rpc.logs_between(&Filter::new(), 3, 45).await.unwrap();
        let blocks: Vec<u64> = found.iter().filter_map(|log| log.block_number).collect();
        assert_eq!(blocks, (3..=45).collect::<Vec<_>>(), "each once and in order");
        assert!(asked.try_iter().count() < 10, "as many at once as are allowed");
        let nothing = rpc.logs_between(&Filter::new(), 46, 45).await.unwrap();
        assert!(nothing.is_empty() && asked.try_iter().count() == 0);
    }
}
