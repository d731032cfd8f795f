//! Where a scene's files lie inside a session, and which files of this machine may go there at all.
//!
//! While a scene is inspected its whole path lies under [`SCENE_ROOT`], so that `//../` finds what it means wherever that
//! is. For rendering only the part below the deepest folder that holds the scene and everything it names by relative
//! paths is kept: strangers need not learn where an artist keeps their work. Files named by absolute paths lie at that
//! same path in both.
//!
//! A folder that a scene names is taken apart into its files, without hidden ones and without links: nobody means those
//! by a cache folder, and a home folder is full of them.

use crate::engine::SceneFile;
use rayswarm_model::{
    SceneFacts,
    manifest::{SCENE_ROOT, check_path},
    scene::{Dependency, DependencyState},
};
use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
};

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
        Self {
            scene_folder,
            include: include.iter().map(|path| real(path)).collect(),
        }
    }

    /// Whether the file `host` may be read by the scene. False for what is not there.
    pub fn covers(&self, host: &Path) -> bool {
        let Ok(real) = fs::canonicalize(host) else { return false };
        self.includes(&real) || self.is_beside_the_scene(&real)
    }

    /// Whether all that lies in the folder `host` may be read by the scene. A folder that holds the scene itself must be
    /// named by `--include`: it may be a home folder, with far more in it than the scene's own files.
    pub fn covers_folder(&self, host: &Path) -> bool {
        let Ok(real) = fs::canonicalize(host) else { return false };
        self.includes(&real) || (real != self.scene_folder && self.is_beside_the_scene(&real))
    }

    fn includes(&self, real: &Path) -> bool {
        self.include.iter().any(|included| real.starts_with(included))
    }

    fn is_beside_the_scene(&self, real: &Path) -> bool {
        real.strip_prefix(&self.scene_folder)
            .is_ok_and(|below| !below.components().any(|part| is_hidden(part.as_os_str())))
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// A scene as its sessions see it.
#[derive(Clone, Debug)]
pub struct SceneView {
    /// The scene file's path inside.
    pub scene: String,
    /// Every file it needs, itself first, and where each lies inside. Only files, so that each can be hashed.
    pub files: Vec<SceneFile>,
}

/// The view of a job's sessions. What waits for consent or is missing is not in it.
pub fn session_view(scene: &Path, facts: &SceneFacts) -> SceneView {
    view(scene, &facts.dependencies)
}

/// The view of sessions of `scene` with these dependencies. Folders are taken apart into their files; files whose place
/// inside would be the system's are left out.
pub fn view(scene: &Path, dependencies: &[Dependency]) -> SceneView {
    let scene = lexical(scene);
    let found = dependencies
        .iter()
        .filter(|dependency| dependency.state == DependencyState::Found);
    let found: Vec<_> = found
        .filter_map(|one| Some((one.path.as_deref()?, is_relative(&one.reference))))
        .collect();
    let base = base(
        &scene,
        found.iter().filter(|(_, relative)| *relative).map(|(path, _)| *path),
    );
    let below = |path: &Path| {
        let rest = path.strip_prefix(&base).unwrap_or(path).display().to_string();
        format!("{SCENE_ROOT}/{}", rest.trim_start_matches('/'))
    };
    let mut rest = BTreeMap::new();
    for (path, relative) in found {
        for host in files_below(path) {
            let inside = if relative {
                below(&host)
            } else {
                host.display().to_string()
            };
            if check_path(&inside).is_ok() {
                rest.insert(inside, host);
            }
        }
    }
    let inside = below(&scene);
    rest.remove(&inside);
    let mut files = vec![SceneFile {
        host: scene,
        inside: inside.clone(),
    }];
    files.extend(rest.into_iter().map(|(inside, host)| SceneFile { host, inside }));
    SceneView { scene: inside, files }
}

/// Whether a file moves with the scene's folder. Blender marks paths relative to the file that names them with `//`.
fn is_relative(reference: &str) -> bool {
    reference.starts_with("//") || !reference.starts_with('/')
}

/// The deepest folder that holds the scene and `files`.
fn base<'a>(scene: &Path, files: impl Iterator<Item = &'a Path>) -> PathBuf {
    let mut base = scene.parent().unwrap_or(Path::new("/")).to_owned();
    for file in files {
        while !file.starts_with(&base) && base.pop() {}
    }
    base
}

/// `path` itself when it is a file, else what travels of the folder.
fn files_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    Contents::of(path).files
}

/// What a folder that a scene names holds, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Every file below it that travels.
    pub(crate) files: Vec<PathBuf>,
    /// Hidden files and folders, and links, which do not.
    pub(crate) left_out: Vec<PathBuf>,
}

impl Contents {
    pub(crate) fn of(folder: &Path) -> Self {
        let mut contents = Self::default();
        let mut waiting = vec![folder.to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_symlink() || is_hidden(&entry.file_name()) => {
                        contents.left_out.push(entry.path());
                    }
                    Ok(kind) if kind.is_dir() => waiting.push(entry.path()),
                    Ok(kind) if kind.is_file() => contents.files.push(entry.path()),
                    _ => {}
                }
            }
        }
        contents.files.sort();
        contents.left_out.sort();
        contents
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_inside_an_inspection_lead_back() {
        let host = Path::new("/home/a/project/shots/s.blend");
        assert_eq!(inspection_path(host), "/scene/home/a/project/shots/s.blend");
        assert_eq!(
            host_path("/scene/home/a/project/above.png").unwrap(),
            Path::new("/home/a/project/above.png")
        );
        assert_eq!(host_path("/data/far.png").unwrap(), Path::new("/data/far.png"));
        assert_eq!(host_path("/scenery/x.png").unwrap(), Path::new("/scenery/x.png"));
        assert_eq!(host_path("C:\\art\\wood.png"), None);
    }

    #[test]
    fn sessions_see_no_more_of_a_path_than_they_need() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in [
            "project/shots/s.blend",
            "project/above.png",
            "far/f.png",
            "project/cache/1.vdb",
            "unasked.png",
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        let dependency = |reference: &str, path: &str, state| Dependency {
            reference: reference.into(),
            path: Some(root.join(path)),
            kind: "image".into(),
            state,
        };
        let far = root.join("far/f.png").display().to_string();
        let dependencies = [
            dependency("//../above.png", "project/above.png", DependencyState::Found),
            dependency(&far, "far/f.png", DependencyState::Found),
            dependency("//../cache", "project/cache", DependencyState::Found),
            dependency("//../../unasked.png", "unasked.png", DependencyState::NeedsConsent),
        ];
        let view = view(&root.join("project/shots/s.blend"), &dependencies);
        assert_eq!(view.scene, "/scene/shots/s.blend");
        let mut inside: Vec<_> = view.files.iter().map(|file| file.inside.as_str()).collect();
        inside.sort_unstable();
        let mut expected = ["/scene/above.png", "/scene/cache/1.vdb", "/scene/shots/s.blend", &far];
        expected.sort_unstable();
        assert_eq!(inside, expected);
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
        for (path, text) in [
            ("project/s.blend", ""),
            ("project/t.png", ""),
            ("project/.ssh/id", ""),
            ("secret", ""),
            ("far/f.png", ""),
        ] {
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
        // A scene in a home folder that names that very folder does not mean all of it.
        for (folder, covered) in [("project/cache", true), ("project", false), ("", false), ("far", true)] {
            fs::create_dir_all(root.join(folder)).unwrap();
            assert_eq!(consent.covers_folder(&root.join(folder)), covered, "{folder}");
        }
        let generous = Consent::new(&root.join("project/s.blend"), &[root.join("project")]);
        assert!(generous.covers_folder(&root.join("project")));
    }

    #[test]
    fn hidden_files_and_links_in_a_folder_stay_at_home() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in [
            "home/s.blend",
            "home/deep/a.bphys",
            "home/.ssh/id_rsa",
            "home/deep/.token",
            "far/b",
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        std::os::unix::fs::symlink(root.join("far"), root.join("home/deep/far")).unwrap();
        let named = Dependency {
            reference: "//".into(),
            path: Some(root.join("home")),
            kind: "cache".into(),
            state: DependencyState::Found,
        };
        let view = view(&root.join("home/s.blend"), &[named]);
        let inside: Vec<_> = view.files.iter().map(|file| file.inside.as_str()).collect();
        assert_eq!(inside, ["/scene/s.blend", "/scene/deep/a.bphys"]);
        let left_out = Contents::of(&root.join("home")).left_out;
        assert_eq!(
            left_out,
            ["home/.ssh", "home/deep/.token", "home/deep/far"].map(|path| root.join(path))
        );
    }
}
