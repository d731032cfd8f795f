//! What can be typed. Every argument's help says what it does, in what unit, and its default.

mod bench;
mod chain;
mod choices;
mod manual;
mod models;
mod parse;
mod submit;

pub use bench::{ApiArgs, BenchCommand, ChainArgs, ExactnessArgs, FarmArgs, GasArgs, NodeArgs};
pub use chain::{
    ChainCommand, ConsensusArg, ExportArgs, ImportArgs, InitArgs, KeepArgs, RunArgs, ServerArgs, StandingArgs,
    ValidatorCommand,
};
pub use choices::{DeviceArg, FormatArg};
pub use manual::{CompletionsArgs, ManArgs};
pub use models::{ModelArgs, ModelNameArgs, ModelsCommand};
pub use parse::{match_job, peer_text};
pub use submit::SubmitArgs;

use clap::{Args as ClapArgs, Parser, Subcommand};
use parse::{parse_option, parse_resolution, parse_slices, parse_tiles};
use rayswarm_api::job::{ResolutionChoice, SliceChoice, TileChoice};
use rayswarm_model::{Address, Amount, Bytes, Frames, units::parse_span};
use rayswarm_node::config::Contracts;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// Rendering on everyone's computers: the exact picture your own machine would have made, checked and paid for.
#[derive(Debug, Parser)]
#[command(name = "rayswarm", version, after_help = crate::exit::HELP, max_term_width = 110)]
pub struct Args {
    /// Folder for keys, journal, chain and caches [default: ~/.local/share/rayswarm/node]
    #[arg(long, global = true, env = "RAYSWARM_DATA", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a chain, providers and a requestor on this machine, render, pay, stop
    Demo(DemoArgs),
    /// Run the node: requestor, and provider with --provide
    Up(Box<UpArgs>),
    /// Open the web studio of the running node in a browser, signed in for 30 days
    Studio(StudioArgs),
    /// Watch jobs and providers in this terminal; pause, resume and cancel
    Top,
    /// Print a ticket with which another machine joins: `rayswarm up --join TICKET`
    Invite(JsonArgs),
    /// Quote a scene, ask, render it on the network, write the files
    Render(RenderArgs),
    /// Run the commands of an Open Job Description template or bundle on this machine's node
    Submit(SubmitArgs),
    /// Follow, pause, cancel, retry and explain jobs
    Jobs {
        /// What about them.
        #[command(subcommand)]
        command: JobsCommand,
    },
    /// Recompute from the chain and the published documents what a job paid to whom and why; differences exit with 1
    Audit(AuditArgs),
    /// Say what a scene is, what it needs, and what will not work
    Inspect(InspectArgs),
    /// List, install and remove renderers
    Engines {
        /// What about them.
        #[command(subcommand)]
        command: EnginesCommand,
    },
    /// Add, list and remove image models: networks that make a picture from a picture
    Models {
        /// What about them.
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Run one image model for a node, inside its sandbox
    #[command(hide = true)]
    ModelSession,
    /// Check this machine and print the command that mends what is missing
    Doctor(JsonArgs),
    /// List the providers this node knows
    Providers(JsonArgs),
    /// Show balances, or get test money on a development chain
    Wallet {
        /// What about it.
        #[command(subcommand)]
        command: WalletCommand,
    },
    /// Make a chain, keep it with other nodes, and look at it
    Chain {
        /// What about it.
        #[command(subcommand)]
        command: ChainCommand,
    },
    /// Stake coins, vote, and claim rewards on a chain by pos or dpos, for this data folder's account
    Validator {
        /// What about it.
        #[command(subcommand)]
        command: ValidatorCommand,
    },
    /// Measure exactness and speed
    Bench {
        /// What to measure.
        #[command(subcommand)]
        command: BenchCommand,
    },
    /// Print a script that lets a shell complete commands and options
    Completions(CompletionsArgs),
    /// Write a manual page for each command into a folder
    #[command(hide = true)]
    Man(ManArgs),
}

/// `--json` alone.
#[derive(Debug, ClapArgs)]
pub struct JsonArgs {
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm audit`.
#[derive(Debug, ClapArgs)]
pub struct AuditArgs {
    /// The job's id, or how it begins if the node knows it
    #[arg(value_name = "JOB")]
    pub job: String,
    /// Folder of the published documents of caps [default: that of the node's own job]
    #[arg(long, value_name = "DIR")]
    pub documents: Option<PathBuf>,
    /// First block to read events from
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub from_block: u64,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm demo`.
#[derive(Debug, ClapArgs)]
pub struct DemoArgs {
    /// Scene to render [default: a small scene of our own]
    #[arg(long, value_name = "FILE")]
    pub scene: Option<PathBuf>,
    /// Provider processes to start
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub providers: u32,
    /// How the demo's chain agrees on blocks; the requestor's node makes them all
    #[arg(long, value_enum, default_value = "solo")]
    pub consensus: ConsensusArg,
    /// Folder for the finished pictures
    #[arg(long, default_value = "rayswarm-demo", value_name = "DIR")]
    pub out: PathBuf,
    /// How to render.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm up`.
#[derive(Debug, ClapArgs)]
pub struct UpArgs {
    /// Render for others (engines run at nice 19, sandboxed)
    #[arg(long)]
    pub provide: bool,
    /// Threads per render session [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<u32>,
    /// Memory one session may use [default: 12G]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Bytes>,
    /// Disk the asset cache may use [default: 50G]
    #[arg(long, value_name = "SIZE")]
    pub cache_size: Option<Bytes>,
    /// Price in tokens per WU-hour; 0 on a private farm [default: 1]
    #[arg(long, value_name = "TOKENS")]
    pub price: Option<Amount>,
    /// Verified tasks without a voucher, after which no more work is done for a requestor [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub unpaid_tasks: Option<u64>,
    /// What to keep at stake, in tokens: jurors are drawn by it, and some jobs want it; 0 takes it out
    /// [default: as it is]
    #[arg(long, value_name = "TOKENS")]
    pub stake: Option<Amount>,
    /// Judge quarrels about claims when drawn by stake, for a fee
    #[arg(long)]
    pub judge: bool,
    /// How long providers of this node's jobs can still redeem and claim after the end [default: 2m; 2s on the embedded chain]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub exit_window: Option<Duration>,
    /// How long their caps stay in force after others were published [default: 1m; 1s on the embedded chain]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub notice: Option<Duration>,
    /// How long this node can reject their claims [default: 24h; 1m on the embedded chain]
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    pub challenge_window: Option<Duration>,
    /// What they must have at stake to claim what this node does not pay, in tokens [default: 0]
    #[arg(long, value_name = "TOKENS")]
    pub claim_stake: Option<Amount>,
    /// HTTP address, for this machine only [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Let other machines use the HTTP API and the studio at this address, encrypted and with a token
    #[arg(long, value_name = "ADDR")]
    pub https: Option<SocketAddr>,
    /// Certificate chain for --https, a PEM file [default: one that the node makes and signs itself]
    #[arg(long, value_name = "FILE", requires = "tls_key", requires = "https")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Name under which other machines reach --https; repeatable
    #[arg(long = "http-name", value_name = "NAME")]
    pub http_names: Vec<String>,
    /// Host from which POST /render may fetch pictures though it is in a private network, or this machine; repeatable
    #[arg(long, value_name = "HOST[:PORT]")]
    pub fetch_allow: Vec<String>,
    /// What programs of this machine may spend with POST /render without a token, in tokens within 24 hours; 0 has them
    /// need one [default: 1]
    #[arg(long, value_name = "AMOUNT")]
    pub render_cap: Option<Amount>,
    /// Use this Ethereum JSON-RPC instead of the embedded development chain
    #[arg(long, value_name = "URL")]
    pub rpc: Option<String>,
    /// Address of the embedded chain's JSON-RPC [default: 127.0.0.1, any free port]
    #[arg(long, value_name = "ADDR")]
    pub rpc_listen: Option<SocketAddr>,
    /// Keep the chain of this genesis file with other nodes, as `rayswarm chain init` writes it [default: the chain in the
    /// data folder, or a new one of this node's own]
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// How it is kept.
    #[command(flatten)]
    pub keep: KeepArgs,
    /// Look for blocks with this many threads, on a chain by proof of work
    #[arg(long, value_name = "THREADS")]
    pub mine: Option<usize>,
    /// Settle with these contracts; the token may be any ERC-20 with 18 decimals [default: on a development chain, new
    /// ones at the first start]
    #[arg(long, value_name = "REGISTRY,ESCROW,TOKEN")]
    pub contracts: Option<Contracts>,
    /// Deploy contracts, and a token that anyone may mint, though --rpc is no development chain
    #[arg(long)]
    pub deploy: bool,
    /// With --deploy: settings of the contracts by chain id, in the shape of contracts/addresses.json [default: those that
    /// come with this version]
    #[arg(long, value_name = "FILE", requires = "deploy")]
    pub deploy_book: Option<PathBuf>,
    /// Blocks after which one is taken to stay, on a chain that does not say which are final [default: 64]
    #[arg(long, value_name = "N")]
    pub confirmations: Option<u64>,
    /// Join the network and chain of this ticket
    #[arg(long, value_name = "TICKET")]
    pub join: Option<String>,
    /// Address the peer-to-peer endpoint listens on, UDP; a provider also takes the port after it; repeatable
    /// [default: every interface, any free port]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<SocketAddr>,
    /// Relay for peers that no direct path reaches [default: none]
    #[arg(long, value_name = "URL")]
    pub relay: Option<String>,
    /// Device to render on
    #[arg(long, value_enum, default_value_t = DeviceArg::Cpu)]
    pub device: DeviceArg,
    /// Account of another node of yours: jobs of commands are shared with it; repeatable
    #[arg(long = "own-account", value_name = "ADDRESS")]
    pub own_accounts: Vec<Address>,
    /// Run commands of anybody's jobs, in the sandbox and for nothing
    #[arg(long)]
    pub commands_from_all: bool,
    /// Stop when standard input closes: how a command that starts a daemon takes it along, however it ends itself
    #[arg(long, hide = true)]
    pub with_parent: bool,
    /// Stop by itself when no job was unfinished for this long
    #[arg(long, hide = true, value_name = "SPAN", value_parser = parse_span)]
    pub until_idle: Option<Duration>,
}

/// `rayswarm studio`.
#[derive(Debug, ClapArgs)]
pub struct StudioArgs {
    /// Print the address and open nothing
    #[arg(long)]
    pub no_browser: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// How a picture is to be rendered; shared by render and demo.
#[derive(Debug, Clone, ClapArgs)]
pub struct PictureArgs {
    /// Frames: 7, 1-48 or 1,5,9-20x2 [default: the file's range]
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true)]
    pub frames: Option<Frames>,
    /// Picture size: 1920x1080 or 50% [default: the file's]
    #[arg(long, value_name = "SIZE", value_parser = parse_resolution)]
    pub resolution: Option<ResolutionChoice>,
    /// Samples per pixel [default: the file's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: Option<u32>,
    /// Tiles per frame: 4x3 (columns x rows) or auto
    #[arg(long, default_value = "auto", value_name = "CxR", value_parser = parse_tiles)]
    pub tiles: TileChoice,
    /// Sample slices per tile, or auto
    #[arg(long, default_value = "auto", value_name = "N", value_parser = parse_slices)]
    pub slices: SliceChoice,
    /// Format of the finished files [default: the file's]
    #[arg(long, value_enum)]
    pub format: Option<FormatArg>,
    /// Render with this engine though the file asks for another: cycles
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// A file or folder outside the scene's folder that may travel to providers; repeatable
    #[arg(long, value_name = "PATH")]
    pub include: Vec<PathBuf>,
    /// A missing file that is accepted, as the scene names it; repeatable
    #[arg(long, value_name = "NAME")]
    pub allow_missing: Vec<String>,
    /// Engine option, for example declare=fp=0 (POV-Ray); repeatable
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = parse_option)]
    pub options: Vec<(String, String)>,
    /// Also keep the merged raw pictures (OpenEXR)
    #[arg(long)]
    pub keep_raw: bool,
}

/// `rayswarm render`.
#[derive(Debug, ClapArgs)]
pub struct RenderArgs {
    /// The scene file (.blend, .pov or .recipe.json), or a PNG picture with --model
    pub file: PathBuf,
    /// Give the picture to this image model: a name of `rayswarm models list`, or style-transfer, upscale or denoise
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Percent of the result that are the model's; the rest is the picture as it was
    #[arg(long, value_name = "PERCENT", default_value_t = 100, requires = "model")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=100))]
    pub strength: u8,
    /// How to render.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// Folder for the finished files [default: beside the scene]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The most the job may cost, in tokens [default: the quote's upper price]
    #[arg(long, value_name = "AMOUNT")]
    pub budget: Option<Amount>,
    /// Time within which the job must be settled
    #[arg(long, default_value = "24h", value_name = "SPAN", value_parser = parse_span)]
    pub deadline: Duration,
    /// Do not ask before spending
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Leave out frames whose finished file exists
    #[arg(long)]
    pub skip_existing: bool,
    /// Device that providers must render on
    #[arg(long, value_enum, default_value_t = DeviceArg::Cpu)]
    pub device: DeviceArg,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm inspect`.
#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    /// The scene file (.blend, .pov or .recipe.json)
    pub file: PathBuf,
    /// Look at it as rendered with this engine: cycles
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// A file or folder outside the scene's folder that may be read; repeatable
    #[arg(long, value_name = "PATH")]
    pub include: Vec<PathBuf>,
    /// A missing file that is accepted, as the scene names it; repeatable
    #[arg(long, value_name = "NAME")]
    pub allow_missing: Vec<String>,
    /// Engine option, for example declare=fp=0 (POV-Ray); repeatable
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = parse_option)]
    pub options: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm jobs`.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// All jobs, newest first
    List(JsonArgs),
    /// Everything about one job
    Show(JobArgs),
    /// Follow a job; one that waits for your answer shows its quote and asks
    Attach(FollowArgs),
    /// Give out nothing new of a job; what is being rendered is finished
    Pause(JobArgs),
    /// Let a paused job go on
    Resume(JobArgs),
    /// End a job early: finished work is paid, the rest comes back
    Cancel(JobArgs),
    /// Quote what a failed or cancelled job left open, ask, render it
    Retry(FollowArgs),
    /// Say why each task went where it went
    Explain(JobArgs),
}

/// One job.
#[derive(Debug, ClapArgs)]
pub struct JobArgs {
    /// Job id, or its first digits
    pub id: String,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// One job that is followed to its end.
#[derive(Debug, ClapArgs)]
pub struct FollowArgs {
    /// Which.
    #[command(flatten)]
    pub job: JobArgs,
    /// Do not ask before spending
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// `rayswarm engines`.
#[derive(Debug, Subcommand)]
pub enum EnginesCommand {
    /// What is installed and what can be
    List(JsonArgs),
    /// Install one: blender or blender-4.5.15
    Install(EngineArgs),
    /// Remove one: blender-4.5.15
    Remove(EngineArgs),
}

/// One engine.
#[derive(Debug, ClapArgs)]
pub struct EngineArgs {
    /// Its name, with or without a version.
    pub name: String,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm wallet`.
#[derive(Debug, Subcommand)]
pub enum WalletCommand {
    /// Balances and addresses
    Show(JsonArgs),
    /// Test money, on the development chain only
    Faucet(JsonArgs),
}

impl Args {
    /// The log filter when `RAYSWARM_LOG` is not set: a daemon tells what it does, a command only what went wrong.
    pub const fn default_log(&self) -> &'static str {
        match self.command {
            Command::Up(_)
            | Command::Chain {
                command: ChainCommand::Run(_),
            } => "warn,rayswarm=info,rayswarm_node=info",
            _ => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
