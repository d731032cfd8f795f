//! `rayswarm up`: the daemon, until Ctrl-C. A second Ctrl-C stops at once.

use crate::{args::UpArgs, exit::ExitCode, show};
use rayswarm_node::{Daemon, config::RawConfig};
use std::path::Path;
use tokio::signal::unix::{SignalKind, signal};

pub async fn run(data_dir: Option<&Path>, args: UpArgs) -> anyhow::Result<ExitCode> {
    let raw = RawConfig {
        data_dir: data_dir.map(Path::to_path_buf),
        provide: args.provide,
        threads: args.threads,
        memory: args.memory,
        cache_size: args.cache_size,
        price: args.price,
        http: args.http,
        rpc: args.rpc,
        rpc_listen: args.rpc_listen,
        join: args.join,
        listen: args.listen,
        relay: args.relay,
        device: args.device.into(),
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let daemon = Daemon::start(
        raw.resolve()
            .map_err(|error| crate::exit::BadInput(error.to_string()))?,
    )
    .await?;
    show::line(format_args!("node      {}", daemon.node_id()));
    show::line(format_args!("http      http://{}", daemon.http_address()));
    show::line(format_args!("chain     {} at {}", daemon.chain_id(), daemon.rpc_url()));
    show::line("stop with Ctrl-C; `rayswarm invite` prints a ticket for another machine");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    show::note("stopping; Ctrl-C again stops at once");
    tokio::select! {
        () = daemon.stop() => Ok(ExitCode::Success),
        _ = interrupt.recv() => Ok(ExitCode::Interrupted),
        _ = terminate.recv() => Ok(ExitCode::Interrupted),
    }
}
