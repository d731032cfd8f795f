//! What can go wrong with an engine: finding or installing it, talking to it, and what it leaves behind.

use rayswarm_model::FailureKind;
use rayswarm_sandbox::{Ended, SandboxError};
use std::{io, path::PathBuf, time::Duration};

/// An engine could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No version that will do is on this machine.
    #[error("{engine} {version} is not on this machine; run: {remedy}")]
    NotInstalled {
        /// The engine: `blender`, `povray`, `ffmpeg`.
        engine: &'static str,
        /// The version looked for, or `any version`.
        version: String,
        /// The command that installs it.
        remedy: String,
    },
    /// A version that Rayswarm has no pinned hash for.
    #[error("{engine} {version} is not known to this Rayswarm, so its download could not be checked; known: {known}")]
    UnknownVersion {
        /// The engine.
        engine: &'static str,
        /// The version asked for.
        version: String,
        /// The versions it knows.
        known: String,
    },
    /// A download is not the file that was expected.
    #[error("the downloaded {file} has SHA-256 {found}, expected {expected}; nothing was installed")]
    Checksum {
        /// Name of the file.
        file: String,
        /// Pinned hash.
        expected: String,
        /// What came.
        found: String,
    },
    /// A tool that installs engines failed.
    #[error("`{command}` failed:\n{log}")]
    Install {
        /// What was run.
        command: String,
        /// The last lines it printed.
        log: String,
    },
    /// The sandbox could not be had or its result not trusted.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file of ours could not be read or written.
    #[error("{what} {path} failed")]
    File {
        /// What was being done, for example `reading`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The engine's process ended when it should not have.
    #[error("{engine} {ended}; its last lines:\n{log}")]
    Died {
        /// The engine.
        engine: &'static str,
        /// How it ended.
        ended: Ended,
        /// The last lines it printed.
        log: String,
    },
    /// The engine's process gave no sign of life for too long and was killed.
    #[error("{engine} gave no sign of progress for {} s and was killed; its last lines:\n{log}", silence.as_secs())]
    Silent {
        /// The engine.
        engine: &'static str,
        /// How long it was waited for.
        silence: Duration,
        /// The last lines it printed.
        log: String,
    },
    /// The engine's process said something that is not of the protocol.
    #[error("{engine} answered out of protocol ({what}): {line:?}")]
    Protocol {
        /// The engine.
        engine: &'static str,
        /// What was wrong with it.
        what: String,
        /// The line, cut short.
        line: String,
    },
    /// The engine understood, tried, and failed at this.
    #[error("{engine} could not {what}: {message}\n{log}")]
    Failed {
        /// The engine.
        engine: &'static str,
        /// What it was asked to do, for example `render frame 7`.
        what: String,
        /// What it said.
        message: String,
        /// The last lines it printed; may be empty.
        log: String,
    },
    /// The scene or the request can never work with this engine.
    #[error("{message}; {remedy}")]
    Refused {
        /// Stable word for programs: `not_a_blend`, `newer_version`, `slices`…
        code: &'static str,
        /// What is wrong, with the names of the things concerned.
        message: String,
        /// What to change.
        remedy: String,
    },
}

impl EngineError {
    /// What follows from it for the task or job.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Refused { .. } | Self::UnknownVersion { .. } => FailureKind::Permanent,
            _ => FailureKind::Transient,
        }
    }

    /// For `map_err`: a file of ours could not be read or written.
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
