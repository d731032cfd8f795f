//! The HTTP face of a node as types, and a typed client. The command line and every later face are clients of it.
//!
//! | module | holds |
//! |---|---|
//! | [`job`] | asking for a job, and what the daemon says about it |
//! | [`farm`] | providers, wallet, node and invitation |
//! | [`problem`] | errors as RFC 9457 problem documents |
//! | [`client`] | the typed client |
//!
//! Amounts are decimal strings of base units; times are milliseconds since 1970; sizes are bytes.

pub mod client;
pub mod farm;
pub mod job;
pub mod problem;

pub use client::{Client, ClientError};
pub use problem::Problem;
