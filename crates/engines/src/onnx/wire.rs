//! What is said between the adapter and the session process, framed by [`crate::conversation`]
//! (`docs/protocol/session.md`).

use rayswarm_model::{Rect, Resolution};
use rayswarm_models::recipe::Values;
use serde::{Deserialize, Serialize};

/// A request with its number.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) request: Request,
}

/// What a session is asked to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Request {
    /// Read a model and say what it is.
    Examine {
        /// Its path inside.
        model: String,
    },
    /// Say what a recipe is.
    Inspect {
        /// Its path inside.
        scene: String,
    },
    /// Read everything and be ready for tiles.
    Open {
        /// The recipe's path inside.
        scene: String,
        /// The size that the job is for.
        resolution: Resolution,
        /// Cells computed at a time, as far as memory allows.
        threads: u32,
    },
    /// Compute a part of the result.
    Render {
        /// The part.
        rect: Rect,
        /// Where its OpenEXR file goes, inside.
        output: String,
    },
    /// End.
    Quit,
}

/// What a model is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examined {
    /// The numbers it takes and gives, as far as trying tells.
    pub values: Values,
    /// Pixels out for one pixel in, along a side.
    pub scale: u32,
    /// Sizes it takes are multiples of this; pictures are filled up by mirroring.
    pub multiple: u32,
    /// Pixels around a piece that are computed with it and thrown away.
    pub around: u32,
    /// Memory for each pixel computed at a time.
    pub bytes_per_pixel: u64,
    /// How many numbers about the whole picture it uses, which are measured on a thumbnail.
    pub statistics: usize,
}

/// What a recipe is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inspected {
    /// The picture's size.
    pub(super) picture: Resolution,
    /// The result's.
    pub(super) result: Resolution,
    /// Side of a cell in the result.
    pub(super) step: u32,
    /// Whether the picture has transparent places.
    pub(super) alpha: bool,
    /// Memory that computing takes, beside the pictures.
    pub(super) bytes: u64,
    /// How many numbers about the whole picture are measured on a thumbnail.
    pub(super) statistics: usize,
}
