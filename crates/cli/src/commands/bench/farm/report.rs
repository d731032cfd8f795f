//! What was measured, as one object and as a table.

use super::{plain::PlainRun, rayswarm::RayswarmRun};
use crate::show;
use rayswarm_model::Resolution;
use serde::Serialize;
use std::path::PathBuf;

/// Everything that was measured.
#[derive(Serialize)]
pub struct Report {
    /// The scene file.
    pub scene: PathBuf,
    /// Engine and version of all three ways.
    pub engine: String,
    /// Frames.
    pub frames: String,
    /// How many.
    pub frame_count: usize,
    /// Picture size.
    pub resolution: Option<Resolution>,
    /// Samples per pixel.
    pub samples: Option<u32>,
    /// Cores: threads of the one process, workers, providers.
    pub cores: u32,
    /// The rounds in order.
    pub rounds: Vec<Round>,
    /// The run from a cold start.
    pub cold: Option<Cold>,
}

/// The three ways, one after the other.
#[derive(Serialize)]
pub struct Round {
    /// Plain Blender, all frames in one process on all cores.
    pub one_process: PlainRun,
    /// A fresh process of one thread per frame, unless it was left out.
    pub per_frame: Option<PlainRun>,
    /// Rayswarm, warm.
    pub rayswarm: RayswarmRun,
    /// CPU seconds that the waiting network took while the other two ran.
    pub idle_cpu_s: f64,
}

/// Rayswarm from nothing.
#[derive(Serialize)]
pub struct Cold {
    /// Seconds from the start of the first process to `done`, the quote included.
    pub wall_s: f64,
    /// Of these seconds, until all providers had joined.
    pub network_s: f64,
    /// The job's own part.
    pub job: RayswarmRun,
}

/// Medians over the rounds.
#[derive(Serialize)]
struct Medians {
    one_process_s: f64,
    per_frame_s: Option<f64>,
    rayswarm_s: f64,
    quote_s: f64,
    /// Below 1, Rayswarm is quicker than one process.
    rayswarm_to_one_process: f64,
    /// Above 1, Rayswarm is quicker than one process per frame.
    per_frame_to_rayswarm: Option<f64>,
}

#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    report: &'a Report,
    medians: Medians,
}

impl Report {
    /// Prints one object with every number.
    pub fn print_json(&self) -> anyhow::Result<()> {
        show::json(&Printed {
            report: self,
            medians: self.medians(),
        })
    }

    /// Prints the table.
    pub fn print(&self) {
        let size = self.resolution.map_or_else(String::new, |size| size.to_string());
        let samples = self
            .samples
            .map_or_else(String::new, |samples| format!(", {samples} samples"));
        show::line(format_args!("scene     {}", self.scene.display()));
        show::line(format_args!(
            "picture   frames {} ({}) at {size}{samples}, {}, {} cores",
            self.frames, self.frame_count, self.engine, self.cores
        ));
        let mut table = show::table(["", "seconds (median)", "each round", "CPU seconds (median)"]);
        table.add_row(self.row("plain Blender, one process", |round| {
            (round.one_process.wall_s, round.one_process.cpu_s)
        }));
        if self.rounds.iter().all(|round| round.per_frame.is_some()) {
            table.add_row(self.row("one process per frame", |round| {
                round
                    .per_frame
                    .map_or((f64::NAN, f64::NAN), |run| (run.wall_s, run.cpu_s))
            }));
        }
        table.add_row(self.row("Rayswarm, warm", |round| (round.rayswarm.wall_s, round.rayswarm.cpu_s)));
        show::line(table);
        let medians = self.medians();
        let per_frame = medians.per_frame_to_rayswarm;
        let per_frame = per_frame.map_or_else(String::new, |ratio| {
            format!("; process per frame / Rayswarm {ratio:.2}")
        });
        show::line(format_args!(
            "ratios    Rayswarm / one process {:.2}{per_frame}",
            medians.rayswarm_to_one_process
        ));
        self.print_parts();
        show::line(format_args!(
            "quote     {:.2} s of analysis and probe, not in the times above",
            medians.quote_s
        ));
        if let Some(cold) = &self.cold {
            show::line(format_args!(
                "cold      {:.2} s: network {:.2}, quote {:.2}, job {:.2}",
                cold.wall_s, cold.network_s, cold.job.quote_s, cold.job.wall_s
            ));
        }
    }

    /// Where Rayswarm's time goes, and the farm manager's.
    fn print_parts(&self) {
        let median = |of: fn(&RayswarmRun) -> f64| self.median(|round| of(&round.rayswarm));
        show::line(format_args!(
            "seconds   Rayswarm: funding {:.2}, rendering {:.2}, payment {:.2}",
            median(|run| run.funding_s),
            median(|run| run.rendering_s),
            median(|run| run.settling_s)
        ));
        let total = |of: fn(&Round) -> f64| self.rounds.iter().map(of).sum::<f64>();
        let cpu = total(|round| round.rayswarm.cpu_s);
        show::line(format_args!(
            "CPU       Rayswarm: tasks {:.0} %, audits {:.0} %, rest {:.0} % (loading, merging, finishing, network, chain)",
            percent(total(|round| round.rayswarm.render_cpu_s), cpu),
            percent(total(|round| round.rayswarm.audit_cpu_s), cpu),
            percent(total(|round| round.rayswarm.rest_cpu_s()), cpu)
        ));
        let per_frame = |of: fn(&PlainRun) -> f64| {
            let runs = self.rounds.iter().filter_map(|round| round.per_frame.as_ref());
            runs.map(of).sum::<f64>()
        };
        let (load, render) = (per_frame(|run| run.load_s), per_frame(|run| run.render_s));
        if load + render > 0.0 {
            show::line(format_args!(
                "loading   {:.0} % of the workers' time with one process per frame",
                percent(load, load + render)
            ));
        }
    }

    fn row(&self, name: &str, of: impl Fn(&Round) -> (f64, f64)) -> [String; 4] {
        let each: Vec<_> = self.rounds.iter().map(|round| format!("{:.2}", of(round).0)).collect();
        [
            name.into(),
            format!("{:.2}", self.median(|round| of(round).0)),
            each.join(" "),
            format!("{:.2}", self.median(|round| of(round).1)),
        ]
    }

    fn medians(&self) -> Medians {
        let one_process_s = self.median(|round| round.one_process.wall_s);
        let per_frame: Option<Vec<f64>> = self.rounds.iter().map(|round| Some(round.per_frame?.wall_s)).collect();
        let per_frame_s = per_frame.map(median);
        let rayswarm_s = self.median(|round| round.rayswarm.wall_s);
        Medians {
            one_process_s,
            per_frame_s,
            rayswarm_s,
            quote_s: self.median(|round| round.rayswarm.quote_s),
            rayswarm_to_one_process: rayswarm_s / one_process_s,
            per_frame_to_rayswarm: per_frame_s.map(|seconds| seconds / rayswarm_s),
        }
    }

    fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }
}

/// The middle value, or the mean of the two in the middle; not a number when there is none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_order_and_outliers() {
        assert!((median(vec![90.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 90.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
