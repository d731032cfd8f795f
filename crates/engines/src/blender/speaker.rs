//! Who speaks from a Blender session, and in which words it refuses.

use super::NAME;
use crate::conversation::Speaker;

/// A Blender session.
pub(super) const SPEAKER: Speaker = Speaker {
    engine: NAME,
    codes: &CODES,
};

/// The session's words for what it refuses (`engines/blender`), as words of this program.
const CODES: [&str; 13] = [
    "not_found",
    "not_a_blend",
    "truncated",
    "newer_file",
    "unreadable",
    "renderer",
    "no_camera",
    "no_device",
    "missing_files",
    "not_open",
    "unknown_op",
    "format",
    "finish_failed",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_the_session_refuses_with_is_known() {
        let sources = concat!(
            include_str!("../../../../engines/blender/header.py"),
            include_str!("../../../../engines/blender/load.py"),
            include_str!("../../../../engines/blender/settings.py"),
            include_str!("../../../../engines/blender/session.py"),
            include_str!("../../../../engines/blender/tile.py"),
            include_str!("../../../../engines/blender/finish.py"),
            include_str!("../../../../engines/blender/formats.py"),
        );
        let words: Vec<_> = sources
            .split("Refused(")
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
            .filter(|(_, rest)| !rest[..rest.find("\n\n").unwrap_or(rest.len())].contains("\"transient\""))
            .map(|(word, _)| word)
            .collect();
        assert!(words.len() > 8, "{words:?}");
        for word in words {
            assert!(SPEAKER.codes.contains(&word), "{word}");
        }
    }
}
