//! What can go wrong before, around and after an untrusted process.

use std::{io, path::PathBuf};

/// A sandbox could not be had, started, or trusted with its result.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A program the walls are built with is not installed.
    #[error("{program} is not installed, so no stranger's work can be taken; run: {remedy}")]
    NotInstalled {
        /// The program that was looked for.
        program: &'static str,
        /// The command that installs it.
        remedy: &'static str,
    },
    /// bubblewrap is there and does not work.
    #[error("bubblewrap cannot build a sandbox here ({reason}); {remedy}")]
    CannotRun {
        /// What bubblewrap said.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// The kernel does not say which processes belong to which.
    #[error(
        "this kernel has no /proc/thread-self/children, so a sandbox cannot be watched; use one with CONFIG_PROC_CHILDREN"
    )]
    CannotWatch,
    /// A file or folder to be shown inside is not there.
    #[error("{path} cannot be shown inside the sandbox; check that it exists")]
    Bind {
        /// On this machine.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file or folder to be shown inside may not be read by the sandbox's user.
    #[error(
        "{path} may be read by its owner only, and the sandbox runs as a user of its own; run: chmod -R o+rX {path}"
    )]
    Unreadable {
        /// On this machine.
        path: PathBuf,
    },
    /// A path inside the sandbox is not absolute or has `..` in it.
    #[error("{path:?} is not an absolute path inside the sandbox")]
    Inside {
        /// As given.
        path: PathBuf,
    },
    /// The walls themselves could not be started.
    #[error("{program} could not be started in the sandbox")]
    Start {
        /// The program inside.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A result is not an ordinary file that the process itself wrote.
    #[error("{name:?} left by the sandboxed process is {what}; its result is refused")]
    NotAResult {
        /// Its name in the result folder.
        name: String,
        /// What it is instead.
        what: &'static str,
    },
    /// A result could not be taken.
    #[error("{path} could not be taken from the sandbox")]
    Claim {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
