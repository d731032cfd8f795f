//! What can be wrong with a network.

use crate::tiling::TooHungry;

/// A file is no network that this program can run.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Larger than any network for pictures.
    #[error("the model has {bytes} bytes, at most {limit} are taken; use a smaller one")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The most taken.
        limit: usize,
    },
    /// Not an ONNX file.
    #[error("the file is no ONNX model ({0}); export the model as ONNX")]
    Unreadable(String),
    /// More operations than any network for pictures.
    #[error("the model has {nodes} operations, at most {limit} are taken; use a smaller one")]
    TooLong {
        /// Its operations.
        nodes: usize,
        /// The most taken.
        limit: usize,
    },
    /// Operations nobody here knows.
    #[error("the model uses operations that are not known here: {0}; export it with opset 11 to 18 and without them")]
    UnknownOperations(String),
    /// Something that is never taken from a stranger, or that makes results unequal.
    #[error("the model {what} ({node}), which is not taken; export it without")]
    Forbidden {
        /// What it does.
        what: &'static str,
        /// Where.
        node: String,
    },
    /// It does not take one picture and give one.
    #[error("the model {0}; one is needed that takes one picture as 1 × 3 × height × width floats and gives one back")]
    Layout(String),
    /// Its result is no picture.
    #[error("the model's result has not the sides of a picture")]
    NoPicture,
    /// A part of it needs the whole picture at once, or more of it than a piece can have.
    #[error(
        "the model cannot be computed in pieces: {operation} ({node}) mixes places that lie far apart, or differs from \
         place to place; use a convolutional model"
    )]
    NotInPieces {
        /// The operation's name in the model.
        node: String,
        /// Its kind.
        operation: String,
    },
    /// Its result is not a whole number of times its input.
    #[error(
        "the model makes {found} pixels of {given}; one is needed whose result is a whole number of times as large"
    )]
    Scale {
        /// Pixels given along a side.
        given: usize,
        /// Pixels that came out.
        found: usize,
    },
    /// Even the smallest piece takes too much memory.
    #[error(transparent)]
    TooHungry(#[from] TooHungry),
    /// What was measured belongs to another network or another version of this program.
    #[error("the numbers measured for {0:?} do not fit the model; measure it again")]
    Statistics(String),
    /// The library that runs networks gave up.
    #[error("the model cannot be run: {0}")]
    Inner(String),
}

/// Of a library's error, no more than this is told.
const INNER_CHARS_MAX: usize = 600;

impl NetworkError {
    pub(super) fn inner(error: impl std::fmt::Debug) -> Self {
        let text = format!("{error:?}").replace('\n', " ");
        Self::Inner(text.chars().take(INNER_CHARS_MAX).collect())
    }
}
