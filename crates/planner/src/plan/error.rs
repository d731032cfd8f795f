//! Why a job cannot be planned as asked, each with what to change.

use super::{ASKED_SIDE_MIN, TASKS_MAX};
use rayswarm_model::{Resolution, picture::SIDE_MAX};

/// Why a job cannot be planned as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Inspection refused the scene.
    #[error("{message}; {remedy}")]
    SceneRefused {
        /// What was found.
        message: String,
        /// What to do about it.
        remedy: String,
    },
    /// A side is zero or too long.
    #[error("a picture of {resolution} cannot be rendered; choose sides from 1 to {SIDE_MAX} pixels with --resolution")]
    Resolution {
        /// What was asked.
        resolution: Resolution,
    },
    /// The cost was measured for another size.
    #[error("the cost was measured at {measured}, the job is {asked}; probe again at the job's resolution")]
    CostOfOtherResolution {
        /// The cost map's.
        measured: Resolution,
        /// The job's.
        asked: Resolution,
    },
    /// No samples.
    #[error("0 samples per pixel make no picture; give at least one with --samples")]
    NoSamples,
    /// A grid of zero tiles.
    #[error("a grid of {columns}x{rows} has no tiles; give at least 1x1 with --tiles, or auto")]
    NoTiles {
        /// Tiles across.
        columns: u32,
        /// Tiles down.
        rows: u32,
    },
    /// Tiles of this scene do not equal the whole picture.
    #[error(
        "{columns}x{rows} tiles of this scene would not equal the whole picture ({engine} renders a crop differently here); \
         use --tiles 1x1 or auto, which renders each frame as one task"
    )]
    TilesNotExact {
        /// Tiles across.
        columns: u32,
        /// Tiles down.
        rows: u32,
        /// The engine.
        engine: String,
    },
    /// Tiles would be a few pixels.
    #[error(
        "{columns}x{rows} tiles of a {resolution} picture would be smaller than {ASKED_SIDE_MIN} pixels; ask for fewer tiles"
    )]
    TilesTooSmall {
        /// Tiles across.
        columns: u32,
        /// Tiles down.
        rows: u32,
        /// The picture.
        resolution: Resolution,
    },
    /// Slices of this scene do not add up to the whole.
    #[error(
        "{count} slices would not add up to the whole picture: {reason}; use --slices 1 or auto, and tiles instead"
    )]
    SlicesRefused {
        /// How many were asked.
        count: u32,
        /// Why not.
        reason: String,
    },
    /// More slices than samples, or none.
    #[error("{count} slices cannot share {samples} samples; give a number from 1 to {samples} with --slices, or auto")]
    SliceCount {
        /// How many were asked.
        count: u32,
        /// Samples per pixel.
        samples: u32,
    },
    /// Frames depend on those before them, so nothing can be cut.
    #[error(
        "{what} were asked for, but the frames of this scene must be rendered in order by one session (a simulation is \
         not baked); bake it, or leave {what} at auto"
    )]
    Sequential {
        /// `tiles` or `slices`.
        what: &'static str,
    },
    /// Beyond [`TASKS_MAX`].
    #[error(
        "{frames} frames of {tiles} tiles and {slices} slices are {tasks} tasks; a job may have {TASKS_MAX}: split the \
         frames into several jobs, or ask for fewer tiles"
    )]
    TooManyTasks {
        /// Frames.
        frames: u64,
        /// Tiles of each.
        tiles: u64,
        /// Slices of each tile.
        slices: u64,
        /// Their product.
        tasks: u64,
    },
}
