//! Uploads: files cut into chunks named by their SHA-256, of which only those are sent that this node lacks.
//!
//! | module | holds |
//! |---|---|
//! | [`list`] | what may be uploaded |
//! | [`chunks`] | chunks, shared by all uploads |
//! | [`archive`], [`tail`] | unpacking |
//! | [`busy`] | one hand on each upload at a time |
//! | [`disk`] | whole files or none |
//!
//! All state is on disk:
//!
//! ```text
//! chunks/<first two digits>/<sha256>
//! incoming/                               what is being written; emptied at the start
//! <id>/upload.json                        the list, and the scene once the files are put together
//! <id>/used                               when it was last used, in milliseconds
//! <id>/files/…                            the files
//! ```
//!
//! Chunks outlive the putting together: who adds one picture to a scene and uploads it again sends that picture only.
//! Every call may block for as long as the disk takes.

mod archive;
mod busy;
mod chunks;
mod disk;
mod list;
mod tail;
#[cfg(test)]
mod tests;

use crate::{clock, requestor::refusal::bad_input};
use busy::Busy;
use chunks::Chunks;
use disk::{Incoming, unless_missing};
use list::{ID_DIGITS, is_hex};
use rayswarm_api::{
    Problem, Time,
    upload::{NewUpload, UploadView},
};
use rayswarm_model::{Bytes, UnixMillis};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long an upload is kept that nobody uses.
pub const UNUSED: Duration = Duration::from_secs(48 * 3600);
/// Missing chunks that one answer names.
const MISSING_MAX: usize = 10_000;

/// The uploads of one node.
#[derive(Debug)]
pub struct Uploads {
    folder: PathBuf,
    bytes_max: Bytes,
    chunks: Chunks,
    incoming: Incoming,
    busy: Busy,
    /// Held while uploads begin or go, so that no chunk goes that one has just counted on. Taken after `busy`.
    lists: Mutex<()>,
}

/// An upload as `upload.json` keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    list: NewUpload,
    /// The scene's path; known when the files are put together.
    scene: Option<String>,
}

impl Uploads {
    /// Opens the folder, which holds all there is to know. No upload may have more than `bytes_max`.
    pub fn open(folder: PathBuf, bytes_max: Bytes) -> io::Result<Self> {
        let folder = std::path::absolute(folder)?;
        Ok(Self {
            chunks: Chunks::open(folder.join("chunks"))?,
            incoming: Incoming::open(folder.join("incoming"))?,
            busy: Busy::default(),
            lists: Mutex::new(()),
            folder,
            bytes_max,
        })
    }

    /// Begins an upload, or goes on with the one of the same list.
    pub fn begin(&self, wanted: NewUpload, now: UnixMillis) -> Result<UploadView, Problem> {
        list::check(&wanted)?;
        let id = list::id(&wanted);
        let _lists = self.lists();
        let known = self.read(&id).map_err(unreadable)?;
        let is_new = known.is_none();
        let kept = known.unwrap_or(Kept {
            list: wanted,
            scene: None,
        });
        if kept.scene.is_none() {
            self.check_room(&kept)?;
        }
        let begun = fs::create_dir_all(self.folder.join(&id)).and_then(|()| self.note_use(&id, now));
        let begun = begun.and_then(|()| if is_new { self.write(&id, &kept) } else { Ok(()) });
        begun.map_err(|error| disk::problem("the list of files cannot be stored", &error))?;
        Ok(self.show(&id, &kept))
    }

    /// An upload as it stands.
    pub fn view(&self, id: &str) -> Result<UploadView, Problem> {
        Ok(self.show(id, &self.known(id)?))
    }

    /// Takes a chunk that the upload consists of. Sending one again changes nothing.
    pub fn put_chunk(&self, id: &str, sha256: &str, bytes: &[u8]) -> Result<(), Problem> {
        let kept = self.known(id)?;
        let mut pieces = kept.list.files.iter().flat_map(list::pieces);
        let Some((_, length)) = pieces.find(|(chunk, _)| *chunk == sha256) else {
            let detail = format!("upload {id} has no chunk of that name");
            return Err(bad_input("unwanted_chunk", detail).next("send the chunks that the upload lists as missing"));
        };
        if bytes.len() as u64 != length {
            let detail = format!(
                "chunk {sha256} has {length} bytes by the list of files, and {} came",
                bytes.len()
            );
            return Err(bad_input("wrong_length", detail).next("send the chunk again, or upload the files anew"));
        }
        let found = format!("{:x}", Sha256::digest(bytes));
        if found != sha256 {
            let detail = format!("chunk {sha256} came with the hash {found}");
            return Err(bad_input("wrong_hash", detail).next("send the chunk again, or upload the files anew"));
        }
        let not_stored = |error: io::Error| disk::problem("the chunk cannot be stored", &error);
        // First of all, so that the upload is not forgotten meanwhile.
        self.use_now(id)?;
        if self.chunks.has(sha256, length) {
            return Ok(());
        }
        self.chunks.put(&self.incoming, sha256, bytes).map_err(not_stored)
    }

    /// Puts the files together and finds the scene. Doing it again changes nothing.
    pub fn finish(&self, id: &str) -> Result<UploadView, Problem> {
        let _held = self.busy.hold(id);
        let mut kept = self.known(id)?;
        let not_stored = |error: io::Error| disk::problem("the files cannot be put together", &error);
        if kept.scene.is_none() {
            let lacking = self.chunks.missing(&kept.list.files).count();
            if lacking > 0 {
                return Err(incomplete(format!("upload {id} lacks {lacking} chunks")));
            }
            kept.scene = Some(self.put_together(id, &kept.list)?);
            self.write(id, &kept).map_err(not_stored)?;
        }
        self.use_now(id)?;
        Ok(self.show(id, &kept))
    }

    /// The scene file of a finished upload, for a job.
    pub fn scene_path(&self, id: &str) -> Result<PathBuf, Problem> {
        let kept = self.known(id)?;
        let Some(scene) = kept.scene else {
            return Err(incomplete(format!("upload {id} is not finished")));
        };
        self.use_now(id)?;
        Ok(self.files(id).join(scene))
    }

    /// The folder of an upload's files. Whoever sent them wants all of them to be used, wherever the scene lies among them.
    pub fn files(&self, id: &str) -> PathBuf {
        self.folder.join(id).join("files")
    }

    /// Whether this is a file of the upload.
    pub fn is_part(&self, id: &str, file: &Path) -> bool {
        is_hex(id, ID_DIGITS) && file.starts_with(self.files(id))
    }

    /// Notes that the upload is used, so that it is kept.
    pub fn touch(&self, id: &str) -> Result<(), Problem> {
        self.known(id)?;
        self.use_now(id)
    }

    /// Forgets an upload. The caller knows that no job uses it.
    pub fn remove(&self, id: &str) -> Result<(), Problem> {
        let _held = self.busy.hold(id);
        self.known(id)?;
        let _lists = self.lists();
        disk::remove_folder(&self.folder.join(id))
            .and_then(|()| self.remove_unwanted_chunks())
            .map_err(|error| disk::problem("the upload cannot be removed", &error))
    }

    /// Forgets what nobody has used for [`UNUSED`], and chunks that no upload wants any more. What is `in_use` counts
    /// as used now. `in_use` must not call uploads itself, except [`Self::is_part`]. Gives how many were forgotten.
    pub fn sweep(&self, now: UnixMillis, in_use: impl Fn(&str) -> bool) -> io::Result<usize> {
        let _lists = self.lists();
        let mut forgotten = 0;
        for id in self.ids()? {
            let Some(_held) = self.busy.try_hold(&id) else { continue };
            if in_use(&id) {
                self.note_use(&id, now)?;
            } else if self.expires_at(&id) <= now {
                disk::remove_folder(&self.folder.join(&id))?;
                forgotten += 1;
            }
        }
        self.remove_unwanted_chunks()?;
        Ok(forgotten)
    }

    fn check_room(&self, kept: &Kept) -> Result<(), Problem> {
        let files = &kept.list.files;
        let lacking = self.chunks.missing(files).map(|(_, length)| length).sum();
        let free = disk::free_bytes(&self.folder).map_err(unreadable)?;
        list::check_room(list::bytes(files), lacking, self.bytes_max, free)
    }

    /// Gives the scene's path among the files.
    fn put_together(&self, id: &str, list: &NewUpload) -> Result<String, Problem> {
        let not_stored = |error: io::Error| disk::problem("the files cannot be put together", &error);
        let folder = self.folder.join(id);
        let (archive, parts) = (folder.join("archive.part"), folder.join("files.part"));
        let clear = || unless_missing(fs::remove_file(&archive)).and_then(|_| disk::remove_folder(&parts));
        // What a finish left that the process did not survive.
        clear().map_err(not_stored)?;
        let filled = match list::archive(&list.files) {
            None => list
                .files
                .iter()
                .try_for_each(|file| self.chunks.assemble(file, &parts.join(&file.path)))
                .map(|()| list.scene.clone())
                .map_err(not_stored),
            Some(file) => self
                .chunks
                .assemble(file, &archive)
                .map_err(not_stored)
                .and_then(|()| archive::unpack(&archive, &parts, &list.scene, self.bytes_max)),
        };
        let moved = filled.and_then(|scene| self.move_into_place(id, &parts).map(|()| scene).map_err(not_stored));
        let cleared = clear().map_err(not_stored);
        moved.and_then(|scene| cleared.map(|()| scene))
    }

    fn move_into_place(&self, id: &str, parts: &Path) -> io::Result<()> {
        disk::sync(parts)?;
        let files = self.files(id);
        // Files without a note that they are complete: the process ended between the two.
        disk::remove_folder(&files)?;
        fs::rename(parts, files)
    }

    fn show(&self, id: &str, kept: &Kept) -> UploadView {
        let list = &kept.list;
        let missing = match kept.scene {
            Some(_) => Vec::new(),
            None => {
                let missing = self.chunks.missing(&list.files).map(|(chunk, _)| chunk.to_owned());
                missing.take(MISSING_MAX).collect()
            }
        };
        UploadView {
            id: id.into(),
            scene: kept.scene.as_ref().unwrap_or(&list.scene).clone(),
            files: list.files.len() as u64,
            bytes: list::bytes(&list.files),
            missing,
            complete: kept.scene.is_some(),
            expires_at: Time(self.expires_at(id)),
        }
    }

    fn known(&self, id: &str) -> Result<Kept, Problem> {
        let kept = if is_hex(id, ID_DIGITS) {
            self.read(id).map_err(unreadable)?
        } else {
            None
        };
        kept.ok_or_else(|| {
            let detail = format!("upload {id:?} is not known here; uploads that nobody uses are forgotten");
            Problem::new(404, "no_such_upload", detail).next("upload the files again")
        })
    }

    fn read(&self, id: &str) -> io::Result<Option<Kept>> {
        let Some(bytes) = unless_missing(fs::read(self.list_file(id)))? else {
            return Ok(None);
        };
        let kept = serde_json::from_slice(&bytes);
        // It is written as a whole or not at all: the disk has spoiled it, and uploading again mends it.
        let kept = kept.inspect_err(|error| tracing::warn!(id, %error, "an upload's list does not read"));
        Ok(kept.ok())
    }

    fn write(&self, id: &str, kept: &Kept) -> io::Result<()> {
        self.incoming.write(&self.list_file(id), &serde_json::to_vec(kept)?)
    }

    fn use_now(&self, id: &str) -> Result<(), Problem> {
        let noted = self.note_use(id, clock::now());
        noted.map_err(|error| disk::problem("the use of the upload cannot be noted", &error))
    }

    fn note_use(&self, id: &str, now: UnixMillis) -> io::Result<()> {
        self.incoming.write(&self.use_file(id), now.0.to_string().as_bytes())
    }

    fn expires_at(&self, id: &str) -> UnixMillis {
        let used = fs::read_to_string(self.use_file(id)).ok();
        let used = used.and_then(|used| used.parse().ok()).unwrap_or_default();
        UnixMillis(used).after(UNUSED)
    }

    fn ids(&self) -> io::Result<Vec<String>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            ids.extend(name.to_str().filter(|name| is_hex(name, ID_DIGITS)).map(str::to_owned));
        }
        Ok(ids)
    }

    /// The caller holds `lists`.
    fn remove_unwanted_chunks(&self) -> io::Result<()> {
        let mut wanted = HashSet::new();
        for id in self.ids()? {
            let files = self.read(&id)?.into_iter().flat_map(|kept| kept.list.files);
            wanted.extend(files.flat_map(|file| file.chunks));
        }
        self.chunks.retain(|chunk| wanted.contains(chunk))
    }

    fn list_file(&self, id: &str) -> PathBuf {
        self.folder.join(id).join("upload.json")
    }

    fn use_file(&self, id: &str) -> PathBuf {
        self.folder.join(id).join("used")
    }

    fn lists(&self) -> MutexGuard<'_, ()> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(error: io::Error) -> Problem {
    disk::problem("the uploads cannot be read", &error)
}

fn incomplete(detail: String) -> Problem {
    Problem::new(409, "upload_incomplete", detail).next("send the chunks that it lists as missing, then finish it")
}
