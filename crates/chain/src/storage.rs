//! Where blocks are kept: a trait, and the form of it that forgets.

use std::convert::Infallible;

use alloy_primitives::B256;

/// An append-only log of encoded blocks, the first of them the block after genesis.
///
/// The log is the truth: whoever appends must not answer for a block before `append` returned, and
/// `append` must not return before the bytes would survive a crash.
pub trait Storage {
    /// What can go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Adds the block at height `number`, which is one more than the last.
    ///
    /// # Errors
    /// When the bytes could not be made durable; the block then counts as never appended.
    fn append(&mut self, number: u64, hash: B256, block: &[u8]) -> Result<(), Self::Error>;

    /// The block at height `number`, or `None` past the end.
    ///
    /// # Errors
    /// When a block that was appended cannot be read back.
    fn read(&mut self, number: u64) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Blocks in memory, for tests and simulations.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage {
    blocks: Vec<Vec<u8>>,
}

impl Storage for MemoryStorage {
    type Error = Infallible;

    fn append(&mut self, _number: u64, _hash: B256, block: &[u8]) -> Result<(), Infallible> {
        self.blocks.push(block.to_vec());
        Ok(())
    }

    fn read(&mut self, number: u64) -> Result<Option<Vec<u8>>, Infallible> {
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        Ok(index.and_then(|index| self.blocks.get(index)).cloned())
    }
}
