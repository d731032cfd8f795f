//! Which of the installed engines opens a scene.

use crate::{
    Engine,
    blender::{self, saved},
};
use std::{path::Path, sync::Arc};

/// The engine called `name` for `scene`. A Blender file goes to the oldest series that reads it, because a later one may draw
/// it differently; when none does, to the newest, which refuses it in words. `None` when no such engine is installed.
pub fn engine_for(installed: &[Arc<dyn Engine>], name: &str, scene: &Path) -> Option<Arc<dyn Engine>> {
    let candidates: Vec<_> = installed.iter().filter(|engine| engine.name() == name).collect();
    if name != blender::NAME {
        return candidates.first().map(|engine| Arc::clone(engine));
    }
    let versions: Vec<_> = candidates.iter().map(|engine| engine.version()).collect();
    let place = saved::choose(&versions, saved::saved_by(scene))?;
    candidates.get(place).map(|engine| Arc::clone(engine))
}
