//! Requests and results of `docs/protocol/session.md`. What frames them is [`crate::conversation`]'s.

use crate::engine::SessionPurpose;
use rayswarm_model::{
    Frames, Rect, RenderSettings, SceneFacts, Slice,
    settings::{Device, OutputFormat},
};
use serde::{Deserialize, Serialize};

/// What a session is asked to do.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Request<'a> {
    /// Load a scene and make it ready for tiles.
    Open {
        purpose: SessionPurpose,
        scene: &'a str,
        settings: &'a RenderSettings,
        threads: u32,
        device: Device,
    },
    /// Say what a scene is and what it needs.
    Inspect {
        scene: &'a str,
        settings: InspectSettings<'a>,
    },
    /// Render one tile; `rect` is what to render, padding included.
    Render {
        frame: i32,
        rect: Rect,
        slice: Slice,
        play_from: Option<i32>,
        output: String,
    },
    /// Finish one merged frame.
    Finish {
        frame: i32,
        merged: String,
        output: String,
        format: OutputFormat,
    },
}

/// The settings that matter before there is a job.
#[derive(Serialize)]
pub(super) struct InspectSettings<'a> {
    pub renderer_override: Option<&'a str>,
    pub allowed_missing: &'a [String],
    pub options: &'a [(String, String)],
    /// The job's frames; the file's own range when there is no job yet.
    pub frames: Option<&'a Frames>,
}

/// The result of `open`.
#[derive(Debug, Deserialize)]
pub(super) struct Opened {
    pub device: DeviceKind,
}

/// What renders, by Cycles' own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum DeviceKind {
    Cpu,
    Cuda,
    Optix,
    Hip,
    Metal,
    Oneapi,
}

impl From<DeviceKind> for Device {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Cpu => Self::Cpu,
            DeviceKind::Cuda => Self::Cuda,
            DeviceKind::Optix => Self::Optix,
            DeviceKind::Hip => Self::Hip,
            DeviceKind::Metal => Self::Metal,
            DeviceKind::Oneapi => Self::Oneapi,
        }
    }
}

/// The result of `inspect`.
#[derive(Debug, Deserialize)]
pub(super) struct Inspected {
    pub facts: SceneFacts,
    pub references: Vec<Reference>,
}

/// An external file or pattern of files that a scene names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Reference {
    /// As the scene names it.
    pub reference: String,
    /// Absolute path inside the session.
    pub inside: String,
    pub kind: String,
    /// Whether its bytes are in the scene file.
    pub packed: bool,
    pub shape: Shape,
    /// The tiles that are used, for [`Shape::Udim`]; the files that the frames show, for [`Shape::Sequence`], as far as
    /// the scene tells.
    pub expected: Vec<String>,
    /// Whether the picture needs it.
    pub needed: bool,
}

/// What a reference stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Shape {
    /// One file.
    File,
    /// One file per texture tile.
    Udim,
    /// Files that differ in the last number of their names.
    Sequence,
    /// A folder and all below it.
    Folder,
}

/// The result of `finish`.
#[derive(Debug, Deserialize)]
pub(super) struct Finished {
    pub files: Vec<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_device_a_session_can_name_is_known_and_auto_is_none_of_them() {
        let settings = include_str!("../../../../engines/blender/settings.py");
        let kinds = settings
            .split_once("GPU_KINDS = (")
            .and_then(|(_, rest)| rest.split_once(')'));
        let kinds = kinds
            .unwrap()
            .0
            .split(',')
            .map(str::trim)
            .filter(|kind| !kind.is_empty());
        let mut seen = 0;
        for kind in kinds.chain(["\"CPU\""]) {
            let opened: Opened = serde_json::from_str(&format!("{{\"device\": {kind}}}")).unwrap();
            assert_ne!(Device::from(opened.device), Device::Auto, "{kind}");
            seen += 1;
        }
        assert_eq!(seen, 6);
        assert!(serde_json::from_str::<Opened>(r#"{"device": "AUTO"}"#).is_err());
    }
}
