//! The messages of the chain protocol. Blocks, seals, votes and transactions are bytes here: consensus and chain read them.

use super::state::{StatePage, StateQuestion};
use crate::{bounded::at_most, frame::Message};
use rayswarm_model::{B256, U256};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The longest block with its seal.
pub const BLOCK_BYTES_MAX: usize = (8 << 20) + (64 << 10);
/// The longest message of consensus: a proposal carries its block.
pub const CONSENSUS_BYTES_MAX: usize = BLOCK_BYTES_MAX + (64 << 10);
/// The most transactions told of at once.
pub const TRANSACTIONS_MAX: usize = 4_096;
/// Their bytes in all.
pub const TRANSACTIONS_BYTES_MAX: usize = 4 << 20;
/// The most transactions named at once, and asked for.
pub const HASHES_MAX: usize = 1_024;
/// The most blocks in one answer.
pub const BLOCKS_MAX: usize = 256;
/// Their bytes in all; one block may be longer.
pub const BLOCKS_BYTES_MAX: usize = 4 << 20;
/// The most headers in one answer. An answer with fewer has come to the end.
pub const HEADERS_MAX: usize = 2_048;
/// The longest header.
pub const HEADER_BYTES_MAX: usize = 1_024;
/// The most hashes by which somebody says what it has.
pub const LOCATOR_MAX: usize = 64;

/// The name of the chain, before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Greeting {
    pub genesis: B256,
}

/// A block as it is stored and sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBytes {
    /// The block's RLP.
    #[serde(with = "serde_bytes")]
    pub block: Vec<u8>,
    /// Its seal, where the header does not hold it.
    #[serde(with = "serde_bytes")]
    pub seal: Option<Vec<u8>>,
}

/// What a node tells a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChainWord {
    /// Where its chain ends.
    Status {
        /// Height of its best block.
        head: u64,
        /// That block.
        hash: B256,
        /// What stands behind it: by pow the work of all blocks up to it, by votes its height.
        weight: U256,
    },
    /// A message of consensus.
    Consensus(#[serde(with = "serde_bytes")] Vec<u8>),
    /// A new block.
    Block(SealedBytes),
    /// Transactions that wait, encoded as wallets send them.
    Transactions(#[serde(deserialize_with = "at_most::<_, _, TRANSACTIONS_MAX>")] Vec<ByteBuf>),
    /// Hashes of transactions that wait and that it has from others; who lacks some may ask for them.
    Announced(#[serde(deserialize_with = "at_most::<_, _, HASHES_MAX>")] Vec<B256>),
}

/// What a node asks a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChainQuestion {
    /// The blocks of the best chain after the first of these that is on it; from block 1 if none is.
    BlocksAfter(Vec<B256>),
    /// The headers of these blocks.
    HeadersAfter(Vec<B256>),
    /// A final block and those before it, with what their execution showed.
    ExecutedUpTo(B256),
    /// A part of the state after a final block.
    State(StateQuestion),
    /// Transactions that wait, by their hashes.
    Transactions(#[serde(deserialize_with = "at_most::<_, _, HASHES_MAX>")] Vec<B256>),
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChainAnswer {
    /// Blocks, each the child of the one before.
    Blocks(#[serde(deserialize_with = "at_most::<_, _, BLOCKS_MAX>")] Vec<SealedBytes>),
    /// RLP of headers, each of the child of the one before.
    Headers(#[serde(deserialize_with = "at_most::<_, _, HEADERS_MAX>")] Vec<Vec<u8>>),
    /// RLP of blocks, senders and receipts, each of the parent of the one before. Empty where the first is not here.
    Executed(#[serde(deserialize_with = "at_most::<_, _, BLOCKS_MAX>")] Vec<Vec<u8>>),
    /// The rows; `None` where that state is not kept here, or no more.
    State(Option<StatePage>),
    /// Those of them that wait there.
    Transactions(#[serde(deserialize_with = "at_most::<_, _, HASHES_MAX>")] Vec<ByteBuf>),
}

impl SealedBytes {
    fn len(&self) -> usize {
        self.block.len() + self.seal.as_ref().map_or(0, Vec::len)
    }
}

impl Message for Greeting {
    const NAME: &'static str = "a greeting";
    const BYTES_MAX: usize = 64;
}

impl Message for ChainWord {
    const NAME: &'static str = "a word about the chain";
    const BYTES_MAX: usize = CONSENSUS_BYTES_MAX + 64;

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Block(block) if block.len() > BLOCK_BYTES_MAX => Err("a block is too long"),
            Self::Consensus(message) if message.len() > CONSENSUS_BYTES_MAX => {
                Err("a message of consensus is too long")
            }
            Self::Transactions(all) if all.len() > TRANSACTIONS_MAX => Err("it tells of too many transactions"),
            Self::Transactions(all) if are_too_long(all) => Err("the transactions are too long"),
            Self::Announced(hashes) if hashes.len() > HASHES_MAX => Err("it names too many transactions"),
            _ => Ok(()),
        }
    }
}

fn are_too_long(transactions: &[ByteBuf]) -> bool {
    transactions.iter().map(|one| one.len()).sum::<usize>() > TRANSACTIONS_BYTES_MAX
}

impl Message for ChainQuestion {
    const NAME: &'static str = "a question about the chain";
    const BYTES_MAX: usize = HASHES_MAX * 33 + 64;

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::BlocksAfter(known) | Self::HeadersAfter(known) if known.len() > LOCATOR_MAX => {
                Err("it names too many blocks")
            }
            Self::Transactions(hashes) if hashes.len() > HASHES_MAX => Err("it names too many transactions"),
            _ => Ok(()),
        }
    }
}

impl Message for ChainAnswer {
    const NAME: &'static str = "an answer about the chain";
    const BYTES_MAX: usize = BLOCKS_BYTES_MAX + BLOCK_BYTES_MAX + 4_096;

    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Blocks(blocks) if blocks.len() > BLOCKS_MAX => Err("it has too many blocks"),
            Self::Headers(headers) if headers.len() > HEADERS_MAX => Err("it has too many headers"),
            Self::Headers(headers) if headers.iter().any(|header| header.len() > HEADER_BYTES_MAX) => {
                Err("a header is too long")
            }
            Self::Executed(blocks) if blocks.len() > BLOCKS_MAX => Err("it has too many blocks"),
            Self::State(Some(page)) => page.check(),
            Self::Transactions(all) if all.len() > HASHES_MAX => Err("it has too many transactions"),
            Self::Transactions(all) if are_too_long(all) => Err("the transactions are too long"),
            _ => Ok(()),
        }
    }
}

impl ChainAnswer {
    /// As many of these blocks as one answer takes.
    pub fn of(blocks: impl IntoIterator<Item = SealedBytes>) -> Self {
        Self::Blocks(as_many_as_fit(blocks, SealedBytes::len, (BLOCKS_MAX, BLOCKS_BYTES_MAX)))
    }

    /// As many of these executed blocks as one answer takes.
    pub fn executed(blocks: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::Executed(as_many_as_fit(blocks, Vec::len, (BLOCKS_MAX, BLOCKS_BYTES_MAX)))
    }
}

/// The first of these transactions, at most so many and as many as one word or answer takes.
pub fn first_transactions(transactions: impl IntoIterator<Item = Vec<u8>>, count_max: usize) -> Vec<ByteBuf> {
    let encoded = transactions.into_iter().map(ByteBuf::from);
    as_many_as_fit(encoded, |one| one.len(), (count_max, TRANSACTIONS_BYTES_MAX))
}

/// The first of these within a number and a number of bytes. The very first may be longer.
fn as_many_as_fit<T>(
    things: impl IntoIterator<Item = T>,
    length: impl Fn(&T) -> usize,
    (count_max, bytes_max): (usize, usize),
) -> Vec<T> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    for thing in things {
        if !taken.is_empty() && (taken.len() == count_max || bytes + length(&thing) > bytes_max) {
            break;
        }
        bytes += length(&thing);
        taken.push(thing);
    }
    taken
}
