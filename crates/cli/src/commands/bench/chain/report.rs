//! What was measured, as one object and as tables, with the targets beside.

use super::{anvil::Mining, validators};
use crate::show;
use rayswarm_node::bench_chain::{BATCH, CONNECTIONS, Full, Paced, SENDERS, StateRoots};
use serde::Serialize;
use std::time::Duration;

/// Transfers in a second by anvil's, with one validator.
const ALONE_RATIO_MIN: f64 = 2.0;
/// The same with several, all of which do all the work, on one machine.
const SHARED_RATIO_MIN: f64 = 1.0;
/// All but one transfer in a hundred are final after that at half load.
const P99_MS_MAX: f64 = 1_000.0;

/// Everything that was measured.
pub struct Report {
    /// Cores of this machine, which the chains and the client share.
    pub cores: u32,
    /// How far apart blocks of ours are at least.
    pub block_time: Duration,
    /// Our chains, by the number of their validators.
    pub ours: Vec<(u16, Measured)>,
    /// Anvil in each way to make blocks; empty where there is none.
    pub anvils: Vec<Measured>,
    /// What state roots cost.
    pub roots: StateRoots,
}

/// One chain.
#[derive(Serialize)]
pub struct Measured {
    /// Which.
    pub name: String,
    /// As many transfers as it takes.
    pub full: Full,
    /// CPU milliseconds of all its processes for each of these.
    pub cpu_ms: f64,
    /// Half as many.
    pub half: Paced,
}

/// A chain of ours held against what is promised.
#[derive(Serialize)]
struct Judged<'a> {
    validators: u16,
    #[serde(flatten)]
    measured: &'a Measured,
    ratio_min: f64,
    /// `None` where there is no anvil.
    ratio: Option<f64>,
    ratio_holds: Option<bool>,
    p99_ms_max: f64,
    p99_holds: bool,
}

#[derive(Serialize)]
struct Printed<'a> {
    cores: u32,
    block_time_ms: u128,
    senders: u32,
    connections: usize,
    batch: usize,
    under_way: usize,
    under_way_anvil_at_once: usize,
    chains: Vec<Judged<'a>>,
    anvils: &'a [Measured],
    /// The anvil that the others are compared with.
    compared_with: Option<&'a str>,
    roots: &'a StateRoots,
    roots_hold: bool,
}

impl Report {
    /// Whether every target is met that could be looked at.
    pub fn holds(&self) -> bool {
        let mut chains = self.judged().into_iter();
        chains.all(|chain| chain.p99_holds && chain.ratio_holds != Some(false)) && self.roots.holds()
    }

    /// Prints one object with every number.
    pub fn print_json(&self) -> anyhow::Result<()> {
        show::json(&Printed {
            cores: self.cores,
            block_time_ms: self.block_time.as_millis(),
            senders: SENDERS,
            connections: CONNECTIONS,
            batch: BATCH,
            under_way: validators::UNDER_WAY,
            under_way_anvil_at_once: Mining::AtOnce.under_way(),
            chains: self.judged(),
            anvils: &self.anvils,
            compared_with: self.best_anvil().map(|anvil| anvil.name.as_str()),
            roots: &self.roots,
            roots_hold: self.roots.holds(),
        })
    }

    /// Prints the tables.
    pub fn print(&self) {
        show::line(format_args!(
            "machine   {} cores for the chains and for the client that asks them",
            self.cores
        ));
        show::line(format_args!(
            "client    {SENDERS} senders, {CONNECTIONS} connections, at most {BATCH} transfers in a batch and {} under \
             way, {} on anvil with blocks at once",
            validators::UNDER_WAY,
            Mining::AtOnce.under_way()
        ));
        show::line(format_args!(
            "ours      proof of stake, blocks at least {} ms apart; a transfer counts when it is final, on anvil when \
             it is in a block",
            self.block_time.as_millis()
        ));
        let mut table = show::table([
            "chain",
            "transfers/s",
            "sent",
            "seconds",
            "blocks",
            "CPU ms each",
            "at half",
            "p50 ms",
            "p99 ms",
            "max ms",
        ]);
        let ours = self.ours.iter().map(|(_, measured)| measured);
        for measured in ours.chain(&self.anvils) {
            table.add_row(cells(measured));
        }
        show::line(table);
        for chain in self.judged() {
            self.print_judged(&chain);
        }
        if self.anvils.is_empty() {
            show::line("anvil     not compared: there is none, or none that could be measured; name one with --anvil");
        }
        self.print_roots();
    }

    fn print_judged(&self, chain: &Judged<'_>) {
        if let (Some(ratio), Some(holds), Some(anvil)) = (chain.ratio, chain.ratio_holds, self.best_anvil()) {
            show::line(format_args!(
                "{}: {ratio:.2} times what {} takes; target: at least {}: {}",
                chain.measured.name,
                anvil.name,
                chain.ratio_min,
                word(holds)
            ));
        }
        show::line(format_args!(
            "{}: final after {:.0} ms at half load (p99); target: at most {P99_MS_MAX:.0}: {}",
            chain.measured.name,
            chain.measured.half.p99_ms,
            word(chain.p99_holds)
        ));
    }

    fn print_roots(&self) {
        show::line("\nThe state root after accounts were touched:");
        let mut table = show::table(["accounts", "touched", "nodes hashed", "ms", "state made in s"]);
        for row in &self.roots.rows {
            table.add_row([
                row.accounts.to_string(),
                row.touched.to_string(),
                row.nodes.to_string(),
                format!("{:.3}", row.updated_ms),
                format!("{:.2}", row.rebuilt_s),
            ]);
        }
        show::line(table);
        show::line(format_args!(
            "roots     ten times the accounts touched take at most {:.1} times the nodes, a thousand times the state at \
             most {:.1} times; target: with the accounts touched, not with the state: {}",
            self.roots.touched_factor,
            self.roots.size_factor,
            word(self.roots.holds())
        ));
    }

    fn best_anvil(&self) -> Option<&Measured> {
        let by_rate = |left: &&Measured, right: &&Measured| left.full.per_second.total_cmp(&right.full.per_second);
        self.anvils.iter().max_by(by_rate)
    }

    fn judged<'a>(&'a self) -> Vec<Judged<'a>> {
        let best = self.best_anvil().map(|anvil| anvil.full.per_second);
        let judge = |(validators, measured): &'a (u16, Measured)| {
            let ratio_min = match validators {
                1 => ALONE_RATIO_MIN,
                _ => SHARED_RATIO_MIN,
            };
            let ratio = best.map(|best| measured.full.per_second / best);
            Judged {
                validators: *validators,
                measured,
                ratio_min,
                ratio,
                ratio_holds: ratio.map(|ratio| ratio >= ratio_min),
                p99_ms_max: P99_MS_MAX,
                p99_holds: measured.half.p99_ms <= P99_MS_MAX,
            }
        };
        self.ours.iter().map(judge).collect()
    }
}

fn cells(measured: &Measured) -> [String; 10] {
    let Measured { full, half, .. } = measured;
    [
        measured.name.clone(),
        format!("{:.0}", full.per_second),
        full.transfers.to_string(),
        format!("{:.1}", full.seconds),
        full.blocks.to_string(),
        format!("{:.3}", measured.cpu_ms),
        format!("{:.0}", half.offered_per_second),
        format!("{:.0}", half.p50_ms),
        format!("{:.0}", half.p99_ms),
        format!("{:.0}", half.max_ms),
    ]
}

const fn word(holds: bool) -> &'static str {
    if holds { "holds" } else { "MISSED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(per_second: f64, p99_ms: f64) -> Measured {
        Measured {
            name: per_second.to_string(),
            cpu_ms: 0.1,
            full: Full {
                transfers: 1,
                seconds: 1.0,
                per_second,
                blocks: 1,
            },
            half: Paced {
                offered_per_second: 1.0,
                transfers: 1,
                p50_ms: 1.0,
                p99_ms,
                max_ms: p99_ms,
            },
        }
    }

    /// One and four validators, and anvils.
    fn report(ours: [(f64, f64); 2], anvils: &[f64]) -> Report {
        let [one, four] = ours.map(|(per_second, p99_ms)| measured(per_second, p99_ms));
        Report {
            cores: 2,
            block_time: Duration::from_secs(1),
            ours: vec![(1, one), (4, four)],
            anvils: anvils.iter().map(|per_second| measured(*per_second, 1.0)).collect(),
            roots: StateRoots {
                rows: Vec::new(),
                size_factor: 2.0,
                touched_factor: 8.0,
            },
        }
    }

    #[test]
    fn a_chain_is_held_against_the_better_anvil() {
        for (ours, anvils, holds) in [
            ([(200.0, 900.0), (100.0, 900.0)], &[50.0, 100.0][..], true),
            ([(199.0, 900.0), (100.0, 900.0)], &[50.0, 100.0], false),
            ([(200.0, 900.0), (99.0, 900.0)], &[100.0, 50.0], false),
            ([(200.0, 900.0), (100.0, 1_001.0)], &[50.0, 100.0], false),
            ([(2.0, 900.0), (1.0, 900.0)], &[], true),
            ([(2.0, f64::NAN), (1.0, 900.0)], &[], false),
        ] {
            assert_eq!(report(ours, anvils).holds(), holds, "{ours:?} {anvils:?}");
        }
        let mut costly = report([(200.0, 900.0), (100.0, 900.0)], &[]);
        costly.roots.size_factor = 1_000.0;
        assert!(!costly.holds());
    }
}
