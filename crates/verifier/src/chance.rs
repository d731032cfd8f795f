//! How likely an edit is caught: what `explain` tells, never what anything is decided by.
//!
//! For a task whose pixels are edited in a share *e* of the tile, under crops drawn evenly from a grid of share *s*:
//!
//! - within one comparison class one changed bit in the crop suffices, and an edit touches at least one crop:
//!   *h* = max(*e*, *s*);
//! - across classes a crop must show more than the tolerated share *t* of pixels apart; the cleverest cheat fills every
//!   crop up to *t* and has the rest elsewhere: *h* = max(0, (*e* − *t*) / (1 − *t*)).
//!
//! A task that is audited with probability *a* is caught with *a·h*, and of *k* such tasks at least one with
//! 1 − Π(1 − *aᵢ·h*), where *aᵢ* is 1 for a provider's first tasks and the policy's rate afterwards. Draws guided by cost
//! look at some crops only half as often as even ones; *h* is then at least half of this.

use crate::{judge::ComparisonKind, policy::AuditPolicy};
use rayswarm_imaging::BasisPoints;

/// A way to cheat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cheat {
    /// The share of each tile's pixels that is wrong (by more than 1e-3, where classes differ).
    pub edited: BasisPoints,
    /// How many tasks are cheated on.
    pub tasks: u64,
    /// How many honest tasks the provider did before.
    pub tasks_before: u64,
    /// How its results are compared.
    pub comparison: ComparisonKind,
}

/// The chance that `cheat` is caught at least once, to the nearest basis point. Nothing where nothing can be compared.
pub fn chance_caught(policy: &AuditPolicy, cheat: &Cheat) -> BasisPoints {
    let settings = policy.settings();
    let (edited, tolerated) = (cheat.edited.as_fraction(), settings.apart_max.as_fraction());
    let shown = match cheat.comparison {
        _ if cheat.edited.0 == 0 => 0.0,
        ComparisonKind::SameClass => edited.max(settings.crop_share.as_fraction()),
        ComparisonKind::CrossClass => ((edited - tolerated) / (1.0 - tolerated)).max(0.0),
        ComparisonKind::NotComparable => 0.0,
    };
    let always = settings.first_tasks.saturating_sub(cheat.tasks_before).min(cheat.tasks);
    let by_lot = cheat.tasks - always;
    let missed = power(1.0 - shown, always) * power(1.0 - settings.rate.as_fraction() * shown, by_lot);
    BasisPoints::from_fraction_nearest(1.0 - missed)
}

fn power(base: f64, exponent: u64) -> f64 {
    base.max(0.0).powf(exponent as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_follow_the_formula() {
        use ComparisonKind::{CrossClass, NotComparable, SameClass};
        let policy = AuditPolicy::default();
        // edited, tasks, tasks before, comparison; the chance in basis points
        let cases = [
            (10_000, 1, 0, SameClass, 10_000),
            (10_000, 1, 10, SameClass, 2_500),
            (10_000, 10, 10, SameClass, 9_437),
            (1, 1, 0, SameClass, 500),
            (1, 1, 10, SameClass, 125),
            (1, 100, 10, SameClass, 7_157),
            (7_800, 1, 10, CrossClass, 1_889),
            (1_000, 1_000, 0, CrossClass, 0),
            (10_000, 1_000, 0, NotComparable, 0),
            (0, 1_000, 0, SameClass, 0),
            (10_000, 0, 0, SameClass, 0),
        ];
        for (edited, tasks, tasks_before, comparison, expected) in cases {
            let cheat = Cheat {
                edited: BasisPoints(edited),
                tasks,
                tasks_before,
                comparison,
            };
            assert_eq!(chance_caught(&policy, &cheat), BasisPoints(expected), "{cheat:?}");
        }
    }
}
