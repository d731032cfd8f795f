//! Files stay small: 500 lines, or what `xtask/file-sizes.txt` records for a file, which may only go down.

use crate::sources::Source;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Where larger files are recorded, one `path lines` a line.
pub const ALLOWANCES: &str = "xtask/file-sizes.txt";

/// Lines a file may have without being recorded: about what one reads in a sitting.
const LINES_MAX: usize = 500;

/// How files begin that a program wrote and nobody reads.
const MADE: &str = "// Made by ";

const HEADING: &str = "\
# Files that are longer than 500 lines, and how long they may be. Numbers only go down:
# `cargo run -p xtask -- tidy --tighten` lowers them after a file was split.
";

/// Recorded sizes by path.
pub type Allowances = BTreeMap<String, usize>;

/// Reads the record.
pub fn parse(text: &str) -> Result<Allowances> {
    let entries = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    entries
        .map(|line| {
            let (path, lines) = line
                .rsplit_once(' ')
                .with_context(|| format!("{ALLOWANCES}: no size in {line:?}"))?;
            let lines = lines
                .parse()
                .with_context(|| format!("{ALLOWANCES}: {lines:?} is not a number of lines"))?;
            Ok((path.trim().to_owned(), lines))
        })
        .collect()
}

/// Writes the record.
pub fn format(allowances: &Allowances) -> String {
    let mut text = HEADING.to_owned();
    for (path, lines) in allowances {
        text.push_str(&format!("{path} {lines}\n"));
    }
    text
}

/// The record after files shrank: never a new entry, never a larger number.
pub fn tighten(files: &[Source], allowances: &Allowances) -> Allowances {
    let sizes: BTreeMap<&str, usize> = files.iter().map(|file| (file.path.as_str(), file.lines())).collect();
    let lowered = allowances.iter().filter_map(|(path, allowed)| {
        let lines = *sizes.get(path.as_str())?;
        (lines > LINES_MAX).then(|| (path.clone(), lines.min(*allowed)))
    });
    lowered.collect()
}

/// One sentence per file that is too long, and per entry that is no longer needed.
pub fn check(files: &[Source], allowances: &Allowances) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !file.text.starts_with(MADE)) {
        let lines = file.lines();
        let allowed = allowances.get(&file.path).copied().unwrap_or(LINES_MAX);
        if lines > allowed {
            violations.push(format!(
                "{} has {lines} lines, {allowed} are allowed; split it by what it is about",
                file.path
            ));
        }
    }
    for path in allowances.keys() {
        if !files.iter().any(|file| file.path == *path && file.lines() > LINES_MAX) {
            violations.push(format!(
                "{ALLOWANCES} still allows {path} to be long, which it is not; run `cargo run -p xtask -- tidy --tighten`"
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{Allowances, check, format, parse, tighten};
    use crate::sources::Source;

    fn file(lines: usize) -> Source {
        Source {
            path: "a.rs".to_owned(),
            text: "line\n".repeat(lines),
        }
    }

    fn allowing(lines: usize) -> Allowances {
        Allowances::from([("a.rs".to_owned(), lines)])
    }

    #[test]
    fn files_that_a_program_wrote_may_be_long() {
        let mut made = file(501);
        made.text.insert_str(0, "// Made by `npm run generate`.\n");
        assert!(check(&[made], &Allowances::new()).is_empty());
    }

    #[test]
    fn long_files_need_an_entry_and_entries_need_long_files() {
        for (lines, allowances, expected) in [
            (500, Allowances::new(), 0),
            (501, Allowances::new(), 1),
            (600, allowing(600), 0),
            (601, allowing(600), 1),
            (599, allowing(600), 0),
            (500, allowing(600), 1),
        ] {
            assert_eq!(
                check(&[file(lines)], &allowances).len(),
                expected,
                "{lines} lines, {allowances:?}"
            );
        }
    }

    #[test]
    fn tightening_only_lowers() {
        assert_eq!(tighten(&[file(550)], &allowing(600)), allowing(550));
        assert_eq!(tighten(&[file(650)], &allowing(600)), allowing(600));
        assert_eq!(tighten(&[file(400)], &allowing(600)), Allowances::new());
        assert_eq!(tighten(&[], &allowing(600)), Allowances::new());
        assert_eq!(tighten(&[file(650)], &Allowances::new()), Allowances::new());
    }

    #[test]
    fn the_record_reads_back_what_it_writes() {
        assert_eq!(parse(&format(&allowing(600))).unwrap(), allowing(600));
        assert!(parse("a.rs").is_err());
        assert!(parse("a.rs many").is_err());
    }
}
