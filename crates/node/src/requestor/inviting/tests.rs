//! Who is asked and why not, and what an invitation leaves behind.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use rayswarm_model::{
    BlobId, Bytes, JobId, RenderSettings, Resolution, UnixMillis, canonical, keccak256, offer::EngineOffer,
    signed::AccountKey,
};
use rayswarm_network::{Inbox, NetworkConfig, NetworkError, PeerAddr, PeerCard, ProviderEvent, SignedOffer, Want};

const OWN: ComparisonClass = ComparisonClass(B256::repeat_byte(1));

fn account(seed: u8) -> AccountKey {
    AccountKey::from_bytes(&[seed; 32]).unwrap()
}

/// A node that introduced itself, with an offer signed by the account of the same number.
fn peer(node: u8, device: Device, class: u8) -> PeerInfo {
    peer_of(node, node, device, class)
}

fn peer_of(node: u8, paid: u8, device: Device, class: u8) -> PeerInfo {
    let offer = Offer {
        node: NodeId::from_bytes([node; 32]),
        account: account(paid).address(),
        engines: vec![EngineOffer {
            name: "blender".into(),
            version: "4.5.15".into(),
            class: ComparisonClass(B256::repeat_byte(class)),
        }],
        threads: 1,
        memory: Bytes(8 << 30),
        benchmark_milli_wu: 1000,
        price: WorkPrice::default(),
        device,
        sandboxed: true,
        commands: None,
        issued_at: UnixMillis(0),
    };
    let hash = keccak256(canonical::encode("offer", &offer).unwrap());
    let signature = account(paid).sign_digest(&hash).as_bytes().to_vec();
    let address = PeerAddr {
        node: offer.node,
        sockets: Vec::new(),
        relay: None,
    };
    PeerInfo {
        card: PeerCard {
            address,
            offer: Some(SignedOffer { offer, signature }),
        },
        last_seen: Duration::ZERO,
        round_trip: None,
        first_hand: true,
    }
}

fn needs(device: Device) -> JobNeeds {
    let needs = Needs {
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        memory: Bytes(1 << 30),
        price_cap: ANY_PRICE,
        sandbox: true,
    };
    JobNeeds { needs, device }
}

/// Why each peer is not asked, if it is not.
fn reasons(peers: Vec<PeerInfo>, device: Device) -> Vec<Option<Unsuitable>> {
    let judged = judge(peers, &needs(device), OWN).into_iter();
    judged.map(|judged| judged.err().map(|(_, reason)| reason)).collect()
}

#[test]
fn an_offer_that_others_tell_of_is_not_taken() {
    // A victim's node with the liar's account: genuine, since an account may sign for any node.
    let told = PeerInfo {
        first_hand: false,
        ..peer_of(1, 9, Device::Cpu, 1)
    };
    assert!(peers::is_genuine(told.card.offer.as_ref().unwrap()));
    let found = reasons(vec![told, peer(2, Device::Cpu, 1)], Device::Auto);
    assert_eq!(found, [Some(Unsuitable::Hearsay), None]);
    let mut forged = peer(3, Device::Cpu, 1);
    forged.card.offer.as_mut().unwrap().offer.account = account(9).address();
    assert_eq!(reasons(vec![forged], Device::Auto), [Some(Unsuitable::Forged)]);
}

#[test]
fn a_graphics_card_is_asked_only_where_somebody_can_audit_it() {
    use Device::{Auto, Cpu, Cuda, Optix};
    let cuda = |node, class| peer(node, Cuda, class);
    let alone = Some(Unsuitable::Unauditable(Cuda));
    // Alone; beside a processor of another class; two of one class; of one class and one account.
    assert_eq!(reasons(vec![cuda(1, 7)], Auto), [alone]);
    let alone = || Some(Unsuitable::Unauditable(Cuda));
    assert_eq!(reasons(vec![cuda(1, 7), peer(2, Cpu, 3)], Auto), [alone(), None]);
    assert_eq!(reasons(vec![cuda(1, 7), cuda(2, 7)], Auto), [None, None]);
    assert_eq!(
        reasons(vec![cuda(1, 7), peer_of(2, 1, Cuda, 7)], Auto),
        [alone(), alone()]
    );
    assert_eq!(reasons(vec![cuda(1, 7), cuda(2, 8)], Cuda), [alone(), alone()]);
    // Who may not render this job cannot audit it either.
    let other = Some(Unsuitable::Device {
        offered: Optix,
        asked: Cuda,
    });
    assert_eq!(reasons(vec![cuda(1, 7), peer(2, Optix, 7)], Cuda), [alone(), other]);
    // This machine has its class.
    assert_eq!(reasons(vec![cuda(1, 1)], Auto), [None]);
}

#[test]
fn a_class_nobody_measured_is_shared_with_nobody() {
    let offer = |info: PeerInfo| info.card.offer.unwrap().offer;
    let zero = offer(peer(1, Device::Cpu, 0));
    let engine = ("blender", "4.5.15");
    let unmeasured = ComparisonClass(B256::ZERO);
    assert!(!is_class_shared(&zero, engine, unmeasured, []));
    assert!(!is_class_shared(&zero, engine, OWN, [&zero]));
    let other = offer(peer(2, Device::Cpu, 0));
    assert!(is_class_shared(&zero, engine, OWN, [&other]));
    assert!(!is_class_shared(&zero, ("povray", "3.7"), OWN, [&other]));
}

/// A node on loopback.
async fn node(seed: u8) -> (Network, Inbox, tempfile::TempDir) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (network, inbox) = Network::start(NetworkConfig::loopback([seed; 32], folder.path().into()))
        .await
        .unwrap();
    (network, inbox, folder)
}

fn met(network: &Network) -> PeerInfo {
    PeerInfo {
        card: PeerCard {
            address: network.addr(),
            offer: None,
        },
        last_seen: Duration::ZERO,
        round_trip: None,
        first_hand: true,
    }
}

fn invitation(job: JobId) -> JobInvite {
    JobInvite {
        job,
        requestor: account(1).address(),
        chain_id: 31_337,
        escrow: Default::default(),
        manifest: BlobId::from_bytes([3; 32]),
        manifest_bytes: 1000,
        plan: BlobId::from_bytes([4; 32]),
        plan_bytes: 2000,
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        settings: RenderSettings {
            resolution: Resolution { width: 8, height: 8 },
            samples: 1,
            renderer_override: None,
            allowed_missing: Vec::new(),
            options: Vec::new(),
        },
        play_from: None,
        memory: Bytes(1 << 30),
        price: WorkPrice::default(),
        deadline: UnixMillis(0),
        signature: Vec::new(),
    }
}

/// Invites a provider that answers so.
async fn invited(requestor: &Network, provider: (&Network, &mut Inbox), job: JobId, answer: InviteAnswer) -> Invited {
    let (network, inbox) = provider;
    let peer = met(network);
    let answering = async {
        loop {
            match inbox.provider.recv().await {
                Some(ProviderEvent::Invite { reply, .. }) => return drop(reply.send(answer)),
                Some(_) => {}
                None => panic!("the provider is gone"),
            }
        }
    };
    tokio::join!(invite(requestor, &peer, invitation(job)), answering).0
}

#[tokio::test]
async fn who_declines_a_job_cannot_read_its_files() {
    let (requestor, _requests, _kept) = node(1).await;
    let (provider, mut inbox, _folder) = node(2).await;
    let job = JobId::from_bytes([7; 32]);
    let content = vec![5; 1000];
    let blob = requestor.blobs().import_bytes(job, content).await.unwrap();
    let wants = [Want { blob, bytes_max: 1000 }];
    let sources = [requestor.addr()];
    let refusal = InviteAnswer::Refused { reason: "busy".into() };
    let refused = invited(&requestor, (&provider, &mut inbox), job, refusal).await;
    assert!(matches!(refused, Invited::Refused(reason) if reason == "busy"));
    let denied = provider.fetch(job, &sources, &wants, |_| {}).await;
    assert!(matches!(denied, Err(NetworkError::Denied { .. })), "{denied:?}");

    let accepted = invited(&requestor, (&provider, &mut inbox), job, InviteAnswer::Accepted).await;
    assert!(matches!(accepted, Invited::Accepted(_)));
    provider.fetch(job, &sources, &wants, |_| {}).await.unwrap();
}

#[tokio::test]
async fn a_provider_that_answers_no_ping_is_taken_to_be_far_away() {
    let (requestor, _requests, _kept) = node(3).await;
    let (provider, _inbox, _folder) = node(4).await;
    let near = PeerInfo {
        round_trip: Some(Duration::from_millis(3)),
        ..met(&provider)
    };
    assert_eq!(round_trip_ms(&requestor, &near).await, 3);
    // Nobody listens at an address that nobody has.
    let mut gone = met(&provider);
    gone.card.address.sockets.clear();
    gone.card.address.node = NodeId::from_bytes([0; 32]);
    assert_eq!(round_trip_ms(&requestor, &gone).await, 500);
}
