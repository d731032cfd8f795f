//! What may be uploaded: paths that stay in their folder, chunks that fit their files, and one id for one list.

use crate::requestor::refusal::bad_input;
use rayswarm_api::{
    Problem,
    upload::{CHUNK_BYTES, NewUpload, UploadFile},
};
use rayswarm_model::Bytes;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// Files of one upload, and entries of one archive.
pub const FILES_MAX: usize = 10_000;
/// Digits of an upload's id.
pub const ID_DIGITS: usize = 32;
/// Digits of a chunk's name.
const SHA256_DIGITS: usize = 64;

const PATH_BYTES_MAX: usize = 1024;
/// What file systems take as the name of one file or folder.
const PART_BYTES_MAX: usize = 255;

/// Checks a list before any of it is used.
pub fn check(wanted: &NewUpload) -> Result<(), Problem> {
    match wanted.files.len() {
        0 => return Err(bad_list("the upload has no files")),
        count if count > FILES_MAX => {
            return Err(bad_list(format!(
                "the upload has {count} files; at most {FILES_MAX} are taken"
            )));
        }
        _ => {}
    }
    check_paths(wanted.files.iter().map(|file| file.path.as_str()))?;
    wanted.files.iter().try_for_each(check_chunks)?;
    check_lengths(&wanted.files)?;
    check_scene(wanted)
}

/// Checks that every path stays in its folder and that all of them can exist together.
pub fn check_paths<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<(), Problem> {
    let mut files = HashSet::new();
    for path in paths {
        if path.len() > PATH_BYTES_MAX {
            let start: String = path.chars().take(40).collect();
            let detail = format!("the path that begins with {start:?} is longer than {PATH_BYTES_MAX} bytes");
            return Err(bad_input("bad_path", detail));
        }
        if let Some(why) = fault_of(path) {
            return Err(bad_input("bad_path", format!("the path {path:?} {why}")));
        }
        if !files.insert(path) {
            return Err(bad_input("bad_path", format!("the path {path:?} is named twice")));
        }
    }
    for path in &files {
        let mut folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        if let Some(folder) = folders.find(|folder| files.contains(folder)) {
            let detail = format!("{folder:?} is a file and also the folder of {path:?}");
            return Err(bad_input("bad_path", detail));
        }
    }
    Ok(())
}

fn fault_of(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("is empty");
    }
    if path.contains('\\') {
        return Some("has a backslash; folders are separated by /");
    }
    if path.chars().any(char::is_control) {
        return Some("has control characters");
    }
    if path.starts_with('/') {
        return Some("is absolute; paths are relative to the folder of the upload");
    }
    if matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Some("begins with a drive; paths are relative to the folder of the upload");
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("has empty, . or .. parts");
    }
    if path.split('/').any(|part| part.len() > PART_BYTES_MAX) {
        return Some("has a part of more than 255 bytes");
    }
    None
}

fn check_chunks(file: &UploadFile) -> Result<(), Problem> {
    let (needed, named) = (file.bytes.div_ceil(CHUNK_BYTES), file.chunks.len() as u64);
    if needed != named {
        return Err(bad_list(format!(
            "{:?} has {} bytes, that is {needed} chunks of {CHUNK_BYTES} bytes, and names {named}",
            file.path, file.bytes
        )));
    }
    match file.chunks.iter().find(|chunk| !is_hex(chunk, SHA256_DIGITS)) {
        Some(_) => Err(bad_list(format!(
            "a chunk of {:?} is not named by {SHA256_DIGITS} lower-case hexadecimal digits",
            file.path
        ))),
        None => Ok(()),
    }
}

fn check_lengths(files: &[UploadFile]) -> Result<(), Problem> {
    let mut lengths = HashMap::new();
    for (chunk, length) in files.iter().flat_map(pieces) {
        if let Some(other) = lengths.insert(chunk, length).filter(|other| *other != length) {
            let detail = format!("chunk {chunk} cannot have {other} and {length} bytes; its hash tells them apart");
            return Err(bad_list(detail));
        }
    }
    Ok(())
}

fn check_scene(NewUpload { files, scene }: &NewUpload) -> Result<(), Problem> {
    let named = || files.iter().any(|file| file.path == *scene);
    match archive(files) {
        Some(_) if scene.is_empty() => Ok(()),
        Some(_) => check_paths([scene.as_str()]),
        None if named() => Ok(()),
        None => Err(
            bad_input("no_scene", format!("the scene {scene:?} is none of the files"))
                .next("name the scene's path as the list of files has it"),
        ),
    }
}

/// The file that is unpacked and looked through for its scene: a `.zip` that comes alone.
pub fn archive(files: &[UploadFile]) -> Option<&UploadFile> {
    let [file] = files else { return None };
    has_extension(&file.path, "zip").then_some(file)
}

/// Whether a path ends in this extension, in letters of either case.
pub fn has_extension(path: &str, extension: &str) -> bool {
    let found = path.rsplit_once('.').map(|(_, found)| found);
    found.is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// A file's chunks in order, and the length of each.
pub fn pieces(file: &UploadFile) -> impl Iterator<Item = (&str, u64)> {
    file.chunks.iter().scan(file.bytes, |left, chunk| {
        let length = CHUNK_BYTES.min(*left);
        *left -= length;
        Some((chunk.as_str(), length))
    })
}

/// Bytes of all files.
pub fn bytes(files: &[UploadFile]) -> u64 {
    files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes))
}

/// The id of a list, whatever the order of its files.
pub fn id(wanted: &NewUpload) -> String {
    let mut files: Vec<&UploadFile> = wanted.files.iter().collect();
    files.sort_by(|left, right| left.path.cmp(&right.path));
    let mut hash = Sha256::new();
    // Lengths first, so that no two lists read the same.
    let mut add = |field: &[u8]| {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    };
    add(wanted.scene.as_bytes());
    for file in files {
        add(file.path.as_bytes());
        add(&file.bytes.to_le_bytes());
        file.chunks.iter().for_each(|chunk| add(chunk.as_bytes()));
    }
    let mut digits = format!("{:x}", hash.finalize());
    digits.truncate(ID_DIGITS);
    digits
}

/// Whether this is so many lower-case hexadecimal digits.
pub fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Checks that an upload fits: its files are stored beside the chunks that they are made of.
pub fn check_room(bytes: u64, lacking: u64, bytes_max: Bytes, free: u64) -> Result<(), Problem> {
    if bytes > bytes_max.0 {
        return Err(too_large(format!(
            "the files have {} ({bytes} bytes); this node takes uploads of up to {bytes_max} ({} bytes)",
            Bytes(bytes),
            bytes_max.0
        )));
    }
    let needed = bytes.saturating_add(lacking);
    if needed > free {
        return Err(too_large(format!(
            "the files and the chunks still to be sent need {} ({needed} bytes); the node's disk has {} ({free} bytes)",
            Bytes(needed),
            Bytes(free)
        )));
    }
    Ok(())
}

/// More than this node takes.
pub fn too_large(detail: String) -> Problem {
    Problem::new(413, "upload_too_large", detail).next("send less, or ask whoever runs the node for more room")
}

fn bad_list(detail: impl Into<String>) -> Problem {
    bad_input("bad_upload", detail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(path: &str, bytes: u64) -> UploadFile {
        let chunks = (0..bytes.div_ceil(CHUNK_BYTES))
            .map(|at| format!("{at:064x}"))
            .collect();
        UploadFile {
            path: path.into(),
            bytes,
            chunks,
        }
    }

    fn upload(paths: &[&str], scene: &str) -> NewUpload {
        NewUpload {
            files: paths.iter().map(|path| file(path, 0)).collect(),
            scene: scene.into(),
        }
    }

    fn kind(checked: Result<(), Problem>) -> String {
        checked.err().map(|problem| problem.kind).unwrap_or_default()
    }

    #[test]
    fn paths_stay_in_their_folder() {
        let long = "a/".repeat(512) + "b";
        let part = "a".repeat(256);
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a/..",
            ".",
            "./a",
            "a//b",
            "a/",
            "a\\b",
            "\\\\host\\a",
            "C:",
            "c:/a",
            "C:a",
            "a\0b",
            "a\nb",
            &long,
            &part,
        ] {
            assert_eq!(kind(check_paths([path])), "bad_path", "{path:?}");
        }
        for path in [
            "a",
            "a/b c/d.png",
            "..a",
            "a..",
            "...",
            "ä/é.blend",
            ".hidden",
            "ab:c",
            &"a".repeat(255),
        ] {
            assert_eq!(kind(check_paths([path])), "", "{path:?}");
        }
    }

    #[test]
    fn paths_can_exist_together() {
        for (paths, expected) in [
            (["a", "a"].as_slice(), "bad_path"),
            (&["a", "a/b"], "bad_path"),
            (&["a/b/c/d", "a/b"], "bad_path"),
            (&["a", "A"], ""),
            (&["a", "ab/c", "a-b"], ""),
        ] {
            assert_eq!(kind(check_paths(paths.iter().copied())), expected, "{paths:?}");
        }
    }

    #[test]
    fn scenes_are_named_or_looked_for_in_one_archive() {
        for (paths, scene, expected) in [
            (["a.blend", "b.png"].as_slice(), "a.blend", ""),
            (&["a.blend", "b.png"], "c.blend", "no_scene"),
            (&["a.blend"], "", "no_scene"),
            (&["a.zip", "b.zip"], "", "no_scene"),
            (&["a.zip"], "", ""),
            (&["a.ZIP"], "shot/a.blend", ""),
            (&["a.zip"], "../a.blend", "bad_path"),
            (&[], "", "bad_upload"),
        ] {
            assert_eq!(kind(check(&upload(paths, scene))), expected, "{paths:?} {scene:?}");
        }
    }

    #[test]
    fn chunks_fit_their_files() {
        let refusal = |file: UploadFile| {
            let scene = file.path.clone();
            let files = vec![file];
            kind(check(&NewUpload { files, scene }))
        };
        for bytes in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1] {
            assert_eq!(refusal(file("a", bytes)), "", "{bytes}");
            let mut more = file("a", bytes);
            more.chunks.push("0".repeat(64));
            assert_eq!(refusal(more), "bad_upload", "{bytes}");
        }
        for name in ["0".repeat(63), "A".repeat(64), "g".repeat(64), "../".repeat(21) + "a"] {
            let mut named = file("a", 1);
            named.chunks = vec![name];
            assert_eq!(refusal(named), "bad_upload");
        }
        // The same content in a whole chunk and in a shorter one.
        let mut twice = file("a", CHUNK_BYTES + 1);
        twice.chunks[1] = twice.chunks[0].clone();
        assert_eq!(refusal(twice), "bad_upload");
        let many: Vec<String> = (0..=FILES_MAX).map(|at| at.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(kind(check(&upload(&many, "0"))), "bad_upload");
    }

    #[test]
    fn one_list_has_one_id() {
        let one = upload(&["a", "b"], "a");
        assert!(is_hex(&id(&one), ID_DIGITS));
        assert_eq!(id(&one), id(&upload(&["b", "a"], "a")));
        assert_ne!(id(&one), id(&upload(&["a", "b"], "b")));
        assert_ne!(id(&one), id(&upload(&["a", "bc"], "a")));
        let mut longer = one.clone();
        longer.files[0] = file("a", 1);
        assert_ne!(id(&one), id(&longer));
    }

    #[test]
    fn what_does_not_fit_is_told_with_both_numbers() {
        for (bytes, lacking, bytes_max, free, expected) in [
            (10, 10, 10, 20, None),
            (11, 11, 10, 100, Some(("11 bytes", "10 bytes"))),
            (10, 10, 10, 19, Some(("20 bytes", "19 bytes"))),
            (10, 0, 10, 10, None),
            (
                u64::MAX,
                u64::MAX,
                u64::MAX,
                5,
                Some(("18446744073709551615 bytes", "5 bytes")),
            ),
        ] {
            let checked = check_room(bytes, lacking, Bytes(bytes_max), free);
            let case = format!("{bytes} {lacking} {bytes_max} {free}: {checked:?}");
            assert_eq!(checked.is_err(), expected.is_some(), "{case}");
            if let (Err(problem), Some((needed, had))) = (checked, expected) {
                assert_eq!((problem.status, problem.kind.as_str()), (413, "upload_too_large"));
                assert!(
                    problem.detail.contains(needed) && problem.detail.contains(had),
                    "{case}"
                );
            }
        }
    }
}
