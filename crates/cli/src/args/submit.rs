//! `rayswarm submit`.

use clap::Args as ClapArgs;
use rayswarm_node::local::{OpenJdError, parse_value};
use std::path::PathBuf;

/// `rayswarm submit`.
#[derive(Debug, ClapArgs)]
pub struct SubmitArgs {
    /// A job template (.yaml, .json), or a bundle: a folder with template.yaml
    pub path: PathBuf,
    /// Value of a parameter; repeatable, and before those of the bundle
    #[arg(long = "parameter", short = 'p', value_name = "NAME=VALUE", value_parser = value)]
    pub parameters: Vec<(String, String)>,
    /// Environment template to enter around the job's own environments; repeatable, outermost first
    #[arg(long = "environment", value_name = "FILE")]
    pub environments: Vec<PathBuf>,
    /// Folder for what the commands write [default: the places that the parameters name]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run it in this program, though a daemon runs; nothing of it is kept but what it writes
    #[arg(long)]
    pub local: bool,
    /// Print one JSON object as the last line
    #[arg(long)]
    pub json: bool,
}

fn value(text: &str) -> Result<(String, String), OpenJdError> {
    parse_value(text)
}
