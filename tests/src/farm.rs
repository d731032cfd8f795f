//! The program under test, a scratch folder, and commands with their answers.

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// The engine that all scenes here need.
const ENGINE: &str = "blender-4.5.15";
/// Every sandbox covers /tmp with its own, so a scene below it would not be seen inside.
pub(crate) const SCRATCH_PARENT: &str = "/var/tmp";

/// The program, its engines and a folder that is removed with this value.
pub struct Farm {
    program: PathBuf,
    engine: PathBuf,
    scratch: TempDir,
}

/// What a finished command left.
#[derive(Debug)]
pub struct Answer {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Farm {
    /// The program under test.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The program and its engine, or `None` after saying on stderr why the test is skipped.
    ///
    /// # Errors
    /// When the scratch folder cannot be made.
    #[allow(clippy::print_stderr)]
    pub fn find() -> anyhow::Result<Option<Self>> {
        let program = program()?;
        if !program.is_file() {
            eprintln!(
                "skipped: {} is not built; `cargo build` makes it, or name one in RAYSWARM_BIN",
                program.display()
            );
            return Ok(None);
        }
        let Some(engine) = engine_store()
            .map(|store| store.join(ENGINE))
            .filter(|folder| folder.is_dir())
        else {
            eprintln!("skipped: {ENGINE} is not installed; `rayswarm engines install {ENGINE}` does it");
            return Ok(None);
        };
        let scratch = tempfile::Builder::new()
            .prefix("rayswarm-e2e-")
            .tempdir_in(SCRATCH_PARENT)
            .with_context(|| format!("no folder can be made in {SCRATCH_PARENT}"))?;
        Ok(Some(Self {
            program,
            engine,
            scratch,
        }))
    }

    /// The same for a test that takes minutes: only where `RAYSWARM_LONG` is set, as integration has an hour and a half.
    ///
    /// # Errors
    /// As [`Farm::find`].
    #[allow(clippy::print_stderr)]
    pub fn long() -> anyhow::Result<Option<Self>> {
        if std::env::var_os("RAYSWARM_LONG").is_some() {
            return Self::find();
        }
        eprintln!("skipped: it takes minutes; RAYSWARM_LONG=1 runs it");
        Ok(None)
    }

    /// The scratch folder.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// The engine's own folder.
    pub fn engine(&self) -> &Path {
        &self.engine
    }

    /// One of the repository's example scenes, such as `still/still.blend`.
    pub fn example(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
    }

    /// The program with `arguments`, not yet started. Whatever it keeps for itself lands in the scratch folder.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.scratch())
            .env("TMPDIR", self.scratch())
            .env("RAYSWARM_DATA", self.scratch().join("default"))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> anyhow::Result<Answer> {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Answer::of(child.with_context(|| format!("{} cannot be started", self.program.display()))?)
    }
}

impl Answer {
    /// Waits for a command whose output goes to pipes.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn of(child: Child) -> anyhow::Result<Self> {
        let output = child.wait_with_output().context("a command cannot be waited for")?;
        Ok(Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// The last line of standard output as JSON.
    ///
    /// # Errors
    /// When the command failed, or its last line is something else.
    pub fn json<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        if self.code != 0 {
            bail!("exit code {}: {}", self.code, self.stderr);
        }
        let line = self.stdout.trim_end().lines().next_back().unwrap_or_default();
        serde_json::from_str(line).with_context(|| format!("not the JSON that was expected: {line}"))
    }
}

/// `RAYSWARM_BIN`, or the program beside this test's own folder.
fn program() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("RAYSWARM_BIN") {
        return Ok(named.into());
    }
    let here = std::env::current_exe().context("this test's own path is unknown")?;
    Ok(here
        .ancestors()
        .nth(2)
        .map_or_else(PathBuf::new, |profile| profile.join("rayswarm")))
}

fn engine_store() -> Option<PathBuf> {
    let named = std::env::var_os("RAYSWARM_ENGINES").map(PathBuf::from);
    named.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share/rayswarm/engines")))
}
