//! Blocks and their receipts.

use std::sync::Arc;

use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    rpc::types::TransactionReceipt,
};
use alloy_primitives::{B256, U64};
use jsonrpsee::types::Params;
use rayswarm_chain::{BlockAttributes, SealedBlock};
use tokio::sync::{mpsc, oneshot};

use super::{
    Rpc,
    convert::{self, ClientBlock, quantity},
    error::{Answer, failed},
};
use crate::chain::{
    ledger::{chained, now},
    solo::MineRequest,
};

impl Rpc {
    pub(super) fn chain_id(&self) -> u64 {
        self.ledger.chain_id()
    }

    pub(super) fn head_number(&self) -> u64 {
        self.ledger.head().0
    }

    /// The latest final block whose state newcomers are given here, as `--checkpoint` takes it.
    pub(super) fn checkpoint(&self) -> Option<String> {
        self.ledger.landmark().map(|checkpoint| checkpoint.to_string())
    }

    /// A block by height or tag; `pending` is what would be sealed now.
    pub(super) fn block_at(&self, tag: BlockNumberOrTag) -> Answer<Option<Arc<SealedBlock>>> {
        let proposal = {
            let chain = self.ledger.read();
            if let Some(number) = convert::height(&chain, tag) {
                drop(chain);
                return Ok(self.ledger.block(number));
            }
            let head = chain.head().header();
            chain
                .prepare(BlockAttributes {
                    timestamp: now().max(head.timestamp),
                    beneficiary: chain.genesis().sealer,
                    mix_hash: head.mix_hash,
                    extra_data: head.extra_data.clone(),
                    ..BlockAttributes::default()
                })
                .map_err(|error| failed(chained(&error)))?
        };
        Ok(Some(Arc::new(proposal.build().executed.sealed)))
    }

    fn block_of(&self, id: BlockId) -> Answer<Option<Arc<SealedBlock>>> {
        match id {
            BlockId::Hash(hash) => Ok(self.ledger.block_by_hash(&hash.block_hash)),
            BlockId::Number(tag) => self.block_at(tag),
        }
    }

    pub(super) fn block_by_number(&self, params: &Params<'_>) -> Answer<Option<ClientBlock>> {
        let mut params = params.sequence();
        let tag = params.next()?;
        let full = params.optional_next()?.unwrap_or(false);
        Ok(self.block_at(tag)?.map(|block| convert::block(&block, full)))
    }

    pub(super) fn block_by_hash(&self, params: &Params<'_>) -> Answer<Option<ClientBlock>> {
        let mut params = params.sequence();
        let hash: B256 = params.next()?;
        let full = params.optional_next()?.unwrap_or(false);
        let block = self.ledger.block_by_hash(&hash);
        Ok(block.map(|block| convert::block(&block, full)))
    }

    pub(super) fn block_receipts(&self, params: &Params<'_>) -> Answer<Option<Vec<TransactionReceipt>>> {
        let block = self.block_of(params.one()?)?;
        Ok(block.map(|block| {
            (0..block.receipts.len())
                .filter_map(|index| convert::receipt(&block, index))
                .collect()
        }))
    }

    pub(super) fn transaction_count_by_number(&self, params: &Params<'_>) -> Answer<Option<U64>> {
        let block = self.block_at(params.one()?)?;
        Ok(block.map(|block| quantity(block.senders.len() as u64)))
    }

    pub(super) fn transaction_count_by_hash(&self, params: &Params<'_>) -> Answer<Option<U64>> {
        let hash: B256 = params.one()?;
        let block = self.ledger.block_by_hash(&hash);
        Ok(block.map(|block| quantity(block.senders.len() as u64)))
    }
}

/// Seals a block now, empty or not, and answers with its number.
pub(super) async fn mine(sealer: mpsc::Sender<MineRequest>) -> Answer<U64> {
    let stopped = || failed("the chain is stopping");
    let (answer, sealed) = oneshot::channel();
    sealer.send(answer).await.map_err(|_| stopped())?;
    let block = sealed.await.map_err(|_| stopped())?.map_err(failed)?;
    Ok(quantity(block.number()))
}
