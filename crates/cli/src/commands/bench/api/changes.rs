//! Somebody who works: renames jobs, pauses them and lets them go on, so that the node has something to tell.

use super::wire::{Connection, Target};
use rayswarm_model::JobId;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a job is renamed: as often as a job that renders is shown.
pub const EVERY: Duration = Duration::from_millis(200);
/// After so many names another job is paused and goes on.
const PAUSE_AFTER: u64 = 5;
/// What a name begins with; its number follows.
const NAME: &str = "\"name\":\"change ";

/// Who works, and on what.
pub struct Worker {
    target: Target,
    connection: Connection,
    renamed: JobId,
    paused: Vec<JobId>,
    /// Names given so far.
    pub changes: u64,
}

impl Worker {
    /// Somebody who works on jobs that wait for their artist. One alone gets names, since only changes of one job are
    /// told in the order in which they were asked for.
    pub async fn of(target: &Target, open: &[JobId]) -> anyhow::Result<Self> {
        let [renamed, paused @ ..] = open else {
            anyhow::bail!("no job waits for its artist, so none can be changed; seed at least 20 jobs");
        };
        Ok(Self {
            target: target.clone(),
            connection: Connection::open(target).await?,
            renamed: *renamed,
            paused: paused.to_vec(),
            changes: 0,
        })
    }

    /// Works until `end`.
    pub async fn work(&mut self, end: Instant) -> anyhow::Result<()> {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while ticks.tick().await < end {
            self.rename().await?;
            if self.changes.is_multiple_of(PAUSE_AFTER)
                && let Some(job) = self
                    .paused
                    .get((self.changes / PAUSE_AFTER) as usize % self.paused.len().max(1))
            {
                let job = *job;
                self.call("POST", &format!("/v1/jobs/{job}/pause"), "").await?;
                self.call("POST", &format!("/v1/jobs/{job}/resume"), "").await?;
            }
        }
        Ok(())
    }

    /// Gives the next name.
    pub async fn rename(&mut self) -> anyhow::Result<()> {
        self.changes += 1;
        let (number, priority) = (self.changes, self.changes % 7);
        let body = format!("{{{NAME}{number}\",\"priority\":{priority}}}");
        self.call("PATCH", &format!("/v1/jobs/{}", self.renamed), &body).await
    }

    async fn call(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<()> {
        let request = self.target.send(method, path, body);
        let status = self.connection.ask(&request).await?;
        let answer = || String::from_utf8_lossy(self.connection.body()).into_owned();
        anyhow::ensure!(status == 200, "{method} {path} answers {status}: {}", answer());
        Ok(())
    }
}

/// The number of the change that an event tells, if it tells one.
pub fn number_in(data: &str) -> Option<u64> {
    let (_, rest) = data.split_once(NAME)?;
    rest.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_known_by_their_number() {
        assert_eq!(
            number_in("{\"id\":\"ab\",\"name\":\"change 17\",\"state\":\"quoted\"}"),
            Some(17)
        );
        assert_eq!(number_in("{\"id\":\"ab\",\"name\":\"shot_0001\"}"), None);
    }
}
