//! Nodes on loopback and the nouns they talk about.

use crate::{
    Inbox, Network, NetworkConfig, ProviderEvent, RequestorEvent,
    work::{Commit, InviteAnswer, JobInvite, ProviderLink, Pull, RequestorLink},
};
use iroh::{
    Endpoint, RelayMode,
    endpoint::{PortmapperConfig, presets},
};
use rayswarm_model::{
    Address, Amount, AttemptId, BlobId, Bytes, JobId, RenderSettings, Resolution, UnixMillis, WorkPrice,
};
use std::{future::Future, path::PathBuf, time::Duration};
use tempfile::TempDir;

/// A node of its own.
pub(super) struct Node {
    pub network: Network,
    pub inbox: Inbox,
    pub folder: TempDir,
}

impl Node {
    pub async fn start(seed: u8) -> Self {
        Self::start_with(seed, |_| {}).await
    }

    pub async fn start_with(seed: u8, adjust: impl FnOnce(&mut NetworkConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = config(seed, folder.path().into());
        adjust(&mut config);
        let (network, inbox) = Network::start(config).await.unwrap();
        Self { network, inbox, folder }
    }

    /// The next event of the requestor's role.
    pub async fn asked(&mut self) -> RequestorEvent {
        soon("a requestor's event", self.inbox.requestor.recv()).await.unwrap()
    }

    /// The next event of the provider's role.
    pub async fn told(&mut self) -> ProviderEvent {
        soon("a provider's event", self.inbox.provider.recv()).await.unwrap()
    }
}

pub(super) fn config(seed: u8, folder: PathBuf) -> NetworkConfig {
    NetworkConfig::loopback([seed; 32], folder)
}

/// Waits, but not for ever: a hang fails the test with a name.
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}

/// Waits until a condition holds.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    let watching = async {
        while !holds() {
            ticks.tick().await;
        }
    };
    soon(what, watching).await;
}

/// A bare endpoint without our protocols, for those who do not keep to them.
pub(super) async fn bare(alpns: &[&[u8]]) -> Endpoint {
    let builder = Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .portmapper_config(PortmapperConfig::Disabled)
        .alpns(alpns.iter().map(|alpn| alpn.to_vec()).collect())
        .clear_ip_transports();
    builder.bind_addr("127.0.0.1:0").unwrap().bind().await.unwrap()
}

pub(super) fn job(n: u8) -> JobId {
    JobId::from_bytes([n; 32])
}

pub(super) fn invite(n: u8) -> JobInvite {
    JobInvite {
        job: job(n),
        requestor: Address::repeat_byte(1),
        chain_id: 31_337,
        escrow: Address::repeat_byte(2),
        manifest: BlobId::from_bytes([3; 32]),
        manifest_bytes: 1000,
        plan: BlobId::from_bytes([4; 32]),
        plan_bytes: 2000,
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        settings: RenderSettings {
            resolution: Resolution {
                width: 1920,
                height: 1080,
            },
            samples: 64,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        },
        play_from: None,
        memory: Bytes(1 << 30),
        price: WorkPrice { per_wu_hour: Amount(5) },
        deadline: UnixMillis(1_800_000_000_000),
        signature: vec![7; 65],
    }
}

pub(super) fn pull(n: u8) -> Pull {
    Pull {
        job: job(n),
        wanted_cpu_ms: 60_000,
        warm: false,
        warm_frame: None,
        running: Vec::new(),
    }
}

pub(super) fn commit(n: u8, attempt: u64, bytes: u64) -> Commit {
    Commit {
        job: job(n),
        attempt: AttemptId(attempt),
        receipt: vec![9; 200],
        bytes,
    }
}

/// A requestor and a provider that has accepted job `n`.
pub(super) async fn working_pair(n: u8) -> (Node, Node, RequestorLink, ProviderLink) {
    let (requestor, mut provider) = (Node::start(1).await, Node::start(2).await);
    let (to_provider, to_requestor) = link(&requestor, &mut provider, n).await;
    (requestor, provider, to_provider, to_requestor)
}

/// Dials and invites.
pub(super) async fn link(requestor: &Node, provider: &mut Node, n: u8) -> (RequestorLink, ProviderLink) {
    let to_provider = requestor.network.provider_link(&provider.network.addr()).await.unwrap();
    let accept = async {
        loop {
            match provider.told().await {
                ProviderEvent::Invite {
                    link,
                    invite: got,
                    reply,
                } => {
                    assert_eq!(*got, invite(n));
                    reply.send(InviteAnswer::Accepted).unwrap();
                    return link;
                }
                ProviderEvent::LinkClosed { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    };
    let (answer, to_requestor) = tokio::join!(to_provider.invite(invite(n)), accept);
    assert_eq!(answer.unwrap(), InviteAnswer::Accepted);
    (to_provider, to_requestor)
}
