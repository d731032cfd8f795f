//! From POV-Ray's OpenEXR file to a task's picture, and from a merged picture to a finished file.

use super::{NAME, command::WorkFolder};
use crate::error::EngineError;
use rayswarm_imaging::{Compression, DecodeLimits, Picture, crop, decode, encode};
use rayswarm_model::{Rect, Resolution, settings::OutputFormat};
use rayswarm_sandbox::claim_file;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A picture of 65536 × 65536 half floats is beyond what POV-Ray writes; this is beyond what we read.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// JPEG quality, of 100: Blender's default.
const JPEG_QUALITY: u8 = 90;

/// Takes the one picture a process left, which is as large as the whole and black outside `rect`, and keeps `rect` of it.
pub(crate) fn take(work: &WorkFolder, resolution: Resolution, rect: Rect, to: &Path) -> Result<(), EngineError> {
    let out = work.out();
    // The number of digits in its name depends on the range.
    let entries = fs::read_dir(&out)
        .map_err(EngineError::file("reading", &out))?
        .flatten();
    let names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let picture = names
        .iter()
        .find(|name| name.starts_with("frame") && name.ends_with(".exr"));
    let name = picture.ok_or_else(|| no_picture("it ended well and wrote no picture"))?;
    claim_file(&out, name, to, FILE_BYTES_MAX)?;
    let bytes = fs::read(to).map_err(EngineError::file("reading", to))?;
    let whole = decode(&bytes, &DecodeLimits::exactly(resolution)).map_err(no_picture)?;
    let part = crop(&whole, rect).map_err(no_picture)?;
    let bytes = encode(&part, Compression::Zip).map_err(no_picture)?;
    fs::write(to, bytes).map_err(EngineError::file("writing", to))
}

/// Writes the merged picture `merged` as `output` with the format's extension.
pub(crate) fn finish(merged: &Path, output: &Path, format: OutputFormat) -> Result<PathBuf, EngineError> {
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".{}", format.extension()));
    let path = PathBuf::from(name);
    let bytes = fs::read(merged).map_err(EngineError::file("reading", merged))?;
    let bytes = match format {
        // POV-Ray has one layer and no passes, so both kinds of OpenEXR are what was rendered.
        OutputFormat::Exr | OutputFormat::ExrMultilayer => bytes,
        OutputFormat::Jpeg => jpeg(&Display::of(&bytes, false)?)?,
        OutputFormat::Png | OutputFormat::Mp4 | OutputFormat::Webm => png(&Display::of(&bytes, true)?)?,
    };
    fs::write(&path, bytes).map_err(EngineError::file("writing", &path))?;
    Ok(path)
}

/// 8-bit sRGB pixels, as POV-Ray itself writes them to PNG.
struct Display {
    width: u32,
    height: u32,
    alpha: bool,
    bytes: Vec<u8>,
}

impl Display {
    fn of(exr: &[u8], keep_alpha: bool) -> Result<Self, EngineError> {
        let picture = decode(exr, &DecodeLimits::default()).map_err(no_picture)?;
        let Resolution { width, height } = picture.resolution();
        let colours = ["R", "G", "B"].map(|name| values(&picture, name));
        let [Some(red), Some(green), Some(blue)] = colours else {
            return Err(no_picture("the merged picture has no R, G and B channels"));
        };
        let alpha = values(&picture, "A").filter(|_| keep_alpha);
        let mut bytes = Vec::with_capacity(red.len() * 4);
        for at in 0..red.len() {
            let opacity = alpha.as_ref().map_or(1.0, |alpha| alpha[at]);
            // OpenEXR colours are multiplied by their alpha, PNG's are not.
            let straight = |value: f64| if opacity > 0.0 { value / opacity } else { 0.0 };
            bytes.extend([&red, &green, &blue].map(|channel| to_byte(srgb(straight(channel[at])))));
            if alpha.is_some() {
                bytes.push(to_byte(opacity));
            }
        }
        Ok(Self {
            width,
            height,
            alpha: alpha.is_some(),
            bytes,
        })
    }
}

/// One channel as doubles.
fn values(picture: &Picture, name: &str) -> Option<Vec<f64>> {
    let samples = picture.channel(name)?.samples();
    (0..samples.len())
        .map(|at| samples.get(at).map(|sample| sample.value()))
        .collect()
}

/// IEC 61966-2-1, from linear light.
fn srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 {
        12.92 * linear
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    }
}

/// Rounds to the nearest; not-a-number becomes black.
fn to_byte(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn png(display: &Display) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, display.width, display.height);
    encoder.set_color(if display.alpha {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header().map_err(no_picture)?;
    writer.write_image_data(&display.bytes).map_err(no_picture)?;
    writer.finish().map_err(no_picture)?;
    Ok(bytes)
}

fn jpeg(display: &Display) -> Result<Vec<u8>, EngineError> {
    let side = |pixels: u32| {
        u16::try_from(pixels).map_err(|_| EngineError::Refused {
            code: "too_large_for_jpeg",
            message: format!("a side of {pixels} pixels is more than JPEG can hold"),
            remedy: "use --format png".into(),
        })
    };
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY)
        .encode(
            &display.bytes,
            side(display.width)?,
            side(display.height)?,
            jpeg_encoder::ColorType::Rgb,
        )
        .map_err(no_picture)?;
    Ok(bytes)
}

fn no_picture(why: impl std::fmt::Display) -> EngineError {
    EngineError::Failed {
        engine: NAME,
        what: "make a picture".into(),
        message: why.to_string(),
        log: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_becomes_bytes_as_srgb_says() {
        for (linear, byte) in [
            (0.0, 0),
            (1.0, 255),
            (0.5, 188),
            (0.002, 7),
            (-1.0, 0),
            (9.0, 255),
            (f64::NAN, 0),
        ] {
            assert_eq!(to_byte(srgb(linear)), byte, "{linear}");
        }
    }
}
