//! A PNG as a network's picture: three channels, and apart from them what is transparent. Read in the sandbox.

use rayswarm_model::Resolution;
use rayswarm_models::Source;
use std::io::Cursor;

/// Pixels of a picture at most.
const PIXELS_MAX: u64 = 1 << 28;

/// A picture that was read.
pub(super) struct Read {
    pub(super) colours: Source,
    /// The opacity of each pixel, where one of them is not opaque.
    pub(super) alpha: Option<Vec<u16>>,
    /// The sample that is white, or opaque.
    pub(super) white: u16,
}

/// A file is no picture that is taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum PngError {
    #[error("the picture is no PNG that can be read ({0}); save it as PNG")]
    Unreadable(String),
    #[error("the picture is {0}, more than {PIXELS_MAX} pixels; make it smaller")]
    TooLarge(Resolution),
}

/// Decodes a PNG of any kind: grey and palettes become colours.
pub(super) fn read(bytes: &[u8]) -> Result<Read, PngError> {
    let unreadable = |error: &dyn std::fmt::Display| PngError::Unreadable(error.to_string());
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|error| unreadable(&error))?;
    let (width, height) = (reader.info().width, reader.info().height);
    let resolution = Resolution { width, height };
    if resolution.pixels() > PIXELS_MAX {
        return Err(PngError::TooLarge(resolution));
    }
    let size = reader.output_buffer_size().ok_or(PngError::TooLarge(resolution))?;
    let mut buffer = vec![0; size];
    let frame = reader.next_frame(&mut buffer).map_err(|error| unreadable(&error))?;
    buffer.truncate(frame.buffer_size());
    let (samples, white): (Vec<u16>, u16) = match frame.bit_depth {
        png::BitDepth::Sixteen => {
            let (pairs, _) = buffer.as_chunks::<2>();
            (pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect(), u16::MAX)
        }
        _ => (buffer.into_iter().map(u16::from).collect(), u16::from(u8::MAX)),
    };
    let channels = frame.color_type.samples();
    let has_alpha = matches!(frame.color_type, png::ColorType::Rgba | png::ColorType::GrayscaleAlpha);
    let alpha: Option<Vec<u16>> = has_alpha
        .then(|| {
            samples
                .chunks_exact(channels)
                .map(|pixel| pixel[channels - 1])
                .collect()
        })
        .filter(|alpha: &Vec<u16>| alpha.iter().any(|opacity| *opacity != white));
    let samples = match channels {
        3 => samples,
        4 => samples
            .chunks_exact(4)
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect(),
        _ => samples.chunks_exact(channels).flat_map(|pixel| [pixel[0]; 3]).collect(),
    };
    let colours = Source::new(resolution, samples, white).map_err(|error| unreadable(&error))?;
    Ok(Read { colours, alpha, white })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_models::tiling::Window;

    fn written(color: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == png::ColorType::Indexed {
            encoder.set_palette(vec![255, 0, 0, 0, 0, 255]);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn pixels(read: &Read) -> Vec<f32> {
        let window = Window {
            x: 0,
            y: 0,
            width: 2,
            height: 1,
        };
        read.colours.window(window).values
    }

    #[test]
    fn every_kind_becomes_three_planes() {
        use png::{
            BitDepth::{Eight, Sixteen},
            ColorType,
        };
        let red_and_blue = vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        for (bytes, expected) in [
            (
                written(ColorType::Rgb, Eight, &[255, 0, 0, 0, 0, 255]),
                red_and_blue.clone(),
            ),
            (written(ColorType::Indexed, Eight, &[0, 1]), red_and_blue.clone()),
            (
                written(ColorType::Rgba, Eight, &[255, 0, 0, 9, 0, 0, 255, 255]),
                red_and_blue,
            ),
            (written(ColorType::Grayscale, Eight, &[0, 255]), [0.0, 1.0].repeat(3)),
            (
                written(ColorType::Grayscale, Sixteen, &[0, 0, 255, 255]),
                [0.0, 1.0].repeat(3),
            ),
        ] {
            assert_eq!(pixels(&read(&bytes).unwrap()), expected);
        }
    }

    #[test]
    fn opacity_is_kept_where_there_is_any() {
        let alpha = |opacity| {
            let data = [1, 2, 3, opacity, 4, 5, 6, 255];
            read(&written(png::ColorType::Rgba, png::BitDepth::Eight, &data))
                .unwrap()
                .alpha
        };
        assert_eq!(alpha(7), Some(vec![7, 255]));
        assert_eq!(alpha(255), None);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let good = written(png::ColorType::Rgb, png::BitDepth::Eight, &[0; 6]);
        for bytes in [&b""[..], b"GIF89a", &good[..good.len() / 2]] {
            assert!(read(bytes).is_err());
        }
    }
}
