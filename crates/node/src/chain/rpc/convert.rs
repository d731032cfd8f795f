//! From the chain's blocks and receipts to the shapes of JSON-RPC.

use alloy::{
    consensus::Transaction as _,
    eips::BlockNumberOrTag,
    rpc::types::{
        Block as RpcBlock, BlockTransactions, Header as RpcHeader, Log as RpcLog, Transaction as RpcTransaction,
        TransactionReceipt,
    },
};
use alloy_primitives::{U64, U256};
use rayswarm_chain::{Chain, LogEntry, RecoveredTransaction, SealedBlock, Transaction};

use super::error::Answer;

/// A transaction as clients see it.
pub(super) type ClientTransaction = RpcTransaction<Transaction>;

/// A block as clients see it.
pub(super) type ClientBlock = RpcBlock<ClientTransaction>;

/// A number in Ethereum's hexadecimal form.
pub(super) fn quantity(value: u64) -> U64 {
    U64::from(value)
}

/// The same, as the answer of a method that cannot fail.
pub(super) fn number(value: u64) -> Answer<U64> {
    Ok(quantity(value))
}

/// The height a tag stands for. `None` for `pending`, which has no height yet.
pub(super) fn height(chain: &Chain, tag: BlockNumberOrTag) -> Option<u64> {
    match tag {
        BlockNumberOrTag::Pending => None,
        BlockNumberOrTag::Earliest => Some(0),
        BlockNumberOrTag::Number(number) => Some(number),
        BlockNumberOrTag::Latest => Some(chain.head().number()),
        BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized => Some(chain.finalized().number()),
    }
}

pub(super) fn block(block: &SealedBlock, full: bool) -> ClientBlock {
    let transactions = if full {
        let each = (0..block.senders.len()).filter_map(|index| transaction(block, index));
        BlockTransactions::Full(each.collect())
    } else {
        BlockTransactions::Hashes(block.transactions().iter().map(|tx| *tx.tx_hash()).collect())
    };
    RpcBlock {
        header: header(block),
        uncles: Vec::new(),
        transactions,
        withdrawals: block.block.body.withdrawals.clone(),
    }
}

pub(super) fn header(block: &SealedBlock) -> RpcHeader {
    RpcHeader {
        hash: block.hash,
        inner: block.header().clone(),
        total_difficulty: None,
        size: Some(U256::from(block.size)),
    }
}

/// The transaction at `index` of a block.
pub(super) fn transaction(block: &SealedBlock, index: usize) -> Option<ClientTransaction> {
    let transaction = block.transactions().get(index)?;
    let sender = *block.senders.get(index)?;
    Some(ClientTransaction {
        effective_gas_price: Some(transaction.effective_gas_price(Some(block.base_fee()))),
        inner: RecoveredTransaction::new_unchecked(transaction.clone(), sender),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        transaction_index: Some(index as u64),
        block_timestamp: Some(block.header().timestamp),
    })
}

/// A transaction that waits for a block: its gas price is the most it pays (execution-apis).
pub(super) fn waiting(transaction: &RecoveredTransaction) -> ClientTransaction {
    ClientTransaction {
        inner: transaction.clone(),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price: Some(transaction.inner().max_fee_per_gas()),
        block_timestamp: None,
    }
}

/// The receipt of the transaction at `index` of a block.
pub(super) fn receipt(block: &SealedBlock, index: usize) -> Option<TransactionReceipt> {
    let transaction = block.transactions().get(index)?;
    let sender = *block.senders.get(index)?;
    let earlier = block.receipts.get(..index)?;
    let mut log_index = earlier.iter().map(|receipt| receipt.logs().len()).sum::<usize>();
    let inner = block.receipts.get(index)?.clone().map_logs(|log| {
        let entry = LogEntry {
            block,
            transaction: index,
            index: log_index,
            log: &log,
        };
        log_index += 1;
        self::log(&entry)
    });
    Some(TransactionReceipt {
        inner,
        transaction_hash: *transaction.tx_hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        gas_used: block.gas_used_by(index),
        effective_gas_price: transaction.effective_gas_price(Some(block.base_fee())),
        blob_gas_used: None,
        blob_gas_price: None,
        from: sender,
        to: transaction.to(),
        contract_address: transaction.is_create().then(|| sender.create(transaction.nonce())),
    })
}

pub(super) fn log(entry: &LogEntry<'_>) -> RpcLog {
    let transaction = entry.block.transactions().get(entry.transaction);
    RpcLog {
        inner: entry.log.clone(),
        block_hash: Some(entry.block.hash),
        block_number: Some(entry.block.number()),
        block_timestamp: Some(entry.block.header().timestamp),
        transaction_hash: transaction.map(|transaction| *transaction.tx_hash()),
        transaction_index: Some(entry.transaction as u64),
        log_index: Some(entry.index as u64),
        removed: false,
    }
}
