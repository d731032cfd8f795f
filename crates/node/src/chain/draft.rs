//! A new chain of a few choices: everything else as suits most.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use alloy_primitives::{Address, U256};
use rand::random;
use rayswarm_chain::GenesisAccount;
use rayswarm_consensus::{bft::BftRules, pow::PowRules};
use rayswarm_settlement::chain_id::own_chain_id;

use super::{
    faucet::development_genesis,
    spec::{ChainSpec, ConsensusRules, FirstValidator, ValidatorParams},
};

/// One coin, in wei.
pub const COIN: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// What each block makes, in coins.
const REWARD_COINS: u64 = 1;
/// Confirmations after which a block is final by pow: docs/adr/0017-proof-of-work.md says what that is worth.
const CONFIRMATIONS: NonZeroU32 = NonZeroU32::new(30).expect("is not zero");
/// What one core does in a second, about: the first difficulty is made of it.
const HASHES_PER_SECOND: u64 = 500_000;
/// Blocks that the retarget looks back upon, about.
const HALF_LIFE_BLOCKS: u32 = 240;
/// Evidence and stake outlast this many epochs.
const EVIDENCE_EPOCHS: u64 = 24;

/// An id for a new chain, which no other has.
pub fn new_chain_id() -> u64 {
    own_chain_id(random())
}

/// How blocks are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsensusKind {
    /// One node seals.
    Solo,
    /// Proof of work.
    Pow,
    /// Proof of stake.
    Pos,
    /// Delegated proof of stake.
    Dpos,
}

/// What is chosen.
#[derive(Clone, Debug)]
pub struct Draft {
    /// How blocks are ordered.
    pub kind: ConsensusKind,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// How far apart blocks are.
    pub block_time: Duration,
    /// Blocks of an epoch.
    pub epoch_blocks: u64,
    /// The most validators, or how many delegates are elected.
    pub seats: u16,
    /// Who votes first.
    pub validators: Vec<FirstValidator>,
    /// Who has coins from the start, in wei.
    pub coins: Vec<(Address, U256)>,
    /// Whether anybody may have coins for nothing.
    pub faucet: bool,
}

#[cfg(test)]
impl Draft {
    /// A chain by pow that nobody has coins of.
    pub(crate) const fn mined(timestamp: u64, block_time: Duration) -> Self {
        Self {
            kind: ConsensusKind::Pow,
            chain_id: 7,
            timestamp,
            block_time,
            epoch_blocks: 1,
            seats: 2,
            validators: Vec::new(),
            coins: Vec::new(),
            faucet: false,
        }
    }
}

impl Draft {
    /// The chain.
    pub fn spec(self) -> ChainSpec {
        let consensus = self.consensus();
        let mut genesis = development_genesis(self.chain_id, self.timestamp);
        if !self.faucet {
            genesis.alloc.remove(&genesis.sealer);
        }
        if self.kind != ConsensusKind::Solo {
            genesis.sealer = Address::ZERO;
            genesis.reward = COIN * U256::from(REWARD_COINS);
        }
        give(&mut genesis.alloc, &self.coins);
        if let Some((contract, code)) = consensus.contract().zip(consensus.contract_code()) {
            genesis.alloc.entry(contract).or_default().code = code;
        }
        ChainSpec { consensus, genesis }
    }

    fn consensus(&self) -> ConsensusRules {
        match self.kind {
            ConsensusKind::Solo => ConsensusRules::Solo,
            ConsensusKind::Pow => ConsensusRules::Pow { rules: self.work() },
            ConsensusKind::Pos => ConsensusRules::Pos {
                timing: self.timing(),
                params: self.params(),
                validators: self.validators.clone(),
            },
            ConsensusKind::Dpos => ConsensusRules::Dpos {
                timing: self.timing(),
                params: self.params(),
                validators: self.validators.clone(),
            },
        }
    }

    fn work(&self) -> PowRules {
        let seconds = u32::try_from(self.block_time.as_secs()).unwrap_or(u32::MAX);
        let block_seconds = NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN);
        PowRules {
            initial_difficulty: U256::from(u64::from(block_seconds.get()) * HASHES_PER_SECOND),
            block_seconds,
            half_life_seconds: block_seconds.saturating_mul(NonZeroU32::MIN.saturating_add(HALF_LIFE_BLOCKS - 1)),
            confirmations: CONFIRMATIONS,
            ahead_seconds_max: 15,
        }
    }

    fn timing(&self) -> BftRules {
        BftRules {
            block_millis: u64::try_from(self.block_time.as_millis()).unwrap_or(u64::MAX),
            ..BftRules::default()
        }
    }

    fn params(&self) -> ValidatorParams {
        let evidence_blocks = self.epoch_blocks.saturating_mul(EVIDENCE_EPOCHS);
        ValidatorParams {
            epoch_blocks: self.epoch_blocks,
            evidence_blocks,
            unbonding_blocks: evidence_blocks.saturating_add(self.epoch_blocks),
            jail_blocks: self.epoch_blocks,
            missed_turns_max: 4,
            validators_max: self.seats,
            slash_bps: 500,
            reporter_bps: 1_000,
            min_stake: COIN,
        }
    }
}

fn give(alloc: &mut BTreeMap<Address, GenesisAccount>, coins: &[(Address, U256)]) {
    for (account, wei) in coins {
        let account = alloc.entry(*account).or_default();
        account.balance = account.balance.saturating_add(*wei);
    }
}
