//! What was measured, as one object and as tables, with the targets beside.

use super::{latency::Figures, memory, reads::Row, rendering::Rendering, rendering::STUDIOS, soak::Soak};
use crate::show;
use serde::Serialize;

/// All but one read in a hundred are quicker.
const P99_MS_MAX: f64 = 50.0;
/// What a job may lose to those who look at it.
const RENDERING_RATIO_MAX: f64 = 1.02;
const MIB: f64 = (1 << 20) as f64;

/// Everything that was measured.
#[derive(Serialize)]
pub struct Report {
    /// Cores of this machine, which the bench, the daemon and everything else share.
    pub cores: u32,
    /// Load averages of a minute before and after.
    pub load_before: f64,
    /// The same after.
    pub load_after: f64,
    /// Jobs in the list.
    pub jobs: u64,
    /// Tasks of the large one.
    pub tasks: u64,
    /// Attempts of the large one.
    pub attempts: u64,
    /// Events in the large one's journal.
    pub journal_events: u64,
    /// Seconds until the daemon answered, with so many jobs to read.
    pub start_s: f64,
    /// Connections that read.
    pub connections: u32,
    /// One kind of read after another.
    pub reads: Vec<Row>,
    /// Everything at once.
    pub soak: Soak,
    /// What rendering loses, unless it was left out.
    pub rendering: Option<Rendering>,
}

/// What is promised, and whether it holds.
#[derive(Serialize)]
struct Targets {
    p99_ms_max: f64,
    unpaused_reads_hold: bool,
    half_reads_hold: bool,
    paced_reads_hold: bool,
    reads_beside_listeners_hold: bool,
    events_hold: bool,
    memory_holds: bool,
    rendering_ratio_max: f64,
    rendering_ratio: Option<f64>,
    rendering_holds: Option<bool>,
}

#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    targets: Targets,
}

impl Report {
    /// Whether every target is met.
    pub fn holds(&self) -> bool {
        let targets = self.targets();
        targets.unpaused_reads_hold
            && targets.half_reads_hold
            && targets.paced_reads_hold
            && targets.reads_beside_listeners_hold
            && targets.events_hold
            && targets.memory_holds
            && targets.rendering_holds != Some(false)
    }

    /// Prints one object with every number.
    pub fn print_json(&self) -> anyhow::Result<()> {
        show::json(&Printed {
            report: self,
            targets: self.targets(),
        })
    }

    /// Prints the tables.
    pub fn print(&self) {
        show::line(format_args!(
            "list      {} jobs, one of {} tasks with {} attempts and {} events; the node answered after {:.1} s",
            self.jobs, self.tasks, self.attempts, self.journal_events, self.start_s
        ));
        show::line(format_args!(
            "machine   {} cores for the node and those who ask it; load {:.2} before, {:.2} after",
            self.cores, self.load_before, self.load_after
        ));
        self.print_reads();
        self.print_soak();
        self.print_rendering();
    }

    fn print_reads(&self) {
        show::line(format_args!(
            "\nreads     {} connections that stay open; target: p99 at most {P99_MS_MAX:.0} ms",
            self.connections
        ));
        show::line("\nEvery connection asks again as soon as it is answered:");
        let mut table = show::table(HEADER);
        for row in &self.reads {
            table.add_row(cells(&name(row), &row.unpaused));
            if let Some(figures) = &row.below_limit {
                table.add_row(cells("  the same below the limit", figures));
            }
        }
        show::line(table);
        if self.reads.iter().any(|row| row.below_limit.is_some()) {
            show::line("The node refused some calls (429). Those were made again just below its limit.");
        }
        show::line("\nAll connections together ask half as often:");
        let mut table = show::table(HEADER);
        for row in &self.reads {
            if let Some(figures) = &row.half {
                table.add_row(cells(&name(row), figures));
            }
        }
        show::line(table);
        show::line("\nEvery connection asks once a second, as an open studio does:");
        let mut table = show::table(HEADER);
        for row in &self.reads {
            table.add_row(cells(&name(row), &row.paced));
        }
        table.add_row(cells("all of these, and listeners", &self.soak.reads));
        if let Some(reads) = self.rendering.as_ref().and_then(|rendering| rendering.reads.as_ref()) {
            table.add_row(cells("studios while the farm renders", reads));
        }
        show::line(table);
        let first = self
            .reads
            .iter()
            .max_by(|left, right| left.first_s.total_cmp(&right.first_s));
        if let Some(row) = first {
            show::line(format_args!(
                "slowest first answer: {:.2} s, {}",
                row.first_s, row.endpoint
            ));
        }
    }

    fn print_soak(&self) {
        let heard = &self.soak.events;
        show::line(format_args!(
            "\nevents    {} listeners, {} events told ({} names given), {} heard in all; each reconnected at least {} \
             times ({} in all), {} connections broke",
            heard.listeners,
            heard.told,
            heard.changes,
            heard.heard,
            heard.reconnects_least,
            heard.reconnects,
            heard.broken
        ));
        show::line(format_args!(
            "          missing {}, disordered {}, duplicate {}, names not told {}, resets {}; target: none: {}",
            heard.faults.missing,
            heard.faults.disordered,
            heard.faults.duplicate,
            heard.changes_missing,
            heard.resets,
            word(heard.holds())
        ));
        let memory = &self.soak.memory;
        show::line(format_args!(
            "memory    first {:.0} s {:.1} MiB, last {:.0} s {:.1} MiB, peak {:.1} MiB over {:.0} s; growth {:+.1} MiB; \
             target: {}: {}",
            memory.window_s,
            memory.first_bytes / MIB,
            memory.window_s,
            memory.last_bytes / MIB,
            memory.peak_bytes / MIB,
            memory.seconds,
            memory.growth_bytes() / MIB,
            memory::rule(),
            word(memory.is_flat())
        ));
    }

    fn print_rendering(&self) {
        let Some(rendering) = &self.rendering else { return };
        let each = rendering
            .rounds
            .iter()
            .map(|round| format!("{:.2}/{:.2}", round.looked_at_s, round.quiet_s));
        let cpu = |of: fn(&super::rendering::Round) -> f64| rendering.rounds.iter().map(of).sum::<f64>();
        show::line(format_args!(
            "rendering seconds with {STUDIOS} open studios / without, each round: {}; ratio {:.3}; target: at most \
             {RENDERING_RATIO_MAX}: {}",
            each.collect::<Vec<_>>().join(" "),
            rendering.ratio(),
            word(rendering.ratio() <= RENDERING_RATIO_MAX)
        ));
        show::line(format_args!(
            "          CPU seconds of all nodes with / without: {:.1}/{:.1}",
            cpu(|round| round.looked_at_cpu_s),
            cpu(|round| round.quiet_cpu_s)
        ));
    }

    fn targets(&self) -> Targets {
        let ratio = self.rendering.as_ref().map(Rendering::ratio);
        Targets {
            p99_ms_max: P99_MS_MAX,
            unpaused_reads_hold: self
                .reads
                .iter()
                .all(|row| holds(row.below_limit.as_ref().unwrap_or(&row.unpaused))),
            half_reads_hold: self.reads.iter().filter_map(|row| row.half.as_ref()).all(holds),
            paced_reads_hold: self.reads.iter().all(|row| holds(&row.paced)),
            reads_beside_listeners_hold: holds(&self.soak.reads),
            events_hold: self.soak.events.holds(),
            memory_holds: self.soak.memory.is_flat(),
            rendering_ratio_max: RENDERING_RATIO_MAX,
            rendering_ratio: ratio,
            rendering_holds: ratio.map(|ratio| ratio <= RENDERING_RATIO_MAX),
        }
    }
}

fn holds(figures: &Figures) -> bool {
    figures.p99_ms <= P99_MS_MAX && figures.failed == 0
}

const fn word(holds: bool) -> &'static str {
    if holds { "holds" } else { "MISSED" }
}

const HEADER: [&str; 10] = [
    "GET /v1/…",
    "answers/s",
    "p50 ms",
    "p99 ms",
    "max ms",
    "holds",
    "KiB",
    "node CPU ms",
    "429",
    "failed",
];

fn name(row: &Row) -> String {
    match row.connections {
        1 => format!("{} (one connection)", row.endpoint),
        _ => row.endpoint.clone(),
    }
}

fn cells(name: &str, figures: &Figures) -> [String; 10] {
    [
        name.into(),
        format!("{:.0}", figures.per_second),
        format!("{:.1}", figures.p50_ms),
        format!("{:.1}", figures.p99_ms),
        format!("{:.1}", figures.max_ms),
        if holds(figures) { "yes" } else { "NO" }.into(),
        format!("{:.1}", figures.bytes as f64 / 1024.0),
        if figures.daemon_cpu_ms.is_nan() {
            String::new()
        } else {
            format!("{:.2}", figures.daemon_cpu_ms)
        },
        figures.refused.to_string(),
        figures.failed.to_string(),
    ]
}
