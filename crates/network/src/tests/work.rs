//! A requestor and a provider at work.

use super::support::{Node, commit, invite, job, link, pull, soon, until, working_pair};
use crate::{
    CloseCode, NetworkError, ProviderEvent, RequestorEvent, call,
    work::{
        AttemptProgress, CommitAnswer, Failure, InviteAnswer, Judgement, LEASE_TASKS_MAX, LOG_TAIL_BYTES_MAX, Lease,
        Progress, ProviderCall, PullAnswer, Purpose, REASON_BYTES_MAX, Revoke, TaskGrant, UploadAnswer, UploadHeader,
        Verdict,
    },
};
use rayswarm_model::{AttemptId, BlobId, FailureKind, LeaseId, Rect, Slice, TaskId, TaskSpec, Work};
use std::path::PathBuf;

fn grant(task: u64) -> TaskGrant {
    let tile = Rect {
        x: 0,
        y: 0,
        width: 64,
        height: 64,
    };
    let task = TaskSpec {
        id: TaskId(task),
        frame: 7,
        tile,
        slice: Slice::whole(64),
        work: Work { milli_wu: 9 },
    };
    TaskGrant {
        attempt: AttemptId(1),
        task,
        padding: 16,
        purpose: Purpose::Render,
    }
}

fn lease(tasks: usize) -> PullAnswer {
    PullAnswer::Lease(Lease {
        lease: LeaseId(1),
        lasts_ms: 60_000,
        tasks: vec![grant(4); tasks],
    })
}

/// Bytes that differ everywhere, so that a shifted resume cannot go unnoticed.
fn result_bytes(length: usize) -> Vec<u8> {
    (0u64..)
        .flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .take(length)
        .collect()
}

fn result_file(node: &Node, bytes: &[u8]) -> PathBuf {
    let path = node.folder.path().join("result.exr");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Answers the next event, which must be a commitment, with `Deliver`.
async fn let_deliver(requestor: &mut Node) {
    match requestor.asked().await {
        RequestorEvent::Commit { reply, .. } => reply.send(CommitAnswer::Deliver).unwrap(),
        other => panic!("unexpected {other:?}"),
    }
}

#[tokio::test]
async fn a_task_goes_from_invitation_to_verdict() {
    let (mut requestor, mut provider, to_provider, to_requestor) = working_pair(1).await;

    let answering = async {
        match requestor.asked().await {
            RequestorEvent::Pull { from, pull: got, reply } => {
                assert_eq!((from, got), (provider.network.node_id(), pull(1)));
                reply.send(lease(1)).unwrap();
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (answer, ()) = tokio::join!(to_requestor.pull(pull(1)), answering);
    assert_eq!(answer.unwrap(), lease(1));

    let progress = Progress {
        job: job(1),
        running: vec![AttemptProgress {
            attempt: AttemptId(1),
            done_permille: 500,
        }],
    };
    to_requestor.progress(progress.clone()).await.unwrap();
    assert!(matches!(requestor.asked().await, RequestorEvent::Progress { progress: got, .. } if got == progress));

    let bytes = result_bytes(3 << 20);
    let file = result_file(&provider, &bytes);
    let committed = commit(1, 1, bytes.len() as u64);
    let (answer, ()) = tokio::join!(to_requestor.commit(committed), let_deliver(&mut requestor));
    assert_eq!(answer.unwrap(), CommitAnswer::Deliver);

    let taking = async {
        match requestor.asked().await {
            RequestorEvent::Delivered { delivery, reply, .. } => {
                assert_eq!(std::fs::read(&delivery.path).unwrap(), bytes);
                reply.send(()).unwrap();
                delivery
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (stored, delivery) = tokio::join!(to_requestor.upload(job(1), AttemptId(1), &file), taking);
    assert_eq!(stored.unwrap(), delivery.blake3);
    assert_eq!(delivery.blake3, BlobId::from_bytes(*blake3::hash(&bytes).as_bytes()));

    let verdict = Verdict {
        job: job(1),
        attempt: AttemptId(1),
        judgement: Judgement::Accepted {
            voucher: Some(vec![5; 200]),
        },
    };
    let hearing = async {
        match provider.told().await {
            ProviderEvent::Verdict { verdict, reply, .. } => {
                reply.send(()).unwrap();
                verdict
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (told, heard) = tokio::join!(to_provider.verdict(verdict.clone()), hearing);
    told.unwrap();
    assert_eq!(heard, verdict);

    requestor.network.clear_uploads(job(1)).unwrap();
    let left = std::fs::read_dir(requestor.folder.path().join("uploads"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "a finished job leaves no partial files");
}

#[tokio::test]
async fn an_upload_resumes_over_a_new_connection() {
    let (mut requestor, mut provider, _, to_requestor) = working_pair(1).await;
    let bytes = result_bytes(8 << 20);
    let file = result_file(&provider, &bytes);
    let committed = commit(1, 1, bytes.len() as u64);
    let (answer, ()) = tokio::join!(to_requestor.commit(committed.clone()), let_deliver(&mut requestor));
    answer.unwrap();

    // Half of it, then the connection breaks.
    let node = to_requestor.requestor();
    let header = ProviderCall::Upload(UploadHeader {
        job: job(1),
        attempt: AttemptId(1),
        bytes: bytes.len() as u64,
    });
    let (mut send, mut recv) = to_requestor.connection().open_bi().await.unwrap();
    call::put(node, &mut send, &header, "a test").await.unwrap();
    let answer: UploadAnswer = call::get(node, &mut recv, "a test").await.unwrap();
    assert_eq!(answer, UploadAnswer::Continue { offset: 0 });
    send.write_all(&bytes[..5 << 20]).await.unwrap();
    let uploads = requestor.folder.path().join("uploads");
    let partial = || {
        std::fs::read_dir(&uploads)
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum::<u64>()
    };
    until("half of the upload", || partial() == 5 << 20).await;
    CloseCode::Internal.close(to_requestor.connection(), "the test pulled the plug");
    soon("the end of the link", to_requestor.closed()).await;

    assert!(matches!(requestor.asked().await, RequestorEvent::LinkClosed { .. }));

    let (_, to_requestor) = link(&requestor, &mut provider, 1).await;
    let (answer, ()) = tokio::join!(to_requestor.commit(committed), let_deliver(&mut requestor));
    answer.unwrap();

    // What remains is asked for, and no more.
    let (mut send, mut recv) = to_requestor.connection().open_bi().await.unwrap();
    call::put(node, &mut send, &header, "a test").await.unwrap();
    let answer: UploadAnswer = call::get(node, &mut recv, "a test").await.unwrap();
    assert_eq!(answer, UploadAnswer::Continue { offset: 5 << 20 });

    // A newer try takes the turn of an older one that hangs.
    let taking = async {
        match requestor.asked().await {
            RequestorEvent::Delivered { delivery, reply, .. } => {
                assert!(std::fs::read(&delivery.path).unwrap() == bytes, "the pieces fit");
                reply.send(()).unwrap();
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (stored, ()) = tokio::join!(to_requestor.upload(job(1), AttemptId(1), &file), taking);
    assert_eq!(stored.unwrap(), BlobId::from_bytes(*blake3::hash(&bytes).as_bytes()));
}

#[tokio::test]
async fn nothing_is_uploaded_that_was_not_asked_for() {
    let (mut requestor, provider, _, to_requestor) = working_pair(1).await;
    let file = result_file(&provider, &[1; 1000]);
    let error = to_requestor.upload(job(1), AttemptId(1), &file).await.unwrap_err();
    assert!(matches!(error, NetworkError::UploadRefused { .. }), "{error}");
    assert_eq!(error.kind(), FailureKind::Permanent);

    let (answer, ()) = tokio::join!(to_requestor.commit(commit(1, 1, 999)), let_deliver(&mut requestor));
    answer.unwrap();
    let error = to_requestor.upload(job(1), AttemptId(1), &file).await.unwrap_err();
    assert!(
        matches!(error, NetworkError::UploadRefused { .. }),
        "another length than committed: {error}"
    );
    assert!(to_requestor.is_open());
}

#[tokio::test]
async fn more_bytes_than_committed_end_the_connection() {
    let (mut requestor, _provider, _, to_requestor) = working_pair(1).await;
    let (answer, ()) = tokio::join!(to_requestor.commit(commit(1, 1, 1000)), let_deliver(&mut requestor));
    answer.unwrap();
    let node = to_requestor.requestor();
    let header = ProviderCall::Upload(UploadHeader {
        job: job(1),
        attempt: AttemptId(1),
        bytes: 1000,
    });
    let (mut send, mut recv) = to_requestor.connection().open_bi().await.unwrap();
    call::put(node, &mut send, &header, "a test").await.unwrap();
    let _: UploadAnswer = call::get(node, &mut recv, "a test").await.unwrap();
    send.write_all(&[0; 1001]).await.unwrap();
    match requestor.asked().await {
        RequestorEvent::LinkClosed { error, .. } => assert_eq!(error.kind(), FailureKind::Malicious, "{error}"),
        other => panic!("unexpected {other:?}"),
    }
    soon("the end of the link", to_requestor.closed()).await;
}

#[tokio::test]
async fn a_pull_taken_back_is_noticed() {
    let (mut requestor, _provider, _, to_requestor) = working_pair(1).await;
    let asking = tokio::time::timeout(std::time::Duration::from_secs(60), to_requestor.pull(pull(1)));
    let reply = tokio::select! {
        _ = asking => panic!("nobody answered"),
        event = requestor.asked() => match event {
            RequestorEvent::Pull { reply, .. } => reply,
            other => panic!("unexpected {other:?}"),
        },
    };
    until("an abandoned reply", || reply.is_abandoned()).await;
    assert_eq!(
        reply.send(PullAnswer::Done),
        Err(PullAnswer::Done),
        "the lease comes back to be granted elsewhere"
    );
}

#[tokio::test]
async fn an_unanswered_question_fails_at_once_and_may_be_repeated() {
    let (mut requestor, _provider, _, to_requestor) = working_pair(1).await;
    let failure = Failure {
        job: job(1),
        attempt: AttemptId(1),
        kind: FailureKind::Transient,
        message: "the engine aborted".into(),
        log_tail: "SIGABRT".into(),
    };
    let dropping = async { drop(requestor.asked().await) };
    let (told, ()) = tokio::join!(to_requestor.failed(failure.clone()), dropping);
    let error = told.unwrap_err();
    assert!(
        matches!(
            error,
            NetworkError::Aborted {
                code: CloseCode::Internal,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.kind(), FailureKind::Transient);

    let hearing = async {
        match requestor.asked().await {
            RequestorEvent::Failed { failure, reply, .. } => {
                reply.send(()).unwrap();
                failure
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (told, heard) = tokio::join!(to_requestor.failed(failure.clone()), hearing);
    told.unwrap();
    assert_eq!(heard, failure);
}

#[tokio::test]
async fn what_is_too_large_is_not_even_sent() {
    let (mut requestor, _provider, to_provider, to_requestor) = working_pair(1).await;
    let mut bloated = invite(1);
    bloated.settings.options = vec![("x".repeat(40 << 10), "y".repeat(60 << 10))];
    let error = to_provider.invite(bloated).await.unwrap_err();
    assert!(matches!(error, NetworkError::Unsendable { .. }), "{error}");

    let answering = async {
        match requestor.asked().await {
            RequestorEvent::Pull { reply, .. } => reply.send(lease(LEASE_TASKS_MAX + 1)).unwrap(),
            other => panic!("unexpected {other:?}"),
        }
    };
    let (answer, ()) = tokio::join!(to_requestor.pull(pull(1)), answering);
    assert!(
        answer.is_err(),
        "an answer beyond the limits is our own fault and aborts only the question"
    );
    assert!(to_requestor.is_open() && to_provider.is_open());
}

#[tokio::test]
async fn words_beyond_their_limit_arrive_cut() {
    let (mut requestor, mut provider, to_provider, to_requestor) = working_pair(1).await;
    // Three bytes each, so that the limit falls within one.
    let words = "\u{20ac}".repeat(REASON_BYTES_MAX);
    let cut = "\u{20ac}".repeat(REASON_BYTES_MAX / 3);
    let revoke = Revoke {
        job: job(1),
        attempt: AttemptId(1),
        reason: words.clone(),
    };
    let hearing = async {
        match provider.told().await {
            ProviderEvent::Revoke { revoke, reply, .. } => {
                reply.send(()).unwrap();
                revoke.reason
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (told, heard) = tokio::join!(to_provider.revoke(revoke), hearing);
    told.unwrap();
    assert_eq!(heard, cut);

    let failure = Failure {
        job: job(1),
        attempt: AttemptId(1),
        kind: FailureKind::Transient,
        message: words.clone(),
        log_tail: "x".repeat(2 * LOG_TAIL_BYTES_MAX),
    };
    let hearing = async {
        match requestor.asked().await {
            RequestorEvent::Failed { failure, reply, .. } => {
                reply.send(()).unwrap();
                failure
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (told, heard) = tokio::join!(to_requestor.failed(failure), hearing);
    told.unwrap();
    assert_eq!((heard.message, heard.log_tail.len()), (cut.clone(), LOG_TAIL_BYTES_MAX));

    let answering = async {
        match provider.told().await {
            ProviderEvent::Invite { reply, .. } => {
                let reason = words.clone();
                reply.send(InviteAnswer::Refused { reason }).unwrap();
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (answer, ()) = tokio::join!(to_provider.invite(invite(2)), answering);
    assert_eq!(answer.unwrap(), InviteAnswer::Refused { reason: cut.clone() });

    let answering = async {
        match requestor.asked().await {
            RequestorEvent::Commit { reply, .. } => reply.send(CommitAnswer::Drop { reason: words.clone() }).unwrap(),
            other => panic!("unexpected {other:?}"),
        }
    };
    let (answer, ()) = tokio::join!(to_requestor.commit(commit(1, 1, 1)), answering);
    assert_eq!(answer.unwrap(), CommitAnswer::Drop { reason: cut });
    assert!(to_requestor.is_open() && to_provider.is_open());
}

#[tokio::test]
async fn one_link_serves_a_pair_and_both_sides_learn_of_its_end() {
    let (mut requestor, mut provider, to_provider, to_requestor) = working_pair(1).await;
    let again = requestor.network.provider_link(&provider.network.addr()).await.unwrap();
    let hearing = async {
        match provider.told().await {
            ProviderEvent::Invite { link, reply, .. } => {
                reply.send(InviteAnswer::Accepted).unwrap();
                link
            }
            other => panic!("unexpected {other:?}"),
        }
    };
    let (answer, heard) = tokio::join!(again.invite(invite(2)), hearing);
    assert_eq!(answer.unwrap(), InviteAnswer::Accepted);
    assert_eq!(heard.connection().stable_id(), to_requestor.connection().stable_id());
    assert_eq!(
        requestor.network.address_of(provider.network.node_id()).sockets,
        provider.network.addr().sockets
    );
    assert_eq!(
        provider.network.address_of(requestor.network.node_id()).sockets,
        requestor.network.addr().sockets
    );

    to_provider.close();
    match provider.told().await {
        ProviderEvent::LinkClosed {
            error: NetworkError::Closed { code, .. },
            ..
        } => assert_eq!(code, CloseCode::Done),
        other => panic!("unexpected {other:?}"),
    }
    assert!(matches!(requestor.asked().await, RequestorEvent::LinkClosed { .. }));
}

#[tokio::test]
async fn two_callers_at_once_get_the_same_link() {
    let (requestor, provider) = (Node::start(1).await, Node::start(2).await);
    let address = provider.network.addr();
    let (network, other) = (&requestor.network, &requestor.network);
    let links = tokio::join!(network.provider_link(&address), other.provider_link(&address));
    let id = |link: crate::RequestorLink| link.connection().stable_id();
    assert_eq!(id(links.0.unwrap()), id(links.1.unwrap()));
}

#[tokio::test]
async fn stopping_says_farewell() {
    let (requestor, mut provider, _, _) = working_pair(1).await;
    soon("a shutdown", requestor.network.shutdown()).await;
    match provider.told().await {
        ProviderEvent::LinkClosed {
            error: NetworkError::Closed { code, .. },
            ..
        } => assert_eq!(code, CloseCode::Stopping),
        other => panic!("unexpected {other:?}"),
    }
}
