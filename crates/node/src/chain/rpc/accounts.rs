//! Accounts: balance, code, storage, nonce, and proofs of them.

use alloy::consensus::EMPTY_ROOT_HASH;
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof},
    serde::JsonStorageKey,
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256};
use jsonrpsee::types::Params;
use rayswarm_chain::{Chain, State};

use super::{
    Rpc, convert,
    error::{Answer, faucet, history, invalid, not_found},
};

/// Most slots that one proof may cover.
const PROOF_SLOTS_MAX: usize = 1_024;

impl Rpc {
    pub(super) fn balance(&self, params: &Params<'_>) -> Answer<U256> {
        self.with_account(params, |state, address| state.balance(address))
    }

    pub(super) fn code(&self, params: &Params<'_>) -> Answer<Bytes> {
        self.with_account(params, |state, address| state.code(address))
    }

    fn with_account<T>(&self, params: &Params<'_>, read: impl FnOnce(&State, Address) -> T) -> Answer<T> {
        let mut params = params.sequence();
        let address = params.next()?;
        let block = params.optional_next()?;
        let chain = self.ledger.read();
        Ok(read(state_of(&chain, block)?, address))
    }

    pub(super) fn storage_at(&self, params: &Params<'_>) -> Answer<B256> {
        let mut params = params.sequence();
        let address = params.next()?;
        let slot: JsonStorageKey = params.next()?;
        let block = params.optional_next()?;
        let chain = self.ledger.read();
        let slot = U256::from_be_bytes(slot.as_b256().0);
        Ok(state_of(&chain, block)?.storage(address, slot).into())
    }

    pub(super) fn nonce(&self, params: &Params<'_>) -> Answer<U64> {
        let mut params = params.sequence();
        let address = params.next()?;
        let block: Option<BlockId> = params.optional_next()?;
        let chain = self.ledger.read();
        let nonce = match block {
            Some(BlockId::Number(BlockNumberOrTag::Pending)) => chain.pending_nonce(address),
            block => state_of(&chain, block)?.nonce(address),
        };
        Ok(convert::quantity(nonce))
    }

    pub(super) fn proof(&self, params: &Params<'_>) -> Answer<EIP1186AccountProofResponse> {
        let mut params = params.sequence();
        let address = params.next()?;
        let keys: Vec<JsonStorageKey> = params.next()?;
        let block = params.optional_next()?;
        if keys.len() > PROOF_SLOTS_MAX {
            return Err(invalid(format!(
                "{} slots asked for, at most {PROOF_SLOTS_MAX} are proved at once",
                keys.len()
            )));
        }
        let chain = self.ledger.read();
        let state = state_of(&chain, block)?;
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
pub(super) fn height_of(chain: &Chain, block: Option<BlockId>) -> Answer<u64> {
    match block.unwrap_or_default() {
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

fn state_of(chain: &Chain, block: Option<BlockId>) -> Answer<&State> {
    chain.state_at(height_of(chain, block)?).map_err(history)
}
