//! A job of commands as it was asked for. What became of it are its events.

use super::super::record::AskedWith;
use rayswarm_api::Problem;
use rayswarm_model::{JobId, UnixMillis};
use rayswarm_openjd::{Assets, run::RunPolicy};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// One job of commands as the journal keeps it. The template's text is kept: its file may change while the job runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// Its id.
    pub id: JobId,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// What it is made of.
    pub source: CommandSource,
    /// Folder for what it writes; the places that its parameters name by default.
    pub output: Option<PathBuf>,
    /// What people call it; the template's name by default.
    pub name: Option<String>,
    /// Which of this node's jobs people want first.
    pub priority: i32,
    /// How it is run.
    pub policy: RunPolicy,
    /// The key and body that it was asked with.
    pub asked_with: Option<AskedWith>,
    /// When its first task began.
    pub started_at: Option<UnixMillis>,
    /// When it was over.
    pub finished_at: Option<UnixMillis>,
    /// Why it could not go on for reasons that are not its own.
    pub problem: Option<Problem>,
}

/// What a job of commands is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSource {
    /// The template's file.
    pub template: PathBuf,
    /// Its text.
    pub text: String,
    /// Values of its parameters.
    pub values: BTreeMap<String, String>,
    /// Templates of environments around it: names and texts, outermost first.
    pub environments: Vec<(String, String)>,
    /// Files that no parameter names.
    pub assets: Assets,
}
