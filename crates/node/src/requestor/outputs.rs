//! Finished files as faces list them.

use super::{naming, record::JobRecord};
use rayswarm_api::job::{Output, OutputKind};
use rayswarm_model::{SceneFacts, settings::OutputFormat};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The finished files of a job, described once each. Their places are those of the record and do not change.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    known: Vec<Output>,
    /// Places in `known` in the order of their names.
    in_order: Vec<usize>,
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
        let mut names = NamesByFolder::new();
        let new: Vec<Output> = (same..record.outputs.len())
            .filter_map(|index| Some(describe(record, index, record.outputs.get(index)?, &mut names)))
            .collect();
        if !new.is_empty() || self.in_order.len() != same {
            self.known.extend(new.iter().cloned());
            self.in_order = (0..self.known.len()).collect();
            self.in_order
                .sort_by(|left, right| self.known[*left].path.cmp(&self.known[*right].path));
        }
        new
    }

    /// All of them, in order of their names.
    pub fn list(&self) -> Vec<Output> {
        self.in_order
            .iter()
            .filter_map(|at| self.known.get(*at))
            .cloned()
            .collect()
    }
}

/// What a job's files are called, by folder: made once for all files of it.
type NamesByFolder = HashMap<PathBuf, Names>;
type Names = HashMap<PathBuf, (OutputKind, i32)>;

fn names_in(record: &JobRecord, facts: &SceneFacts, format: OutputFormat, folder: &Path) -> Names {
    let scene = &record.request.scene;
    let frames = record.frames.iter().flat_map(|frames| frames.as_slice());
    let mut names = Names::new();
    for &frame in frames.chain(&record.frames_inherited) {
        let finished = naming::frame_file(folder, facts, scene, frame, format.of_frames());
        names.entry(finished).or_insert((OutputKind::Frame, frame));
        let raw = naming::raw_file(folder, facts, scene, frame);
        names.entry(raw).or_insert((OutputKind::Raw, frame));
    }
    names
}

fn describe(record: &JobRecord, index: usize, path: &Path, names: &mut NamesByFolder) -> Output {
    let (kind, frame) = kind_of(record, path, names);
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

fn kind_of(record: &JobRecord, path: &Path, names: &mut NamesByFolder) -> (OutputKind, Option<i32>) {
    let (Some(facts), Some(format)) = (&record.facts, record.format) else {
        return (OutputKind::Frame, None);
    };
    if format.is_film() && media_type(path).starts_with("video/") {
        return (OutputKind::Film, None);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if !names.contains_key(folder) {
        names.insert(folder.into(), names_in(record, facts, format, folder));
    }
    match names.get(folder).and_then(|known| known.get(path)) {
        Some((kind, frame)) => (*kind, Some(*frame)),
        None => (OutputKind::Frame, None),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench_seed;

    #[test]
    fn files_are_known_by_their_names_and_listed_in_their_order() {
        let mut record = bench_seed::small_record();
        let [first, second] = [1, 2].map(|frame| format!("/renders/shot_{frame:04}.png").into());
        record.outputs = vec![second, "/renders/shot_0001_raw.exr".into(), "/renders/notes.txt".into()];
        let mut outputs = Outputs::default();
        assert_eq!(outputs.update(&record).len(), 3);
        record.outputs.push(first);
        assert_eq!(outputs.update(&record).len(), 1, "only what is new");
        assert_eq!(outputs.update(&record), []);
        let listed = outputs.list();
        let known: Vec<_> = listed
            .iter()
            .map(|output| (output.index, output.kind, output.frame))
            .collect();
        assert_eq!(
            known,
            [
                (2, OutputKind::Frame, None),
                (3, OutputKind::Frame, Some(1)),
                (1, OutputKind::Raw, Some(1)),
                (0, OutputKind::Frame, Some(2)),
            ]
        );
        record.outputs.truncate(1);
        outputs.update(&record);
        assert_eq!(outputs.list().len(), 1);
    }
}
