//! `rayswarm bench node`: what an offer says of this machine. The exit code says whether every engine gave the same pixels
//! each time.

use crate::{args::NodeArgs, commands::demo::scratch_folder, exit::ExitCode, interrupt::Interrupt, show};
use rayswarm_node::speed::{self, EngineSpeed, SpeedReport};

pub async fn run(args: NodeArgs) -> anyhow::Result<ExitCode> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let folder = scratch_folder("node");
    let mut interrupt = Interrupt::listen()?;
    let measuring = speed::measure(&folder, args.threads.unwrap_or(cores), args.rounds, |text| {
        show::note(text);
    });
    let report = interrupt.unless(measuring).await;
    super::remove(&folder)?;
    let Some(report) = report else {
        return Ok(ExitCode::Interrupted);
    };
    let report = report?;
    if args.json {
        show::json(&report)?;
    } else {
        print(&report);
    }
    Ok(if report.holds() {
        ExitCode::Success
    } else {
        ExitCode::Failure
    })
}

fn print(report: &SpeedReport) {
    show::line(format_args!("{}, {} threads", report.processor, report.threads));
    let mut table = show::table([
        "engine",
        "WU per CPU second",
        "spread",
        "WU/s",
        "tokens per hour",
        "pixels",
    ]);
    for engine in &report.engines {
        table.add_row(row(engine));
    }
    show::line(table);
    for engine in &report.engines {
        show::line(format_args!(
            "{}: {} at {}, samples per pixel {}, is worth {} WU",
            engine.engine,
            engine.scene,
            engine.resolution,
            engine.samples,
            thousandths(engine.work_milli_wu)
        ));
    }
    show::line(format_args!(
        "tokens at {} per WU-hour; spread from the slowest round to the quickest",
        show::tokens(report.price_per_wu_hour)
    ));
    let Some(published) = &report.published else { return };
    let from = if published.kept {
        "as a node of this user measured it before"
    } else {
        "as a node's first start will measure it, within that spread"
    };
    show::line(format_args!(
        "on the chain: benchmark_milli_wu {}, from {} {}, {from}",
        published.benchmark_milli_wu, published.engine, published.version
    ));
}

fn row(engine: &EngineSpeed) -> [String; 6] {
    [
        format!("{} {}", engine.engine, engine.version),
        thousandths(engine.median),
        format!("{}.{} %", engine.spread_permille / 10, engine.spread_permille % 10),
        thousandths(engine.milli_wu_per_second),
        show::tokens(engine.tokens_per_hour),
        if engine.same_pixels { "same" } else { "DIFFERENT" }.to_owned(),
    ]
}

fn thousandths(value: u64) -> String {
    format!("{}.{:03}", value / 1_000, value % 1_000)
}
