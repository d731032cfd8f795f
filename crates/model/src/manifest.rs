//! The files of a job, by content: what a provider fetches before it opens the scene.

use crate::ids::BlobId;
use serde::{Deserialize, Serialize};

/// Files larger than this travel as several blobs, so that peers can share the load (FINDINGS: one blob comes from one
/// peer at a time).
pub const CHUNK_BYTES: u64 = 16 << 20;
/// The most files one job may have.
pub const FILES_MAX: usize = 100_000;
/// Where the scene's own folder appears inside a session.
pub const SCENE_ROOT: &str = "/scene";

/// Every file of a job and where it appears inside a session's private file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The scene file's path inside the session.
    pub scene: String,
    /// All files, the scene among them, in order of path.
    pub files: Vec<ManifestFile>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Absolute path inside the session. Files beside the scene lie under [`SCENE_ROOT`]; a file the scene names by an
    /// absolute path lies at that same path, so that nothing in the scene has to be rewritten.
    pub path: String,
    /// Plain size in bytes.
    pub size: u64,
    /// BLAKE3 of the plain bytes.
    pub plain: BlobId,
    /// How the stored blobs are encrypted; `None` at first.
    pub cipher: Cipher,
    /// The stored blobs whose concatenation is the (encrypted) file, each at most [`CHUNK_BYTES`] long.
    pub chunks: Vec<BlobId>,
}

/// How stored blobs are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cipher {
    /// Not at all: stored bytes are plain bytes.
    None,
}

/// A manifest a peer sent cannot be honoured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A path would reach outside the session's own files.
    #[error("the manifest names {path:?}, {why}; refuse the job")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The scene is not among the files.
    #[error("the manifest's scene {0:?} is not among its files; refuse the job")]
    NoScene(String),
    /// Too many files.
    #[error("the manifest lists {0} files; at most {FILES_MAX} are taken")]
    TooMany(usize),
    /// Size and chunks disagree.
    #[error("the manifest gives {path:?} {size} bytes but {chunks} chunks; refuse the job")]
    Chunks {
        /// The path.
        path: String,
        /// Its stated size.
        size: u64,
        /// Its number of chunks.
        chunks: usize,
    },
}

/// Folders of a session that belong to the system or the engine; no scene file may appear there.
const RESERVED: [&str; 12] = [
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/proc", "/sys", "/dev", "/engine", "/work",
];

impl Manifest {
    /// Checks a manifest from a peer before any of it is used.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.files.len() > FILES_MAX {
            return Err(ManifestError::TooMany(self.files.len()));
        }
        let mut earlier: Option<&str> = None;
        for file in &self.files {
            check_path(&file.path)?;
            if earlier.is_some_and(|path| path >= file.path.as_str()) {
                return Err(ManifestError::Path {
                    path: file.path.clone(),
                    why: "which is out of order or repeated",
                });
            }
            if file.size.div_ceil(CHUNK_BYTES) != file.chunks.len() as u64 {
                let (path, size, chunks) = (file.path.clone(), file.size, file.chunks.len());
                return Err(ManifestError::Chunks { path, size, chunks });
            }
            earlier = Some(&file.path);
        }
        if !self.files.iter().any(|file| file.path == self.scene) {
            return Err(ManifestError::NoScene(self.scene.clone()));
        }
        Ok(())
    }

    /// Every blob of the job.
    pub fn blobs(&self) -> impl Iterator<Item = BlobId> + '_ {
        self.files.iter().flat_map(|file| file.chunks.iter().copied())
    }
}

/// Whether a session may see a file at `path`: absolute, plain, and nowhere the system or engine lives.
pub fn check_path(path: &str) -> Result<(), ManifestError> {
    let refuse = |why| Err(ManifestError::Path { path: path.into(), why });
    let Some(relative) = path.strip_prefix('/') else {
        return refuse("which is not absolute");
    };
    if path.len() > 4096 || path.contains(['\0', '\\', '\n']) {
        return refuse("which no file system path looks like");
    }
    if relative.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refuse("which has empty, `.` or `..` parts");
    }
    let within = |folder: &str| path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    if RESERVED.iter().any(|folder| within(folder)) {
        return refuse("which belongs to the system");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(path: &str) -> ManifestFile {
        let id = BlobId::from_bytes([1; 32]);
        ManifestFile {
            path: path.into(),
            size: 5,
            plain: id,
            cipher: Cipher::None,
            chunks: vec![id],
        }
    }

    fn manifest(paths: &[&str]) -> Manifest {
        Manifest {
            scene: "/scene/a.blend".into(),
            files: paths.iter().map(|path| file(path)).collect(),
        }
    }

    #[test]
    fn honest_manifests_pass() {
        manifest(&["/home/artist/t.png", "/scene/a.blend", "/scene/tex/b.png"])
            .check()
            .unwrap();
    }

    #[test]
    fn hostile_manifests_are_refused() {
        let cases: &[&[&str]] = &[
            &["/scene/a.blend", "/scene/../etc/shadow"],
            &["/etc/passwd", "/scene/a.blend"],
            &["/scene/a.blend", "relative.png"],
            &["/scene/a.blend", "/scene/a.blend"],
            &["/scene/a.blend", "/scene//b"],
            &["/scene/b.blend"],
            &["/engine/session.py", "/scene/a.blend"],
            &["/scene/a.blend", "/usr"],
        ];
        for paths in cases {
            assert!(manifest(paths).check().is_err(), "{paths:?}");
        }
        let mut wrong_size = manifest(&["/scene/a.blend"]);
        wrong_size.files[0].size = CHUNK_BYTES + 1;
        assert!(matches!(
            wrong_size.check(),
            Err(ManifestError::Chunks { chunks: 1, .. })
        ));
    }
}
