//! One question and one answer on one stream, with a deadline: what every protocol here is made of.

use crate::{
    address::node_id,
    error::{CloseCode, NetworkError},
    frame::{self, FrameError, Message},
};
use iroh::endpoint::{Connection, RecvStream, SendStream};
use rayswarm_model::{FailureKind, NodeId};
use std::{future::Future, time::Duration};

/// How long a peer may take to send a question it has begun.
pub(crate) const READ_DEADLINE: Duration = Duration::from_secs(10);
/// How long a peer may take for an ordinary answer.
pub(crate) const ANSWER_DEADLINE: Duration = Duration::from_secs(15);

/// Asks `question` on a new stream of `connection`. Dropping the future takes the question back.
pub(crate) async fn ask<Q: Message, A: Message>(
    connection: &Connection,
    question: &Q,
    what: &'static str,
    after: Duration,
) -> Result<A, NetworkError> {
    let node = node_id(connection.remote_id());
    let exchange = async {
        let (mut send, mut recv) = connection
            .open_bi()
            .await
            .map_err(|source| NetworkError::ended(node, source))?;
        put(node, &mut send, question, what).await?;
        // Fails only on a stream that is already closed, which reading will report.
        let _ = send.finish();
        get::<A>(node, &mut recv, what).await
    };
    let answer = within(node, what, after, exchange).await;
    answer.inspect_err(|error| close_if_broken(connection, error))
}

/// Writes one message.
pub(crate) async fn put<T: Message>(
    node: NodeId,
    send: &mut SendStream,
    message: &T,
    what: &'static str,
) -> Result<(), NetworkError> {
    frame::write(send, message)
        .await
        .map_err(|source| NetworkError::writing(node, what, source))
}

/// Reads one message.
pub(crate) async fn get<T: Message>(
    node: NodeId,
    recv: &mut RecvStream,
    what: &'static str,
) -> Result<T, NetworkError> {
    frame::read(recv)
        .await
        .map_err(|source| NetworkError::reading(node, what, source))
}

/// Puts a deadline on `future`.
pub(crate) async fn within<T>(
    node: NodeId,
    what: &'static str,
    after: Duration,
    future: impl Future<Output = Result<T, NetworkError>>,
) -> Result<T, NetworkError> {
    tokio::time::timeout(after, future)
        .await
        .unwrap_or(Err(NetworkError::Deadline { node, what, after }))
}

/// Closes the connection when its peer's bytes were not the protocol, and says why.
pub(crate) fn close_if_broken(connection: &Connection, error: &NetworkError) {
    match error {
        NetworkError::Malformed {
            source: source @ FrameError::Version { .. },
            ..
        } => {
            CloseCode::Version.close(connection, &source.to_string());
        }
        NetworkError::Malformed { source, .. } if source.kind() == FailureKind::Malicious => {
            CloseCode::Malformed.close(connection, &source.to_string());
        }
        _ => {}
    }
}
