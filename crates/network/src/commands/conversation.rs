//! Two nodes that send each other messages over one stream until either has had enough.

use crate::{
    address::node_id,
    call,
    error::{CloseCode, NetworkError},
    frame::Message,
};
use iroh::endpoint::{Connection, RecvStream, SendStream};
use rayswarm_model::NodeId;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Messages on their way in either direction.
const MESSAGES_MAX: usize = 256;
/// How long the last message may take to arrive before the connection is closed all the same.
const FAREWELL: Duration = Duration::from_secs(5);

/// One side of a conversation: says `Out`, hears `In`. Dropping it sends what was said and ends it.
#[derive(Debug)]
pub struct Conversation<Out, In> {
    node: NodeId,
    out: mpsc::Sender<Out>,
    heard: mpsc::Receiver<In>,
}

/// Says things without waiting, as long as there is room for them.
#[derive(Clone, Debug)]
pub struct Mouth<Out>(mpsc::Sender<Out>);

impl<Out> Mouth<Out> {
    /// Says it; it is lost where the other side listens too slowly, or no longer.
    pub fn say(&self, message: Out) {
        // The last places belong to what must not be lost.
        if self.0.capacity() > MESSAGES_MAX / 8 {
            let _ = self.0.try_send(message);
        }
    }
}

impl<Out: Message + 'static, In: Message + 'static> Conversation<Out, In> {
    /// `tasks` has what listens and speaks; both end with `stop`.
    pub(super) fn begin(
        connection: Connection,
        (send, recv): (SendStream, RecvStream),
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Self {
        let node = node_id(connection.remote_id());
        let (out, said) = mpsc::channel(MESSAGES_MAX);
        let (hear, heard) = mpsc::channel(MESSAGES_MAX);
        tasks.spawn(stop.clone().run_until_cancelled_owned(listen(node, recv, hear)));
        tasks.spawn(speak(connection, send, said, stop.clone()));
        Self { node, out, heard }
    }

    /// The node at the other end.
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Says something; waits while the other side is slow.
    pub async fn say(&self, message: Out) -> Result<(), NetworkError> {
        self.out.send(message).await.map_err(|_| NetworkError::Stopped)
    }

    /// What says things without waiting.
    pub fn mouth(&self) -> Mouth<Out> {
        Mouth(self.out.clone())
    }

    /// Hears the next message; `None` when the other side has gone. Dropping the future loses nothing.
    pub async fn hear(&mut self) -> Option<In> {
        self.heard.recv().await
    }
}

async fn listen<In: Message>(node: NodeId, mut recv: RecvStream, hear: mpsc::Sender<In>) {
    loop {
        let message = tokio::select! {
            () = hear.closed() => return,
            message = call::get::<In>(node, &mut recv, "a conversation") => message,
        };
        match message {
            Ok(message) => {
                if hear.send(message).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%node, %error, "a conversation ended");
                return;
            }
        }
    }
}

async fn speak<Out: Message>(
    connection: Connection,
    mut send: SendStream,
    mut said: mpsc::Receiver<Out>,
    stop: CancellationToken,
) {
    let node = node_id(connection.remote_id());
    let speaking = async {
        while let Some(mut message) = said.recv().await {
            message.cut_words();
            if let Err(error) = call::put(node, &mut send, &message, "a conversation").await {
                tracing::debug!(%node, %error, "a conversation ended");
                return;
            }
        }
        let _ = send.finish();
        // The other side must have the last message before the connection goes.
        let _ = tokio::time::timeout(FAREWELL, send.stopped()).await;
    };
    let code = tokio::select! {
        () = speaking => CloseCode::Done,
        _ = connection.closed() => CloseCode::Done,
        () = stop.cancelled() => CloseCode::Stopping,
    };
    code.close(&connection, "");
}
