//! Files that nobody here made: below `$RAYSWARM_TESTDATA`, or `../shared` beside the repository. They are never copied
//! into it; tests that want one and do not find it say so on stderr, and pass.

use std::path::{Path, PathBuf};

/// The file or folder `name`, such as `scenes/blender/cubes/cubes.blend`, or `None` after saying that it is not there.
pub fn find(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("RAYSWARM_TESTDATA").map_or(beside, PathBuf::from);
    let file = root.join(name);
    match file.canonicalize() {
        Ok(found) => Some(found),
        Err(_) => {
            eprintln!(
                "skipped: no {}; set RAYSWARM_TESTDATA to the folder that holds {name}",
                file.display()
            );
            None
        }
    }
}
