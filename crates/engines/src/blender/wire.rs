//! The messages of `docs/protocol/session.md`: one JSON document per line, requests in, events out.

use rayswarm_model::{
    Rect, RenderSettings, SceneFacts, Slice,
    settings::{Device, OutputFormat},
};
use serde::{Deserialize, Serialize};

/// The protocol's version; both sides come from one binary, so a mismatch is a mistake in packaging.
pub(super) const PROTOCOL: u32 = 1;

/// A request with its number.
#[derive(Serialize)]
pub(super) struct Numbered<'a> {
    pub id: u64,
    #[serde(flatten)]
    pub request: &'a Request<'a>,
}

/// What a session is asked to do.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Request<'a> {
    /// Load a scene and make it ready for tiles.
    Open {
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
    /// End.
    Quit,
}

/// The settings that matter before there is a job.
#[derive(Serialize)]
pub(super) struct InspectSettings<'a> {
    pub renderer_override: Option<&'a str>,
    pub allowed_missing: &'a [String],
    pub options: &'a [(String, String)],
}

/// What a session says.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// First of all.
    Hello { protocol: u32, engine_version: String },
    /// Work goes on; thousandths done.
    Progress { id: u64, milli: u32 },
    /// Done.
    Ok {
        id: u64,
        result: serde_json::Value,
        cpu_millis: u64,
    },
    /// Not done.
    Error {
        id: u64,
        kind: ErrorKind,
        code: String,
        message: String,
        remedy: String,
    },
}

/// Whether the same request may succeed another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorKind {
    Permanent,
    Transient,
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
    /// The tiles that are used, for [`Shape::Udim`].
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
