//! Photographs made by an encoder, read back as PNG.

#![allow(clippy::unwrap_used)]

use super::*;
use jpeg_encoder::{ColorType, Encoder};

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255; 3];
/// Pixels of one colour a side: large enough that JPEG keeps the middle of each square apart from its neighbours.
const SQUARE: u32 = 32;

/// Three squares beside one another, and three below: six places, so that no turn looks like another.
const PLACES: [[[u8; 3]; 3]; 2] = [[RED, GREEN, BLUE], [WHITE, WHITE, RED]];

fn jpeg(exif: Option<Vec<u8>>, progressive: bool) -> Vec<u8> {
    let (width, height) = (3 * SQUARE, 2 * SQUARE);
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| PLACES[(y / SQUARE) as usize][(x / SQUARE) as usize]))
        .collect();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_progressive(progressive);
    if let Some(exif) = exif {
        encoder
            .add_app_segment(1, [b"Exif\0\0".as_slice(), &exif].concat())
            .unwrap();
    }
    let side = |side: u32| u16::try_from(side).unwrap();
    encoder
        .encode(&pixels, side(width), side(height), ColorType::Rgb)
        .unwrap();
    bytes
}

/// EXIF data with one entry before the orientation.
fn exif(orientation: u16, big: bool) -> Vec<u8> {
    let short = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let long = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut bytes = if big { b"MM".to_vec() } else { b"II".to_vec() };
    bytes.extend(short(42));
    bytes.extend(long(8));
    bytes.extend(short(2));
    for (tag, value) in [(256, 3), (274, orientation)] {
        bytes.extend(short(tag));
        bytes.extend(short(3));
        bytes.extend(long(1));
        bytes.extend(short(value));
        bytes.extend(short(0));
    }
    bytes.extend(long(0));
    bytes
}

fn read(png: &[u8]) -> (Resolution, Vec<u8>) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!(
        (info.color_type, info.bit_depth),
        (png::ColorType::Rgb, png::BitDepth::Eight)
    );
    let size = Resolution {
        width: info.width,
        height: info.height,
    };
    (size, pixels)
}

/// The colours in the middle of each square, each channel as black or white.
fn squares(png: &[u8]) -> Vec<Vec<[u8; 3]>> {
    let (size, pixels) = read(png);
    let middle = |x: u32, y: u32| {
        let at = ((y * SQUARE + SQUARE / 2) * size.width + x * SQUARE + SQUARE / 2) as usize * 3;
        [0, 1, 2].map(|channel| if pixels[at + channel] > 127 { 255 } else { 0 })
    };
    (0..size.height / SQUARE)
        .map(|y| (0..size.width / SQUARE).map(|x| middle(x, y)).collect())
        .collect()
}

#[test]
fn a_jpeg_becomes_a_png() {
    for progressive in [false, true] {
        let png = as_png(jpeg(None, progressive)).unwrap();
        assert_eq!(squares(&png), [PLACES[0].to_vec(), PLACES[1].to_vec()], "{progressive}");
    }
}

#[test]
fn a_grey_jpeg_becomes_colours() {
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 95)
        .encode(&[200; 64], 8, 8, ColorType::Luma)
        .unwrap();
    let (size, pixels) = read(&as_png(bytes).unwrap());
    assert_eq!(size, Resolution { width: 8, height: 8 });
    assert!(pixels.iter().all(|value| value.abs_diff(200) < 4), "{pixels:?}");
}

#[test]
fn pictures_stand_upright() {
    let [[a, b, c], [d, e, f]] = PLACES;
    let rows = [
        (1, vec![vec![a, b, c], vec![d, e, f]]),
        (2, vec![vec![c, b, a], vec![f, e, d]]),
        (3, vec![vec![f, e, d], vec![c, b, a]]),
        (4, vec![vec![d, e, f], vec![a, b, c]]),
        (5, vec![vec![a, d], vec![b, e], vec![c, f]]),
        (6, vec![vec![d, a], vec![e, b], vec![f, c]]),
        (7, vec![vec![f, c], vec![e, b], vec![d, a]]),
        (8, vec![vec![c, f], vec![b, e], vec![a, d]]),
        // No orientation that there is.
        (9, vec![vec![a, b, c], vec![d, e, f]]),
    ];
    for (value, expected) in rows {
        for big in [false, true] {
            let png = as_png(jpeg(Some(exif(value, big)), false)).unwrap();
            assert_eq!(squares(&png), expected, "{value} {big}");
        }
    }
}

#[test]
fn broken_exif_data_are_no_reason_to_refuse_a_picture() {
    let whole = exif(6, true);
    for length in 0..whole.len() {
        let cut = orientation(&whole[..length]);
        assert!(cut.is_none() || cut == Orientation::of(6), "{length}");
    }
    let mut far = whole.clone();
    far[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(orientation(&far), None);
    let png = as_png(jpeg(Some(far), false)).unwrap();
    assert_eq!(read(&png).0.width, 3 * SQUARE);
}

#[test]
fn a_png_stays_as_it_is() {
    let png = as_png(jpeg(None, false)).unwrap();
    assert_eq!(as_png(png.clone()).unwrap(), png);
}

#[test]
fn pictures_of_too_many_pixels_are_refused_by_their_header() {
    let side = |pixels: u32| pixels.to_be_bytes();
    let mut png = as_png(jpeg(None, false)).unwrap();
    png[16..20].copy_from_slice(&side(8193));
    png[20..24].copy_from_slice(&side(8192));
    // The header's own checksum, so that its size is all that is wrong with it.
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    assert!(matches!(as_png(png), Err(PhotoError::TooLarge(size)) if size.width == 8193));

    let mut jpeg = jpeg(None, false);
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(matches!(as_png(jpeg), Err(PhotoError::TooLarge(size)) if size.width == 65_535));
}

/// The checksum of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

#[test]
fn what_is_no_photograph_is_refused() {
    let unknown = as_png(b"GIF89a, and more".to_vec()).unwrap_err().to_string();
    assert!(unknown.contains("\"GIF89a, \""), "{unknown}");
    assert!(matches!(as_png(Vec::new()), Err(PhotoError::Unknown(_))));
    assert!(matches!(as_png(PNG_BEGINNING.to_vec()), Err(PhotoError::Png(_))));
    assert!(matches!(as_png(JPEG_BEGINNING.to_vec()), Err(PhotoError::Jpeg(_))));
    let mut other = jpeg(None, false);
    let frame = other.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    // Lossless: a kind of its own.
    other[frame + 1] = 0xc3;
    assert!(matches!(as_png(other), Err(PhotoError::Jpeg(_))));
}
