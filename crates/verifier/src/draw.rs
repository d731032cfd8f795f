//! Whether a committed result is audited, and which crop of it.
//!
//! A tile is cut into a grid of crops of about the policy's share of it; one of them is drawn. So every pixel is equally
//! likely to be looked at, those at the edge too. Where crops are large, their edges lie on the pixel
//! commitment's cells, so that few cells show one.
//!
//! The stream is ChaCha20, keyed by `keccak(DOMAIN · seed · job · task · attempt · commitment)`: each draw has its own
//! stream, none can be known before the commitment is, and all can be recomputed once the seed is told.

use crate::policy::{AuditPolicy, AuditSettings};
use alloy_primitives::{B256, Keccak256};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};
use rayswarm_imaging::{BasisPoints, PixelCommitment, commitment::CELL_SIDE};
use rayswarm_model::{AttemptId, JobId, Rect, TaskId};
use serde::{Deserialize, Serialize};
use std::fmt;

const SEED_DOMAIN: &[u8] = b"rayswarm/audit-seed/1";
const DRAW_DOMAIN: &[u8] = b"rayswarm/audit-draw/1";
/// Each purpose has its own stream, so that a new draw disturbs no other.
const STREAM_RATE: u64 = 0;
const STREAM_CROP: u64 = 1;

/// What decides all draws of a job; known to the requestor alone until the verdicts are out.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditSeed([u8; 32]);

/// What is drawn for: one attempt's committed result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The job.
    pub job: JobId,
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The commitment in the provider's receipt.
    pub commitment: PixelCommitment,
    /// The task's tile, in the frame.
    pub tile: Rect,
}

/// A draw and its outcome; kept with the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// The crop to render again, in the frame; `None` if the result is not audited.
    pub crop: Option<Rect>,
    /// Why, or why not.
    pub reason: DrawReason,
}

/// Why a result is audited or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawReason {
    /// It is among the provider's first tasks, all of which are audited.
    FirstTasks {
        /// Which of the provider's tasks it is, counted from one.
        nth: u64,
        /// How many are always audited.
        of: u64,
    },
    /// By lot: audited if `rolled` is below `rate`.
    Lot {
        /// From nothing to just below all.
        rolled: BasisPoints,
        /// The policy's rate.
        rate: BasisPoints,
    },
}

impl AuditSeed {
    /// From 32 bytes of entropy.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, for the journal and, after the verdicts, for everyone.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What is published with the job, before any draw.
    pub fn commitment(&self) -> B256 {
        let mut hasher = Keccak256::new();
        hasher.update(SEED_DOMAIN);
        hasher.update(self.0);
        hasher.finalize()
    }
}

impl fmt::Debug for AuditSeed {
    /// Never the seed itself: logs are read by others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditSeed(commitment {})", self.commitment())
    }
}

impl fmt::Display for DrawReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstTasks { nth, of } => write!(f, "task {nth} of the provider's first {of}, which are all audited"),
            Self::Lot { rolled, rate } => write!(f, "rolled {rolled}, audited below {rate}"),
        }
    }
}

/// Draws for `subject`, the result of a provider that has had `tasks_before` results accepted or audited before it.
///
/// `weight` tells how much looking at a crop is worth (its cost: a sky discriminates least); it guides every second
/// draw, so that no crop is ever safe. Without it, or where all weights are zero, all crops are equally likely.
pub fn draw(
    policy: &AuditPolicy,
    seed: &AuditSeed,
    subject: &Subject,
    tasks_before: u64,
    weight: Option<&dyn Fn(Rect) -> u64>,
) -> Draw {
    let settings = policy.settings();
    let (audited, reason) = if tasks_before < settings.first_tasks {
        (
            true,
            DrawReason::FirstTasks {
                nth: tasks_before + 1,
                of: settings.first_tasks,
            },
        )
    } else {
        let rolled = below(&mut stream(seed, subject, STREAM_RATE), u64::from(BasisPoints::ALL.0));
        // Below 10,000, so it fits.
        let rolled = BasisPoints(rolled as u32);
        (
            rolled < settings.rate,
            DrawReason::Lot {
                rolled,
                rate: settings.rate,
            },
        )
    };
    let crop = audited.then(|| draw_crop(settings, subject.tile, &mut stream(seed, subject, STREAM_CROP), weight));
    Draw { crop, reason }
}

/// The crops a tile may be audited by, in the frame: a grid that covers it exactly.
pub fn crops_of(policy: &AuditPolicy, tile: Rect) -> Vec<Rect> {
    grid(policy.settings(), tile)
}

fn stream(seed: &AuditSeed, subject: &Subject, purpose: u64) -> ChaCha20Rng {
    let mut hasher = Keccak256::new();
    hasher.update(DRAW_DOMAIN);
    hasher.update(seed.0);
    hasher.update(subject.job.as_bytes());
    hasher.update(subject.task.0.to_be_bytes());
    hasher.update(subject.attempt.0.to_be_bytes());
    hasher.update(subject.commitment.0);
    let mut stream = ChaCha20Rng::from_seed(hasher.finalize().0);
    stream.set_stream(purpose);
    stream
}

/// A number below `bound`, each equally likely: values in the incomplete last stretch are drawn again.
fn below(stream: &mut ChaCha20Rng, bound: u64) -> u64 {
    let usable = u64::MAX - u64::MAX % bound.max(1);
    loop {
        let value = stream.next_u64();
        if value < usable {
            return value % bound.max(1);
        }
    }
}

fn draw_crop(
    settings: &AuditSettings,
    tile: Rect,
    stream: &mut ChaCha20Rng,
    weight: Option<&dyn Fn(Rect) -> u64>,
) -> Rect {
    let crops = grid(settings, tile);
    let by_weight = stream.next_u64().is_multiple_of(2);
    let weights: Vec<u64> = weight
        .map(|weight| crops.iter().map(|crop| weight(*crop)).collect())
        .unwrap_or_default();
    // Saturating: weights are estimates of a peer or a probe.
    let total = weights.iter().fold(0u64, |total, weight| total.saturating_add(*weight));
    if by_weight && total > 0 {
        let mut left = below(stream, total);
        for (crop, weight) in crops.iter().zip(&weights) {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *crop,
            }
        }
    }
    let index = below(stream, crops.len() as u64);
    usize::try_from(index)
        .ok()
        .and_then(|index| crops.get(index))
        .copied()
        .unwrap_or(tile)
}

/// Cuts `tile` into crops of the share the policy asks for or a little more, as many and as square as can be.
fn grid(settings: &AuditSettings, tile: Rect) -> Vec<Rect> {
    let count_max = BasisPoints::ALL.0 / settings.crop_share.0.max(1);
    let columns_max = (tile.width / settings.crop_side_min.max(1)).clamp(1, count_max.max(1));
    let rows_max = (tile.height / settings.crop_side_min.max(1)).clamp(1, count_max.max(1));
    let shape = |columns: u32| (columns, (count_max / columns).clamp(1, rows_max));
    let best = (1..=columns_max).map(shape).min_by_key(|(columns, rows)| {
        let (width, height) = (
            u64::from(tile.width) * u64::from(*rows),
            u64::from(tile.height) * u64::from(*columns),
        );
        let oblong = width.max(height) * 1000 / width.min(height).max(1);
        // Fewer crops are larger and dearer; that matters more than their shape.
        oblong * u64::from(count_max).pow(3) / u64::from(columns * rows).pow(3)
    });
    let (columns, rows) = best.unwrap_or((1, 1));
    let side_min = settings.crop_side_min;
    let (xs, ys) = (edges(tile.width, columns, side_min), edges(tile.height, rows, side_min));
    let mut crops = Vec::with_capacity(columns as usize * rows as usize);
    for y in ys.windows(2) {
        for x in xs.windows(2) {
            let (width, height) = (x[1] - x[0], y[1] - y[0]);
            crops.push(Rect {
                x: tile.x + x[0],
                y: tile.y + y[0],
                width,
                height,
            });
        }
    }
    crops
}

/// Where `parts` parts of `length` begin and end. Parts of two cells or more end on cells, and then differ in length by
/// up to one cell; no part becomes shorter than `side_min`.
fn edges(length: u32, parts: u32, side_min: u32) -> Vec<u32> {
    let part = |at: u32| u32::try_from(u64::from(length) * u64::from(at) / u64::from(parts)).unwrap_or(length);
    let align = length / parts >= CELL_SIDE.max(side_min).saturating_mul(2);
    let edge = |at: u32| {
        let inside = at > 0 && at < parts;
        if align && inside {
            (part(at) + CELL_SIDE / 2) / CELL_SIDE * CELL_SIDE
        } else {
            part(at)
        }
    };
    (0..=parts).map(edge).collect()
}

#[cfg(test)]
mod tests;
