//! `rayswarm chain run`: a node that keeps a chain, until Ctrl-C. A second Ctrl-C stops at once.

use crate::{
    args::{RunArgs, peer_text},
    daemon::{self, STOP_PATIENCE},
    exit::ExitCode,
    interrupt::{Interrupt, after, parent_gone},
    show,
};
use anyhow::bail;
use rayswarm_node::{
    chain::{ChainSpec, Intensity},
    keeper::{Keeper, KeeperConfig, PeerAddr},
};
use std::path::Path;

/// What is said at the end by a node whose chain could not go on.
pub const CHAIN_FAILED: &str = "the chain has stopped by its own fault; its log says why";

/// Why a node stops.
enum End {
    /// Somebody wants it to.
    Asked,
    /// Nobody is left to want anything.
    Orphaned,
    /// It cannot go on.
    Failed,
}

pub async fn run(data_dir: Option<&Path>, args: RunArgs) -> anyhow::Result<ExitCode> {
    let mut interrupt = Interrupt::listen()?;
    let parent_gone = parent_gone(args.with_parent);
    tokio::pin!(parent_gone);
    let config = config(data_dir, args)?;
    let keeper = tokio::select! {
        keeper = Keeper::start(config) => keeper?,
        () = interrupt.received() => return Ok(ExitCode::Interrupted),
        () = &mut parent_gone => return Ok(ExitCode::Interrupted),
    };
    greet(&keeper);
    let end = tokio::select! {
        () = interrupt.received() => {
            show::note("stopping; Ctrl-C again stops at once");
            End::Asked
        }
        () = &mut parent_gone => {
            show::note("the command that started this node has ended; stopping");
            End::Orphaned
        }
        () = keeper.chain().stopped() => End::Failed,
    };
    let patience = match end {
        End::Asked => None,
        End::Orphaned | End::Failed => Some(STOP_PATIENCE),
    };
    let stopped = tokio::select! {
        () = keeper.stop() => ExitCode::Success,
        () = interrupt.received() => ExitCode::Interrupted,
        () = after(patience) => ExitCode::Interrupted,
    };
    if matches!(end, End::Failed) {
        bail!(CHAIN_FAILED);
    }
    Ok(stopped)
}

/// What others, wallets and scripts need to know.
fn greet(keeper: &Keeper) {
    let chain = keeper.chain();
    show::line(format_args!("chain     {} {}", chain.chain_id(), chain.genesis_hash()));
    show::line(format_args!("rpc       {}", chain.rpc_url()));
    show::line(format_args!("account   {}", keeper.account()));
    show_peer(&keeper.address());
    show::line("stop with Ctrl-C; others join with --peer and the line above");
}

/// How others find a node.
pub fn show_peer(address: &PeerAddr) {
    match peer_text(address) {
        Some(peer) => show::line(format_args!("peer      {peer}")),
        None => {
            show::note("no address of this node is known yet; name one with --listen, so that others can be given it")
        }
    }
}

fn config(data_dir: Option<&Path>, args: RunArgs) -> anyhow::Result<KeeperConfig> {
    let percent = args.mine_percent;
    Ok(KeeperConfig {
        data_dir: daemon::data_dir(data_dir)?,
        spec: args.genesis.as_deref().map(ChainSpec::read).transpose()?,
        listen: args.listen,
        rpc_bind: args.rpc_listen,
        keeping: args.keep.keeping(),
        peers: args.keep.peers,
        validate: args.validate,
        mining: args.mine.map(|threads| Intensity {
            threads: threads.into(),
            percent,
        }),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::args::{Args, ChainCommand, Command};
    use clap::Parser;
    use rayswarm_node::chain::Keeping;

    fn typed(options: &str) -> KeeperConfig {
        let line = format!("rayswarm chain run {options}");
        let Command::Chain {
            command: ChainCommand::Run(args),
        } = Args::parse_from(line.split_whitespace()).command
        else {
            panic!("not run")
        };
        config(Some(Path::new("d")), args).unwrap()
    }

    #[test]
    fn what_is_printed_for_others_can_be_typed_by_them() {
        let printed = format!("{}@127.0.0.1:7000,10.0.0.1:7000", "0b".repeat(32));
        let config = typed(&format!("--peer {printed}"));
        assert_eq!(peer_text(&config.peers[0]).unwrap(), printed);
        let nowhere = PeerAddr {
            sockets: Vec::new(),
            ..config.peers[0].clone()
        };
        assert_eq!(peer_text(&nowhere), None);
    }

    #[test]
    fn a_node_only_follows_unless_it_is_told_more() {
        let follower = typed("");
        assert!(!follower.validate && follower.mining.is_none());
        let keeping = Keeping {
            archive: Some(false),
            ..Keeping::default()
        };
        assert_eq!(follower.keeping, keeping);
        let miner = typed("--mine 3 --mine-percent 20 --rpc-listen 127.0.0.1:0")
            .mining
            .unwrap();
        assert_eq!((miner.threads, miner.percent), (3, 20));
    }
}
