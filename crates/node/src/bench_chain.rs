//! A measurement: how many transfers a chain takes, and how soon they count.
//!
//! One client for every chain, ours or another: the same signed transfers, the same connections and batches, and the same way
//! to see in which block a transfer is. What it measures it sees through Ethereum JSON-RPC alone.
//!
//! | module | holds |
//! |---|---|
//! | `transfers` | who sends, and what is signed before the clock starts |
//! | `rpc` | JSON-RPC in batches, one connection each |
//! | `load` | sending, without a pause or at a rate |
//! | `watch` | blocks as they come to count |
//! | `roots` | what state roots cost |

mod load;
mod roots;
mod rpc;
mod transfers;
mod watch;

pub use load::{Full, Paced, at_a_rate, without_a_pause};
pub use roots::{StateRoots, Touched, state_roots};
pub use rpc::Rpc;
pub use transfers::{Senders, Transfer};
pub use watch::Counts;

/// Accounts that send, each to the next: so few that nothing is measured but transfers.
pub const SENDERS: u32 = 200;
/// Connections of the client. A sender keeps to one, so that its transfers come in their order.
pub const CONNECTIONS: usize = 4;
/// The most transfers in one request.
pub const BATCH: usize = 100;
/// A chain that is measured.
#[derive(Clone, Debug)]
pub struct Target {
    /// JSON-RPC of its nodes. Connections are shared out among them; the first one's blocks are looked at.
    pub urls: Vec<String>,
    /// When a transfer counts.
    pub counts: Counts,
    /// The most transfers under way, sent and not yet in a block that counts.
    pub under_way: usize,
}

#[cfg(test)]
mod tests;
