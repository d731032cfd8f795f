//! What another node needs to know to run sessions of a step.

use super::record::CommandSource;
use crate::session_files::SentFile;
use serde::{Deserialize, Serialize};

/// The job as it was asked for, a step of it, and the files that its sessions see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandOrder {
    /// The job. Paths in it are of the machine that has the job.
    pub source: CommandSource,
    /// The step's number.
    pub step: u64,
    /// The places inside of what is read, folders that are empty included.
    pub reads: Vec<String>,
    /// The files at and below them.
    pub files: Vec<SentFile>,
    /// What earlier steps wrote.
    pub before: Vec<SentFile>,
}
