//! Pictures that are named together by a pattern: `shot.%04d.exr`, `shot.####.exr`.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files that a pattern names, in order; none if it is no pattern or nothing fits.
pub(super) fn files(pattern: &Path) -> Vec<PathBuf> {
    let (Some(name), Some(folder)) = (pattern.file_name().and_then(|name| name.to_str()), pattern.parent()) else {
        return Vec::new();
    };
    let Some((before, after)) = around_number(name) else {
        return Vec::new();
    };
    let fits = |name: &str| {
        let number = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(fits) && entry.path().is_file())
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// What stands before and after the number of a pattern.
fn around_number(name: &str) -> Option<(&str, &str)> {
    if let Some((before, rest)) = name.split_once('%') {
        let after = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        return Some((before, after.strip_prefix('d')?));
    }
    let (before, rest) = name.split_once('#')?;
    Some((before, rest.trim_start_matches('#')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pattern_names_its_files_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "p.0001.exr",
            "p.0002.exr",
            "p.10000.exr",
            "p.x.exr",
            "p..exr",
            "q.0001.exr",
            "p.0001.exr.bak",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let count = |pattern: &str| files(&folder.path().join(pattern)).len();
        assert_eq!((count("p.%04d.exr"), count("p.####.exr"), count("p.%d.exr")), (3, 3, 3));
        assert_eq!((count("p.0001.exr"), count("p.%s.exr"), count("z.%04d.exr")), (0, 0, 0));
        assert_eq!(files(Path::new("/nowhere/%d")).len(), 0);
    }
}
