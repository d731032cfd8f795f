//! What goes wrong in the run of a seed: loss, delays, wrong clocks, crashes, and one partition that heals.

use super::node::Violation;
use super::world::{Incident, Setup, World, stream};
use alloy_primitives::U256;
use rand::{Rng, seq::SliceRandom};
use rayswarm_consensus::{Millis, PowRules};
use std::num::NonZeroU32;

/// How far apart blocks should be, in milliseconds.
pub const BLOCK: Millis = 10_000;

/// Confirmations. A partition lasts at most eight block times, so a side of it finds about ten blocks where the difficulty
/// is a quarter too low at first. Thirty-two of them come by a chance below one in a million (Poisson), and with the few
/// blocks of a fork that was there before still below one in a hundred thousand.
pub const CONFIRMATIONS: u32 = 32;

/// What befalls the nodes of one seed.
#[derive(Clone, Debug)]
pub struct Faults {
    /// The world at first.
    pub setup: Setup,
    /// What happens when, in milliseconds since genesis.
    pub incidents: Vec<(Millis, Incident)>,
    /// When all links work and all nodes are up again.
    pub healed: Millis,
}

impl Faults {
    /// Draws them: 4 to 13 nodes, up to a quarter of all messages lost, delays up to a sixth of the block time.
    pub fn draw(seed: u64) -> Self {
        let mut random = stream(seed, 6);
        let count = random.random_range(4..=13);
        let rates: Vec<f64> = (0..count).map(|_| random.random_range(0.2..2.0)).collect();
        let right = rates.iter().sum::<f64>() * BLOCK as f64 / 1_000.0;
        // As `f64` to `u64`: some tens.
        let initial = (right * random.random_range(0.8..1.25)) as u64;
        let slowest = random.random_range(50..BLOCK / 6);
        let setup = Setup {
            rules: rules(U256::from(initial.max(1)), BLOCK, 60, CONFIRMATIONS),
            rates,
            links: if random.random() { count } else { 2 },
            delay: slowest / 10..slowest,
            loss: random.random_range(0.0..0.25),
            clock_error: random.random_range(0..3_000),
            tick: BLOCK / 2,
        };
        let split = random.random_range(35 * BLOCK..50 * BLOCK);
        let healed = split + random.random_range(2 * BLOCK..8 * BLOCK);
        let mut incidents = vec![
            (split, Incident::Split(groups(count, &mut random))),
            (healed, Incident::Heal),
        ];
        for _ in 0..random.random_range(1..=count) {
            let node = random.random_range(0..count);
            let at = random.random_range(BLOCK..healed);
            let loses_final = random.random();
            let back = at + random.random_range(BLOCK / 10..20 * BLOCK);
            incidents.push((at, Incident::Crash { node, loses_final }));
            incidents.push((back.min(healed), Incident::Restart(node)));
        }
        Self {
            setup,
            incidents,
            healed,
        }
    }

    /// The world in which all that will happen.
    pub fn world(self, seed: u64) -> Result<World, Violation> {
        let mut world = World::new(self.setup, seed)?;
        for (at, incident) in self.incidents {
            world.plan(at, incident);
        }
        Ok(world)
    }
}

/// Rules for a block time of whole seconds, in milliseconds, and a half-life in block times.
pub fn rules(initial_difficulty: U256, block: Millis, half_life_blocks: u32, confirmations: u32) -> PowRules {
    let at_least_one = |value: u32| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
    let seconds = u32::try_from(block / 1_000).unwrap_or(u32::MAX);
    PowRules {
        initial_difficulty,
        block_seconds: at_least_one(seconds),
        half_life_seconds: at_least_one(seconds.saturating_mul(half_life_blocks)),
        confirmations: at_least_one(confirmations),
        ahead_seconds_max: seconds,
    }
}

/// Two or three groups, none empty, at random.
fn groups(count: usize, random: &mut impl Rng) -> Vec<u8> {
    let sides = random.random_range(2..=3u8);
    let mut groups: Vec<u8> = (0..sides)
        .chain((usize::from(sides)..count).map(|_| random.random_range(0..sides)))
        .collect();
    groups.shuffle(random);
    groups
}
