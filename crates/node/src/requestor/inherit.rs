//! What an earlier try of the same job left behind: the finished frames of a film that was never encoded.

use super::{assembly::FILM_FRAMES, naming, record::JobRecord};
use crate::services::Services;
use rayswarm_model::{Frames, JobId, SceneFacts, settings::OutputFormat};
use std::path::{Path, PathBuf};

/// Where a job keeps the frames of its film.
pub fn film_frames(services: &Services, job: JobId) -> PathBuf {
    services.folder("jobs").join(job.to_string()).join(FILM_FRAMES)
}

/// Moves the finished frames of the job that this one goes on with into this job's folder. Returns those it now has; none
/// for stills, whose files are where the artist wants them.
pub fn take_over(services: &Services, record: &JobRecord, facts: &SceneFacts, frames: &Frames) -> Vec<i32> {
    let Some(format) = record.format.filter(|format| format.is_film()) else {
        return Vec::new();
    };
    let here = film_frames(services, record.id);
    if let Some(earlier) = record.request.continues {
        let there = film_frames(services, earlier);
        move_frames(
            &there,
            &here,
            |folder, frame| file_of(folder, facts, record, frame, format),
            frames,
        );
    }
    let there_is = |frame: &&i32| file_of(&here, facts, record, **frame, format).is_file();
    frames.as_slice().iter().filter(there_is).copied().collect()
}

fn file_of(folder: &Path, facts: &SceneFacts, record: &JobRecord, frame: i32, format: OutputFormat) -> PathBuf {
    naming::frame_file(folder, facts, &record.request.scene, frame, format.of_frames())
}

/// A frame that cannot be moved is rendered again.
fn move_frames(there: &Path, here: &Path, file: impl Fn(&Path, i32) -> PathBuf, frames: &Frames) {
    if !there.is_dir() {
        return;
    }
    if let Err(error) = std::fs::create_dir_all(here) {
        tracing::warn!(folder = %here.display(), %error, "cannot be made");
        return;
    }
    for &frame in frames.as_slice() {
        let (from, to) = (file(there, frame), file(here, frame));
        if from.is_file()
            && let Err(error) = std::fs::rename(&from, &to)
        {
            tracing::warn!(from = %from.display(), %error, "a finished frame cannot be taken over");
        }
    }
    // What is left belongs to frames that nobody asks for any more.
    if let Err(error) = std::fs::remove_dir_all(there) {
        tracing::debug!(folder = %there.display(), %error, "cannot be removed");
    }
}
