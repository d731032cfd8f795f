//! Sessions of commands for other nodes of the same owner, or for everybody where this one's owner says so.

use super::{
    occupancy::{Occupancy, Occupied},
    switch,
};
use crate::{
    requestor::{
        commands::{opening, order::CommandOrder},
        refusal::chain,
    },
    services::Services,
    session_files::{self, PinnedJob, SessionFilesError},
};
use rayswarm_engines::commands::{
    CommandSession, CommandsError, FileStore, JobFiles, Tools,
    files::Read,
    session::{Hearer, Opening},
};
use rayswarm_model::JobId;
use rayswarm_network::{
    PeerAddr,
    commands::{Mouth, SentDocument, SessionCall, SessionHost, SessionOrder, SessionRequest, SessionWord},
};
use rayswarm_openjd::{
    StepId,
    paths::{INSIDE, normal},
    run::WrittenFile,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

/// Takes orders for sessions.
pub struct CommandHost {
    services: Arc<Services>,
    occupancy: Arc<Occupancy>,
    /// Distinguishes the folders of sessions.
    next: AtomicU64,
}

/// Why a session is not opened.
struct Refusal {
    reason: String,
    /// Asking again for the same step is of no use.
    lasting: bool,
}

/// What a session holds of this machine.
struct Admitted {
    _occupied: Occupied,
    _turn: OwnedSemaphorePermit,
}

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl CommandHost {
    /// A host without sessions. What a killed process left is removed.
    pub fn new(services: Arc<Services>, occupancy: Arc<Occupancy>) -> Arc<Self> {
        drop(Folder(folder(&services)));
        Arc::new(Self {
            services,
            occupancy,
            next: AtomicU64::new(0),
        })
    }

    /// Takes orders until the node stops.
    pub async fn run(self: Arc<Self>, mut requests: mpsc::Receiver<SessionRequest>) {
        loop {
            let request = tokio::select! {
                () = self.services.stop.cancelled() => return,
                request = requests.recv() => request,
            };
            let Some(request) = request else { return };
            let (host, stop) = (self.clone(), self.services.stop.clone());
            self.services.tracker.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = host.serve(request) => {}
                }
            });
        }
    }

    async fn serve(self: Arc<Self>, request: SessionRequest) {
        let SessionRequest { from, order, mut host } = request;
        let (job, requestor) = (order.job, from.node);
        let _pinned = PinnedJob::new(self.services.clone(), job);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = Folder(folder(&self.services).join(number.to_string()));
        let opening = async {
            let admitted = self.admit(&from, &order)?;
            let (session, store) = self.open(&from, &order, &folder.0).await?;
            Ok((admitted, session, store))
        };
        let opened: Result<_, Refusal> = tokio::select! {
            opened = opening => opened,
            // Nothing is called before it is open: the requestor has gone.
            _ = host.hear() => return,
        };
        match opened {
            Ok((_admitted, session, store)) => {
                tracing::info!(job = %job.short(), requestor = %requestor.short(), "runs commands");
                let running = RunningSession {
                    services: self.services.clone(),
                    job,
                    session,
                    store,
                    host,
                };
                running.run().await;
                tracing::info!(job = %job.short(), "the session of commands has ended");
            }
            Err(Refusal { reason, lasting }) => {
                tracing::debug!(job = %job.short(), reason, "a session was refused");
                // Fails only when the requestor has gone.
                let _ = host.say(SessionWord::Refused { reason, lasting }).await;
            }
        }
    }

    /// Whether this requestor may have a session now.
    fn admit(&self, from: &PeerAddr, order: &SessionOrder) -> Result<Admitted, Refusal> {
        let Services {
            config,
            domain,
            switch,
            command_turns,
            ..
        } = self.services.as_ref();
        let binding = &order.binding;
        let account = binding.message.account;
        let lasting = |reason: String| Refusal { reason, lasting: true };
        let now = |reason: &str| Refusal {
            reason: reason.to_owned(),
            lasting: false,
        };
        binding
            .signed_by(domain, account)
            .map_err(|error| lasting(chain(&error)))?;
        if binding.message.node != from.node {
            return Err(lasting("the account has signed for another node".into()));
        }
        if !config.commands_from_all && !self.services.is_own_account(account) {
            return Err(lasting(format!(
                "it runs commands of its owner's accounts only, and {account} is none of them; \
                 start it with --own-account {account}"
            )));
        }
        if switch.is_paused() {
            return Err(now(switch::RESTS));
        }
        let occupied = self.occupancy.session().ok_or_else(|| now("it renders"))?;
        let turn = command_turns.clone().try_acquire_owned();
        Ok(Admitted {
            _occupied: occupied,
            _turn: turn.map_err(|_| now("all its sessions are taken"))?,
        })
    }

    async fn open(
        &self,
        from: &PeerAddr,
        order: &SessionOrder,
        folder: &Path,
    ) -> Result<(CommandSession, Arc<FileStore>), Refusal> {
        let (services, id) = (&self.services, order.job);
        let sandbox = services.engines.sandbox().map_err(|error| Refusal {
            reason: chain(error),
            lasting: true,
        })?;
        let wanted: CommandOrder = session_files::fetch_document(services, id, from, order.document).await?;
        let job = Arc::new(opening::job(&wanted.source).map_err(|error| Refusal {
            reason: chain(&error),
            lasting: true,
        })?);
        let step = usize::try_from(wanted.step).map_or(StepId(usize::MAX), StepId);
        let limits = services.command_limits();
        let unmet = match job.step(step) {
            Some(step) => step.requirements().unmet(&limits.host()),
            None => Some("is not in the job".into()),
        };
        if let Some(reason) = unmet {
            return Err(Refusal { reason, lasting: true });
        }
        let files = self.files(from, id, &wanted, &folder.join("files")).await?;
        let store = Arc::new(FileStore::open(folder.join("written"))?);
        let mut before = Vec::with_capacity(wanted.before.len());
        session_files::fetch(services, id, from, &wanted.before).await?;
        for file in &wanted.before {
            before.push(session_files::keep(services, file, &store, &folder.join("part")).await?);
        }
        let beside = wanted.source.template.parent().unwrap_or(Path::new("/"));
        let files = JobFiles::elsewhere(&job, &wanted.source.assets, beside, files)?;
        let opening = Opening {
            job,
            step,
            files: Arc::new(files),
            before: &before,
            store: store.clone(),
            tools: &Tools::of(services.engines.store()),
            folder: folder.join("session"),
            limits: &limits,
        };
        let session = CommandSession::open(sandbox, opening).await?;
        Ok((session, store))
    }

    /// Fetches what is read and puts it together in `folder`.
    async fn files(
        &self,
        from: &PeerAddr,
        job: JobId,
        wanted: &CommandOrder,
        folder: &Path,
    ) -> Result<Vec<Read>, SessionFilesError> {
        session_files::fetch(&self.services, job, from, &wanted.files).await?;
        let place = |inside: &str| folder.join(inside.trim_start_matches('/'));
        for file in &wanted.files {
            session_files::export(&self.services, file, &place(&file.path)).await?;
        }
        let is_inside = |path: &&String| path.starts_with(INSIDE) && normal(path).as_ref() == Some(*path);
        let mut reads = Vec::with_capacity(wanted.reads.len());
        for inside in wanted.reads.iter().filter(is_inside) {
            let host = place(inside);
            if !host.is_file() {
                fs::create_dir_all(&host).map_err(|source| SessionFilesError::Disk {
                    path: host.clone(),
                    source,
                })?;
            }
            let inside = inside.clone();
            reads.push(Read { host, inside });
        }
        Ok(reads)
    }
}

/// A session and who calls it.
struct RunningSession {
    services: Arc<Services>,
    job: JobId,
    session: CommandSession,
    store: Arc<FileStore>,
    host: SessionHost,
}

impl RunningSession {
    /// Does what is called until the requestor has had enough, has gone, or the owner needs the machine.
    async fn run(mut self) {
        let stop = watch::Sender::new(false);
        let mut hearer = Telling(self.host.mouth());
        let mut word = Some(SessionWord::Opened);
        loop {
            if let Some(word) = word.take()
                && self.host.say(word).await.is_err()
            {
                return;
            }
            let call = tokio::select! {
                call = self.host.hear() => call,
                () = self.services.switch.paused() => None,
            };
            let mut stopping = stop.subscribe();
            let answered = match call {
                Some(SessionCall::Enter) => {
                    let entering = self.session.enter(&mut hearer, &mut stopping);
                    let entered = attend(&mut self.host, &stop, entering).await;
                    entered.map(|entered| entered.map_or_else(SessionWord::Failed, |()| SessionWord::Entered))
                }
                Some(SessionCall::Run(task)) => {
                    let running = self.session.run(task, &mut hearer, &mut stopping);
                    match attend(&mut self.host, &stop, running).await {
                        Some(Ok(files)) => Some(self.send(&files).await),
                        Some(Err(why)) => Some(SessionWord::Failed(why)),
                        None => None,
                    }
                }
                // There is nothing to cancel any more.
                Some(SessionCall::Cancel) => {
                    stop.send_replace(true);
                    continue;
                }
                Some(SessionCall::Close) => {
                    self.session.close(&mut hearer).await;
                    // Fails only when the requestor has gone.
                    let _ = self.host.say(SessionWord::Closed).await;
                    return;
                }
                None => None,
            };
            if answered.is_none() {
                return;
            }
            word = answered;
        }
    }

    /// Makes what a task wrote readable for the requestor.
    async fn send(&self, files: &[WrittenFile]) -> SessionWord {
        match self.sent(files).await {
            Ok(list) => SessionWord::Done(list),
            Err(error) => SessionWord::Failed(chain(&error)),
        }
    }

    async fn sent(&self, files: &[WrittenFile]) -> Result<SentDocument, SessionFilesError> {
        let mut sent = Vec::with_capacity(files.len());
        for file in files {
            let kept = self.store.path(&file.hash);
            let mut one = session_files::send(&self.services, self.job, &kept, &file.path).await?;
            one.runnable = file.runnable;
            sent.push(one);
        }
        let list = session_files::send_document(&self.services, self.job, &sent).await?;
        self.services.network.blobs().grant(self.host.node(), self.job);
        Ok(list)
    }
}

/// Waits for `work` and hears meanwhile whether it is still wanted; `None` when the requestor has gone.
async fn attend<T>(host: &mut SessionHost, stop: &watch::Sender<bool>, work: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Some(done),
            call = host.hear() => match call? {
                SessionCall::Cancel => {
                    stop.send_replace(true);
                }
                // One call at a time: the requestor does not keep to the protocol.
                _ => return None,
            },
        }
    }
}

/// Tells the requestor what commands say.
struct Telling(Mouth<SessionWord>);

impl Hearer for Telling {
    fn line(&mut self, text: &str) {
        self.0.say(SessionWord::Line(text.to_owned()));
    }

    fn progress(&mut self, permille: u32) {
        self.0.say(SessionWord::Progress(permille));
    }

    fn status(&mut self, text: &str) {
        self.0.say(SessionWord::Status(text.to_owned()));
    }
}

impl From<SessionFilesError> for Refusal {
    fn from(error: SessionFilesError) -> Self {
        Self {
            reason: chain(&error),
            lasting: false,
        }
    }
}

impl From<CommandsError> for Refusal {
    fn from(error: CommandsError) -> Self {
        Self {
            reason: error.in_full(),
            lasting: false,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!(folder = %self.0.display(), %error, "a session's folder was not removed");
            }
            _ => {}
        }
    }
}

/// Where sessions have their folders.
fn folder(services: &Services) -> PathBuf {
    services.folder("provider-commands")
}
