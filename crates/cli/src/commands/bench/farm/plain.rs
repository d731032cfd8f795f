//! Blender as people run it without a network: `engines/blender/plain.py` in the engine's own Python, no sandbox.

use super::{Bench, expect_pictures};
use crate::exit::{BadInput, Missing};
use anyhow::Context;
use rayswarm_model::Resolution;
use rayswarm_node::local::Store;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};
use tokio::{process::Command, task::JoinSet};

const SCRIPT: &str = include_str!("../../../../../../engines/blender/plain.py");

/// A Blender that is ready to be timed.
#[derive(Clone)]
pub struct Plain {
    python: PathBuf,
    version: String,
    scene: PathBuf,
    frames: Vec<i32>,
    resolution: Option<[u32; 2]>,
    samples: Option<u32>,
    workers: usize,
}

/// One way of rendering all frames without a network. Loading and rendering are summed over the processes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PlainRun {
    /// Seconds from the first process's start to the last one's end.
    pub wall_s: f64,
    /// CPU seconds of all processes.
    pub cpu_s: f64,
    /// Seconds in which processes started Blender and opened the scene.
    pub load_s: f64,
    /// Seconds in which processes rendered and wrote.
    pub render_s: f64,
}

/// What `plain.py` reads.
#[derive(Serialize)]
struct Job<'a> {
    scene: &'a Path,
    frames: &'a [i32],
    threads: u32,
    resolution: Option<[u32; 2]>,
    samples: Option<u32>,
    output: &'a Path,
    report: &'a Path,
}

/// What `plain.py` writes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Refused { refused: String },
    Rendered { load_s: f64, render_s: f64, cpu_s: f64 },
}

impl Plain {
    /// The newest Blender of the store, which is what a requestor takes too.
    pub fn prepare(bench: &Bench, resolution: Option<Resolution>) -> anyhow::Result<Self> {
        let installs = Store::open_default()?.list().into_iter();
        let found = installs
            .filter_map(|install| Some((install.version, install.folder?)))
            .next();
        let (version, folder) = found.ok_or_else(|| {
            Missing("no Blender is in the engine store; run: rayswarm engines install blender".into())
        })?;
        Ok(Self {
            python: folder.join("bin/python"),
            version,
            scene: bench.scene.clone(),
            frames: bench.args.frames.as_slice().to_vec(),
            resolution: resolution.map(|size| [size.width, size.height]),
            samples: bench.args.samples,
            workers: bench.cores as usize,
        })
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// All frames in one process on all cores.
    pub async fn in_order(&self, output: &Path) -> anyhow::Result<PlainRun> {
        let begun = Instant::now();
        let told = self.process(&self.frames, 0, output).await?;
        expect_pictures(output, self.frames.len())?;
        Ok(PlainRun {
            wall_s: begun.elapsed().as_secs_f64(),
            ..told
        })
    }

    /// Every frame in a fresh process of one thread, as many at once as there are cores.
    pub async fn process_per_frame(&self, output: &Path) -> anyhow::Result<PlainRun> {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        let mut all = Vec::new();
        for &frame in &self.frames {
            if running.len() >= self.workers
                && let Some(told) = running.join_next().await
            {
                all.push(told??);
            }
            let (plain, output) = (self.clone(), output.to_path_buf());
            running.spawn(async move { plain.process(&[frame], 1, &output).await });
        }
        while let Some(told) = running.join_next().await {
            all.push(told??);
        }
        expect_pictures(output, self.frames.len())?;
        let sum = |of: fn(&PlainRun) -> f64| all.iter().map(of).sum();
        Ok(PlainRun {
            wall_s: begun.elapsed().as_secs_f64(),
            cpu_s: sum(|run| run.cpu_s),
            load_s: sum(|run| run.load_s),
            render_s: sum(|run| run.render_s),
        })
    }

    /// One process; the wall time is left to the caller.
    async fn process(&self, frames: &[i32], threads: u32, output: &Path) -> anyhow::Result<PlainRun> {
        let first = frames.first().copied().unwrap_or_default();
        let (report, log) = (
            output.join(format!("{first}.json")),
            output.join(format!("{first}.log")),
        );
        let job = Job {
            scene: &self.scene,
            frames,
            threads,
            resolution: self.resolution,
            samples: self.samples,
            output,
            report: &report,
        };
        let log_file = std::fs::File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut command = Command::new(&self.python);
        command.args(["-s", "-P", "-B", "-c", SCRIPT, &serde_json::to_string(&job)?]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file);
        command.kill_on_drop(true);
        let status = command.status().await.context("plain Blender cannot be started")?;
        let told = std::fs::read(&report).ok().map(|told| serde_json::from_slice(&told));
        match told.transpose().context("plain Blender's report cannot be read")? {
            Some(Told::Rendered {
                load_s,
                render_s,
                cpu_s,
            }) => Ok(PlainRun {
                wall_s: 0.0,
                cpu_s,
                load_s,
                render_s,
            }),
            Some(Told::Refused { refused }) => Err(BadInput(refused).into()),
            None => {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let last = said.lines().last().unwrap_or("it said nothing").to_owned();
                anyhow::bail!("plain Blender stopped without a report ({status}): {last}")
            }
        }
    }
}
