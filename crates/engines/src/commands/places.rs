//! Where sessions of a job are run: this machine, and others that take its commands.

use super::{
    files::JobFiles,
    session::{CommandLimits, CommandSession, Hearer, Opening},
    store::FileStore,
    tools::Tools,
};
use async_trait::async_trait;
use rayswarm_model::{NodeId, TaskId};
use rayswarm_openjd::{Host, Job, StepId, run::WrittenFile};
use rayswarm_sandbox::Sandbox;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::{Semaphore, watch};

/// The places of one job. They may come and go while it is run.
pub trait Places: Send + Sync {
    /// Those there are now.
    fn now(&self) -> Vec<Arc<dyn Place>>;
    /// Whether there may be others later.
    fn may_change(&self) -> bool;
}

/// One machine that runs sessions.
#[async_trait]
pub trait Place: Send + Sync {
    /// The node, if it is another one than that which has the job.
    fn node(&self) -> Option<NodeId>;
    /// What a session gets there, in the words of requirements.
    fn host(&self) -> Host;
    /// Sessions of one job at a time.
    fn sessions(&self) -> usize;
    /// Turns that sessions of all jobs take, where they are counted here.
    fn turns(&self) -> Option<Arc<Semaphore>>;
    /// Opens a session. Nothing of the job has run then.
    async fn open(&self, wanted: WantedSession) -> Result<Box<dyn PlacedSession>, NotOpened>;
}

/// What a place opens a session for.
pub struct WantedSession {
    /// The job.
    pub job: Arc<Job>,
    /// Its step.
    pub step: StepId,
    /// The job's files.
    pub files: Arc<JobFiles>,
    /// Files that the steps before wrote.
    pub before: Vec<WrittenFile>,
    /// Where written files are kept.
    pub store: Arc<FileStore>,
    /// A folder that does not exist yet, for what the session needs on this machine.
    pub folder: PathBuf,
}

/// A session was not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// The task is to blame, or this machine.
    Failed(String),
    /// The place does not take sessions of this step.
    Unfit(String),
    /// The place is not to be had now.
    Away(String),
}

/// What a call to a session did not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionFault {
    /// The command failed.
    Failed(String),
    /// The session is gone with its place; the command is not to blame.
    Away(String),
}

/// An open session. Dropping it ends everything in it.
#[async_trait]
pub trait PlacedSession: Send {
    /// Enters every environment.
    async fn enter(&mut self, hearer: &mut dyn Hearer, stop: &mut watch::Receiver<bool>) -> Result<(), SessionFault>;
    /// Runs a task. Gives what it wrote, which is kept in the store then.
    async fn run(
        &mut self,
        task: TaskId,
        hearer: &mut dyn Hearer,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Vec<WrittenFile>, SessionFault>;
    /// Leaves every environment that was entered and ends the session.
    async fn close(self: Box<Self>, hearer: &mut dyn Hearer);
}

/// This machine.
#[derive(Clone)]
pub struct Workshop {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Programs that sessions find.
    pub tools: Tools,
    /// What one session may use.
    pub limits: CommandLimits,
    /// Sessions at a time, all jobs together.
    pub turns: Arc<Semaphore>,
    /// Sessions of this job at a time.
    pub sessions: usize,
}

#[async_trait]
impl Place for Workshop {
    fn node(&self) -> Option<NodeId> {
        None
    }

    fn host(&self) -> Host {
        self.limits.host()
    }

    fn sessions(&self) -> usize {
        self.sessions.max(1)
    }

    fn turns(&self) -> Option<Arc<Semaphore>> {
        Some(self.turns.clone())
    }

    async fn open(&self, wanted: WantedSession) -> Result<Box<dyn PlacedSession>, NotOpened> {
        let opening = Opening {
            job: wanted.job,
            step: wanted.step,
            files: wanted.files,
            before: &wanted.before,
            store: wanted.store,
            tools: &self.tools,
            folder: wanted.folder,
            limits: &self.limits,
        };
        let opened = CommandSession::open(&self.sandbox, opening).await;
        match opened {
            Ok(session) => Ok(Box::new(session)),
            Err(error) => Err(NotOpened::Failed(error.in_full())),
        }
    }
}

/// This machine and no other.
impl Places for Workshop {
    fn now(&self) -> Vec<Arc<dyn Place>> {
        vec![Arc::new(self.clone())]
    }

    fn may_change(&self) -> bool {
        false
    }
}

#[async_trait]
impl PlacedSession for CommandSession {
    async fn enter(&mut self, hearer: &mut dyn Hearer, stop: &mut watch::Receiver<bool>) -> Result<(), SessionFault> {
        Self::enter(self, hearer, stop).await.map_err(SessionFault::Failed)
    }

    async fn run(
        &mut self,
        task: TaskId,
        hearer: &mut dyn Hearer,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Vec<WrittenFile>, SessionFault> {
        Self::run(self, task, hearer, stop).await.map_err(SessionFault::Failed)
    }

    async fn close(self: Box<Self>, hearer: &mut dyn Hearer) {
        Self::close(*self, hearer).await;
    }
}
