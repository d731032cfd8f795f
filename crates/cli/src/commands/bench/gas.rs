//! `rayswarm bench gas`: what settling a job costs. The exit code says whether it is within what the design allows.

use crate::{args::GasArgs, commands::demo::scratch_folder, exit::ExitCode, show};
use anyhow::Context;
use rayswarm_node::gas::{self, GasReport};

pub async fn run(args: GasArgs) -> anyhow::Result<ExitCode> {
    let folder = scratch_folder("gas");
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let report = gas::measure(&folder, args.rpc.as_deref()).await;
    super::remove(&folder)?;
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

fn print(report: &GasReport) {
    show::line(format_args!(
        "gas on chain {}: a job of {} tasks and {} providers",
        report.chain_id, report.tasks, report.providers
    ));
    let mut table = show::table(["way", "held the token", "never held it"]);
    let (warm, fresh) = (report.warm, report.fresh);
    for (way, warm, fresh) in [
        ("a task, settled at one stroke", warm.cooperative, fresh.cooperative),
        ("a task, vouchers in one transaction", warm.relayed, fresh.relayed),
        ("a task, one token transfer each", warm.transfer, fresh.transfer),
    ] {
        table.add_row([way.to_owned(), warm.to_string(), fresh.to_string()]);
    }
    table.add_row([
        "a provider's forced exit".to_owned(),
        report.forced_exit.to_string(),
        String::new(),
    ]);
    show::line(table);
}
