//! Open Job Description (2023-09): jobs made of commands instead of frames.
//!
//! | module | holds |
//! |---|---|
//! | [`template`] | a template that was read and checked |
//! | [`parameter`] | what a template asks for: names, kinds, defaults, what paths are for |
//! | [`bundle`] | a template with its values and the files it names |
//! | [`job`] | a template with values: steps, tasks, environments |
//! | [`requirement`] | what a step wants of a machine |
//! | [`paths`] | where files of the submitting machine appear inside a session |
//! | [`action`] | a command with every name in it resolved |
//! | [`message`] | what commands tell by lines of their output |
//! | [`session`] | the order of a session: enter, run, leave |
//! | [`run`] | which task comes next, retries, the end |
//!
//! ```
//! use rayswarm_openjd::{Asked, Template};
//! let text = "
//! specificationVersion: jobtemplate-2023-09
//! name: Frames
//! steps:
//! - name: Render
//!   parameterSpace:
//!     taskParameterDefinitions: [{name: Frame, type: INT, range: 1-3}]
//!   script: {actions: {onRun: {command: render, args: ['{{Task.Param.Frame}}']}}}
//! ";
//! let job = Template::parse("template.yaml", text)?.expand(&Asked::in_folder("/home/a"))?;
//! assert_eq!(job.task_count(), 3);
//! # Ok::<(), rayswarm_openjd::OpenJdError>(())
//! ```
//!
//! Parsing, checking and expanding is the work of the crates `openjd-model` and `openjd-expr`; none of their types is
//! seen outside. Deliberately missing: processes and files. Whoever runs a session hands in the lines its commands print
//! and is told what to start next.

pub mod action;
pub mod bundle;
mod document;
mod error;
mod expand;
pub mod job;
mod locate;
pub mod message;
pub mod parameter;
pub mod paths;
pub mod requirement;
pub mod run;
mod scope;
pub mod session;
pub mod template;

pub use action::{Call, Cancelation, Script, ScriptFile};
pub use bundle::{Assets, Bundle};
pub use error::{Fault, OpenJdError};
pub use job::{EnvironmentId, Job, StepId, Task};
pub use parameter::{Flow, ObjectKind, Parameter, ParameterKind, PathValue};
pub use paths::PathMap;
pub use requirement::{Host, Os, Requirements};
pub use run::{Run, RunEvent};
pub use session::Session;
pub use template::{Asked, EnvironmentTemplate, Template};

/// The extensions of the specification that are supported. `WRAP_ACTIONS` is not: a template with it is refused.
pub const EXTENSIONS: [&str; 4] = ["TASK_CHUNKING", "REDACTED_ENV_VARS", "FEATURE_BUNDLE_1", "EXPR"];

/// Limits beyond those of the specification: a template comes from outside.
pub mod limits {
    /// Bytes of one document.
    pub const DOCUMENT_BYTES_MAX: usize = 1 << 20;
    /// Steps of a job.
    pub const STEPS_MAX: usize = 200;
    /// Environments of a job, those of its steps among them.
    pub const ENVIRONMENTS_MAX: usize = 200;
    /// Tasks of a job, chunks counted as what they hold.
    pub const TASKS_MAX: u64 = 100_000;
    /// Bytes of the script of one step, and of one environment.
    pub const SCRIPT_BYTES_MAX: usize = 256 << 10;
    /// Variables that the environments of one session set.
    pub const VARIABLES_MAX: usize = 1000;
    /// Bytes of one argument or variable: Linux takes no longer ones.
    pub const ARGUMENT_BYTES_MAX: usize = 128 << 10;
    /// Characters kept of a status or of the reason of a failure.
    pub const MESSAGE_CHARS_MAX: usize = 1000;
    /// Faults of one document that are told.
    pub const FAULTS_MAX: usize = 20;
}
