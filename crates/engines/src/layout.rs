//! Where a scene's files lie inside a session, and which files of this machine may go there at all.
//!
//! While a scene is inspected its whole path lies under [`SCENE_ROOT`], so that `//../` finds what it means wherever that
//! is. For rendering only the part below the deepest folder that holds the scene and everything it names by relative
//! paths is kept: strangers need not learn where an artist keeps their work. Files named by absolute paths lie at that
//! same path in both.

use crate::engine::SceneFile;
use rayswarm_model::{
    DependencyState, SceneFacts,
    manifest::{SCENE_ROOT, check_path},
};
use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// How Blender marks a path relative to the file that names it.
const RELATIVE: &str = "//";

/// `path` made absolute, with `.` and `..` resolved by text alone, as renderers do it: links are not followed.
pub fn lexical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// Where a file of this machine lies while its scene is inspected.
pub fn inspection_path(host: &Path) -> String {
    format!("{SCENE_ROOT}{}", host.display())
}

/// The file of this machine behind a path inside an inspection, if there can be one.
pub fn host_path(inside: &str) -> Option<PathBuf> {
    let host = match inside.strip_prefix(SCENE_ROOT) {
        Some(rest) if rest.starts_with('/') => rest,
        _ => inside,
    };
    // A Windows path is not absolute here and stands for nothing on this machine.
    host.starts_with('/').then(|| lexical(Path::new(host)))
}

/// What may travel with a scene: its own folder and what `--include` names. Links are followed before asking, and files
/// or folders whose name starts with a dot need to be named, since a scene may lie in a home folder.
#[derive(Clone, Debug)]
pub struct Consent {
    scene_folder: PathBuf,
    include: Vec<PathBuf>,
}

impl Consent {
    /// For the scene at `scene`.
    pub fn new(scene: &Path, include: &[PathBuf]) -> Self {
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| lexical(path));
        let scene_folder = real(lexical(scene).parent().unwrap_or(Path::new("/")));
        Self { scene_folder, include: include.iter().map(|path| real(path)).collect() }
    }

    /// Whether `host` may be read by the scene. False for what is not there.
    pub fn covers(&self, host: &Path) -> bool {
        let Ok(real) = fs::canonicalize(host) else { return false };
        if self.include.iter().any(|included| real.starts_with(included)) {
            return true;
        }
        let hidden = |part: Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
        real.strip_prefix(&self.scene_folder).is_ok_and(|below| !below.components().any(hidden))
    }
}

/// The deepest folder that holds the scene and every found file it names by a relative path.
fn base(scene: &Path, facts: &SceneFacts) -> PathBuf {
    let mut base = scene.parent().unwrap_or(Path::new("/")).to_owned();
    for dependency in facts.dependencies_in(DependencyState::Found) {
        let Some(path) = dependency.path.as_deref().filter(|_| dependency.reference.starts_with(RELATIVE)) else {
            continue;
        };
        while !path.starts_with(&base) && base.pop() {}
    }
    base
}

/// Every file a session of this scene needs, the scene itself first, and where each lies inside. Folders are taken apart
/// into their files, so that each can be hashed. Files whose place inside would be reserved are left out.
pub fn session_paths(scene: &Path, facts: &SceneFacts) -> Vec<SceneFile> {
    let scene = lexical(scene);
    let base = base(&scene, facts);
    let below = |path: &Path| {
        let rest = path.strip_prefix(&base).unwrap_or(path);
        format!("{SCENE_ROOT}/{}", rest.display().to_string().trim_start_matches('/'))
    };
    let mut files = vec![SceneFile { inside: below(&scene), host: scene }];
    for dependency in facts.dependencies_in(DependencyState::Found) {
        let Some(path) = &dependency.path else { continue };
        let relative = dependency.reference.starts_with(RELATIVE);
        for host in files_below(path) {
            let inside = if relative { below(&host) } else { host.display().to_string() };
            if check_path(&inside).is_ok() {
                files.push(SceneFile { host, inside });
            }
        }
    }
    if let Some((_scene, rest)) = files.split_first_mut() {
        rest.sort_by(|one, other| one.inside.cmp(&other.inside));
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.inside.clone()));
    files
}

/// `path` itself when it is a file, else every file below it, in order. Links inside folders are not followed.
fn files_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_inside_an_inspection_lead_back() {
        let host = Path::new("/home/a/project/shots/s.blend");
        assert_eq!(inspection_path(host), "/scene/home/a/project/shots/s.blend");
        assert_eq!(host_path("/scene/home/a/project/above.png").unwrap(), Path::new("/home/a/project/above.png"));
        assert_eq!(host_path("/data/far.png").unwrap(), Path::new("/data/far.png"));
        assert_eq!(host_path("/scenery/x.png").unwrap(), Path::new("/scenery/x.png"));
        assert_eq!(host_path("C:\\art\\wood.png"), None);
    }

    #[test]
    fn dots_are_resolved_by_text() {
        assert_eq!(lexical(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(lexical(Path::new("/../../etc")), Path::new("/etc"));
    }

    #[test]
    fn only_the_scene_s_folder_and_what_was_included_is_covered() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for (path, text) in
            [("project/s.blend", ""), ("project/t.png", ""), ("project/.ssh/id", ""), ("secret", ""), ("far/f.png", "")]
        {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        std::os::unix::fs::symlink(root.join("secret"), root.join("project/link.png")).unwrap();
        let consent = Consent::new(&root.join("project/s.blend"), &[root.join("far")]);
        assert!(consent.covers(&root.join("project/t.png")));
        assert!(consent.covers(&root.join("far/f.png")));
        for outside in ["secret", "project/link.png", "project/.ssh/id", "project/gone.png"] {
            assert!(!consent.covers(&root.join(outside)), "{outside}");
        }
    }
}
