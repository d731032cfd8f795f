//! Nodes meet, learn of others, and measure them.

use super::support::Node;
use crate::SignedOffer;
use rayswarm_model::{Address, Amount, Bytes, NodeId, Offer, UnixMillis, WorkPrice, settings::Device};

fn offer(node: NodeId) -> SignedOffer {
    let offer = Offer {
        node,
        account: Address::repeat_byte(7),
        engines: Vec::new(),
        threads: 8,
        memory: Bytes(12 << 30),
        benchmark_milli_wu: 1500,
        price: WorkPrice { per_wu_hour: Amount(3) },
        device: Device::Cpu,
        sandboxed: true,
        commands: None,
        issued_at: UnixMillis(1),
    };
    SignedOffer {
        offer,
        signature: vec![1; 65],
    }
}

#[tokio::test]
async fn a_newcomer_learns_of_the_others_and_their_offers() {
    let (first, second, third) = (Node::start(1).await, Node::start(2).await, Node::start(3).await);
    let sold = offer(second.network.node_id());
    second.network.set_offer(Some(sold.clone()));

    assert_eq!(second.network.hello(&first.network.addr()).await.unwrap(), 0);
    assert_eq!(third.network.hello(&first.network.addr()).await.unwrap(), 1);

    let known = third.network.peers();
    let entry = known
        .iter()
        .find(|info| info.card.address.node == second.network.node_id())
        .unwrap();
    assert_eq!(
        (entry.card.offer.as_ref(), entry.first_hand, entry.round_trip),
        (Some(&sold), false, None)
    );

    let round_trip = third.network.ping(&entry.card.address).await.unwrap();
    let entry = third
        .network
        .peers()
        .into_iter()
        .find(|info| info.card.address.node == second.network.node_id());
    assert_eq!(entry.unwrap().round_trip, Some(round_trip));
    assert_eq!(
        third.network.address_of(second.network.node_id()).sockets,
        second.network.addr().sockets
    );
}

#[tokio::test]
async fn refreshing_turns_hearsay_into_acquaintance_and_forgets_the_dead() {
    let (first, second, third) = (Node::start(1).await, Node::start(2).await, Node::start(3).await);
    second.network.hello(&first.network.addr()).await.unwrap();
    third.network.hello(&first.network.addr()).await.unwrap();
    third.network.refresh_peers().await;
    assert!(third.network.peers().iter().all(|info| info.first_hand));
    assert_eq!(third.network.peers().len(), 2);

    second.network.shutdown().await;
    third.network.refresh_peers().await;
    let left: Vec<_> = third
        .network
        .peers()
        .into_iter()
        .map(|info| info.card.address.node)
        .collect();
    assert_eq!(left, [first.network.node_id()]);
}
