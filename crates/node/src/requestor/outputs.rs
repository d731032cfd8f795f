//! Finished files as faces list them.

use super::{naming, record::JobRecord};
use rayswarm_api::job::{Output, OutputKind};
use rayswarm_model::settings::OutputFormat;
use std::path::{Path, PathBuf};

/// The finished files of a job, described once each. Their places are those of the record and do not change.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    known: Vec<Output>,
}

impl Outputs {
    /// Describes what is new in the record; returns it.
    pub fn update(&mut self, record: &JobRecord) -> Vec<Output> {
        let same = self
            .known
            .iter()
            .zip(&record.outputs)
            .take_while(|(known, path)| known.path == **path);
        let same = same.count();
        self.known.truncate(same);
        let new: Vec<Output> = (same..record.outputs.len())
            .filter_map(|index| Some(describe(record, index, record.outputs.get(index)?)))
            .collect();
        self.known.extend(new.iter().cloned());
        new
    }

    /// All of them, in order of their names.
    pub fn list(&self) -> Vec<Output> {
        let mut list = self.known.clone();
        list.sort_by(|left, right| left.path.cmp(&right.path));
        list
    }
}

fn describe(record: &JobRecord, index: usize, path: &Path) -> Output {
    let (kind, frame) = kind_of(record, path);
    Output {
        index: index as u64,
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: path.into(),
        kind,
        frame,
        bytes: std::fs::metadata(path).map_or(0, |file| file.len()),
        media_type: media_type(path).into(),
    }
}

fn kind_of(record: &JobRecord, path: &Path) -> (OutputKind, Option<i32>) {
    let (Some(facts), Some(format)) = (&record.facts, record.format) else {
        return (OutputKind::Frame, None);
    };
    if format.is_film() && media_type(path).starts_with("video/") {
        return (OutputKind::Film, None);
    }
    let (folder, scene) = (path.parent().unwrap_or(Path::new("")), &record.request.scene);
    let frames = record.frames.iter().flat_map(|frames| frames.as_slice());
    for &frame in frames.chain(&record.frames_inherited) {
        if path == naming::frame_file(folder, facts, scene, frame, format.of_frames()) {
            return (OutputKind::Frame, Some(frame));
        }
        if path == naming::raw_file(folder, facts, scene, frame) {
            return (OutputKind::Raw, Some(frame));
        }
    }
    (OutputKind::Frame, None)
}

/// The finished file of a frame, if it is there.
pub fn of_frame(record_outputs: &[Output], frame: i32, kind: OutputKind) -> Option<PathBuf> {
    let wanted = |output: &&Output| output.frame == Some(frame) && output.kind == kind;
    record_outputs.iter().find(wanted).map(|output| output.path.clone())
}

fn media_type(path: &Path) -> &'static str {
    let extension = path.extension().unwrap_or_default();
    let of = |format: OutputFormat| extension == format.extension();
    match () {
        () if of(OutputFormat::Png) => "image/png",
        () if of(OutputFormat::Jpeg) => "image/jpeg",
        () if of(OutputFormat::Exr) => "image/x-exr",
        () if of(OutputFormat::Mp4) => "video/mp4",
        () if of(OutputFormat::Webm) => "video/webm",
        () => "application/octet-stream",
    }
}
