//! What engines write is read; what hostile peers write is refused without a panic.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    encode::{Compression, encode},
    testing::{noisy, numbered},
};
use proptest::prelude::*;

/// Written by Blender 4.5.15 (two view layers, one named with a dot; ZIP; 12×8) from its default cube.
const BLENDER: &[u8] = include_bytes!("../../tests/data/blender-4.5-two-layers.exr");
/// Written by Blender 4.5.15 from the same scene: the crop 5×4+3+2 of one layer.
const BLENDER_CROP: &[u8] = include_bytes!("../../tests/data/blender-4.5-crop.exr");
/// Written by Blender 5.0.1 from its default cube: two view layers, one part per pass.
const BLENDER_5: &[u8] = include_bytes!("../../tests/data/blender-5.0-two-layers.exr");
/// Written by POV-Ray 3.7: 12×8, `+FE +UA`, of which only the crop 5×4+3+2 was rendered.
const POVRAY: &[u8] = include_bytes!("../../tests/data/povray-3.7-crop.exr");

const SIZE: Resolution = Resolution { width: 12, height: 8 };

fn names(picture: &Picture) -> Vec<&str> {
    picture.channels().iter().map(Channel::name).collect()
}

#[test]
fn a_file_of_blender_is_read_with_all_its_layers() {
    let picture = decode(BLENDER, &DecodeLimits::exactly(SIZE)).unwrap();
    for name in [
        "Second.Layer.Combined.R",
        "ViewLayer.Combined.A",
        "ViewLayer.CryptoObject00.r",
        "ViewLayer.Depth.Z",
    ] {
        assert_eq!(
            picture.channel(name).unwrap().samples().kind(),
            SampleType::F32,
            "{name}"
        );
    }
    let manifest = picture
        .attributes()
        .iter()
        .find(|(name, _)| name.ends_with("/manifest"))
        .unwrap()
        .1;
    assert!(manifest.contains("\"Cube\":\"a8fce865\""), "{manifest}");
    assert!(picture.attributes().keys().all(|name| name.starts_with("cryptomatte/")));
}

#[test]
fn a_file_of_blender_5_is_put_together_from_its_parts() {
    let picture = decode(BLENDER_5, &DecodeLimits::exactly(SIZE)).unwrap();
    let expected = [
        "Second.Layer.Combined.A",
        "Second.Layer.Combined.B",
        "Second.Layer.Combined.G",
        "Second.Layer.Combined.R",
        "ViewLayer.Combined.A",
        "ViewLayer.Combined.B",
        "ViewLayer.Combined.G",
        "ViewLayer.Combined.R",
        "ViewLayer.Depth.Z",
    ];
    assert_eq!(names(&picture), expected);
}

#[test]
fn a_crop_of_blender_has_the_crops_size_and_the_wholes_pixels() {
    let part = Resolution { width: 5, height: 4 };
    let cropped = decode(BLENDER_CROP, &DecodeLimits::exactly(part)).unwrap();
    let whole = decode(BLENDER, &DecodeLimits::default()).unwrap();
    let rect = rayswarm_model::Rect {
        x: 3,
        y: 2,
        width: 5,
        height: 4,
    };
    let cut = crate::crop(&whole, rect).unwrap();
    for name in ["ViewLayer.Combined.R", "ViewLayer.Combined.A", "ViewLayer.Depth.Z"] {
        assert_eq!(cropped.channel(name), cut.channel(name), "{name}");
    }
}

#[test]
fn a_crop_of_povray_has_the_wholes_size() {
    let picture = decode(POVRAY, &DecodeLimits::exactly(SIZE)).unwrap();
    assert_eq!(names(&picture), ["A", "B", "G", "R"]);
    assert!(
        picture
            .channels()
            .iter()
            .all(|channel| channel.samples().kind() == SampleType::F16)
    );
    let red = |x: usize, y: usize| picture.channel("R").unwrap().samples().get(y * 12 + x).unwrap().value();
    assert_eq!(red(0, 0), 0.0, "outside the crop");
    assert!(
        (3..8)
            .flat_map(|x| (2..6).map(move |y| (x, y)))
            .any(|(x, y)| red(x, y) > 0.0),
        "inside the crop"
    );
}

#[test]
fn limits_hold_before_pixels_are_read() {
    let bytes = encode(&noisy(100, 100, 1), Compression::Zip).unwrap();
    let limits = DecodeLimits::default();
    let cases = [
        DecodeLimits {
            pixels_max: 9_999,
            ..limits
        },
        DecodeLimits {
            channels_max: 6,
            ..limits
        },
        DecodeLimits {
            bytes_max: Bytes(100_000),
            ..limits
        },
    ];
    for limits in cases {
        assert!(
            matches!(decode(&bytes, &limits), Err(DecodeError::TooLarge { .. })),
            "{limits:?}"
        );
    }
    let other = Resolution {
        width: 100,
        height: 101,
    };
    assert!(matches!(
        decode(&bytes, &DecodeLimits::exactly(other)),
        Err(DecodeError::Resolution { .. })
    ));
    assert!(decode(&bytes, &limits).is_ok());
}

#[test]
fn a_small_file_cannot_declare_a_huge_picture() {
    let mut bytes = encode(&numbered(16, 16, &["R"]), Compression::Zip).unwrap();
    for at in windows_of(&bytes) {
        bytes[at + 8..at + 16].copy_from_slice(&[0xff, 0x3f, 0, 0, 0xff, 0x3f, 0, 0]);
    }
    let error = decode(&bytes, &DecodeLimits::default()).unwrap_err();
    assert!(
        matches!(
            error,
            DecodeError::TooLarge {
                found: 1_073_741_824,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_window_elsewhere_is_refused() {
    let mut bytes = encode(&numbered(16, 16, &["R"]), Compression::Zip).unwrap();
    for at in windows_of(&bytes) {
        let window: Vec<u8> = [3i32, 0, 18, 15].into_iter().flat_map(i32::to_le_bytes).collect();
        bytes[at..at + 16].copy_from_slice(&window);
    }
    assert!(matches!(
        decode(&bytes, &DecodeLimits::default()),
        Err(DecodeError::Unsupported(_))
    ));
}

/// Where the two windows' 16 bytes begin.
fn windows_of(bytes: &[u8]) -> Vec<usize> {
    let tag = b"box2i\0";
    let found: Vec<usize> = (0..bytes.len() - tag.len())
        .filter(|at| bytes[*at..].starts_with(tag))
        .collect();
    assert_eq!(found.len(), 2);
    found.into_iter().map(|at| at + tag.len() + 4).collect()
}

#[test]
fn a_row_given_twice_in_place_of_another_is_noticed() {
    let picture = numbered(4, 3, &["R"]);
    let mut bytes = encode(&picture, Compression::Uncompressed).unwrap();
    let row_bytes = 8 + 16;
    let last = bytes.len() - row_bytes;
    let (before, row) = bytes.split_at_mut(last);
    row.copy_from_slice(&before[last - row_bytes..]);
    assert!(matches!(
        decode(&bytes, &DecodeLimits::default()),
        Err(DecodeError::Row { row: 1, times: 2, .. })
    ));
}

#[test]
fn cut_files_are_refused() {
    let bytes = encode(&noisy(20, 20, 1), Compression::Zip).unwrap();
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length], &DecodeLimits::default()).is_err(), "{length}");
    }
}

#[test]
fn lossy_compression_is_refused() {
    let mut bytes = encode(&numbered(16, 16, &["R"]), Compression::Zip).unwrap();
    let tag = b"compression\0compression\0";
    let at = (0..bytes.len()).find(|at| bytes[*at..].starts_with(tag)).unwrap() + tag.len() + 4;
    for (code, name) in [(5, "PXR24"), (8, "DWAA")] {
        bytes[at] = code;
        let error = decode(&bytes, &DecodeLimits::default()).unwrap_err();
        assert!(matches!(error, DecodeError::Unsupported(_)), "{name}: {error}");
    }
}

/// Keeps what the reader does on mutated bytes out of the test's output.
fn quietly(work: impl FnOnce()) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_never_panic(
        which in 0usize..6,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        early in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let own = encode(&noisy(9, 18, 5), Compression::Zip).unwrap();
        let plain = encode(&noisy(9, 18, 5), Compression::Uncompressed).unwrap();
        let mut bytes = [BLENDER, BLENDER_5, BLENDER_CROP, POVRAY, own.as_slice(), plain.as_slice()][which].to_vec();
        // Headers are where the danger is: half of the cases edit only there.
        let range = if early { bytes.len().min(1200) } else { bytes.len() };
        for (at, value) in edits {
            bytes[at.index(range)] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let limits = DecodeLimits { pixels_max: 1 << 20, bytes_max: Bytes(1 << 26), ..DecodeLimits::default() };
        quietly(|| {
            let _ = decode(&bytes, &limits);
        });
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        quietly(|| assert!(decode(&bytes, &DecodeLimits::default()).is_err()));
    }
}
