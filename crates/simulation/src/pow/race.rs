//! A double spend: a secret branch without a payment races the chain that has it.
//!
//! The model is Grunspan's and Pérez-Marco's ("Double spend races", 2018), which follows Nakamoto and Rosenfeld: difficulty is
//! constant, each block is the attacker's with chance q, and it goes on until it is hopelessly behind. There the attacker
//! wins when it catches up. Here the first branch seen wins ties, so it has to get ahead by one; and it begins with one
//! block found in secret before it pays, for which it can wait as long as it likes (Rosenfeld, "Analysis of
//! hashrate-based double spending", 2014). The two make up for each other.

use alloy_primitives::{Address, B256, U256, keccak256};
use rand::Rng;
use rayswarm_consensus::{
    Header,
    pow::{Root, tree::Tree},
};

/// A race.
#[derive(Clone, Copy, Debug)]
pub struct Race {
    /// The attacker's part of the hash rate, below one half.
    pub attacker: f64,
    /// With how many blocks, its own included, a payment is taken for done.
    pub confirmations: u64,
    /// At how many blocks behind the attacker gives up. With (q/p) to this power it would still have won.
    pub hopeless: u64,
}

const DIFFICULTY: u64 = 1_000;

impl Race {
    /// Runs it once, before the fork choice of an honest node. Whether the payment was done and is gone.
    pub fn run(&self, random: &mut impl Rng) -> bool {
        let genesis = block(None, 0);
        let mut tree = Tree::new(Root::genesis(genesis.clone()));
        let mut honest = genesis.clone();
        let mut secret = vec![block(Some(&genesis), 1)];
        let mut secret_work = genesis.difficulty + U256::from(DIFFICULTY);
        let hopeless = U256::from(self.hopeless * DIFFICULTY);
        loop {
            let confirmed = honest.number >= self.confirmations;
            if confirmed && secret_work > tree.work() {
                let tip = secret.last().map(|tip| tip.hash);
                for header in secret {
                    tree.insert(header);
                }
                return Some(tree.head().hash) == tip;
            }
            if confirmed && tree.work().saturating_sub(secret_work) >= hopeless {
                return false;
            }
            if random.random::<f64>() < self.attacker {
                secret.push(block(secret.last(), 1));
                secret_work += U256::from(DIFFICULTY);
            } else {
                honest = block(Some(&honest), 2);
                tree.insert(honest.clone());
            }
        }
    }
}

fn block(parent: Option<&Header>, maker: u8) -> Header {
    let number = parent.map_or(0, |parent| parent.number + 1);
    let parent = parent.map_or(B256::ZERO, |parent| parent.hash);
    let mut subject = parent.to_vec();
    subject.push(maker);
    let hash = keccak256(subject);
    Header {
        hash,
        parent,
        number,
        timestamp: number,
        proposer: Address::repeat_byte(maker),
        nonce: 0,
        difficulty: U256::from(DIFFICULTY),
        puzzle: hash,
    }
}
