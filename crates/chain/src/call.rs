//! Execution that leaves no trace: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use std::{collections::BTreeMap, sync::Arc};

use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::SignedAuthorization,
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, TxKind, U256};
use revm::{
    ExecuteEvm,
    context::TxEnv,
    context_interface::{
        either::Either,
        result::{EVMError, ExecResultAndState, ExecutionResult, HaltReason, InvalidTransaction},
    },
    state::EvmState,
};

use crate::{
    database::RecentHashes,
    execute::{BlockEnvironment, Rules, evm},
    past::{PastError, StateView},
    state::{Account, State},
};

/// A call as a client describes it. What is left out is chosen so that the call can succeed.
#[derive(Clone, Debug, Default)]
pub struct CallRequest {
    /// In whose name; the zero address by default.
    pub from: Address,
    /// Whom to call, or a contract to create.
    pub to: TxKind,
    /// Gas limit; the block's by default.
    pub gas: Option<u64>,
    /// Price or fee cap in wei per gas. Without one the call is free and sees a base fee of zero.
    pub fee_cap: Option<u128>,
    /// Tip in wei per gas; makes it an EIP-1559 call.
    pub tip: Option<u128>,
    /// Wei to send along; the sender must have it.
    pub value: U256,
    /// Call data, or creation code with its arguments.
    pub input: Bytes,
    /// EIP-2930 access list.
    pub access_list: Option<AccessList>,
    /// EIP-7702 delegations.
    pub authorizations: Vec<SignedAuthorization>,
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOutcome {
    /// Returned bytes.
    pub output: Bytes,
    /// Gas it used, refunds deducted.
    pub gas_used: u64,
}

/// Why a call gives no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The contract said no; its reason is in `output`.
    #[error("execution reverted")]
    Reverted {
        /// ABI-encoded reason.
        output: Bytes,
    },
    /// The contract failed without a reason.
    #[error("execution stopped: {0}")]
    Halted(HaltReason),
    /// No gas limit makes it succeed.
    #[error("gas required exceeds allowance ({0})")]
    OutOfGas(u64),
    /// The sender cannot pay for gas and value.
    #[error("insufficient funds for gas * price + value: balance {balance} wei, needed {needed} wei")]
    InsufficientFunds {
        /// What the sender has.
        balance: U256,
        /// What the call would take.
        needed: U256,
    },
    /// It could not even be started.
    #[error("{0}")]
    Invalid(InvalidTransaction),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] PastError),
    /// revm could not run it at all.
    #[error("execution failed: {0}")]
    Broken(String),
}

/// A state with the block environment that calls see. It owns what it needs: calls run without the chain.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) rules: Rules,
    pub(crate) environment: BlockEnvironment,
    pub(crate) hashes: Arc<RecentHashes>,
    pub(crate) state: StateView,
}

/// Gas of a plain transfer, the least any transaction costs.
const TRANSFER_GAS: u64 = 21_000;

/// A binary search for gas stops when the bounds are this close: 1/64 of the upper.
const ESTIMATE_PRECISION: u64 = 64;

impl Snapshot {
    /// Time that calls see, in seconds since 1970.
    pub fn timestamp(&self) -> u64 {
        self.environment.timestamp
    }

    /// The state in memory, to override what calls see of an account but for its storage.
    ///
    /// # Errors
    /// When an old state cannot be read.
    pub fn state_with(&mut self, address: Address) -> Result<&mut State, PastError> {
        self.state.with(address)
    }

    /// Overrides one storage slot.
    pub fn set_storage(&mut self, address: Address, slot: U256, value: U256) {
        self.state.set_storage(address, slot, value);
    }

    /// Overrides all storage of an account with nothing.
    pub fn clear_storage(&mut self, address: Address) {
        self.state.clear_storage(address);
    }

    /// Runs a call.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn call(&self, request: &CallRequest) -> Result<CallOutcome, CallError> {
        let gas = request.gas.unwrap_or(u64::MAX).min(self.environment.gas_limit);
        let result = self.run(request, self.affordable(request, gas)?)?.result;
        outcome(result)
    }

    /// The least gas limit, to within 1/64, with which the transaction succeeds.
    ///
    /// # Errors
    /// See [`CallError`]; what fails with the largest possible limit fails here in the same way.
    pub fn estimate_gas(&self, request: &CallRequest) -> Result<u64, CallError> {
        let cap = self.rules.hardfork.transaction_gas_cap().unwrap_or(u64::MAX);
        let wanted = request.gas.filter(|gas| *gas >= TRANSFER_GAS).unwrap_or(u64::MAX);
        let ceiling = self.affordable(request, wanted.min(cap).min(self.environment.gas_limit))?;
        if self.is_plain_transfer(request)? && self.succeeds(request, TRANSFER_GAS)? {
            return Ok(TRANSFER_GAS);
        }
        let first = self.run(request, ceiling)?.result;
        let (spent, refund) = (first.gas().total_gas_spent(), first.gas().inner_refunded());
        let used = match outcome(first) {
            Ok(outcome) => outcome.gas_used,
            Err(CallError::Halted(HaltReason::OutOfGas(_))) => return Err(CallError::OutOfGas(ceiling)),
            Err(error) => return Err(error),
        };
        let (mut low, mut high) = (used.saturating_sub(1), ceiling);
        // Mostly enough: what was spent before refunds, the stipend of an inner call, and the 1/64 that
        // each inner call holds back (EIP-150).
        let guess = spent.max(used).saturating_add(refund.min(2_300)).saturating_add(2_300) / 63 * 64 + 64;
        if guess < high {
            if self.succeeds(request, guess)? {
                high = guess;
            } else {
                low = guess;
            }
        }
        while low + 1 < high && high - low > high / ESTIMATE_PRECISION {
            // Most calls need little more than they use, so look low first.
            let middle = (low + (high - low) / 2).min(low.saturating_mul(2)).max(low + 1);
            if self.succeeds(request, middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }

    /// The accounts and slots a call touches beyond those that are warm anyway, and its gas with that list.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn access_list(&self, request: &CallRequest) -> Result<(AccessList, u64), CallError> {
        let gas = request.gas.unwrap_or(u64::MAX).min(self.environment.gas_limit);
        let gas = self.affordable(request, gas)?;
        let first = self.run(request, gas)?;
        let created = first.result.created_address();
        let list = self.touched(request, created, &first.state);
        outcome(first.result)?;
        let with_list = CallRequest {
            access_list: Some(list.clone()),
            ..request.clone()
        };
        let used = outcome(self.run(&with_list, gas)?.result)?.gas_used;
        Ok((list, used))
    }

    fn touched(&self, request: &CallRequest, created: Option<Address>, state: &EvmState) -> AccessList {
        let warm = |address: &Address| {
            // Precompiles live below 0x200.
            let precompile = U256::from_be_slice(address.as_slice()) < U256::from(0x200);
            *address == request.from
                || Some(*address) == request.to.to().copied()
                || Some(*address) == created
                || *address == self.environment.beneficiary
                || precompile
        };
        let accounts: BTreeMap<Address, Vec<B256>> = state
            .iter()
            .filter(|(address, account)| !(warm(address) && account.storage.is_empty()))
            .map(|(address, account)| {
                let mut slots: Vec<B256> = account.storage.keys().map(|slot| B256::from(*slot)).collect();
                slots.sort_unstable();
                (*address, slots)
            })
            .collect();
        let items = accounts
            .into_iter()
            .map(|(address, storage_keys)| AccessListItem { address, storage_keys });
        AccessList(items.collect())
    }

    fn is_plain_transfer(&self, request: &CallRequest) -> Result<bool, PastError> {
        let Some(to) = request
            .to
            .to()
            .filter(|to| U256::from_be_slice(to.as_slice()) >= U256::from(0x200))
        else {
            return Ok(false);
        };
        let to_person = self
            .state
            .account(*to)?
            .is_none_or(|account| account.code_hash == KECCAK256_EMPTY);
        Ok(to_person && request.input.is_empty() && request.access_list.is_none() && request.authorizations.is_empty())
    }

    /// `gas`, or less where the sender's balance cannot pay for that much.
    fn affordable(&self, request: &CallRequest, gas: u64) -> Result<u64, CallError> {
        let price = U256::from(request.fee_cap.unwrap_or_default());
        if price.is_zero() {
            return Ok(gas);
        }
        let balance = self.sender(request)?.balance;
        let least = price
            .saturating_mul(U256::from(TRANSFER_GAS))
            .saturating_add(request.value);
        if balance < least {
            return Err(CallError::InsufficientFunds { balance, needed: least });
        }
        let allowance = (balance - request.value) / price;
        Ok(u64::try_from(allowance).map_or(gas, |allowance| allowance.min(gas)))
    }

    fn sender(&self, request: &CallRequest) -> Result<Account, PastError> {
        Ok(self.state.account(request.from)?.unwrap_or_default())
    }

    fn succeeds(&self, request: &CallRequest, gas: u64) -> Result<bool, CallError> {
        match self.run(request, gas) {
            Ok(result) => Ok(result.result.is_success()),
            Err(CallError::Invalid(
                InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
                | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
            )) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn run(&self, request: &CallRequest, gas: u64) -> Result<ExecResultAndState<ExecutionResult, EvmState>, CallError> {
        let price = request.fee_cap.or(request.tip).unwrap_or_default();
        let mut environment = self.environment.clone();
        if price == 0 {
            environment.base_fee = 0;
        }
        let mut evm = evm(self.rules, &environment, self.state.clone(), self.hashes.clone());
        let config = &mut evm.ctx.cfg;
        config.disable_nonce_check = true;
        config.disable_eip3607 = true;
        // EIP-7825 binds transactions, not questions.
        config.tx_gas_limit_cap = Some(u64::MAX);
        let transaction = TxEnv {
            tx_type: kind(request),
            caller: request.from,
            gas_limit: gas,
            gas_price: price,
            kind: request.to,
            value: request.value,
            data: request.input.clone(),
            nonce: self.sender(request)?.nonce,
            chain_id: Some(self.rules.chain_id),
            access_list: request.access_list.clone().unwrap_or_default(),
            gas_priority_fee: request.tip.or_else(|| (kind(request) >= 2).then_some(0)),
            blob_hashes: Vec::new(),
            max_fee_per_blob_gas: 0,
            authorization_list: request.authorizations.iter().cloned().map(Either::Left).collect(),
        };
        evm.transact(transaction).map_err(|error| match error {
            EVMError::Transaction(InvalidTransaction::LackOfFundForMaxFee { fee, balance }) => {
                CallError::InsufficientFunds {
                    balance: *balance,
                    needed: *fee,
                }
            }
            EVMError::Transaction(reason) => CallError::Invalid(reason),
            EVMError::Database(error) => CallError::State(error),
            other => CallError::Broken(other.to_string()),
        })
    }
}

/// The EIP-2718 type that carries all that the request asks for.
fn kind(request: &CallRequest) -> u8 {
    if !request.authorizations.is_empty() {
        4
    } else if request.tip.is_some() {
        2
    } else if request.access_list.is_some() {
        1
    } else {
        0
    }
}

fn outcome(result: ExecutionResult) -> Result<CallOutcome, CallError> {
    match result {
        ExecutionResult::Success { gas, output, .. } => Ok(CallOutcome {
            output: output.into_data(),
            gas_used: gas.tx_gas_used(),
        }),
        ExecutionResult::Revert { output, .. } => Err(CallError::Reverted { output }),
        ExecutionResult::Halt { reason, .. } => Err(CallError::Halted(reason)),
    }
}
