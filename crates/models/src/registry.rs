//! What is kept of a model that somebody has added: how it is called, what it does, how it is spoken to, whose it is.

use crate::recipe::{Colours, Kind, Values};
use serde::{Deserialize, Serialize};

/// An added model. Its file lies beside under its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name it is rendered with.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// What its owner says about its licence.
    pub licence: String,
    /// The numbers it takes and gives.
    pub values: Values,
    /// The order of its colours.
    #[serde(default)]
    pub colours: Colours,
    /// Pixels out for one pixel in, along a side.
    pub scale: u32,
    /// Bytes of its file.
    pub bytes: u64,
    /// BLAKE3 of its file, which is also its file's name.
    pub hash: String,
}

/// Letters of a name at most.
pub const NAME_CHARS_MAX: usize = 60;

/// No model to render with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    /// None of that name, and it is no kind.
    #[error(
        "there is no model {asked:?}; known: {known}. Add one: rayswarm models add FILE.onnx --name {asked} \
         --kind KIND --licence TEXT"
    )]
    Unknown {
        /// What was asked for.
        asked: String,
        /// What there is.
        known: String,
    },
    /// A kind of which there is none.
    #[error(
        "no model for {kind} has been added; add one: rayswarm models add FILE.onnx --name NAME --kind {kind} \
         --licence TEXT"
    )]
    NoneOfKind {
        /// The kind.
        kind: Kind,
    },
}

/// Whether a name can be typed and told apart from a kind.
pub fn is_good_name(name: &str) -> bool {
    let letters = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'));
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && letters
        && !name.starts_with(['.', '-'])
        && name.parse::<Kind>().is_err()
}

/// The model that `asked` names: by its name, by the first digits of its hash, or by a kind, of which the first in
/// order of name is taken.
pub fn find<'a>(entries: &'a [Entry], asked: &str) -> Result<&'a Entry, NoModel> {
    const DIGITS_MIN: usize = 6;
    if let Ok(kind) = asked.parse::<Kind>() {
        let mut of_kind: Vec<&Entry> = entries.iter().filter(|entry| entry.kind == kind).collect();
        of_kind.sort_by(|one, other| one.name.cmp(&other.name));
        return of_kind.first().copied().ok_or(NoModel::NoneOfKind { kind });
    }
    let named = entries.iter().find(|entry| entry.name == asked);
    let hashed = || {
        entries
            .iter()
            .find(|entry| asked.len() >= DIGITS_MIN && entry.hash.starts_with(asked))
    };
    named.or_else(hashed).ok_or_else(|| {
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        NoModel::Unknown {
            asked: asked.into(),
            known: if names.is_empty() {
                "none".into()
            } else {
                names.join(", ")
            },
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(name: &str, kind: Kind, hash: &str) -> Entry {
        Entry {
            name: name.into(),
            kind,
            licence: "ours".into(),
            values: Values::Unit,
            colours: Colours::Rgb,
            scale: 1,
            bytes: 1,
            hash: hash.into(),
        }
    }

    #[test]
    fn a_model_is_found_by_name_by_hash_and_by_kind() {
        let entries = [
            entry("zebra", Kind::Upscale, "aabbccdd"),
            entry("apple", Kind::Upscale, "11223344"),
        ];
        for (asked, name) in [("zebra", "zebra"), ("upscale", "apple"), ("aabbcc", "zebra")] {
            assert_eq!(find(&entries, asked).unwrap().name, name, "{asked}");
        }
        let missing = find(&entries, "denoise").unwrap_err().to_string();
        assert!(
            missing.contains("models add FILE.onnx --name NAME --kind denoise"),
            "{missing}"
        );
        let unknown = find(&entries, "aabb").unwrap_err().to_string();
        assert!(unknown.contains("zebra, apple"), "{unknown}");
    }

    #[test]
    fn names_are_words_that_are_no_kinds() {
        for good in ["mosaic", "real-esr.x4", "a"] {
            assert!(is_good_name(good), "{good}");
        }
        let long = "x".repeat(NAME_CHARS_MAX + 1);
        for bad in ["", "upscale", "../x", ".x", "-x", "a b", &long] {
            assert!(!is_good_name(bad), "{bad}");
        }
    }
}
