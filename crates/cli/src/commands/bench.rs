//! `rayswarm bench`: is the picture exact, is the farm quick, does the node answer, what does settling cost, is the chain
//! quick, what is this machine worth.

mod api;
mod chain;
mod exactness;
mod farm;
mod gas;
mod node;

use crate::{args::BenchCommand, exit::ExitCode};
use anyhow::Context;
use std::path::Path;

pub async fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Api(args) => api::run(args).await,
        BenchCommand::Chain(args) => chain::run(args).await,
        BenchCommand::Exactness(args) => exactness::run(args).await,
        BenchCommand::Farm(args) => farm::run(args).await,
        BenchCommand::Gas(args) => gas::run(args).await,
        BenchCommand::Node(args) => node::run(args).await,
    }
}

/// Removes what a measurement has written.
fn remove(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    std::fs::remove_dir_all(folder).with_context(|| format!("{} cannot be removed", folder.display()))
}
