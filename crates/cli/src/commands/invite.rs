//! `rayswarm invite`: the ticket with which another machine joins.

use crate::{args::JsonArgs, daemon, exit::ExitCode, show};
use std::path::Path;

pub async fn run(data_dir: Option<&Path>, args: JsonArgs) -> anyhow::Result<ExitCode> {
    let invite = daemon::client(&daemon::data_dir(data_dir)?)?.invite().await?;
    if args.json {
        show::json(&invite)?;
    } else {
        show::line(&invite.ticket);
        show::note("on the other machine: rayswarm up --provide --join TICKET");
    }
    Ok(ExitCode::Success)
}
