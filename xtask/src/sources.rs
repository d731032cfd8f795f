//! The source files of the repository, as git knows them, and which of their lines are product code.

use anyhow::{Context, Result, bail};
use std::{path::Path, process::Command};

/// What a source file's name ends with. Data, lock files and papers are not sources.
const EXTENSIONS: [&str; 8] = ["rs", "py", "sol", "ts", "tsx", "js", "mjs", "sh"];

/// A source file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the root of the repository, with slashes.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// What its name ends with, without the dot; empty if nothing.
    pub fn extension(&self) -> &str {
        Path::new(&self.path)
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default()
    }

    /// How many lines it has.
    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// Reads every source file that is committed or about to be (untracked and not ignored).
pub fn read(root: &Path) -> Result<Vec<Source>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git; tidy needs it to know which files belong to the repository")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let listing = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files = Vec::new();
    for path in listing.split('\0').filter(|path| is_source(path)) {
        let place = root.join(path);
        // A file may be deleted and not committed yet.
        if place.is_file() {
            let text = std::fs::read_to_string(&place).with_context(|| format!("cannot read {path} as UTF-8"))?;
            files.push(Source {
                path: path.to_owned(),
                text,
            });
        }
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files.dedup_by(|left, right| left.path == right.path);
    Ok(files)
}

fn is_source(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// The numbered lines of a Rust file that are product code: without comments, without items under `#[cfg(test)]`,
/// and none at all of a file of tests. Relies on rustfmt: an item ends at the brace indented as it begins.
pub fn product_lines(file: &Source) -> Vec<(usize, &str)> {
    if ["/tests.rs", "/testing.rs"].iter().any(|end| file.path.ends_with(end)) || file.path.contains("/tests/") {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let mut hidden = Hidden::No;
    for (index, line) in file.text.lines().enumerate() {
        let code = line.split_once(" //").map_or(line, |(code, _)| code);
        let indent = line.len() - line.trim_start().len();
        match hidden {
            Hidden::No if code.trim_start().starts_with("#[cfg(test)]") => hidden = Hidden::Attribute,
            Hidden::No if !line.trim_start().starts_with("//") => lines.push((index + 1, code)),
            Hidden::Attribute if code.trim_start().starts_with("#[") => {}
            Hidden::Attribute if code.trim_end().ends_with([';', '}']) => hidden = Hidden::No,
            Hidden::Attribute => hidden = Hidden::Item { indent },
            Hidden::Item { indent: start } if indent == start && line.trim_start().starts_with('}') => {
                hidden = Hidden::No;
            }
            Hidden::No | Hidden::Item { .. } => {}
        }
    }
    lines
}

/// Where a walk over lines stands with regard to an item that only tests see.
enum Hidden {
    No,
    Attribute,
    Item { indent: usize },
}

#[cfg(test)]
mod tests {
    use super::{Source, is_source, product_lines};

    fn numbers(path: &str, text: &str) -> Vec<usize> {
        let file = Source {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        product_lines(&file).into_iter().map(|(number, _)| number).collect()
    }

    #[test]
    fn papers_and_data_are_not_sources() {
        for (path, expected) in [
            ("crates/a/src/lib.rs", true),
            ("docs/x.md", false),
            ("Cargo.lock", false),
        ] {
            assert_eq!(is_source(path), expected, "{path}");
        }
    }

    #[test]
    fn test_modules_in_line_and_beside_are_hidden() {
        let text = "one\n#[cfg(test)]\nmod tests;\nfour\n#[cfg(test)]\n#[allow(dead_code)]\nmod more {\n    fn eight() {}\n}\nten\n";
        assert_eq!(numbers("crates/a/src/lib.rs", text), [1, 4, 10]);
    }

    #[test]
    fn files_of_tests_have_no_product_lines() {
        assert!(numbers("crates/a/src/tests.rs", "one\n").is_empty());
    }
}
