//! Changes of bytes that have no form.

use super::LENGTH_MAX;
use rand::{Rng as _, RngCore as _};
use rand_chacha::ChaCha8Rng;

/// Bytes at which decoders turn: ends of ranges, prefixes of RLP, long numbers of postcard, pieces of JSON.
const PIECES: [&[u8]; 20] = [
    &[0],
    &[1],
    &[0x7f],
    &[0x80],
    &[0xff],
    &[0xb7, 0xb8],
    &[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xc0],
    &[0xf7, 0xf8],
    &[0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x04],
    b"null",
    b"-1",
    b"1e999",
    b"0x",
    b"\"\\ud800\"",
    b"[[[[[[[[[[[[[[[[",
    b"18446744073709551616",
];

/// Bytes of chance.
pub(super) fn bytes(random: &mut ChaCha8Rng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    random.fill_bytes(&mut bytes);
    bytes
}

/// One change. `other` is another good input.
pub(super) fn change(random: &mut ChaCha8Rng, mut input: Vec<u8>, other: &[u8]) -> Vec<u8> {
    match random.random_range(0..10) {
        0 => flip(random, &mut input),
        1 => number(random, &mut input),
        2 => {
            let end = place(random, &input);
            input.truncate(end);
        }
        3 => {
            let (start, end) = range(random, &input);
            input.drain(start..end);
        }
        4 => {
            let (start, end) = range(random, &input);
            let copy = input[start..end].to_vec();
            insert(random, &mut input, &copy);
        }
        5 => repeat(random, &mut input),
        6 => {
            let (end, start) = (place(random, &input), place(random, other));
            input.truncate(end);
            input.extend_from_slice(&other[start..]);
        }
        7 => {
            let length = random.random_range(1..=16);
            let some = bytes(random, length);
            insert(random, &mut input, &some);
        }
        8 => {
            let piece = PIECES[random.random_range(0..PIECES.len())];
            insert(random, &mut input, piece);
        }
        _ => {
            let piece = PIECES[random.random_range(0..PIECES.len())];
            let start = place(random, &input);
            let end = (start + piece.len()).min(input.len());
            input.splice(start..end, piece.iter().copied());
        }
    }
    input
}

/// A place in the bytes, their end included.
fn place(random: &mut ChaCha8Rng, bytes: &[u8]) -> usize {
    random.random_range(0..=bytes.len())
}

fn range(random: &mut ChaCha8Rng, bytes: &[u8]) -> (usize, usize) {
    let (one, two) = (place(random, bytes), place(random, bytes));
    (one.min(two), one.max(two))
}

fn insert(random: &mut ChaCha8Rng, input: &mut Vec<u8>, piece: &[u8]) {
    let at = place(random, input);
    input.splice(at..at, piece.iter().copied());
}

fn flip(random: &mut ChaCha8Rng, input: &mut [u8]) {
    for _ in 0..random.random_range(1..=8) {
        let at = random.random_range(0..input.len().max(1));
        if let Some(byte) = input.get_mut(at) {
            *byte ^= 1 << random.random_range(0..8);
        }
    }
}

/// Writes an extreme number over some bytes, in either order: lengths are looked for so.
fn number(random: &mut ChaCha8Rng, input: &mut [u8]) {
    let width = [1, 2, 4, 8][random.random_range(0..4)];
    let at = place(random, input);
    let length = input.len() as u64;
    let extremes = [
        0,
        1,
        u64::MAX,
        u64::MAX >> 1,
        1 << 31,
        1 << 23,
        length,
        length.wrapping_sub(at as u64),
    ];
    let value = extremes[random.random_range(0..extremes.len())];
    let bytes = if random.random() {
        value.to_le_bytes()[..width].to_vec()
    } else {
        value.to_be_bytes()[8 - width..].to_vec()
    };
    for (byte, new) in input.iter_mut().skip(at).zip(bytes) {
        *byte = new;
    }
}

/// Repeats a few bytes up to a length that memory shows.
fn repeat(random: &mut ChaCha8Rng, input: &mut Vec<u8>) {
    let start = place(random, input);
    let end = (start + random.random_range(1..=16)).min(input.len());
    let piece = input[start..end].to_vec();
    if piece.is_empty() {
        return;
    }
    let most = LENGTH_MAX >> random.random_range(0..8);
    let times = most.saturating_sub(input.len()) / piece.len();
    input.splice(end..end, piece.repeat(times));
}
