//! `rayswarm chain`: a chain made, kept with other nodes, looked at, written to a file and read from one.

pub mod init;
mod keep;

pub use keep::{CHAIN_FAILED, show_peer};

use crate::{
    args::{ChainCommand, ExportArgs, ImportArgs, ServerArgs},
    daemon,
    exit::ExitCode,
    show,
};
use anyhow::Context;
use rayswarm_node::{
    chain::{
        ChainSpec,
        client::{self, ChainStatus},
        transfer::{self, Transferred},
    },
    clock,
};
use serde::Serialize;
use std::path::Path;

pub async fn run(data_dir: Option<&Path>, command: ChainCommand) -> anyhow::Result<ExitCode> {
    match command {
        ChainCommand::Init(args) => init::run(data_dir, args),
        ChainCommand::Run(args) => keep::run(data_dir, args).await,
        ChainCommand::Status(args) => status(args).await,
        ChainCommand::Export(args) => export(data_dir, args).await,
        ChainCommand::Import(args) => import(data_dir, args).await,
    }
}

async fn status(args: ServerArgs) -> anyhow::Result<ExitCode> {
    let status = client::chain_status(&args.rpc).await?;
    if args.json {
        show::json(&status)?;
    } else {
        print_status(&args.rpc, &status);
    }
    Ok(ExitCode::Success)
}

fn print_status(rpc: &str, status: &ChainStatus) {
    let head = &status.head;
    let number = |number: Option<u64>| number.map_or_else(|| "unknown".into(), |number| number.to_string());
    let age = clock::now().since(head.at);
    show::line(format_args!("chain      {} {}", status.chain_id, status.genesis));
    show::line(format_args!("consensus  {}", status.consensus.unwrap_or("unknown")));
    show::line(format_args!(
        "head       {} {}, {} ago",
        head.number,
        head.hash,
        show::span(age.as_secs_f64())
    ));
    show::line(format_args!("safe       {}", number(status.safe)));
    show::line(format_args!("finalized  {}", number(status.finalized)));
    if let Some(checkpoint) = &status.checkpoint {
        show::line(format_args!("checkpoint {checkpoint}"));
    }
    show::line(format_args!("peers      {}", number(status.peers)));
    show::line(format_args!("waiting    {} transactions", number(status.waiting)));
    let base_fee = head
        .base_fee_wei
        .map_or_else(|| "unknown".into(), |fee| format!("{fee} wei"));
    show::line(format_args!(
        "gas        at most {} a block, base fee {base_fee}",
        head.gas_limit
    ));
    if let Some(difficulty) = head.difficulty {
        show::line(format_args!("work       about {difficulty} hashes a block"));
    }
    show::line(format_args!("rpc        {rpc}, {}", status.client));
}

/// What was written or read, for scripts.
#[derive(Serialize)]
struct Report {
    genesis: String,
    blocks: u64,
    known: u64,
    finalized: u64,
}

impl From<Transferred> for Report {
    fn from(transferred: Transferred) -> Self {
        Self {
            genesis: transferred.genesis.to_string(),
            blocks: transferred.blocks,
            known: transferred.known,
            finalized: transferred.finalized,
        }
    }
}

async fn export(data_dir: Option<&Path>, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let folder = daemon::data_dir(data_dir)?;
    let file = args.file.clone();
    let writing = tokio::task::spawn_blocking(move || transfer::export(&folder, &file));
    let written = writing.await.context("writing the chain was broken off")??;
    if args.json {
        show::json(&Report::from(written))?;
    } else {
        show::line(format_args!(
            "{} final blocks of chain {} are in {}",
            written.blocks,
            written.genesis,
            args.file.display()
        ));
    }
    Ok(ExitCode::Success)
}

async fn import(data_dir: Option<&Path>, args: ImportArgs) -> anyhow::Result<ExitCode> {
    let folder = daemon::data_dir(data_dir)?;
    let spec = args.genesis.as_deref().map(ChainSpec::read).transpose()?;
    let file = args.file.clone();
    let reading = tokio::task::spawn_blocking(move || transfer::import(&folder, spec, &file));
    let read = reading.await.context("reading the chain was broken off")??;
    if args.json {
        show::json(&Report::from(read))?;
    } else {
        show::line(format_args!(
            "{} blocks of chain {} were taken in, {} were there; final up to block {}",
            read.blocks, read.genesis, read.known, read.finalized
        ));
    }
    Ok(ExitCode::Success)
}
