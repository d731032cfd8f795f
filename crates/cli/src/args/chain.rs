//! What can be typed after `rayswarm chain` and `rayswarm validator`.

use super::{
    JsonArgs,
    parse::{parse_account_coins, parse_block_time, parse_peer, parse_percent},
};
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use rayswarm_model::{Address, Amount};
use rayswarm_node::{
    chain::{Checkpoint, ConsensusKind, Keeping, client::DEFAULT_RPC},
    keeper::PeerAddr,
};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Where JSON-RPC of a kept chain is unless it is said: the port that wallets and tools look at.
const RPC_LISTEN: &str = "127.0.0.1:8545";

/// `rayswarm chain`.
#[derive(Debug, Subcommand)]
pub enum ChainCommand {
    /// Make a new chain: its consensus, first validators and coins, in a readable file
    Init(InitArgs),
    /// Keep a chain with other nodes until Ctrl-C: follow it, vote or mine, serve JSON-RPC
    Run(RunArgs),
    /// Show where a chain stands, as its JSON-RPC tells
    Status(ServerArgs),
    /// Write the final blocks of this data folder's chain to a file; the chain must not be running
    Export(ExportArgs),
    /// Read blocks of a file into this data folder's chain, checking each as if a peer had sent it; the chain must not be
    /// running
    Import(ImportArgs),
}

/// `--consensus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConsensusArg {
    /// One node seals, whenever a transaction comes: for development
    Solo,
    /// Proof of work: whoever finds a nonce makes a block
    Pow,
    /// Proof of stake: who stakes votes, and two thirds make a block final
    Pos,
    /// Delegated proof of stake: holders of coins elect who votes
    Dpos,
}

impl From<ConsensusArg> for ConsensusKind {
    fn from(consensus: ConsensusArg) -> Self {
        match consensus {
            ConsensusArg::Solo => Self::Solo,
            ConsensusArg::Pow => Self::Pow,
            ConsensusArg::Pos => Self::Pos,
            ConsensusArg::Dpos => Self::Dpos,
        }
    }
}

/// `rayswarm chain init`.
#[derive(Debug, ClapArgs)]
pub struct InitArgs {
    /// How nodes agree on blocks
    #[arg(long, value_enum)]
    pub consensus: ConsensusArg,
    /// Who votes first by pos and dpos, with what at stake in coins: ACCOUNT or ACCOUNT=COINS, 1000 coins if not said;
    /// separated by commas [default: this data folder's account]
    #[arg(long, value_name = "ACCOUNT[=COINS]", value_delimiter = ',', value_parser = parse_account_coins)]
    pub validators: Vec<(Address, Option<Amount>)>,
    /// EIP-155 chain id. What an account signs for one chain holds on every other with the same id, so no two should share one
    /// [default: 21075 for solo, a new one for the others]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub chain_id: Option<u64>,
    /// How far apart blocks are: 2s, 500ms; whole seconds by pow [default: 1s by pos and dpos, 15s by pow]
    #[arg(long, value_name = "SPAN", value_parser = parse_block_time)]
    pub block_time: Option<Duration>,
    /// Blocks after which validators may change, by pos and dpos [default: 600]
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub epoch: Option<u64>,
    /// The most validators by pos, or how many delegates are elected by dpos [default: 21]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=100))]
    pub seats: Option<u16>,
    /// Who has coins from the start, beside stakes: ACCOUNT=COINS, separated by commas. Each first validator that is not
    /// among them has 10, to pay fees with
    #[arg(long, value_name = "ACCOUNT=COINS", value_delimiter = ',', value_parser = parse_account_coins)]
    pub coins: Vec<(Address, Option<Amount>)>,
    /// Let anybody have coins for nothing, so that they are worth nothing: for trying things out
    #[arg(long)]
    pub faucet: bool,
    /// File for the chain [default: chain/genesis.json in the data folder]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm chain run`.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// The chain's file, as `rayswarm chain init` makes it [default: that of the data folder]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// What is kept of it.
    #[command(flatten)]
    pub keep: KeepArgs,
    /// Address where other nodes reach this one, UDP; repeatable [default: every interface, any free port]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Vec<SocketAddr>,
    /// Address of the chain's JSON-RPC; port 0 takes any free one
    #[arg(long, value_name = "IP:PORT", default_value = RPC_LISTEN)]
    pub rpc_listen: SocketAddr,
    /// Vote while this data folder's account is a validator, by pos and dpos. One account must vote on one machine only:
    /// two that vote apart lose the stake
    #[arg(long, conflicts_with = "mine")]
    pub validate: bool,
    /// Look for blocks on so many threads, by pow; coins go to this data folder's account
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub mine: Option<u16>,
    /// Percent of the time that each of these threads works
    #[arg(long, value_name = "PERCENT", default_value_t = 50, requires = "mine")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=100))]
    pub mine_percent: u8,
    /// Stop when standard input closes: how a command that starts a node takes it along, however it ends itself
    #[arg(long, hide = true)]
    pub with_parent: bool,
}

/// What a node that keeps a chain with others begins with, and what it keeps.
#[derive(Debug, ClapArgs)]
pub struct KeepArgs {
    /// A node of the chain to begin with, as its `rayswarm chain run` prints it; repeatable, and others are found through it
    #[arg(long = "peer", value_name = "NODE@IP:PORT", value_parser = parse_peer)]
    pub peers: Vec<PeerAddr>,
    /// Final blocks whose transactions and receipts JSON-RPC still shows; the blocks themselves stay [default: all]
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u64).range(1..))]
    pub history: Option<u64>,
    /// Keep the state after every final block from now on, so that JSON-RPC answers questions about old ones; a start
    /// without it drops them [default: at most the last 256, of those since the start]
    #[arg(long, conflicts_with = "history")]
    pub archive: bool,
    /// A block that must be on the chain, from somebody you trust: what a node that joins is given of another chain, however
    /// heavy or well signed, is refused. Height and hash, as `rayswarm chain status` shows them
    #[arg(long, value_name = "HEIGHT:HASH")]
    pub checkpoint: Option<Checkpoint>,
}

impl KeepArgs {
    /// What is kept.
    pub const fn keeping(&self) -> Keeping {
        Keeping {
            history: self.history,
            archive: Some(self.archive),
            checkpoint: self.checkpoint,
        }
    }
}

/// `rayswarm chain export`.
#[derive(Debug, ClapArgs)]
pub struct ExportArgs {
    /// The file, which must not exist
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm chain import`.
#[derive(Debug, ClapArgs)]
pub struct ImportArgs {
    /// A file that `rayswarm chain export` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The chain's file, where the data folder has no chain yet [default: that of the data folder]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Which server of a chain, and how its answer is printed.
#[derive(Debug, ClapArgs)]
pub struct ServerArgs {
    /// The chain's JSON-RPC
    #[arg(long, value_name = "URL", default_value = DEFAULT_RPC)]
    pub rpc: String,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm validator`.
#[derive(Debug, Subcommand)]
pub enum ValidatorCommand {
    /// Print this data folder's account, and make it if there is none; needs no chain
    Account(JsonArgs),
    /// Show who votes, who stands for the next sets, and where an account stands
    Status(StandingArgs),
    /// Put more coins at stake; by pos this makes the account a candidate
    Stake(CoinsArgs),
    /// Start the way out for coins at stake
    Unstake(CoinsArgs),
    /// Fetch all coins whose way out is over
    Withdraw(ServerArgs),
    /// Fetch the rewards
    Claim(ServerArgs),
    /// Stand for the next set again after a jail for absence
    Unjail(ServerArgs),
    /// Become a delegate with coins at stake (dpos)
    Register(RegisterArgs),
    /// Change what a delegate keeps of its voters' rewards (dpos): less at once, more from the epoch after the next
    Commission(CommissionArgs),
    /// Lock coins to vote with (dpos)
    Lock(CoinsArgs),
    /// Start the way out for locked coins that vote for nobody (dpos)
    Unlock(CoinsArgs),
    /// Give votes to a delegate, one a coin, of locked coins (dpos)
    Vote(VoteArgs),
    /// Take votes back (dpos)
    Unvote(VoteArgs),
}

/// `rayswarm validator status`.
#[derive(Debug, ClapArgs)]
pub struct StandingArgs {
    /// Whose standing [default: this data folder's account]
    #[arg(long, value_name = "ADDRESS")]
    pub account: Option<Address>,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// An amount.
#[derive(Debug, ClapArgs)]
pub struct CoinsArgs {
    /// How many, in coins: 2.5
    #[arg(value_name = "COINS")]
    pub coins: Amount,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `rayswarm validator register`.
#[derive(Debug, ClapArgs)]
pub struct RegisterArgs {
    /// What to put at stake, in coins
    #[arg(value_name = "COINS")]
    pub coins: Amount,
    /// What to keep of voters' rewards, in percent with at most two decimals: 5, 2.5
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent)]
    pub commission: u16,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `rayswarm validator commission`.
#[derive(Debug, ClapArgs)]
pub struct CommissionArgs {
    /// What to keep of voters' rewards, in percent with at most two decimals: 5, 2.5
    #[arg(value_name = "PERCENT", value_parser = parse_percent)]
    pub commission: u16,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

/// `rayswarm validator vote` and `unvote`.
#[derive(Debug, ClapArgs)]
pub struct VoteArgs {
    /// The delegate's account
    #[arg(value_name = "DELEGATE")]
    pub delegate: Address,
    /// How many votes, in coins: 2.5
    #[arg(value_name = "COINS")]
    pub coins: Amount,
    /// Which server.
    #[command(flatten)]
    pub server: ServerArgs,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use crate::args::{Args, Command};

    use super::*;
    use clap::Parser;

    const ACCOUNT: &str = "0x0101010101010101010101010101010101010101";

    fn typed(line: &str) -> Result<Command, clap::Error> {
        let words = line.replace("ACCOUNT", ACCOUNT);
        Args::try_parse_from(words.split_whitespace()).map(|args| args.command)
    }

    #[test]
    fn a_chain_of_four_validators_can_be_typed() {
        let line = "rayswarm chain init --consensus pos --validators ACCOUNT=2.5,ACCOUNT --coins ACCOUNT=7 \
                    --block-time 500ms --epoch 20 --seats 4 --chain-id 99 --faucet";
        let Ok(Command::Chain {
            command: ChainCommand::Init(init),
        }) = typed(line)
        else {
            panic!("not init")
        };
        let stakes: Vec<_> = init
            .validators
            .iter()
            .map(|(_, coins)| coins.map(|coins| coins.to_string()))
            .collect();
        assert_eq!(stakes, [Some("2.5".to_owned()), None]);
        assert_eq!(init.coins[0].1.unwrap().to_string(), "7");
        assert_eq!((init.epoch, init.seats, init.chain_id), (Some(20), Some(4), Some(99)));
        assert_eq!(init.block_time, Some(Duration::from_millis(500)));
        assert!(init.faucet && init.out.is_none());
    }

    #[test]
    fn what_no_chain_could_be_is_refused() {
        for wrong in [
            "rayswarm chain init",
            "rayswarm chain init --consensus poa",
            "rayswarm chain init --consensus pos --seats 1",
            "rayswarm chain init --consensus pos --epoch 0",
            "rayswarm chain init --consensus pos --block-time 0s",
            "rayswarm chain init --consensus pos --validators 0x01",
            "rayswarm chain run --mine 0",
            "rayswarm chain run --mine-percent 50",
            "rayswarm chain run --mine 1 --validate",
            "rayswarm chain run --peer 127.0.0.1:7000",
        ] {
            assert!(typed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_node_of_a_chain_can_be_typed() {
        let node = "ab".repeat(32);
        let line = format!("rayswarm chain run --peer {node}@127.0.0.1:7000 --listen 127.0.0.1:7001 --mine 2");
        let Ok(Command::Chain {
            command: ChainCommand::Run(run),
        }) = typed(&line)
        else {
            panic!("not run")
        };
        assert_eq!(run.keep.peers[0].node.to_string(), node);
        assert_eq!((run.mine, run.mine_percent), (Some(2), 50));
        assert_eq!(run.rpc_listen.to_string(), RPC_LISTEN);
    }

    #[test]
    fn what_an_account_does_can_be_typed() {
        let Ok(Command::Validator { command }) = typed("rayswarm validator register 1000 --commission 2.5") else {
            panic!("not register")
        };
        let ValidatorCommand::Register(register) = command else {
            panic!("not register")
        };
        assert_eq!(
            (register.commission, register.coins.to_string().as_str()),
            (250, "1000")
        );
        assert_eq!(register.server.rpc, DEFAULT_RPC);
        let Ok(Command::Validator {
            command: ValidatorCommand::Vote(vote),
        }) = typed("rayswarm validator vote ACCOUNT 0.5 --rpc http://127.0.0.1:1 --json")
        else {
            panic!("not vote")
        };
        assert_eq!(vote.delegate.to_string(), ACCOUNT);
        assert!(vote.server.json && vote.server.rpc.ends_with(":1"));
        assert!(typed("rayswarm validator stake").is_err());
        assert!(typed("rayswarm validator commission 100.1").is_err());
    }
}
