//! What `/v1/events` tells, as server-sent events whose `id` grows by one.

use crate::{
    job::{JobSummary, Output},
    task::TaskRow,
    time::Time,
};
use rayswarm_model::JobId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Something that happened on the node. The tag is the event's name, the content its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum NodeEvent {
    /// Events are lost: read everything anew.
    Reset(Nothing),
    /// A job was created or has changed.
    Job(JobSummary),
    /// Tasks have changed.
    Tasks(TasksChanged),
    /// A file is finished.
    Output(OutputMade),
    /// A job says something.
    Log(LogSaid),
    /// Who provides has changed: ask again.
    Providers(Nothing),
    /// A block was sealed.
    Block(BlockSealed),
}

impl NodeEvent {
    /// Its name, as webhooks and the event stream use it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Reset(_) => "reset",
            Self::Job(_) => "job",
            Self::Tasks(_) => "tasks",
            Self::Output(_) => "output",
            Self::Log(_) => "log",
            Self::Providers(_) => "providers",
            Self::Block(_) => "block",
        }
    }

    /// Its data as JSON, fields in the order of their types: what an event is about comes first, so that a listener need
    /// not read the rest.
    pub fn data(&self) -> String {
        let text = match self {
            Self::Reset(nothing) | Self::Providers(nothing) => serde_json::to_string(nothing),
            Self::Job(summary) => serde_json::to_string(summary),
            Self::Tasks(changed) => serde_json::to_string(changed),
            Self::Output(made) => serde_json::to_string(made),
            Self::Log(said) => serde_json::to_string(said),
            Self::Block(sealed) => serde_json::to_string(sealed),
        };
        // Structs of texts and numbers always serialise.
        text.unwrap_or_default()
    }

    /// The job it is about.
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::Job(summary) => Some(summary.id),
            Self::Tasks(changed) => Some(changed.job),
            Self::Output(made) => Some(made.job),
            Self::Log(said) => Some(said.job),
            Self::Reset(_) | Self::Providers(_) | Self::Block(_) => None,
        }
    }
}

/// An event without data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Nothing {}

/// Tasks that have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TasksChanged {
    /// Their job.
    #[schema(value_type = String)]
    pub job: JobId,
    /// The job's `rev` after the change.
    pub rev: u64,
    /// The tasks as they are now.
    pub tasks: Vec<TaskRow>,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutputMade {
    /// Its job.
    #[schema(value_type = String)]
    pub job: JobId,
    /// The file.
    pub output: Output,
}

/// A line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogSaid {
    /// The job.
    #[schema(value_type = String)]
    pub job: JobId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// What.
    pub text: String,
}

/// A new block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockSealed {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: String,
    /// How many transactions.
    pub transactions: u64,
    /// When it was sealed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
}

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// Only those about this job.
    pub job: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::UnixMillis;

    #[test]
    fn data_is_the_content_and_begins_with_the_job() {
        let job = JobId::from_bytes([7; 32]);
        let event = NodeEvent::Log(LogSaid {
            job,
            at: Time(UnixMillis(0)),
            text: "hello".into(),
        });
        let data: serde_json::Value = serde_json::from_str(&event.data()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap()["data"], data);
        assert!(event.data().starts_with("{\"job\":\"0x0707"));
    }
}
