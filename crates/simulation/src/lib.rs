//! A seeded world that drives the pure crates: the same seed gives the same run, event by event.
//!
//! | module | holds |
//! |---|---|
//! | [`bft`] | validators of pos and dpos on a bad network, some of them equivocating |
//! | [`pow`] | nodes that order blocks by proof of work: delays, loss, partitions, crashes, miners, a double spend |

pub mod bft;
pub mod pow;
