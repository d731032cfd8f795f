//! Many clients of the event stream, each of which loses its connection in the middle and goes on from where it was.

use super::{
    changes::{Worker, number_in},
    sequence::{Faults, Sequence},
    wire::{Connection, EventStream, Target, Told},
};
use serde::Serialize;
use std::{io, time::Duration};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

/// How long a client is away after it has lost its connection: long enough to miss something.
const AWAY: Duration = Duration::from_millis(700);
/// Before a client that was not answered tries again.
const RETRY: Duration = Duration::from_millis(200);
/// How long after the last event was told a client may still hear it.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// What all clients heard.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Heard {
    /// Clients.
    pub listeners: u64,
    /// Events the node told in that time; each client had to hear all of them.
    pub told: u64,
    /// Of these, new names that were asked for through the API.
    pub changes: u64,
    /// Events heard, over all clients.
    pub heard: u64,
    /// What was wrong with them.
    #[serde(flatten)]
    pub faults: Faults,
    /// Names that were asked for and not heard of, over all clients.
    pub changes_missing: u64,
    /// Times a client was told that events are lost.
    pub resets: u64,
    /// Times a client dropped its connection on purpose and went on.
    pub reconnects: u64,
    /// The fewest of one client.
    pub reconnects_least: u64,
    /// Connections that broke by themselves.
    pub broken: u64,
}

impl Heard {
    /// Whether every client heard everything, each thing once and in order, and had to go on at least once.
    pub fn holds(&self) -> bool {
        self.faults.none() && self.changes_missing == 0 && self.resets == 0 && self.reconnects_least > 0
    }
}

/// Clients that listen, and where they began.
pub struct Listeners {
    running: JoinSet<Listener>,
    /// The number of the last change, once it is known.
    finish: watch::Sender<Option<u64>>,
    first: u64,
}

impl Listeners {
    /// Begins to listen with `count` clients, which go on until `end` and lose their connection once before. Returns when
    /// all are connected.
    pub async fn start(target: &Target, count: u32, worker: &mut Worker, end: Instant) -> anyhow::Result<Self> {
        let first = number_of_next_change(target, worker).await?;
        let (finish, finished) = watch::channel(None);
        let mut running = JoinSet::new();
        let begun = Instant::now();
        for number in 0..count {
            // One after another over the middle three fifths.
            let share = 0.2 + 0.6 * f64::from(number) / f64::from(count);
            let listener = Listener {
                target: target.clone(),
                drops_at: Some(begun + end.duration_since(begun).mul_f64(share)),
                sequence: Sequence::after(first),
                change: worker.changes,
                finish: finished.clone(),
                changes_missing: 0,
                heard: 0,
                resets: 0,
                reconnects: 0,
                broken: 0,
            };
            let stream = listener.connect().await?;
            running.spawn(listener.run(stream));
        }
        Ok(Self { running, finish, first })
    }

    /// Makes the last change, waits until all have heard of it, and adds up.
    pub async fn end(mut self, worker: &mut Worker) -> anyhow::Result<Heard> {
        let last_change = worker.changes + 1;
        self.finish.send_replace(Some(last_change));
        worker.rename().await?;
        let mut listeners = Vec::new();
        while let Some(listener) = self.running.join_next().await {
            listeners.push(listener?);
        }
        let last = listeners.iter().map(|listener| listener.sequence.last()).max();
        let last = last.unwrap_or(self.first);
        let mut all = Heard {
            listeners: listeners.len() as u64,
            told: last - self.first,
            changes: last_change - 1,
            reconnects_least: listeners.iter().map(|listener| listener.reconnects).min().unwrap_or(0),
            ..Heard::default()
        };
        for listener in listeners {
            all.heard += listener.heard;
            all.faults.add(listener.sequence.faults(last));
            all.changes_missing += listener.changes_missing + last_change.saturating_sub(listener.change);
            all.resets += listener.resets;
            all.reconnects += listener.reconnects;
            all.broken += listener.broken;
        }
        Ok(all)
    }
}

/// Makes a change and returns the number of the event that tells it: from there on everybody listens.
async fn number_of_next_change(target: &Target, worker: &mut Worker) -> anyhow::Result<u64> {
    let mut stream = Connection::open(target)
        .await?
        .listen(&target.events_after(None))
        .await?;
    worker.rename().await?;
    let hearing = async {
        while let Some(told) = stream.next().await? {
            if let (Some(id), Some(number)) = (told.id, number_in(&told.data))
                && number == worker.changes
            {
                return Ok(id);
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    };
    let heard: io::Result<u64> = timeout(LAST_WORDS, hearing).await?;
    Ok(heard?)
}

/// One client.
struct Listener {
    target: Target,
    /// When it loses its connection, if it has not yet.
    drops_at: Option<Instant>,
    sequence: Sequence,
    /// The number of the last change it heard of.
    change: u64,
    finish: watch::Receiver<Option<u64>>,
    changes_missing: u64,
    heard: u64,
    resets: u64,
    reconnects: u64,
    broken: u64,
}

impl Listener {
    async fn run(mut self, stream: EventStream) -> Self {
        let mut finish = self.finish.clone();
        let patience = async {
            drop(finish.wait_for(Option::is_some).await);
            sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = self.listen(stream) => {}
            // What was not heard until then is missing.
            () = patience => {}
        }
        self
    }

    async fn listen(&mut self, mut stream: EventStream) {
        while !self.has_heard_all() {
            let drops_at = self.drops_at;
            let dropped = async {
                match drops_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = dropped => {
                    drop(stream);
                    self.drops_at = None;
                    self.reconnects += 1;
                    sleep(AWAY).await;
                    stream = self.connect_again().await;
                }
                told = stream.next() => match told {
                    Ok(Some(told)) => self.hear(&told),
                    Ok(None) | Err(_) => {
                        self.broken += 1;
                        stream = self.connect_again().await;
                    }
                },
            }
        }
    }

    fn has_heard_all(&self) -> bool {
        self.finish.borrow().is_some_and(|last| self.change >= last)
    }

    fn hear(&mut self, told: &Told) {
        if told.name == "reset" {
            self.resets += 1;
        }
        let Some(id) = told.id else { return };
        self.heard += 1;
        self.sequence.hear(id);
        if let Some(number) = number_in(&told.data).filter(|number| *number > self.change) {
            self.changes_missing += number - self.change - 1;
            self.change = number;
        }
    }

    async fn connect_again(&self) -> EventStream {
        loop {
            match self.connect().await {
                Ok(stream) => return stream,
                Err(_) => sleep(RETRY).await,
            }
        }
    }

    async fn connect(&self) -> io::Result<EventStream> {
        let request = self.target.events_after(Some(self.sequence.last()));
        Connection::open(&self.target).await?.listen(&request).await
    }
}
