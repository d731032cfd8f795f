//! Installing a Blender release: download, check, build beside, rename.

use super::{BlenderInstall, BlenderRelease, Python, RECORD, Record, Store, Wheel, release, releases};
use crate::error::EngineError;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;

/// Time between two progress reports of a download.
const REPORT_EVERY: Duration = Duration::from_millis(250);

/// How much of a failed tool's output goes into the error.
const LOG_CHARS_MAX: usize = 2_000;

/// How far an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstallProgress {
    /// What is being done.
    pub phase: InstallPhase,
    /// Bytes done of this phase.
    pub done: u64,
    /// Bytes of this phase in all; zero when unknown.
    pub total: u64,
}

/// The steps of an installation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallPhase {
    /// Another process changes the store.
    Waiting,
    /// Wheels come from the package index.
    Downloading,
    /// Their hashes are compared with the pinned ones.
    Checking,
    /// They are unpacked.
    Unpacking,
}

/// Receives the progress of an installation.
pub type InstallProgressSink<'a> = &'a mut (dyn FnMut(InstallProgress) + Send);

impl Store {
    /// Installs Blender `version`, or returns at once when it is there.
    ///
    /// pip fetches the wheels from the package index it is configured for (`PIP_INDEX_URL`, `PIP_FIND_LINKS` and
    /// proxies are honoured); their hashes are checked here. Dropping the future stops it; the next call sweeps up.
    pub async fn install(
        &self,
        version: &str,
        progress: InstallProgressSink<'_>,
    ) -> Result<BlenderInstall, EngineError> {
        if let Some(installed) = super::read_install(&self.home(version)) {
            return Ok(installed);
        }
        let release = release(version).ok_or_else(|| EngineError::UnknownVersion {
            engine: "blender",
            version: version.to_owned(),
            known: releases()
                .iter()
                .map(|release| release.version)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        progress(InstallProgress {
            phase: InstallPhase::Waiting,
            done: 0,
            total: 0,
        });
        let store = self.clone();
        let _lock = blocking(move || store.lock()).await?;
        if let Some(installed) = super::read_install(&self.home(version)) {
            return Ok(installed);
        }
        self.sweep()?;
        self.require_space(release)?;
        let built = self.build(release, progress).await;
        if built.is_err() {
            // The first error is the one worth telling; the next installation sweeps again.
            let _ = self.sweep();
        }
        built?;
        self.blender(version)
    }

    /// Refuses before the download what would fill the disk after it.
    fn require_space(&self, release: &BlenderRelease) -> Result<(), EngineError> {
        let needed = release.download_bytes() + release.installed_bytes;
        let free = free_space(&self.root).map_err(EngineError::file("measuring", &self.root))?;
        if free >= needed {
            return Ok(());
        }
        Err(EngineError::Refused {
            code: "disk_full",
            message: format!(
                "{} has {} MB free, Blender {} needs {} MB while it is installed",
                self.root.display(),
                free / 1_000_000,
                release.version,
                needed / 1_000_000
            ),
            remedy: format!(
                "free some space, or set {} to a folder elsewhere",
                super::STORE_VARIABLE
            ),
        })
    }

    async fn build(
        &self,
        release: &'static BlenderRelease,
        progress: InstallProgressSink<'_>,
    ) -> Result<(), EngineError> {
        let partial = self.partial();
        let (environment, wheels) = (partial.join("environment"), partial.join("wheels"));
        fs::create_dir_all(&wheels).map_err(EngineError::file("making", &wheels))?;
        let python = blocking(|| Python::find(release.python)).await?;

        let mut make = Command::new(&python.program);
        make.args(["-I", "-m", "venv"]).arg(&environment);
        run(make).await?;
        let pip = Pip {
            python: environment.join("bin/python"),
            scratch: partial.clone(),
        };

        download(&pip, release, &wheels, progress).await?;
        progress(InstallProgress {
            phase: InstallPhase::Checking,
            done: 0,
            total: release.download_bytes(),
        });
        let folder = wheels.clone();
        blocking(move || {
            release
                .wheels
                .iter()
                .try_for_each(|wheel| check(wheel, &folder.join(wheel.file)))
        })
        .await?;

        progress(InstallProgress {
            phase: InstallPhase::Unpacking,
            done: 0,
            total: release.installed_bytes,
        });
        let mut install = pip.command("install");
        install
            .args(["--no-index", "--no-deps"])
            .args(release.wheels.iter().map(|wheel| wheels.join(wheel.file)));
        while_growing(run(install), &environment, |done| {
            progress(InstallProgress {
                phase: InstallPhase::Unpacking,
                done,
                total: release.installed_bytes,
            });
        })
        .await?;

        let record = Record {
            engine: "blender".into(),
            version: release.version.into(),
            wheels: release
                .wheels
                .iter()
                .map(|wheel| format!("sha256:{}", wheel.sha256))
                .collect(),
        };
        let path = environment.join(RECORD);
        let record = serde_json::to_vec_pretty(&record).unwrap_or_default();
        fs::write(&path, record).map_err(EngineError::file("writing", &path))?;
        let folder = self.home(release.version);
        // What is there without a record is no installation, or `install` would have returned it.
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(EngineError::file("replacing", &folder))?;
        }
        fs::rename(&environment, &folder).map_err(EngineError::file("placing", &folder))?;
        self.sweep()
    }
}

/// The environment's own pip, kept from writing outside the partial folder.
struct Pip {
    python: PathBuf,
    scratch: PathBuf,
}

impl Pip {
    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.args([
            "-m",
            "pip",
            what,
            "--quiet",
            "--disable-pip-version-check",
            "--no-cache-dir",
            "--no-input",
        ]);
        command.env("TMPDIR", &self.scratch);
        command
    }
}

/// Fetches every wheel of `release` into `folder`.
async fn download(
    pip: &Pip,
    release: &BlenderRelease,
    folder: &Path,
    progress: InstallProgressSink<'_>,
) -> Result<(), EngineError> {
    let total = release.download_bytes();
    let before = folder_bytes(&pip.scratch);
    let mut fetch = pip.command("download");
    fetch.args(["--no-deps", "--only-binary=:all:", "--dest"]).arg(folder);
    fetch.args(
        release
            .wheels
            .iter()
            .map(|wheel| format!("{}=={}", wheel.package, wheel.version)),
    );
    while_growing(run(fetch), &pip.scratch, |bytes| {
        let done = bytes.saturating_sub(before).min(total);
        progress(InstallProgress {
            phase: InstallPhase::Downloading,
            done,
            total,
        });
    })
    .await
}

/// Runs `work`, reporting the size of `folder` from time to time: pip 23 has no progress a program could read.
async fn while_growing<T>(work: impl Future<Output = T>, folder: &Path, mut report: impl FnMut(u64)) -> T {
    let mut clock = tokio::time::interval(REPORT_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = clock.tick() => {
                let folder = folder.to_owned();
                // A walk over a few thousand files; the figure only moves a progress bar.
                report(tokio::task::spawn_blocking(move || folder_bytes(&folder)).await.unwrap_or(0));
            }
        }
    }
}

/// Runs a tool to its end; its output matters only when it fails.
async fn run(mut command: Command) -> Result<(), EngineError> {
    let shown = {
        let command = command.as_std();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    };
    let program = PathBuf::from(command.as_std().get_program());
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.map_err(EngineError::file("starting", program))?;
    if output.status.success() {
        return Ok(());
    }
    let log = String::from_utf8_lossy(&output.stderr);
    let skipped = log.chars().count().saturating_sub(LOG_CHARS_MAX);
    Err(EngineError::Install {
        command: shown,
        log: log.chars().skip(skipped).collect(),
    })
}

/// Compares a downloaded file with its pinned hash.
fn check(wheel: &Wheel, path: &Path) -> Result<(), EngineError> {
    let found = sha256(path).map_err(EngineError::file("reading", path))?;
    if found == wheel.sha256 {
        return Ok(());
    }
    Err(EngineError::Checksum {
        file: wheel.file.into(),
        expected: wheel.sha256.into(),
        found,
    })
}

/// SHA-256 of a file in hexadecimal.
fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// Bytes an ordinary user may still write where `path` is.
pub(crate) fn free_space(path: &Path) -> std::io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Bytes of the files below `folder`; what vanishes meanwhile counts nothing.
fn folder_bytes(folder: &Path) -> u64 {
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(size).sum()
}

/// Runs `work` where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => Err(EngineError::Install {
            command: "a background step".into(),
            log: stopped.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_with_another_hash_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.whl");
        fs::write(&path, b"abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let wheel = Wheel {
            package: "x",
            version: "1",
            file: "x.whl",
            sha256: abc,
            bytes: 3,
        };
        check(&wheel, &path).unwrap();
        fs::write(&path, b"abd").unwrap();
        assert!(matches!(check(&wheel, &path), Err(EngineError::Checksum { .. })));
    }

    #[tokio::test]
    async fn an_unknown_version_is_refused_with_the_known_ones() {
        let root = tempfile::tempdir().unwrap();
        let refused = Store::at(root.path())
            .install("4.5.0", &mut |_| {})
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("4.5.0") && refused.contains("4.5.15"), "{refused}");
        assert!(fs::read_dir(root.path()).unwrap().next().is_none());
    }
}
