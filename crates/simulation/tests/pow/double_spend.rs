//! A double spend against confirmations succeeds as often as the exact formula says.

use rayswarm_simulation::pow::{Race, world::stream};

/// I_x(k, 1/2), the regularised incomplete beta function, by its hypergeometric series:
/// x^k (1 − x)^(1/2) / (k B(k, 1/2)) · Σ (k + 1/2)(k + 3/2)… / ((k + 1)(k + 2)…) x^n.
fn incomplete_beta(x: f64, k: u32) -> f64 {
    // B(1, 1/2) = 2 and B(j + 1, 1/2) = B(j, 1/2) · j / (j + 1/2).
    let beta = (1..k).fold(2.0, |beta, j| beta * f64::from(j) / (f64::from(j) + 0.5));
    let k = f64::from(k);
    let (mut sum, mut term, mut n) = (0.0, 1.0, 0.0);
    while term > 1e-18 * sum {
        sum += term;
        term *= x * (k + 0.5 + n) / (k + 1.0 + n);
        n += 1.0;
    }
    x.powf(k) * (1.0 - x).sqrt() / (k * beta) * sum
}

/// Grunspan and Pérez-Marco, "Double spend races", theorem 1: the chance against k confirmations.
fn chance(attacker: f64, confirmations: u32) -> f64 {
    incomplete_beta(4.0 * attacker * (1.0 - attacker), confirmations)
}

/// The same by adding up the attacker's blocks at the time of the last confirmation (negative binomial): Rosenfeld.
fn chance_by_cases(q: f64, k: u32) -> f64 {
    let p = 1.0 - q;
    let mut ways = 1.0;
    let mut fails = 0.0;
    for found in 0..k {
        let behind = (k - found) as i32;
        fails += ways * p.powi(k as i32) * q.powi(found as i32) * (1.0 - (q / p).powi(behind));
        ways *= f64::from(k + found) / f64::from(found + 1);
    }
    1.0 - fails
}

#[test]
fn the_formula_is_computed_rightly() {
    for k in 1..=40 {
        for q in [0.1, 0.2, 0.3, 0.4] {
            let (one, other) = (chance(q, k), chance_by_cases(q, k));
            assert!((one - other).abs() < 1e-12, "{one} and {other} for q = {q}, k = {k}");
        }
    }
    // I_x(1, 1/2) = 1 − √(1 − x), so 2q; and Rosenfeld's table.
    for (q, k, expected) in [
        (0.1, 1, 0.2),
        (0.3, 1, 0.6),
        (0.1, 6, 0.000_59),
        (0.3, 6, 0.156_45),
        (0.3, 10, 0.065_11),
    ] {
        assert!(
            (chance(q, k) - expected).abs() < 5e-6,
            "{} for q = {q}, k = {k}",
            chance(q, k)
        );
    }
    for k in [1, 2, 3, 4, 5, 6, 8, 10, 13, 21, 31, 61, 101] {
        println!(
            "k = {k}: {:.3e} at 10 %, {:.3e} at 30 %",
            chance(0.1, k),
            chance(0.3, k)
        );
    }
}

#[test]
fn a_double_spend_succeeds_as_often_as_the_formula_says() {
    let races = 50 * (super::seeds().end - super::seeds().start);
    for confirmations in 1..=10 {
        let race = Race {
            attacker: 0.3,
            confirmations,
            // (3/7)^30 is 10^-11.
            hopeless: 30,
        };
        let mut random = stream(confirmations, 7);
        let wins = (0..races).filter(|_| race.run(&mut random)).count();
        let share = wins as f64 / races as f64;
        let expected = chance(0.3, confirmations as u32);
        // Four standard deviations of a binomial: exceeded once in 16,000 by chance.
        let bound = 4.0 * (expected * (1.0 - expected) / races as f64).sqrt();
        println!("k = {confirmations}: {wins} of {races} = {share:.4}, formula {expected:.4} ± {bound:.4}");
        assert!(
            (share - expected).abs() < bound,
            "{share} for k = {confirmations}, {expected} expected"
        );
    }
}
