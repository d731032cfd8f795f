//! `rayswarm doctor`: what is here, what is missing, the command or step that mends it.

use crate::{args::JsonArgs, exit::ExitCode, show};
use rayswarm_node::local::{
    Store,
    doctor::{self, CheckState},
};

pub async fn run(args: JsonArgs) -> anyhow::Result<ExitCode> {
    let checks = doctor::checks(&Store::open_default()?);
    let healthy = checks.iter().all(|check| check.state == CheckState::Ok);
    let code = if healthy { ExitCode::Success } else { ExitCode::Missing };
    if args.json {
        show::json(&checks)?;
        return Ok(code);
    }
    for check in &checks {
        let word = match check.state {
            CheckState::Ok => "ok",
            CheckState::Missing => "MISSING",
            CheckState::Broken => "BROKEN",
        };
        show::line(format_args!("{word:8} {}: {}", check.name, check.detail));
        if let Some(remedy) = &check.remedy {
            show::line(format_args!("         {remedy}"));
        }
    }
    Ok(code)
}
