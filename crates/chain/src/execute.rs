//! Execution: the one path by which a block is built and by which it is checked.

use std::{collections::BTreeSet, sync::Arc};

use alloy_consensus::{
    BlockBody, Eip658Value, Receipt, ReceiptEnvelope, Transaction as _, TxType,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_eips::{Encodable2718, eip4895::Withdrawals};
use alloy_primitives::{Address, B256, Bloom, U256};
use revm::{
    Context, ExecuteCommitEvm, MainBuilder, MainContext, MainnetEvm,
    context::BlockEnv,
    context_interface::result::{EVMError, ExecutionResult, InvalidTransaction},
    handler::MainnetContext,
};

use crate::{
    block::{
        BLOCK_TRANSACTIONS_MAX, Block, BlockAttributes, BlockError, HeaderParts, SealedBlock, check_before_execution,
        compare_headers, next_base_fee, seal_header,
    },
    changes::StateChanges,
    database::{EvmDatabase, RecentHashes},
    genesis::Hardfork,
    mempool::PooledTransaction,
    past::StateView,
    state::State,
    system::{SystemOutcome, end_block},
    transaction::{RecoveredTransaction, check_chain, evm_transaction, recover, with_sender},
};

/// The rules that hold for every block of one chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub chain_id: u64,
    pub hardfork: Hardfork,
    pub gas_limit: u64,
    /// Coins that every block makes, in wei.
    pub reward: U256,
    /// Whom the reward goes to, and who is called at the end of every block, if not the beneficiary.
    pub system: Option<Address>,
}

/// What the EVM sees of the block it runs in.
#[derive(Clone, Debug)]
pub(crate) struct BlockEnvironment {
    pub number: u64,
    pub timestamp: u64,
    pub beneficiary: Address,
    pub mix_hash: B256,
    pub gas_limit: u64,
    pub base_fee: u64,
}

pub(crate) type Evm = MainnetEvm<MainnetContext<EvmDatabase>>;

/// An EVM over a copy of a state.
pub(crate) fn evm(
    rules: Rules,
    environment: &BlockEnvironment,
    state: impl Into<StateView>,
    hashes: Arc<RecentHashes>,
) -> Evm {
    Context::mainnet()
        .with_db(EvmDatabase::new(state, hashes))
        .modify_cfg_chained(|config| {
            config.set_spec_and_mainnet_gas_params(rules.hardfork.spec());
            config.chain_id = rules.chain_id;
        })
        .modify_block_chained(|block| {
            // The defaults of the remaining fields are what this chain fixes: no blobs, difficulty zero.
            *block = BlockEnv {
                number: U256::from(environment.number),
                timestamp: U256::from(environment.timestamp),
                beneficiary: environment.beneficiary,
                prevrandao: Some(environment.mix_hash),
                gas_limit: environment.gas_limit,
                basefee: environment.base_fee,
                ..BlockEnv::default()
            };
        })
        .build_mainnet()
}

/// Why a transaction cannot be part of the block being executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The block has too little gas left; a later block may take it.
    #[error("transaction wants {wanted} gas, the block has {left} left")]
    BlockFull {
        /// Gas limit of the transaction.
        wanted: u64,
        /// Gas left in the block.
        left: u64,
    },
    /// The rules or the sender's account forbid it.
    #[error("transaction refused: {0}")]
    Invalid(InvalidTransaction),
    /// revm could not run it at all.
    #[error("execution failed: {0}")]
    Broken(String),
}

/// Runs transactions one after another on a state.
struct Executor {
    evm: Evm,
    gas_limit: u64,
    gas_used: u64,
    receipts: Vec<ReceiptEnvelope>,
    bloom: Bloom,
}

impl Executor {
    fn new(rules: Rules, environment: &BlockEnvironment, state: State, hashes: Arc<RecentHashes>) -> Self {
        Self {
            evm: evm(rules, environment, state, hashes),
            gas_limit: environment.gas_limit,
            gas_used: 0,
            receipts: Vec::new(),
            bloom: Bloom::ZERO,
        }
    }

    /// Executes one transaction. A refusal leaves the state as it was.
    fn apply(&mut self, transaction: &RecoveredTransaction) -> Result<(), Refused> {
        let left = self.gas_limit.saturating_sub(self.gas_used);
        if transaction.gas_limit() > left {
            return Err(Refused::BlockFull {
                wanted: transaction.gas_limit(),
                left,
            });
        }
        let request = evm_transaction(transaction.inner(), transaction.signer());
        let result = self.evm.transact_commit(request).map_err(|error| match error {
            EVMError::Transaction(reason) => Refused::Invalid(reason),
            other => Refused::Broken(other.to_string()),
        })?;
        self.record(transaction.inner().tx_type(), result);
        Ok(())
    }

    fn record(&mut self, kind: TxType, result: ExecutionResult) {
        self.gas_used = self.gas_used.saturating_add(result.tx_gas_used());
        let status = Eip658Value::Eip658(result.is_success());
        // revm keeps the logs of a reverted call for tracing; a receipt has none (Yellow Paper 4.4.1).
        let logs = if result.is_success() {
            result.into_logs()
        } else {
            Vec::new()
        };
        let receipt = Receipt {
            status,
            cumulative_gas_used: self.gas_used,
            logs,
        }
        .with_bloom();
        self.bloom.accrue_bloom(&receipt.logs_bloom);
        self.receipts.push(ReceiptEnvelope::from_typed(kind, receipt));
    }

    fn into_database(self) -> EvmDatabase {
        self.evm.ctx.journaled_state.database
    }
}

/// A block with the state that follows it: ready to be stored and put into the tree.
#[derive(Clone, Debug)]
pub struct ExecutedBlock {
    /// The block.
    pub sealed: SealedBlock,
    /// The state after it.
    pub(crate) state: State,
    /// What its execution changed.
    pub(crate) changes: Arc<StateChanges>,
    /// How the call of the system contract ended; `None` on a chain without one.
    pub system: Option<SystemOutcome>,
}

impl ExecutedBlock {
    /// The state after the block.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the block changed in the state.
    pub fn changes(&self) -> &Arc<StateChanges> {
        &self.changes
    }

    /// How the system contract failed, if it did.
    pub fn system_failure(&self) -> Option<&SystemOutcome> {
        self.system
            .as_ref()
            .filter(|outcome| !matches!(outcome, SystemOutcome::Done { .. }))
    }

    /// The same block with another nonce, and so another hash; nothing is executed. `None` where the system contract was
    /// told the nonce, so that the state depends on it.
    pub fn with_nonce(mut self, nonce: u64) -> Option<Self> {
        if self.system.is_some() {
            return None;
        }
        self.sealed.block.header.nonce = nonce.into();
        self.sealed.hash = self.sealed.header().hash_slow();
        Some(self)
    }
}

/// Where a block is executed: on this parent, in this state.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub rules: Rules,
    pub parent: Arc<SealedBlock>,
    pub state: State,
    pub hashes: Arc<RecentHashes>,
}

impl Site {
    fn environment(&self, attributes: &BlockAttributes) -> BlockEnvironment {
        BlockEnvironment {
            number: self.parent.number().saturating_add(1),
            timestamp: attributes.timestamp,
            beneficiary: attributes.beneficiary,
            mix_hash: attributes.mix_hash,
            gas_limit: self.rules.gas_limit,
            base_fee: next_base_fee(self.parent.header()),
        }
    }

    fn executor(&self, environment: &BlockEnvironment) -> Executor {
        Executor::new(self.rules, environment, self.state.clone(), self.hashes.clone())
    }

    /// Puts header, body and receipts of executed transactions together.
    fn finish(
        &self,
        attributes: &BlockAttributes,
        environment: &BlockEnvironment,
        mut executor: Executor,
        transactions: Vec<RecoveredTransaction>,
    ) -> ExecutedBlock {
        let (transactions, senders): (Vec<_>, Vec<_>) =
            transactions.into_iter().map(RecoveredTransaction::into_parts).unzip();
        let receipts = std::mem::take(&mut executor.receipts);
        let (gas_used, logs_bloom) = (executor.gas_used, executor.bloom);
        let mut database = executor.into_database();
        let system = end_block(self.rules, environment, attributes.nonce, &mut database);
        let EvmDatabase { state, changes, .. } = database;
        let state = state.memory;
        let header = seal_header(HeaderParts {
            parent_hash: self.parent.hash,
            number: environment.number,
            timestamp: environment.timestamp,
            beneficiary: environment.beneficiary,
            mix_hash: environment.mix_hash,
            extra_data: attributes.extra_data.clone(),
            difficulty: attributes.difficulty,
            nonce: attributes.nonce,
            gas_limit: environment.gas_limit,
            base_fee: environment.base_fee,
            gas_used,
            state_root: state.root(),
            transactions_root: calculate_transaction_root(&transactions),
            receipts_root: calculate_receipt_root(&receipts),
            logs_bloom,
        });
        let body = BlockBody {
            transactions,
            ommers: Vec::new(),
            withdrawals: Some(Withdrawals::default()),
        };
        ExecutedBlock {
            sealed: SealedBlock::new(Block { header, body }, senders, receipts),
            state,
            changes: Arc::new(changes),
            system,
        }
    }

    /// Executes a received block and compares everything it claims.
    fn verify(&self, block: Block, senders: Option<Vec<Address>>) -> Result<ExecutedBlock, BlockError> {
        check_before_execution(&block, &self.parent)?;
        let Block { header, body } = block;
        if let Some(senders) = &senders
            && senders.len() != body.transactions.len()
        {
            return Err(BlockError::Senders {
                transactions: body.transactions.len(),
                senders: senders.len(),
            });
        }
        let mut senders = senders.map(Vec::into_iter);
        let attributes = BlockAttributes::of(&header);
        let environment = self.environment(&attributes);
        let mut executor = self.executor(&environment);
        let mut executed = Vec::with_capacity(body.transactions.len());
        for (index, transaction) in body.transactions.into_iter().enumerate() {
            let sender = senders.as_mut().and_then(Iterator::next);
            let known = check_chain(&transaction, self.rules.chain_id).and_then(|()| match sender {
                Some(sender) => with_sender(transaction, sender),
                None => recover(transaction),
            });
            let transaction = known.map_err(|source| BlockError::Transaction { index, source })?;
            executor
                .apply(&transaction)
                .map_err(|source| BlockError::Execution { index, source })?;
            executed.push(transaction);
        }
        let result = self.finish(&attributes, &environment, executor, executed);
        compare_headers(result.sealed.header(), &header)?;
        Ok(result)
    }
}

/// A received block about to be checked. It owns all it needs, so the chain can serve others while it runs.
#[derive(Clone, Debug)]
pub struct BlockCheck {
    pub(crate) work: Work,
}

/// What is left to do about a received block.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// To execute it.
    Execute(Box<Received>),
    /// Nothing: it was executed before.
    Done(Box<ExecutedBlock>),
}

/// A received block, and all it takes to execute it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub site: Site,
    pub block: Block,
    pub senders: Option<Vec<Address>>,
}

impl BlockCheck {
    /// Executes the block, unless that was done before, and compares every claim of its header.
    ///
    /// # Errors
    /// See [`BlockError`].
    pub fn run(self) -> Result<ExecutedBlock, BlockError> {
        match self.work {
            Work::Execute(received) => received.site.verify(received.block, received.senders),
            Work::Done(executed) => Ok(*executed),
        }
    }
}

/// A block about to be built. It owns all it needs, so the chain can serve others while it runs.
#[derive(Clone, Debug)]
pub struct BlockProposal {
    pub(crate) site: Site,
    pub(crate) attributes: BlockAttributes,
    /// Best first, each sender's in nonce order.
    pub(crate) candidates: Vec<Arc<PooledTransaction>>,
}

/// A built block and what was found unfit for it.
#[derive(Clone, Debug)]
pub struct BuiltBlock {
    /// The block, ready for [`crate::Chain::append`].
    pub executed: ExecutedBlock,
    /// Transactions that can never be executed as the state is now; the pool should drop them.
    pub refused: Vec<(B256, Refused)>,
}

/// Room that header, lists and prefixes of a block may need beside its transactions, in bytes.
const BLOCK_OVERHEAD_BYTES: usize = 64 * 1024;

impl BlockProposal {
    /// How many transactions wait to be put into the block.
    pub fn candidates(&self) -> usize {
        self.candidates.len()
    }

    /// Executes as many candidates as fit, best first, and seals the block.
    pub fn build(self) -> BuiltBlock {
        let environment = self.site.environment(&self.attributes);
        let mut executor = self.site.executor(&environment);
        let mut room = crate::block::BLOCK_BYTES_MAX - BLOCK_OVERHEAD_BYTES;
        let mut executed = Vec::new();
        let mut refused = Vec::new();
        // Once one transaction of a sender stays out, the later ones have a nonce gap.
        let mut stopped = BTreeSet::new();
        for candidate in self.candidates {
            let sender = candidate.transaction.signer();
            if stopped.contains(&sender) {
                continue;
            }
            // With what stands around it in the block.
            let size = candidate.transaction.network_len();
            let result = if size > room || executed.len() == BLOCK_TRANSACTIONS_MAX {
                Err(None)
            } else {
                executor.apply(&candidate.transaction).map_err(Some)
            };
            match result {
                Ok(()) => {
                    room -= size;
                    executed.push(candidate.transaction.clone());
                }
                Err(reason) => {
                    stopped.insert(sender);
                    match reason {
                        None | Some(Refused::BlockFull { .. }) => {}
                        Some(reason) => refused.push((candidate.hash, reason)),
                    }
                }
            }
        }
        let executed = self.site.finish(&self.attributes, &environment, executor, executed);
        BuiltBlock { executed, refused }
    }
}
