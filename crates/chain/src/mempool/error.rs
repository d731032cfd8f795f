//! Why the pool takes a transaction not.

use alloy_primitives::{Address, B256, U256};

use super::INIT_CODE_BYTES_MAX;

/// Why a transaction is not taken into the pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// It is there already.
    #[error("already known: transaction {0} waits in the pool")]
    AlreadyKnown(B256),
    /// The nonce was used.
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow {
        /// What the account expects.
        next: u64,
        /// What the transaction has.
        got: u64,
    },
    /// The nonce is so far ahead that the transaction would only take room.
    #[error("nonce too high: next nonce {next}, tx nonce {got}, at most {ahead} ahead; send the ones between first")]
    NonceTooHigh {
        /// What the account expects.
        next: u64,
        /// What the transaction has.
        got: u64,
        /// How far ahead is allowed.
        ahead: usize,
    },
    /// Same sender and nonce wait already, for nearly as much.
    #[error(
        "replacement transaction underpriced: fee cap {fee_cap} wei and tip {tip} wei are needed to replace nonce {nonce}"
    )]
    Underpriced {
        /// The contested nonce.
        nonce: u64,
        /// The least fee cap that replaces.
        fee_cap: u128,
        /// The least tip that replaces.
        tip: u128,
    },
    /// The account cannot pay for this and everything it has waiting.
    #[error(
        "insufficient funds for gas * price + value: balance {balance} wei, needed {needed} wei (transactions that wait included)"
    )]
    InsufficientFunds {
        /// What the account has.
        balance: U256,
        /// What all its waiting transactions may cost, this one included.
        needed: U256,
    },
    /// The gas limit does not cover the cost of merely sending it.
    #[error("intrinsic gas too low: gas {got}, minimum needed {needed}")]
    IntrinsicGas {
        /// Gas limit of the transaction.
        got: u64,
        /// What it needs before its first instruction.
        needed: u64,
    },
    /// More gas than one transaction or block may use.
    #[error("exceeds gas limit: transaction wants {got} gas, at most {limit} is possible; lower its gas limit")]
    GasLimit {
        /// Gas limit of the transaction.
        got: u64,
        /// The smaller of the block's limit and EIP-7825's.
        limit: u64,
    },
    /// Code larger than a contract's creation may be.
    #[error("max initcode size exceeded: {got} bytes, at most {INIT_CODE_BYTES_MAX} (EIP-3860)")]
    InitCode {
        /// Bytes of creation code.
        got: usize,
    },
    /// A tip above the fee cap can never be paid.
    #[error("max priority fee per gas higher than max fee per gas: tip {tip} wei, cap {fee_cap} wei")]
    TipAboveCap {
        /// Tip asked.
        tip: u128,
        /// Cap asked.
        fee_cap: u128,
    },
    /// EIP-3607: a contract cannot send.
    #[error("sender not an eoa: {0} has code")]
    SenderHasCode(Address),
    /// The sender has its share of the pool.
    #[error("account limit exceeded: {sender} has {waiting} transactions waiting; wait for them to be sealed")]
    SenderFull {
        /// The sender.
        sender: Address,
        /// How many it has waiting.
        waiting: usize,
    },
    /// No room.
    #[error("txpool is full: {transactions} transactions, {bytes} bytes; try again after the next block")]
    Full {
        /// Transactions in the pool.
        transactions: usize,
        /// Their bytes.
        bytes: usize,
    },
}
