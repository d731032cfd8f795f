//! Typed client of the contracts over any Ethereum JSON-RPC: our own chain, anvil, an L2.
//!
//! [`Settlement`] speaks for one account. Its steps look at the chain before they send, and what they send is written down
//! first, so a daemon that was killed at any moment calls again and gets the same answer; nobody is paid twice.
//!
//! ```no_run
//! # async fn demo(terms: rayswarm_settlement::JobTerms) -> Result<(), Box<dyn std::error::Error>> {
//! use rayswarm_model::{B256, Caps, allocation::Cap, signed::{Signed, Voucher}};
//! use rayswarm_settlement::{Settlement, keystore};
//!
//! let key = keystore::load_or_create("data".as_ref(), None)?;
//! let contracts = Settlement::deploy("http://127.0.0.1:8545", key.clone()).await?;
//! let settlement = Settlement::connect("http://127.0.0.1:8545", key.clone(), contracts).await?;
//! let opened = settlement.open_job(&terms, B256::ZERO).await?;
//! # let (provider, cumulative) = Default::default();
//! let caps = Caps::new(vec![Cap { provider, cap: terms.budget }])?;
//! settlement.allocate(opened.job_id, &caps, B256::ZERO).await?;
//! let voucher = Voucher { job: opened.job_id, provider, cumulative };
//! let signed = Signed::sign(voucher, &settlement.domain(), &key);
//! settlement.close_job(opened.job_id, &[signed], &caps).await?;
//! # Ok(()) }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`keystore`] | the account's secret on disk, encrypted |
//! | [`keyfile`] | other secrets on disk |
//! | [`chain_id`] | ids of chains that are made here |
//! | [`contracts`](Contracts) | their addresses |
//! | [`settlement`](Settlement) | connecting, balances |
//! | `deploy` | putting the contracts on a chain |
//! | [`jobs`] | open, caps, payments, claims, refund, history |
//! | [`outbox`] | transactions on their way, found again after a restart |
//! | [`registry`] | the list of providers |
//! | [`stakes`] | what accounts put at risk, what jurors weigh |
//! | [`disputes`] | claims rejected, juries, verdicts, appeals |
//! | `allowance` | letting a contract take tokens |
//! | [`validators`] | who votes on a chain of ours: stake, votes, rewards |
//! | [`status`](chain_status) | where a chain stands, as its server tells it |
//! | [`movements`] | what the account paid, got back and earned |
//! | [`explorer`] | blocks and transactions in words |
//! | [`revert`] | what a contract refused, as a sentence |
//! | `rpc`, `sender` | JSON-RPC calls, [`identify`], [`ask_faucet`]; one account's transactions in order |
//!
//! Deliberately missing: any knowledge of who is owed what. Vouchers come in signed, caps chosen.

mod allowance;
mod bindings;
pub mod chain_id;
mod contracts;
mod deploy;
pub mod disputes;
mod error;
pub mod explorer;
pub mod jobs;
pub mod keyfile;
pub mod keystore;
pub mod movements;
pub mod outbox;
pub mod registry;
pub mod revert;
mod rpc;
mod sender;
mod settlement;
pub mod stakes;
mod status;
pub mod validators;

pub use contracts::{Contracts, ParseContractsError};
pub use deploy::DeploySettings;
pub use disputes::{Ballot, Committee, Dispute, DrawOutcome, Drawn, Phase, Rejected, Round, Seat, Since};
pub use error::SettlementError;
pub use explorer::{Block, BlockName, ChainEvent, Transaction};
pub use jobs::{
    Allocated, Claim, ClaimState, Closed, Epochs, FiledClaim, Job, JobEvent, JobEventKind, JobState, JobTerms, Opened,
    Payments, PendingEpoch, Redeemed, Refunded, SHARES_PER_SETTLEMENT_MAX, SettledShares, Shortfall,
};
pub use movements::{Movement, MovementKind, Movements};
pub use outbox::{MemoryOutbox, Outbox, OutboxError, Outgoing};
pub use registry::{EndpointSignature, Provider, ProviderOffer, TrustTier};
pub use revert::Revert;
pub use rpc::{ChainName, ask_faucet, identify};
pub use sender::Mined;
pub use settlement::{Chronicle, Settlement};
pub use stakes::Standing;
pub use status::{ChainStatus, chain_status};
pub use validators::{Validators, ValidatorsView};
