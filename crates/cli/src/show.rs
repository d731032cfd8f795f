//! Tables, amounts and spans as people read them.

use comfy_table::{ContentArrangement, Table, presets};
use rayswarm_api::job::{JobKind, JobState, JobSummary};
use rayswarm_model::Amount;
use serde::Serialize;
use std::io::Write;

/// A plain table with a header.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

/// Prints one line to stdout.
pub fn line(text: impl std::fmt::Display) {
    // A reader that has left, as `head` does, is no failure of ours.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints one line to stderr, for what is not the command's result.
pub fn note(text: impl std::fmt::Display) {
    // A terminal that was closed while its command still tidies up is no failure either.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?);
    Ok(())
}

/// `1:02:03`, `4:05` or `7.5 s`.
pub fn span(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "unknown".into();
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{}:{:02}", whole / 60, whole % 60),
        _ => format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60),
    }
}

/// An amount with at most six decimals, as a price tag.
pub fn tokens(amount: Amount) -> String {
    tokens_to(amount, 6)
}

/// An amount with at most so many decimals; what is cut off is shown as `…`.
pub fn tokens_to(amount: Amount, decimals_max: usize) -> String {
    let text = amount.to_string();
    match text.split_once('.') {
        Some((whole, decimals)) if decimals.len() > decimals_max => format!("{whole}.{}…", &decimals[..decimals_max]),
        _ => text,
    }
}

/// Where a job stands, in a word.
pub const fn state(job: &JobSummary) -> &'static str {
    if job.paused && !job.state.is_final() {
        return "paused";
    }
    if matches!((job.kind, job.state), (JobKind::Commands, JobState::Rendering)) {
        return "running";
    }
    job.state.word()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_naturally() {
        assert_eq!(span(7.52), "7.5 s");
        assert_eq!(span(245.0), "4:05");
        assert_eq!(span(3723.0), "1:02:03");
        assert_eq!(span(f64::NAN), "unknown");
    }

    #[test]
    fn amounts_are_cut_not_rounded_up() {
        assert_eq!(tokens(Amount(1_999_999_999_999_999_999)), "1.999999…");
        assert_eq!(tokens(Amount(1_500_000_000_000_000_000)), "1.5");
    }
}
