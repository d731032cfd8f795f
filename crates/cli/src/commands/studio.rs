//! `rayswarm studio`: a token for a browser, and the browser.

use crate::{args::StudioArgs, daemon, exit::ExitCode, show};
use rayswarm_api::{
    Time,
    access::{MadeToken, NewToken, Scope},
};
use serde::Serialize;
use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::process::Command;

/// What the studio may do: everything but name files of this machine, which a browser has no business with.
const SCOPES: [Scope; 5] = [Scope::Read, Scope::Jobs, Scope::Spend, Scope::Node, Scope::Tokens];
/// How long a browser stays signed in.
const EXPIRES_IN: Duration = Duration::from_secs(30 * 86_400);
/// How long to listen for the browser's refusal. Some starters end at once, others with the browser.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(2);

/// What `rayswarm studio --json` prints.
#[derive(Serialize)]
struct Opened {
    /// Where the studio is, the token included.
    url: String,
    /// The token's id, by which it can be withdrawn.
    token_id: String,
    expires_at: Option<Time>,
}

pub async fn run(data_dir: Option<&Path>, args: StudioArgs) -> anyhow::Result<ExitCode> {
    let data_dir = daemon::data_dir(data_dir)?;
    let client = daemon::client(&data_dir)?;
    let made = client.make_token(&wanted_token()).await?;
    let url = with_token(&daemon::address(&data_dir)?, &made.token);
    if args.json {
        show::json(&opened(&url, &made))?;
    } else {
        show::line(&url);
        show::note("the address holds a token: whoever has it can spend from this node's wallet for 30 days");
    }
    if !args.no_browser && has_display(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        open(&url).await;
    }
    Ok(ExitCode::Success)
}

fn wanted_token() -> NewToken {
    NewToken {
        name: "studio".into(),
        scopes: SCOPES.to_vec(),
        expires_in_s: Some(EXPIRES_IN.as_secs()),
    }
}

fn opened(url: &str, made: &MadeToken) -> Opened {
    Opened {
        url: url.into(),
        token_id: made.view.id.clone(),
        expires_at: made.view.expires_at,
    }
}

/// The studio's address. What follows `#` stays in the browser: it is sent to nobody and logged nowhere.
fn with_token(address: &str, token: &str) -> String {
    format!("{address}/#token={token}")
}

/// Whether there is a screen that a browser could appear on.
fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().any(is_set)
}

/// Opens the browser, or says that this has to be done by hand.
async fn open(url: &str) {
    if let Err(why) = try_to_open(url).await {
        show::note(format_args!("no browser was opened ({why}); open the address by hand"));
    }
}

async fn try_to_open(url: &str) -> Result<(), String> {
    let mut command = Command::new("xdg-open");
    command
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // Its own process group: Ctrl-C in this terminal does not close the browser.
    command.process_group(0);
    let mut browser = command.spawn().map_err(|error| format!("xdg-open: {error}"))?;
    match tokio::time::timeout(REFUSAL_PATIENCE, browser.wait()).await {
        Ok(Ok(status)) => judge(status),
        Ok(Err(error)) => Err(format!("xdg-open: {error}")),
        // Still there: the browser itself runs below it.
        Err(_) => Ok(()),
    }
}

fn judge(status: ExitStatus) -> Result<(), String> {
    if status.success() {
        return Ok(());
    }
    Err(format!("xdg-open ended with {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_for_a_month_and_names_no_files() {
        let wanted = wanted_token();
        assert_eq!(wanted.expires_in_s, Some(2_592_000));
        assert!(!wanted.scopes.contains(&Scope::Paths));
        assert_eq!(wanted.scopes.len(), Scope::ALL.len() - 1);
    }

    #[test]
    fn the_token_stands_behind_the_fragment_sign() {
        let url = with_token("http://127.0.0.1:3000", "rsw_ab12");
        assert_eq!(url, "http://127.0.0.1:3000/#token=rsw_ab12");
    }

    #[test]
    fn a_screen_is_one_of_two() {
        assert!(has_display(|name| name == "DISPLAY"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY"));
        assert!(!has_display(|_| false));
    }
}
