//! What is read from small networks made here, and which files are refused.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::sample::{Layers, probe_network};

fn reach(layers: Layers) -> Reach {
    Network::read(&layers.file()).unwrap().reach()
}

#[test]
fn scale_margin_multiple_and_halo_are_read_from_the_layers() {
    let cases = [
        (Layers::new().convolution(3, 9, 1), (1, 1, 0, 4)),
        (
            Layers::new().unpadded_convolution(4, 3).unpadded_convolution(3, 5),
            (1, 1, 3, 0),
        ),
        (Layers::new().mirror(4).unpadded_convolution(3, 9), (1, 1, 0, 4)),
        (Layers::new().convolution(12, 3, 1).spread_out(2), (2, 1, 0, 1)),
        (Layers::new().enlarge(3.0), (3, 1, 0, 0)),
    ];
    for (layers, (scale, multiple, margin, halo)) in cases {
        let expected = Reach {
            scale,
            multiple,
            margin,
            halo,
        };
        assert_eq!(reach(layers), expected);
    }
    let halved = reach(
        Layers::new()
            .convolution(8, 3, 2)
            .convolution(8, 3, 2)
            .enlarge(4.0)
            .convolution(3, 3, 1),
    );
    assert_eq!((halved.scale, halved.multiple, halved.margin), (1, 4, 0));
    // A window begins at a multiple of 4. Its first pixel is wrong after each halving, four are after enlarging, and one
    // more by the last kernel.
    assert_eq!(halved.halo, 5);
}

#[test]
fn whatever_is_a_number_about_the_whole_picture_is_counted() {
    let count = |layers: Layers| Network::read(&layers.file()).unwrap().statistics();
    assert_eq!(count(Layers::new().convolution(3, 3, 1)), 0);
    assert_eq!(count(Layers::new().convolution(3, 3, 1).normalise()), 2);
    assert_eq!(count(Layers::new().convolution(3, 3, 1).attend()), 1);
    assert_eq!(Network::read(&probe_network()).unwrap().statistics(), 6);
}

#[test]
fn memory_grows_with_channels() {
    let bytes = |channels| {
        let layers = Layers::new().convolution(channels, 3, 1).rectify().convolution(3, 3, 1);
        Network::read(&layers.file()).unwrap().bytes_per_pixel()
    };
    assert!(bytes(8) >= 8 * 4, "{}", bytes(8));
    assert!(bytes(64) >= 64 * 4 && bytes(64) > 4 * bytes(8), "{}", bytes(64));
}

#[test]
fn what_is_no_network_for_pictures_is_refused_with_a_reason() {
    let refused = |bytes: &[u8]| Network::read(bytes).unwrap_err().to_string();
    for (bytes, word) in [
        (b"GIF89a".to_vec(), "no ONNX model"),
        (Vec::new(), "no ONNX model"),
        (Layers::new().operation("RandomNormalLike").file(), "draws lots"),
        (Layers::new().operation("Engrave").file(), "Engrave"),
        (
            Layers::new().convolution(3, 3, 1).add_plane(LOOKED_AT[0]).file(),
            "in pieces",
        ),
        (Layers::new().operation("Flatten").file(), "in pieces"),
        (Layers::new().convolution(4, 3, 1).file(), "gives"),
        (Layers::new().convolution(3, 3, 2).file(), "whole number of times"),
        (
            Layers::new().operation("GlobalAveragePool").file(),
            "sides of a picture",
        ),
    ] {
        let said = refused(&bytes);
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_damaged_file_breaks_nothing() {
    let good = probe_network();
    for at in (0..good.len()).step_by(good.len() / 12) {
        let cut = Network::read(&good[..at]);
        assert!(cut.is_err() || at == good.len(), "{at}");
        let mut changed = good.clone();
        changed[at] ^= 0x55;
        // Weights may change unseen; anything else is refused.
        let _ = Network::read(&changed);
    }
}

#[test]
fn the_range_of_numbers_is_found_out() {
    let unit = Network::read(&Layers::new().convolution(3, 3, 1).file()).unwrap();
    assert_eq!(unit.guess_values().unwrap(), Values::Unit);
    let layers = Layers::new().convolution(3, 3, 1).normalise().brighten(60.0);
    let bytes = Network::read(&layers.file()).unwrap();
    assert_eq!(bytes.guess_values().unwrap(), Values::Bytes);
}
