//! What peers and the loop ask of the chain.

use std::sync::Arc;

use alloy::sol_types::SolCall;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use rayswarm_chain::{
    CallRequest, PastState, RecoveredTransaction, SealedBlock, Snapshot, TransactionPlace, decode_block,
};
use rayswarm_consensus::{Header, Validator, ValidatorSet};
use rayswarm_network::{
    SealedBytes, StatePage, StateQuestion,
    chain::{HASHES_MAX, HEADERS_MAX, LOCATOR_MAX, TRANSACTIONS_MAX, first_transactions},
};
use rayswarm_settlement::validators::calls::validatorsCall;
use serde_bytes::ByteBuf;

use super::{Ledger, SubmitError, chained, header_of};
use crate::chain::{
    Checkpoint,
    snapshots::{SnapshotError, Snapshots},
    storage::{StorageError, Stored},
};

/// Sets of validators that are remembered.
const SETS_KEPT: usize = 64;

impl Ledger {
    /// Height and hash of the head.
    pub(crate) fn head(&self) -> (u64, B256) {
        let chain = self.read();
        (chain.head().number(), chain.head().hash)
    }

    /// The time that the head carries, in seconds since 1970.
    pub(crate) fn head_time(&self) -> u64 {
        self.read().head().header().timestamp
    }

    /// The block of the best branch at a height, however old.
    pub(crate) fn block(&self, number: u64) -> Option<Arc<SealedBlock>> {
        let kept = self.read().block(number).cloned();
        kept.or_else(|| self.old_block(number))
    }

    /// A final block that the chain has forgotten.
    pub(crate) fn old_block(&self, number: u64) -> Option<Arc<SealedBlock>> {
        match self.reader()?.block(number) {
            Ok(block) => block.map(Arc::new),
            Err(error) => {
                tracing::error!(number, error = %chained(&error), "an old block cannot be read");
                None
            }
        }
    }

    /// The lowest height from which on final blocks are kept whole, where some are kept no more.
    pub(crate) fn first_block(&self) -> Option<u64> {
        self.reader()?.first_block().ok()
    }

    /// Height of a final block that the chain may have forgotten.
    pub(crate) fn old_number(&self, hash: &B256) -> Option<u64> {
        self.reader()?.number_of(hash)
    }

    /// The state after an old final block; `None` where it is not kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn past(&self, number: u64) -> Result<Option<Arc<dyn PastState>>, SnapshotError> {
        let past = self.reader().map(|reader| reader.past(number));
        Ok(past.transpose()?.flatten().map(|past| Arc::new(past) as _))
    }

    /// The height from which on the state after every final block is kept, if they are.
    pub(crate) fn archive(&self) -> Option<u64> {
        self.reader()?.archive()
    }

    /// What calls see in an old final block; `None` where its state is not kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn past_snapshot(&self, number: u64) -> Result<Option<Snapshot>, SnapshotError> {
        let Some(state) = self.past(number)? else {
            return Ok(None);
        };
        let block = self.block(number);
        Ok(block.map(|block| self.read().snapshot_of_past(&block, state)))
    }

    /// The block of the best branch with a hash, however old.
    pub(crate) fn block_by_hash(&self, hash: &B256) -> Option<Arc<SealedBlock>> {
        let kept = self.read().block_by_hash(hash).cloned();
        kept.or_else(|| self.old_block(self.old_number(hash)?))
    }

    /// Where a transaction was executed on the best branch, however long ago.
    pub(crate) fn transaction(&self, hash: &B256) -> Option<TransactionPlace> {
        if let Some(place) = self.read().transaction(hash) {
            return Some(place);
        }
        let (number, index) = self.reader()?.place(hash)?;
        Some(TransactionPlace {
            block: self.old_block(number)?,
            index: usize::try_from(index).ok()?,
        })
    }

    /// EIP-155 chain id.
    pub(crate) fn chain_id(&self) -> u64 {
        self.read().genesis().chain_id
    }

    /// Whether a transaction waits or was executed.
    pub(crate) fn knows(&self, transaction: &B256) -> bool {
        let chain = self.read();
        chain.waiting(transaction).is_some() || chain.transaction(transaction).is_some()
    }

    /// Takes a peer's transaction.
    pub(crate) fn submit(&self, transaction: RecoveredTransaction) -> Result<B256, SubmitError> {
        self.submit_with(|_| Ok(transaction))
    }

    /// Those of these transactions that wait, as wallets send them: as many as one answer takes.
    pub(crate) fn waiting_of(&self, hashes: &[B256]) -> Vec<ByteBuf> {
        let chain = self.read();
        let waiting = hashes.iter().filter_map(|hash| chain.waiting(hash));
        first_transactions(waiting.map(|waiting| waiting.encoded()), HASHES_MAX)
    }

    /// Transactions that wait, as wallets send them: as many as one word takes.
    pub(crate) fn waiting_bytes(&self) -> Vec<ByteBuf> {
        let chain = self.read();
        let waiting = chain.waiting_all().map(|waiting| waiting.encoded());
        first_transactions(waiting, TRANSACTIONS_MAX)
    }

    /// Hashes by which a peer finds where the chains part: dense at the head, sparse below.
    pub(crate) fn locator(&self) -> Vec<B256> {
        let chain = self.read();
        let (mut hashes, mut step, mut number) = (Vec::new(), 1, chain.head().number());
        while hashes.len() < LOCATOR_MAX - 1 {
            hashes.extend(chain.block(number).map(|block| block.hash));
            if number == 0 {
                return hashes;
            }
            if hashes.len() >= 8 {
                step *= 2;
            }
            number = number.saturating_sub(step);
        }
        hashes.push(chain.genesis_hash());
        hashes
    }

    /// Blocks of the best branch after the first of these that is on it.
    pub(crate) fn blocks_after(&self, known: &[B256]) -> impl Iterator<Item = SealedBytes> {
        let first = self.number_after(known);
        (first..).map_while(|number| self.sealed_bytes(number))
    }

    /// RLP of the headers of those blocks.
    pub(crate) fn headers_after(&self, known: &[B256]) -> Vec<Vec<u8>> {
        let first = self.number_after(known);
        let headers = (first..).map_while(|number| self.header_bytes(number));
        headers.take(HEADERS_MAX).collect()
    }

    fn header_bytes(&self, number: u64) -> Option<Vec<u8>> {
        if let Some(block) = self.block(number) {
            return Some(alloy_rlp::encode(block.header()));
        }
        let block = decode_block(&self.sealed_bytes(number)?.block).ok()?;
        Some(alloy_rlp::encode(&block.header))
    }

    /// A final block and those before it, with what their execution showed. Nothing where it is not here.
    pub(crate) fn executed_up_to(&self, hash: &B256) -> impl Iterator<Item = Vec<u8>> {
        let last = self.number_of(hash).filter(|number| *number <= self.finalized_number());
        let numbers = last.into_iter().flat_map(|last| (1..=last).rev());
        numbers.map_while(|number| Some(self.block(number)?.encode_executed()))
    }

    /// What follows a row of the state after a final block. `None` where that state is not kept.
    pub(crate) fn state_page(&self, question: &StateQuestion) -> Option<StatePage> {
        // The next block may be written while the rows are read.
        let landmark = self.snapshots().as_ref()?.landmark_at(&question.block)?;
        let page = landmark.page(question.after);
        page.inspect_err(|error| tracing::error!(error = %chained(error), "the state cannot be read for a newcomer"))
            .ok()
    }

    /// The latest final block that newcomers may begin at.
    pub(crate) fn landmark(&self) -> Option<Checkpoint> {
        self.snapshots().as_ref()?.landmark()
    }

    fn number_after(&self, known: &[B256]) -> u64 {
        let on_best = known.iter().find_map(|hash| self.number_of(hash));
        on_best.map_or(1, |number| number.saturating_add(1))
    }

    fn number_of(&self, hash: &B256) -> Option<u64> {
        let kept = self.read().block_by_hash(hash).map(|block| block.number());
        kept.or_else(|| self.old_number(hash))
    }

    fn sealed_bytes(&self, number: u64) -> Option<SealedBytes> {
        let kept = self.read().block(number).map(|block| block.hash);
        let hash = kept.or_else(|| self.reader()?.hash_at(number))?;
        let read = self.log().as_mut()?.get(&hash);
        match read {
            Ok(stored) => stored.map(|(block, seal)| SealedBytes { block, seal }),
            Err(error) => {
                tracing::error!(number, %error, "a stored block cannot be read");
                None
            }
        }
    }

    /// The work of all blocks up to the last final one.
    ///
    /// # Errors
    /// When the final state cannot be read.
    pub(crate) fn final_work(&self) -> Result<U256, SnapshotError> {
        self.snapshots().as_ref().map_or(Ok(U256::ZERO), Snapshots::work)
    }

    /// Height of the last final block.
    pub(crate) fn finalized_number(&self) -> u64 {
        self.read().finalized().number()
    }

    /// What consensus sees of the last final block.
    pub(crate) fn finalized_header(&self) -> Header {
        let chain = self.read();
        header_of(chain.finalized().hash, chain.finalized().header())
    }

    /// Hashes of the final blocks from block 1 on, as the block log has them, however few are kept otherwise.
    ///
    /// # Errors
    /// When the log cannot be read back.
    pub(crate) fn final_branch(&self) -> Result<Vec<B256>, StorageError> {
        let last = self.read().finalized().clone();
        let (mut hash, mut number) = (last.hash, last.number());
        let mut branch = Vec::new();
        while number > 0 {
            branch.push(hash);
            let stored = self.stored_bytes(&hash)?;
            // Whoever reads the branch finds that one missing.
            let Some(parent) = stored.and_then(|(block, _)| decode_block(&block).ok()) else {
                break;
            };
            hash = parent.header.parent_hash;
            number -= 1;
        }
        // As many as there are heights: what is missing below is found by its number.
        branch.resize(usize::try_from(last.number()).unwrap_or(usize::MAX), B256::ZERO);
        branch.reverse();
        Ok(branch)
    }

    /// A block of the block log, with its seal.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub(crate) fn stored_bytes(&self, hash: &B256) -> Result<Option<Stored>, StorageError> {
        match self.log().as_mut() {
            Some(log) => log.get(hash),
            None => Ok(None),
        }
    }

    /// Whether a block is in the block log.
    pub(crate) fn has_stored(&self, hash: &B256) -> bool {
        self.log().as_ref().is_some_and(|log| log.has(hash))
    }

    /// Who votes on the child of a stored block: what the system contract says in the state after it. `None` without one.
    pub(crate) fn validators_after(&self, block: B256) -> Option<Arc<ValidatorSet>> {
        let contract = self.read().genesis().system.as_ref()?.address;
        let mut sets = self.sets();
        if let Some((_, set)) = sets.iter().find(|(of, _)| *of == block) {
            return Some(set.clone());
        }
        let set = Arc::new(self.ask_validators(contract, block)?);
        if sets.len() == SETS_KEPT {
            sets.remove(0);
        }
        sets.push((block, set.clone()));
        Some(set)
    }

    fn ask_validators(&self, contract: Address, block: B256) -> Option<ValidatorSet> {
        let snapshot = self.read().snapshot_of(&block)?;
        let request = CallRequest {
            to: TxKind::Call(contract),
            input: Bytes::from(validatorsCall {}.abi_encode()),
            ..CallRequest::default()
        };
        let answer = snapshot.call(&request).map_err(|error| error.to_string());
        let set = answer.and_then(|answer| {
            let decoded = validatorsCall::abi_decode_returns(&answer.output).map_err(|error| error.to_string())?;
            let validators = decoded.accounts.into_iter().zip(decoded.powers);
            let validators = validators.map(|(account, power)| Validator { account, power });
            ValidatorSet::new(validators.collect()).map_err(|error| error.to_string())
        });
        set.inspect_err(|error| tracing::error!(%block, error, "the system contract does not say who votes"))
            .ok()
    }
}
