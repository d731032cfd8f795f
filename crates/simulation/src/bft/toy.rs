//! Blocks with nothing in them, and who votes at which height.

use super::Power;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use rand::{Rng as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use rayswarm_consensus::{Block, BuildRequest, Header, Validator, ValidatorSet};
use std::{collections::BTreeMap, sync::Arc};

/// How many heights an epoch has.
const EPOCH: u64 = 5;

/// The last byte of a block that does not follow from its parent.
const BAD: u8 = 0xBD;

/// Height, parent, time, proposer, nonce, and some bytes more.
const LENGTH_MIN: usize = 8 + 32 + 8 + 20 + 8;

pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let word = |at: usize| Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    (LENGTH_MIN..=200).contains(&bytes.len()).then_some(())?;
    let hash = keccak256(bytes);
    Some(Header {
        hash,
        parent: B256::from_slice(bytes.get(8..40)?),
        number: word(0)?,
        timestamp: word(40)?,
        proposer: Address::from_slice(bytes.get(48..68)?),
        nonce: word(68)?,
        difficulty: U256::ZERO,
        puzzle: hash,
    })
}

fn encode(number: u64, parent: B256, timestamp: u64, proposer: Address, nonce: u64, rest: &[u8]) -> Bytes {
    let words = [number, timestamp, nonce].map(u64::to_be_bytes);
    [
        &words[0],
        parent.as_slice(),
        &words[1],
        proposer.as_slice(),
        &words[2],
        rest,
    ]
    .concat()
    .into()
}

/// A block as it was asked for. `rest` tells apart what would be the same.
pub(super) fn build(
    request: &BuildRequest,
    number: u64,
    proposer: Address,
    seconds: u64,
    rest: &[u8],
) -> Option<Block> {
    let timestamp = seconds.max(request.timestamp_min);
    let bytes = encode(number, request.parent, timestamp, proposer, request.nonce, rest);
    read(&bytes).map(|header| Block { header, bytes })
}

/// The same block with something else in it, or one that does not follow.
pub(super) fn other(bytes: &[u8], is_bad: bool) -> Bytes {
    let end = if is_bad { BAD } else { 1 };
    [bytes, &[7, end]].concat().into()
}

/// What execution would say.
pub(super) fn is_valid(block: &Block) -> bool {
    block.bytes.last() != Some(&BAD)
}

pub(super) fn genesis() -> Header {
    let bytes = encode(0, B256::ZERO, 0, Address::ZERO, 0, &[]);
    // The encoding is of the length that is read.
    read(&bytes).unwrap_or_else(|| unreachable!("the first block reads"))
}

/// Who votes when: a function of the chain alone.
pub(super) struct Electorate {
    power: Power,
    accounts: Vec<Address>,
    cheats: Vec<bool>,
    sets: BTreeMap<(u64, B256), Arc<ValidatorSet>>,
}

impl Electorate {
    pub fn new(power: Power, accounts: Vec<Address>, cheats: Vec<bool>) -> Self {
        Self {
            power,
            accounts,
            cheats,
            sets: BTreeMap::new(),
        }
    }

    /// Who votes at the height after `chain`, which begins with the genesis block.
    pub fn next(&mut self, chain: &[Header]) -> Arc<ValidatorSet> {
        let epoch = chain.len() as u64 / EPOCH;
        let last = (epoch * EPOCH).saturating_sub(1);
        let drawn_by = chain[usize::try_from(last).unwrap_or_default()].hash;
        if let Some(set) = self.sets.get(&(epoch, drawn_by)) {
            return Arc::clone(set);
        }
        let mut seed = drawn_by.0;
        seed[0] ^= u8::try_from(epoch % 251).unwrap_or_default();
        let mut rng = ChaCha8Rng::from_seed(seed);
        let validators = match self.power {
            Power::Stake => self.stakes(&mut rng),
            Power::Election => self.elect(&mut rng),
        };
        // The electorate is neither empty nor too mighty.
        let set = ValidatorSet::new(validators).unwrap_or_else(|error| unreachable!("{error}"));
        let set = Arc::new(set);
        self.sets.insert((epoch, drawn_by), Arc::clone(&set));
        set
    }

    /// Unequal stakes; equivocators have as much as they may: less than a third.
    fn stakes(&self, rng: &mut ChaCha8Rng) -> Vec<Validator> {
        let mut powers: Vec<u64> = self.cheats.iter().map(|_| rng.random_range(1..100)).collect();
        let honest: u64 = powers
            .iter()
            .zip(&self.cheats)
            .filter(|(_, cheat)| !**cheat)
            .map(|(power, _)| power)
            .sum();
        let cheats = self.cheats.iter().filter(|cheat| **cheat).count() as u64;
        for (power, cheat) in powers.iter_mut().zip(&self.cheats) {
            if *cheat {
                *power = (honest - 1) / 2 / cheats;
            }
        }
        let validators = self.accounts.iter().zip(powers).filter(|(_, power)| *power > 0);
        validators
            .map(|(account, power)| Validator {
                account: *account,
                power,
            })
            .collect()
    }

    /// Four to seven of all; equivocators are fewer than a third.
    fn elect(&self, rng: &mut ChaCha8Rng) -> Vec<Validator> {
        let seats = rng.random_range(4..=self.accounts.len().min(7));
        let mut candidates: Vec<usize> = (0..self.accounts.len()).collect();
        candidates.shuffle(rng);
        // Cheats first, so that as many are elected as may be.
        candidates.sort_by_key(|index| !self.cheats[*index]);
        let cheats = self.cheats.iter().filter(|cheat| **cheat).count();
        let skipped = cheats.saturating_sub((seats - 1) / 3);
        let elected = candidates.into_iter().skip(skipped).take(seats);
        let validator = |index: usize| Validator {
            account: self.accounts[index],
            power: 1,
        };
        elected.map(validator).collect()
    }
}
