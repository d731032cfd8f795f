//! One job on this provider, from invitation to the last upload: fetch, pull, render, deliver.

use super::{
    courier::Courier,
    files::{self, JobFiles},
    queue::{Queue, Rendered},
    vouchers,
    warm::WarmSession,
};
use crate::{requestor::refusal::chain, services::Services};
use rayswarm_engines::{Engine, EngineError, SessionLimits};
use rayswarm_model::{AttemptId, JobId};
use rayswarm_network::work::{
    Failure, JobInvite, Judgement, Progress, ProviderLink, Pull, PullAnswer, Verdict, log_tail,
};
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
/// CPU time of work asked for at a time; the requestor decides.
const WANTED_CPU_MS: u64 = 60_000;
/// Results waiting for the courier before rendering pauses: a slow line must not fill the disk.
const RESULTS_WAITING_MAX: usize = 16;
/// Pause before asking again after a failed pull.
const PULL_RETRY: Duration = Duration::from_millis(300);

/// One job.
pub struct Worker {
    services: Arc<Services>,
    limits: SessionLimits,
    engine: Arc<dyn Engine>,
    invite: JobInvite,
    link: watch::Receiver<ProviderLink>,
    queue: Arc<Queue>,
    folder: PathBuf,
}

/// What the provider loop holds of a worker.
pub struct WorkerHandle {
    services: Arc<Services>,
    invite: JobInvite,
    links: watch::Sender<ProviderLink>,
    queue: Arc<Queue>,
    stop: CancellationToken,
    task: JoinHandle<()>,
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
    /// Whether the job has ended here.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
    /// The requestor dialled again.
    pub fn relink(&self, link: ProviderLink) {
        self.links.send_replace(link);
    }
    /// Forgets a task that has not begun.
    pub fn revoke(&self, attempt: AttemptId) {
        self.queue.revoke(attempt);
    }
    /// A result was judged.
    pub fn judged(&self, verdict: Verdict) {
        match verdict.judgement {
            Judgement::Accepted { voucher: Some(signed) } => self.vouchered(&signed),
            Judgement::Accepted { voucher: None } => {}
            Judgement::Rejected { reason } => {
                tracing::warn!(job = %verdict.job.short(), attempt = %verdict.attempt, reason, "a result was rejected");
            }
        }
    }
    /// A voucher arrived.
    pub fn vouchered(&self, signed: &[u8]) {
        if let Err(error) = vouchers::keep(&self.services, &self.invite, signed) {
            tracing::warn!(job = %self.invite.job.short(), error = %chain(&error), "a voucher was not kept");
        }
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
        engine: Arc<dyn Engine>,
        invite: JobInvite,
        link: watch::Receiver<ProviderLink>,
    ) -> Self {
        let folder = workers_folder(&services).join(invite.job.to_string());
        Self {
            services,
            limits,
            engine,
            invite,
            link,
            queue: Arc::default(),
            folder,
        }
    }

    /// Begins.
    pub fn start(self, links: watch::Sender<ProviderLink>) -> WorkerHandle {
        let stop = self.services.stop.child_token();
        let (services, invite, queue) = (self.services.clone(), self.invite.clone(), self.queue.clone());
        let running = stop.clone();
        let task = services.tracker.spawn(async move {
            let (folder, network, job) = (self.folder.clone(), self.services.network.clone(), self.invite.job);
            tokio::select! {
                () = running.cancelled() => {}
                outcome = self.run() => match outcome {
                    Ok(()) => tracing::info!(job = %job.short(), "the job is done here"),
                    Err(reason) => tracing::warn!(job = %job.short(), reason, "the job ended here"),
                }
            }
            network.blobs().unpin(job);
            if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
                tracing::debug!(folder = %folder.display(), %error, "nothing to remove");
            }
        });
        WorkerHandle {
            services,
            invite,
            links,
            queue,
            stop,
            task,
        }
    }

    async fn run(self) -> Result<(), String> {
        let files = self.fetch().await?;
        let scratch = self.folder.join("scratch");
        tokio::fs::create_dir_all(&scratch)
            .await
            .map_err(|error| chain(&error))?;
        let settings = self.invite.settings.clone();
        let session = WarmSession::new(
            self.engine.clone(),
            files,
            settings,
            self.limits.clone(),
            scratch,
            self.invite.play_from,
        );
        let (results, waiting) = mpsc::channel(RESULTS_WAITING_MAX);
        let courier = Courier {
            services: self.services.clone(),
            job: self.invite.job,
            link: self.link.clone(),
            queue: self.queue.clone(),
        };
        let working = async { tokio::join!(self.pull(), self.render(session, results), courier.run(waiting)) };
        tokio::select! {
            _ = working => Ok(()),
            () = self.report_progress() => Ok(()),
            () = self.requestor_gone() => Err("the requestor did not come back".into()),
        }
    }

    async fn fetch(&self) -> Result<JobFiles, String> {
        let requestor = self.link.borrow().requestor();
        let fetched = files::fetch(&self.services, requestor, &self.invite, &self.folder.join("files")).await;
        fetched.map_err(|error| format!("the job's files could not be had: {}", chain(&error)))
    }

    /// Keeps one batch ahead of the session.
    async fn pull(&self) {
        let mut link = self.link.clone();
        loop {
            self.queue.hungry().await;
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
                Ok(PullAnswer::Lease(lease)) => self.queue.grant(lease.tasks),
                Ok(PullAnswer::Wait { retry_ms }) => tokio::time::sleep(Duration::from_millis(retry_ms.into())).await,
                Ok(PullAnswer::Done) => return self.queue.close(),
                Err(error) if current.is_open() => {
                    tracing::debug!(%error, "a pull failed");
                    tokio::time::sleep(PULL_RETRY).await;
                }
                Err(_) if link.changed().await.is_ok() => {}
                Err(_) => return self.queue.close(),
            }
        }
    }

    async fn render(&self, mut session: WarmSession, results: mpsc::Sender<Rendered>) {
        while let Some(grant) = self.queue.next().await {
            match session.render(&grant, &self.queue).await {
                Ok(rendered) => {
                    self.queue.rendered(&grant);
                    if results.send(rendered).await.is_err() {
                        break;
                    }
                }
                Err(error) => {
                    self.queue.lost();
                    self.report_failure(grant.attempt, &error).await;
                }
            }
        }
        session.close().await;
    }

    async fn report_failure(&self, attempt: AttemptId, error: &EngineError) {
        tracing::warn!(job = %self.invite.job.short(), %attempt, error = %chain(error), "a task failed");
        let text = chain(error);
        let (message, log) = text.split_once('\n').unwrap_or((&text, ""));
        let mut message = message.to_owned();
        message.truncate(message.floor_char_boundary(rayswarm_network::work::REASON_BYTES_MAX));
        let failure = Failure {
            job: self.invite.job,
            attempt,
            kind: error.kind(),
            message,
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
