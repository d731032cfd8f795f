//! `rayswarm bench chain`: how many transfers a chain of ours takes and how soon they are final, beside anvil in the same run
//! with the same client, and what its state roots cost. The exit code says whether every target is met.

mod anvil;
mod process;
mod report;
mod validators;

use super::farm::spinner;
use crate::{
    args::ChainArgs,
    commands::demo::scratch_folder,
    exit::{BadInput, ExitCode},
    interrupt::Interrupt,
    show,
};
use anvil::{Anvil, Mining};
use anyhow::Context;
use indicatif::ProgressBar;
use rayswarm_node::{
    bench_chain::{self, SENDERS, Senders, Target, Transfer},
    chain::DEVELOPMENT_CHAIN_ID,
    local::CpuMeter,
};
use report::{Measured, Report};
use std::{path::PathBuf, sync::Arc, time::Duration};
use validators::Validators;

/// What is measured, and where.
struct Bench {
    args: ChainArgs,
    folder: PathBuf,
    anvil: Option<PathBuf>,
    senders: Arc<Senders>,
    bar: ProgressBar,
}

pub async fn run(args: ChainArgs) -> anyhow::Result<ExitCode> {
    if args.validators.is_empty() {
        return Err(BadInput("--validators names no chain; give for example 1,4".into()).into());
    }
    let bench = Bench {
        folder: scratch_folder("chain"),
        anvil: anvil::find(args.anvil.as_deref())?,
        senders: Arc::new(Senders::new(SENDERS, DEVELOPMENT_CHAIN_ID)?),
        bar: spinner(),
        args,
    };
    let mut interrupt = Interrupt::listen()?;
    // Processes that it has started end with it.
    let outcome = interrupt.unless(bench.measure()).await.transpose();
    bench.bar.finish_and_clear();
    super::remove(&bench.folder)?;
    let Some(report) = outcome? else {
        return Ok(ExitCode::Interrupted);
    };
    if bench.args.json {
        report.print_json()?;
    } else {
        report.print();
    }
    Ok(if report.holds() {
        ExitCode::Success
    } else {
        ExitCode::Failure
    })
}

impl Bench {
    async fn measure(&self) -> anyhow::Result<Report> {
        self.say(&format!("signing {} transfers", self.args.transfers));
        let transfers = self.senders.sign(0..self.args.transfers).await?;
        let mut ours = Vec::new();
        for count in &self.args.validators {
            ours.push((*count, self.on_validators(*count, &transfers).await?));
        }
        let mut anvils = Vec::new();
        if let Some(program) = &self.anvil {
            for mining in Mining::ALL {
                match self.on_anvil(program, mining, &transfers).await {
                    Ok(measured) => anvils.push(measured),
                    // Ours are measured all the same.
                    Err(error) => show::note(format_args!("anvil, {}, was not measured: {error:#}", mining.words())),
                }
            }
        }
        self.say("state roots of up to a million accounts");
        Ok(Report {
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
            block_time: self.args.block_time,
            ours,
            anvils,
            roots: bench_chain::state_roots().await?,
        })
    }

    async fn on_validators(&self, count: u16, transfers: &[Arc<Transfer>]) -> anyhow::Result<Measured> {
        let name = match count {
            1 => "rayswarm, 1 validator".to_owned(),
            _ => format!("rayswarm, {count} validators"),
        };
        self.say(&format!("{name}: starting"));
        let folder = self.folder.join(format!("validators-{count}"));
        let accounts = self.senders.accounts();
        let mut validators = Validators::start(&folder, count, self.args.block_time, &accounts).await?;
        let target = validators.target();
        let measured = self.load(name, &target, validators.processes(), transfers).await;
        let measured = measured.with_context(|| validators.words())?;
        validators.stop().await?;
        Ok(measured)
    }

    async fn on_anvil(
        &self,
        program: &std::path::Path,
        mining: Mining,
        transfers: &[Arc<Transfer>],
    ) -> anyhow::Result<Measured> {
        let name = format!("anvil, {}", mining.words());
        self.say(&format!("{name}: starting"));
        let folder = self.folder.join(mining.name());
        let mut anvil = Anvil::start(program, &folder, mining, &self.senders.accounts()).await?;
        let target = anvil.target();
        let measured = self.load(name, &target, vec![anvil.process()], transfers).await;
        let measured = measured.with_context(|| anvil.words())?;
        anvil.stop().await?;
        Ok(measured)
    }

    /// All that a chain takes, and then half of it.
    async fn load(
        &self,
        name: String,
        target: &Target,
        processes: Vec<u32>,
        transfers: &[Arc<Transfer>],
    ) -> anyhow::Result<Measured> {
        let span = Duration::from_secs(self.args.seconds);
        self.say(&format!("{name}: full load"));
        let mut meter = CpuMeter::of(processes);
        let before = meter.total();
        let (full, rest) = bench_chain::without_a_pause(target, transfers, span).await?;
        meter.look();
        let cpu = meter.total().saturating_sub(before);
        let half = full.per_second / 2.0;
        self.say(&format!("{name}: half of {:.0} a second", full.per_second));
        let paced = self.next(
            transfers.len() as u64,
            rest,
            (half * span.as_secs_f64()).ceil() as usize,
        );
        let half = bench_chain::at_a_rate(target, &paced.await?, half).await?;
        Ok(Measured {
            name,
            cpu_ms: cpu.as_secs_f64() * 1e3 / full.transfers as f64,
            full,
            half,
        })
    }

    /// The next transfers: those that are left over, and more of the same senders.
    async fn next(
        &self,
        signed: u64,
        mut rest: Vec<Arc<Transfer>>,
        count: usize,
    ) -> anyhow::Result<Vec<Arc<Transfer>>> {
        let missing = count.max(1).saturating_sub(rest.len()) as u64;
        rest.truncate(count.max(1));
        rest.extend(self.senders.sign(signed..signed + missing).await?);
        Ok(rest)
    }

    fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }
}
