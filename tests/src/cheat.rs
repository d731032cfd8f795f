//! A renderer that cheats, for providers that do.

use crate::Farm;
use anyhow::Context;
use std::{path::Path, process::Command};

/// An engine store whose Blender renders the film with another seed. The probe scene by which nodes know one another's
/// comparison class it renders as any other does.
///
/// # Errors
/// When the engine cannot be copied.
pub fn other_noise(farm: &Farm, store: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(store)?;
    let copied = Command::new("cp").arg("-al").arg(farm.engine()).arg(store).status()?;
    // Another file system has no hard links to it.
    if !copied.success() {
        let copied = Command::new("cp").arg("-a").arg(farm.engine()).arg(store).status()?;
        anyhow::ensure!(copied.success(), "the engine cannot be copied");
    }
    let engine = store.join(farm.engine().file_name().context("the engine has a name")?);
    let startup = engine.join("lib/python3.11/site-packages/bpy/4.5/scripts/startup");
    let cheat = "import bpy\n\
        from bpy.app.handlers import persistent\n\
        @persistent\n\
        def other_noise(scene, *_):\n    \
            if bpy.data.filepath.endswith('animation.blend'):\n        \
                scene.cycles.seed += 1\n\
        def register():\n    \
            bpy.app.handlers.render_init.append(other_noise)\n";
    Ok(std::fs::write(startup.join("other_noise.py"), cheat)?)
}
