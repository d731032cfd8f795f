//! Child processes that can be killed at any moment, and are there again when they are asked something.

use crate::orders::Part;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    process::{Child, Command},
    sync::Mutex,
    task::JoinSet,
};

/// Tells a child which part it plays.
pub const PART: &str = "RAYSWARM_INTERLEAVINGS_PART";
/// Tells it where to listen.
pub const SOCKET: &str = "RAYSWARM_INTERLEAVINGS_SOCKET";
/// The ignored test that is a child's whole life.
const CHILD: &str = "a_child_process";

const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// A process that does not listen by then will not.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A process and those that came before it.
pub struct Process {
    folder: PathBuf,
    part: Mutex<Part>,
    life: Mutex<Option<Life>>,
    /// How often it was started.
    pub lives: AtomicU32,
}

struct Life {
    child: Child,
    socket: PathBuf,
}

/// One question and its answer, as lines of JSON.
pub struct Words(BufReader<UnixStream>);

impl Words {
    pub async fn hear<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }

    pub async fn say(&mut self, word: &impl Serialize) -> io::Result<()> {
        let line = format!("{}\n", serde_json::to_string(word)?);
        self.0.get_mut().write_all(line.as_bytes()).await
    }
}

impl Process {
    /// Not started yet.
    pub fn new(folder: PathBuf, part: Part) -> Self {
        Self {
            folder,
            part: Mutex::new(part),
            life: Mutex::new(None),
            lives: AtomicU32::new(0),
        }
    }

    /// Asks, and asks the next life if this one ends before it answers.
    pub async fn ask<T: DeserializeOwned>(&self, question: &impl Serialize) -> T {
        loop {
            let socket = self.alive().await;
            if let Ok(answer) = exchange(&socket, question).await {
                return answer;
            }
        }
    }

    /// `kill -9`, and gone when this returns.
    pub async fn kill(&self) {
        if let Some(mut life) = self.life.lock().await.take() {
            life.child.kill().await.unwrap();
        }
    }

    /// What the next life will be.
    pub async fn becomes(&self, part: Part) {
        *self.part.lock().await = part;
    }

    /// The socket of a process that listens.
    async fn alive(&self) -> PathBuf {
        let mut life = self.life.lock().await;
        if let Some(present) = life.as_mut()
            && present.child.try_wait().unwrap().is_none()
        {
            return present.socket.clone();
        }
        let number = self.lives.fetch_add(1, Ordering::Relaxed);
        let socket = self.folder.join(format!("{number}.sock"));
        let mut child = start(&*self.part.lock().await, &socket);
        let listens = async {
            while UnixStream::connect(&socket).await.is_err() {
                if let Some(status) = child.try_wait().unwrap() {
                    panic!(
                        "a child of {} ended before it listened: {status}",
                        self.folder.display()
                    );
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let started = tokio::time::timeout(STARTS_WITHIN, listens).await;
        assert!(started.is_ok(), "a child of {} does not listen", self.folder.display());
        *life = Some(Life {
            child,
            socket: socket.clone(),
        });
        socket
    }
}

fn start(part: &Part, socket: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(PART, serde_json::to_string(part).unwrap())
        .env(SOCKET, socket)
        // Its end tells the child that its parent is gone.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn exchange<T: DeserializeOwned>(socket: &Path, question: &impl Serialize) -> io::Result<T> {
    let mut words = Words(BufReader::new(UnixStream::connect(socket).await?));
    words.say(question).await?;
    words.hear().await
}

/// In the child: answers until the parent is gone.
pub async fn serve<F>(socket: &Path, answer: impl Fn(Words) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = UnixListener::bind(socket).unwrap();
    let mut answering = JoinSet::new();
    let mut parent = tokio::io::stdin();
    let mut nothing = [0];
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                answering.spawn(answer(Words(BufReader::new(stream))));
            }
            // Who asked may be gone.
            Some(_) = answering.join_next() => {}
            _ = parent.read(&mut nothing) => return,
        }
    }
}
