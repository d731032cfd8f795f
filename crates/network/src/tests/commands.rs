//! Sessions of commands on another node.

use super::support::{Node, bare, soon};
use crate::{
    CloseCode, MESSAGE_VERSION, NetworkError,
    commands::{
        ALPN, LINE_BYTES_MAX, SentDocument, SessionCall, SessionCaller, SessionHost, SessionOrder, SessionRequest,
        SessionWord,
    },
};
use rayswarm_model::{
    Address, BlobId, JobId, TaskId,
    signed::{AccountKey, Domain, EndpointBinding, Signed},
};

const DOMAIN: Domain = Domain {
    chain_id: 1,
    escrow: Address::repeat_byte(9),
};

fn order(requestor: &Node) -> SessionOrder {
    let account = AccountKey::from_bytes(&[5; 32]).unwrap();
    let binding = EndpointBinding {
        node: requestor.network.node_id(),
        account: account.address(),
    };
    SessionOrder {
        job: JobId::from_bytes([1; 32]),
        binding: Signed::sign(binding, &DOMAIN, &account),
        document: SentDocument {
            blob: BlobId::from_bytes([2; 32]),
            bytes: 3,
        },
    }
}

async fn session(requestor: &Node, provider: &mut Node) -> (SessionCaller, SessionHost) {
    let wanted = order(requestor);
    let address = provider.network.addr();
    let caller = requestor.network.order_session(&address, wanted.clone()).await.unwrap();
    let SessionRequest { from, order, host } = soon("an order", provider.inbox.sessions.recv()).await.unwrap();
    assert_eq!((from.node, order), (requestor.network.node_id(), wanted));
    assert!(!from.sockets.is_empty(), "where the requestor was seen");
    (caller, host)
}

#[tokio::test]
async fn a_session_is_called_and_answers() {
    let (requestor, mut provider) = (Node::start(1).await, Node::start(2).await);
    let (mut caller, mut host) = session(&requestor, &mut provider).await;
    host.say(SessionWord::Opened).await.unwrap();
    assert_eq!(soon("a word", caller.hear()).await, Some(SessionWord::Opened));
    caller.say(SessionCall::Run(TaskId(7))).await.unwrap();
    assert_eq!(soon("a call", host.hear()).await, Some(SessionCall::Run(TaskId(7))));
    // A line that is too long is cut at a character.
    host.say(SessionWord::Line("é".repeat(LINE_BYTES_MAX))).await.unwrap();
    let Some(SessionWord::Line(line)) = soon("a line", caller.hear()).await else {
        panic!("no line came")
    };
    assert_eq!(line, "é".repeat(LINE_BYTES_MAX / 2));
    // The last word arrives though its sayer is gone.
    host.say(SessionWord::Closed).await.unwrap();
    drop(host);
    assert_eq!(soon("the last word", caller.hear()).await, Some(SessionWord::Closed));
    assert_eq!(soon("the end", caller.hear()).await, None);
}

#[tokio::test]
async fn lines_are_lost_where_nobody_listens_and_answers_are_not() {
    let (requestor, mut provider) = (Node::start(1).await, Node::start(2).await);
    let (mut caller, host) = session(&requestor, &mut provider).await;
    let mouth = host.mouth();
    for _ in 0..100_000 {
        mouth.say(SessionWord::Line("a line".repeat(100)));
    }
    soon("room for an answer", host.say(SessionWord::Entered))
        .await
        .unwrap();
    let mut lines = 0;
    loop {
        match soon("a word", caller.hear()).await {
            Some(SessionWord::Line(_)) => lines += 1,
            other => {
                assert_eq!(other, Some(SessionWord::Entered));
                break;
            }
        }
    }
    assert!(lines > 0 && lines < 100_000, "{lines}");
}

#[tokio::test]
async fn each_side_notices_that_the_other_has_gone() {
    let (requestor, mut provider) = (Node::start(1).await, Node::start(2).await);
    let (caller, mut host) = session(&requestor, &mut provider).await;
    drop(caller);
    assert_eq!(soon("the end", host.hear()).await, None);
    let (mut caller, host) = session(&requestor, &mut provider).await;
    soon("a stop", provider.network.shutdown()).await;
    assert_eq!(soon("the end", caller.hear()).await, None);
    drop(host);
}

#[tokio::test]
async fn a_node_without_the_role_and_one_that_talks_nonsense_are_turned_away() {
    let (requestor, mut provider) = (Node::start(1).await, Node::start(2).await);
    let stranger = bare(&[]).await;
    let address = provider.network.addr().to_iroh().unwrap();
    let connection = stranger.connect(address, ALPN).await.unwrap();
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(&[MESSAGE_VERSION, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
        .await
        .unwrap();
    let reason = soon("the end", connection.closed()).await;
    let ended = NetworkError::ended(provider.network.node_id(), reason);
    assert!(
        matches!(
            ended,
            NetworkError::Closed {
                code: CloseCode::Malformed,
                ..
            }
        ),
        "{ended:?}"
    );
    drop(std::mem::replace(
        &mut provider.inbox.sessions,
        tokio::sync::mpsc::channel(1).1,
    ));
    let address = provider.network.addr();
    let ordering = requestor.network.order_session(&address, order(&requestor));
    // It is turned away before or after the order was sent.
    if let Ok(mut caller) = ordering.await {
        assert_eq!(soon("the end", caller.hear()).await, None);
    }
}
