//! What can go wrong with settlement, and what follows from it.

use crate::{disputes::Phase, outbox::OutboxError, revert::Revert, validators::SetKind};
use alloy::{primitives::B256, transports::TransportError};
use rayswarm_model::{Address, Amount, DisputeId, FailureKind, JobId, money::TOKEN_DECIMALS};
use std::time::Duration;

/// A settlement step did not happen. [`SettlementError::kind`] says whether to try again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettlementError {
    /// The RPC address cannot be used.
    #[error(
        "{url:?} is not an http(s) address of a JSON-RPC server ({reason}); give one such as http://127.0.0.1:8545"
    )]
    Url {
        /// As typed.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No answer came.
    #[error("the chain at {url} did not answer {method}; check that it runs and can be reached")]
    Unreachable {
        /// The server.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// The server refused the call for a reason that is not a contract's.
    #[error("the chain refused {method}: {message} (code {code})")]
    Refused {
        /// The JSON-RPC method.
        method: &'static str,
        /// The JSON-RPC error code.
        code: i64,
        /// In the server's words.
        message: String,
    },
    /// The server answered something that makes no sense here.
    #[error(
        "the chain's answer to {method} makes no sense ({reason}); is it an Ethereum chain with Rayswarm's contracts?"
    )]
    Nonsense {
        /// The JSON-RPC method or contract function.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A contract refused.
    #[error("{action} was refused: {revert}")]
    Reverted {
        /// What was tried.
        action: &'static str,
        /// The contract's reason.
        revert: Revert,
    },
    /// The transaction was mined and failed without a reason that can be found again.
    #[error("{action} was mined in transaction {tx} but failed (out of gas, or the job changed meanwhile); try again")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// The failed transaction.
        tx: B256,
    },
    /// The transaction was accepted and has not been mined.
    #[error("{action} was sent as transaction {tx} and not mined within {} s; call again, nothing is paid twice", waited.as_secs())]
    NotMined {
        /// What was tried.
        action: &'static str,
        /// The waiting transaction.
        tx: B256,
        /// How long we waited.
        waited: Duration,
    },
    /// The account cannot pay for gas.
    #[error("account {account} has {balance_wei} wei of the chain's own currency, not enough for gas; send it some")]
    NoGas {
        /// The sender.
        account: Address,
        /// What it has.
        balance_wei: u128,
    },
    /// The account holds too few payment tokens.
    #[error("account {account} holds {balance} tokens of {token} and {purpose} needs {needed}; add tokens")]
    NotEnoughTokens {
        /// Who would pay.
        account: Address,
        /// The token.
        token: Address,
        /// What for.
        purpose: &'static str,
        /// How much that takes.
        needed: Amount,
        /// What it has.
        balance: Amount,
    },
    /// An address does not hold the contract it should on this chain.
    #[error("there is no {what} at {address} on chain {chain_id}; use the chain and contracts of one network")]
    WrongContracts {
        /// The contract.
        what: &'static str,
        /// Where it should be.
        address: Address,
        /// The chain that was asked.
        chain_id: u64,
    },
    /// Amounts would be shown and typed wrongly by powers of ten.
    #[error(
        "the token {token} counts in {decimals} decimals and Rayswarm shows and reads amounts in {TOKEN_DECIMALS}; \
         name a token with {TOKEN_DECIMALS}"
    )]
    TokenDecimals {
        /// The token.
        token: Address,
        /// Its `decimals()`.
        decimals: u8,
    },
    /// Only development chains give coins away.
    #[error("the chain at {url} has no faucet; send {account} coins for fees, and tokens to pay with")]
    NoFaucet {
        /// The server.
        url: String,
        /// Who asked.
        account: Address,
    },
    /// The id is taken by a job with other terms.
    #[error("job {job} is already open with another {field}; use a new salt")]
    OtherTerms {
        /// The job.
        job: JobId,
        /// The first term that differs.
        field: &'static str,
    },
    /// Another transaction of the account has taken the nonce of this one.
    #[error("{action} was overtaken by another transaction of this account; call again, nothing is paid twice")]
    Overtaken {
        /// What was tried.
        action: &'static str,
    },
    /// Transactions cannot be written down; then none is sent.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A book of settings does not read.
    #[error("the settings of the contracts do not read ({reason}); write them as in contracts/addresses.json")]
    Book {
        /// What is wrong with it.
        reason: String,
    },
    /// Registry and escrow are of different deployments.
    #[error(
        "the escrow {escrow} reads stakes from {stakes}, not from the registry {registry}; name contracts of one deployment"
    )]
    OtherRegistry {
        /// The escrow.
        escrow: Address,
        /// The registry that was named.
        registry: Address,
        /// The registry that belongs to the escrow.
        stakes: Address,
    },
    /// A provider that is not among the caps cannot be paid.
    #[error("{provider} has no cap in the epoch in force of job {job}; publish caps with one and pay it then")]
    NoCap {
        /// The job.
        job: JobId,
        /// The provider.
        provider: Address,
    },
    /// The block whose randomness draws a committee is not past.
    #[error("the committee of dispute {dispute} is drawn after block {draw_block} and the chain is at {height}; wait")]
    DrawNotDue {
        /// The dispute.
        dispute: DisputeId,
        /// The block that must be there.
        draw_block: u64,
        /// The newest block.
        height: u64,
    },
    /// A step of a dispute comes in a later phase.
    #[error("{action} must wait: dispute {dispute} is {phase}; try again later")]
    DisputeNotYet {
        /// What was tried.
        action: &'static str,
        /// The dispute.
        dispute: DisputeId,
        /// Where it stands.
        phase: Phase,
    },
    /// The account is no juror of that round.
    #[error("{juror} has no seat in round {round} of dispute {dispute}")]
    NotSeated {
        /// The dispute.
        dispute: DisputeId,
        /// The round, from 0.
        round: u8,
        /// The account.
        juror: Address,
    },
    /// A dispute is not in the round that was meant.
    #[error("dispute {dispute} is not in round {round}, so nothing can be done in it; look at the present round")]
    OtherRound {
        /// The dispute.
        dispute: DisputeId,
        /// The round that was meant, from 0.
        round: u8,
    },
    /// A server's header of a block does not hash to the block's hash.
    #[error(
        "the header of block {number} as the server tells it hashes to {actual}, not to {expected}; ask another server"
    )]
    HeaderWrong {
        /// The block.
        number: u64,
        /// Its hash.
        expected: B256,
        /// What its header gives.
        actual: B256,
    },
    /// A juror has committed to something else already, which it alone can reveal.
    #[error("{juror} has committed to {committed} in dispute {dispute} already; reveal what that hides")]
    OtherCommitment {
        /// The dispute.
        dispute: DisputeId,
        /// The juror.
        juror: Address,
        /// What it committed to.
        committed: B256,
    },
    /// A chain is in no book of settings.
    #[error(
        "no settings are known for contracts on chain {chain_id}; write them as in contracts/addresses.json and name that file \
         with --deploy-book"
    )]
    NoSettings {
        /// The chain.
        chain_id: u64,
    },
    /// Nobody votes on the chain.
    #[error("chain {chain_id} has no validators: its blocks are mined (pow) or sealed by one node (solo)")]
    NoValidators {
        /// The chain.
        chain_id: u64,
    },
    /// What was asked for is for chains with delegates.
    #[error("{action} is for delegated proof of stake (dpos), and this chain's consensus is {consensus}")]
    NoDelegates {
        /// What was tried.
        action: &'static str,
        /// The chain's.
        consensus: SetKind,
    },
    /// A voucher belongs to another job.
    #[error("a voucher for job {voucher_job} was handed in for job {job}; hand it in for its own")]
    OtherJobsVoucher {
        /// The job being settled.
        job: JobId,
        /// The job of the voucher.
        voucher_job: JobId,
    },
}

impl SettlementError {
    /// Whether the same call may succeed later.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unreachable { .. }
            | Self::Failed { .. }
            | Self::NotMined { .. }
            | Self::Overtaken { .. }
            | Self::DrawNotDue { .. }
            | Self::DisputeNotYet { .. }
            | Self::Outbox(_) => FailureKind::Transient,
            // Rate limits and internal errors of the server; other codes describe the request.
            Self::Refused {
                code: -32005 | -32603 | 429,
                ..
            } => FailureKind::Transient,
            Self::Reverted { revert, .. } if revert.is_only_early() => FailureKind::Transient,
            _ => FailureKind::Permanent,
        }
    }
}
