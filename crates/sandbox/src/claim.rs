//! Taking a file out of a folder the process could write.
//!
//! A sandboxed process may leave a link to a file of the host under the name a result is expected at. A reader outside the
//! walls that follows it would hand that file to a stranger. So results are first moved, which never follows a link, to a
//! folder the process cannot reach, and looked at there.

use crate::error::SandboxError;
use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Component, Path},
};

/// Moves the file `name` out of the shared folder `from` to `to`, on the same file system and out of the process's reach.
///
/// Fails with [`SandboxError::NotAResult`] when it is anything but one ordinary file of at most `size_max` bytes; then
/// nothing is left at `to`.
pub fn claim_file(from: &Path, name: &str, to: &Path, size_max: u64) -> Result<(), SandboxError> {
    let refuse = |what| SandboxError::NotAResult {
        name: name.to_owned(),
        what,
    };
    let mut parts = Path::new(name).components();
    if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
        return Err(refuse("not a plain file name"));
    }
    let source = from.join(name);
    let failed = |source: io::Error| SandboxError::Claim {
        path: from.join(name),
        source,
    };
    if fs::symlink_metadata(&source).map_err(failed)?.is_dir() {
        return Err(refuse("a folder"));
    }
    fs::rename(&source, to).map_err(failed)?;
    let found = fs::symlink_metadata(to).map_err(failed)?;
    let wrong = match found.file_type() {
        kind if kind.is_symlink() => Some("a link"),
        kind if !kind.is_file() => Some("not an ordinary file"),
        _ if found.nlink() != 1 => Some("linked from elsewhere"),
        _ if found.len() > size_max => Some("larger than its limit"),
        _ => None,
    };
    match wrong {
        None => own(to).map_err(failed),
        Some(what) => {
            fs::remove_file(to).map_err(failed)?;
            Err(refuse(what))
        }
    }
}

/// Makes a file ours that a sandbox's own user has made, with an ordinary mode whatever that user gave it.
fn own(path: &Path) -> io::Result<()> {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    std::os::unix::fs::lchown(path, Some(user), Some(group))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn folders() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        (folder, shared)
    }

    #[test]
    fn an_ordinary_file_is_moved() {
        let (folder, shared) = folders();
        fs::write(shared.join("a.exr"), b"pixels").unwrap();
        let to = folder.path().join("taken");
        claim_file(&shared, "a.exr", &to, 6).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"pixels");
        assert!(!shared.join("a.exr").exists());
    }

    #[test]
    fn anything_else_is_refused_and_leaves_nothing() {
        let (folder, shared) = folders();
        fs::write(folder.path().join("secret"), b"secret").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), shared.join("link")).unwrap();
        fs::hard_link(folder.path().join("secret"), shared.join("hard")).unwrap();
        fs::create_dir(shared.join("folder")).unwrap();
        fs::write(shared.join("large"), b"1234567").unwrap();
        let to = folder.path().join("taken");
        for name in [
            "link",
            "hard",
            "folder",
            "large",
            "missing",
            "../secret",
            "/etc/passwd",
            "",
            ".",
        ] {
            let refused = claim_file(&shared, name, &to, 6);
            assert!(refused.is_err(), "{name}");
            assert!(fs::symlink_metadata(&to).is_err(), "{name} left something behind");
        }
        assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"secret");
    }
}
