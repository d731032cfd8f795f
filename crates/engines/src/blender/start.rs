//! The sandbox of a session and the text that starts it.

use super::{NAME, gpu};
use crate::{
    engine::{SceneFile, SessionLimits, SessionPurpose},
    error::EngineError,
    process::LineProcess,
    store::{BlenderInstall, BlenderKind},
};
use rayswarm_sandbox::{Bind, Limits, Sandbox, SandboxSpec};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Where results appear inside.
pub(super) const WORK: &str = "/work";

const BOOTSTRAP: &str = include_str!("../../../../engines/blender/bootstrap.py");

macro_rules! modules {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../../engines/blender/", $name, ".py")))),+]
    };
}

/// The session's modules, sent as its first line: the binary carries them, and nothing is left on disk.
const MODULES: [(&str, &str); 19] = modules![
    "facts",
    "findings",
    "finish",
    "fluids",
    "formats",
    "header",
    "load",
    "memory",
    "merged",
    "passes",
    "play",
    "protocol",
    "references",
    "sequences",
    "session",
    "settings",
    "simulation",
    "tile",
    "usage",
];

/// Address space beyond the memory limit: libraries, GPU back ends and TBB reserve far more than they touch.
const ADDRESS_SPACE_EXTRA: u64 = 8 << 30;
/// The largest file a session may write: an 8K frame with thirty float channels is 4 GB.
const FILE_SIZE_MAX: u64 = 6 << 30;
/// Blender's and Python's own temporary files; a scene's own would go here as well, and live in memory.
const TEMPORARY_BYTES: u64 = 512 << 20;

/// How long a process that only looks at a scene may live, and the CPU time it may use: it reads the file on one thread.
/// Sessions that render are ended by whoever holds them, task by task.
const LOOK_TIME_MAX: Duration = Duration::from_secs(1_800);

/// Starts a session that sees `files` and may write to `work`, if given.
pub(super) async fn start(
    install: &BlenderInstall,
    sandbox: &Sandbox,
    files: &[SceneFile],
    work: Option<&Path>,
    purpose: SessionPurpose,
    limits: &SessionLimits,
) -> Result<LineProcess, EngineError> {
    // Memory addresses repeat from session to session: Blender's Bevel modifier adds up texture coordinates in their
    // order, and would differ in the last bit otherwise. Python's hash seed moves them too.
    let mut spec = SandboxSpec::new("/usr/bin/setarch");
    spec.args = vec!["-R".into(), install.program.clone().into()];
    spec.env.push(("PYTHONHASHSEED".into(), "0".into()));
    if purpose == SessionPurpose::Finishing {
        spec.env.push(("RAYSWARM_PURPOSE".into(), "finishing".into()));
    }
    // A session that aborts says where: its last lines are all that people see of it.
    spec.env.push(("PYTHONFAULTHANDLER".into(), "1".into()));
    match install.kind {
        BlenderKind::Module => spec.args.extend(["-s", "-P", "-B", "-c", BOOTSTRAP].map(Into::into)),
        BlenderKind::Program => {
            spec.args
                .extend(["--background", "--factory-startup", "--python-expr", BOOTSTRAP].map(Into::into));
        }
    }
    spec.binds = install.binds.clone();
    spec.binds
        .extend(files.iter().map(|file| Bind::read_only(&file.host, &file.inside)));
    if let Some(work) = work {
        spec.binds.push(Bind::writable(work, WORK));
    }
    // A session that only looks at the scene needs no device.
    if work.is_some() {
        spec.devices = gpu::nodes(limits.device, Path::new("/dev"));
        spec.binds.extend(gpu::binds(limits.device));
    }
    let time_max = work.is_none().then_some(LOOK_TIME_MAX);
    spec.limits = Limits {
        cpu: time_max,
        lifetime: time_max,
        address_space: Some(limits.memory.0.saturating_add(ADDRESS_SPACE_EXTRA)),
        resident: Some(limits.memory.0),
        file_size: FILE_SIZE_MAX,
        disk: 2 * FILE_SIZE_MAX,
        temporary: TEMPORARY_BYTES,
        nice: limits.nice,
        ..Limits::default()
    };
    let mut process = LineProcess::start(NAME, sandbox, spec).await?;
    process.send(&BTreeMap::from(MODULES)).await?;
    Ok(process)
}
