//! `rayswarm bench`: is the picture exact, is the farm quick, does the node answer.

mod api;
mod exactness;
mod farm;

use crate::{args::BenchCommand, exit::ExitCode};

pub async fn run(command: BenchCommand) -> anyhow::Result<ExitCode> {
    match command {
        BenchCommand::Api(args) => api::run(args).await,
        BenchCommand::Exactness(args) => exactness::run(args).await,
        BenchCommand::Farm(args) => farm::run(args).await,
    }
}
