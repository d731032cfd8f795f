//! Nodes that order blocks by proof of work, in a world whose every delay, loss and crash comes from a seed.
//!
//! | module | holds |
//! |---|---|
//! | [`chain`] | what stands in for the chain: encoded headers without transactions, and what a crash leaves of them |
//! | [`node`] | one node: a real `Pow`, driven as the daemon drives it |
//! | [`world`] | time, links, miners |
//! | [`faults`] | what goes wrong in the run of a seed |
//! | [`race`] | a double spend: a secret branch against confirmations |
//!
//! Nodes run `Pow` itself, unchanged, and check all of every header, nonce included. *When* a miner finds a block is drawn
//! from the exponential distribution of its hash rate over the difficulty; the nonce is then searched for at no cost in simulated
//! time. Difficulties are some tens to some thousands, so that searching takes little real time; nothing else depends on
//! how great they are.

pub mod chain;
pub mod faults;
pub mod node;
pub mod race;
pub mod world;

pub use faults::Faults;
pub use node::Violation;
pub use race::Race;
pub use world::{Setup, World};
