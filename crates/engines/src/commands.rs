//! Commands instead of a renderer: sessions of Open Job Description jobs in the sandbox.
//!
//! | module | holds |
//! |---|---|
//! | [`files`] | a job's files: what a session may read, what it may write |
//! | [`folder`] | the folders of one session |
//! | [`store`] | files that tasks wrote, by content |
//! | [`collect`] | taking them out of a folder that a process can write |
//! | [`tools`] | programs that sessions find: `blender`, `python` |
//! | [`process`] | the shell inside the sandbox that runs actions |
//! | [`session`] | one session: enter, run, leave |
//! | [`places`] | where sessions are run: this machine, or others |
//! | [`mod@drive`] | a whole job |
//!
//! What comes next is decided by the pure crate `openjd`. Why sessions are run by a shell of ours and not by the crate
//! `openjd-sessions`: docs/adr/0015.

pub mod collect;
pub mod drive;
mod error;
pub mod files;
pub mod folder;
pub mod places;
pub mod process;
mod sequence;
pub mod session;
pub mod store;
pub mod tools;

pub use drive::{Ledger, Stop, Witness, drive};
pub use error::CommandsError;
pub use files::JobFiles;
pub use places::Workshop;
pub use session::{CommandLimits, CommandSession};
pub use store::FileStore;
pub use tools::Tools;

/// Where a session's own folder appears: its working directory.
pub const WORK: &str = "/work";
/// Where what it is given to run appears, read-only.
pub const CONTROL: &str = "/session";
