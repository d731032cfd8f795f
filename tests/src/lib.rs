//! What the end-to-end tests share: the program, scratch folders, nodes that can be killed, and waiting for conditions.
//!
//! | module | holds |
//! |---|---|
//! | [`farm`] | the program under test, its scratch folder, commands and their answers |
//! | [`money`] | what must be true of a finished job's money |
//! | [`node`] | one daemon process: start, ask, kill, start again, stop |
//! | [`wait`] | waiting for a condition, with a deadline that fails the test |
//!
//! Tests drive the program as people do: processes, exit codes, `--json`. Nothing here reaches into a node.

pub mod farm;
pub mod money;
pub mod node;
pub mod wait;

pub use farm::{Answer, Farm};
pub use node::Node;
pub use wait::until;
