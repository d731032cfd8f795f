//! Blocks and headers: their shape on this chain, the checks that need no state, and what is wrong with a bad one.
//!
//! A header has every field that Prague and Osaka ask for, so its hash is a true Ethereum block hash and any
//! client library can check it. What has no meaning here is fixed: no ommers, no withdrawals, no blobs, no
//! execution requests, a zero beacon root. Two rules differ from the main network's:
//!
//! - **time**: a block may carry its parent's timestamp (main network: strictly later), so that blocks can be
//!   sealed as fast as transactions come without running ahead of the clock;
//! - **gas limit**: constant, as genesis says (main network: moves by 1/1024 per block).
//!
//! `difficulty` and `nonce` belong to consensus: they are put in and handed on, and nothing here depends on them but the
//! block's hash (and what the system contract is told).

pub(crate) mod decode;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header, ReceiptEnvelope};
use alloy_eips::{
    eip1559::{BaseFeeParams, calc_next_block_base_fee},
    eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U256};
use alloy_rlp::{Decodable, Encodable};

use crate::{
    execute::Refused,
    transaction::{Transaction, TransactionError},
};

/// A block as it is encoded, stored and hashed.
pub type Block = alloy_consensus::Block<Transaction>;

/// The largest encoded block, in bytes (EIP-7934).
pub const BLOCK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most transactions in a block, though they would use less gas than it has: 128 bytes of the largest block for each.
pub const BLOCK_TRANSACTIONS_MAX: usize = BLOCK_BYTES_MAX / 128;

/// The largest `extra_data` of a header, in bytes (Yellow Paper).
pub const EXTRA_DATA_BYTES_MAX: usize = 32;

/// A block that was executed, with what its execution showed.
#[derive(Clone, Debug)]
pub struct SealedBlock {
    /// keccak-256 of the encoded header.
    pub hash: B256,
    /// Header and transactions.
    pub block: Block,
    /// Who sent each transaction.
    pub senders: Vec<Address>,
    /// One receipt per transaction.
    pub receipts: Vec<ReceiptEnvelope>,
    /// Length of the encoding, in bytes.
    pub size: usize,
}

impl SealedBlock {
    pub(crate) fn new(block: Block, senders: Vec<Address>, receipts: Vec<ReceiptEnvelope>) -> Self {
        Self {
            hash: block.header.hash_slow(),
            size: block.length(),
            block,
            senders,
            receipts,
        }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.block.header
    }

    /// Height of the block.
    pub fn number(&self) -> u64 {
        self.block.header.number
    }

    /// Base fee in wei per gas.
    pub fn base_fee(&self) -> u64 {
        self.block.header.base_fee_per_gas.unwrap_or_default()
    }

    /// Transactions in order.
    pub fn transactions(&self) -> &[Transaction] {
        &self.block.body.transactions
    }

    /// Gas used by the transaction at `index`.
    pub fn gas_used_by(&self, index: usize) -> u64 {
        let upto = |index: usize| self.receipts.get(index).map_or(0, ReceiptEnvelope::cumulative_gas_used);
        let before = index.checked_sub(1).map_or(0, upto);
        upto(index).saturating_sub(before)
    }

    /// The hash that a proof-of-work puzzle is set by; see [`puzzle`].
    pub fn puzzle(&self) -> B256 {
        puzzle(self.header())
    }

    /// The bytes that are stored and sent: RLP of header and body.
    pub fn encode(&self) -> Vec<u8> {
        alloy_rlp::encode(&self.block)
    }
}

/// Decodes a stored or received block. There is one encoding of each.
///
/// # Errors
/// [`BlockError::TooLarge`], [`BlockError::Transactions`], [`BlockError::Malformed`] (also for trailing bytes),
/// [`BlockError::Body`].
pub fn decode_block(bytes: &[u8]) -> Result<Block, BlockError> {
    if bytes.len() > BLOCK_BYTES_MAX {
        return Err(BlockError::TooLarge(bytes.len()));
    }
    let mut rest = bytes;
    let block = decode::read(&mut rest)?;
    if rest.is_empty() {
        Ok(block)
    } else {
        Err(BlockError::Malformed(alloy_rlp::Error::UnexpectedLength))
    }
}

/// Decodes the header of a block that did not come with it.
///
/// # Errors
/// [`BlockError::Malformed`] (also for trailing bytes), [`BlockError::ExtraData`].
pub fn decode_header(bytes: &[u8]) -> Result<Header, BlockError> {
    let mut rest = bytes;
    let header = Header::decode(&mut rest).map_err(BlockError::Malformed)?;
    if !rest.is_empty() {
        return Err(BlockError::Malformed(alloy_rlp::Error::UnexpectedLength));
    }
    if header.extra_data.len() > EXTRA_DATA_BYTES_MAX {
        return Err(BlockError::ExtraData(header.extra_data.len()));
    }
    Ok(header)
}

/// The hash that a proof-of-work puzzle is set by: keccak-256 of the encoded header with a nonce of zero. A block that
/// was built with that nonce has it as its hash.
pub fn puzzle(header: &Header) -> B256 {
    let mut header = header.clone();
    header.nonce = B64::ZERO;
    header.hash_slow()
}

/// What the sealer decides about a block, besides its transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockAttributes {
    /// Seconds since 1970; at least the parent's.
    pub timestamp: u64,
    /// Who receives the tips.
    pub beneficiary: Address,
    /// What the `PREVRANDAO` instruction answers.
    pub mix_hash: B256,
    /// Free bytes, at most [`EXTRA_DATA_BYTES_MAX`].
    pub extra_data: Bytes,
    /// A word of consensus that goes into the header unread.
    pub difficulty: U256,
    /// Another one, which the system contract is told as `round`.
    pub nonce: u64,
}

impl BlockAttributes {
    /// What the sealer of this header has decided.
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            mix_hash: header.mix_hash,
            extra_data: header.extra_data.clone(),
            difficulty: header.difficulty,
            nonce: header.nonce.into(),
        }
    }
}

/// Why a block is not the next block of this chain.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// Longer than [`BLOCK_BYTES_MAX`].
    #[error("block of {0} bytes, at most {BLOCK_BYTES_MAX} are allowed")]
    TooLarge(usize),
    /// More than [`BLOCK_TRANSACTIONS_MAX`].
    #[error("block of {0} transactions, at most {BLOCK_TRANSACTIONS_MAX} are allowed")]
    Transactions(usize),
    /// The bytes are no block.
    #[error("block does not decode")]
    Malformed(#[source] alloy_rlp::Error),
    /// It builds on another block than the head.
    #[error("block {number} builds on {got}, the head is {expected}; fetch the blocks between them first")]
    Parent {
        /// Height the block claims.
        number: u64,
        /// Hash of our head.
        expected: B256,
        /// Parent hash in the header.
        got: B256,
    },
    /// Its parent is nowhere in the tree.
    #[error("block {number} builds on {parent}, which is not known here; fetch the blocks before it first")]
    UnknownParent {
        /// Height the block claims.
        number: u64,
        /// Parent hash in the header.
        parent: B256,
    },
    /// It builds on a block before the final one, or beside it.
    #[error("block {number} builds on a block before block {finalized}, which is final")]
    BelowFinal {
        /// Height of the block.
        number: u64,
        /// Height of the final block.
        finalized: u64,
    },
    /// There are [`SIDE_BLOCKS_MAX`](crate::SIDE_BLOCKS_MAX) blocks beside the best chain.
    #[error("no room for block {0} beside the best chain; wait until a later block is final")]
    Crowded(u64),
    /// Older than its parent.
    #[error("block time {got} is before its parent's {parent}")]
    Timestamp {
        /// Timestamp of the parent.
        parent: u64,
        /// Timestamp of the block.
        got: u64,
    },
    /// More than [`EXTRA_DATA_BYTES_MAX`] bytes.
    #[error("extra data of {0} bytes, at most {EXTRA_DATA_BYTES_MAX} are allowed")]
    ExtraData(usize),
    /// Ommers, which ended with proof of work on the main network, or withdrawals, which this chain has not.
    #[error("block {0} carries ommers or withdrawals; this chain has neither")]
    Body(u64),
    /// A number in the header is not the one that follows from parent and body.
    #[error("header says {field} {got}, execution gives {expected}")]
    Number {
        /// Which field.
        field: &'static str,
        /// What follows.
        expected: u64,
        /// What the header says.
        got: u64,
    },
    /// A root or hash in the header is not the one that follows from parent and body.
    #[error("header says {field} {got}, execution gives {expected}")]
    Root {
        /// Which field.
        field: &'static str,
        /// What follows.
        expected: B256,
        /// What the header says.
        got: B256,
    },
    /// The senders that were recovered beforehand are not one for each transaction.
    #[error("{senders} senders were given for {transactions} transactions")]
    Senders {
        /// Transactions of the block.
        transactions: usize,
        /// Senders given.
        senders: usize,
    },
    /// A transaction with a signature or type that cannot be.
    #[error("transaction {index} of the block is not valid")]
    Transaction {
        /// Position in the block.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: TransactionError,
    },
    /// A transaction that the state refuses.
    #[error("transaction {index} of the block cannot be executed")]
    Execution {
        /// Position in the block.
        index: usize,
        /// Why it is refused.
        #[source]
        source: Refused,
    },
}

/// The fields of a header that vary on this chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderParts {
    pub parent_hash: B256,
    pub number: u64,
    pub timestamp: u64,
    pub beneficiary: Address,
    pub mix_hash: B256,
    pub extra_data: Bytes,
    pub difficulty: U256,
    pub nonce: u64,
    pub gas_limit: u64,
    pub base_fee: u64,
    pub gas_used: u64,
    pub state_root: B256,
    pub transactions_root: B256,
    pub receipts_root: B256,
    pub logs_bloom: Bloom,
}

/// Completes a header with the fields that are the same in every block here.
pub(crate) fn seal_header(parts: HeaderParts) -> Header {
    Header {
        parent_hash: parts.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: parts.beneficiary,
        state_root: parts.state_root,
        transactions_root: parts.transactions_root,
        receipts_root: parts.receipts_root,
        logs_bloom: parts.logs_bloom,
        number: parts.number,
        gas_limit: parts.gas_limit,
        gas_used: parts.gas_used,
        timestamp: parts.timestamp,
        extra_data: parts.extra_data,
        mix_hash: parts.mix_hash,
        difficulty: parts.difficulty,
        nonce: parts.nonce.into(),
        base_fee_per_gas: Some(parts.base_fee),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// The base fee after `parent` (EIP-1559, elasticity 2, at most 1/8 per block). Genesis sets block 1's.
pub fn next_base_fee(parent: &Header) -> u64 {
    let base_fee = parent.base_fee_per_gas.unwrap_or_default();
    calc_next_block_base_fee(parent.gas_used, parent.gas_limit, base_fee, BaseFeeParams::ethereum())
}

/// The checks that need nothing but block and parent. The rest follows from executing the block.
pub(crate) fn check_before_execution(block: &Block, parent: &SealedBlock) -> Result<(), BlockError> {
    let header = &block.header;
    if header.parent_hash != parent.hash {
        return Err(BlockError::Parent {
            number: header.number,
            expected: parent.hash,
            got: header.parent_hash,
        });
    }
    check_attributes(header.timestamp, &header.extra_data, parent)?;
    let size = block.length();
    if size > BLOCK_BYTES_MAX {
        return Err(BlockError::TooLarge(size));
    }
    let transactions = block.body.transactions.len();
    if transactions > BLOCK_TRANSACTIONS_MAX {
        return Err(BlockError::Transactions(transactions));
    }
    let withdrawals_empty = block.body.withdrawals.as_ref().is_some_and(|list| list.is_empty());
    if !block.body.ommers.is_empty() || !withdrawals_empty {
        return Err(BlockError::Body(header.number));
    }
    Ok(())
}

/// The checks that a sealer's wishes must pass as well.
pub(crate) fn check_attributes(timestamp: u64, extra_data: &Bytes, parent: &SealedBlock) -> Result<(), BlockError> {
    let parent_time = parent.header().timestamp;
    if timestamp < parent_time {
        return Err(BlockError::Timestamp {
            parent: parent_time,
            got: timestamp,
        });
    }
    if extra_data.len() > EXTRA_DATA_BYTES_MAX {
        return Err(BlockError::ExtraData(extra_data.len()));
    }
    Ok(())
}

/// Compares a received header with the one that execution gave, most telling field first.
pub(crate) fn compare_headers(expected: &Header, got: &Header) -> Result<(), BlockError> {
    let numbers = [
        ("number", expected.number, got.number),
        ("gas limit", expected.gas_limit, got.gas_limit),
        (
            "base fee",
            expected.base_fee_per_gas.unwrap_or_default(),
            got.base_fee_per_gas.unwrap_or_default(),
        ),
        ("gas used", expected.gas_used, got.gas_used),
    ];
    for (field, expected, got) in numbers {
        if expected != got {
            return Err(BlockError::Number { field, expected, got });
        }
    }
    let roots = [
        ("transactions root", expected.transactions_root, got.transactions_root),
        ("receipts root", expected.receipts_root, got.receipts_root),
        ("state root", expected.state_root, got.state_root),
        // Whatever else differs (bloom, blob fields, ...) shows here.
        ("hash", expected.hash_slow(), got.hash_slow()),
    ];
    for (field, expected, got) in roots {
        if expected != got {
            return Err(BlockError::Root { field, expected, got });
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::testing::genesis;

    #[test]
    fn a_block_survives_its_encoding() {
        let block = genesis().block();
        let back = decode_block(&block.encode()).unwrap();
        assert_eq!(back, block.block);
        assert_eq!(back.header.hash_slow(), block.hash);
        assert_eq!(block.size, block.encode().len());
    }

    #[test]
    fn trailing_and_missing_bytes_are_refused() {
        let mut bytes = genesis().block().encode();
        bytes.push(0);
        assert!(matches!(decode_block(&bytes), Err(BlockError::Malformed(_))));
        assert!(matches!(decode_block(&bytes[..40]), Err(BlockError::Malformed(_))));
        assert!(matches!(decode_block(&[]), Err(BlockError::Malformed(_))));
    }

    #[test]
    fn a_base_fee_of_seven_wei_stays_in_quiet_times_and_rises_in_busy_ones() {
        let mut header = genesis().block().block.header;
        header.base_fee_per_gas = Some(7);
        header.gas_used = 0;
        assert_eq!(next_base_fee(&header), 7);
        header.gas_used = header.gas_limit;
        assert_eq!(next_base_fee(&header), 8);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..700)) {
            let _ = decode_block(&bytes);
        }
    }
}
