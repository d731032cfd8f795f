//! Where files of the submitting machine appear inside a session. Files that lie together there lie together here, so
//! that what a file says of its neighbours stays true.

use crate::{error::OpenJdError, parameter::PathValue};
use serde::{Deserialize, Serialize};

/// Where a job's files appear inside a session.
pub const INSIDE: &str = "/job";

/// One folder of the submitting machine that appears as [`INSIDE`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathMap {
    root: String,
}

impl PathMap {
    /// The deepest folder that holds all of `paths`, each absolute. A path is never the folder itself.
    pub fn over<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<Self, OpenJdError> {
        let mut root: Option<Vec<String>> = None;
        for path in paths {
            let mut parts = parts(path)?;
            if parts.pop().is_none() {
                return Err(refused(path, "it is the whole machine; name a folder"));
            }
            root = Some(match root {
                None => parts,
                Some(known) => known
                    .into_iter()
                    .zip(parts)
                    .take_while(|(a, b)| a == b)
                    .map(|(a, _)| a)
                    .collect(),
            });
        }
        let root = root.unwrap_or_default();
        Ok(Self {
            root: format!("/{}", root.join("/")),
        })
    }

    /// The folder of the submitting machine.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Where a path of the submitting machine appears; `None` for one that is not below the root.
    pub fn inside(&self, host: &str) -> Option<String> {
        let host = normal(host)?;
        let rest = below(&host, &self.root)?;
        Some(format!("{INSIDE}{rest}"))
    }

    /// The path of the submitting machine that appears as `inside`.
    pub fn host(&self, inside: &str) -> Option<String> {
        let inside = normal(inside)?;
        let rest = below(&inside, INSIDE)?;
        Some(format!("{}{rest}", self.root.trim_end_matches('/')))
    }
}

/// What of `path` lies below `folder`, with its slash; empty for the folder itself.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// An absolute path without `.`, `..` and doubled slashes.
pub fn normal(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

fn parts(path: &str) -> Result<Vec<String>, OpenJdError> {
    let normal = normal(path).ok_or_else(|| refused(path, "it is no absolute path"))?;
    Ok(normal
        .split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect())
}

fn refused(path: &str, reason: &'static str) -> OpenJdError {
    OpenJdError::Path {
        path: path.to_owned(),
        reason,
    }
}

/// The paths among parameters' values that are moved.
pub fn moved(paths: &[PathValue]) -> impl Iterator<Item = &PathValue> {
    paths
        .iter()
        .filter(|value| value.flow.is_read() || value.flow.is_written())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn neighbours_stay_neighbours() {
        let map = PathMap::over(["/home/a/shot/scene.blend", "/home/a/textures", "/home/a/shot/out"]).unwrap();
        assert_eq!(map.root(), "/home/a");
        for (host, inside) in [
            ("/home/a/shot/scene.blend", Some("/job/shot/scene.blend")),
            ("/home/a/shot/../textures/x.png", Some("/job/textures/x.png")),
            ("/home/a", Some("/job")),
            ("/home/ab/x", None),
            ("/etc/passwd", None),
            ("/home/a/../b", None),
            ("relative", None),
        ] {
            assert_eq!(map.inside(host).as_deref(), inside, "{host}");
        }
        assert_eq!(map.host("/job/shot/out/1.png").unwrap(), "/home/a/shot/out/1.png");
        assert_eq!(map.host("/job/../etc/passwd"), None);
        assert_eq!(map.host("/jobs/x"), None);
    }

    #[test]
    fn one_path_keeps_its_name_and_far_ones_share_the_machine_s_root() {
        assert_eq!(PathMap::over(["/a/b/c"]).unwrap().inside("/a/b/c").unwrap(), "/job/c");
        let far = PathMap::over(["/a/b", "/tmp/x"]).unwrap();
        assert_eq!(far.inside("/tmp/x").unwrap(), "/job/tmp/x");
        assert_eq!(far.host("/job/tmp/x").unwrap(), "/tmp/x");
        for path in ["/", "/..", "x", ""] {
            assert!(PathMap::over([path]).is_err(), "{path:?}");
        }
        assert_eq!(PathMap::over([]).unwrap().inside("/x").unwrap(), "/job/x");
    }
}
