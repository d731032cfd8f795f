//! Blocks of a chain that nodes keep together: built for consensus, checked for it, taken in when it says so.
//!
//! ```text
//! bytes -> check_seal (decode, limits, parent, seal) -> import (execute, compare roots, store durably, into the tree)
//! ```

use std::sync::Arc;

use alloy_consensus::proofs::calculate_transaction_root;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use rayswarm_chain::{
    BlockAttributes, BlockError, FinalBlock, HeadChange, SealedBlock, TreeError,
    block::{Block as ChainBlock, puzzle},
    decode_block, decode_header, recover_sender,
};
use rayswarm_consensus::{self as consensus, BuildRequest, Header, Seal, Site};
use rayswarm_network::SealedBytes;

use super::{BranchStep, Ledger, SealError, now};
use crate::chain::{NotTheCheckpoint, parallel, storage::SEAL_BYTES_MAX};

/// Timestamps that a seal may be checked by.
const TIMES: usize = 11;

/// A block that was built for consensus; the chain holds what its execution gave.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) block: consensus::Block,
    /// How many transactions waited when it was built.
    waiting: u64,
}

/// A block of somebody else whose seal is good.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    block: ChainBlock,
    seal: Seal,
}

/// Why a block is not taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// It is none, or not what it says.
    #[error("it is not a block of this chain")]
    Block(#[from] BlockError),
    /// What it builds on is not here.
    #[error("block {number} builds on {parent}, which is not here")]
    Orphan {
        /// Its height.
        number: u64,
        /// Its parent.
        parent: B256,
    },
    /// There is no room beside the best branch, until more blocks are final.
    #[error("block {number} has no room: too many blocks stand beside the best branch")]
    Crowded {
        /// Its height.
        number: u64,
    },
    /// It is ahead of this machine's clock, which may be wrong.
    #[error("it comes too early")]
    Early(#[source] consensus::SealError),
    /// Another block is trusted to be there.
    #[error("it is not the trusted block")]
    Checkpoint(#[from] NotTheCheckpoint),
    /// It may not stand there.
    #[error("its seal does not hold")]
    Seal(#[from] consensus::SealError),
    /// Its header is not the one it was announced with.
    #[error("the block is not the one that was proposed")]
    Different,
    /// A seal longer than any.
    #[error("its seal is {0} bytes long, at most {SEAL_BYTES_MAX} are allowed")]
    SealLength(usize),
}

/// What consensus sees of a header.
pub(crate) fn header_of(hash: B256, header: &alloy_consensus::Header) -> Header {
    Header {
        hash,
        parent: header.parent_hash,
        number: header.number,
        timestamp: header.timestamp,
        proposer: header.beneficiary,
        nonce: u64::from_be_bytes(header.nonce.0),
        difficulty: header.difficulty,
        puzzle: puzzle(header),
    }
}

/// What consensus sees of a header that came without its block.
pub(crate) fn read_header(bytes: &[u8]) -> Result<Header, BlockError> {
    let header = decode_header(bytes)?;
    Ok(header_of(header.hash_slow(), &header))
}

/// The hash of a block as it is sent; none where it is no block.
pub(crate) fn hash_of(sealed: &SealedBytes) -> Option<B256> {
    decode_block(&sealed.block).ok().map(|block| block.header.hash_slow())
}

/// What consensus sees of an encoded block; none where it is no block, or another body than its header says.
pub(crate) fn read_block(bytes: &[u8]) -> Option<Header> {
    let block = decode_block(bytes).ok()?;
    let body = calculate_transaction_root(&block.body.transactions);
    let is_whole = body == block.header.transactions_root && block.body.ommers.is_empty();
    is_whole.then(|| header_of(block.header.hash_slow(), &block.header))
}

/// A seal as it is stored and sent.
pub(crate) fn seal_bytes(seal: &Seal) -> Option<Vec<u8>> {
    match seal {
        Seal::Header => None,
        Seal::Votes(votes) => Some(votes.to_vec()),
    }
}

fn seal_of(bytes: Option<&[u8]>) -> Seal {
    bytes.map_or(Seal::Header, |votes| Seal::Votes(Bytes::copy_from_slice(votes)))
}

impl Ledger {
    /// Builds a block on a stored one of what waits.
    pub(crate) fn build(&self, request: &BuildRequest) -> Result<Template, SealError> {
        let waiting = self.arrivals.count();
        let proposal = self.read().prepare_on(
            &request.parent,
            BlockAttributes {
                timestamp: now().max(request.timestamp_min),
                beneficiary: self.beneficiary,
                // As hard to choose as the block before.
                mix_hash: keccak256(request.parent),
                extra_data: Bytes::new(),
                difficulty: request.difficulty,
                nonce: request.nonce,
            },
        )?;
        let built = proposal.build();
        for (hash, reason) in &built.refused {
            tracing::debug!(transaction = %hash, %reason, "dropping a transaction that can no longer be executed");
            self.write().forget(hash);
        }
        let block = outline(&built.executed.sealed);
        self.write().hold(built.executed);
        Ok(Template { block, waiting })
    }

    /// Whether a block built now would hold other transactions than a template.
    pub(crate) fn would_differ(&self, template: &Template) -> bool {
        self.arrivals.count() != template.waiting
    }

    /// Puts the solution of its puzzle into a template. `None` when it is held no more.
    pub(crate) fn solve(&self, template: &Template, nonce: u64) -> Option<consensus::Block> {
        let mut chain = self.write();
        let solved = chain.take_held(&template.block.header.puzzle)?.with_nonce(nonce)?;
        let block = outline(&solved.sealed);
        chain.hold(solved);
        Some(block)
    }

    /// Executes a block that was proposed, and holds what it gave.
    pub(crate) fn check(&self, block: &consensus::Block) -> Result<(), ImportError> {
        let decoded = decode_block(&block.bytes)?;
        if header_of(decoded.header.hash_slow(), &decoded.header) != block.header {
            return Err(ImportError::Different);
        }
        let senders = self.senders_of(&decoded);
        let check = self.read().prepare_check(decoded, senders)?;
        let executed = check.run()?;
        self.write().hold(executed);
        Ok(())
    }

    /// Stores a block that consensus has decided: durably with its seal, then in the tree.
    pub(crate) fn store(&self, bytes: &Bytes, seal: &Seal) -> Result<Header, SealError> {
        self.take_in(decode_block(bytes)?, seal)
    }

    /// Checks all of somebody else's block that costs no execution. `None` if it is here already.
    pub(crate) fn check_seal(
        &self,
        sealed: &SealedBytes,
        verify: impl FnOnce(&Header, &Seal, &Site<'_>) -> Result<(), consensus::SealError>,
    ) -> Result<Option<Checked>, ImportError> {
        let length = sealed.seal.as_ref().map_or(0, Vec::len);
        if length > SEAL_BYTES_MAX {
            return Err(ImportError::SealLength(length));
        }
        let block = decode_block(&sealed.block)?;
        let hash = block.header.hash_slow();
        let header = header_of(hash, &block.header);
        self.check_place(header.number, &hash)?;
        let (parent, times) = {
            let chain = self.read();
            if chain.stored(&hash).is_some() || chain.block_by_hash(&hash).is_some() {
                return Ok(None);
            }
            let Some(parent) = chain.stored(&header.parent) else {
                return Err(ImportError::Orphan {
                    number: header.number,
                    parent: header.parent,
                });
            };
            if !chain.has_room_on(&header.parent) {
                let number = header.number;
                return Err(ImportError::Crowded { number });
            }
            (header_of(parent.hash, parent.header()), times_up_to(&chain, parent))
        };
        let seal = seal_of(sealed.seal.as_deref());
        let validators = self.validators_after(parent.hash);
        let site = Site {
            parent: &parent,
            times: &times,
            genesis: &self.genesis_header,
            validators: validators.as_ref(),
        };
        match verify(&header, &seal, &site) {
            Ok(()) => Ok(Some(Checked { block, seal })),
            Err(error @ consensus::SealError::TooLate { .. }) => Err(ImportError::Early(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Timestamps of the blocks before a stored one, along its own branch, its parent's first.
    pub(crate) fn times_before(&self, block: &B256) -> Vec<u64> {
        let chain = self.read();
        let block = chain.stored(block);
        block
            .map(|block| times_up_to(&chain, block))
            .into_iter()
            .flatten()
            .skip(1)
            .collect()
    }

    /// Takes in a block whose seal is good.
    pub(crate) fn import(&self, checked: Checked) -> Result<Header, SealError> {
        self.take_in(checked.block, &checked.seal)
    }

    /// Takes a block of the log in again. `None` for one of a branch that was given up, or that there is no room for.
    pub(crate) fn take_in_again(&self, hash: &B256) -> Result<Option<Header>, SealError> {
        let Some((block, seal)) = self.stored_bytes(hash)? else {
            return Ok(None);
        };
        match self.take_in(decode_block(&block)?, &seal_of(seal.as_deref())) {
            Err(SealError::Block(
                BlockError::UnknownParent { .. } | BlockError::BelowFinal { .. } | BlockError::Crowded(_),
            )) => Ok(None),
            taken => taken.map(Some),
        }
    }

    /// The sender of each transaction: who has signed it as it waits here, or else recovered. `None` where one has none: whoever
    /// executes the block then finds which.
    fn senders_of(&self, block: &ChainBlock) -> Option<Vec<Address>> {
        let waiting = self.read().waiting_senders(block);
        let transactions: Vec<_> = block.body.transactions.iter().zip(waiting).collect();
        let senders = parallel::map(&transactions, |(transaction, waiting)| {
            waiting.or_else(|| recover_sender(transaction).ok())
        });
        // One that is missing is no sender either.
        let all: Option<Vec<Address>> = senders.into_iter().collect();
        all.filter(|senders| senders.len() == block.body.transactions.len())
    }

    /// The one way into the tree: executed (unless that was done before), stored durably, inserted.
    fn take_in(&self, block: ChainBlock, seal: &Seal) -> Result<Header, SealError> {
        let hash = block.header.hash_slow();
        let held = self.read().held(&hash).is_some();
        let senders = if held { None } else { self.senders_of(&block) };
        let check = self.read().prepare_check(block, senders)?;
        let executed = check.run()?;
        let sealed = &executed.sealed;
        if let Some(outcome) = executed.system_failure() {
            tracing::error!(
                number = sealed.number(),
                ?outcome,
                "the system contract failed at the end of a block"
            );
        }
        let header = header_of(sealed.hash, sealed.header());
        if self.read().stored(&hash).is_none() {
            self.keep(|log| log.put(sealed.hash, &sealed.encode(), seal_bytes(seal).as_deref()))?;
        }
        self.write().insert(executed)?;
        Ok(header)
    }

    /// Makes a stored block the head, and tells whoever listens.
    pub(crate) fn set_head(&self, hash: B256) -> Result<(), TreeError> {
        let change: HeadChange = self.write().set_head(&hash)?;
        if !change.reverted.is_empty() {
            tracing::info!(
                left = change.reverted.len(),
                taken = change.applied.len(),
                "another branch is the best now"
            );
        }
        let reverted = change.reverted.into_iter().map(BranchStep::Reverted);
        for step in reverted.chain(change.applied.into_iter().map(BranchStep::Applied)) {
            // Nobody listening is no error.
            let _ = self.steps.send(step);
        }
        Ok(())
    }

    /// Makes a block of the best branch final.
    pub(crate) fn finalize(&self, hash: B256) -> Result<(), FinalizeError> {
        let finality = self.write().finalize(&hash)?;
        self.settle(finality.blocks)
    }

    fn settle(&self, blocks: Vec<FinalBlock>) -> Result<(), FinalizeError> {
        if blocks.is_empty() {
            return Ok(());
        }
        match self.snapshots().as_mut() {
            Some(snapshots) => Ok(snapshots.apply(&blocks)?),
            None => Ok(()),
        }
    }
}

/// A block could not be made final.
#[derive(Debug, thiserror::Error)]
pub enum FinalizeError {
    /// It cannot be.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The final state could not be stored.
    #[error(transparent)]
    Snapshot(#[from] crate::chain::snapshots::SnapshotError),
}

fn outline(sealed: &SealedBlock) -> consensus::Block {
    consensus::Block {
        header: header_of(sealed.hash, sealed.header()),
        bytes: sealed.encode().into(),
    }
}

/// Timestamps of a stored block and those before it, along its own branch.
pub(super) fn times_up_to(chain: &rayswarm_chain::Chain, last: &Arc<SealedBlock>) -> Vec<u64> {
    let mut times = Vec::with_capacity(TIMES);
    let mut block = Some(last.clone());
    while let Some(current) = block.filter(|_| times.len() < TIMES) {
        times.push(current.header().timestamp);
        let parent = current.header().parent_hash;
        block = chain.stored(&parent).or_else(|| chain.block_by_hash(&parent)).cloned();
    }
    times
}
