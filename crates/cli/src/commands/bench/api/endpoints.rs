//! What is read, and whether it is what was seeded: a quick answer that is wrong would win.

use super::wire::{Connection, Target};
use anyhow::Context;
use rayswarm_node::bench_seed::Seeded;
use serde_json::Value;
use std::{sync::Arc, time::Instant};

/// Tasks on a page when they are read in pages.
const TASKS_PAGE: u64 = 1000;
/// Explanations on a page, and pages that are read.
const EXPLAIN_PAGE: u64 = 100;
const EXPLAIN_PAGES: u64 = 50;
/// Changes that a client missed which asks what has changed.
const CHANGES_MISSED: u64 = 100;

/// One kind of read.
#[derive(Clone)]
pub struct Endpoint {
    /// What is read, in words.
    pub name: String,
    /// The requests, made in turn.
    pub requests: Arc<[Vec<u8>]>,
    /// Seconds of the very first answer: what is not in memory is read from the journal then.
    pub first_s: f64,
    /// Who reads it.
    pub readers: Readers,
}

/// Who reads something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Everybody, again and again.
    All,
    /// Whoever opens a job, once: it is measured with one connection, and not read again and again beside the rest.
    One,
}

/// Reads that are measured, each made once and looked at.
pub async fn endpoints(target: &Target, seeded: &Seeded) -> anyhow::Result<Vec<Endpoint>> {
    let mut looker = Looker {
        connection: Connection::open(target).await?,
        target,
        endpoints: Vec::new(),
    };
    let cursors = looker.pages_of_jobs(seeded).await?;
    let large = format!("/v1/jobs/{}", seeded.large);
    looker.add("jobs?limit=50", vec!["/v1/jobs?limit=50".into()]).await?;
    let pages = cursors
        .iter()
        .map(|cursor| format!("/v1/jobs?limit=50&cursor={cursor}"));
    looker.add("jobs?limit=50&cursor=…", pages.collect()).await?;
    let jobs = seeded.jobs.iter().map(|id| format!("/v1/jobs/{id}"));
    looker.add("jobs/{id}, any", jobs.collect()).await?;
    looker.add("jobs/{id}, the large one", vec![large.clone()]).await?;
    let whole = looker
        .add("tasks, all at once", vec![format!("{large}/tasks?limit=10000")])
        .await?;
    looker.only_one();
    let rev = tasks_in(&whole, seeded.tasks)?;
    let pages = (0..seeded.tasks.div_ceil(TASKS_PAGE))
        .map(|page| format!("{large}/tasks?limit={TASKS_PAGE}&cursor={}", page * TASKS_PAGE));
    looker.add("tasks?limit=1000&cursor=…", pages.collect()).await?;
    let missed = rev.saturating_sub(CHANGES_MISSED);
    let changed = looker
        .add(
            "tasks?since=, 100 changed",
            vec![format!("{large}/tasks?since={missed}")],
        )
        .await?;
    let changed = changed["tasks"].as_array().map_or(0, Vec::len) as u64;
    anyhow::ensure!(
        changed == CHANGES_MISSED,
        "{changed} tasks have changed since revision {missed}"
    );
    looker
        .add("tasks?since=, none changed", vec![format!("{large}/tasks?since={rev}")])
        .await?;
    let quotes = seeded.jobs.iter().map(|id| format!("/v1/jobs/{id}/quote"));
    looker.add("quote", quotes.collect()).await?;
    looker.add("node", vec!["/v1/node".into()]).await?;
    looker.add("providers", vec!["/v1/providers".into()]).await?;
    let pages =
        (0..EXPLAIN_PAGES).map(|page| format!("{large}/explain?limit={EXPLAIN_PAGE}&cursor={}", page * EXPLAIN_PAGE));
    let explained = looker.add("explain?limit=100&cursor=…", pages.collect()).await?;
    let lines = explained["items"].as_array().map_or(0, Vec::len) as u64;
    anyhow::ensure!(lines == EXPLAIN_PAGE, "the page of explanations has {lines} lines");
    let tasks = (0..100).map(|number| format!("{large}/explain?task={}", number * seeded.tasks / 100));
    looker.add("explain?task=", tasks.collect()).await?;
    let audits = looker.add("audit", vec![format!("{large}/audit")]).await?;
    anyhow::ensure!(audits["passed"].as_u64() > Some(0), "the large job has no audits");
    Ok(looker.endpoints)
}

/// What an open studio reads of a job every now and then.
pub fn of_studio(target: &Target, job: &str) -> Vec<Vec<u8>> {
    let paths = [
        "/v1/jobs?limit=100".to_owned(),
        format!("/v1/jobs/{job}"),
        format!("/v1/jobs/{job}/tasks?since=1&limit=10000"),
        "/v1/providers".to_owned(),
        "/v1/node".to_owned(),
    ];
    paths.iter().map(|path| target.get_as_browser(path)).collect()
}

struct Looker<'t> {
    connection: Connection,
    target: &'t Target,
    endpoints: Vec<Endpoint>,
}

impl Looker<'_> {
    /// Makes the first of these reads; returns what it gives.
    async fn add(&mut self, name: &str, paths: Vec<String>) -> anyhow::Result<Value> {
        let begun = Instant::now();
        let path = paths.first().with_context(|| format!("nothing to read for {name}"))?;
        let answer = self.look(path).await?;
        let requests: Vec<Vec<u8>> = paths.iter().map(|path| self.target.get(path)).collect();
        self.endpoints.push(Endpoint {
            name: name.into(),
            requests: requests.into(),
            first_s: begun.elapsed().as_secs_f64(),
            readers: Readers::All,
        });
        Ok(answer)
    }

    /// What was added last is read by one at a time.
    fn only_one(&mut self) {
        if let Some(last) = self.endpoints.last_mut() {
            last.readers = Readers::One;
        }
    }

    async fn look(&mut self, path: &str) -> anyhow::Result<Value> {
        let status = self.connection.ask(&self.target.get(path)).await?;
        let text = String::from_utf8_lossy(self.connection.body());
        anyhow::ensure!(status == 200, "{path} answers {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("{path} does not answer JSON"))
    }

    /// Reads the whole list of jobs; returns the cursors of its pages from the second on.
    async fn pages_of_jobs(&mut self, seeded: &Seeded) -> anyhow::Result<Vec<String>> {
        let (mut cursors, mut found) = (Vec::new(), Vec::new());
        let mut path = "/v1/jobs?limit=50".to_owned();
        loop {
            let page = self.look(&path).await?;
            let ids = page["items"].as_array().into_iter().flatten();
            found.extend(ids.filter_map(|job| job["id"].as_str().map(ToOwned::to_owned)));
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            path = format!("/v1/jobs?limit=50&cursor={cursor}");
            cursors.push(cursor.to_owned());
        }
        let seeded = seeded.jobs.iter().map(|id| format!("0x{id}"));
        let bare = |id: &String| id.trim_start_matches("0x").to_owned();
        let same = found.iter().map(bare).eq(seeded.map(|id| bare(&id)));
        anyhow::ensure!(same, "the node lists {} jobs that are not those seeded", found.len());
        Ok(cursors)
    }
}

/// The revision of a page that must hold every task, verified.
fn tasks_in(page: &Value, tasks: u64) -> anyhow::Result<u64> {
    let rows = page["tasks"].as_array().into_iter().flatten();
    let verified = rows.filter(|row| row["state"] == "verified").count() as u64;
    anyhow::ensure!(verified == tasks, "{verified} of {tasks} tasks are shown as verified");
    page["rev"].as_u64().context("the page of tasks has no revision")
}
