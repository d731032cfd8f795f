//! Whether bubblewrap works on this machine, and the command that mends it where it does not.

use crate::{
    child::SandboxedChild,
    command::{self, Walls},
    error::SandboxError,
    spec::SandboxSpec,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Proof that processes can be walled in here: made by having done so once.
#[derive(Clone, Debug)]
pub struct Sandbox {
    walls: Walls,
    version: String,
}

impl Sandbox {
    /// Looks for bubblewrap and its helpers and runs one harmless program in a real sandbox (about 40 ms; blocks).
    ///
    /// Fails with what is missing or broken and the command that mends it.
    pub fn detect() -> Result<Self, SandboxError> {
        if !Path::new("/proc/thread-self/children").exists() {
            return Err(SandboxError::CannotWatch);
        }
        let bwrap = find("bwrap", "apt-get install bubblewrap")?;
        let prlimit = find("prlimit", "apt-get install util-linux")?;
        let walls = if rustix::process::geteuid().is_root() && command::private_users_possible() {
            Walls::private_user(bwrap, prlimit, find("setpriv", "apt-get install util-linux")?)
        } else {
            Walls::user_namespace(bwrap, prlimit)
        };
        let version = run_trial(&walls)?;
        Ok(Self { walls, version })
    }

    /// bubblewrap's version, for example `0.8.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Starts `spec`. Must be called within a tokio runtime; the process is killed when the child is dropped.
    pub async fn spawn(&self, spec: SandboxSpec) -> Result<SandboxedChild, SandboxError> {
        SandboxedChild::spawn(&self.walls, spec).await
    }
}

/// The absolute path of `program`: on `PATH`, else in the system's own folders.
fn find(program: &'static str, remedy: &'static str) -> Result<PathBuf, SandboxError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/bin", "/usr/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_absolute() && candidate.is_file())
        .ok_or(SandboxError::NotInstalled { program, remedy })
}

/// Runs `true` in the sandbox; returns bubblewrap's version.
fn run_trial(walls: &Walls) -> Result<String, SandboxError> {
    let spec = SandboxSpec::new("/usr/bin/true");
    let start = |source| SandboxError::Start {
        program: spec.program.clone(),
        source,
    };
    let mut trial = walls.command(&spec)?;
    let trial = trial
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .map_err(start)?;
    if !trial.status.success() {
        let reason = String::from_utf8_lossy(&trial.stderr).trim().to_owned();
        let reason = if reason.is_empty() {
            trial.status.to_string()
        } else {
            reason
        };
        return Err(SandboxError::CannotRun {
            reason,
            remedy: remedy(),
        });
    }
    let version = Command::new(walls.bwrap()).arg("--version").output().map_err(start)?;
    let version = String::from_utf8_lossy(&version.stdout);
    Ok(version.split_whitespace().last().unwrap_or("unknown").to_owned())
}

/// What most likely keeps bubblewrap from running.
fn remedy() -> String {
    let is = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    let sysctl = |setting: &str| format!("run as root: sysctl -w {setting}");
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        sysctl("kernel.unprivileged_userns_clone=1")
    } else if is("/proc/sys/user/max_user_namespaces", "0") {
        sysctl("user.max_user_namespaces=15000")
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        sysctl("kernel.apparmor_restrict_unprivileged_userns=0")
    } else if rustix::process::geteuid().is_root() {
        "inside a container, start it with --privileged or run the node outside".to_owned()
    } else {
        "allow user namespaces for this user, or run the node as root".to_owned()
    }
}

/// Whether `path` is there, as an error that names it.
pub(crate) fn metadata(path: &Path) -> Result<fs::Metadata, SandboxError> {
    fs::metadata(path).map_err(|source: io::Error| SandboxError::Bind {
        path: path.to_owned(),
        source,
    })
}
