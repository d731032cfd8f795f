//! x
use crate::{args::FarmArgs, exit::ExitCode};
pub async fn run(_args: FarmArgs) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::Success)
}
