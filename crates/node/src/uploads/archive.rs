//! Unpacking a ZIP archive and finding its scene, with nothing in it trusted.

use super::{
    disk,
    list::{FILES_MAX, check_paths, has_extension, too_large},
    tail::Tail,
};
use crate::requestor::refusal::bad_input;
use rayswarm_api::Problem;
use rayswarm_engines::onnx::is_recipe;
use rayswarm_model::Bytes;
use rayswarm_openjd::bundle::TEMPLATE_NAMES;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};
use zip::{ZipArchive, result::ZipError};

/// An archive may become this many times as large: more than scenes, pictures and caches ever shrink.
const GROWTH_MAX: u64 = 200;
/// What even a small archive may unpack to.
const GROWTH_FREE: u64 = 64 << 20;
/// Scenes that a refusal names.
const SCENES_NAMED_MAX: usize = 50;
/// Holds what macOS adds to archives.
const MAC_FOLDER: &str = "__MACOSX/";
const COPY_BYTES: usize = 64 << 10;

/// Kinds of Unix files, of which only one is a file with content.
const KIND_MASK: u32 = 0o170_000;
const KIND_REGULAR: u32 = 0o100_000;

/// One file in an archive.
struct Entry {
    index: usize,
    path: String,
}

/// Unpacks `archive` into the new folder `target` and gives the scene's path in it: `asked`, or the only scene there
/// is. After a refusal the folder may be half full.
pub fn unpack(archive: &Path, target: &Path, asked: &str, bytes_max: Bytes) -> Result<String, Problem> {
    let not_read = |error: io::Error| disk::problem("the archive cannot be read", &error);
    let not_stored = |error: io::Error| disk::problem("the archive's files cannot be stored", &error);
    let file = File::open(archive).map_err(not_read)?;
    let packed = file.metadata().map_err(not_read)?.len();
    let mut zip = open(file)?;
    let entries = entries(&mut zip)?;
    check_paths(entries.iter().map(|entry| entry.path.as_str()))?;
    let scene = scene_of(&entries, asked)?;
    fs::create_dir_all(target).map_err(not_stored)?;
    let free = disk::free_bytes(target).map_err(not_stored)?;
    let allowed = allowance(packed, bytes_max, free);
    let mut left = allowed;
    for entry in &entries {
        let mut content = zip.by_index(entry.index).map_err(|error| unreadable(&error))?;
        let mut file = create(&target.join(&entry.path)).map_err(not_stored)?;
        match copy(&mut content, &mut file, &mut left) {
            Ok(()) => {}
            Err(Stopped::TooLarge) => return Err(grows(packed, allowed)),
            Err(Stopped::Read(error)) => return Err(unreadable(&ZipError::Io(error))),
            Err(Stopped::Write(error)) => return Err(not_stored(error)),
        }
    }
    Ok(scene)
}

fn open(file: File) -> Result<ZipArchive<Tail>, Problem> {
    let (tail, opening) = Tail::new(file).map_err(|error| unreadable(&ZipError::Io(error)))?;
    let zip = ZipArchive::new(tail).map_err(|error| unreadable(&error))?;
    opening.set(false);
    if zip.len() > FILES_MAX {
        let detail = format!("the archive has {} entries; at most {FILES_MAX} are taken", zip.len());
        return Err(bad_archive(detail));
    }
    Ok(zip)
}

fn entries(zip: &mut ZipArchive<Tail>) -> Result<Vec<Entry>, Problem> {
    let mut entries = Vec::with_capacity(zip.len());
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|error| unreadable(&error))?;
        let path = entry.name();
        if entry.is_dir() || path.starts_with(MAC_FOLDER) {
            continue;
        }
        if entry.encrypted() {
            return Err(bad_archive(format!("{path:?} in the archive is encrypted")));
        }
        let kind = entry.unix_mode().unwrap_or_default() & KIND_MASK;
        if kind != 0 && kind != KIND_REGULAR {
            return Err(bad_archive(format!(
                "{path:?} in the archive is no ordinary file but a link or a device"
            )));
        }
        entries.push(Entry {
            index,
            path: path.to_owned(),
        });
    }
    Ok(entries)
}

fn scene_of(entries: &[Entry], asked: &str) -> Result<String, Problem> {
    let mut paths = entries.iter().map(|entry| entry.path.as_str());
    if !asked.is_empty() {
        let found = paths.find(|path| *path == asked).map(str::to_owned);
        return found.ok_or_else(|| no_scene(format!("the archive has no file {asked:?}")));
    }
    // The template of a job of commands speaks for its bundle, whatever scenes lie beside it.
    let is_template = |path: &&str| TEMPLATE_NAMES.contains(&path.rsplit('/').next().unwrap_or_default());
    let templates: Vec<&str> = paths.clone().filter(is_template).collect();
    if let [template] = templates.as_slice() {
        return Ok((*template).to_owned());
    }
    let is_scene = |path: &&str| has_extension(path, "blend") || has_extension(path, "pov") || is_recipe(path.as_ref());
    let mut scenes: Vec<&str> = paths.filter(is_scene).collect();
    if scenes.is_empty() {
        scenes = templates;
    }
    scenes.sort_unstable();
    match scenes.as_slice() {
        [] => Err(no_scene(
            "the archive has no .blend, .pov or .recipe.json file, and no template.yaml or template.json".into(),
        )),
        [scene] => Ok((*scene).to_owned()),
        several => Err(several_scenes(several)),
    }
}

fn several_scenes(scenes: &[&str]) -> Problem {
    let named = scenes
        .iter()
        .take(SCENES_NAMED_MAX)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let more = match scenes.len().saturating_sub(SCENES_NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    bad_input("several_scenes", format!("the archive holds {named}{more}"))
        .next("say which of them is the scene: upload the same archive and name it")
}

/// Bytes an archive may unpack to.
fn allowance(packed: u64, bytes_max: Bytes, free: u64) -> u64 {
    let grown = packed.saturating_mul(GROWTH_MAX).saturating_add(GROWTH_FREE);
    grown.min(bytes_max.0).min(free)
}

fn create(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    File::create_new(path)
}

/// Why a file was not copied to its end.
enum Stopped {
    TooLarge,
    Read(io::Error),
    Write(io::Error),
}

/// What an entry says about its length is not asked.
fn copy(from: &mut impl Read, to: &mut impl Write, left: &mut u64) -> Result<(), Stopped> {
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stopped::Read(error)),
        };
        *left = left.checked_sub(count as u64).ok_or(Stopped::TooLarge)?;
        to.write_all(buffer.get(..count).unwrap_or_default())
            .map_err(Stopped::Write)?;
    }
}

fn grows(packed: u64, allowed: u64) -> Problem {
    too_large(format!(
        "the archive of {} ({packed} bytes) unpacks to more than {} ({allowed} bytes), which is the most it may here",
        Bytes(packed),
        Bytes(allowed)
    ))
}

fn no_scene(detail: String) -> Problem {
    bad_input("no_scene", detail).next("put the scene into the archive, or upload its files as they are")
}

fn unreadable(error: &ZipError) -> Problem {
    bad_archive(format!("the archive cannot be unpacked: {error}"))
}

fn bad_archive(detail: String) -> Problem {
    bad_input("bad_archive", detail)
        .next("pack it again as an ordinary ZIP archive without a password, or upload the files as they are")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn archives_grow_only_so_much() {
        const MIB: u64 = Bytes::MIB;
        for (packed, bytes_max, free, expected) in [
            (0, u64::MAX, u64::MAX, 64 * MIB),
            (MIB, u64::MAX, u64::MAX, 264 * MIB),
            (MIB, 100 * MIB, u64::MAX, 100 * MIB),
            (MIB, 100 * MIB, 7, 7),
            (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
        ] {
            assert_eq!(
                allowance(packed, Bytes(bytes_max), free),
                expected,
                "{packed} {bytes_max} {free}"
            );
        }
    }

    #[test]
    fn lengths_are_counted_and_not_believed() {
        let mut left = 5;
        let mut written = Vec::new();
        assert!(copy(&mut b"abc".as_slice(), &mut written, &mut left).is_ok());
        assert!(matches!(
            copy(&mut b"def".as_slice(), &mut written, &mut left),
            Err(Stopped::TooLarge)
        ));
        assert_eq!(written, b"abc");
    }

    #[test]
    fn many_scenes_are_counted() {
        let names: Vec<String> = (0..60).map(|at| format!("{at}.blend")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let detail = several_scenes(&names).detail;
        assert!(
            detail.contains("0.blend, 1.blend") && detail.ends_with("and 10 more"),
            "{detail}"
        );
        assert!(!several_scenes(&names[..2]).detail.contains("more"));
    }
}
