//! Pictures for tests.
#![allow(clippy::unwrap_used)]

use crate::picture::{Channel, Picture, Samples};
use half::f16;
use rayswarm_model::Resolution;

/// Channels of 32-bit floats that count the pixels: 0, 1, 2… in the first, 1000, 1001… in the second.
pub fn numbered(width: u32, height: u32, names: &[&str]) -> Picture {
    let channel = |(index, name): (usize, &&str)| {
        let first = index as f32 * 1000.0;
        Channel::new(
            *name,
            Samples::F32((0..width * height).map(|pixel| first + pixel as f32).collect()),
        )
    };
    Picture::new(
        Resolution { width, height },
        names.iter().enumerate().map(channel).collect(),
    )
    .unwrap()
}

/// A picture as Blender names it, of reproducible noise; one channel of each sample type besides.
pub fn noisy(width: u32, height: u32, seed: u32) -> Picture {
    let count = (width * height) as usize;
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = move || {
        // A linear congruential generator: any noise will do.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let mut floats = |scale: f32| {
        (0..count)
            .map(|_| next() as f32 / 16_777_216.0 * scale)
            .collect::<Vec<f32>>()
    };
    let mut channels: Vec<Channel> = ["R", "G", "B", "A"]
        .into_iter()
        .map(|part| Channel::new(format!("ViewLayer.Combined.{part}"), Samples::F32(floats(2.0))))
        .collect();
    channels.push(Channel::new("ViewLayer.Depth.Z", Samples::F32(floats(100.0))));
    let halves = floats(1.0).into_iter().map(f16::from_f32).collect();
    channels.push(Channel::new("ViewLayer.Mist.Z", Samples::F16(halves)));
    let ids = floats(9.0).into_iter().map(|value| value as u32).collect();
    channels.push(Channel::new("ViewLayer.IndexOB.X", Samples::U32(ids)));
    Picture::new(Resolution { width, height }, channels).unwrap()
}
