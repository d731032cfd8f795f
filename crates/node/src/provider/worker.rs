//! One job on this provider, from invitation to the last upload: fetch, pull, render, deliver.

use super::{
    account::Debt,
    admission::Accepted,
    courier::Courier,
    files::{self, JobFiles},
    occupancy::Occupied,
    plan::{NotPlanned, PaidPlan},
    queue::{Queue, Rendered},
    switch,
    warm::{TaskError, WarmRequest, WarmSession},
};
use crate::{clock, requestor::refusal::chain, services::Services};
use rayswarm_engines::SessionLimits;
use rayswarm_model::{AttemptId, JobId};
use rayswarm_network::work::{Failure, JobInvite, PULL_WAIT, Progress, ProviderLink, Pull, PullAnswer, log_tail};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// How often a worker tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// How long a worker keeps its results for a requestor that has gone; then it frees the machine.
const REQUESTOR_PATIENCE: Duration = Duration::from_secs(600);
/// How long a worker keeps the machine for a requestor that has no work for it; longer than any audit is waited for.
const IDLE_PATIENCE: Duration = Duration::from_secs(900);
/// CPU time of work asked for at a time; the requestor decides.
const WANTED_CPU_MS: u64 = 60_000;
/// Results waiting for the courier before rendering pauses: a slow line must not fill the disk.
const RESULTS_WAITING_MAX: usize = 16;
/// Pause before asking again after a failed pull, or one that gave nothing.
const PULL_RETRY: Duration = Duration::from_millis(300);
/// The pauses that a requestor may ask for: none that turns, and none longer than it could hold a pull back.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = PULL_WAIT;

/// One job.
pub struct Worker {
    services: Arc<Services>,
    limits: SessionLimits,
    accepted: Accepted,
    invite: JobInvite,
    link: watch::Receiver<ProviderLink>,
    queue: Arc<Queue>,
    folder: PathBuf,
}

/// What the provider loop holds of a worker.
pub struct WorkerHandle {
    links: watch::Sender<ProviderLink>,
    queue: Arc<Queue>,
    stop: CancellationToken,
    /// Cancelled once the work has ended, however it did; only the tidying is left then.
    over: CancellationToken,
    task: JoinHandle<Result<(), String>>,
}

/// How the work on a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// There is no more of it.
    Done,
    /// The owner needs the machine: what was begun is finished and delivered, the rest goes to others.
    Rest,
}

/// What a requestor does is not worked under.
#[derive(Debug, thiserror::Error)]
enum Unacceptable {
    #[error(transparent)]
    Debt(#[from] Debt),
    #[error(transparent)]
    NotPlanned(#[from] NotPlanned),
}

/// The folder in which each worker has one of its own, named like its job.
fn workers_folder(services: &Services) -> PathBuf {
    services.folder("provider")
}

/// Removes the folders of workers that were killed. Only while no worker runs.
pub fn sweep(services: &Services) {
    let left = std::fs::read_dir(workers_folder(services));
    for entry in left.into_iter().flatten().flatten() {
        let Some(job) = entry.file_name().to_str().and_then(|name| name.parse::<JobId>().ok()) else {
            continue;
        };
        services.network.blobs().unpin(job);
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(folder = %entry.path().display(), %error, "what a killed worker left cannot be removed");
        }
    }
}

impl WorkerHandle {
    /// Whether the job has ended here. From then on nobody listens to a new link.
    pub fn is_finished(&self) -> bool {
        self.over.is_cancelled() || self.task.is_finished()
    }
    /// Waits until a finished job is tidied up. Why it could not be worked on, if so.
    pub async fn failure(self) -> Option<String> {
        // An error of the task is a panic of the worker, which the log has already.
        self.task.await.unwrap_or(Ok(())).err()
    }
    /// The requestor dialled again.
    pub fn relink(&self, link: ProviderLink) {
        self.links.send_replace(link);
    }
    /// Forgets a task, unless it is nearly done.
    pub fn revoke(&self, attempt: AttemptId) {
        self.queue.revoke(attempt);
    }
    /// Stops without waiting.
    pub fn abandon(self) {
        self.stop.cancel();
    }
    /// Stops and waits.
    pub async fn stop(self) {
        self.stop.cancel();
        // An error here is a panic of the worker, which the log has already.
        let _ = self.task.await;
    }
}

impl Worker {
    /// A worker that has not begun.
    pub fn new(
        services: Arc<Services>,
        limits: SessionLimits,
        accepted: Accepted,
        invite: JobInvite,
        link: watch::Receiver<ProviderLink>,
    ) -> Self {
        let folder = workers_folder(&services).join(invite.job.to_string());
        Self {
            services,
            limits,
            accepted,
            invite,
            link,
            queue: Arc::default(),
            folder,
        }
    }

    /// Begins.
    pub fn start(self, links: watch::Sender<ProviderLink>, occupied: Occupied) -> WorkerHandle {
        let stop = self.services.stop.child_token();
        let (services, queue) = (self.services.clone(), self.queue.clone());
        let (running, left) = (stop.clone(), self.invite.deadline.since(clock::now()));
        let over = CancellationToken::new();
        let ended = over.clone();
        let task = services.tracker.spawn(async move {
            let _occupied = occupied;
            let (folder, network, job) = (self.folder.clone(), self.services.network.clone(), self.invite.job);
            let link = self.link.clone();
            let outcome = tokio::select! {
                () = running.cancelled() => Ok(Ending::Done),
                () = tokio::time::sleep(left) => Err("the job's deadline has passed".into()),
                outcome = self.run() => outcome,
            };
            ended.cancel();
            match &outcome {
                Ok(Ending::Done) => tracing::info!(job = %job.short(), "the job is done here"),
                Ok(Ending::Rest) => {
                    tracing::info!(job = %job.short(), "no more of the job is done here: {}", switch::RESTS)
                }
                Err(reason) => tracing::warn!(job = %job.short(), reason, "the job ended here"),
            }
            network.blobs().unpin(job);
            if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
                tracing::debug!(folder = %folder.display(), %error, "nothing to remove");
            }
            if outcome != Ok(Ending::Done) {
                // The requestor must not wait for a worker that is gone. It may ask again at once, and is told why not.
                link.borrow().close();
            }
            outcome.map(drop)
        });
        WorkerHandle {
            links,
            queue,
            stop,
            over,
            task,
        }
    }

    async fn run(self) -> Result<Ending, String> {
        let (plan, files) = tokio::select! {
            fetched = self.fetch() => fetched?,
            () = self.services.switch.paused() => return Ok(Ending::Rest),
        };
        let scratch = self.folder.join("scratch");
        tokio::fs::create_dir_all(&scratch)
            .await
            .map_err(|error| chain(&error))?;
        let session = WarmSession::new(WarmRequest {
            engine: self.accepted.engine.clone(),
            files,
            settings: self.invite.settings.clone(),
            limits: self.limits.clone(),
            pace: self.accepted.pace,
            scratch,
            play_from: self.invite.play_from,
        });
        let (results, waiting) = mpsc::channel(RESULTS_WAITING_MAX);
        let courier = Courier {
            services: self.services.clone(),
            job: self.invite.job,
            link: self.link.clone(),
            queue: self.queue.clone(),
            account: self.accepted.account.clone(),
        };
        let working = async {
            let (pulled, rendered, ()) =
                tokio::join!(self.pull(&plan), self.render(session, results), courier.run(waiting));
            let ending = pulled.map_err(|unacceptable| chain(&unacceptable))?;
            rendered.map(|()| ending).map_err(|debt| chain(&debt))
        };
        tokio::select! {
            outcome = working => outcome,
            () = self.report_progress() => Ok(Ending::Done),
            () = self.requestor_gone() => Err("the requestor did not come back".into()),
            () = self.queue.idle_for(IDLE_PATIENCE) => Err(format!(
                "the requestor had no work for this node for {} minutes",
                IDLE_PATIENCE.as_secs() / 60
            )),
        }
    }

    async fn fetch(&self) -> Result<(PaidPlan, JobFiles), String> {
        let (services, invite) = (&self.services, &self.invite);
        services.network.blobs().pin(invite.job);
        let requestor = services.network.address_of(self.link.borrow().requestor());
        let plan = PaidPlan::fetch(services, &requestor, invite, self.accepted.plan).await;
        let plan = plan.map_err(|error| format!("the job's plan could not be had: {}", chain(&error)))?;
        let (paid_for, folder) = (self.accepted.manifest, self.folder.join("files"));
        let files = files::fetch(services, &requestor, invite, paid_for, &folder).await;
        let files = files.map_err(|error| format!("the job's files could not be had: {}", chain(&error)))?;
        Ok((plan, files))
    }

    /// Keeps one batch ahead of the session, until the requestor says that there is no more, owes too much or grants what
    /// is not paid for. Once the owner needs the machine, tasks that wait are forgotten: the requestor gives them to others
    /// when the link ends.
    async fn pull(&self, plan: &PaidPlan) -> Result<Ending, Unacceptable> {
        tokio::select! {
            pulled = self.pull_until_done(plan) => {
                self.queue.close();
                pulled.map(|()| Ending::Done)
            }
            () = self.services.switch.paused() => {
                self.queue.abandon();
                Ok(Ending::Rest)
            }
        }
    }

    async fn pull_until_done(&self, plan: &PaidPlan) -> Result<(), Unacceptable> {
        let mut link = self.link.clone();
        loop {
            self.queue.hungry().await;
            if self.queue.is_closed() {
                return Ok(());
            }
            self.accepted.account.check()?;
            let holdings = self.queue.holdings();
            let question = Pull {
                job: self.invite.job,
                wanted_cpu_ms: WANTED_CPU_MS,
                warm: holdings.warm,
                warm_frame: holdings.warm_frame,
                running: holdings.running,
            };
            let current = link.borrow_and_update().clone();
            match current.pull(question).await {
                Ok(PullAnswer::Lease(lease)) if lease.tasks.is_empty() => tokio::time::sleep(PULL_RETRY).await,
                Ok(PullAnswer::Lease(lease)) => {
                    plan.check(&lease.tasks)?;
                    self.accepted.account.granted(&lease.tasks)?;
                    self.queue.grant(lease.tasks);
                }
                Ok(PullAnswer::Wait { retry_ms }) => tokio::time::sleep(pause(retry_ms)).await,
                Ok(PullAnswer::Done) => return Ok(()),
                Err(error) if current.is_open() => {
                    tracing::debug!(%error, "a pull failed");
                    tokio::time::sleep(PULL_RETRY).await;
                }
                Err(_) if link.changed().await.is_ok() => {}
                Err(_) => return Ok(()),
            }
        }
    }

    /// Renders what is held. The account is looked at before each task: a lease may hold many.
    async fn render(&self, mut session: WarmSession, results: mpsc::Sender<Rendered>) -> Result<(), Debt> {
        let mut standing = Ok(());
        while let Some(grant) = self.queue.next().await {
            standing = self.accepted.account.check();
            if standing.is_err() {
                self.queue.lost();
                self.queue.abandon();
                break;
            }
            let rendering = session.render(&grant, &self.queue);
            let traces = &self.services.traces;
            match traces.work(self.invite.job, grant.attempt, "render", rendering).await {
                Ok(rendered) => {
                    self.queue.rendered(&grant);
                    if results.send(rendered).await.is_err() {
                        break;
                    }
                }
                Err(TaskError::TakenBack) => {
                    tracing::info!(job = %self.invite.job.short(), attempt = %grant.attempt, "stopped a task that was taken back");
                    self.queue.lost();
                }
                Err(error) => {
                    self.queue.lost();
                    self.report_failure(grant.attempt, &error).await;
                }
            }
        }
        session.close().await;
        standing
    }

    async fn report_failure(&self, attempt: AttemptId, error: &TaskError) {
        tracing::warn!(job = %self.invite.job.short(), %attempt, error = %chain(error), "a task failed");
        let text = chain(error);
        let (message, log) = text.split_once('\n').unwrap_or((&text, ""));
        let failure = Failure {
            job: self.invite.job,
            attempt,
            kind: error.kind(),
            message: message.into(),
            log_tail: log_tail(log).into(),
        };
        let mut link = self.link.clone();
        loop {
            let current = link.borrow_and_update().clone();
            match current.failed(failure.clone()).await {
                Ok(()) => return,
                Err(_) if current.is_open() => return,
                Err(_) if link.changed().await.is_ok() => {}
                Err(_) => return,
            }
        }
    }

    async fn report_progress(&self) {
        let mut ticks = tokio::time::interval(PROGRESS_EVERY);
        loop {
            ticks.tick().await;
            let link = self.link.borrow().clone();
            if link.is_open() {
                // A lost report is replaced by the next; a lost link is noticed by whoever needs an answer.
                let _ = link
                    .progress(Progress {
                        job: self.invite.job,
                        running: self.queue.running(),
                    })
                    .await;
            }
        }
    }

    /// Resolves when the link has been down for too long.
    async fn requestor_gone(&self) {
        let mut link = self.link.clone();
        loop {
            let current = link.borrow_and_update().clone();
            current.closed().await;
            let relinked = tokio::time::timeout(REQUESTOR_PATIENCE, link.changed()).await;
            if !matches!(relinked, Ok(Ok(()))) {
                return;
            }
        }
    }
}

/// The pause before the next pull, as the requestor asks and within what makes sense.
fn pause(retry_ms: u32) -> Duration {
    Duration::from_millis(retry_ms.into()).clamp(PAUSE_MIN, PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requestor_can_neither_make_a_worker_turn_nor_put_it_to_sleep() {
        assert_eq!(pause(0), PAUSE_MIN);
        assert_eq!(pause(1_000), Duration::from_secs(1));
        assert_eq!(pause(u32::MAX), PULL_WAIT);
    }
}
