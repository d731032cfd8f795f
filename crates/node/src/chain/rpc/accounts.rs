//! Accounts: balance, code, storage, nonce, and proofs of them.

use alloy::consensus::EMPTY_ROOT_HASH;
use alloy::{
    eips::BlockId,
    rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof},
    serde::JsonStorageKey,
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use rayswarm_chain::{Account, Chain, HistoryError, PastError, StateView};

use super::{
    Rpc, convert,
    error::{Answer, failed, faucet, history, invalid, not_found},
};
use crate::chain::ledger::chained;

/// Most slots that one proof may cover.
const PROOF_SLOTS_MAX: usize = 1_024;

impl Rpc {
    pub(super) fn balance(&self, params: &Params<'_>) -> Answer<U256> {
        Ok(self.account(params)?.balance)
    }

    pub(super) fn code(&self, params: &Params<'_>) -> Answer<Bytes> {
        Ok(self.account(params)?.code())
    }

    /// `[address, block?]`.
    fn account(&self, params: &Params<'_>) -> Answer<Account> {
        let mut params = params.sequence();
        let address = params.next()?;
        account_in(&self.state(params.optional_next()?)?, address)
    }

    /// The state after a block that must exist; `pending` counts as the head, whose state it is.
    fn state(&self, block: Option<BlockId>) -> Answer<StateView> {
        let block = self.named(block.unwrap_or_default());
        let missing = {
            let chain = self.ledger.read();
            match chain.state_at(height_of(&chain, block)?) {
                Ok(state) => return Ok(state.clone().into()),
                Err(missing) => missing,
            }
        };
        let past = self
            .ledger
            .past(missing.number)
            .map_err(|error| failed(chained(&error)))?;
        past.map(StateView::from).ok_or_else(|| self.not_kept(missing))
    }

    /// A block whose hash the chain has forgotten, by its height.
    pub(super) fn named(&self, block: BlockId) -> BlockId {
        let BlockId::Hash(hash) = block else {
            return block;
        };
        let kept = self.ledger.read().block_by_hash(&hash.block_hash).is_some();
        let old = (!kept).then(|| self.ledger.old_number(&hash.block_hash)).flatten();
        old.map_or(block, BlockId::number)
    }

    /// Says from which block on states are kept.
    pub(super) fn not_kept(&self, missing: HistoryError) -> ErrorObjectOwned {
        history(HistoryError {
            oldest: self.ledger.archive().unwrap_or(missing.oldest),
            ..missing
        })
    }

    pub(super) fn storage_at(&self, params: &Params<'_>) -> Answer<B256> {
        let mut params = params.sequence();
        let address = params.next()?;
        let slot: JsonStorageKey = params.next()?;
        let slot = U256::from_be_bytes(slot.as_b256().0);
        let state = self.state(params.optional_next()?)?;
        Ok(state.storage(address, slot).map_err(unreadable)?.into())
    }

    pub(super) fn nonce(&self, params: &Params<'_>) -> Answer<U64> {
        let mut params = params.sequence();
        let address = params.next()?;
        let block: Option<BlockId> = params.optional_next()?;
        if block == Some(BlockId::pending()) {
            return Ok(convert::quantity(self.ledger.read().pending_nonce(address)));
        }
        Ok(convert::quantity(account_in(&self.state(block)?, address)?.nonce))
    }

    pub(super) fn proof(&self, params: &Params<'_>) -> Answer<EIP1186AccountProofResponse> {
        let mut params = params.sequence();
        let address = params.next()?;
        let keys: Vec<JsonStorageKey> = params.next()?;
        let block: Option<BlockId> = params.optional_next()?;
        if keys.len() > PROOF_SLOTS_MAX {
            return Err(invalid(format!(
                "{} slots asked for, at most {PROOF_SLOTS_MAX} are proved at once",
                keys.len()
            )));
        }
        // Of old states there are no tries.
        let state = {
            let block = self.named(block.unwrap_or_default());
            let chain = self.ledger.read();
            chain.state_at(height_of(&chain, block)?).map_err(history)?.clone()
        };
        let account = state.account(address);
        let storage_proof = keys
            .into_iter()
            .map(|key| {
                let slot = U256::from_be_bytes(key.as_b256().0);
                EIP1186StorageProof {
                    value: state.storage(address, slot),
                    proof: state.storage_proof(address, slot),
                    key,
                }
            })
            .collect();
        Ok(EIP1186AccountProofResponse {
            address,
            balance: state.balance(address),
            code_hash: account.map_or(KECCAK256_EMPTY, |account| account.code_hash),
            nonce: state.nonce(address),
            storage_hash: account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root()),
            account_proof: state.account_proof(address),
            storage_proof,
        })
    }

    /// A transfer from the faucet, by its hash; null for an account that has plenty.
    pub(super) fn drip(&self, params: &Params<'_>) -> Answer<Option<B256>> {
        let address = params.one()?;
        match &self.faucet {
            Some(source) => source.drip(&self.ledger, address).map_err(faucet),
            None => Err(not_found("this chain has no faucet")),
        }
    }
}

/// The height of a block that must exist; `pending` counts as the head, whose state it is.
pub(super) fn height_of(chain: &Chain, block: BlockId) -> Answer<u64> {
    match block {
        BlockId::Hash(hash) => chain
            .block_by_hash(&hash.block_hash)
            .map(|block| block.number())
            .ok_or_else(|| not_found(format!("block not found: {}", hash.block_hash))),
        BlockId::Number(tag) => {
            let head = chain.head().number();
            let number = convert::height(chain, tag).unwrap_or(head);
            if number > head {
                return Err(not_found(format!("block not found: {number}, the head is {head}")));
            }
            Ok(number)
        }
    }
}

/// An account of a state; what is not there is empty.
fn account_in(state: &StateView, address: Address) -> Answer<Account> {
    Ok(state.account(address).map_err(unreadable)?.unwrap_or_default())
}

fn unreadable(error: PastError) -> ErrorObjectOwned {
    failed(error.to_string())
}
