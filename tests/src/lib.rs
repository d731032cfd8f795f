//! What the end-to-end tests share: the program, scratch folders, nodes that can be killed, and waiting for conditions.
//!
//! | module | holds |
//! |---|---|
//! | [`cheat`] | a renderer that cheats |
//! | [`disk`] | a disk so small that it fills up |
//! | [`farm`] | the program under test, its scratch folder, commands and their answers |
//! | [`job`] | one job that a command follows |
//! | [`keeper`] | one process that keeps a chain |
//! | [`keepers`] | all nodes of one chain |
//! | [`lan`] | machines of their own, and the cables between them |
//! | [`leftovers`] | what a job must not leave on disk |
//! | [`money`] | what must be true of a finished job's money |
//! | [`node`] | one daemon process: start, ask, kill, start again, stop |
//! | [`processes`] | whose processes are there, and signals to them |
//! | [`purse`] | an account on the chain, also one that cheats |
//! | [`scenes`] | small scenes with a trap |
//! | [`terminal`] | commands that run while a test looks, also in a terminal of their own |
//! | [`town`] | a node that seals a chain, and others that join it |
//! | [`traffic`] | transfers and settlements that go on while nodes are killed |
//! | [`wait`] | waiting for a condition, with a deadline that fails the test |
//! | [`web`] | programs of the web: one that asks, and one that serves files |
//!
//! Tests drive the program as people do: processes, exit codes, `--json`. Nothing here reaches into a node.

pub mod cheat;
pub mod disk;
pub mod farm;
pub mod job;
pub mod keeper;
pub mod keepers;
pub mod lan;
pub mod leftovers;
pub mod money;
pub mod node;
pub mod processes;
pub mod purse;
pub mod scenes;
pub mod terminal;
pub mod town;
pub mod traffic;
pub mod wait;
pub mod web;

pub use farm::{Answer, Farm};
pub use job::Job;
pub use node::Node;
pub use processes::nothing_left;
pub use terminal::{Running, Terminal};
pub use wait::until;
