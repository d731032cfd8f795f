//! Briefs and questions about claims between two real nodes.

use super::support::{Node, bare, job, soon};
use crate::{
    CloseCode, MESSAGE_VERSION, NetworkError,
    juries::{ALPN, Brief, BriefAnswer, ClaimedResults, JuryEvent, NotNeeded},
};
use rayswarm_model::{AttemptId, B256};

const COMMITMENT: B256 = B256::repeat_byte(4);

#[tokio::test(flavor = "multi_thread")]
async fn a_juror_hears_a_party_and_answers() {
    let (party, mut juror) = (Node::start(1).await, Node::start(2).await);
    let inbox = &mut juror.inbox;
    let brief = Brief {
        dispute: 7,
        document: vec![9; 1 << 20],
    };
    let answering = async {
        let Some(JuryEvent::Brief { from, brief, reply }) = inbox.juries.recv().await else {
            panic!("no brief came");
        };
        assert_eq!(from.node, party.network.node_id());
        assert_eq!((brief.dispute, brief.document.len()), (7, 1 << 20));
        reply.send(BriefAnswer::Taken).unwrap();
        let Some(JuryEvent::Claimed {
            job: asked,
            commitment,
            reply,
            ..
        }) = inbox.juries.recv().await
        else {
            panic!("no question came");
        };
        assert_eq!((asked, commitment), (job(3), COMMITMENT));
        let document = Some(vec![1, 2, 3]);
        reply.send(ClaimedResults { document }).unwrap();
        let Some(JuryEvent::Brief { reply, .. }) = inbox.juries.recv().await else {
            panic!("no second brief came");
        };
        let reason = "ä".repeat(4_000);
        reply.send(BriefAnswer::Refused { reason }).unwrap();
    };
    let asking = async {
        let address = juror.network.addr();
        let first = party.network.brief(&address, brief.clone()).await.unwrap();
        assert_eq!(first, BriefAnswer::Taken);
        let claimed = party.network.claimed(&address, job(3), COMMITMENT).await.unwrap();
        assert_eq!(claimed.document, Some(vec![1, 2, 3]));
        match party.network.brief(&address, brief).await.unwrap() {
            // Words are cut to their limit at a character.
            BriefAnswer::Refused { reason } => assert_eq!(reason, "ä".repeat(512)),
            BriefAnswer::Taken => panic!("it was refused"),
        }
    };
    soon("the answers", async { tokio::join!(answering, asking) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_hears_which_of_its_results_are_not_needed() {
    let (provider, mut requestor) = (Node::start(1).await, Node::start(2).await);
    let inbox = &mut requestor.inbox;
    let answering = async {
        let Some(JuryEvent::NotNeeded {
            from,
            job: asked,
            mut attempts,
            reply,
        }) = inbox.juries.recv().await
        else {
            panic!("no question came");
        };
        assert_eq!((from, asked), (provider.network.node_id(), job(3)));
        assert_eq!(attempts.pop(), Some(AttemptId(9)));
        reply.send(NotNeeded { attempts }).unwrap();
    };
    let (address, attempts) = (requestor.network.addr(), vec![AttemptId(4), AttemptId(9)]);
    let asking = provider.network.not_needed(&address, job(3), attempts);
    let (answered, ()) = soon("the answer", async { tokio::join!(asking, answering) }).await;
    assert_eq!(answered.unwrap(), [AttemptId(4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_off_turns_parties_away_and_nonsense_ends_the_connection() {
    let (party, other) = (Node::start(1).await, Node::start(2).await);
    let stranger = bare(&[]).await;
    let address = other.network.addr().to_iroh().unwrap();
    let connection = stranger.connect(address, ALPN).await.unwrap();
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(&[MESSAGE_VERSION, 2, 0, 0, 0, 0x77, 0x77])
        .await
        .unwrap();
    let reason = soon("the end", connection.closed()).await;
    let ended = NetworkError::ended(other.network.node_id(), reason);
    assert!(
        matches!(
            &ended,
            NetworkError::Closed {
                code: CloseCode::Malformed,
                ..
            }
        ),
        "{ended:?}"
    );
    drop(other.inbox);
    let address = other.network.addr();
    let asking = party.network.claimed(&address, job(3), COMMITMENT);
    let error = soon("an answer", asking).await.unwrap_err();
    assert!(
        matches!(
            &error,
            NetworkError::Closed {
                code: CloseCode::Stopping,
                ..
            }
        ),
        "{error:?}"
    );
}
