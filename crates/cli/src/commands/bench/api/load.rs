//! Many connections that read.

use super::{
    latency::Answers,
    wire::{Connection, Target},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// How the connections read.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How many there are.
    pub connections: u32,
    /// How often each of them reads; again at once after each answer where it is not said.
    pub every: Option<Duration>,
    /// For how long.
    pub span: Duration,
}

/// Reads `requests` one after another on every connection, each beginning elsewhere. Connections are open before the
/// clock starts.
pub async fn read(target: &Target, requests: Arc<[Vec<u8>]>, manner: Manner) -> anyhow::Result<Answers> {
    let mut connections = Vec::new();
    for _ in 0..manner.connections {
        connections.push(Connection::open(target).await?);
    }
    let begun = Instant::now();
    let mut readers = JoinSet::new();
    for (number, connection) in (0..).zip(connections) {
        readers.spawn(reader(
            target.clone(),
            connection,
            requests.clone(),
            manner,
            number,
            begun,
        ));
    }
    let mut all = Answers::default();
    while let Some(answers) = readers.join_next().await {
        all.add(answers?);
    }
    Ok(all)
}

/// One connection. With a pace, an answer's time counts from the moment it was due to be asked for: who waits for a slow
/// answer waits for the next one too.
async fn reader(
    target: Target,
    mut connection: Connection,
    requests: Arc<[Vec<u8>]>,
    manner: Manner,
    number: u32,
    begun: Instant,
) -> Answers {
    let mut answers = Answers::default();
    let end = begun + manner.span;
    let stagger = manner
        .every
        .map_or(Duration::ZERO, |every| every * number / manner.connections);
    let mut due = begun + stagger;
    for request in requests.iter().cycle().skip(number as usize % requests.len()) {
        if manner.every.is_some() {
            sleep_until(due).await;
        } else {
            due = Instant::now();
        }
        if Instant::now() >= end {
            break;
        }
        match connection.ask(request).await {
            Ok(status) => answers.count(status, due.elapsed(), connection.body().len()),
            Err(_) => {
                answers.broke();
                match Connection::open(&target).await {
                    Ok(again) => connection = again,
                    Err(_) => break,
                }
            }
        }
        due += manner.every.unwrap_or_default();
    }
    answers
}
