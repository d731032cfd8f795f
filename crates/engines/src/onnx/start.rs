//! The sandbox of a session: this program, the job's files, and nothing else.

use super::{NAME, Onnx, SESSION_ARGUMENT, SPEAKER, VERSION};
use crate::{
    conversation::Conversation,
    engine::{SceneFile, SessionLimits},
    error::EngineError,
    process::LineProcess,
};
use rayswarm_sandbox::{Bind, Limits, SandboxSpec};
use std::{path::Path, time::Duration};

/// Where results appear inside.
pub(super) const WORK: &str = "/work";
/// Where the program appears inside.
const PROGRAM: &str = "/engine/rayswarm";

/// Address space beyond the memory limit: threads and the allocator reserve more than they touch.
const ADDRESS_SPACE_EXTRA: u64 = 4 << 30;
/// The largest file a session may write: a result of 16,384 pixels a side with four float channels.
pub(super) const FILE_SIZE_MAX: u64 = (4 << 30) + (64 << 20);
/// How long a process that only looks may live, and the CPU time it may use: it computes nothing but a small trial.
const LOOK_TIME_MAX: Duration = Duration::from_secs(300);

/// Starts a session that sees `files` and may write to `work`, if given.
pub(super) async fn start(
    engine: &Onnx,
    files: &[SceneFile],
    work: Option<&Path>,
    limits: &SessionLimits,
) -> Result<Conversation, EngineError> {
    let mut spec = SandboxSpec::new(PROGRAM);
    spec.args = vec![SESSION_ARGUMENT.into()];
    // A session that panics says where: its last lines are all that people see of it.
    spec.env.push(("RUST_BACKTRACE".into(), "0".into()));
    spec.binds = vec![Bind::read_only(&engine.program, PROGRAM)];
    spec.binds
        .extend(files.iter().map(|file| Bind::read_only(&file.host, &file.inside)));
    spec.binds.extend(work.map(|work| Bind::writable(work, WORK)));
    let time_max = work.is_none().then_some(LOOK_TIME_MAX);
    spec.limits = Limits {
        cpu: time_max,
        lifetime: time_max,
        address_space: Some(limits.memory.0.saturating_add(ADDRESS_SPACE_EXTRA)),
        resident: Some(limits.memory.0),
        file_size: FILE_SIZE_MAX,
        disk: FILE_SIZE_MAX,
        nice: limits.nice,
        ..Limits::default()
    };
    let process = LineProcess::start(NAME, &engine.sandbox, spec).await?;
    Conversation::begin(SPEAKER, process, limits.silence, VERSION).await
}
