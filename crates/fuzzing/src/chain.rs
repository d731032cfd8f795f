//! Blocks, headers and transactions, as peers, wallets and files have them.

use alloy_eips::eip2718::Encodable2718 as _;
use rayswarm_chain::{
    SealedBlock, TransactionError,
    block::{BLOCK_BYTES_MAX, BLOCK_TRANSACTIONS_MAX, EXTRA_DATA_BYTES_MAX},
    decode_block, decode_header, decode_transaction,
};

/// The chain that the corpus is of.
pub const CHAIN_ID: u64 = 5_253;

/// A block. Its hash stands for one encoding: what was read is written as it was.
pub fn block(bytes: &[u8]) -> bool {
    let Ok(block) = decode_block(bytes) else {
        return false;
    };
    assert!(bytes.len() <= BLOCK_BYTES_MAX);
    assert!(block.body.transactions.len() <= BLOCK_TRANSACTIONS_MAX);
    assert!(alloy_rlp::encode(&block) == bytes, "a second encoding of one block");
    true
}

/// A header that came alone.
pub fn header(bytes: &[u8]) -> bool {
    let Ok(header) = decode_header(bytes) else {
        return false;
    };
    assert!(header.extra_data.len() <= EXTRA_DATA_BYTES_MAX);
    assert!(alloy_rlp::encode(&header) == bytes, "a second encoding of one header");
    assert_eq!(header.hash_slow(), alloy_primitives::keccak256(bytes));
    true
}

/// A block with its senders and receipts. Whoever passes it on may write the receipts in another way: nothing is named by them.
pub fn executed_block(bytes: &[u8]) -> bool {
    let Ok(executed) = SealedBlock::decode_executed(bytes) else {
        return false;
    };
    assert_eq!(executed.senders.len(), executed.transactions().len());
    assert_eq!(executed.size, executed.encode().len());
    let again = SealedBlock::decode_executed(&executed.encode_executed());
    let again = again.map(|again| (again.hash, again.block, again.senders, again.receipts));
    assert_eq!(
        again.ok(),
        Some((executed.hash, executed.block, executed.senders, executed.receipts))
    );
    true
}

/// A transaction, as a wallet sends it. What fails for its signature alone was read too.
pub fn transaction(bytes: &[u8]) -> bool {
    match decode_transaction(bytes, CHAIN_ID) {
        Ok(transaction) => {
            assert!(
                transaction.encoded_2718() == bytes,
                "a second encoding of one transaction"
            );
            assert_eq!(*transaction.tx_hash(), alloy_primitives::keccak256(bytes));
            true
        }
        Err(TransactionError::BadSignature) => true,
        Err(_) => false,
    }
}
