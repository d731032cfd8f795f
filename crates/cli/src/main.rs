//! The terminal face of Rayswarm. It parses, calls the daemon through [`rayswarm_api`], and prints.
//!
//! | module | holds |
//! |---|---|
//! | [`args`] | what can be typed |
//! | [`commands`] | one file per command |
//! | [`daemon`] | finding or starting the daemon a command talks to |
//! | [`exit`] | exit codes |
//! | [`interrupt`] | Ctrl-C and the other signals that ask a command to end |
//! | [`local_network`] | a requestor and providers started on this machine |
//! | [`show`] | tables, amounts and spans as people read them |

mod args;
mod commands;
mod daemon;
mod exit;
mod interrupt;
mod local_network;
mod show;

use clap::Parser;
use exit::ExitCode;

fn main() -> std::process::ExitCode {
    let args = args::Args::parse();
    if matches!(args.command, args::Command::ModelSession) {
        return rayswarm_node::models::session();
    }
    let filter = tracing_subscriber::EnvFilter::try_from_env("RAYSWARM_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(args.default_log()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::Error::new(error).context("the async runtime cannot start")),
    };
    let outcome = runtime.block_on(commands::run(args));
    // Whatever still blocks (an engine's pipe, a name lookup) must not hold the terminal.
    runtime.shutdown_background();
    match outcome {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error),
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
