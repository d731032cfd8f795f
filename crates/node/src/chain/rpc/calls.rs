//! Calls, estimates, and what gas costs.

use alloy::{
    eips::{BlockId, BlockNumberOrTag, eip2930::AccessListResult},
    rpc::types::{TransactionRequest, state::StateOverride},
};
use alloy_primitives::{Bytes, TxKind, U64, U256};
use jsonrpsee::types::Params;
use rayswarm_chain::{CallRequest, Snapshot};

use super::{
    Rpc,
    accounts::height_of,
    convert::quantity,
    error::{Answer, call, failed, invalid, too_much},
};
use crate::chain::ledger::{chained, now};

/// The tip to suggest, in wei per gas: a lone sealer takes any.
pub(super) const SUGGESTED_TIP: u64 = 1;

/// Most values in one question. Beside what they say, each takes up to 64 times the memory of its text while it is read.
const VALUES_MAX: usize = 1 << 17;

impl Rpc {
    pub(super) fn call(&self, params: &Params<'_>) -> Answer<Bytes> {
        let (request, snapshot) = self.question(params, BlockNumberOrTag::Latest)?;
        snapshot.call(&request).map(|outcome| outcome.output).map_err(call)
    }

    pub(super) fn estimate_gas(&self, params: &Params<'_>) -> Answer<U64> {
        let (request, snapshot) = self.question(params, BlockNumberOrTag::Pending)?;
        snapshot.estimate_gas(&request).map(quantity).map_err(call)
    }

    pub(super) fn create_access_list(&self, params: &Params<'_>) -> Answer<AccessListResult> {
        let (request, snapshot) = self.question(params, BlockNumberOrTag::Pending)?;
        let (access_list, gas_used) = snapshot.access_list(&request).map_err(call)?;
        Ok(AccessListResult {
            access_list,
            gas_used: U256::from(gas_used),
            error: None,
        })
    }

    /// `[transaction, block?, state overrides?]`.
    fn question(&self, params: &Params<'_>, default: BlockNumberOrTag) -> Answer<(CallRequest, Snapshot)> {
        if values_in(params.as_str().unwrap_or_default()) > VALUES_MAX {
            return Err(too_much(format!(
                "the call has more than {VALUES_MAX} values; ask about fewer slots at once"
            )));
        }
        let mut params = params.sequence();
        let request: TransactionRequest = params.next()?;
        let block: Option<BlockId> = params.optional_next()?;
        let overrides: Option<StateOverride> = params.optional_next()?;
        let mut snapshot = self.snapshot(block.unwrap_or(BlockId::Number(default)))?;
        if let Some(overrides) = overrides {
            apply(&mut snapshot, overrides)?;
        }
        Ok((call_request(request)?, snapshot))
    }

    /// The head is seen at the present time, older blocks at their own.
    fn snapshot(&self, block: BlockId) -> Answer<Snapshot> {
        let block = self.named(block);
        let missing = {
            let chain = self.ledger.read();
            let number = height_of(&chain, block)?;
            match block {
                BlockId::Number(BlockNumberOrTag::Pending) => return Ok(chain.snapshot_next(now())),
                BlockId::Number(BlockNumberOrTag::Latest | BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized)
                    if number == chain.head().number() =>
                {
                    return Ok(chain.snapshot_head(now()));
                }
                _ => match chain.snapshot(number) {
                    Ok(snapshot) => return Ok(snapshot),
                    Err(missing) => missing,
                },
            }
        };
        let past = self.ledger.past_snapshot(missing.number);
        let past = past.map_err(|error| failed(chained(&error)))?;
        past.ok_or_else(|| self.not_kept(missing))
    }

    /// Wei per gas that buys a place in the next block.
    pub(super) fn gas_price(&self) -> u64 {
        self.ledger.read().next_base_fee().saturating_add(SUGGESTED_TIP)
    }
}

/// How many values a JSON text has at most: what is in strings is counted too, and there no honest client has any of these.
fn values_in(text: &str) -> usize {
    text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count()
}

fn call_request(request: TransactionRequest) -> Answer<CallRequest> {
    if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
        return Err(invalid("transaction type not supported: this chain has no blobs"));
    }
    if let (Some(cap), Some(tip)) = (request.max_fee_per_gas, request.max_priority_fee_per_gas)
        && tip > cap
    {
        return Err(invalid(format!(
            "max priority fee per gas higher than max fee per gas: tip {tip} wei, cap {cap} wei"
        )));
    }
    let input = match (request.input.input, request.input.data) {
        (Some(input), Some(data)) if input != data => {
            return Err(invalid("`input` and `data` differ; give one of them"));
        }
        (input, data) => input.or(data).unwrap_or_default(),
    };
    Ok(CallRequest {
        from: request.from.unwrap_or_default(),
        to: request.to.unwrap_or(TxKind::Create),
        gas: request.gas,
        fee_cap: request.max_fee_per_gas.or(request.gas_price),
        tip: request.max_priority_fee_per_gas,
        value: request.value.unwrap_or_default(),
        input,
        access_list: request.access_list,
        authorizations: request.authorization_list.unwrap_or_default(),
    })
}

fn apply(snapshot: &mut Snapshot, overrides: StateOverride) -> Answer<()> {
    for (address, account) in overrides {
        if account.state.is_some() && account.state_diff.is_some() {
            return Err(invalid(format!(
                "{address} has both `state` and `stateDiff`; give one of them"
            )));
        }
        if account.move_precompile_to.is_some() {
            return Err(invalid("`movePrecompileToAddress` is not supported"));
        }
        let state = snapshot.state_with(address);
        let state = state.map_err(|error| failed(error.to_string()))?;
        if let Some(balance) = account.balance {
            state.set_balance(address, balance);
        }
        if let Some(nonce) = account.nonce {
            state.set_nonce(address, nonce);
        }
        if let Some(code) = account.code {
            state.set_code(address, code);
        }
        if account.state.is_some() {
            snapshot.clear_storage(address);
        }
        for (slot, value) in account.state.into_iter().chain(account.state_diff).flatten() {
            snapshot.set_storage(address, slot.into(), value.into());
        }
    }
    Ok(())
}
