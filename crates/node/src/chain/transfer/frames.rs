//! The file of a chain, byte by byte. Nothing of it is believed before it was counted.

use std::io::{self, Read, Write};

use alloy_primitives::B256;
use rayswarm_chain::block::BLOCK_BYTES_MAX;

use crate::chain::storage::{SEAL_BYTES_MAX, Stored};

/// First bytes of the file; the digit is the version of its format.
const MAGIC: &[u8; 8] = b"RSCHAIN1";

/// The file cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The operating system did not take it.
    #[error("the file cannot be written")]
    Write(#[source] io::Error),
    /// The operating system did not give it.
    #[error("the file cannot be read")]
    Read(#[source] io::Error),
    /// It begins with other bytes.
    #[error("the file holds no exported chain; make one with `rayswarm chain export`")]
    Foreign,
    /// It is of another chain.
    #[error("the file holds chain {got}, and this is chain {expected}; import it into another data folder")]
    OtherChain {
        /// The chain of the folder.
        expected: B256,
        /// The file's.
        got: B256,
    },
    /// It ends too early.
    #[error("the file ends within block {0}; copy it again")]
    Short(u64),
    /// It goes on.
    #[error("the file goes on after its {0} blocks; copy it again")]
    Long(u64),
    /// A length that no block or seal has.
    #[error(
        "block {number} of the file is {block} bytes long and its seal {seal}; at most {BLOCK_BYTES_MAX} and {SEAL_BYTES_MAX} are possible"
    )]
    Length {
        /// Its place.
        number: u64,
        /// Bytes of the block.
        block: usize,
        /// Bytes of the seal.
        seal: usize,
    },
}

/// Writes blocks.
#[derive(Debug)]
pub(super) struct FileWriter<W> {
    file: W,
}

impl<W: Write> FileWriter<W> {
    /// Begins a file of so many blocks.
    pub(super) fn begin(mut file: W, genesis: B256, blocks: u64) -> Result<Self, FrameError> {
        let head = [&MAGIC[..], genesis.as_slice(), &blocks.to_be_bytes()].concat();
        file.write_all(&head).map_err(FrameError::Write)?;
        Ok(Self { file })
    }

    /// Writes the next block. Both are shorter than 4 GiB: the block log takes no longer ones.
    pub(super) fn put(&mut self, block: &[u8], seal: &[u8]) -> Result<(), FrameError> {
        let lengths = [block.len(), seal.len()].map(|length| (length as u32).to_be_bytes());
        for part in [lengths.as_flattened(), block, seal] {
            self.file.write_all(part).map_err(FrameError::Write)?;
        }
        Ok(())
    }

    /// All was written; gives what it was written to.
    pub(super) fn finish(mut self) -> Result<W, FrameError> {
        self.file.flush().map_err(FrameError::Write)?;
        Ok(self.file)
    }
}

/// Reads blocks.
#[derive(Debug)]
pub(super) struct FileReader<R> {
    file: R,
    blocks: u64,
    read: u64,
}

impl<R: Read> FileReader<R> {
    /// Begins a file, which must be of this chain.
    pub(super) fn open(mut file: R, genesis: B256) -> Result<Self, FrameError> {
        let mut magic = [0; 8];
        let mut name = B256::ZERO;
        let mut blocks = [0; 8];
        for part in [&mut magic[..], &mut name[..], &mut blocks[..]] {
            file.read_exact(part).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => FrameError::Foreign,
                _ => FrameError::Read(error),
            })?;
        }
        if magic != *MAGIC {
            return Err(FrameError::Foreign);
        }
        if name != genesis {
            return Err(FrameError::OtherChain {
                expected: genesis,
                got: name,
            });
        }
        Ok(Self {
            file,
            blocks: u64::from_be_bytes(blocks),
            read: 0,
        })
    }

    /// The next block with its seal; none after the last one.
    pub(super) fn next(&mut self) -> Result<Option<Stored>, FrameError> {
        if self.read == self.blocks {
            return self.end();
        }
        self.read += 1;
        let number = self.read;
        let mut lengths = [[0; 4]; 2];
        self.fill(lengths.as_flattened_mut())?;
        let [block, seal] = lengths.map(|length| u32::from_be_bytes(length) as usize);
        if block == 0 || block > BLOCK_BYTES_MAX || seal > SEAL_BYTES_MAX {
            return Err(FrameError::Length { number, block, seal });
        }
        let (block, seal) = (self.part(block)?, self.part(seal)?);
        Ok(Some((block, (!seal.is_empty()).then_some(seal))))
    }

    /// Takes memory for what is there, not for what a length says.
    fn part(&mut self, length: usize) -> Result<Vec<u8>, FrameError> {
        let mut part = Vec::new();
        let mut rest = (&mut self.file).take(length as u64);
        rest.read_to_end(&mut part).map_err(FrameError::Read)?;
        if part.len() < length {
            return Err(FrameError::Short(self.read));
        }
        Ok(part)
    }

    fn end<T>(&mut self) -> Result<Option<T>, FrameError> {
        match self.file.read(&mut [0]) {
            Ok(0) => Ok(None),
            Ok(_) => Err(FrameError::Long(self.blocks)),
            Err(error) => Err(FrameError::Read(error)),
        }
    }

    fn fill(&mut self, part: &mut [u8]) -> Result<(), FrameError> {
        self.file.read_exact(part).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => FrameError::Short(self.read),
            _ => FrameError::Read(error),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GENESIS: B256 = B256::repeat_byte(5);

    fn file() -> Vec<u8> {
        let mut writer = FileWriter::begin(Vec::new(), GENESIS, 2).unwrap();
        writer.put(b"one", b"").unwrap();
        writer.put(b"two", b"sealed").unwrap();
        writer.finish().unwrap()
    }

    fn read(file: &[u8]) -> Result<Vec<Stored>, FrameError> {
        let mut reader = FileReader::open(file, GENESIS)?;
        let mut blocks = Vec::new();
        while let Some(block) = reader.next()? {
            blocks.push(block);
        }
        Ok(blocks)
    }

    #[test]
    fn blocks_come_back_with_their_seals() {
        let blocks = read(&file()).unwrap();
        assert_eq!(
            blocks,
            [(b"one".to_vec(), None), (b"two".to_vec(), Some(b"sealed".to_vec()))]
        );
    }

    #[test]
    fn a_file_of_another_kind_or_chain_is_refused() {
        assert!(matches!(read(b"RSBLOCK1"), Err(FrameError::Foreign)));
        let mut other = file();
        other[0] = b'X';
        assert!(matches!(read(&other), Err(FrameError::Foreign)));
        let mut other = file();
        other[8] = 6;
        assert!(matches!(read(&other), Err(FrameError::OtherChain { .. })));
    }

    #[test]
    fn every_end_but_its_own_is_noticed() {
        let whole = file();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
        let longer = [&whole[..], b"x"].concat();
        assert!(matches!(read(&longer), Err(FrameError::Long(2))));
    }

    #[test]
    fn lengths_are_looked_at_before_memory_is_taken() {
        for (block, seal) in [(u32::MAX, 0), (0, 0), (1, u32::MAX)] {
            let mut bytes = file()[..48].to_vec();
            bytes.extend(block.to_be_bytes());
            bytes.extend(seal.to_be_bytes());
            assert!(
                matches!(read(&bytes), Err(FrameError::Length { number: 1, .. })),
                "{block}, {seal}"
            );
        }
    }
}
