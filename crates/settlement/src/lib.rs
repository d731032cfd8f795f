//! Typed client of the contracts over any Ethereum JSON-RPC: our own chain, anvil, an L2.
//!
//! [`Settlement`] speaks for one account. Opening, closing and refunding look at the chain before they send, so a daemon
//! that was killed between sending and writing its journal calls again and gets the same answer; nobody is paid twice.
//!
//! ```no_run
//! # async fn demo(terms: rayswarm_settlement::JobTerms) -> Result<(), Box<dyn std::error::Error>> {
//! use rayswarm_model::{B256, signed::{Signed, Voucher}};
//! use rayswarm_settlement::{Settlement, keyfile};
//!
//! let key = keyfile::load_or_create("account.key".as_ref())?;
//! let contracts = Settlement::deploy("http://127.0.0.1:8545", key.clone()).await?;
//! let settlement = Settlement::connect("http://127.0.0.1:8545", key.clone(), contracts).await?;
//! let opened = settlement.open_job(&terms, B256::ZERO).await?;
//! # let (provider, cumulative) = Default::default();
//! let voucher = Voucher { job: opened.job_id, provider, cumulative };
//! let signed = Signed::sign(voucher, &settlement.domain(), &key);
//! settlement.close_job(opened.job_id, &[signed]).await?;
//! # Ok(()) }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`keyfile`] | the account's secret on disk |
//! | [`contracts`](Contracts) | their addresses |
//! | [`settlement`](Settlement) | connecting, deploying, balances |
//! | [`jobs`] | open, redeem, close, refund, history |
//! | [`registry`] | the list of providers |
//! | [`movements`] | what the account paid, got back and earned |
//! | [`explorer`] | blocks and transactions in words |
//! | [`revert`] | what a contract refused, as a sentence |
//! | `rpc`, `sender` | JSON-RPC calls, [`identify`], [`ask_faucet`]; one account's transactions in order |
//!
//! Deliberately missing: any knowledge of who is owed what. Vouchers come in signed.

mod bindings;
mod contracts;
mod error;
pub mod explorer;
pub mod jobs;
pub mod keyfile;
pub mod movements;
pub mod registry;
pub mod revert;
mod rpc;
mod sender;
mod settlement;

pub use contracts::{Contracts, ParseContractsError};
pub use error::SettlementError;
pub use explorer::{Block, BlockName, ChainEvent, Transaction};
pub use jobs::{Closed, Job, JobEvent, JobEventKind, JobState, JobTerms, Opened, Redeemed, Refunded, Shortfall};
pub use movements::{Movement, MovementKind, Movements};
pub use registry::{Provider, ProviderOffer};
pub use revert::Revert;
pub use rpc::{ChainName, ask_faucet, identify};
pub use sender::Mined;
pub use settlement::Settlement;
