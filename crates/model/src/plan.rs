//! The task graph of a job: one render step whose tasks are frame × tile × slice.

use crate::{
    frames::Frames,
    ids::TaskId,
    picture::{Rect, Slice},
    settings::RenderSettings,
    units::Work,
};
use serde::{Deserialize, Serialize};

/// The plan a quote was made for. The keccak-256 of its canonical encoding goes into the escrow, so the same hash means
/// the same tasks and prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The engine adapter: `blender`, `povray`.
    pub engine: String,
    /// Its exact version; providers with another are not asked.
    pub engine_version: String,
    /// Settings that change pixels.
    pub settings: RenderSettings,
    /// Frames, ascending.
    pub frames: Frames,
    /// The tiles each frame is cut into, row by row from the top left. They cover the picture without overlap.
    pub tiles: Vec<Rect>,
    /// Padding rendered around each tile and cut off again.
    pub tile_padding: u32,
    /// The sample slices each tile is cut into, in sample order.
    pub slices: Vec<Slice>,
    /// Whether all frames must be rendered in order by one session.
    pub sequential: bool,
    /// All tasks; `tasks[i].id == TaskId(i)`.
    pub tasks: Vec<TaskSpec>,
}

/// The smallest unit scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Its place in the plan.
    pub id: TaskId,
    /// Frame number.
    pub frame: i32,
    /// Pixels to deliver.
    pub tile: Rect,
    /// Samples to take.
    pub slice: Slice,
    /// Estimated work; what is paid for it.
    pub work: Work,
}

impl Plan {
    /// The task with `id`, if the plan has it.
    pub fn task(&self, id: TaskId) -> Option<&TaskSpec> {
        usize::try_from(id.0).ok().and_then(|index| self.tasks.get(index))
    }

    /// The tasks of one frame, in tile and then slice order.
    pub fn tasks_of(&self, frame: i32) -> impl Iterator<Item = &TaskSpec> {
        self.tasks.iter().filter(move |task| task.frame == frame)
    }

    /// Estimated work in all.
    pub fn total_work(&self) -> Work {
        self.tasks.iter().map(|task| task.work).sum()
    }
}
