//! What can be typed to have the program described: to a shell, and in manual pages.

use clap::Args as ClapArgs;
use clap_complete::Shell;
use std::path::PathBuf;

/// `rayswarm completions`.
#[derive(Debug, ClapArgs)]
pub struct CompletionsArgs {
    /// The shell that is to complete commands and options
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// `rayswarm man`.
#[derive(Debug, ClapArgs)]
pub struct ManArgs {
    /// Folder for the pages; it is made if it is not there
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}
