//! A small PNG of a linear picture, for terminals and browsers. Not a finished frame: no view transform, no denoising.

use crate::picture::{Channel, Picture, Samples};
use rayswarm_model::Resolution;

/// A picture has no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// No channels to show.
    #[error("the picture has no colour channels; its first channel is {0:?}")]
    NoColour(String),
    /// The PNG encoder failed.
    #[error("the preview of {size} cannot be written as PNG")]
    Png {
        /// The preview's size.
        size: Resolution,
        /// Why.
        #[source]
        source: png::EncodingError,
    },
}

/// An 8-bit sRGB PNG with alpha of the picture's colour (`R`, `G`, `B` or the first `Layer.Combined`), at most `side_max`
/// pixels a side. Pixels are averaged in linear light; colour is divided by alpha, as PNG wants it; values beyond white
/// are cut off, not-a-numbers are black.
pub fn preview_png(picture: &Picture, side_max: u32) -> Result<Vec<u8>, PreviewError> {
    let Some(colour) = colour_channels(picture) else {
        let first = picture.channels().first().map_or("", |channel| channel.name());
        return Err(PreviewError::NoColour(first.into()));
    };
    let whole = picture.resolution();
    let size = fit(whole, side_max.max(1));
    let mut pixels = Vec::with_capacity(size.width as usize * size.height as usize * 4);
    for y in 0..size.height {
        let rows = span(y, size.height, whole.height);
        for x in 0..size.width {
            let columns = span(x, size.width, whole.width);
            let mean =
                |channel: Option<&Channel>| channel.map(|channel| box_mean(channel, whole.width, &columns, &rows));
            let alpha = mean(colour.alpha).unwrap_or(1.0).clamp(0.0, 1.0);
            for part in colour.rgb {
                let premultiplied = mean(Some(part)).unwrap_or(0.0);
                pixels.push(to_srgb(if alpha > 0.0 { premultiplied / alpha } else { 0.0 }));
            }
            pixels.push((alpha * 255.0).round() as u8);
        }
    }
    write_png(size, &pixels).map_err(|source| PreviewError::Png { size, source })
}

struct Colour<'a> {
    rgb: [&'a Channel; 3],
    alpha: Option<&'a Channel>,
}

fn colour_channels(picture: &Picture) -> Option<Colour<'_>> {
    let combined = picture
        .channels()
        .iter()
        .find_map(|channel| channel.name().strip_suffix("Combined.R"));
    let prefix = if picture.channel("R").is_some() {
        String::new()
    } else {
        format!("{}Combined.", combined?)
    };
    let part = |part: &str| picture.channel(&format!("{prefix}{part}"));
    Some(Colour {
        rgb: [part("R")?, part("G")?, part("B")?],
        alpha: part("A"),
    })
}

/// The largest size of the same proportions within `side_max`, never larger than `whole`.
fn fit(whole: Resolution, side_max: u32) -> Resolution {
    let long = whole.width.max(whole.height);
    let scaled = |side: u32| {
        let side = u64::from(side) * u64::from(side_max.min(long)) / u64::from(long);
        u32::try_from(side).unwrap_or(u32::MAX).max(1)
    };
    Resolution {
        width: scaled(whole.width),
        height: scaled(whole.height),
    }
}

/// Which of `whole` pixels belong to pixel `at` of `parts`.
fn span(at: u32, parts: u32, whole: u32) -> std::ops::Range<usize> {
    let edge = |at: u32| (u64::from(at) * u64::from(whole) / u64::from(parts)) as usize;
    edge(at)..edge(at + 1).max(edge(at) + 1)
}

fn box_mean(channel: &Channel, stride: u32, columns: &std::ops::Range<usize>, rows: &std::ops::Range<usize>) -> f64 {
    fn sum<T: Copy>(samples: &[T], columns: std::ops::Range<usize>, row: usize, value: impl Fn(T) -> f64) -> f64 {
        samples
            .get(row + columns.start..row + columns.end)
            .map_or(0.0, |row| row.iter().map(|sample| value(*sample)).sum())
    }
    let total: f64 = rows
        .clone()
        .map(|row| row * stride as usize)
        .map(|row| match channel.samples() {
            Samples::F16(samples) => sum(samples, columns.clone(), row, half::f16::to_f64),
            Samples::F32(samples) => sum(samples, columns.clone(), row, f64::from),
            Samples::U32(samples) => sum(samples, columns.clone(), row, f64::from),
        })
        .sum();
    total / (columns.len() * rows.len()) as f64
}

/// IEC 61966-2-1. The cast saturates and makes not-a-number zero.
fn to_srgb(linear: f64) -> u8 {
    let encoded = if linear <= 0.003_130_8 {
        linear * 12.92
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    };
    (encoded * 255.0).round() as u8
}

fn write_png(size: Resolution, pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.width, size.height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::{noisy, numbered};

    fn read(bytes: &[u8]) -> (Resolution, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (
            Resolution {
                width: info.width,
                height: info.height,
            },
            pixels,
        )
    }

    fn flat(values: [f32; 4], width: u32, height: u32) -> Picture {
        let channel = |(name, value): (&str, f32)| {
            Channel::new(
                format!("ViewLayer.Combined.{name}"),
                Samples::F32(vec![value; (width * height) as usize]),
            )
        };
        Picture::new(
            Resolution { width, height },
            ["R", "G", "B", "A"].into_iter().zip(values).map(channel).collect(),
        )
        .unwrap()
    }

    #[test]
    fn colours_are_encoded_and_unmultiplied() {
        let (size, pixels) = read(&preview_png(&flat([0.25, 0.0, 4.0, 0.5], 30, 10), 16).unwrap());
        assert_eq!(size, Resolution { width: 16, height: 5 });
        // 0.25 / 0.5 is 0.5 in linear light: 188 of 255 in sRGB.
        assert_eq!(&pixels[..4], &[188, 0, 255, 128]);
        let (_, pixels) = read(&preview_png(&flat([f32::NAN, -1.0, f32::INFINITY, 1.0], 1, 1), 16).unwrap());
        assert_eq!(pixels, [0, 0, 255, 255]);
    }

    #[test]
    fn small_and_long_pictures_fit() {
        for (width, height, side, expected) in [(3, 2, 100, (3, 2)), (1000, 1, 10, (10, 1)), (7, 5, 1, (1, 1))] {
            let (size, _) = read(&preview_png(&noisy(width, height, 1), side).unwrap());
            assert_eq!((size.width, size.height), expected);
        }
    }

    #[test]
    fn without_colour_there_is_no_preview() {
        let error = preview_png(&numbered(2, 2, &["ViewLayer.Depth.Z"]), 8)
            .unwrap_err()
            .to_string();
        assert!(error.contains("ViewLayer.Depth.Z"), "{error}");
        assert!(preview_png(&numbered(2, 2, &["R", "G", "B"]), 8).is_ok());
    }
}
