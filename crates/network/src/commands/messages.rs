//! The messages of the commands protocol.

use crate::frame::Message;
use rayswarm_model::{BlobId, JobId, TaskId, signed::SignedEndpointBinding};
use serde::{Deserialize, Serialize};

/// The longest line of a command's output that is passed on.
pub const LINE_BYTES_MAX: usize = 8 << 10;
/// The longest reason in words.
const REASON_BYTES_MAX: usize = 4 << 10;

/// A document that travels as a blob of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentDocument {
    /// The blob.
    pub blob: BlobId,
    /// Its length.
    pub bytes: u64,
}

/// What a session is ordered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOrder {
    /// The job; the blobs of both sides belong to it.
    pub job: JobId,
    /// Whose order it is: the account's signature over the node that dials.
    pub binding: SignedEndpointBinding,
    /// The step to be run and its files.
    pub document: SentDocument,
}

/// What a requestor wants of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionCall {
    /// Enter every environment.
    Enter,
    /// Run a task.
    Run(TaskId),
    /// End what is being run, as its template says.
    Cancel,
    /// Leave every environment and end.
    Close,
}

/// What a session answers and tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionWord {
    /// The session is open; nothing of the job has run yet.
    Opened,
    /// It is not opened.
    Refused {
        /// Why, in words.
        reason: String,
        /// Whether asking again is of no use for this step.
        lasting: bool,
    },
    /// A command printed a line.
    Line(String),
    /// Thousandths of the running task that are done.
    Progress(u32),
    /// What the running task does.
    Status(String),
    /// All environments are entered.
    Entered,
    /// The task is done; the document lists the files it wrote.
    Done(SentDocument),
    /// The last call failed.
    Failed(String),
    /// The session has ended.
    Closed,
}

impl Message for SessionOrder {
    const NAME: &'static str = "an order";
    const BYTES_MAX: usize = 1 << 10;
}

impl Message for SessionCall {
    const NAME: &'static str = "a call to a session";
    const BYTES_MAX: usize = 64;
}

impl Message for SessionWord {
    const NAME: &'static str = "a session's word";
    const BYTES_MAX: usize = LINE_BYTES_MAX + 64;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Line(text) if text.len() > LINE_BYTES_MAX => Err("a line is longer than 8 KiB"),
            Self::Status(text) | Self::Failed(text) | Self::Refused { reason: text, .. }
                if text.len() > REASON_BYTES_MAX =>
            {
                Err("words are longer than 4 KiB")
            }
            _ => Ok(()),
        }
    }
    fn cut_words(&mut self) {
        match self {
            Self::Line(text) => text.truncate(text.floor_char_boundary(LINE_BYTES_MAX)),
            Self::Status(text) | Self::Failed(text) | Self::Refused { reason: text, .. } => {
                text.truncate(text.floor_char_boundary(REASON_BYTES_MAX));
            }
            _ => {}
        }
    }
}
