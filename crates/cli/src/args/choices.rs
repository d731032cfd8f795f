//! Arguments that are one of a few words.

use clap::ValueEnum;
use rayswarm_model::settings::{Device, OutputFormat};

/// `--device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    /// The best device found (GPU paths are untested)
    Auto,
    /// The processor
    Cpu,
    /// Nvidia, CUDA (untested)
    Cuda,
    /// Nvidia, OptiX (untested)
    Optix,
    /// AMD, HIP (untested)
    Hip,
    /// Apple, Metal (untested)
    Metal,
    /// Intel, oneAPI (untested)
    Oneapi,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// PNG with the view transform
    Png,
    /// Scene-linear OpenEXR
    Exr,
    /// Scene-linear OpenEXR with every pass
    ExrMultilayer,
    /// JPEG with the view transform
    Jpeg,
    /// H.264 film
    Mp4,
    /// VP9 film
    Webm,
}

impl From<DeviceArg> for Device {
    fn from(device: DeviceArg) -> Self {
        match device {
            DeviceArg::Auto => Self::Auto,
            DeviceArg::Cpu => Self::Cpu,
            DeviceArg::Cuda => Self::Cuda,
            DeviceArg::Optix => Self::Optix,
            DeviceArg::Hip => Self::Hip,
            DeviceArg::Metal => Self::Metal,
            DeviceArg::Oneapi => Self::Oneapi,
        }
    }
}

impl From<FormatArg> for OutputFormat {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Png => Self::Png,
            FormatArg::Exr => Self::Exr,
            FormatArg::ExrMultilayer => Self::ExrMultilayer,
            FormatArg::Jpeg => Self::Jpeg,
            FormatArg::Mp4 => Self::Mp4,
            FormatArg::Webm => Self::Webm,
        }
    }
}
