//! A hundred miners: who finds how many blocks, and how far apart they are when the hash rate jumps.

use alloy_primitives::U256;
use rayswarm_consensus::Header;
use rayswarm_simulation::pow::{
    Setup, World,
    faults::{BLOCK, rules},
    node::Node,
    world::Incident,
};

const MINERS: usize = 100;
const CONFIRMATIONS: u32 = 20;
/// In block times. A tenfold change takes log2(10) half-lives of being early or late: about 100 blocks.
const HALF_LIFE: u32 = 30;
/// Seven times HALF_LIFE / ln 2, in which a deviation decays to its e-th part, is 300.
const SETTLE: u64 = 300;
const MEASURE: u64 = 1_000;
/// Of chi-square with 99 degrees of freedom: exceeded by chance once in a thousand.
const CHI_SQUARE_MAX: f64 = 148.23;

/// Hashes per second: from 1 to 10 parts of 550, 6 in all.
fn rates() -> Vec<f64> {
    (0..MINERS).map(|miner| (miner % 10 + 1) as f64 * 6.0 / 550.0).collect()
}

fn seconds_per_block(chain: &[Header], from: u64) -> f64 {
    let at = |number: u64| chain[number as usize].timestamp as f64;
    (at(from + MEASURE) - at(from)) / MEASURE as f64
}

#[test]
fn blocks_follow_hash_rate_and_intervals_keep_through_a_tenfold_change() {
    let setup = Setup {
        rules: rules(U256::from(60), BLOCK, HALF_LIFE, CONFIRMATIONS),
        rates: rates(),
        links: 2,
        delay: 20..100,
        loss: 0.0,
        clock_error: 500,
        tick: 2 * BLOCK,
    };
    let mut world = World::new(setup, 100).unwrap();
    let mut from = Vec::new();
    let mut height = 0;
    for factor in [1.0, 10.0, 0.1] {
        let now = world.elapsed();
        world.plan(now, Incident::Rates(factor));
        from.push(height + SETTLE);
        height += SETTLE + MEASURE;
        let reached = world.run_until(u64::MAX / 2, |world| world.nodes()[0].head().unwrap().number >= height);
        assert!(reached.unwrap());
    }
    // So that the last one counted is not just one of several tips.
    let settled = world
        .run_until(u64::MAX / 2, |world| world.nodes()[0].final_number() > height)
        .unwrap();
    assert!(settled);

    let node = &world.nodes()[0];
    let mut chain: Vec<Header> = node
        .store()
        .chain(node.store().last_final())
        .map(|record| record.header.clone())
        .collect();
    chain.reverse();
    for (number, header) in (0..).zip(&chain) {
        assert_eq!(header.number, number, "one winner per height");
        if number > 0 {
            assert_eq!(
                world.finals().get(&number),
                Some(&header.hash),
                "the same one for every node"
            );
        }
    }

    let target = BLOCK as f64 / 1_000.0;
    let means: Vec<f64> = from.iter().map(|from| seconds_per_block(&chain, *from)).collect();
    println!("mean seconds per block over {MEASURE} at 1x, 10x, 1x of the hash rate: {means:.3?}");
    for mean in &means {
        assert!((mean / target - 1.0).abs() < 0.1, "{mean} s per block, {target} wanted");
    }
    let difficulties = from
        .iter()
        .map(|from| &chain[(*from + MEASURE / 2) as usize].difficulty);
    println!(
        "difficulty in the middle of each: {:?}",
        difficulties.collect::<Vec<_>>()
    );

    let blocks = chain.len() - 1;
    let found = |miner: usize| {
        chain[1..]
            .iter()
            .filter(|header| header.proposer == Node::account(miner))
            .count() as f64
    };
    let total: f64 = rates().iter().sum();
    let chi_square: f64 = (0..MINERS)
        .map(|miner| {
            let expected = blocks as f64 * rates()[miner] / total;
            assert!(expected >= 5.0, "too few for a chi-square test");
            (found(miner) - expected).powi(2) / expected
        })
        .sum();
    println!("{blocks} blocks of {MINERS} miners: chi-square {chi_square:.1}, at most {CHI_SQUARE_MAX}");
    assert!(chi_square < CHI_SQUARE_MAX, "{chi_square}");
    // A test that any shares would pass shows nothing: blocks are not spread evenly.
    let even = blocks as f64 / MINERS as f64;
    let chi_square_even: f64 = (0..MINERS).map(|miner| (found(miner) - even).powi(2) / even).sum();
    assert!(chi_square_even > 3.0 * CHI_SQUARE_MAX, "{chi_square_even}");
}
