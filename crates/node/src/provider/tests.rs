//! A provider and a requestor of ill will: real nodes on loopback, a real chain, the real POV-Ray. Needs Debian's
//! `povray`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::{
    chain::{ChainConfig, DEVELOPMENT_CHAIN_ID, EmbeddedChain, development_genesis},
    clock,
    config::RawConfig,
    engines::Engines,
    events::Events,
    identity::Identity,
    journal::Journal,
    traces::Traces,
};
use rayswarm_model::{
    Amount, AttemptId, B256, BlobId, Bytes, ComparisonClass, Frames, JobId, LeaseId, Manifest, Plan, RenderSettings,
    Resolution, Slice, TaskId, TaskSpec, UnixMillis, Work, WorkPrice, canonical, keccak256,
    manifest::{Cipher, ManifestFile},
    signed::{Domain, Signed, Voucher},
};
use rayswarm_network::{
    Inbox, Network, NetworkConfig, RequestorEvent, RequestorLink,
    work::{CommitAnswer, Lease, PullAnswer, Purpose, TaskGrant, Voucher as WireVoucher},
};
use rayswarm_settlement::{Contracts, JobTerms, Settlement, ask_faucet};
use std::{net::Ipv4Addr, ops::RangeInclusive, path::Path};
use switch::ProviderSwitch;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

const SCENE: &str = "camera { location -5*z look_at 0 } light_source { -9*z, 1 } sphere { 0, 1 pigment { rgb 1 } }";
const SIZE: Resolution = Resolution { width: 8, height: 8 };
/// What each task is worth, in base units: the price is one for each thousandth of a WU.
const TASK: u64 = 1_000;
/// Tasks of the plan.
const TASKS: u64 = 100;
const PRICE: WorkPrice = WorkPrice {
    per_wu_hour: Amount(3_600_000),
};
const HOUR_MS: u64 = 3_600_000;

/// A requestor's half, driven by the test, and a provider that runs.
struct World {
    requestor: Services,
    events: mpsc::Receiver<RequestorEvent>,
    provider: Arc<Services>,
    invite: JobInvite,
    granted: u64,
    delivered: u64,
    _chain: EmbeddedChain,
    _folder: TempDir,
}

async fn services(folder: &Path, rpc_url: &str, contracts: Option<Contracts>) -> (Services, Inbox) {
    std::fs::create_dir_all(folder).unwrap();
    let raw = RawConfig {
        data_dir: Some(folder.into()),
        provide: true,
        threads: Some(1),
        price: Some(PRICE.per_wu_hour),
        ..RawConfig::default()
    };
    let identity = Identity::load_or_create(folder).unwrap();
    ask_faucet(rpc_url, identity.account.address()).await.unwrap();
    let contracts = match contracts {
        Some(contracts) => contracts,
        None => Settlement::deploy(rpc_url, identity.account.clone()).await.unwrap(),
    };
    let settlement = Settlement::connect(rpc_url, identity.account.clone(), contracts).await;
    let settlement = settlement.unwrap();
    let network = NetworkConfig::loopback(identity.node_secret, folder.join("network"));
    let (network, inbox) = Network::start(network).await.unwrap();
    let journal = Journal::open(&folder.join("journal.sqlite")).unwrap();
    let services = Services {
        config: raw.resolve().unwrap(),
        identity: Arc::new(identity),
        switch: Arc::new(ProviderSwitch::load(&journal, PRICE).unwrap()),
        events: Events::new(clock::now()),
        traces: Traces::default(),
        journal,
        engines: Arc::new(Engines::detect().unwrap()),
        network,
        domain: Domain {
            chain_id: settlement.chain_id(),
            escrow: contracts.escrow,
        },
        court: B256::ZERO,
        settlement: Arc::new(settlement),
        rpc_url: rpc_url.into(),
        command_turns: Arc::new(tokio::sync::Semaphore::new(1)),
        tracker: TaskTracker::new(),
        stop: CancellationToken::new(),
    };
    (services, inbox)
}

impl World {
    /// The escrow holds `budget` for tasks of `work` each.
    async fn new(budget: u64, work: u64) -> Self {
        // The clients are built without a TLS provider of their own; an error means that one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let chain = EmbeddedChain::start(ChainConfig {
            dir: folder.path().join("chain"),
            genesis: development_genesis(DEVELOPMENT_CHAIN_ID, clock::now().seconds_floor()),
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        });
        let chain = chain.await.unwrap();
        let (requestor, asked) = services(&folder.path().join("requestor"), &chain.rpc_url(), None).await;
        let contracts = requestor.settlement.contracts();
        let (provider, told) = services(&folder.path().join("provider"), &chain.rpc_url(), Some(contracts)).await;
        let invite = invitation(&requestor, folder.path(), budget, work).await;
        let provider = Arc::new(provider);
        let terms = OwnTerms {
            limits: provider.local_limits(),
            unpaid_tasks: 4,
            stake: Default::default(),
        };
        let (running, stop) = (
            Provider::new(provider.clone(), terms, Arc::default()),
            provider.stop.clone(),
        );
        provider.tracker.spawn(running.run(told.provider, stop));
        Self {
            requestor,
            events: asked.requestor,
            provider,
            invite,
            granted: 0,
            delivered: 0,
            _chain: chain,
            _folder: folder,
        }
    }

    async fn invite(&self) -> (RequestorLink, InviteAnswer) {
        let (network, node) = (&self.requestor.network, self.provider.network.node_id());
        network.blobs().grant(node, self.invite.job);
        let link = network.provider_link(&self.provider.network.addr()).await.unwrap();
        let answer = link.invite(self.invite.clone()).await.unwrap();
        (link, answer)
    }

    /// Grants one task for each pull and takes what comes, until the provider ends the connection. Never vouches.
    async fn exploit(&mut self, work: u64) {
        loop {
            match self.events.recv().await.unwrap() {
                RequestorEvent::Pull { reply, .. } => {
                    self.granted += 1;
                    let _ = reply.send(PullAnswer::Lease(lease(self.granted, work)));
                }
                RequestorEvent::Commit { reply, .. } => reply.send(CommitAnswer::Deliver).unwrap(),
                RequestorEvent::Delivered { delivery, reply, .. } => {
                    self.delivered += 1;
                    std::fs::remove_file(delivery.path).unwrap();
                    let _ = reply.send(());
                }
                RequestorEvent::LinkClosed { .. } => return,
                RequestorEvent::Progress { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// A voucher for everything delivered.
    fn voucher(&self) -> WireVoucher {
        let voucher = Voucher {
            job: self.invite.job,
            provider: self.provider.identity.account.address(),
            cumulative: Amount((self.delivered * TASK).into()),
        };
        let signed = Signed::sign(voucher, &self.requestor.domain, &self.requestor.identity.account);
        WireVoucher {
            job: self.invite.job,
            signed: canonical::encode("voucher", &signed).unwrap(),
        }
    }

    async fn stop(self) {
        self.provider.stop.cancel();
        self.provider.tracker.close();
        self.provider.tracker.wait().await;
        self.requestor.network.shutdown().await;
        self.provider.network.shutdown().await;
    }
}

/// Packs the scene and opens the escrow.
async fn invitation(requestor: &Services, folder: &Path, budget: u64, work: u64) -> JobInvite {
    let (settlement, blobs) = (&requestor.settlement, requestor.network.blobs());
    let job: JobId = settlement.job_id(B256::ZERO);
    let scene = folder.join("main.pov");
    std::fs::write(&scene, SCENE).unwrap();
    let imported = blobs.import_file(job, &scene).await.unwrap();
    let path = "/scene/main.pov".to_owned();
    let manifest = Manifest {
        scene: path.clone(),
        files: vec![ManifestFile {
            path,
            size: imported.bytes,
            plain: imported.plain,
            cipher: Cipher::None,
            chunks: imported.chunks,
        }],
    };
    let bytes = canonical::encode("manifest", &manifest).unwrap();
    let (manifest_blob, manifest_bytes) = document(requestor, job, bytes).await;
    let engines = requestor.engines.installed();
    let povray = engines.iter().find(|engine| engine.name() == "povray");
    let povray = povray.expect("POV-Ray 3.7 is not installed; run: apt-get install povray povray-includes");
    let plan = plan(povray.version(), work);
    let plan_bytes = canonical::encode("plan", &plan).unwrap();
    let plan_hash = keccak256(&plan_bytes);
    let (plan_blob, plan_bytes) = document(requestor, job, plan_bytes).await;
    let budget = Amount(budget.into());
    settlement.mint_dev_tokens(settlement.account(), budget).await.unwrap();
    let deadline = UnixMillis(clock::now().0 + HOUR_MS);
    let terms = JobTerms {
        manifest_hash: canonical::document_hash("manifest", &manifest).unwrap(),
        plan_hash,
        policy_hash: B256::ZERO,
        comparison_class: ComparisonClass(B256::ZERO),
        token: settlement.contracts().token,
        budget,
        provider_stake: Amount::ZERO,
        deadline,
        exit_window: Duration::from_secs(2),
        notice: Duration::from_secs(2),
        challenge: Duration::from_secs(2),
        trust_tier: 0,
    };
    settlement.open_job(&terms, B256::ZERO).await.unwrap();
    let invite = JobInvite {
        job,
        requestor: settlement.account(),
        chain_id: requestor.domain.chain_id,
        escrow: requestor.domain.escrow,
        manifest: manifest_blob,
        manifest_bytes,
        plan: plan_blob,
        plan_bytes,
        engine: plan.engine,
        engine_version: plan.engine_version,
        settings: plan.settings,
        play_from: None,
        memory: Bytes(1 << 20),
        price: PRICE,
        deadline,
        signature: Vec::new(),
    };
    invite.signed(&requestor.identity.account).unwrap()
}

/// Stores a document of the job; gives its blob and its length.
async fn document(requestor: &Services, job: JobId, bytes: Vec<u8>) -> (BlobId, u64) {
    let (blobs, length) = (requestor.network.blobs(), bytes.len() as u64);
    let blob = blobs.import_bytes(job, bytes).await.unwrap();
    blobs.keep(job).await.unwrap();
    (blob, length)
}

/// A plan whose tasks are all alike.
fn plan(povray: &str, work: u64) -> Plan {
    Plan {
        engine: "povray".into(),
        engine_version: povray.into(),
        settings: RenderSettings {
            resolution: SIZE,
            samples: 1,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        },
        frames: Frames::try_from(vec![1]).unwrap(),
        tiles: vec![SIZE.whole()],
        tile_padding: 0,
        slices: vec![Slice::whole(1)],
        sequential: false,
        tasks: (0..TASKS).map(|number| task(number, work)).collect(),
    }
}

fn task(number: u64, work: u64) -> TaskSpec {
    TaskSpec {
        id: TaskId(number),
        frame: 1,
        tile: SIZE.whole(),
        slice: Slice::whole(1),
        work: Work { milli_wu: work },
    }
}

fn lease(number: u64, work: u64) -> Lease {
    long_lease(number..=number, work)
}

fn long_lease(numbers: RangeInclusive<u64>, work: u64) -> Lease {
    let grant = |number| TaskGrant {
        attempt: AttemptId(number),
        task: task(number, work),
        padding: 0,
        purpose: Purpose::Render,
    };
    Lease {
        lease: LeaseId(*numbers.start()),
        lasts_ms: HOUR_MS,
        tasks: numbers.map(grant).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requestor_that_never_vouches_is_left_and_its_late_voucher_counts() {
    // Enough for one task, so a few are worked on before anything is paid, and no more.
    let mut world = World::new(TASK, TASK).await;
    assert_eq!(world.invite().await.1, InviteAnswer::Accepted);
    world.exploit(TASK).await;
    // Four on credit, the fifth shows that they are too many, and one or two were on their way.
    assert!((5..=7).contains(&world.delivered), "{}", world.delivered);
    let (link, answer) = world.invite().await;
    let InviteAnswer::Refused { reason } = answer else {
        panic!("{answer:?}")
    };
    assert!(reason.contains("on credit"), "{reason}");
    // No worker is there any more; the voucher counts all the same.
    link.voucher(world.voucher()).await.unwrap();
    let owed = u128::from(world.delivered * TASK);
    assert_eq!(
        world.provider.journal.vouchered(world.invite.job).unwrap(),
        Amount(owed)
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_the_escrow_could_never_pay_is_not_rendered() {
    let mut world = World::new(TASK, TASK + 1).await;
    assert_eq!(world.invite().await.1, InviteAnswer::Accepted);
    world.exploit(TASK + 1).await;
    assert_eq!((world.granted, world.delivered), (1, 0));
    let (_, answer) = world.invite().await;
    let InviteAnswer::Refused { reason } = answer else {
        panic!("{answer:?}")
    };
    assert!(reason.contains("escrow got"), "{reason}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_jurors_would_not_find_in_the_plan_is_not_rendered() {
    // The escrow could pay for it: it is the plan that promises less.
    let mut world = World::new(10 * TASK, TASK - 1).await;
    assert_eq!(world.invite().await.1, InviteAnswer::Accepted);
    world.exploit(TASK).await;
    assert_eq!((world.granted, world.delivered), (1, 0));
    let (_, answer) = world.invite().await;
    let InviteAnswer::Refused { reason } = answer else {
        panic!("{answer:?}")
    };
    assert!(reason.contains("more work is counted for task t1"), "{reason}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_owner_needs_the_machine_finishes_what_it_began_and_takes_nothing_more() {
    // More than the courier lets a session render ahead of it.
    const GRANTED: u64 = 64;
    let mut world = World::new(GRANTED * TASK, TASK).await;
    assert_eq!(world.invite().await.1, InviteAnswer::Accepted);
    let pause = |services: &Services, paused| services.switch.change(&services.journal, Some(paused), None).unwrap();
    loop {
        match world.events.recv().await.unwrap() {
            RequestorEvent::Pull { reply, .. } => {
                let _ = reply.send(PullAnswer::Lease(long_lease(1..=GRANTED, TASK)));
            }
            RequestorEvent::Commit { reply, .. } => {
                pause(&world.provider, true);
                reply.send(CommitAnswer::Deliver).unwrap();
            }
            RequestorEvent::Delivered { delivery, reply, .. } => {
                world.delivered += 1;
                std::fs::remove_file(delivery.path).unwrap();
                let _ = reply.send(());
            }
            RequestorEvent::LinkClosed { .. } => break,
            RequestorEvent::Progress { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!((1..GRANTED).contains(&world.delivered), "{}", world.delivered);
    let reason = switch::RESTS.to_owned();
    assert_eq!(world.invite().await.1, InviteAnswer::Refused { reason });
    pause(&world.provider, false);
    assert_eq!(world.invite().await.1, InviteAnswer::Accepted);
    world.stop().await;
}
