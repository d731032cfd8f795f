//! Allocation epochs: how a job's budget is divided into caps, as a Merkle tree whose nodes carry sums.
//!
//! A node hashes both children and both of their sums, so a proof of one cap also proves the total. The contract computes
//! the same (`contracts/src/libraries/MerkleSum.sol`); `contracts/vectors/settlement.json` holds both to one set of values.

use crate::{ids::JobId, money::Amount};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most that the contract books for one job.
pub const AMOUNT_BITS_MAX: u32 = 112;

/// What one provider can be paid while an epoch is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cap {
    /// The account.
    pub provider: Address,
    /// At most this much.
    pub cap: Amount,
}

/// The caps of one epoch, each provider once, in the order of the tree's leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caps {
    lines: Vec<Cap>,
    total: Amount,
}

/// A list of caps that no contract would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CapsError {
    /// A provider would have two caps.
    #[error("{0} stands twice among the caps; add its caps up")]
    Twice(Address),
    /// The sum is beyond what a job can hold.
    #[error("the caps add up to more than {AMOUNT_BITS_MAX} bits of base units; lower them")]
    TooLarge,
}

/// The neighbour of a node on the way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sibling {
    /// Its hash.
    pub hash: B256,
    /// Sum of the caps below it.
    pub sum: Amount,
}

/// Shows that a tree of caps holds one cap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CapProof {
    /// The cap.
    pub cap: Amount,
    /// Bit i says that sibling i stands to the left.
    pub path: u64,
    /// From the leaf up; none for a level without a neighbour.
    pub siblings: Vec<Sibling>,
}

/// What was considered for one provider when caps were chosen, and the cap that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Share {
    /// The account.
    pub provider: Address,
    /// Vouchered and not paid yet.
    pub owed: Amount,
    /// What its attempts under way are worth.
    pub in_flight: Amount,
    /// The most that it was to get beyond both.
    pub headroom: Amount,
    /// How quickly its results were verified so far, in thousandths of WU per second.
    pub rate_milli_wu: u64,
    /// What it was given.
    pub cap: Amount,
}

/// The published reason of an epoch's caps, which peers serve; the chain carries its hash. Whoever has it recomputes the
/// choice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Allocation {
    /// The job.
    pub job: JobId,
    /// Its number, from 1.
    pub epoch: u32,
    /// What the escrow held free when the caps were chosen.
    pub free: Amount,
    /// Per provider, in the order of the tree's leaves.
    pub shares: Vec<Share>,
}

impl Allocation {
    /// The caps that it gives.
    ///
    /// # Errors
    /// See [`CapsError`]; a peer may send anything.
    pub fn caps(&self) -> Result<Caps, CapsError> {
        let cap = |share: &Share| Cap {
            provider: share.provider,
            cap: share.cap,
        };
        Caps::new(self.shares.iter().map(cap).collect())
    }
}

impl Caps {
    /// Caps in this order.
    ///
    /// # Errors
    /// See [`CapsError`].
    pub fn new(lines: Vec<Cap>) -> Result<Self, CapsError> {
        let mut seen = BTreeSet::new();
        let mut total = Amount::ZERO;
        for line in &lines {
            if !seen.insert(line.provider) {
                return Err(CapsError::Twice(line.provider));
            }
            total = total.checked_plus(line.cap).ok_or(CapsError::TooLarge)?;
        }
        if total.0 >> AMOUNT_BITS_MAX != 0 {
            return Err(CapsError::TooLarge);
        }
        Ok(Self { lines, total })
    }

    /// All of them, in order.
    pub fn lines(&self) -> &[Cap] {
        &self.lines
    }

    /// Their sum.
    pub const fn total(&self) -> Amount {
        self.total
    }

    /// The cap of `provider`; nothing where it is not named.
    pub fn of(&self, provider: Address) -> Amount {
        let line = self.lines.iter().find(|line| line.provider == provider);
        line.map_or(Amount::ZERO, |line| line.cap)
    }

    /// The last hash; zero for no caps.
    pub fn root(&self) -> B256 {
        self.rows()
            .last()
            .and_then(|row| row.first())
            .map_or(B256::ZERO, |node| node.hash)
    }

    /// What the contract keeps of them: root and total in one hash; zero for no caps.
    pub fn seal(&self) -> B256 {
        let root = self.root();
        if root.is_zero() {
            return root;
        }
        keccak256((root, U256::from(self.total.0)).abi_encode())
    }

    /// Shows the cap of `provider`; none where it is not named.
    pub fn proof(&self, provider: Address) -> Option<CapProof> {
        let mut index = self.lines.iter().position(|line| line.provider == provider)?;
        let mut proof = CapProof {
            cap: self.lines[index].cap,
            path: 0,
            siblings: Vec::new(),
        };
        for row in self.rows() {
            if let Some(sibling) = row.get(index ^ 1) {
                if index % 2 == 1 {
                    proof.path |= 1 << proof.siblings.len();
                }
                proof.siblings.push(*sibling);
            }
            index /= 2;
        }
        Some(proof)
    }

    /// The tree from the leaves up to the row of one.
    fn rows(&self) -> Vec<Vec<Sibling>> {
        let leaf = |line: &Cap| Sibling {
            hash: leaf(line),
            sum: line.cap,
        };
        let mut row: Vec<Sibling> = self.lines.iter().map(leaf).collect();
        let mut rows = Vec::new();
        while row.len() > 1 {
            let next = row.chunks(2).map(parent).collect();
            rows.push(std::mem::replace(&mut row, next));
        }
        rows.push(row);
        rows
    }
}

/// The hash that a settlement of these amounts has: keccak-256 of their ABI encoding, in the order of the caps. A provider
/// without an amount gets nothing.
pub fn settlement_hash(caps: &Caps, amount_of: impl Fn(Address) -> Amount) -> B256 {
    let share = |line: &Cap| {
        let (cap, amount) = (U256::from(line.cap.0), U256::from(amount_of(line.provider).0));
        (line.provider, cap, amount)
    };
    let shares: Vec<(Address, U256, U256)> = caps.lines().iter().map(share).collect();
    keccak256(shares.abi_encode())
}

/// What a claim commits to: the hash of its receipts' digests, in the order of their tasks.
pub fn result_commitment(receipt_digests: &[B256]) -> B256 {
    keccak256(receipt_digests.concat())
}

fn leaf(line: &Cap) -> B256 {
    let mut bytes = [0; 37];
    bytes[1..21].copy_from_slice(line.provider.as_slice());
    bytes[21..].copy_from_slice(&line.cap.0.to_be_bytes());
    keccak256(bytes)
}

/// The node over one or two. One without a neighbour moves up unchanged.
fn parent(children: &[Sibling]) -> Sibling {
    let [left, right] = children else {
        return children[0];
    };
    let mut bytes = [0; 97];
    bytes[0] = 1;
    bytes[1..33].copy_from_slice(left.hash.as_slice());
    bytes[33..49].copy_from_slice(&left.sum.0.to_be_bytes());
    bytes[49..81].copy_from_slice(right.hash.as_slice());
    bytes[81..].copy_from_slice(&right.sum.0.to_be_bytes());
    Sibling {
        hash: keccak256(bytes),
        sum: [left.sum, right.sum].into_iter().sum(),
    }
}

#[cfg(test)]
mod tests;
