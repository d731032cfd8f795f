//! From a merged picture to a finished file, for engines whose raw pixels need no more than the sRGB curve: POV-Ray,
//! and image models, whose values were display-referred and are kept as the linear light they stand for.

use crate::error::EngineError;
use rayswarm_imaging::{Channel, DecodeLimits, Samples, decode};
use rayswarm_model::{Resolution, settings::OutputFormat};
use std::{
    fmt::Display as Printed,
    fs,
    path::{Path, PathBuf},
};

/// JPEG quality, of 100: Blender's default.
const JPEG_QUALITY: u8 = 90;

/// A picture could not be finished, and why.
#[derive(Debug)]
enum Unfinished {
    Broken(String),
    TooLargeForJpeg(u32),
}

/// Writes the merged picture `merged` as `output` with the format's extension; `engine` names it in errors. Blocking.
pub(crate) fn finish(
    engine: &'static str,
    merged: &Path,
    output: &Path,
    format: OutputFormat,
) -> Result<PathBuf, EngineError> {
    let mut name = output.as_os_str().to_owned();
    name.push(format!(".{}", format.extension()));
    let path = PathBuf::from(name);
    let bytes = fs::read(merged).map_err(EngineError::file("reading", merged))?;
    let bytes = finished(bytes, format).map_err(|unfinished| match unfinished {
        Unfinished::Broken(message) => EngineError::Failed {
            engine,
            what: "make a picture".into(),
            message,
            log: String::new(),
        },
        Unfinished::TooLargeForJpeg(pixels) => EngineError::Refused {
            code: "too_large_for_jpeg",
            message: format!("a side of {pixels} pixels is more than JPEG can hold"),
            remedy: "use --format png".into(),
        },
    })?;
    fs::write(&path, bytes).map_err(EngineError::file("writing", &path))?;
    Ok(path)
}

fn finished(bytes: Vec<u8>, format: OutputFormat) -> Result<Vec<u8>, Unfinished> {
    match format {
        // There is one layer and there are no passes, so both kinds of OpenEXR are what was rendered.
        OutputFormat::Exr | OutputFormat::ExrMultilayer => Ok(bytes),
        OutputFormat::Jpeg => jpeg(&Display::of(&bytes, false)?),
        OutputFormat::Png | OutputFormat::Mp4 | OutputFormat::Webm => png(&Display::of(&bytes, true)?),
    }
}

/// 8-bit sRGB pixels, as POV-Ray itself writes them to PNG.
struct Display {
    width: u32,
    height: u32,
    alpha: bool,
    bytes: Vec<u8>,
}

impl Display {
    fn of(exr: &[u8], keep_alpha: bool) -> Result<Self, Unfinished> {
        let picture = decode(exr, &DecodeLimits::default()).map_err(no_picture)?;
        let Resolution { width, height } = picture.resolution();
        let channel = |name| picture.channel(name).map(Channel::samples);
        let colours = ["R", "G", "B"].map(channel);
        let [Some(red), Some(green), Some(blue)] = colours else {
            return Err(no_picture("the merged picture has no R, G and B channels"));
        };
        let alpha = channel("A").filter(|_| keep_alpha);
        let value = |samples: &Samples, at| samples.get(at).map_or(0.0, |sample| sample.value());
        let mut bytes = Vec::with_capacity(red.len() * if alpha.is_some() { 4 } else { 3 });
        for at in 0..red.len() {
            let opacity = alpha.map_or(1.0, |alpha| value(alpha, at));
            // OpenEXR colours are multiplied by their alpha, PNG's are not.
            let straight = |value: f64| if opacity > 0.0 { value / opacity } else { 0.0 };
            bytes.extend([red, green, blue].map(|channel| to_byte(srgb(straight(value(channel, at))))));
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

/// IEC 61966-2-1, from linear light.
fn srgb(linear: f64) -> f64 {
    if linear <= 0.003_130_8 {
        12.92 * linear
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    }
}

/// IEC 61966-2-1, to linear light: what an image model's values are kept as.
pub(crate) fn linear(display: f64) -> f64 {
    if display <= 0.040_45 {
        display / 12.92
    } else {
        ((display + 0.055) / 1.055).powf(2.4)
    }
}

/// Rounds to the nearest; not-a-number becomes black.
fn to_byte(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn png(display: &Display) -> Result<Vec<u8>, Unfinished> {
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

fn jpeg(display: &Display) -> Result<Vec<u8>, Unfinished> {
    let side = |pixels: u32| u16::try_from(pixels).map_err(|_| Unfinished::TooLargeForJpeg(pixels));
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

fn no_picture(why: impl Printed) -> Unfinished {
    Unfinished::Broken(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_itself_again_after_being_light_in_a_32_bit_float() {
        for level in 0..=255_u8 {
            let light = linear(f64::from(level) / 255.0) as f32;
            assert_eq!(to_byte(srgb(f64::from(light))), level);
        }
    }

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
