//! A block that whoever starts a node knows to be on its chain, from somebody it trusts.

use std::{fmt, str::FromStr};

use alloy_primitives::B256;

/// Height and hash of a block. Written `HEIGHT:HASH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
}

/// A block at the checkpoint's height is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {number} is {got}, and the checkpoint says {expected}")]
pub struct NotTheCheckpoint {
    /// The height.
    pub number: u64,
    /// The checkpoint's hash.
    pub expected: B256,
    /// The block's.
    pub got: B256,
}

impl Checkpoint {
    /// Whether a block may be at its height.
    ///
    /// # Errors
    /// Where it is the checkpoint's height, and another block.
    pub(crate) fn check(&self, number: u64, hash: &B256) -> Result<(), NotTheCheckpoint> {
        if number != self.number || *hash == self.hash {
            return Ok(());
        }
        Err(NotTheCheckpoint {
            number,
            expected: self.hash,
            got: *hash,
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for Checkpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.split_once(':').and_then(|(number, hash)| {
            Some(Self {
                number: number.parse().ok().filter(|number| *number > 0)?,
                hash: hash.parse().ok()?,
            })
        });
        read.ok_or_else(|| format!("{text:?} is no checkpoint; write HEIGHT:HASH, as `rayswarm chain status` shows it"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_checkpoint_reads_as_it_is_written_and_nothing_else_does() {
        let checkpoint = Checkpoint {
            number: 512,
            hash: B256::repeat_byte(7),
        };
        assert_eq!(checkpoint.to_string().parse(), Ok(checkpoint));
        for wrong in ["", "512", "512:", ":0x07", "0:0x0707", "-1:0x07", "512:0x07"] {
            assert!(wrong.parse::<Checkpoint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_its_own_height_is_its_business() {
        let checkpoint = Checkpoint {
            number: 5,
            hash: B256::repeat_byte(5),
        };
        assert_eq!(checkpoint.check(4, &B256::ZERO), Ok(()));
        assert_eq!(checkpoint.check(5, &B256::repeat_byte(5)), Ok(()));
        assert!(checkpoint.check(5, &B256::ZERO).is_err());
    }
}
