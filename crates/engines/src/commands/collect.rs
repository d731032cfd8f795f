//! Taking what tasks wrote out of a folder that a process inside may still be changing.
//!
//! A process may leave a link to a file of this machine under any name, or put one in the place of a folder while it is
//! being walked. So the folder is walked by descriptors: every part is opened below the one before, and no link is
//! followed.

use super::{error::CommandsError, files::JobFiles, store::FileStore};
use rayswarm_openjd::run::WrittenFile;
use rustix::fs::{Dir, Mode, OFlags, openat};
use std::{
    collections::HashMap,
    ffi::CStr,
    fs::{File, Metadata},
    os::{fd::OwnedFd, unix::fs::MetadataExt},
    path::Path,
};

/// Folders below one another.
const DEPTH_MAX: usize = 64;
/// Files that one folder of a session may hold.
const FILES_MAX: usize = 20_000;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Not to wait for the other end of a pipe that was put in a file's place.
const FILE: OFlags = OFlags::NONBLOCK.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What a file was like when it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    /// When anything of it changed last, which no process can set.
    changed: (i64, i64),
}

/// What the writable folders of a session held when they were looked at last.
#[derive(Debug, Default)]
pub struct Collector {
    known: HashMap<String, Stamp>,
}

/// What a look has found.
#[derive(Debug, Default)]
pub struct Collected {
    /// Files that are new or have changed, by their paths inside.
    pub files: Vec<WrittenFile>,
    /// Links and the like, and names that are no text: they are not taken.
    pub left_out: usize,
}

/// A file that was found, open.
struct Found {
    inside: String,
    file: File,
    metadata: Metadata,
}

impl Collector {
    /// Takes what is there for known.
    pub fn begin(&mut self, folder: &Path, inside: &str) -> Result<(), CommandsError> {
        let known = &mut self.known;
        look(folder, inside, &mut |found| {
            known.insert(found.inside, stamp(&found.metadata));
            Ok(())
        })?;
        Ok(())
    }

    /// Keeps what is new in `folder`, which appears as `inside`, as far as the job gives it back.
    pub fn collect(
        &mut self,
        folder: &Path,
        inside: &str,
        files: &JobFiles,
        store: &FileStore,
        bytes_max: u64,
    ) -> Result<Collected, CommandsError> {
        let (known, mut kept, mut left) = (&mut self.known, Vec::new(), bytes_max);
        let left_out = look(folder, inside, &mut |mut found| {
            let stamp = stamp(&found.metadata);
            if !files.is_output(&found.inside) || known.get(&found.inside) == Some(&stamp) {
                return Ok(());
            }
            let (hash, bytes) = store.keep(&mut found.file, left)?;
            left -= bytes;
            known.insert(found.inside.clone(), stamp);
            kept.push(WrittenFile {
                path: found.inside,
                hash,
                bytes,
                runnable: found.metadata.mode() & 0o100 != 0,
            });
            Ok(())
        })?;
        kept.sort();
        Ok(Collected { files: kept, left_out })
    }
}

/// Hands the ordinary files below `folder` to `take`; gives how many things are none.
fn look(
    folder: &Path,
    inside: &str,
    take: &mut dyn FnMut(Found) -> Result<(), CommandsError>,
) -> Result<usize, CommandsError> {
    let root = rustix::fs::open(folder, FOLDER, Mode::empty());
    let root = root.map_err(|error| CommandsError::file("reading", folder)(error.into()))?;
    let mut walk = Walk {
        place: folder,
        files: 0,
        left_out: 0,
        take,
    };
    walk.below(&root, inside, 0)?;
    Ok(walk.left_out)
}

struct Walk<'a> {
    /// For messages.
    place: &'a Path,
    files: usize,
    left_out: usize,
    take: &'a mut dyn FnMut(Found) -> Result<(), CommandsError>,
}

impl Walk<'_> {
    fn below(&mut self, folder: &OwnedFd, inside: &str, depth: usize) -> Result<(), CommandsError> {
        let place = self.place;
        let failed = move |error: rustix::io::Errno| CommandsError::file("reading", place)(error.into());
        for entry in Dir::read_from(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(text) = name.to_str() else {
                self.left_out += 1;
                continue;
            };
            let path = format!("{inside}/{text}");
            if let Ok(deeper) = openat(folder, name, FOLDER, Mode::empty()) {
                if depth == DEPTH_MAX {
                    return Err(too_many("folders below one another", DEPTH_MAX));
                }
                self.below(&deeper, &path, depth + 1)?;
                continue;
            }
            let Some((file, metadata)) = ordinary(folder, name) else {
                self.left_out += 1;
                continue;
            };
            self.files += 1;
            if self.files > FILES_MAX {
                return Err(too_many("files", FILES_MAX));
            }
            (self.take)(Found {
                inside: path,
                file,
                metadata,
            })?;
        }
        Ok(())
    }
}

/// The file, if it is an ordinary one. It may be gone by now, too.
fn ordinary(folder: &OwnedFd, name: &CStr) -> Option<(File, Metadata)> {
    let file = File::from(openat(folder, name, FILE, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    metadata.is_file().then_some((file, metadata))
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp {
        inode: metadata.ino(),
        bytes: metadata.len(),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

const fn too_many(what: &'static str, most: usize) -> CommandsError {
    CommandsError::TooMuch {
        what,
        most: most as u64,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_openjd::{Asked, Assets, Template};
    use std::fs;

    fn job_files() -> JobFiles {
        let text = "specificationVersion: jobtemplate-2023-09\nname: x\nparameterDefinitions:\n\
                    - {name: Out, type: PATH, objectType: DIRECTORY, dataFlow: OUT, default: out}\n\
                    steps:\n- name: a\n  script: {actions: {onRun: {command: ls}}}\n";
        let job = Template::parse("t.yaml", text)
            .unwrap()
            .expand(&Asked::in_folder("/a"))
            .unwrap();
        JobFiles::of(&job, &Assets::default(), Path::new("/a")).unwrap()
    }

    #[test]
    fn new_and_changed_files_are_taken_and_links_are_not() {
        let root = tempfile::tempdir().unwrap();
        let (out, secret) = (root.path().join("out"), root.path().join("secret"));
        fs::create_dir_all(out.join("deep")).unwrap();
        fs::write(&secret, "secret").unwrap();
        fs::write(out.join("old"), "old").unwrap();
        let store = FileStore::open(root.path().join("store")).unwrap();
        let files = job_files();
        let mut collector = Collector::default();
        collector.begin(&out, "/job/out").unwrap();
        std::os::unix::fs::symlink(&secret, out.join("link")).unwrap();
        std::os::unix::fs::symlink(root.path(), out.join("deep/up")).unwrap();
        fs::write(out.join("deep/new"), "new").unwrap();
        let mut take = || {
            let collected = collector.collect(&out, "/job/out", &files, &store, 100).unwrap();
            let paths: Vec<String> = collected.files.into_iter().map(|file| file.path).collect();
            (paths, collected.left_out)
        };
        assert_eq!(take(), (vec!["/job/out/deep/new".to_owned()], 2));
        assert_eq!(take(), (vec![], 2));
        fs::write(out.join("old"), "different").unwrap();
        assert_eq!(take().0, ["/job/out/old"]);
        assert!(
            collector
                .collect(&out, "/job/other", &files, &store, 100)
                .unwrap()
                .files
                .is_empty()
        );
    }

    #[test]
    fn more_than_a_limit_is_not_taken() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("a"), "123").unwrap();
        fs::write(out.join("b"), "456").unwrap();
        let store = FileStore::open(root.path().join("store")).unwrap();
        let taken = Collector::default().collect(&out, "/job/out", &job_files(), &store, 5);
        assert!(matches!(taken, Err(CommandsError::TooMuch { what: "bytes", .. })));
        let mut deep = out;
        for _ in 0..=DEPTH_MAX {
            deep.push("d");
        }
        fs::create_dir_all(&deep).unwrap();
        let looked = Collector::default().begin(root.path(), "/job/out");
        assert!(matches!(looked, Err(CommandsError::TooMuch { .. })));
    }
}
