//! A peer that speaks the protocol of the chain byte by byte, so that it can say anything.

use alloy_primitives::B256;
use iroh::{
    Endpoint, EndpointAddr, PublicKey, RelayMode,
    endpoint::{Connection, ConnectionError, PortmapperConfig, RecvStream, SendStream, presets},
};
use rayswarm_network::{ChainAnswer, ChainQuestion, MESSAGE_VERSION, PeerAddr, chain};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;
use tokio::time::interval;

/// Its identity, under which it may come again.
pub(in super::super) struct Liar(Endpoint);

/// A connection over which it has greeted.
pub(in super::super) struct Talk {
    connection: Connection,
    words: SendStream,
    /// What the node says is read or not; it must have somewhere to go.
    said: RecvStream,
}

/// What it sends.
pub(super) enum Lie {
    /// Among its words.
    Word(Vec<u8>),
    /// As a question.
    Question(Vec<u8>),
    /// As the answer to a question, after having said that it has a great deal.
    Answer(Vec<u8>),
}

/// A message as it lies on a stream.
pub(super) fn frame(message: &impl Serialize) -> Vec<u8> {
    framed(&postcard::to_stdvec(message).unwrap())
}

/// A frame around any bytes.
pub(super) fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    [&[MESSAGE_VERSION], length.as_slice(), body].concat()
}

impl Liar {
    pub(in super::super) async fn new() -> Self {
        let builder = Endpoint::builder(presets::Minimal)
            .relay_mode(RelayMode::Disabled)
            .portmapper_config(PortmapperConfig::Disabled)
            .clear_ip_transports();
        Self(builder.bind_addr("127.0.0.1:0").unwrap().bind().await.unwrap())
    }

    /// Connects and says which chain it keeps; waits for no answer.
    async fn knock(&self, at: &PeerAddr, genesis: B256) -> Talk {
        let node = PublicKey::from_bytes(at.node.as_bytes()).unwrap();
        let address = at
            .sockets
            .iter()
            .fold(EndpointAddr::new(node), |address, socket| address.with_ip_addr(*socket));
        let connection = self.0.connect(address, chain::ALPN).await.unwrap();
        let (mut words, said) = connection.open_bi().await.unwrap();
        words.write_all(&frame(&genesis)).await.unwrap();
        Talk {
            connection,
            words,
            said,
        }
    }

    /// Greets as a peer of the chain does, and is greeted. Gives what chain the node keeps.
    pub(in super::super) async fn greet(&self, at: &PeerAddr, genesis: B256) -> (Talk, B256) {
        let mut talk = self.knock(at, genesis).await;
        let named = read(&mut talk.said).await;
        (talk, named)
    }

    /// How the node parts with it when it comes again.
    pub(super) async fn end_of_another_try(&self, at: &PeerAddr, genesis: B256) -> (u64, String) {
        self.knock(at, genesis).await.end().await
    }
}

impl Talk {
    /// The node may part with it before all is sent.
    pub(super) async fn send(&mut self, lie: Lie) {
        match lie {
            Lie::Word(bytes) => drop(self.words.write_all(&bytes).await),
            Lie::Question(bytes) => {
                let Ok((mut send, _recv)) = self.connection.open_bi().await else {
                    return;
                };
                let _ = send.write_all(&bytes).await;
                let _ = send.finish();
                self.connection.closed().await;
            }
            Lie::Answer(bytes) => {
                self.say(&super::far_above()).await;
                let (mut send, _question) = self.connection.accept_bi().await.unwrap();
                let _ = send.write_all(&bytes).await;
                let _ = send.finish();
                self.connection.closed().await;
            }
        }
    }

    pub(in super::super) async fn say(&mut self, word: &impl Serialize) {
        self.words.write_all(&frame(word)).await.unwrap();
    }

    /// The next word of the node.
    pub(in super::super) async fn hear<T: DeserializeOwned>(&mut self) -> T {
        read(&mut self.said).await
    }

    /// Asks as an honest peer does.
    pub(in super::super) async fn ask(&self, question: &ChainQuestion) -> ChainAnswer {
        let (mut send, mut recv) = self.connection.open_bi().await.unwrap();
        send.write_all(&frame(question)).await.unwrap();
        send.finish().unwrap();
        read(&mut recv).await
    }

    /// Answers the node's next question, and gives it.
    pub(in super::super) async fn answer(&self, answer: &ChainAnswer) -> ChainQuestion {
        let (mut send, mut recv) = self.connection.accept_bi().await.unwrap();
        let question = read(&mut recv).await;
        send.write_all(&frame(answer)).await.unwrap();
        send.finish().unwrap();
        question
    }

    /// Says again and again that it has a great deal, and has nothing when it is asked; until it is parted with.
    pub(super) async fn boast(mut self) {
        let (mut saying, connection) = (interval(Duration::from_millis(10)), self.connection.clone());
        let boast = frame(&super::far_above());
        let says = async {
            loop {
                saying.tick().await;
                if self.words.write_all(&boast).await.is_err() {
                    break;
                }
            }
        };
        let answers = async {
            while let Ok((mut send, mut recv)) = connection.accept_bi().await {
                let nothing = match read(&mut recv).await {
                    ChainQuestion::BlocksAfter(_) => ChainAnswer::Blocks(Vec::new()),
                    _ => ChainAnswer::Headers(Vec::new()),
                };
                send.write_all(&frame(&nothing)).await.unwrap();
                send.finish().unwrap();
            }
        };
        tokio::join!(says, answers);
    }

    /// With which code and reason the node parts with it.
    pub(super) async fn end(&self) -> (u64, String) {
        match self.connection.closed().await {
            ConnectionError::ApplicationClosed(close) => (
                close.error_code.into_inner(),
                String::from_utf8_lossy(&close.reason).into_owned(),
            ),
            other => panic!("unexpected {other:?}"),
        }
    }
}

async fn read<T: DeserializeOwned>(stream: &mut RecvStream) -> T {
    let mut header = [0; 5];
    stream.read_exact(&mut header).await.unwrap();
    let [version, length @ ..] = header;
    assert_eq!(version, MESSAGE_VERSION);
    let mut body = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut body).await.unwrap();
    postcard::from_bytes(&body).unwrap()
}
