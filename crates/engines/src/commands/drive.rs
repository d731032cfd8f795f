//! A whole job: sessions at its places pull tasks of steps whose turn it is until nothing is left.

use super::{
    error::CommandsError,
    files::JobFiles,
    places::{NotOpened, Place, PlacedSession, Places, SessionFault, WantedSession},
    session::Hearer,
    store::FileStore,
};
use rayswarm_model::{AttemptId, NodeId, TaskId};
use rayswarm_openjd::{
    Job, Run, RunEvent, StepId,
    run::{Verdict, WrittenFile},
};
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, watch},
    task::JoinSet,
    time::Instant,
};

/// How often new places are looked for.
const LOOK_FOR_PLACES: Duration = Duration::from_secs(2);
/// How long a place that was away is left alone.
const LEAVE_ALONE: Duration = Duration::from_secs(10);
/// The same for one that is away again and again: it renders, or its owner uses it.
const LEAVE_ALONE_MAX: Duration = Duration::from_secs(160);

/// Sees what happens to a job.
pub trait Witness: Send + Sync {
    /// Writes an event down. It counts only if that worked.
    fn record(&self, event: &RunEvent) -> Result<(), String>;
    /// A line of a task's output.
    fn line(&self, task: TaskId, text: &str);
    /// Thousandths of a task that are done.
    fn progress(&self, task: TaskId, permille: u32);
    /// What a task does.
    fn status(&self, task: TaskId, text: &str);
    /// A file was written to its place on this machine.
    fn wrote(&self, path: PathBuf, file: &WrittenFile);
}

/// How sessions are asked to end.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Running commands are cancelled as their templates say; environments are left.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// For a new start.
    pub fn reset(&self) {
        self.0.send_replace(false);
    }
}

/// The state of a job, and the one way to change it.
pub struct Ledger {
    job: Arc<Job>,
    run: Mutex<Run>,
    changed: Notify,
    witness: Arc<dyn Witness>,
    stop: Stop,
}

impl Ledger {
    /// The ledger of a job under way.
    pub fn new(job: Arc<Job>, run: Run, witness: Arc<dyn Witness>) -> Arc<Self> {
        Arc::new(Self {
            job,
            run: Mutex::new(run),
            changed: Notify::new(),
            witness,
            stop: Stop::default(),
        })
    }

    /// The job.
    pub const fn job(&self) -> &Arc<Job> {
        &self.job
    }

    /// Its state.
    pub fn run(&self) -> MutexGuard<'_, Run> {
        // Every change is one call: a panic elsewhere leaves it whole.
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an event down and takes it into account.
    pub fn happen(&self, event: &RunEvent) -> Result<(), String> {
        {
            let mut run = self.run();
            self.witness.record(event)?;
            run.apply(event);
        }
        match event {
            RunEvent::Cancelled => self.stop.cancel(),
            RunEvent::Retried => self.stop.reset(),
            _ => {}
        }
        self.changed.notify_waiters();
        Ok(())
    }

    /// Gives the next task of a step that `fits`.
    fn take(&self, node: Option<NodeId>, fits: impl Fn(StepId) -> bool) -> Result<Option<Taken>, String> {
        let mut run = self.run();
        let Some(step) = run.ready().into_iter().find(|step| fits(*step)) else {
            return Ok(None);
        };
        let Some(event) = run.next(step, node) else {
            return Ok(None);
        };
        let RunEvent::Begun { task, attempt, .. } = event else {
            return Ok(None);
        };
        self.witness.record(&event)?;
        run.apply(&event);
        Ok(Some(Taken { step, task, attempt }))
    }

    /// Whether a task that `fits` may begin now.
    fn has_work(&self, fits: impl Fn(StepId) -> bool) -> bool {
        self.run().ready().into_iter().any(fits)
    }
}

/// A task that was given to a session.
#[derive(Clone, Copy)]
struct Taken {
    step: StepId,
    task: TaskId,
    attempt: AttemptId,
}

/// What is kept of one drive while it lasts.
struct Drive {
    ledger: Arc<Ledger>,
    files: Arc<JobFiles>,
    store: Arc<FileStore>,
    folder: PathBuf,
    sessions: AtomicU64,
}

/// A place and what was found out about it.
struct Site {
    place: Arc<dyn Place>,
    /// Steps that it does not take.
    unfit: Mutex<HashSet<StepId>>,
}

/// How a worker ended.
enum Left {
    /// The job is over.
    Over,
    /// The place is not to be had now.
    Away {
        /// Whether it was, before.
        worked: bool,
    },
}

/// What is known of a place while a job is run.
struct Known {
    site: Arc<Site>,
    workers: usize,
    /// How often in a row it was away, and until when it is left alone.
    away: u32,
    until: Option<Instant>,
}

/// Runs a job to its end and gives the verdict. `folder` is the job's own, for sessions and for written files. Dropping the
/// future ends every session; what they did is then lost and is to be told by [`RunEvent::Interrupted`].
pub async fn drive(
    ledger: Arc<Ledger>,
    files: Arc<JobFiles>,
    folder: PathBuf,
    places: Arc<dyn Places>,
) -> Result<Verdict, CommandsError> {
    let scratch = folder.join("sessions");
    match std::fs::remove_dir_all(&scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(CommandsError::file("sweeping", scratch)(error));
        }
        _ => {}
    }
    let store = FileStore::open(folder.join("files"))?;
    // Another place may still come that meets what these do not.
    let hosts: Vec<_> = places.now().iter().map(|place| place.host()).collect();
    if let Some(why) = ledger.job.unmet(&hosts).filter(|_| !places.may_change()) {
        ledger.happen(&RunEvent::Refused(why)).map_err(unwritten)?;
    }
    let drive = Arc::new(Drive {
        ledger: ledger.clone(),
        files,
        store: Arc::new(store),
        folder,
        sessions: AtomicU64::new(0),
    });
    drive.clone().run(places).await.map_err(unwritten)?;
    let verdict = ledger.run().verdict();
    verdict.ok_or_else(|| unwritten("no session is left and the job is not over".into()))
}

fn unwritten(why: String) -> CommandsError {
    CommandsError::Ended {
        ended: "cannot go on".into(),
        log: why,
    }
}

impl Drive {
    /// Keeps as many workers at every place as it has sessions until the job is over.
    async fn run(self: Arc<Self>, places: Arc<dyn Places>) -> Result<(), String> {
        let mut workers = JoinSet::new();
        let mut known: HashMap<Option<NodeId>, Known> = HashMap::new();
        while self.ledger.run().verdict().is_none() || !workers.is_empty() {
            let over = self.ledger.run().verdict().is_some();
            for place in places.now().into_iter().filter(|_| !over) {
                let node = place.node();
                let known = known.entry(node).or_insert_with(|| Known::new(place.clone()));
                while known.wants_worker(&place) {
                    let work = self.clone().work(known.site.clone());
                    workers.spawn(async move { (node, work.await) });
                    known.workers += 1;
                }
            }
            let ended = tokio::select! {
                ended = workers.join_next(), if !workers.is_empty() => ended,
                () = tokio::time::sleep(LOOK_FOR_PLACES), if places.may_change() || workers.is_empty() => None,
            };
            let Some(ended) = ended else { continue };
            let (node, left) = ended.map_err(|error| error.to_string())?;
            let left = left?;
            if let Some(known) = known.get_mut(&node) {
                known.left(&left);
            }
        }
        Ok(())
    }

    /// Opens sessions at a place one after another until the job is over.
    async fn work(self: Arc<Self>, site: Arc<Site>) -> Result<Left, String> {
        let node = site.place.node();
        let mut worked = false;
        loop {
            let changed = self.ledger.changed.notified();
            tokio::pin!(changed);
            // Before looking, so that no change falls between the look and the wait.
            changed.as_mut().enable();
            if self.ledger.run().verdict().is_some() {
                // Those who wait must see it too.
                self.ledger.changed.notify_waiters();
                return Ok(Left::Over);
            }
            let fits = |step| site.takes(&self.ledger.job, step);
            if !self.ledger.has_work(fits) {
                changed.await;
                continue;
            }
            let _turn = turn(site.place.as_ref()).await;
            let Some(taken) = self.ledger.take(node, fits)? else {
                continue;
            };
            if !self.session(&site, taken).await? {
                return Ok(Left::Away { worked });
            }
            worked = true;
        }
    }

    /// One session: the task it is opened for, then more of the same step while they last. Whether its place is still there.
    async fn session(&self, site: &Site, first: Taken) -> Result<bool, String> {
        let mut hearer = TaskHearer {
            task: first.task,
            witness: self.ledger.witness.clone(),
        };
        let mut stop = self.ledger.stop.0.subscribe();
        let opened = tokio::select! {
            opened = site.place.open(self.wanted(first.step)) => opened,
            _ = stop.wait_for(|wanted| *wanted) => Err(NotOpened::Failed("it was cancelled".into())),
        };
        let mut session = match opened {
            Ok(session) => session,
            Err(NotOpened::Failed(why)) => return self.failed(first, why),
            Err(NotOpened::Unfit(why)) => {
                site.unfit().insert(first.step);
                return self.returned(first, why, false).map(|()| true);
            }
            Err(NotOpened::Away(why)) => return self.returned(first, why, false).map(|()| false),
        };
        if let Err(fault) = session.enter(&mut hearer, &mut stop).await {
            return self.ended(first, fault, session, &mut hearer).await;
        }
        let mut next = Some(first);
        while let Some(taken) = next {
            let Taken { task, attempt, .. } = taken;
            hearer.task = task;
            let outcome = session.run(task, &mut hearer, &mut stop).await;
            let given = |files: Vec<WrittenFile>| {
                let given = self.give(&files).map_err(SessionFault::Failed);
                given.map(|()| files)
            };
            match outcome.and_then(given) {
                Ok(files) => self.ledger.happen(&RunEvent::Done { task, attempt, files })?,
                Err(fault) => return self.ended(taken, fault, session, &mut hearer).await,
            }
            next = self.ledger.take(site.place.node(), |step| step == taken.step)?;
        }
        session.close(&mut hearer).await;
        Ok(true)
    }

    fn wanted(&self, step: StepId) -> WantedSession {
        let job = self.ledger.job.clone();
        let before = self.ledger.run().files_of(&job.all_dependencies(step));
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        WantedSession {
            job,
            step,
            files: self.files.clone(),
            before,
            store: self.store.clone(),
            folder: self.folder.join("sessions").join(number.to_string()),
        }
    }

    /// Ends a session whose call did not succeed: what a failed task leaves behind should not meet the next one. Whether its
    /// place is still there.
    async fn ended(
        &self,
        taken: Taken,
        fault: SessionFault,
        session: Box<dyn PlacedSession>,
        hearer: &mut TaskHearer,
    ) -> Result<bool, String> {
        match fault {
            SessionFault::Failed(why) => {
                session.close(hearer).await;
                self.failed(taken, why)
            }
            SessionFault::Away(why) => self.returned(taken, why, true).map(|()| false),
        }
    }

    /// Brings what a task wrote to its place on this machine.
    fn give(&self, files: &[WrittenFile]) -> Result<(), String> {
        for file in files {
            let Some(to) = self.files.host_of(&file.path) else {
                continue;
            };
            self.store.give(file, &to).map_err(|error| error.in_full())?;
            self.ledger.witness.wrote(to, file);
        }
        Ok(())
    }

    /// The place is still there.
    fn failed(&self, Taken { task, attempt, .. }: Taken, reason: String) -> Result<bool, String> {
        self.ledger.happen(&RunEvent::Failed { task, attempt, reason })?;
        Ok(true)
    }

    fn returned(&self, Taken { task, attempt, .. }: Taken, reason: String, begun: bool) -> Result<(), String> {
        self.ledger.happen(&RunEvent::Returned {
            task,
            attempt,
            reason,
            begun,
        })
    }
}

impl Known {
    fn new(place: Arc<dyn Place>) -> Self {
        Self {
            site: Arc::new(Site::new(place)),
            workers: 0,
            away: 0,
            until: None,
        }
    }

    /// Whether the place is to have another worker: one alone looks whether a place is back that was away.
    fn wants_worker(&mut self, place: &Arc<dyn Place>) -> bool {
        let most = if self.away > 0 { 1 } else { place.sessions() };
        if self.workers >= most || self.until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        if self.until.take().is_some() {
            // Its address may be another by now; what it does not take is remembered.
            let unfit = self.site.unfit().clone();
            let site = Site::new(place.clone());
            *site.unfit() = unfit;
            self.site = Arc::new(site);
        }
        true
    }

    fn left(&mut self, left: &Left) {
        self.workers -= 1;
        if let Left::Away { worked } = left {
            self.away = if *worked { 1 } else { self.away.saturating_add(1) };
            let pause = LEAVE_ALONE.saturating_mul(1 << (self.away - 1).min(16));
            self.until = Some(Instant::now() + pause.min(LEAVE_ALONE_MAX));
        }
    }
}

impl Site {
    fn new(place: Arc<dyn Place>) -> Self {
        Self {
            place,
            unfit: Mutex::default(),
        }
    }

    fn unfit(&self) -> MutexGuard<'_, HashSet<StepId>> {
        // Every change is one insertion: a panic elsewhere leaves it whole.
        self.unfit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn takes(&self, job: &Job, step: StepId) -> bool {
        let meets = |step: &rayswarm_openjd::job::Step| step.requirements().unmet(&self.place.host()).is_none();
        !self.unfit().contains(&step) && job.step(step).is_some_and(meets)
    }
}

/// A turn at a place that counts them.
async fn turn(place: &dyn Place) -> Option<OwnedSemaphorePermit> {
    // Nobody closes them.
    place.turns()?.acquire_owned().await.ok()
}

/// Passes on what a session says with the task it works on.
struct TaskHearer {
    task: TaskId,
    witness: Arc<dyn Witness>,
}

impl Hearer for TaskHearer {
    fn line(&mut self, text: &str) {
        self.witness.line(self.task, text);
    }

    fn progress(&mut self, permille: u32) {
        self.witness.progress(self.task, permille);
    }

    fn status(&mut self, text: &str) {
        self.witness.status(self.task, text);
    }
}
