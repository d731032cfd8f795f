//! The HTTP face of a node as types, and a typed client. The command line and every later face are clients of it.
//!
//! | module | holds |
//! |---|---|
//! | [`job`] | asking for a job, and what the daemon says about it |
//! | [`commands`] | templates of jobs of commands, before they run |
//! | [`task`] | a job's tasks, attempts and audits |
//! | [`event`] | what the event stream tells |
//! | [`upload`] | files in chunks |
//! | [`render`] | one picture of the web through a model |
//! | [`farm`] | providers, wallet, node and invitation |
//! | [`chain`] | blocks and transactions |
//! | [`access`] | tokens and webhooks |
//! | [`page`] | lists in pages |
//! | [`problem`] | errors as RFC 9457 problem documents |
//! | [`time`] | points in time |
//! | [`client`] | the typed client |
//!
//! Amounts are decimal strings of base units; times are RFC 3339; sizes are bytes; spans say their unit in their name.

pub mod access;
pub mod chain;
pub mod client;
pub mod commands;
pub mod event;
pub mod farm;
pub mod job;
pub mod page;
pub mod problem;
pub mod render;
pub mod task;
pub mod time;
pub mod upload;

pub use client::{Client, ClientError};
pub use problem::Problem;
pub use time::Time;
