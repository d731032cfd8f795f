//! Transactions: sending, finding, receipts.

use alloy::{
    eips::BlockNumberOrTag,
    rpc::types::{Index, TransactionReceipt},
};
use alloy_primitives::{B256, Bytes};
use jsonrpsee::types::Params;

use super::{
    Rpc,
    convert::{self, ClientTransaction},
    error::{Answer, submit},
};

impl Rpc {
    pub(super) fn send_raw_transaction(&self, params: &Params<'_>) -> Answer<B256> {
        let raw: Bytes = params.one()?;
        self.ledger.submit_raw(&raw).map_err(submit)
    }

    pub(super) fn transaction_by_hash(&self, params: &Params<'_>) -> Answer<Option<ClientTransaction>> {
        let hash: B256 = params.one()?;
        if let Some(place) = self.ledger.transaction(&hash) {
            return Ok(convert::transaction(&place.block, place.index));
        }
        Ok(self
            .ledger
            .read()
            .waiting(&hash)
            .map(|waiting| convert::waiting(&waiting.transaction)))
    }

    pub(super) fn transaction_by_number_and_index(&self, params: &Params<'_>) -> Answer<Option<ClientTransaction>> {
        let (tag, index): (BlockNumberOrTag, Index) = params.parse()?;
        let block = self.block_at(tag)?;
        Ok(block.and_then(|block| convert::transaction(&block, index.into())))
    }

    pub(super) fn transaction_by_hash_and_index(&self, params: &Params<'_>) -> Answer<Option<ClientTransaction>> {
        let (hash, index): (B256, Index) = params.parse()?;
        let block = self.ledger.block_by_hash(&hash);
        Ok(block.and_then(|block| convert::transaction(&block, index.into())))
    }

    /// Null while the transaction waits; the block it is in was stored before it can be seen here.
    pub(super) fn receipt(&self, params: &Params<'_>) -> Answer<Option<TransactionReceipt>> {
        let hash: B256 = params.one()?;
        let place = self.ledger.transaction(&hash);
        Ok(place.and_then(|place| convert::receipt(&place.block, place.index)))
    }
}
