//! One file per command.

mod accept;
mod audit;
mod bench;
mod chain;
mod completions;
mod demo;
mod doctor;
mod engines;
mod follow;
mod inspect;
mod invite;
mod jobs;
mod man;
mod models;
mod providers;
mod render;
mod studio;
mod submit;
mod top;
mod up;
mod validator;
mod wallet;

use crate::{
    args::{Args, Command},
    exit::ExitCode,
};

/// Runs the command that was typed.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let data_dir = args.data_dir.as_deref();
    match args.command {
        Command::Demo(demo) => demo::run(demo).await,
        Command::Up(up) => up::run(data_dir, *up).await,
        Command::Studio(studio) => studio::run(data_dir, studio).await,
        Command::Top => top::run(data_dir).await,
        Command::Invite(json) => invite::run(data_dir, json).await,
        Command::Render(render) => render::run(data_dir, render).await,
        Command::Submit(submit) => submit::run(data_dir, submit).await,
        Command::Jobs { command } => jobs::run(data_dir, command).await,
        Command::Inspect(inspect) => inspect::run(inspect).await,
        Command::Engines { command } => engines::run(command).await,
        Command::Models { command } => models::run(data_dir, command).await,
        // Answered in `main`, before anything is started that a sandbox need not have.
        Command::ModelSession => Ok(ExitCode::Success),
        Command::Doctor(json) => doctor::run(json).await,
        Command::Providers(json) => providers::run(data_dir, json).await,
        Command::Wallet { command } => wallet::run(data_dir, command).await,
        Command::Chain { command } => chain::run(data_dir, command).await,
        Command::Validator { command } => validator::run(data_dir, command).await,
        Command::Audit(args) => audit::run(data_dir, args).await,
        Command::Bench { command } => bench::run(command).await,
        Command::Completions(completions) => completions::run(completions).await,
        Command::Man(man) => man::run(man).await,
    }
}
