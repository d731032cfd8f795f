//! What the artist asked for, as every provider's session receives it. Hashed into the job, so no floats.

use crate::picture::Resolution;
use serde::{Deserialize, Serialize};

/// Render settings of a job: the scene's own, with the artist's overrides applied. All that may change a raw pixel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RenderSettings {
    /// Whole picture size in pixels.
    pub resolution: Resolution,
    /// Samples per pixel, fixed for the job.
    pub samples: u32,
    /// The renderer to use though the file asks for another (`--engine cycles`).
    pub renderer_override: Option<String>,
    /// Missing files the artist accepts (`--allow-missing`), as the scene names them.
    pub allowed_missing: Vec<String>,
    /// Engine options that change pixels, as sorted name-value pairs (POV-Ray's `declare=fp=0`).
    pub options: Vec<(String, String)>,
}

/// The device a session renders on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The best device found; its kind decides the comparison class.
    Auto,
    /// The processor.
    #[default]
    Cpu,
    /// Nvidia through CUDA.
    Cuda,
    /// Nvidia through OptiX.
    Optix,
    /// AMD through HIP.
    Hip,
    /// Apple through Metal.
    Metal,
    /// Intel through oneAPI.
    Oneapi,
}

/// A file format of finished frames or films.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// 8- or 16-bit PNG with the view transform applied.
    Png,
    /// Scene-linear OpenEXR, one layer.
    Exr,
    /// Scene-linear OpenEXR with every pass.
    ExrMultilayer,
    /// 8-bit JPEG with the view transform applied.
    Jpeg,
    /// H.264 film in MP4, from the finished frames.
    Mp4,
    /// VP9 film in WebM, from the finished frames.
    Webm,
}

impl OutputFormat {
    /// Whether finished frames are encoded into one film at the end.
    pub const fn is_film(self) -> bool {
        matches!(self, Self::Mp4 | Self::Webm)
    }
    /// The format of each finished frame: films are encoded from PNG.
    pub const fn of_frames(self) -> Self {
        if self.is_film() { Self::Png } else { self }
    }
    /// The file name extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Exr | Self::ExrMultilayer => "exr",
            Self::Jpeg => "jpg",
            Self::Mp4 => "mp4",
            Self::Webm => "webm",
        }
    }
}
