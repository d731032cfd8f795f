//! What every block does after its transactions: it makes its reward, and tells the system contract that it ends.
//!
//! A chain without a system contract gives the reward to the block's beneficiary. A chain with one gives it to the contract
//! and calls it, in the name of [`SYSTEM_ADDRESS`] as in EIP-4788: without a fee, a receipt, or a nonce that moves. The
//! contract shares the reward out and keeps whatever consensus wants to read. Its failure fails no block: a chain must not
//! stand still for a contract's fault.

use std::sync::Arc;

use alloy_primitives::{Address, Bytes, U256};
use revm::{
    ExecuteEvm,
    context::TxEnv,
    context_interface::result::{EVMError, ExecutionResult, HaltReason},
    database_interface::DatabaseCommit,
    handler::{Handler, MainnetHandler},
    primitives::TxKind,
};

use crate::{
    database::EvmDatabase,
    execute::{BlockEnvironment, Evm, Rules, evm},
    past::PastError,
};

/// In whose name the system contract is called (EIP-4788).
pub const SYSTEM_ADDRESS: Address = revm::handler::SYSTEM_ADDRESS;

/// Gas of one call of the system contract (EIP-4788). It is not counted in the block.
pub const SYSTEM_GAS: u64 = 30_000_000;

/// Selector of `endBlock(address proposer, uint64 round, uint256 reward)`.
const END_BLOCK: [u8; 4] = [0x93, 0x0b, 0xfc, 0x15];

/// How a call of the system contract ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemOutcome {
    /// It returned.
    Done {
        /// Gas it used.
        gas_used: u64,
    },
    /// It reverted; the state is as before the call.
    Reverted {
        /// ABI-encoded reason.
        output: Bytes,
    },
    /// It failed without a reason; the state is as before the call.
    Halted(HaltReason),
    /// revm could not run it at all; the state is as before the call.
    Broken(String),
}

/// Makes the reward and calls the system contract, if there is one.
pub(crate) fn end_block(
    rules: Rules,
    environment: &BlockEnvironment,
    nonce: u64,
    database: &mut EvmDatabase,
) -> Option<SystemOutcome> {
    let Some(contract) = rules.system else {
        database.credit(environment.beneficiary, rules.reward);
        return None;
    };
    database.credit(contract, rules.reward);
    let input = end_block_input(environment.beneficiary, nonce, rules.reward);
    Some(call_system(rules, environment, contract, input, database))
}

fn end_block_input(proposer: Address, round: u64, reward: U256) -> Bytes {
    [
        &END_BLOCK[..],
        proposer.into_word().as_slice(),
        &U256::from(round).to_be_bytes::<32>(),
        &reward.to_be_bytes::<32>(),
    ]
    .concat()
    .into()
}

/// Calls a contract in the system's name. Unless it returns, nothing is changed.
pub(crate) fn call_system(
    rules: Rules,
    environment: &BlockEnvironment,
    contract: Address,
    input: Bytes,
    database: &mut EvmDatabase,
) -> SystemOutcome {
    // An EVM of its own: what the transactions have warmed must not show in the gas of this call, since a builder has tried
    // transactions that are not in the block.
    let mut evm: Evm = evm(rules, environment, database.state.clone(), Arc::clone(&database.hashes));
    evm.ctx.tx = TxEnv {
        caller: SYSTEM_ADDRESS,
        kind: TxKind::Call(contract),
        data: input,
        gas_limit: SYSTEM_GAS,
        chain_id: Some(rules.chain_id),
        ..TxEnv::default()
    };
    let result = MainnetHandler::<_, EVMError<PastError>, _>::default().run_system_call(&mut evm);
    let changes = evm.finalize();
    match result {
        Ok(ExecutionResult::Success { gas, .. }) => {
            database.commit(changes);
            SystemOutcome::Done {
                gas_used: gas.tx_gas_used(),
            }
        }
        Ok(ExecutionResult::Revert { output, .. }) => SystemOutcome::Reverted { output },
        Ok(ExecutionResult::Halt { reason, .. }) => SystemOutcome::Halted(reason),
        Err(error) => SystemOutcome::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
