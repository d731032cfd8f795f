//! Repository chores: `cargo run -p xtask -- tidy` says what breaks the rules of this repository that neither the
//! compiler nor clippy knows.
//!
//! One file per rule. A rule is a pure function from what was read (`workspace`, `sources`) to a list of sentences.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore speaks to a person on a terminal"
)]

mod arrows;
mod headers;
mod markers;
mod purity;
mod roles;
mod sizes;
mod sources;
mod workspace;

use anyhow::{Context, Result, bail};
use std::{path::PathBuf, process::ExitCode};

const USAGE: &str = "\
usage: cargo run -p xtask -- tidy [--tighten]

  tidy            print every violation of the repository's rules; exit code 1 if there is one
  tidy --tighten  first lower the recorded sizes of files that shrank";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy(false),
        ["tidy", "--tighten"] => tidy(true),
        _ => bail!("{USAGE}"),
    }
}

fn tidy(tighten: bool) -> Result<ExitCode> {
    let root = repository_root()?;
    let packages = workspace::read(&root)?;
    let files = sources::read(&root)?;
    let allowances_path = root.join(sizes::ALLOWANCES);
    let recorded = std::fs::read_to_string(&allowances_path)
        .with_context(|| format!("cannot read {}", allowances_path.display()))?;
    let mut allowances = sizes::parse(&recorded)?;
    if tighten {
        allowances = sizes::tighten(&files, &allowances);
        std::fs::write(&allowances_path, sizes::format(&allowances))
            .with_context(|| format!("cannot write {}", allowances_path.display()))?;
    }

    let mut violations = arrows::check(&packages);
    violations.extend(purity::check_dependencies(&packages));
    violations.extend(purity::check_sources(&packages, &files));
    violations.extend(headers::check(&files));
    violations.extend(markers::check(&files));
    violations.extend(sizes::check(&files, &allowances));
    for violation in &violations {
        eprintln!("tidy: {violation}");
    }
    if violations.is_empty() {
        println!(
            "tidy: {} packages and {} source files obey the rules",
            packages.len(),
            files.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("tidy: {} found", violations.len());
    Ok(ExitCode::FAILURE)
}

fn repository_root() -> Result<PathBuf> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .map(PathBuf::from)
        .context("xtask is not inside the repository")
}
