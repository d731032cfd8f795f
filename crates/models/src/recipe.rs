//! The scene file of an image model: which network, which picture, how strong.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The ending of a recipe's file name.
pub const ENDING: &str = ".recipe.json";
/// The format's version.
pub const VERSION: u32 = 1;
/// A recipe names two files and a few words; a longer one is a mistake.
pub const BYTES_MAX: usize = 64 << 10;

/// `NAME.recipe.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The format's version.
    pub recipe: u32,
    /// The network.
    pub model: Model,
    /// The picture it is given: a PNG, named as a path from the recipe's own folder, or [`BUILT_IN`].
    pub picture: String,
    /// How much of the result is the network's, in percent; the rest is the picture as it was.
    #[serde(default = "all")]
    pub strength: u8,
}

/// A network and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The ONNX file, named as a path from the recipe's own folder, or [`BUILT_IN`].
    pub file: String,
    /// What it does.
    pub kind: Kind,
    /// The numbers it takes and gives; found out by trying where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
    /// The order of its colours.
    #[serde(default)]
    pub colours: Colours,
}

/// Stands in place of a file for what this program makes itself, to measure machines with.
pub const BUILT_IN: &str = "built-in:probe";

/// What a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Paints the picture in another manner.
    StyleTransfer,
    /// Makes it larger.
    Upscale,
    /// Takes noise away.
    Denoise,
}

/// The range of numbers that stands for black to white.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Values {
    /// 0 to 1.
    #[serde(rename = "0-1")]
    Unit,
    /// 0 to 255.
    #[serde(rename = "0-255")]
    Bytes,
    /// -1 to 1.
    #[serde(rename = "-1-1")]
    Signed,
}

/// The order of a network's three channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colours {
    /// Red first.
    #[default]
    Rgb,
    /// Blue first.
    Bgr,
}

/// A recipe cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Longer than any recipe.
    #[error("the recipe has {0} bytes, more than {BYTES_MAX}; is it another file?")]
    TooLong(usize),
    /// Not of the format.
    #[error("the recipe does not read")]
    Unreadable(#[from] serde_json::Error),
    /// Of a later program.
    #[error("the recipe is of version {0}, this program reads {VERSION}; update it")]
    Version(u32),
    /// More than all.
    #[error("the recipe asks for a strength of {0} percent; give 1 to 100")]
    Strength(u8),
    /// A path that leaves the recipe's folder, or means something else elsewhere.
    #[error("the recipe names the file {0:?}; name one by a plain path below the recipe's own folder")]
    Path(String),
}

/// A word is not one of the few it may be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not {what}; known: {known}")]
pub struct UnknownWord {
    found: String,
    what: &'static str,
    known: &'static str,
}

const fn all() -> u8 {
    100
}

impl Recipe {
    /// Reads and checks the text of a recipe.
    pub fn read(text: &[u8]) -> Result<Self, RecipeError> {
        if text.len() > BYTES_MAX {
            return Err(RecipeError::TooLong(text.len()));
        }
        let recipe: Self = serde_json::from_slice(text)?;
        if recipe.recipe != VERSION {
            return Err(RecipeError::Version(recipe.recipe));
        }
        if !(1..=100).contains(&recipe.strength) {
            return Err(RecipeError::Strength(recipe.strength));
        }
        match recipe.files().into_iter().find(|(name, _)| !is_plain(name)) {
            Some((name, _)) => Err(RecipeError::Path(name.to_owned())),
            None => Ok(recipe),
        }
    }

    /// The files it needs and what each is. What the program makes itself is not among them.
    pub fn files(&self) -> Vec<(&str, &'static str)> {
        let named = [(self.model.file.as_str(), "model"), (self.picture.as_str(), "image")];
        named.into_iter().filter(|(name, _)| *name != BUILT_IN).collect()
    }

    /// Its text.
    pub fn write(&self) -> Result<String, RecipeError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

/// Whether a name stays below the folder it is looked up in, on every system.
fn is_plain(name: &str) -> bool {
    !name.contains(['\\', '\0', ':']) && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

impl Values {
    /// The network's number for `value` between 0 (black) and 1 (white).
    pub fn spoken(self, value: f32) -> f32 {
        match self {
            Self::Unit => value,
            Self::Bytes => value * 255.0,
            Self::Signed => value * 2.0 - 1.0,
        }
    }

    /// What a number of the network stands for, cut off at black and white. Not-a-number is black.
    pub fn heard(self, value: f32) -> f32 {
        let unit = match self {
            Self::Unit => value,
            Self::Bytes => value / 255.0,
            Self::Signed => (value + 1.0) / 2.0,
        };
        if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StyleTransfer => "style-transfer",
            Self::Upscale => "upscale",
            Self::Denoise => "denoise",
        })
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "0-1",
            Self::Bytes => "0-255",
            Self::Signed => "-1-1",
        })
    }
}

impl fmt::Display for Colours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
        })
    }
}

impl FromStr for Kind {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::StyleTransfer, Self::Upscale, Self::Denoise];
        one_of(text, &all, "a kind of model", "style-transfer, upscale, denoise")
    }
}

impl FromStr for Values {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Unit, Self::Bytes, Self::Signed];
        one_of(text, &all, "a range of values", "0-1, 0-255, -1-1")
    }
}

impl FromStr for Colours {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        one_of(text, &[Self::Rgb, Self::Bgr], "an order of colours", "rgb, bgr")
    }
}

fn one_of<T: Copy + fmt::Display>(
    text: &str,
    all: &[T],
    what: &'static str,
    known: &'static str,
) -> Result<T, UnknownWord> {
    let found = all.iter().find(|one| one.to_string() == text).copied();
    found.ok_or_else(|| UnknownWord {
        found: text.into(),
        what,
        known,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = r#"{"recipe": 1, "model": {"file": "m.onnx", "kind": "upscale"}, "picture": "in/p.png"}"#;

    #[test]
    fn what_is_left_out_has_its_default() {
        let recipe = Recipe::read(TEXT.as_bytes()).unwrap();
        assert_eq!(recipe.strength, 100);
        assert_eq!((recipe.model.values, recipe.model.colours), (None, Colours::Rgb));
        assert_eq!(recipe.files(), [("m.onnx", "model"), ("in/p.png", "image")]);
        assert_eq!(Recipe::read(recipe.write().unwrap().as_bytes()).unwrap(), recipe);
    }

    #[test]
    fn what_is_no_recipe_is_refused() {
        let cases = [
            ("\"recipe\": 1", "\"recipe\": 2"),
            ("m.onnx", "/etc/passwd"),
            ("m.onnx", "../m.onnx"),
            ("in/p.png", "C:\\\\p.png"),
            ("in/p.png", ""),
            ("\"upscale\"", "\"paint\""),
            ("\"picture\"", "\"strength\": 0, \"picture\""),
            ("\"picture\"", "\"strength\": 101, \"picture\""),
            ("\"picture\"", "\"more\": 1, \"picture\""),
        ];
        for (from, to) in cases {
            let text = TEXT.replace(from, to);
            assert!(Recipe::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Recipe::read(&[b' '; BYTES_MAX + 1]).is_err());
    }

    #[test]
    fn values_go_there_and_back() {
        for values in [Values::Unit, Values::Bytes, Values::Signed] {
            for level in 0_u8..=255 {
                let value = f32::from(level) / 255.0;
                assert!(
                    (values.heard(values.spoken(value)) - value).abs() < 1e-6,
                    "{values} {level}"
                );
            }
            assert!((values.heard(1e9) - 1.0).abs() < 1e-9 && values.heard(-1e9).abs() < 1e-9);
            assert!(values.heard(f32::NAN).abs() < 1e-9);
            assert_eq!(values.to_string().parse(), Ok(values));
        }
    }
}
