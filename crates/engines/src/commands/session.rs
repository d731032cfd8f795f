//! One session of one step in the sandbox: its environments are entered once, tasks run one after another, and all that
//! was entered is left again, whatever happened.

use super::{
    CONTROL, WORK,
    collect::{Collected, Collector},
    error::CommandsError,
    files::JobFiles,
    folder::SessionFolder,
    process::{Line, SessionProcess, script, search_path},
    store::FileStore,
    tools::Tools,
};
use jiff::Timestamp;
use rayswarm_model::{Bytes, TaskId};
use rayswarm_openjd::{
    Cancelation, Host, Job, Os, ScriptFile, Session, StepId,
    action::Place,
    run::WrittenFile,
    session::{Ended, Next},
};
use rayswarm_sandbox::{Limits, Sandbox};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// How long a killed action may take to be gone before its whole session is.
const KILL_TIME: Duration = Duration::from_secs(10);

/// What one session may use.
#[derive(Clone, Debug)]
pub struct CommandLimits {
    /// Processors that steps may ask for.
    pub processors: u32,
    /// Resident memory of all its processes together.
    pub memory: Bytes,
    /// What it may write in all.
    pub disk: Bytes,
    /// Scheduling priority.
    pub nice: i32,
}

impl CommandLimits {
    /// Address space beyond the memory limit: libraries reserve far more than they touch.
    const ADDRESS_SPACE_EXTRA: u64 = 16 << 30;
    /// `/tmp`, which lives in memory.
    const TEMPORARY_BYTES: u64 = 1 << 30;
    /// Processes and threads: a renderer has a thread per processor and a build many processes.
    const PROCESSES: u64 = 4096;

    fn of_sandbox(&self) -> Limits {
        Limits {
            address_space: Some(self.memory.0.saturating_add(Self::ADDRESS_SPACE_EXTRA)),
            resident: Some(self.memory.0),
            file_size: self.disk.0,
            disk: self.disk.0,
            temporary: Self::TEMPORARY_BYTES.min(self.memory.0),
            processes: Self::PROCESSES,
            open_files: 4096,
            nice: self.nice,
            ..Limits::default()
        }
    }

    /// What a session gets, in the words of requirements.
    pub fn host(&self) -> Host {
        Host {
            processors: self.processors,
            memory: self.memory,
            // Devices are not shown to commands.
            gpus: 0,
            scratch: self.disk,
            system: Os::Linux,
            architecture: architecture().into(),
        }
    }
}

/// This machine's processor family in the words of Open Job Description.
pub const fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    }
}

/// What a session is opened with.
pub struct Opening<'a> {
    /// The job.
    pub job: Arc<Job>,
    /// Its step.
    pub step: StepId,
    /// The job's files.
    pub files: Arc<JobFiles>,
    /// Files that the steps before wrote.
    pub before: &'a [WrittenFile],
    /// Where written files are kept.
    pub store: Arc<FileStore>,
    /// Programs it finds.
    pub tools: &'a Tools,
    /// A folder that does not exist yet, for its own folders.
    pub folder: PathBuf,
    /// What it may use.
    pub limits: &'a CommandLimits,
}

/// Hears what a session says.
pub trait Hearer: Send {
    /// A line that a command printed.
    fn line(&mut self, text: &str);
    /// Thousandths of the running task that are done.
    fn progress(&mut self, permille: u32);
    /// What the running task does.
    fn status(&mut self, text: &str);
}

/// An open session. Dropping it kills everything in it.
pub struct CommandSession {
    session: Session,
    process: SessionProcess,
    folder: SessionFolder,
    files: Arc<JobFiles>,
    store: Arc<FileStore>,
    collector: Collector,
    bytes_max: u64,
    actions: u64,
}

impl CommandSession {
    /// Makes the folders and starts the sandbox. Nothing of the job has run then.
    pub async fn open(sandbox: &Sandbox, opening: Opening<'_>) -> Result<Self, CommandsError> {
        let Opening {
            job,
            step,
            files,
            before,
            store,
            tools,
            folder,
            limits,
        } = opening;
        let bytes_max = limits.disk.0;
        let made = {
            let (files, before, store) = (files.clone(), before.to_vec(), store.clone());
            blocking(move || SessionFolder::make(folder, &files, &before, &store, bytes_max)).await?
        };
        tools.furnish(&made.bin())?;
        let place = Place {
            work: WORK.into(),
            files: format!("{CONTROL}/files"),
            path_mapping: format!("{CONTROL}/files/path-mapping.json"),
            paths: files.map().clone(),
        };
        made.write_file(&ScriptFile {
            path: place.path_mapping.clone(),
            data: place.path_mapping_document(),
            runnable: false,
        })?;
        let mut binds = made.binds(&files)?;
        binds.extend(tools.binds());
        let process = SessionProcess::start(sandbox, binds, limits.of_sandbox()).await?;
        let mut collector = Collector::default();
        for (host, inside) in made.writable() {
            collector.begin(host, inside)?;
        }
        Ok(Self {
            session: Session::new(job, step, place, base_variables()),
            process,
            folder: made,
            files,
            store,
            collector,
            bytes_max,
            actions: 0,
        })
    }

    /// Enters every environment. Why not, if one fails.
    pub async fn enter(&mut self, hearer: &mut dyn Hearer, stop: &mut watch::Receiver<bool>) -> Result<(), String> {
        while let Some(next) = self.session.enter().map_err(|error| error.to_string())? {
            let title = next.title.clone();
            let done = self.act(next, hearer, Some(&mut *stop)).await;
            done.map_err(|why| format!("{title}: {why}"))?;
        }
        Ok(())
    }

    /// Runs a task. Gives what it wrote, or why it failed.
    pub async fn run(
        &mut self,
        task: TaskId,
        hearer: &mut dyn Hearer,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Vec<WrittenFile>, String> {
        let next = self.session.task(task).map_err(|error| error.to_string())?;
        self.act(next, hearer, Some(stop)).await?;
        let collected = self.collect().map_err(|error| error.in_full())?;
        if collected.left_out > 0 {
            hearer.line(&format!(
                "{} things in the output folders are no ordinary files and are not given back",
                collected.left_out
            ));
        }
        Ok(collected.files)
    }

    /// Leaves every environment that was entered and ends the session.
    pub async fn close(mut self, hearer: &mut dyn Hearer) {
        loop {
            match self.session.exit() {
                Ok(None) => break,
                Ok(Some(next)) => {
                    let title = next.title.clone();
                    if let Err(why) = self.act(next, hearer, None).await {
                        hearer.line(&format!("{title}: {why}"));
                    }
                }
                Err(error) => hearer.line(&error.to_string()),
            }
        }
        self.process.close().await;
    }

    /// Runs one command to its end. A command that cannot be stopped by others has only its timeout.
    async fn act(
        &mut self,
        next: Next,
        hearer: &mut dyn Hearer,
        stop: Option<&mut watch::Receiver<bool>>,
    ) -> Result<(), String> {
        let ended = match self.started(&next).await {
            Ok(id) => self.follow(id, &next, hearer, stop).await,
            Err(error) => Err(error),
        };
        let ended = ended.unwrap_or_else(|error| Ended::Lost(error.in_full()));
        self.session.ended(&ended)
    }

    async fn started(&mut self, next: &Next) -> Result<u64, CommandsError> {
        for file in &next.script.files {
            self.folder.write_file(file)?;
        }
        self.actions += 1;
        let text = script(&next.script.call.command, &next.variables);
        self.folder.write_action(self.actions, &text)?;
        self.process.run(self.actions).await?;
        Ok(self.actions)
    }

    async fn follow(
        &mut self,
        id: u64,
        next: &Next,
        hearer: &mut dyn Hearer,
        mut stop: Option<&mut watch::Receiver<bool>>,
    ) -> Result<Ended, CommandsError> {
        let call = &next.script.call;
        let timeout = call.timeout.map(|time| Instant::now() + time);
        let mut ending = Ending::No;
        loop {
            let wake = ending.deadline().or(timeout);
            tokio::select! {
                line = self.process.next() => match line? {
                    Line::Ended { id: ended, code } if ended == id => return Ok(ending.how(code)),
                    Line::Ended { .. } => {}
                    Line::Said(text) => {
                        if self.hear(&text, hearer) && ending == Ending::No {
                            ending = self.kill(id, Ended::Cancelled).await?;
                        }
                    }
                },
                () = stopped(stop.as_deref_mut()), if ending == Ending::No => {
                    ending = self.cancel(id, call.cancelation).await?;
                }
                () = at(wake), if wake.is_some() => {
                    ending = match ending {
                        Ending::No => self.kill(id, Ended::TimedOut).await?,
                        Ending::Asked(_) => self.kill(id, Ended::Cancelled).await?,
                        // It outlived its own end: nothing of this session can be trusted any more.
                        Ending::Killed(_, how) => return Err(CommandsError::Ended {
                            ended: "holds an action that cannot be ended".into(),
                            log: format!("{how:?}"),
                        }),
                    };
                }
            }
        }
    }

    /// Whether the line asks for the command's end.
    fn hear(&mut self, text: &str, hearer: &mut dyn Hearer) -> bool {
        let heard = self.session.hear(text);
        hearer.line(&heard.line);
        if let Some(permille) = heard.progress {
            hearer.progress(permille);
        }
        if let Some(status) = heard.status {
            hearer.status(&status);
        }
        heard.end
    }

    async fn cancel(&mut self, id: u64, cancelation: Cancelation) -> Result<Ending, CommandsError> {
        match cancelation {
            Cancelation::Terminate => self.kill(id, Ended::Cancelled).await,
            Cancelation::NotifyThenTerminate(grace) => {
                // In UTC and whole seconds: 2026-01-02T03:04:05Z.
                let end = Timestamp::now().checked_add(grace).unwrap_or(Timestamp::MAX);
                let note = format!("{{\"NotifyEnd\": \"{end:.0}\"}}");
                self.process.ask_to_end(id, &note).await?;
                Ok(Ending::Asked(Instant::now() + grace))
            }
        }
    }

    async fn kill(&mut self, id: u64, how: Ended) -> Result<Ending, CommandsError> {
        self.process.end(id).await?;
        Ok(Ending::Killed(Instant::now() + KILL_TIME, how))
    }

    fn collect(&mut self) -> Result<Collected, CommandsError> {
        let mut all = Collected::default();
        for (host, inside) in self.folder.writable() {
            let found = self
                .collector
                .collect(host, inside, &self.files, &self.store, self.bytes_max)?;
            all.files.extend(found.files);
            all.left_out += found.left_out;
        }
        Ok(all)
    }
}

/// How far the early end of a command is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// It was told, and is killed then.
    Asked(Instant),
    /// It was killed, and must be gone by then.
    Killed(Instant, Ended),
}

impl Ending {
    const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::No => None,
            Self::Asked(at) | Self::Killed(at, _) => Some(*at),
        }
    }

    /// How a command has ended that gave this exit code.
    fn how(self, code: i32) -> Ended {
        match self {
            Self::No => Ended::Exited(code),
            Self::Asked(_) => Ended::Cancelled,
            Self::Killed(_, how) => how,
        }
    }
}

/// Resolves when a stop is wanted; never without anyone who could want it.
pub async fn stopped(stop: Option<&mut watch::Receiver<bool>>) {
    if let Some(stop) = stop
        && stop.wait_for(|wanted| *wanted).await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CommandsError> + Send + 'static,
) -> Result<T, CommandsError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(CommandsError::Ended {
            ended: "was not made".into(),
            log: error.to_string(),
        })
    })
}

/// What every command has before environments change it.
fn base_variables() -> BTreeMap<String, String> {
    [
        ("PATH", search_path()),
        ("HOME", WORK.to_owned()),
        ("TMPDIR", "/tmp".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("OPENJD_SESSION_WORKING_DIR", WORK.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
