//! What state roots cost: by how much they grow with the accounts that are touched, and with those that are there.

use rayswarm_chain::bench::{RootCost, StateCost, state_cost};
use serde::Serialize;
use std::time::Instant;

/// Accounts in the states.
const ACCOUNTS: [u64; 3] = [1_000, 100_000, 1_000_000];
/// Accounts that are touched, each ten times the one before.
const TOUCHED: [u64; 3] = [10, 100, 1_000];
/// The largest state is a thousand times as large as the smallest, and a path in it twice as long (the hexadecimal length of
/// its size); that keys do not lie evenly is half as much again.
const SIZE_FACTOR_MAX: f64 = 3.0;
/// Ten times as many accounts share the upper part of their paths, and never need more than ten times the nodes.
const TOUCHED_FACTOR_MAX: f64 = 10.0;

/// What roots cost in states of several sizes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateRoots {
    /// From the smallest state to the largest, in each from the fewest accounts to the most.
    pub rows: Vec<Touched>,
    /// By what the nodes grow at most from the smallest state to the largest, with as many accounts touched.
    pub size_factor: f64,
    /// By what the nodes grow at most in the largest state when ten times as many accounts are touched.
    pub touched_factor: f64,
}

/// What one root costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Touched {
    /// Accounts in the state.
    pub accounts: u64,
    /// Seconds to make the state of a flat copy, its first root included.
    pub rebuilt_s: f64,
    /// Accounts touched since the last root.
    pub touched: u64,
    /// Trie nodes that were hashed.
    pub nodes: usize,
    /// Milliseconds to touch the accounts and get the root.
    pub updated_ms: f64,
}

impl StateRoots {
    /// Whether they grow with the accounts that are touched and not with those that are there. It is asked of the nodes that
    /// are hashed: time depends on what else the machine does.
    pub fn holds(&self) -> bool {
        self.size_factor <= SIZE_FACTOR_MAX && self.touched_factor <= TOUCHED_FACTOR_MAX
    }

    fn of(costs: &[StateCost]) -> Self {
        let roots = |cost: Option<&StateCost>| cost.map_or_else(Vec::new, |cost| cost.roots.clone());
        let (smallest, largest) = (roots(costs.first()), roots(costs.last()));
        let factor = |(less, more): (&RootCost, &RootCost)| more.nodes as f64 / less.nodes as f64;
        Self {
            rows: costs.iter().flat_map(rows_of).collect(),
            size_factor: smallest.iter().zip(&largest).map(factor).fold(0.0, f64::max),
            touched_factor: largest
                .iter()
                .zip(largest.iter().skip(1))
                .map(factor)
                .fold(0.0, f64::max),
        }
    }
}

fn rows_of(cost: &StateCost) -> impl Iterator<Item = Touched> + '_ {
    cost.roots.iter().map(|root| Touched {
        accounts: cost.accounts,
        rebuilt_s: cost.rebuilt.as_secs_f64(),
        touched: root.touched,
        nodes: root.nodes,
        updated_ms: root.updated.as_secs_f64() * 1e3,
    })
}

/// Measures. Takes a gigabyte for some seconds.
///
/// # Errors
/// If it was broken off.
pub async fn state_roots() -> anyhow::Result<StateRoots> {
    let measuring = tokio::task::spawn_blocking(|| {
        let begun = Instant::now();
        ACCOUNTS.map(|accounts| state_cost(accounts, &TOUCHED, || begun.elapsed()))
    });
    Ok(StateRoots::of(&measuring.await?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// States in which roots of ten, a hundred and a thousand accounts take so many nodes.
    fn costs(nodes: [[usize; 3]; 3]) -> Vec<StateCost> {
        let root = |(touched, nodes)| RootCost {
            touched,
            nodes,
            updated: Duration::from_millis(1),
        };
        let cost = |(accounts, nodes): (u64, [usize; 3])| StateCost {
            accounts,
            rebuilt: Duration::from_secs(1),
            roots: TOUCHED.into_iter().zip(nodes).map(root).collect(),
        };
        ACCOUNTS.into_iter().zip(nodes).map(cost).collect()
    }

    #[test]
    fn what_grows_with_the_state_does_not_hold() {
        let good = StateRoots::of(&costs([[30, 210, 1_400], [45, 330, 2_400], [55, 430, 3_200]]));
        assert!(good.holds(), "{good:?}");
        assert_eq!(good.rows.len(), ACCOUNTS.len() * TOUCHED.len());
        assert_eq!(good.touched_factor, 430.0 / 55.0);
        let by_size = StateRoots::of(&costs([[30, 210, 1_400], [45, 330, 2_400], [91, 430, 3_200]]));
        assert!(!by_size.holds(), "{by_size:?}");
        let by_square = StateRoots::of(&costs([[30, 210, 1_400], [45, 330, 2_400], [40, 430, 3_200]]));
        assert!(!by_square.holds(), "{by_square:?}");
    }
}
