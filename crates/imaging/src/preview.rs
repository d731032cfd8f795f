//! A small PNG of a linear picture, for terminals and browsers. Not a finished frame: no view transform, no denoising.

use crate::picture::{Channel, Picture, Samples};
use rayswarm_model::{Rect, Resolution};
use std::ops::Range;

/// A picture has no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// No channels to show.
    #[error("the picture has no colour channels; its first channel is {0:?}")]
    NoColour(String),
    /// The channel asked for is not there.
    #[error("the picture has no channel {0:?}")]
    NoChannel(String),
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

/// How a preview shows values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Exposure in stops: values are multiplied by two to this power.
    pub exposure: f64,
    /// One channel in grey; the colour (`R`, `G`, `B` or the first `Layer.Combined`) without it.
    pub channel: Option<String>,
}

/// A preview that is put together from the parts of a frame, transparent where none is yet.
#[derive(Clone, Debug)]
pub struct Mosaic {
    whole: Resolution,
    size: Resolution,
    look: Look,
    /// Sums of linear, premultiplied red, green, blue and alpha, and the weight they were summed with.
    sums: Vec<[f64; 5]>,
}

impl Mosaic {
    /// Of a frame of this size, at most `side_max` pixels a side and never enlarged.
    pub fn new(whole: Resolution, side_max: u32, look: Look) -> Self {
        let size = fit(whole, side_max.max(1));
        let pixels = size.width as usize * size.height as usize;
        Self {
            whole,
            size,
            look,
            sums: vec![[0.0; 5]; pixels],
        }
    }

    /// Adds the pixels of `tile` from a picture that holds `held` of the frame. Where several parts cover a pixel, such as
    /// slices, the mean counts.
    pub fn add(&mut self, tile: Rect, held: Rect, picture: &Picture) -> Result<(), PreviewError> {
        let source = Source::of(picture, self.look.channel.as_deref())?;
        for y in covered(tile.y, tile.height, self.size.height, self.whole.height) {
            let rows = clip(
                span(y, self.size.height, self.whole.height),
                tile.y,
                tile.height,
                held.y,
            );
            for x in covered(tile.x, tile.width, self.size.width, self.whole.width) {
                let columns = clip(span(x, self.size.width, self.whole.width), tile.x, tile.width, held.x);
                let area = (rows.len() * columns.len()) as f64;
                let Some(sum) = self.sums.get_mut(y as usize * self.size.width as usize + x as usize) else {
                    continue;
                };
                if area > 0.0 {
                    for (sum, part) in sum
                        .iter_mut()
                        .zip(source.mean(picture.resolution().width, &columns, &rows))
                    {
                        *sum += part * area;
                    }
                    sum[4] += area;
                }
            }
        }
        Ok(())
    }

    /// An 8-bit sRGB PNG with alpha. Pixels are averaged in linear light; colour is divided by alpha, as PNG wants it;
    /// values beyond white are cut off, not-a-numbers are black.
    pub fn png(&self) -> Result<Vec<u8>, PreviewError> {
        let gain = self.look.exposure.exp2();
        let mut pixels = Vec::with_capacity(self.sums.len() * 4);
        for &[red, green, blue, alpha, weight] in &self.sums {
            if weight <= 0.0 {
                pixels.extend([0; 4]);
                continue;
            }
            let alpha = (alpha / weight).clamp(0.0, 1.0);
            let shown = |sum: f64| {
                let premultiplied = sum / weight;
                to_srgb(if alpha > 0.0 { gain * premultiplied / alpha } else { 0.0 })
            };
            pixels.extend([shown(red), shown(green), shown(blue), (alpha * 255.0).round() as u8]);
        }
        let size = self.size;
        write_png(size, &pixels).map_err(|source| PreviewError::Png { size, source })
    }
}

/// The channels a preview reads.
struct Source<'a> {
    rgb: [&'a Channel; 3],
    alpha: Option<&'a Channel>,
}

impl<'a> Source<'a> {
    fn of(picture: &'a Picture, channel: Option<&str>) -> Result<Self, PreviewError> {
        if let Some(name) = channel {
            let grey = picture
                .channel(name)
                .ok_or_else(|| PreviewError::NoChannel(name.into()))?;
            return Ok(Self {
                rgb: [grey; 3],
                alpha: None,
            });
        }
        colour_channels(picture).ok_or_else(|| {
            let first = picture.channels().first().map_or("", |channel| channel.name());
            PreviewError::NoColour(first.into())
        })
    }

    fn mean(&self, stride: u32, columns: &Range<usize>, rows: &Range<usize>) -> [f64; 4] {
        let [red, green, blue] = self.rgb.map(|channel| box_mean(channel, stride, columns, rows));
        let alpha = self
            .alpha
            .map_or(1.0, |channel| box_mean(channel, stride, columns, rows));
        [red, green, blue, alpha]
    }
}

fn colour_channels(picture: &Picture) -> Option<Source<'_>> {
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
    Some(Source {
        rgb: [part("R")?, part("G")?, part("B")?],
        alpha: part("A"),
    })
}

/// Which of `parts` pixels of the preview show something of `length` pixels of the frame from `start` on.
fn covered(start: u32, length: u32, parts: u32, whole: u32) -> Range<u32> {
    let at = |pixel: u64| pixel * u64::from(parts);
    let first = at(start.into()) / u64::from(whole);
    let last = at(u64::from(start) + u64::from(length)).div_ceil(u64::from(whole));
    let bounded = |pixel: u64| u32::try_from(pixel).unwrap_or(u32::MAX).min(parts);
    bounded(first)..bounded(last)
}

/// The part of a span of the frame that lies in a tile, counted from where the picture begins.
fn clip(span: Range<usize>, start: u32, length: u32, held: u32) -> Range<usize> {
    let (start, end) = (start as usize, start as usize + length as usize);
    let from_held = |pixel: usize| pixel.clamp(start, end).saturating_sub(held as usize);
    from_held(span.start)..from_held(span.end)
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
fn span(at: u32, parts: u32, whole: u32) -> Range<usize> {
    let edge = |at: u32| (u64::from(at) * u64::from(whole) / u64::from(parts)) as usize;
    edge(at)..edge(at + 1).max(edge(at) + 1)
}

fn box_mean(channel: &Channel, stride: u32, columns: &Range<usize>, rows: &Range<usize>) -> f64 {
    fn sum<T: Copy>(samples: &[T], columns: Range<usize>, row: usize, value: impl Fn(T) -> f64) -> f64 {
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

    fn preview_png(picture: &Picture, side_max: u32) -> Result<Vec<u8>, PreviewError> {
        let whole = picture.resolution();
        let mut mosaic = Mosaic::new(whole, side_max, Look::default());
        mosaic.add(whole.whole(), whole.whole(), picture)?;
        mosaic.png()
    }

    /// Tiles of an odd size with padding around them, none of whose edges falls on a pixel of the preview.
    #[test]
    fn parts_make_the_preview_of_the_whole() {
        let picture = noisy(101, 67, 3);
        let whole = picture.resolution();
        let mut mosaic = Mosaic::new(whole, 40, Look::default());
        let empty = mosaic.png().unwrap();
        assert!(read(&empty).1.iter().all(|value| *value == 0));
        for (x, width) in [(0, 33), (33, 35), (68, 33)] {
            for (y, height) in [(0, 20), (20, 47)] {
                let tile = Rect { x, y, width, height };
                let held = tile.padded(4, whole);
                mosaic.add(tile, held, &crate::crop(&picture, held).unwrap()).unwrap();
            }
        }
        let (left, right) = (
            read(&mosaic.png().unwrap()).1,
            read(&preview_png(&picture, 40).unwrap()).1,
        );
        let off = left.iter().zip(&right).map(|(left, right)| left.abs_diff(*right)).max();
        assert!(off <= Some(1), "{off:?}");
    }

    #[test]
    fn looks_brighten_and_show_one_channel() {
        let picture = flat([0.25, 0.5, 0.0, 1.0], 2, 2);
        let shown = |exposure, channel: Option<&str>| {
            let look = Look {
                exposure,
                channel: channel.map(Into::into),
            };
            let mut mosaic = Mosaic::new(picture.resolution(), 2, look);
            let whole = picture.resolution().whole();
            mosaic.add(whole, whole, &picture)?;
            Ok(read(&mosaic.png()?).1[..4].to_vec())
        };
        let shown = |exposure, channel| -> Result<Vec<u8>, PreviewError> { shown(exposure, channel) };
        assert_eq!(shown(1.0, None).unwrap(), [188, 255, 0, 255]);
        assert_eq!(shown(0.0, Some("ViewLayer.Combined.G")).unwrap(), [188, 188, 188, 255]);
        assert!(matches!(shown(0.0, Some("Depth")), Err(PreviewError::NoChannel(_))));
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
