//! Sessions on other nodes of the same owner: found among the peers, ordered, and followed from here.

use super::{super::refusal::chain, order::CommandOrder, record::CommandSource};
use crate::{
    peers,
    services::Services,
    session_files::{self, PinnedJob, SentFile, SessionFilesError},
};
use async_trait::async_trait;
use rayswarm_engines::commands::{
    FileStore, JobFiles, Workshop,
    places::{NotOpened, Place, PlacedSession, Places, SessionFault, WantedSession},
    session::{Hearer, stopped},
};
use rayswarm_model::{
    Bytes, FailureKind, JobId, NodeId, TaskId,
    offer::CommandsOffer,
    signed::{EndpointBinding, Signed},
};
use rayswarm_network::{
    Network, NetworkError, PeerAddr,
    commands::{SentDocument, SessionCall, SessionCaller, SessionOrder, SessionWord},
};
use rayswarm_openjd::{Host, Os, run::WrittenFile};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Mutex, Semaphore, watch};

/// This machine, and every node of the same owner that takes commands.
pub struct OwnNodes {
    here: Workshop,
    job: Arc<SentJob>,
}

/// What of a job has been sent, for all nodes together.
struct SentJob {
    services: Arc<Services>,
    id: JobId,
    source: CommandSource,
    /// What every session reads, once it is packed.
    inputs: Mutex<Option<Arc<Inputs>>>,
    /// What steps wrote, by hash.
    written: Mutex<HashMap<String, SentFile>>,
    /// Distinguishes files that are being fetched.
    next: AtomicU64,
    _pinned: PinnedJob,
}

struct Inputs {
    /// The places inside of what is read.
    reads: Vec<String>,
    files: Vec<SentFile>,
}

/// Another node.
struct OwnNode {
    job: Arc<SentJob>,
    address: PeerAddr,
    host: Host,
    sessions: usize,
}

/// An open session of another node.
struct Elsewhere {
    job: Arc<SentJob>,
    address: PeerAddr,
    caller: SessionCaller,
    store: Arc<FileStore>,
    /// For files on their way.
    folder: PathBuf,
}

impl OwnNodes {
    /// The places of a job.
    pub fn new(services: Arc<Services>, id: JobId, source: CommandSource, here: Workshop) -> Self {
        let job = Arc::new(SentJob {
            _pinned: PinnedJob::new(services.clone(), id),
            services,
            id,
            source,
            inputs: Mutex::default(),
            written: Mutex::default(),
            next: AtomicU64::new(0),
        });
        Self { here, job }
    }
}

/// What every other node of the same owner that takes commands gives a session, and where it is.
fn own_nodes(services: &Services) -> Vec<(PeerAddr, Host, usize)> {
    let own_provider = Network::node_id_of(&services.identity.provider_secret);
    let peers = services.network.peers().into_iter();
    peers
        .filter(|peer| peer.first_hand && peer.card.address.node != own_provider)
        .filter_map(|peer| {
            let signed = peer.card.offer?;
            let own = services.is_own_account(signed.offer.account) && peers::is_genuine(&signed);
            let commands = signed.offer.commands.clone().filter(|_| own)?;
            let host = host(&commands, signed.offer.threads, signed.offer.memory);
            Some((peer.card.address, host, commands.sessions as usize))
        })
        .collect()
}

/// What the other nodes give, in the words of requirements.
pub fn hosts(services: &Services) -> Vec<Host> {
    own_nodes(services).into_iter().map(|(_, host, _)| host).collect()
}

/// Its disk is not offered: the node says itself whether it has enough.
fn host(commands: &CommandsOffer, processors: u32, memory: Bytes) -> Host {
    Host {
        processors,
        memory,
        gpus: 0,
        scratch: Bytes(u64::MAX),
        system: Os::Linux,
        architecture: commands.architecture.clone(),
    }
}

impl Places for OwnNodes {
    fn now(&self) -> Vec<Arc<dyn Place>> {
        let elsewhere = own_nodes(&self.job.services)
            .into_iter()
            .map(|(address, host, sessions)| {
                let job = self.job.clone();
                let node = OwnNode {
                    job,
                    address,
                    host,
                    sessions,
                };
                Arc::new(node) as Arc<dyn Place>
            });
        let here: Arc<dyn Place> = Arc::new(self.here.clone());
        std::iter::once(here).chain(elsewhere).collect()
    }

    fn may_change(&self) -> bool {
        true
    }
}

impl Drop for SentJob {
    fn drop(&mut self) {
        self.services.network.blobs().revoke_all(self.id);
    }
}

impl SentJob {
    async fn inputs(&self, files: &JobFiles) -> Result<Arc<Inputs>, SessionFilesError> {
        let mut inputs = self.inputs.lock().await;
        if let Some(packed) = inputs.as_ref() {
            return Ok(packed.clone());
        }
        let mut sent = Vec::new();
        for read in files.reads() {
            for (host, inside) in session_files::below(&read.host, &read.inside)? {
                sent.push(session_files::send(&self.services, self.id, &host, &inside).await?);
            }
        }
        let reads = files.reads().iter().map(|read| read.inside.clone()).collect();
        Ok(inputs.insert(Arc::new(Inputs { reads, files: sent })).clone())
    }

    /// What earlier steps wrote.
    async fn before(&self, before: &[WrittenFile], store: &FileStore) -> Result<Vec<SentFile>, SessionFilesError> {
        let mut written = self.written.lock().await;
        let mut sent = Vec::with_capacity(before.len());
        for file in before {
            let known = match written.get(&file.hash) {
                Some(known) => known.clone(),
                None => session_files::send(&self.services, self.id, &store.path(&file.hash), &file.path).await?,
            };
            written.entry(file.hash.clone()).or_insert_with(|| known.clone());
            sent.push(SentFile {
                path: file.path.clone(),
                runnable: file.runnable,
                ..known
            });
        }
        Ok(sent)
    }

    async fn document(&self, wanted: &WantedSession) -> Result<SentDocument, SessionFilesError> {
        let inputs = self.inputs(&wanted.files).await?;
        let order = CommandOrder {
            source: self.source.clone(),
            step: wanted.step.0 as u64,
            reads: inputs.reads.clone(),
            files: inputs.files.clone(),
            before: self.before(&wanted.before, &wanted.store).await?,
        };
        session_files::send_document(&self.services, self.id, &order).await
    }
}

#[async_trait]
impl Place for OwnNode {
    fn node(&self) -> Option<NodeId> {
        Some(self.address.node)
    }

    fn host(&self) -> Host {
        self.host.clone()
    }

    fn sessions(&self) -> usize {
        self.sessions
    }

    fn turns(&self) -> Option<Arc<Semaphore>> {
        // It counts them itself.
        None
    }

    async fn open(&self, wanted: WantedSession) -> Result<Box<dyn PlacedSession>, NotOpened> {
        let services = &self.job.services;
        let document = self.job.document(&wanted).await;
        let document = document.map_err(|error| NotOpened::Failed(chain(&error)))?;
        services.network.blobs().grant(self.address.node, self.job.id);
        let binding = EndpointBinding {
            node: services.network.node_id(),
            account: services.identity.account.address(),
        };
        let order = SessionOrder {
            job: self.job.id,
            binding: Signed::sign(binding, &services.domain, &services.identity.account),
            document,
        };
        let ordered = services.network.order_session(&self.address, order).await;
        let mut caller = ordered.map_err(|error| NotOpened::Away(chain(&error)))?;
        match caller.hear().await {
            Some(SessionWord::Opened) => Ok(Box::new(Elsewhere {
                job: self.job.clone(),
                address: self.address.clone(),
                caller,
                store: wanted.store,
                folder: wanted.folder,
            })),
            Some(SessionWord::Refused { reason, lasting: true }) => Err(NotOpened::Unfit(reason)),
            Some(SessionWord::Refused { reason, .. }) => Err(NotOpened::Away(reason)),
            Some(_) | None => Err(NotOpened::Away("it went away while the session was opened".into())),
        }
    }
}

impl Elsewhere {
    /// Calls and hears until the answer, passing on what the commands say.
    async fn call(
        &mut self,
        call: SessionCall,
        hearer: &mut dyn Hearer,
        mut stop: Option<&mut watch::Receiver<bool>>,
    ) -> Result<SessionWord, SessionFault> {
        self.caller.say(call).await.map_err(away)?;
        loop {
            let word = tokio::select! {
                word = self.caller.hear() => word.ok_or_else(gone)?,
                () = stopped(stop.as_deref_mut()), if stop.is_some() => {
                    self.caller.say(SessionCall::Cancel).await.map_err(away)?;
                    stop = None;
                    continue;
                }
            };
            match word {
                SessionWord::Line(text) => hearer.line(&text),
                SessionWord::Progress(permille) => hearer.progress(permille),
                SessionWord::Status(text) => hearer.status(&text),
                SessionWord::Failed(why) => return Err(SessionFault::Failed(why)),
                SessionWord::Refused { reason, .. } => return Err(SessionFault::Away(reason)),
                answer => return Ok(answer),
            }
        }
    }

    async fn fetch(&self, list: SentDocument) -> Result<Vec<WrittenFile>, SessionFilesError> {
        let Elsewhere { job, address, .. } = self;
        let files: Vec<SentFile> = session_files::fetch_document(&job.services, job.id, address, list).await?;
        session_files::fetch(&job.services, job.id, address, &files).await?;
        let mut kept = Vec::with_capacity(files.len());
        for file in &files {
            let number = job.next.fetch_add(1, Ordering::Relaxed);
            let through = self.folder.with_extension(format!("{number}.part"));
            kept.push(session_files::keep(&job.services, file, &self.store, &through).await?);
        }
        kept.sort();
        Ok(kept)
    }
}

#[async_trait]
impl PlacedSession for Elsewhere {
    async fn enter(&mut self, hearer: &mut dyn Hearer, stop: &mut watch::Receiver<bool>) -> Result<(), SessionFault> {
        match self.call(SessionCall::Enter, hearer, Some(stop)).await? {
            SessionWord::Entered => Ok(()),
            _ => Err(gone()),
        }
    }

    async fn run(
        &mut self,
        task: TaskId,
        hearer: &mut dyn Hearer,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<Vec<WrittenFile>, SessionFault> {
        let SessionWord::Done(list) = self.call(SessionCall::Run(task), hearer, Some(stop)).await? else {
            return Err(gone());
        };
        self.fetch(list).await.map_err(|error| match &error {
            SessionFilesError::Network(cause) if cause.kind() == FailureKind::Transient => {
                SessionFault::Away(chain(&error))
            }
            _ => SessionFault::Failed(chain(&error)),
        })
    }

    async fn close(mut self: Box<Self>, hearer: &mut dyn Hearer) {
        // Environments that are not left for want of a node are gone with it.
        let _ = self.call(SessionCall::Close, hearer, None).await;
    }
}

fn gone() -> SessionFault {
    SessionFault::Away("its node went away".into())
}

fn away(error: NetworkError) -> SessionFault {
    SessionFault::Away(chain(&error))
}
