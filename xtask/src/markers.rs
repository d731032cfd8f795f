//! No notes to ourselves in the source: what is not done is an issue, and what is done needs no marker.

use crate::sources::Source;

/// Put together so that this file does not accuse itself.
const MARKERS: [&str; 4] = [
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
];

/// One sentence per marker.
pub fn check(files: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(marker) = marker_in(line) {
                violations.push(format!(
                    "{}:{} has a {marker}; do it now, or file an issue and delete the note",
                    file.path,
                    index + 1
                ));
            }
        }
    }
    violations
}

fn marker_in(line: &str) -> Option<&'static str> {
    let words = || line.split(|character: char| !character.is_alphanumeric() && character != '_');
    MARKERS.into_iter().find(|marker| words().any(|word| word == *marker))
}

#[cfg(test)]
mod tests {
    use super::{MARKERS, check};
    use crate::sources::Source;

    fn violations(text: String) -> usize {
        check(&[Source {
            path: "a.rs".to_owned(),
            text,
        }])
        .len()
    }

    #[test]
    fn markers_are_found_and_longer_words_are_not() {
        for marker in MARKERS {
            assert_eq!(violations(format!("// {marker}: later\n")), 1);
            assert_eq!(violations(format!("// {marker}(name) later\n")), 1);
            assert_eq!(violations(format!("let MY_{marker}_LIST = 1;\n")), 0);
        }
    }
}
