//! Real values of every kind, encoded: what the corpus begins with. They are the same every time.
#![allow(
    clippy::unwrap_used,
    reason = "what is made here is right, or nothing of this crate is"
)]

pub mod chain;
pub mod consensus;
pub mod model;
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "node")]
pub mod node;

/// An input with its name.
pub type Sample = (&'static str, Vec<u8>);

/// What a target's corpus has of these values; nothing for a name that is none.
pub fn of(target: &str) -> Vec<Sample> {
    match target {
        "block" => chain::blocks(),
        "header" => chain::headers(),
        "executed_block" => chain::executed_blocks(),
        "transaction" => chain::transactions(),
        "consensus_message" => consensus::messages(),
        "consensus_seal" => consensus::seals(),
        "consensus_log" => consensus::logs(),
        "document" => model::documents(),
        #[cfg(feature = "network")]
        "chain_word" => network::words(),
        #[cfg(feature = "network")]
        "chain_question" => network::questions(),
        #[cfg(feature = "network")]
        "chain_answer" => network::answers(),
        #[cfg(feature = "network")]
        "peer_message" => network::messages(),
        #[cfg(feature = "node")]
        "rpc_request" => node::requests(),
        #[cfg(feature = "node")]
        "block_file" => node::block_files(),
        #[cfg(feature = "node")]
        "genesis_file" => node::genesis_files(),
        _ => Vec::new(),
    }
}
