//! What the command line does on this machine without a daemon: look at a scene, manage engines, check the machine.

pub use crate::requestor::commands::{
    local::{LocalEnd, LocalJob, Told},
    opening::{Typed, absolute, template_at},
};
use crate::{
    config::ENGINE_SILENCE,
    engines::Engines,
    requestor::{
        analysis,
        refusal::{chain, failed},
    },
};
use rayswarm_api::{
    Problem,
    job::{JobRequest, JobSettings},
};
use rayswarm_engines::SessionLimits;
use rayswarm_model::{Bytes, SceneFacts, settings::Device};
use std::path::PathBuf;

pub use rayswarm_engines::store::find_program;
use rayswarm_engines::store::program_version;
pub use rayswarm_engines::{
    EngineError, doctor,
    store::{
        BLENDER_SERIES, BlenderInstall, BlenderKind, BlenderRelease, InstallPhase, InstallProgress, Store, releases,
    },
};
pub use rayswarm_openjd::{OpenJdError, run::Verdict, template::parse_value};
pub use rayswarm_sandbox::CpuMeter;

/// Opens a scene and says what it is and needs.
pub async fn inspect(
    scene: PathBuf,
    renderer_override: Option<String>,
    include: Vec<PathBuf>,
    allow_missing: Vec<String>,
    options: Vec<(String, String)>,
) -> Result<SceneFacts, Problem> {
    let engines = Engines::detect().map_err(|error| failed("no_engines", chain(&error)))?;
    let beside = scene.parent().map_or_else(PathBuf::new, PathBuf::from);
    let mut request = JobRequest::new(scene, beside);
    request.include = include;
    request.settings = JobSettings {
        renderer_override,
        allow_missing,
        options,
        ..JobSettings::default()
    };
    analysis::inspect(&engines, &request, limits())
        .await
        .map(|(_, facts)| facts)
}

/// Engines that come from the system or are part of this program: name, version and program, where they are found.
pub fn system_engines() -> Vec<(&'static str, Option<String>, Option<PathBuf>)> {
    let found = |name, argument, before| {
        let path = find_program(name);
        let version = path.as_deref().and_then(|path| program_version(path, argument, before));
        (name, version, path)
    };
    vec![
        found("povray", "--version", "POV-Ray"),
        found("ffmpeg", "-version", "ffmpeg version"),
        (
            "onnx",
            Some(rayswarm_engines::onnx::VERSION.into()),
            std::env::current_exe().ok(),
        ),
    ]
}

/// Limits of a session this machine runs for its own user: everything, within reason.
pub fn limits() -> SessionLimits {
    SessionLimits {
        threads: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        memory: Bytes(12 << 30),
        nice: 0,
        device: Device::Cpu,
        silence: ENGINE_SILENCE,
    }
}
