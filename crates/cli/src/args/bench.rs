//! What can be typed after `rayswarm bench`.

use super::parse::{parse_block_time, parse_option, parse_resolution};
use clap::{Args as ClapArgs, Subcommand};
use rayswarm_api::job::ResolutionChoice;
use rayswarm_model::Frames;
use std::{path::PathBuf, time::Duration};

/// `rayswarm bench`.
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Compare merged tiles and slices with one session's picture, bit for bit
    Exactness(ExactnessArgs),
    /// Compare plain Blender, one process per task, and Rayswarm, side by side
    Farm(FarmArgs),
    /// Settle a job of 1,000 tasks and 20 providers in each way, and count the gas
    Gas(GasArgs),
    /// Measure what a provider's offer says of this machine: WU a second by every renderer, and what that earns
    Node(NodeArgs),
    /// Ask a node with 1,000 jobs from many connections at once: reads, events, memory, and what rendering loses
    Api(ApiArgs),
    /// Send transfers to a chain of one and of four validators, and to anvil: how many a second, how soon final
    Chain(ChainArgs),
}

/// `rayswarm bench exactness`.
#[derive(Debug, ClapArgs)]
pub struct ExactnessArgs {
    /// The scene files
    #[arg(required = true, value_name = "SCENE")]
    pub scenes: Vec<PathBuf>,
    /// Frames to compare [default: the file's first, and one a second of film later]
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true)]
    pub frames: Option<Frames>,
    /// Longest side of the picture in pixels
    #[arg(long, default_value_t = 96, value_name = "PIXELS")]
    pub side: u32,
    /// Samples per pixel
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub samples: u32,
    /// Render with this engine though the file asks for another: cycles
    #[arg(long, value_name = "NAME")]
    pub engine: Option<String>,
    /// Engine option; repeatable
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = parse_option)]
    pub options: Vec<(String, String)>,
    /// A missing file that is accepted, as the scene names it; repeatable
    #[arg(long, value_name = "NAME")]
    pub allow_missing: Vec<String>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm bench farm`.
#[derive(Debug, ClapArgs)]
pub struct FarmArgs {
    /// The scene file
    pub scene: PathBuf,
    /// Frames to render
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true)]
    pub frames: Frames,
    /// Picture size [default: the file's]
    #[arg(long, value_name = "SIZE", value_parser = parse_resolution)]
    pub resolution: Option<ResolutionChoice>,
    /// Samples per pixel [default: the file's]
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// Rounds; the median counts
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Leave out one process per frame, the slowest way
    #[arg(long)]
    pub skip_per_frame: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm bench gas`.
#[derive(Debug, ClapArgs)]
pub struct GasArgs {
    /// Measure on this development chain (anvil, Hardhat), whose well-known first account pays [default: an embedded chain
    /// of its own]
    #[arg(long, value_name = "URL")]
    pub rpc: Option<String>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm bench node`.
#[derive(Debug, ClapArgs)]
pub struct NodeArgs {
    /// Threads that a session gets, as `rayswarm up --threads` says [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    /// Times that each probe is rendered; the median counts
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm bench api`.
#[derive(Debug, ClapArgs)]
pub struct ApiArgs {
    /// Jobs in the node's list, one of which has 10,000 tasks
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub jobs: u32,
    /// Connections that read
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub connections: u32,
    /// Seconds for which each kind of read is measured, without a pause and with one
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,
    /// Clients of the event stream
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub listeners: u32,
    /// Minutes for which all kinds of reads, listeners and changes go on at once, while the memory is watched
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub minutes: u32,
    /// Scene of the job that is rendered with and without open studios [default: a small scene of our own]
    #[arg(long, value_name = "FILE")]
    pub scene: Option<PathBuf>,
    /// Samples per pixel of that job
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub samples: u32,
    /// Times that it is rendered both ways; the median counts
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Leave out rendering; no renderer is needed then
    #[arg(long)]
    pub skip_rendering: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `rayswarm bench chain`.
#[derive(Debug, ClapArgs)]
pub struct ChainArgs {
    /// The most transfers that are sent to each chain at full load
    #[arg(long, default_value_t = 30_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub transfers: u64,
    /// Seconds for which transfers are sent at full load, and then at half of what the chain took
    #[arg(long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// Validators of each chain by proof of stake, separated by commas; all run on this machine
    #[arg(long, default_value = "1,4", value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=21))]
    pub validators: Vec<u16>,
    /// How far apart their blocks are at least: 250ms, 1s
    #[arg(long, default_value = "250ms", value_name = "SPAN", value_parser = parse_block_time)]
    pub block_time: Duration,
    /// The anvil to compare with [default: the one on PATH, or among a checkout's npm packages; without one nothing is
    /// compared]
    #[arg(long, value_name = "PROGRAM", env = "RAYSWARM_ANVIL")]
    pub anvil: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}
