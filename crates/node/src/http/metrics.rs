//! Measurements for Prometheus, in its text format 0.0.4.

use crate::node::Node;
use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use rayswarm_api::job::JobState;
use rayswarm_model::Amount;
use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
    sync::Arc,
};
use utoipa_axum::{router::OpenApiRouter, routes};

const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

const STATES: [JobState; 9] = [
    JobState::Analysing,
    JobState::Probing,
    JobState::Quoted,
    JobState::Funding,
    JobState::Rendering,
    JobState::Settling,
    JobState::Done,
    JobState::Cancelled,
    JobState::Failed,
];

/// Ticks of a second in `/proc` (proc(5)): Linux shows programs a hundred on every machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// Its route.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// Counts every answer of the API.
pub async fn count(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    node.counters.count(response.status().as_u16());
    response
}

/// Measurements of the node in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "node", responses(
    (status = 200, body = String, content_type = "text/plain"),
))]
async fn metrics(State(node): State<Arc<Node>>) -> Response {
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], read(&node).text()).into_response()
}

/// What is measured.
#[derive(Debug, Default)]
struct Readings {
    jobs: BTreeMap<&'static str, u64>,
    tasks_verified: u64,
    providers_known: u64,
    provider_paused: bool,
    wallet_locked: Amount,
    chain_height: Option<u64>,
    process: Process,
    answers: BTreeMap<u16, u64>,
    version: &'static str,
}

/// What this process uses, as far as the system tells.
#[derive(Debug, Default)]
struct Process {
    resident_bytes: Option<u64>,
    cpu_seconds: Option<f64>,
}

fn read(node: &Node) -> Readings {
    let list = node.requestor.list();
    let mut jobs = BTreeMap::from(STATES.map(|state| (state.word(), 0)));
    for job in &list {
        *jobs.entry(job.summary.state.word()).or_default() += 1;
    }
    Readings {
        jobs,
        tasks_verified: list.iter().map(|job| job.summary.tasks_verified).sum(),
        providers_known: node.providers_known(),
        provider_paused: node.provider_paused(),
        wallet_locked: node.requestor.escrow_locked(),
        chain_height: node.blocks.height(),
        process: Process::now(),
        answers: node.counters.all(),
        version: env!("CARGO_PKG_VERSION"),
    }
}

impl Readings {
    fn text(&self) -> String {
        let mut page = Page::default();
        page.about("rayswarm_build_info", "gauge", "The running program.");
        page.labelled("rayswarm_build_info", ("version", self.version), 1);
        page.about("rayswarm_jobs", "gauge", "Jobs of this node by state.");
        for (state, count) in &self.jobs {
            page.labelled("rayswarm_jobs", ("state", *state), count);
        }
        let verified = "Tasks of this node's jobs that were verified.";
        page.one(
            "rayswarm_tasks_verified_total",
            "counter",
            verified,
            Some(self.tasks_verified),
        );
        let known = "Providers this node knows.";
        page.one("rayswarm_providers_known", "gauge", known, Some(self.providers_known));
        let paused = "Whether the provider role rests for its owner.";
        page.one(
            "rayswarm_provider_paused",
            "gauge",
            paused,
            Some(u8::from(self.provider_paused)),
        );
        let locked = "Tokens that this node's jobs have locked in the escrow.";
        page.one("rayswarm_wallet_locked", "gauge", locked, Some(self.wallet_locked));
        let height = "Number of the newest block of the chain.";
        page.one("rayswarm_chain_height", "gauge", height, self.chain_height);
        page.about(
            "rayswarm_http_requests_total",
            "counter",
            "Answers of the HTTP API by status.",
        );
        for (code, count) in &self.answers {
            page.labelled("rayswarm_http_requests_total", ("code", code), count);
        }
        let resident = "Resident memory of the node's process, without its engines.";
        page.one(
            "process_resident_memory_bytes",
            "gauge",
            resident,
            self.process.resident_bytes,
        );
        let cpu = "CPU time of the node's process, without its engines.";
        page.one("process_cpu_seconds_total", "counter", cpu, self.process.cpu_seconds);
        page.0
    }
}

/// The text as it is written. Writing to a string cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// No label value of ours holds a quote, a backslash or a line's end.
    fn labelled(&mut self, name: &str, (label, of): (&str, impl Display), value: impl Display) {
        let _ = writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}");
    }

    /// A measurement of its own, unless there is none.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.about(name, kind, help);
            let _ = writeln!(self.0, "{name} {value}");
        }
    }
}

impl Process {
    fn now() -> Self {
        let read = |name| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        Self {
            resident_bytes: resident_bytes(&read("status")),
            cpu_seconds: cpu_seconds(&read("stat")),
        }
    }
}

/// From `/proc/PID/status`.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

/// From `/proc/PID/stat`: fields 14 and 15, user and system time. The program's name in parentheses may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_are_written_as_prometheus_reads_them() {
        let readings = Readings {
            jobs: BTreeMap::from([("done", 2), ("rendering", 0)]),
            tasks_verified: 7,
            provider_paused: true,
            wallet_locked: Amount(1_250_000_000_000_000_000),
            process: Process {
                resident_bytes: Some(4096),
                cpu_seconds: Some(0.25),
            },
            answers: BTreeMap::from([(200, 5), (404, 1)]),
            version: "1.2.3",
            ..Readings::default()
        };
        let text = readings.text();
        for line in [
            "rayswarm_build_info{version=\"1.2.3\"} 1",
            "rayswarm_jobs{state=\"done\"} 2",
            "rayswarm_jobs{state=\"rendering\"} 0",
            "rayswarm_tasks_verified_total 7",
            "rayswarm_providers_known 0",
            "rayswarm_provider_paused 1",
            "rayswarm_wallet_locked 1.25",
            "rayswarm_http_requests_total{code=\"200\"} 5",
            "rayswarm_http_requests_total{code=\"404\"} 1",
            "process_resident_memory_bytes 4096",
            "process_cpu_seconds_total 0.25",
            "# TYPE rayswarm_tasks_verified_total counter",
            "# HELP rayswarm_jobs Jobs of this node by state.",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("rayswarm_chain_height"), "the chain was not read yet");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn the_process_is_measured_by_what_the_system_says() {
        let status = "Name:\trays warm\nVmHWM:\t    9 kB\nVmRSS:\t    1234 kB\n";
        assert_eq!(resident_bytes(status), Some(1234 * 1024));
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 9 9 20 0 8 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!((resident_bytes(""), cpu_seconds("")), (None, None));
    }
}
