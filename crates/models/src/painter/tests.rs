//! Small networks made here, cut in several ways and not at all.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::sample::{Layers, probe_picture};
use rayswarm_model::Rect;

const MANNER: Manner = Manner {
    values: Values::Unit,
    colours: Colours::Rgb,
    strength: 100,
};

/// A picture under construction from cells.
struct Canvas {
    size: Resolution,
    planes: Vec<f32>,
}

impl Canvas {
    fn of(painter: &Painter) -> Self {
        let size = painter.cells().result();
        let planes = vec![f32::NAN; size.pixels() as usize * CHANNELS];
        Self { size, planes }
    }

    /// Puts in the pixels of `rect`, computed as a task of its own would.
    fn paint(&mut self, painter: &Painter, rect: Rect) {
        for cell in painter.cells().touching(rect) {
            let made = painter.paint(&cell).unwrap();
            for y in rect.y.max(cell.result.y)..rect.bottom().min(cell.result.bottom()) {
                for x in rect.x.max(cell.result.x)..rect.right().min(cell.result.right()) {
                    for channel in 0..CHANNELS {
                        let (left, top) = ((x - cell.result.x) as usize, (y - cell.result.y) as usize);
                        let value = made.values[(channel * made.height + top) * made.width + left];
                        let at = (channel as u32 * self.size.height + y) * self.size.width + x;
                        self.planes[at as usize] = value;
                    }
                }
            }
        }
    }

    fn at(&self, channel: u32, x: u32, y: u32) -> f64 {
        f64::from(self.planes[((channel * self.size.height + y) * self.size.width + x) as usize])
    }
}

fn network(layers: Layers) -> Network {
    Network::read(&layers.file()).unwrap()
}

/// Halves, enlarges, normalises twice: all that style networks do.
fn style() -> Network {
    let layers = Layers::new().mirror(2).unpadded_convolution(8, 5).normalise().rectify();
    let layers = layers.convolution(12, 3, 2).normalise().rectify().enlarge(2.0);
    network(layers.convolution(CHANNELS, 3, 1))
}

fn painter(network: Network, width: u32, height: u32, side: u32) -> Painter {
    let size = Resolution { width, height };
    let cells = Cells::new(size, network.reach(), side);
    Painter::with_cells(network, probe_picture(size).unwrap(), MANNER, cells).unwrap()
}

fn whole(painter: &Painter) -> Canvas {
    let mut canvas = Canvas::of(painter);
    canvas.paint(painter, painter.cells().result().whole());
    canvas
}

fn worst(one: &Canvas, other: &Canvas) -> f64 {
    let pairs = one.planes.iter().zip(&other.planes);
    pairs
        .map(|(one, other)| f64::from((one - other).abs()))
        .fold(0.0, f64::max)
}

fn psnr(one: &Canvas, other: &Canvas) -> f64 {
    let pairs = one.planes.iter().zip(&other.planes);
    let sum: f64 = pairs.map(|(one, other)| f64::from(one - other).powi(2)).sum();
    -10.0 * (sum / one.planes.len() as f64).log10()
}

#[test]
fn every_plan_of_tiles_gives_the_same_bytes() {
    let painter = painter(style(), 203, 150, 64);
    let expected = whole(&painter);
    for (columns, rows) in [(1, 3), (4, 1), (3, 2), (7, 5)] {
        let mut canvas = Canvas::of(&painter);
        for row in 0..rows {
            for column in 0..columns {
                let (left, right) = (203 * column / columns, 203 * (column + 1) / columns);
                let (top, bottom) = (150 * row / rows, 150 * (row + 1) / rows);
                let rect = Rect {
                    x: left,
                    y: top,
                    width: right - left,
                    height: bottom - top,
                };
                canvas.paint(&painter, rect);
            }
        }
        let bits = |canvas: &Canvas| canvas.planes.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&canvas), bits(&expected), "{columns}x{rows}");
    }
}

#[test]
fn two_processes_would_measure_and_compute_the_same() {
    let (one, other) = (painter(style(), 130, 90, 64), painter(style(), 130, 90, 64));
    let bits = |canvas: Canvas| canvas.planes.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(whole(&one)), bits(whole(&other)));
}

/// Pieces of a picture that is its own thumbnail differ from the uncut picture in the last bits only, whatever layers
/// are used: the halo is wide enough.
#[test]
fn cut_and_uncut_agree_for_every_kind_of_layer() {
    let nets = [
        ("padded", Layers::new().convolution(6, 5, 1).convolution(CHANNELS, 3, 1)),
        (
            "unpadded",
            Layers::new()
                .unpadded_convolution(6, 5)
                .unpadded_convolution(CHANNELS, 3),
        ),
        ("mirrored", Layers::new().mirror(3).unpadded_convolution(CHANNELS, 7)),
        (
            "strided",
            Layers::new()
                .convolution(6, 3, 2)
                .convolution(6, 3, 2)
                .enlarge(4.0)
                .convolution(CHANNELS, 5, 1),
        ),
        (
            "enlarging",
            Layers::new()
                .convolution(6, 3, 1)
                .enlarge(2.0)
                .convolution(CHANNELS, 3, 1),
        ),
        ("shuffling", Layers::new().convolution(27, 3, 1).spread_out(3)),
        (
            "normalised",
            Layers::new()
                .convolution(6, 3, 1)
                .normalise()
                .rectify()
                .convolution(CHANNELS, 3, 1),
        ),
        (
            "attentive",
            Layers::new().convolution(6, 3, 1).attend().convolution(CHANNELS, 3, 1),
        ),
    ];
    for (name, layers) in nets {
        let network = network(layers);
        let uncut = whole(&painter(network.clone(), 200, 140, 256));
        let cut = whole(&painter(network, 200, 140, 64));
        assert!(worst(&uncut, &cut) < 2e-5, "{name}: {}", worst(&uncut, &cut));
        let middle = uncut
            .planes
            .iter()
            .filter(|value| (0.01..0.99).contains(*value))
            .count();
        assert!(
            middle * 10 > uncut.planes.len(),
            "{name}: black and white alone show nothing"
        );
    }
}

/// Without a halo the same pieces do differ, so the test above can fail.
#[test]
fn a_missing_halo_would_be_seen() {
    let network = style();
    let size = Resolution {
        width: 200,
        height: 140,
    };
    let short = crate::tiling::Reach {
        halo: 0,
        ..network.reach()
    };
    let picture = probe_picture(size).unwrap();
    let cells = Cells::new(size, short, 64);
    let careless = Painter::with_cells(network.clone(), picture, MANNER, cells).unwrap();
    let uncut = whole(&painter(network, 200, 140, 256));
    assert!(worst(&uncut, &whole(&careless)) > 1e-3);
}

#[test]
fn no_seam_shows_where_cells_meet() {
    let network = style();
    let size = Resolution {
        width: 320,
        height: 240,
    };
    let cells = Cells::new(size, network.reach(), 64);
    let mut painter = Painter::with_cells(network.clone(), probe_picture(size).unwrap(), MANNER, cells).unwrap();
    // As on a large picture: the thumbnail is a quarter of it.
    painter.statistics = network.measure(&painter.picture, 160 * 120, |planes| planes).unwrap();
    let canvas = whole(&painter);
    let step = |x: u32, y: u32| {
        (0..3)
            .map(|channel| (canvas.at(channel, x, y) - canvas.at(channel, x - 1, y)).abs())
            .sum::<f64>()
    };
    let mean = |columns: Vec<u32>| {
        let count = columns.len() * 240;
        columns
            .into_iter()
            .flat_map(|x| (0..240).map(move |y| (x, y)))
            .map(|(x, y)| step(x, y))
            .sum::<f64>()
            / count as f64
    };
    let (across, inside) = (
        (1..5).map(|cell| cell * 64).collect(),
        (1..5).map(|cell| cell * 64 - 16).collect(),
    );
    // Edges of the picture's own checker lie at both.
    let ratio = mean(across) / mean(inside);
    assert!((0.7..1.4).contains(&ratio), "{ratio}");
}

#[test]
fn only_a_large_picture_is_measured_on_a_thumbnail_and_only_for_who_wants_numbers() {
    let from_thumbnail = |network: &Network, width, height| {
        let picture = Resolution { width, height };
        Outlook::of(network, picture).unwrap().from_thumbnail
    };
    let plain = network(Layers::new().convolution(3, 3, 1));
    assert!(!from_thumbnail(&style(), 320, 240) && from_thumbnail(&style(), 4096, 3072));
    assert!(!from_thumbnail(&plain, 4096, 3072));
}

#[test]
fn a_thumbnail_stands_for_the_picture() {
    let network = style();
    let uncut = whole(&painter(network.clone(), 320, 240, 512));
    let apart = |pixels| {
        let mut shrunk = painter(network.clone(), 320, 240, 64);
        shrunk.statistics = network.measure(&shrunk.picture, pixels, |planes| planes).unwrap();
        psnr(&uncut, &whole(&shrunk))
    };
    let (quarter, speck) = (apart(160 * 120), apart(10));
    assert!(quarter > 25.0 && speck < quarter, "{quarter} {speck}");
}

#[test]
fn strength_mixes_with_the_picture() {
    let size = Resolution { width: 90, height: 70 };
    let made = |strength| {
        let manner = Manner { strength, ..MANNER };
        let network = style();
        let cells = Cells::new(size, network.reach(), 64);
        whole(&Painter::with_cells(network, probe_picture(size).unwrap(), manner, cells).unwrap())
    };
    let (half, full) = (made(50), made(100));
    let own = probe_picture(size).unwrap().window(Window {
        x: 0,
        y: 0,
        width: 90,
        height: 70,
    });
    for ((half, full), own) in half.planes.iter().zip(&full.planes).zip(&own.values) {
        assert!((half - (full + own) / 2.0).abs() < 1e-6);
    }
    let larger = network(Layers::new().convolution(12, 3, 1).spread_out(2));
    let cells = Cells::new(size, larger.reach(), 64);
    let manner = Manner { strength: 50, ..MANNER };
    let refused = Painter::with_cells(larger, probe_picture(size).unwrap(), manner, cells);
    assert!(matches!(refused, Err(PainterError::Mixed { scale: 2, .. })));
}

#[test]
fn blue_first_is_red_first_turned_round() {
    let planes = Planes {
        width: 2,
        height: 1,
        values: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    };
    let manner = Manner {
        colours: Colours::Bgr,
        ..MANNER
    };
    assert_eq!(manner.spoken(planes).values, [0.5, 0.6, 0.3, 0.4, 0.1, 0.2]);
    assert_eq!([0, 1, 2].map(|channel| manner.channel(channel)), [2, 1, 0]);
}
