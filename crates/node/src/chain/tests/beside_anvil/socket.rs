//! JSON-RPC over a WebSocket (RFC 6455), as far as text frames of a server on this machine go.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Any sixteen bytes will do.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";

const LAST_TEXT_FRAME: u8 = 0x81;
const PING: u8 = 0x89;
/// Of a client's frame: a mask follows the length. With a mask of zeros the text stays as it is.
const IS_MASKED: u8 = 0x80;
/// Lengths from this one on stand in two bytes, and from the next one on in eight.
const LENGTH_IN_TWO: u8 = 126;
const LENGTH_IN_EIGHT: u8 = 127;

/// A connection, and what it told before anybody listened.
pub(super) struct Socket {
    stream: TcpStream,
    told: VecDeque<Value>,
}

impl Socket {
    pub(super) async fn connect(address: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self {
            stream,
            told: VecDeque::new(),
        }
    }

    /// The answer to a request.
    pub(super) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.send(&request).await;
        loop {
            let word = self.next().await;
            if word.get("id").is_some() {
                return word;
            }
            self.told.push_back(word);
        }
    }

    /// The next that is told of a subscription.
    pub(super) async fn hear(&mut self, subscription: &Value) -> Value {
        let is_of = |word: &Value| word["params"]["subscription"] == *subscription;
        loop {
            if let Some(place) = self.told.iter().position(is_of) {
                return self.told.remove(place).unwrap();
            }
            let word = self.next().await;
            self.told.push_back(word);
        }
    }

    async fn send(&mut self, request: &Value) {
        let text = request.to_string();
        let mut frame = vec![LAST_TEXT_FRAME];
        match u8::try_from(text.len()) {
            Ok(length) if length < LENGTH_IN_TWO => frame.push(IS_MASKED | length),
            _ => {
                frame.push(IS_MASKED | LENGTH_IN_TWO);
                frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        loop {
            let kind = self.stream.read_u8().await.unwrap();
            let length: u64 = match self.stream.read_u8().await.unwrap() {
                LENGTH_IN_TWO => self.stream.read_u16().await.unwrap().into(),
                LENGTH_IN_EIGHT => self.stream.read_u64().await.unwrap(),
                short => short.into(),
            };
            let mut text = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut text).await.unwrap();
            match kind {
                LAST_TEXT_FRAME => return serde_json::from_slice(&text).unwrap(),
                PING => {}
                other => panic!("a frame of kind {other:#x}: {}", String::from_utf8_lossy(&text)),
            }
        }
    }
}
