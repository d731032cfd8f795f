//! `rayswarm up`: the daemon, until Ctrl-C. A second Ctrl-C stops at once.

use crate::{
    args::UpArgs,
    commands::chain::{CHAIN_FAILED, show_peer},
    daemon::STOP_PATIENCE,
    exit::{BadInput, ExitCode},
    interrupt::{Interrupt, after, parent_gone},
    show,
};
use anyhow::bail;
use rayswarm_node::{
    Daemon,
    chain::Intensity,
    config::{Config, JobTermsConfig, RawConfig, Ticket},
    traces::Collector,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How often an idle daemon looks for jobs. Nobody waits for its end.
const LOOK_FOR_JOBS: Duration = Duration::from_secs(1);

/// The part of the time that each thread mines, so that rendering goes first.
const MINING_PERCENT: u8 = 50;

pub async fn run(data_dir: Option<&Path>, args: UpArgs) -> anyhow::Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let (with_parent, until_idle) = (args.with_parent, args.until_idle);
    let config = config(data_dir, args)?;
    let parent_gone = parent_gone(with_parent);
    tokio::pin!(parent_gone);
    let daemon = tokio::select! {
        daemon = Daemon::start(config, show_peer) => daemon?,
        () = interrupt.received() => return Ok(ExitCode::Interrupted),
        () = &mut parent_gone => return Ok(ExitCode::Interrupted),
    };
    show::line(format_args!("node      {}", daemon.node_id()));
    show::line(format_args!("http      http://{}", daemon.http_address()));
    if let Some((address, fingerprint)) = daemon.https_address() {
        show::line(format_args!(
            "https     https://{address}, certificate SHA-256 {fingerprint:x}"
        ));
    }
    show::line(format_args!("chain     {} at {}", daemon.chain_id(), daemon.rpc_url()));
    show::line(format_args!("contracts {}", daemon.contracts()));
    show::line("studio    `rayswarm studio` opens it in a browser, `rayswarm top` watches in a terminal");
    show::line("stop with Ctrl-C; `rayswarm invite` prints a ticket for another machine");
    let mut chain_failed = false;
    let drained_by = tokio::select! {
        () = interrupt.received() => {
            show::note("stopping; Ctrl-C again stops at once");
            None
        }
        () = &mut parent_gone => {
            show::note("the command that started this daemon has ended; stopping");
            // Nobody is left to lose patience.
            Some(STOP_PATIENCE)
        }
        () = nothing_to_do(&daemon, until_idle) => {
            show::note("there is nothing to do any more; stopping");
            None
        }
        () = daemon.chain_failed() => {
            show::note("the chain of this node cannot go on; stopping");
            chain_failed = true;
            Some(STOP_PATIENCE)
        }
    };
    let stopped = tokio::select! {
        () = daemon.stop() => ExitCode::Success,
        () = interrupt.received() => ExitCode::Interrupted,
        () = after(drained_by) => ExitCode::Interrupted,
    };
    if chain_failed {
        bail!(CHAIN_FAILED);
    }
    Ok(stopped)
}

/// The settings, checked as far as they can be before anything is touched.
fn config(data_dir: Option<&Path>, args: UpArgs) -> Result<Config, BadInput> {
    if let Some(Err(error)) = args.join.as_deref().map(str::parse::<Ticket>) {
        return Err(BadInput(format!("--join: {error}")));
    }
    let raw = RawConfig {
        data_dir: data_dir.map(Path::to_path_buf),
        provide: args.provide,
        threads: args.threads,
        memory: args.memory,
        cache_size: args.cache_size,
        price: args.price,
        unpaid_tasks: args.unpaid_tasks,
        judge: args.judge,
        stake: args.stake,
        job_terms: JobTermsConfig {
            exit: args.exit_window,
            notice: args.notice,
            challenge: args.challenge_window,
            provider_stake: args.claim_stake.unwrap_or_default(),
        },
        http: args.http,
        https: args.https,
        certificate: args.tls_cert.zip(args.tls_key),
        http_names: args.http_names,
        fetch_allow: args.fetch_allow,
        render_cap: args.render_cap,
        rpc: args.rpc,
        rpc_listen: args.rpc_listen,
        genesis: args.genesis,
        keeping: args.keep.keeping(),
        chain_peers: args.keep.peers,
        mining: args.mine.map(|threads| Intensity {
            threads,
            percent: MINING_PERCENT,
        }),
        contracts: args.contracts,
        deploy: args.deploy,
        confirmations: args.confirmations,
        deploy_book: args.deploy_book,
        join: args.join,
        listen: args.listen,
        relay: args.relay,
        device: args.device.into(),
        own_accounts: args.own_accounts,
        commands_from_all: args.commands_from_all,
        traces: Collector::from_env(),
    };
    raw.resolve().map_err(|error| BadInput(error.to_string()))
}

/// Waits until no job was unfinished for `patience`; for ever without one.
async fn nothing_to_do(daemon: &Daemon, patience: Option<Duration>) {
    let Some(patience) = patience else {
        return std::future::pending().await;
    };
    let mut last_busy = Instant::now();
    while last_busy.elapsed() < patience {
        tokio::time::sleep(LOOK_FOR_JOBS.min(patience)).await;
        if daemon.unfinished_jobs() > 0 {
            last_busy = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser;

    #[test]
    fn a_bad_ticket_is_bad_input() {
        let typed = Args::parse_from(["rayswarm", "up", "--join", "rayswarm1abc"]);
        let Command::Up(up) = typed.command else {
            panic!("not up")
        };
        let error = config(None, *up).unwrap_err();
        assert!(error.0.contains("--join: the ticket is incomplete"), "{error}");
    }

    #[test]
    fn hosts_and_a_cap_for_pictures_can_be_typed() {
        let typed = |more: &[&str]| {
            let words: Vec<&str> = ["rayswarm", "up"].iter().chain(more).copied().collect();
            let Command::Up(up) = Args::parse_from(words).command else {
                panic!("not up")
            };
            config(Some(Path::new("d")), *up)
        };
        let allowing = [
            "--fetch-allow",
            "nas",
            "--fetch-allow",
            "10.0.0.7:8080",
            "--render-cap",
            "0.5",
        ];
        let config = typed(&allowing).unwrap();
        assert_eq!(config.fetch_allow.len(), 2);
        assert_eq!(config.render_cap.to_string(), "0.5");
        let error = typed(&["--fetch-allow", "http://nas"]).unwrap_err();
        assert!(error.0.contains("--fetch-allow"), "{error}");
    }
}
