//! Scenes that nobody here made: below `$RAYSWARM_TESTDATA/scenes`, or `../shared/scenes` beside the repository. They are
//! never copied into it; tests that want one and do not find it say so on stderr, and pass.

use std::path::{Path, PathBuf};

/// The scene `name`, such as `blender/cubes/cubes.blend`, or `None` after saying that it is not there.
pub fn scene(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("RAYSWARM_TESTDATA").map_or(beside, PathBuf::from);
    let scene = root.join("scenes").join(name);
    match scene.canonicalize() {
        Ok(found) => Some(found),
        Err(_) => {
            eprintln!(
                "skipped: no {}; set RAYSWARM_TESTDATA to the folder that holds scenes/{name}",
                scene.display()
            );
            None
        }
    }
}
