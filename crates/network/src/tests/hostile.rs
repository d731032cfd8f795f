//! Peers that do not keep to the protocols. None may cause a panic, a hang, or harm to others.

use super::support::{Node, bare, invite, job, soon, working_pair};
use crate::{
    CloseCode, FrameError, MESSAGE_VERSION, NetworkError, PeerAddr, ProviderEvent, RequestorEvent,
    address::node_id,
    blobs, commands, peers,
    work::{self, InviteAnswer},
};
use iroh::{
    Endpoint,
    endpoint::{Connection, ConnectionError},
};
use rayswarm_model::FailureKind;

const ALPNS: [&[u8]; 4] = [peers::ALPN, work::ALPN, commands::ALPN, blobs::ALPN];

async fn dial(from: &Endpoint, to: &Node, alpn: &[u8]) -> Connection {
    crate::endpoint::connect(from, &to.network.addr(), alpn).await.unwrap()
}

/// Writes `bytes` on a new stream and returns why the connection ended.
async fn end_of(connection: &Connection, bytes: &[u8]) -> CloseCode {
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    // The other side may close before all is written.
    let _ = send.write_all(bytes).await;
    let _ = send.finish();
    let _ = recv.read_to_end(1 << 20).await;
    match soon("the end of the connection", connection.closed()).await {
        ConnectionError::ApplicationClosed(close) => CloseCode::from_wire(close.error_code),
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn garbage_ends_the_connection_and_nothing_else() {
    let (mut node, honest, liar) = (Node::start(1).await, Node::start(2).await, bare(&[]).await);
    let garbage: [&[u8]; 3] = [
        // Fits no message, though its header is fine.
        &[MESSAGE_VERSION, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        // A list of 2^60 entries in nine bytes.
        &[
            MESSAGE_VERSION,
            11,
            0,
            0,
            0,
            0,
            0x80,
            0x80,
            0x80,
            0x80,
            0x80,
            0x80,
            0x80,
            0x80,
            0x10,
            0,
        ],
        // Four gigabytes to come.
        &[MESSAGE_VERSION, 0xff, 0xff, 0xff, 0xff],
    ];
    for alpn in [peers::ALPN, work::ALPN] {
        for bytes in garbage {
            let connection = dial(&liar, &node, alpn).await;
            assert_eq!(end_of(&connection, bytes).await, CloseCode::Malformed, "{bytes:?}");
        }
        let connection = dial(&liar, &node, alpn).await;
        assert_eq!(
            end_of(&connection, &[MESSAGE_VERSION + 1, 0, 0, 0, 0]).await,
            CloseCode::Version
        );
    }
    for _ in 0..garbage.len() {
        match node.told().await {
            ProviderEvent::LinkClosed { from, error } => {
                assert_eq!((from, error.kind()), (node_id(liar.id()), FailureKind::Malicious));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(
        honest.network.hello(&node.network.addr()).await.unwrap(),
        0,
        "others are served as before"
    );
}

#[tokio::test]
async fn garbage_on_the_blob_protocol_harms_nobody() {
    let (node, liar) = (Node::start(1).await, bare(&[]).await);
    node.network.blobs().import_bytes(job(1), vec![1; 100]).await.unwrap();
    node.network.blobs().grant(node_id(liar.id()), job(1));
    let connection = dial(&liar, &node, blobs::ALPN).await;
    for bytes in [&[0xff; 64][..], &[0, 1, 2], &[]] {
        let (mut send, mut recv) = connection.open_bi().await.unwrap();
        let _ = send.write_all(bytes).await;
        let _ = send.finish();
        let answer = soon("an answer or a reset", recv.read_to_end(1 << 20)).await;
        assert!(answer.is_err() || answer.unwrap().is_empty());
    }
    assert!(connection.close_reason().is_none());
}

#[tokio::test]
async fn a_card_must_be_its_bearers_own() {
    let (node, other, liar) = (Node::start(1).await, Node::start(2).await, bare(&[]).await);
    let connection = dial(&liar, &node, peers::ALPN).await;
    let stolen = crate::PeerCard {
        address: other.network.addr(),
        offer: None,
    };
    let bytes = crate::frame::encode(&peers::Question::Hello(Box::new(stolen))).unwrap();
    assert_eq!(end_of(&connection, &bytes).await, CloseCode::Malformed);
    assert!(node.network.peers().is_empty());
}

#[tokio::test]
async fn a_provider_that_talks_garbage_loses_its_link() {
    let (mut node, liar) = (Node::start(1).await, bare(&ALPNS).await);
    let address = PeerAddr::from_iroh(&liar.addr());
    let accepting = async { soon("a connection", liar.accept()).await.unwrap().await.unwrap() };
    let (link, connection) = tokio::join!(node.network.provider_link(&address), accepting);
    let link = link.unwrap();

    // Garbage as an answer.
    let answering = async {
        let (mut send, _recv) = connection.accept_bi().await.unwrap();
        send.write_all(&[MESSAGE_VERSION, 1, 0, 0, 0, 0x77]).await.unwrap();
        send.finish().unwrap();
    };
    let (answer, ()) = tokio::join!(link.invite(invite(1)), answering);
    let error = answer.unwrap_err();
    assert!(
        matches!(
            error,
            NetworkError::Malformed {
                source: FrameError::Garbled { .. },
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.kind(), FailureKind::Malicious);
    assert!(matches!(node.asked().await, RequestorEvent::LinkClosed { .. }));

    // Garbage as a question, on both kinds of streams.
    for one_way in [false, true] {
        let accepting = async { soon("a connection", liar.accept()).await.unwrap().await.unwrap() };
        let (link, connection) = tokio::join!(node.network.provider_link(&address), accepting);
        link.unwrap();
        let mut send = if one_way {
            connection.open_uni().await.unwrap()
        } else {
            connection.open_bi().await.unwrap().0
        };
        send.write_all(&[MESSAGE_VERSION, 2, 0, 0, 0, 0x77, 0x77])
            .await
            .unwrap();
        match node.asked().await {
            RequestorEvent::LinkClosed { error, .. } => assert_eq!(error.kind(), FailureKind::Malicious, "{error}"),
            other => panic!("unexpected {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_peer_that_answers_garbage_to_a_hello_is_not_believed() {
    let (node, liar) = (Node::start(1).await, bare(&ALPNS).await);
    let address = PeerAddr::from_iroh(&liar.addr());
    let lying = async {
        let connection = liar.accept().await.unwrap().await.unwrap();
        let (mut send, _recv) = connection.accept_bi().await.unwrap();
        send.write_all(&[MESSAGE_VERSION, 3, 0, 0, 0, 1, 2, 3]).await.unwrap();
        send.finish().unwrap();
        connection.closed().await
    };
    let (answer, _) = tokio::join!(node.network.hello(&address), soon("the end", lying));
    assert_eq!(answer.unwrap_err().kind(), FailureKind::Malicious);
    assert!(node.network.peers().is_empty());
}

#[tokio::test]
async fn another_connection_of_the_same_node_replaces_the_first() {
    let (_requestor, mut provider, _, first) = working_pair(1).await;
    // The same key dials again without having closed: what a restarted requestor does.
    let twin = Node::start(1).await;
    let second = twin.network.provider_link(&provider.network.addr()).await.unwrap();
    soon("the end of the first", first.closed()).await;
    let answering = async {
        loop {
            if let ProviderEvent::Invite { reply, .. } = provider.told().await {
                return reply.send(InviteAnswer::Accepted).unwrap();
            }
        }
    };
    let (answer, ()) = tokio::join!(second.invite(invite(1)), answering);
    assert_eq!(answer.unwrap(), InviteAnswer::Accepted);
}
