//! The objectives and bounds a schedule is measured against.
//!
//! The brief asks to maximise `1 / Σ Cᵢ/Tᵢ`, with Cᵢ the computing power and Tᵢ the load of node i. It is kept here as
//! [`reciprocal`]. Its example (capacities 100, 200, 300; loads 30, 40, 30; ten tasks; answer 5, 3, 2) is the unique
//! optimum of that objective when one task adds ten load points **and the capacities are read as 300, 200, 100**; as
//! printed, the optimum is 2, 3, 5. That reversal is our reading of the brief, not its words. Either way the busiest node
//! is used fully and all together 83.3 %.
//!
//! The objective under-loads fast nodes: where the load is only what is being assigned, it drives x ∝ √C. It is therefore
//! not what the scheduler follows; that is the makespan, measured against [`makespan_bound_ms`].

/// The brief's objective for a whole assignment: `1 / Σ Cᵢ/Tᵢ`. Zero when a node with capacity has no load, where the sum
/// has no bound.
pub fn reciprocal(capacities: &[u64], loads: &[u64]) -> f64 {
    let mut sum = 0.0;
    for (&capacity, &load) in capacities.iter().zip(loads) {
        if capacity > 0 && load == 0 {
            return 0.0;
        }
        if capacity > 0 {
            sum += capacity as f64 / load as f64;
        }
    }
    if sum > 0.0 { 1.0 / sum } else { f64::INFINITY }
}

/// The assignment of `tasks` equal tasks that maximises [`reciprocal`]: how many each node gets. Each task adds
/// `task_load` to a node's load. Ties go to the earlier node.
///
/// The sum is convex and separable, so giving one task after another to the node whose term falls most is optimal. Terms
/// are compared as exact fractions.
pub fn reciprocal_assignment(capacities: &[u64], loads: &[u64], task_load: u64, tasks: u32) -> Vec<u32> {
    let mut loads: Vec<u64> = loads.to_vec();
    let mut given = vec![0u32; capacities.len().min(loads.len())];
    for _ in 0..tasks {
        let fall = |index: usize| Fall::of(capacities[index], loads[index], task_load);
        let best = (0..given.len()).reduce(|best, index| if fall(index).exceeds(&fall(best)) { index } else { best });
        let Some(best) = best else { break };
        given[best] += 1;
        loads[best] = loads[best].saturating_add(task_load);
    }
    given
}

/// By how much a term falls: `C/T − C/(T+p) = C·p / (T·(T+p))`, as a fraction.
struct Fall {
    numerator: u128,
    denominator: u128,
}

impl Fall {
    fn of(capacity: u64, load: u64, task_load: u64) -> Self {
        let after = u128::from(load) + u128::from(task_load);
        // Loads beyond 2^32 are brought down so that the products below fit; so large, one more task changes nothing.
        let denominator = (u128::from(load) * after).min(1 << 64);
        Self {
            numerator: u128::from(capacity.min(1 << 31)) * u128::from(task_load.min(1 << 31)),
            denominator,
        }
    }

    /// Whether this falls more than `other`. From no load the fall has no bound.
    fn exceeds(&self, other: &Self) -> bool {
        match (self.denominator, other.denominator) {
            (0, 0) => self.numerator > other.numerator,
            (0, _) => self.numerator > 0,
            (_, 0) => other.numerator == 0 && self.numerator > 0,
            (mine, theirs) => self.numerator * theirs > other.numerator * mine,
        }
    }
}

/// Thousandths of all nodes' time that is used until the last one is done, when node i has `tasks[i]` tasks.
pub fn utilisation_permille(capacities: &[u64], tasks: &[u32]) -> u64 {
    let total: u128 = tasks.iter().map(|&count| u128::from(count)).sum();
    let capacity: u128 = capacities.iter().map(|&capacity| u128::from(capacity)).sum();
    // The slowest node as a fraction count/capacity; comparing by cross product keeps it exact.
    let slowest = capacities
        .iter()
        .zip(tasks)
        .filter(|(capacity, _)| **capacity > 0)
        .map(|(&capacity, &count)| (u128::from(count), u128::from(capacity)))
        .reduce(|worst, node| {
            if node.0 * worst.1 > worst.0 * node.1 {
                node
            } else {
                worst
            }
        });
    match slowest {
        Some((count, speed)) if count > 0 && capacity > 0 => {
            u64::try_from(total * speed * 1000 / (count * capacity)).unwrap_or(u64::MAX)
        }
        _ => 0,
    }
}

/// The time no schedule can beat: `T* = (W + Σ_A CᵢSᵢ) / Σ_A Cᵢ` with `A = {i : Sᵢ < T*}`. Providers are (milli-WU per
/// second, milliseconds of transfer and loading before the first task). `None` when nobody renders.
pub fn makespan_bound_ms(milli_wu: u64, providers: &[(u64, u64)]) -> Option<u64> {
    let mut by_setup: Vec<(u64, u64)> = providers.iter().copied().filter(|provider| provider.0 > 0).collect();
    by_setup.sort_by_key(|provider| provider.1);
    let (mut rates, mut lost) = (0u128, 0u128);
    let mut bound = None;
    for (rate, setup) in by_setup {
        // A provider that becomes ready after the others are done does not help.
        if bound.is_some_and(|bound| u128::from(setup) >= bound) {
            break;
        }
        rates += u128::from(rate);
        lost += u128::from(rate) * u128::from(setup);
        bound = Some((u128::from(milli_wu) * 1000 + lost).div_ceil(rates));
    }
    bound.map(|bound| u64::try_from(bound).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ways to share `tasks` among `nodes`.
    fn shares(nodes: usize, tasks: u32) -> Vec<Vec<u32>> {
        if nodes == 1 {
            return vec![vec![tasks]];
        }
        let with_first = |first| {
            shares(nodes - 1, tasks - first)
                .into_iter()
                .map(move |rest| [vec![first], rest].concat())
        };
        (0..=tasks).flat_map(with_first).collect()
    }

    /// Every assignment that reaches the best value.
    fn brute_force(capacities: &[u64], loads: &[u64], task_load: u64, tasks: u32) -> Vec<Vec<u32>> {
        let value = |share: &Vec<u32>| {
            let after: Vec<u64> = loads
                .iter()
                .zip(share)
                .map(|(load, count)| load + u64::from(*count) * task_load)
                .collect();
            reciprocal(capacities, &after)
        };
        let all = shares(capacities.len(), tasks);
        let best = all.iter().map(value).fold(0.0, f64::max);
        all.into_iter()
            .filter(|share| value(share) >= best * (1.0 - 1e-12))
            .collect()
    }

    #[test]
    fn the_briefs_example_is_the_only_optimum_when_capacities_are_reversed() {
        let loads = [30, 40, 30];
        assert_eq!(brute_force(&[300, 200, 100], &loads, 10, 10), [[5, 3, 2]]);
        assert_eq!(reciprocal_assignment(&[300, 200, 100], &loads, 10, 10), [5, 3, 2]);
    }

    #[test]
    fn as_printed_the_optimum_is_the_other_way_round() {
        let loads = [30, 40, 30];
        assert_eq!(brute_force(&[100, 200, 300], &loads, 10, 10), [[2, 3, 5]]);
        assert_eq!(reciprocal_assignment(&[100, 200, 300], &loads, 10, 10), [2, 3, 5]);
    }

    #[test]
    fn either_way_utilisation_is_five_sixths() {
        assert_eq!(utilisation_permille(&[300, 200, 100], &[5, 3, 2]), 833);
        assert_eq!(utilisation_permille(&[100, 200, 300], &[2, 3, 5]), 833);
        assert_eq!(utilisation_permille(&[100, 200, 300], &[0, 0, 0]), 0);
    }

    #[test]
    fn greedy_equals_brute_force() {
        let cases: &[(&[u64], &[u64], u64, u32)] = &[
            (&[1, 1, 1], &[5, 5, 5], 3, 7),
            (&[900, 100, 400, 50], &[10, 80, 1, 33], 7, 9),
            (&[16, 4, 1], &[1, 1, 1], 1, 12),
            (&[5, 5], &[0, 0], 2, 5),
        ];
        for (capacities, loads, task_load, tasks) in cases {
            let greedy = reciprocal_assignment(capacities, loads, *task_load, *tasks);
            assert!(
                brute_force(capacities, loads, *task_load, *tasks).contains(&greedy),
                "{greedy:?}"
            );
        }
    }

    #[test]
    fn it_gives_fast_nodes_only_the_root_of_their_share() {
        // Sixteen times as fast, four times the tasks: why it is not the default.
        assert_eq!(reciprocal_assignment(&[16, 1], &[1, 1], 100, 100), [80, 20]);
    }

    #[test]
    fn the_bound_leaves_out_who_comes_too_late() {
        assert_eq!(makespan_bound_ms(144_000, &[(1000, 0), (1000, 0)]), Some(72_000));
        assert_eq!(makespan_bound_ms(10_000, &[(1000, 0), (1000, 4_000)]), Some(7_000));
        assert_eq!(makespan_bound_ms(10_000, &[(1000, 0), (1000, 60_000)]), Some(10_000));
        assert_eq!(makespan_bound_ms(1, &[(0, 0)]), None);
    }
}
