//! The version of Blender that saved a file, read from its first bytes: which engine opens it, and what to do when none can.

use crate::{
    error::EngineError,
    store::{self, BLENDER_DEFAULT},
};
use std::{fs::File, io::Read, path::Path};

/// Major and minor version: what decides whether a file can be read.
pub(crate) type Series = [u32; 2];

/// The series of a version: `4.5` of `4.5.15`.
pub(crate) fn series(version: &str) -> Series {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    [numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)]
}

/// The series that saved `scene`. `None` for compressed files, of which Blender itself tells after loading, and for what is
/// no .blend.
pub(crate) fn saved_by(scene: &Path) -> Option<Series> {
    /// `BLENDER17-01v0500` is the longest.
    const HEADER_BYTES: u64 = 17;
    let mut head = Vec::new();
    File::open(scene).ok()?.take(HEADER_BYTES).read_to_end(&mut head).ok()?;
    let rest = head.strip_prefix(b"BLENDER")?;
    // `-v405`: pointer size, byte order, version. Since 5.0 `17-01v0500`: header size, format, version.
    let digits = match rest {
        [b'-' | b'_', b'v' | b'V', digits @ ..] => digits.get(..3)?,
        [_, _, b'-', _, _, b'v' | b'V', digits @ ..] => digits.get(..4)?,
        _ => return None,
    };
    let (major, minor) = digits.split_at(digits.len() - 2);
    Some([number(major)?, number(minor)?])
}

fn number(digits: &[u8]) -> Option<u32> {
    str::from_utf8(digits).ok()?.parse().ok()
}

/// Refuses a file that was saved by a later series than `engine_version`. Blender would open it with no more than a warning
/// and leave out what it does not know.
pub(super) fn refuse_newer(scene: &Path, engine_version: &str) -> Result<(), EngineError> {
    match saved_by(scene) {
        Some(saved) if saved > series(engine_version) => Err(newer(scene, saved, engine_version)),
        _ => Ok(()),
    }
}

fn newer(scene: &Path, saved: Series, engine_version: &str) -> EngineError {
    let [major, minor] = saved;
    let known = store::releases().iter().map(|release| release.version);
    let enough = known
        .filter(|version| series(version) >= saved)
        .min_by_key(|version| series(version));
    let [newest_major, newest_minor] = series(BLENDER_DEFAULT);
    EngineError::Refused {
        code: "newer_file",
        message: format!(
            "{} was saved by Blender {major}.{minor}, which is newer than the engine here ({engine_version})",
            scene.display()
        ),
        remedy: match enough {
            Some(version) => format!("install one that reads it: rayswarm engines install blender-{version}"),
            None => format!(
                "no engine that Rayswarm knows reads it yet: open it in Blender {newest_major}.{newest_minor}, check it \
                 there, save it and submit that file"
            ),
        },
    }
}

/// The place in `versions` of the engine for a file: of the series that are new enough, the oldest, because a later one may
/// draw it differently; of one series the first named. Without such a one, or not knowing who saved the file, the newest.
pub(crate) fn choose(versions: &[&str], saved: Option<Series>) -> Option<usize> {
    let all = || (0..versions.len()).map(|place| (series(versions[place]), place));
    let enough = all().filter(|(own, _)| saved.is_some_and(|saved| *own >= saved));
    let newest = || all().max_by_key(|(own, place)| (*own, usize::MAX - place));
    enough.min().or_else(newest).map(|(_, place)| place)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    #[test]
    fn headers_tell_who_saved_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.blend");
        for (head, expected) in [
            (&b"BLENDER-v405RENDER"[..], Some([4, 5])),
            (b"BLENDER_V248", Some([2, 48])),
            (b"BLENDER17-01v0501", Some([5, 1])),
            (b"BLENDER-v4", None),
            (b"BLENDER17-01v05x1", None),
            (b"\x28\xb5\x2f\xfd", None),
            (b"", None),
        ] {
            fs::write(&path, head).unwrap();
            assert_eq!(saved_by(&path), expected, "{head:?}");
        }
    }

    #[test]
    fn a_newer_file_is_refused_with_what_can_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.blend");
        let refusal = |head: &[u8], engine| {
            fs::write(&path, head).unwrap();
            refuse_newer(&path, engine).err().map(|error| error.to_string())
        };
        assert_eq!(refusal(b"BLENDER-v405RENDER", BLENDER_DEFAULT), None);
        let unknown = refusal(b"BLENDER17-01v0501", BLENDER_DEFAULT).unwrap();
        assert!(
            unknown.contains("saved by Blender 5.1") && unknown.contains("open it in Blender 4.5"),
            "{unknown}"
        );
        assert!(!unknown.contains("engines install"), "{unknown}");
        let known = refusal(b"BLENDER-v405RENDER", "4.2.9").unwrap();
        assert!(
            known.ends_with(&format!("rayswarm engines install blender-{BLENDER_DEFAULT}")),
            "{known}"
        );
    }

    #[test]
    fn the_oldest_series_that_is_new_enough_is_chosen() {
        let installed = ["5.0.1", "4.5.15", "4.5.9", "4.2.3"];
        for (saved, expected) in [
            (Some([4, 1]), Some(3)),
            (Some([4, 2]), Some(3)),
            (Some([4, 3]), Some(1)),
            (Some([4, 5]), Some(1)),
            (Some([5, 0]), Some(0)),
            (Some([5, 1]), Some(0)),
            (None, Some(0)),
        ] {
            assert_eq!(choose(&installed, saved), expected, "{saved:?}");
        }
        assert_eq!(choose(&["4.5.15", "4.5.3"], Some([4, 5])), Some(0));
        assert_eq!(choose(&[], Some([4, 5])), None);
    }
}
