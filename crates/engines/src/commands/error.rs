//! Why commands cannot be run here.

use rayswarm_openjd::OpenJdError;
use rayswarm_sandbox::SandboxError;
use std::{io, path::PathBuf};

/// A job of commands, or a session of it, cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum CommandsError {
    /// The template or its values.
    #[error(transparent)]
    Job(#[from] OpenJdError),
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file or folder that commands read is not there.
    #[error("{name} is {path}, which is no {wanted} that can be read; check the path")]
    NoInput {
        /// The parameter or file that names it.
        name: String,
        /// The path.
        path: PathBuf,
        /// `file` or `folder`.
        wanted: &'static str,
    },
    /// A file of ours could not be read or written.
    #[error("{what} {path} failed")]
    File {
        /// What was being done, for example `copying`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A kept file is not what it was.
    #[error("the kept file {hash} of {path} is gone or spoilt; run the job again")]
    Spoilt {
        /// BLAKE3 of what it held.
        hash: String,
        /// Where it belongs.
        path: String,
    },
    /// A task wrote more than is taken.
    #[error("it wrote more than {most} {what}; write less, or into fewer files")]
    TooMuch {
        /// `files` or `bytes`.
        what: &'static str,
        /// The limit.
        most: u64,
    },
    /// The shell inside the sandbox ended.
    #[error("the session's process {ended}: {log}")]
    Ended {
        /// How.
        ended: String,
        /// Its last words.
        log: String,
    },
}

impl CommandsError {
    /// For `map_err`: a file of ours could not be read or written.
    pub(crate) fn file<P: Into<PathBuf>>(what: &'static str, path: P) -> impl FnOnce(io::Error) -> Self + use<P> {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }

    /// The error and all its causes as one sentence.
    pub fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(next) = cause {
            text.push_str(": ");
            text.push_str(&next.to_string());
            cause = next.source();
        }
        text
    }
}
