//! `rayswarm providers`: who this node could ask.

use crate::{args::JsonArgs, daemon, exit::ExitCode, show};
use std::path::Path;

pub async fn run(data_dir: Option<&Path>, args: JsonArgs) -> anyhow::Result<ExitCode> {
    let providers = daemon::client(&daemon::data_dir(data_dir)?)?.providers().await?;
    if args.json {
        show::json(&providers)?;
        return Ok(ExitCode::Success);
    }
    if providers.is_empty() {
        show::line("no providers are known yet; `rayswarm invite` prints a ticket for another machine");
        return Ok(ExitCode::Success);
    }
    let mut table = show::table([
        "provider",
        "engines",
        "threads",
        "WU/s",
        "price per WU-hour",
        "round trip",
        "seen",
        "on chain",
    ]);
    for provider in &providers {
        table.add_row([
            provider.id.chars().take(10).collect(),
            provider.engines.join(", "),
            provider.threads.to_string(),
            format!("{:.2}", provider.wu_per_second),
            show::tokens(provider.price_per_wu_hour),
            provider
                .rtt_ms
                .map_or_else(|| "not measured".into(), |rtt| format!("{rtt:.1} ms")),
            format!("{} ago", show::span(provider.last_seen_s)),
            if provider.registered { "yes" } else { "no" }.into(),
        ]);
    }
    show::line(table);
    Ok(ExitCode::Success)
}
