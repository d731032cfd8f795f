//! What inspecting a scene file found: said before money moves, used by planner, session and faces.

use crate::{picture::Resolution, units::Bytes};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything a plan, a quote or a person needs to know about a scene. Made by an engine adapter, never by a peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SceneFacts {
    /// The adapter that renders it: `blender`, `povray`.
    pub engine: String,
    /// The adapter's version that inspected it, for example `4.5.15`.
    pub engine_version: String,
    /// The program and version that saved the file, as far as it says.
    pub saved_by: String,
    /// The renderer the file asks for: `CYCLES`, `BLENDER_EEVEE_NEXT`, `povray`.
    pub renderer: String,
    /// First frame of the file's range.
    pub frame_start: i32,
    /// Last frame of the file's range, inclusive.
    pub frame_end: i32,
    /// Every how many frames.
    pub frame_step: u32,
    /// Why only frames of the file's range can be rendered, and what to do about it, if that is so.
    #[serde(default)]
    pub frames_bounded: Option<String>,
    /// Frames per second as a fraction (`fps`, `fps_base × 1000`).
    pub frame_rate: FrameRate,
    /// Final picture size with the file's percentage applied, before any border.
    pub resolution: Resolution,
    /// Pixel aspect `x / y` in thousandths; 1000 is square.
    pub pixel_aspect_milli: u32,
    /// Samples per pixel; 1 for engines without samples.
    pub samples: u32,
    /// Whether sampling adapts to noise: then tiles are padded and slices refused.
    pub adaptive_sampling: bool,
    /// Whether the finishing pass denoises.
    pub denoise: bool,
    /// Whether the finishing pass runs a compositor tree.
    pub compositor: bool,
    /// Cameras, and the frames they are bound to by markers.
    pub cameras: Vec<Camera>,
    /// View layers that are rendered.
    pub view_layers: Vec<ViewLayer>,
    /// Where and how the file itself would write its pictures.
    pub output: OutputPattern,
    /// Memory one session is expected to need.
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    pub memory_estimate: Bytes,
    /// Files the scene needs.
    pub dependencies: Vec<Dependency>,
    /// What a person should know: refusals, warnings, notes.
    pub findings: Vec<Finding>,
    /// Whether frames must be played in order in one session (simulation that is not baked).
    pub sequential: bool,
    /// Pixels of padding a tile needs to equal the whole picture.
    pub tile_padding: u32,
    /// Side of the squares on whose grid the engine computes, from the top left: tiles that end elsewhere are exact
    /// too, but cost as much as the squares they touch. 1 for engines that compute pixel by pixel.
    #[serde(default = "pixel_by_pixel")]
    pub tile_step: u32,
    /// Whether tiles are exact for this scene; if not, a frame is one task.
    pub tiles_exact: bool,
    /// Why sample slices are not possible, if they are not.
    pub slices_refused: Option<String>,
    /// Why the engine repeats this scene within rounding only, if it does: audits then tolerate the last bits.
    #[serde(default)]
    pub repeats_roughly: Option<String>,
}

const fn pixel_by_pixel() -> u32 {
    1
}

/// Frames per second: `numerator / denominator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FrameRate {
    /// Frames.
    pub numerator: u32,
    /// In this many seconds.
    pub denominator: u32,
}

/// A camera of the scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Camera {
    /// Its name.
    pub name: String,
    /// Whether it is the scene's active one.
    pub active: bool,
    /// Frames at which a marker binds it.
    pub marker_frames: Vec<i32>,
}

/// A view layer that is rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ViewLayer {
    /// Its name.
    pub name: String,
    /// Passes the outputs, denoiser or compositor read.
    pub passes: Vec<String>,
}

/// The file's own output settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OutputPattern {
    /// File name pattern without folder and extension; `#` stands for frame digits.
    pub name: String,
    /// Format, one of the `--format` words, or the engine's own word where none fits.
    pub format: String,
    /// Colour channels: `BW`, `RGB`, `RGBA`.
    pub color_mode: String,
    /// Bits per channel.
    pub color_depth: u32,
    /// Whether file names tell the frame; a scene that is one picture needs none.
    #[serde(default = "numbered")]
    pub numbered: bool,
}

const fn numbered() -> bool {
    true
}

/// A file the scene needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Dependency {
    /// As the scene names it.
    pub reference: String,
    /// Where it is on this machine; `None` when packed.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub path: Option<PathBuf>,
    /// What it is: `image`, `library`, `font`, `cache`, `volume`, `include`…
    pub kind: String,
    /// Found, packed, missing, or waiting for consent.
    pub state: DependencyState,
}

/// Where a dependency stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DependencyState {
    /// Inside the scene file.
    Packed,
    /// On disk and allowed to travel.
    Found,
    /// Not there.
    Missing,
    /// On disk outside the scene's folder: travels only after `--include`.
    NeedsConsent,
}

/// Something a person should know about the scene.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// Stable word for programs: `unbaked_simulation`, `scripts_off`…
    pub code: String,
    /// What was found, with the names of the things concerned.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Note,
    /// The picture may differ from what is expected.
    Warning,
    /// The job is refused until it is mended.
    Refusal,
}

impl SceneFacts {
    /// The findings that forbid a job.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Refusal)
    }

    /// The dependencies in `state`.
    pub fn dependencies_in(&self, state: DependencyState) -> impl Iterator<Item = &Dependency> {
        self.dependencies
            .iter()
            .filter(move |dependency| dependency.state == state)
    }
}
