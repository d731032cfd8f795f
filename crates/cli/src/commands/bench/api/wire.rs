//! HTTP/1.1 over one connection that stays open, with nothing between the clock and the socket: a client that pools
//! connections and reads JSON would measure itself.

use rayswarm_node::config::DaemonFile;
use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    path::Path,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// Bytes read from the socket at once.
const BUFFER: usize = 64 << 10;
/// The longest line of a head, and of an event stream, that is believed.
const LINE_MAX: usize = 16 << 20;

/// The daemon that is asked.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it answers.
    pub address: SocketAddr,
    /// Its process.
    pub process: u32,
    token: String,
}

impl Target {
    /// The daemon that runs in a data folder.
    pub fn of(data_dir: &Path) -> anyhow::Result<Self> {
        let file = DaemonFile::read(data_dir)
            .ok_or_else(|| anyhow::anyhow!("no daemon runs in {} any more", data_dir.display()))?;
        let token = std::fs::read_to_string(data_dir.join("token"))?;
        Ok(Self {
            address: file.http,
            process: file.pid,
            token: token.trim().into(),
        })
    }

    /// A read of `path`.
    pub fn get(&self, path: &str) -> Vec<u8> {
        self.request("GET", path, "", "")
    }

    /// A read as a browser makes it: what can be compressed may be.
    pub fn get_as_browser(&self, path: &str) -> Vec<u8> {
        self.request("GET", path, "accept-encoding: gzip, deflate, br\r\n", "")
    }

    /// The event stream after the event `last`.
    pub fn events_after(&self, last: Option<u64>) -> Vec<u8> {
        let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
        self.request("GET", "/v1/events", &format!("accept: text/event-stream\r\n{last}"), "")
    }

    /// A call that changes something.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let headers = if body.is_empty() {
            String::new()
        } else {
            "content-type: application/json\r\n".into()
        };
        self.request(method, path, &headers, body)
    }

    fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
        let (address, token, length) = (self.address, &self.token, body.len());
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-length: \
             {length}\r\n{headers}\r\n{body}"
        )
        .into_bytes()
    }
}

/// One connection to a daemon.
pub struct Connection {
    wire: BufReader<TcpStream>,
    line: Vec<u8>,
    body: Vec<u8>,
}

/// The beginning of an answer.
struct Head {
    status: u16,
    length: Length,
}

enum Length {
    Known(usize),
    Chunked,
}

impl Connection {
    /// Connects.
    pub async fn open(target: &Target) -> io::Result<Self> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            wire: BufReader::with_capacity(BUFFER, stream),
            line: Vec::new(),
            body: Vec::new(),
        })
    }

    /// Sends a request and reads the whole answer; [`Self::body`] holds it. Returns its status.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        self.wire.write_all(request).await?;
        let head = self.head().await?;
        self.body.clear();
        match head.length {
            Length::Known(length) => {
                self.body.resize(length, 0);
                self.wire.read_exact(&mut self.body).await?;
            }
            Length::Chunked => while self.chunk().await? {},
        }
        Ok(head.status)
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends a request whose answer is a stream of events.
    pub async fn listen(mut self, request: &[u8]) -> io::Result<EventStream> {
        self.wire.write_all(request).await?;
        let head = self.head().await?;
        match (head.status, head.length) {
            (200, Length::Chunked) => Ok(EventStream {
                wire: self.wire,
                left: 0,
                begun: false,
            }),
            (status, _) => Err(unexpected(format!("the event stream answers {status}"))),
        }
    }

    async fn head(&mut self) -> io::Result<Head> {
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| unexpected("the answer is no HTTP".into()))?;
        let mut length = Length::Known(0);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if line.is_empty() {
                return Ok(Head { status, length });
            }
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                Some(("content-length", value)) => {
                    let value = value
                        .parse()
                        .map_err(|_| unexpected(format!("content-length: {value}")))?;
                    length = Length::Known(value);
                }
                Some(("transfer-encoding", _)) => length = Length::Chunked,
                _ => {}
            }
        }
    }

    /// Adds one chunk to the body; whether there are more.
    async fn chunk(&mut self) -> io::Result<bool> {
        let length = chunk_length(self.line().await?)?;
        let before = self.body.len();
        self.body.resize(before + length, 0);
        self.wire.read_exact(&mut self.body[before..]).await?;
        self.line().await?;
        Ok(length > 0)
    }

    async fn line(&mut self) -> io::Result<&str> {
        read_line(&mut self.wire, &mut self.line).await?;
        std::str::from_utf8(&self.line).map_err(|error| unexpected(error.to_string()))
    }
}

/// Server-sent events as they come.
pub struct EventStream {
    wire: BufReader<TcpStream>,
    /// Bytes left of this chunk.
    left: usize,
    begun: bool,
}

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Its number.
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: String,
}

impl EventStream {
    /// The next event; what only says that the stream is alive is passed over. `None` when the daemon ends the stream.
    pub async fn next(&mut self) -> io::Result<Option<Told>> {
        let mut told = Told::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            if !self.line(&mut line).await? {
                return Ok(None);
            }
            let text = std::str::from_utf8(&line).map_err(|error| unexpected(error.to_string()))?;
            match text.split_once(':') {
                None if told != Told::default() => return Ok(Some(told)),
                Some(("id", value)) => told.id = value.trim().parse().ok(),
                Some(("event", value)) => told.name = value.trim().into(),
                Some(("data", value)) => told.data = value.strip_prefix(' ').unwrap_or(value).into(),
                _ => {}
            }
        }
    }

    /// A line of the events themselves, which chunks may cut anywhere.
    async fn line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            if self.left == 0 && !self.next_chunk().await? {
                return Ok(false);
            }
            let here = self.wire.fill_buf().await?;
            let here = &here[..here.len().min(self.left)];
            if here.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let end = here.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(here.len(), |end| end + 1);
            line.extend_from_slice(&here[..end.unwrap_or(here.len())]);
            self.wire.consume(taken);
            self.left -= taken;
            if end.is_some() {
                return Ok(true);
            }
            if line.len() > LINE_MAX {
                return Err(unexpected("a line of the event stream has no end".into()));
            }
        }
    }

    async fn next_chunk(&mut self) -> io::Result<bool> {
        let mut line = Vec::new();
        if std::mem::replace(&mut self.begun, true) {
            read_line(&mut self.wire, &mut line).await?;
        }
        read_line(&mut self.wire, &mut line).await?;
        let text = std::str::from_utf8(&line).map_err(|error| unexpected(error.to_string()))?;
        self.left = chunk_length(text)?;
        Ok(self.left > 0)
    }
}

async fn read_line(wire: &mut BufReader<TcpStream>, line: &mut Vec<u8>) -> io::Result<()> {
    line.clear();
    let mut limited = wire.take(LINE_MAX as u64);
    if limited.read_until(b'\n', line).await? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        line.pop();
    }
    Ok(())
}

fn chunk_length(line: &str) -> io::Result<usize> {
    let digits = line.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(digits, 16).map_err(|_| unexpected(format!("a chunk of length {digits:?}")))
}

fn unexpected(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::net::TcpListener;

    /// A connection whose other end has said this, and that end.
    async fn said(answer: &'static [u8]) -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = Target {
            address: listener.local_addr().unwrap(),
            process: 0,
            token: "secret".into(),
        };
        let (connection, accepted) = tokio::join!(Connection::open(&target), listener.accept());
        let (mut other, _) = accepted.unwrap();
        other.write_all(answer).await.unwrap();
        (connection.unwrap(), other)
    }

    #[tokio::test]
    async fn answers_follow_one_another_on_one_connection() {
        let two = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst\
            HTTP/1.1 429 Too Many\r\ntransfer-encoding: chunked\r\n\r\n3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n\
            HTTP/1.1 204 No Content\r\n\r\n";
        let (mut connection, _other) = said(two).await;
        assert_eq!(connection.ask(b"x").await.unwrap(), 200);
        assert_eq!(connection.body(), b"first");
        assert_eq!(connection.ask(b"x").await.unwrap(), 429);
        assert_eq!(connection.body(), b"second");
        assert_eq!(connection.ask(b"x").await.unwrap(), 204);
        assert_eq!(connection.body(), b"");
    }

    #[tokio::test]
    async fn events_are_read_wherever_chunks_cut_them() {
        let stream = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
            c\r\nevent: job\ni\r\n13\r\nd: 7\ndata: {\"a\":1}\n\r\n1\r\n\n\r\n3\r\n:\n\n\r\n\
            c\r\nid: 8\n\nid: 9\r\n0\r\n\r\n";
        let (connection, _other) = said(stream).await;
        let mut events = connection.listen(b"x").await.unwrap();
        let first = events.next().await.unwrap().unwrap();
        assert_eq!(
            (first.id, first.name.as_str(), first.data.as_str()),
            (Some(7), "job", "{\"a\":1}")
        );
        assert_eq!(events.next().await.unwrap().unwrap().id, Some(8));
        assert_eq!(events.next().await.unwrap(), None, "half an event is none");
    }
}
