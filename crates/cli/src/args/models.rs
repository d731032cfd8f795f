//! What can be typed after `rayswarm models`.

use super::JsonArgs;
use clap::{Args as ClapArgs, Subcommand};
use rayswarm_node::models::{Colours, Kind, Values};
use std::path::PathBuf;

/// `rayswarm models`.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Look at an ONNX file in the sandbox and keep a copy of it under a name
    Add(ModelArgs),
    /// All that were added
    List(JsonArgs),
    /// Everything about one
    Show(ModelNameArgs),
    /// Remove one; recipes made with it keep their copies
    Remove(ModelNameArgs),
}

/// `rayswarm models add`.
#[derive(Debug, ClapArgs)]
pub struct ModelArgs {
    /// The ONNX file
    pub file: PathBuf,
    /// Name to render it with
    #[arg(long)]
    pub name: String,
    /// What it does: style-transfer, upscale or denoise
    #[arg(long)]
    pub kind: Kind,
    /// Under which licence it may be used, in your own words; shown with the model, and never checked
    #[arg(long, value_name = "TEXT")]
    pub licence: String,
    /// Numbers it takes and gives: 0-1, 0-255 or -1-1 [default: found out by trying the first two]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    pub values: Option<Values>,
    /// Order of its colours: rgb or bgr
    #[arg(long, value_name = "ORDER", default_value = "rgb")]
    pub colours: Colours,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// One model.
#[derive(Debug, ClapArgs)]
pub struct ModelNameArgs {
    /// Its name, the first digits of its hash, or a kind
    pub name: String,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}
