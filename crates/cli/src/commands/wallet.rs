//! `rayswarm wallet`: balances, addresses, test money.

use crate::{args::WalletCommand, daemon, exit::ExitCode, show};
use std::path::Path;

pub async fn run(data_dir: Option<&Path>, command: WalletCommand) -> anyhow::Result<ExitCode> {
    let client = daemon::client(&daemon::data_dir(data_dir)?)?;
    let (wallet, json) = match command {
        WalletCommand::Show(args) => (client.wallet().await?, args.json),
        WalletCommand::Faucet(args) => (client.faucet().await?, args.json),
    };
    if json {
        show::json(&wallet)?;
        return Ok(ExitCode::Success);
    }
    show::line(format_args!("account   {}", wallet.account));
    show::line(format_args!(
        "balance   {} tokens, {} native coin for fees",
        wallet.tokens, wallet.native
    ));
    show::line(format_args!("chain     {} at {}", wallet.chain_id, wallet.rpc));
    show::line(format_args!(
        "contracts token {}\n          escrow {}\n          registry {}",
        wallet.token, wallet.escrow, wallet.registry
    ));
    Ok(ExitCode::Success)
}
