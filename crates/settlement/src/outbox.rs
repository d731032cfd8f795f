//! Transactions on their way, as a state machine that a restart finds again. Pure: what the chain shows and the time come in,
//! what to do goes out.
//!
//! ```text
//!            Send again (the same bytes)      Bump (dearer, same nonce)
//!                  ┌────┐                        ┌────┐
//!   written down ──▶ Waiting ──────── mined ─────▶ Mined ──── it stays ────▶ forgotten
//!                     │  ▲                          │
//!                     │  └──── reorganised away ────┘
//!                     └── Missing: the nonce is used ── Replaced, after a while ──▶ forgotten; the caller looks at the chain
//! ```
//!
//! A transaction is written down before it is sent, under its nonce. So a nonce is never used for two things by one life and
//! the next: whatever was written down is sent, unchanged but for its fee, until the chain has used the nonce.

use alloy::primitives::{Address, B256, Bytes, U256};
use rayswarm_model::UnixMillis;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A transaction that is not mined after this long is offered a higher fee: three blocks of the slowest chain in use.
const BUMP_AFTER: Duration = Duration::from_secs(36);
/// A transaction that servers may have forgotten is sent again: they keep what they know.
const RESEND_AFTER: Duration = Duration::from_secs(10);
/// Servers take a replacement whose fees are a tenth higher; an eighth leaves room for their rounding.
const BUMP_DIVISOR: u128 = 8;
/// A nonce that is used, without a receipt of ours, is another transaction's only after this long: servers may show the
/// account's number before the receipt.
const REPLACED_AFTER: Duration = Duration::from_secs(15);
/// More bumps than this (a fee three times as high) do not help: something else is wrong.
const BUMPS_MAX: u32 = 9;

/// EIP-1559 fees in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// At most, base fee included.
    pub max: u128,
    /// For whoever seals the block.
    pub priority: u128,
}

/// A transaction on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its place among the account's transactions.
    pub nonce: u64,
    /// What it is for, in words.
    pub action: String,
    /// Whom it calls; none when it makes a contract.
    pub to: Option<Address>,
    /// Native coins that go along, in wei.
    #[serde(default)]
    pub value: U256,
    /// What it calls.
    pub input: Bytes,
    /// Gas at most.
    pub gas_limit: u64,
    /// What it offers now.
    pub fees: Fees,
    /// Hashes of all its forms, the last one being the present.
    pub hashes: Vec<B256>,
    /// When its present form was first sent.
    pub offered_at: UnixMillis,
    /// When it was last sent.
    pub sent_at: UnixMillis,
    /// Where it is, if it is in a block.
    pub mined: Option<Place>,
    /// Since when its nonce is used and it is in no block.
    #[serde(default)]
    pub missing_since: Option<UnixMillis>,
}

/// A transaction's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The form that was mined.
    pub tx: B256,
    /// Number of its block.
    pub block: u64,
}

/// What the chain shows of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Transactions of the account in blocks.
    pub mined_nonce: u64,
    /// The form that is in a block, if one is.
    pub place: Option<Place>,
    /// The newest block that stays.
    pub stays: u64,
    /// What transactions offer now.
    pub market: Fees,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It takes its time.
    Wait,
    /// Send the same bytes again.
    Send,
    /// Offer this instead, and send.
    Bump(Fees),
    /// Its nonce is used, and it is in no block that was seen yet.
    Missing,
    /// It is in a block.
    Mined(Place),
    /// It is in a block that stays: it may be forgotten.
    Final(Place),
    /// Another transaction has its nonce: it will never be mined.
    Replaced,
}

impl Outgoing {
    /// What follows from a look at the chain. The caller does it, then calls [`Outgoing::note`].
    pub fn step(&self, sight: &Sight, now: UnixMillis) -> Step {
        if let Some(place) = sight.place {
            return if place.block <= sight.stays {
                Step::Final(place)
            } else {
                Step::Mined(place)
            };
        }
        if sight.mined_nonce > self.nonce {
            let missing = self.missing_since.map_or(Duration::ZERO, |since| now.since(since));
            return if missing >= REPLACED_AFTER {
                Step::Replaced
            } else {
                Step::Missing
            };
        }
        // In a block before and now in none: the chain was reorganised.
        if self.mined.is_some() {
            return Step::Send;
        }
        if now.since(self.offered_at) >= BUMP_AFTER && self.bumps() < BUMPS_MAX {
            return Step::Bump(self.fees.bumped(sight.market));
        }
        if now.since(self.sent_at) >= RESEND_AFTER {
            return Step::Send;
        }
        Step::Wait
    }

    /// Takes what was done into account. `hash` is that of the form that was sent, after [`Step::Send`] and [`Step::Bump`].
    pub fn note(&mut self, step: Step, hash: Option<B256>, now: UnixMillis) {
        self.missing_since = match step {
            Step::Missing => self.missing_since.or(Some(now)),
            _ => None,
        };
        match step {
            Step::Wait | Step::Missing | Step::Replaced => {}
            Step::Send => {
                self.mined = None;
                self.sent_at = now;
            }
            Step::Bump(fees) => {
                self.fees = fees;
                (self.offered_at, self.sent_at) = (now, now);
            }
            Step::Mined(place) | Step::Final(place) => self.mined = Some(place),
        }
        if let Some(hash) = hash
            && !self.hashes.contains(&hash)
        {
            self.hashes.push(hash);
        }
    }

    /// Whether this is that call: then it need not be sent twice.
    pub fn is(&self, to: Option<Address>, value: U256, input: &Bytes) -> bool {
        self.to == to && self.value == value && self.input == *input
    }

    fn bumps(&self) -> u32 {
        u32::try_from(self.hashes.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}

impl Fees {
    /// The least that servers take in place of these, or what the market asks where that is more.
    fn bumped(self, market: Self) -> Self {
        let more = |fee: u128| fee.saturating_add(fee.div_ceil(BUMP_DIVISOR).max(1));
        let priority = more(self.priority).max(market.priority);
        Self {
            max: more(self.max).max(market.max).max(priority),
            priority,
        }
    }
}

/// The next nonce: after all that the chain has seen and all that was written down.
pub fn next_nonce(seen: u64, outgoing: &[Outgoing]) -> u64 {
    let after = outgoing.iter().map(|one| one.nonce.saturating_add(1));
    after.max().unwrap_or(0).max(seen)
}

/// Where an account's transactions are written down.
pub trait Outbox: fmt::Debug + Send + Sync {
    /// All of them, by nonce.
    ///
    /// # Errors
    /// As the storage has them.
    fn load(&self) -> Result<Vec<Outgoing>, OutboxError>;
    /// Writes one down in place of what was there under its nonce. When it returns, a killed process finds it again.
    ///
    /// # Errors
    /// As the storage has them.
    fn save(&self, outgoing: &Outgoing) -> Result<(), OutboxError>;
    /// Forgets one.
    ///
    /// # Errors
    /// As the storage has them.
    fn forget(&self, nonce: u64) -> Result<(), OutboxError>;
}

/// Transactions cannot be written down or read; then none is sent.
#[derive(Debug, thiserror::Error)]
#[error("transactions on their way cannot be written down")]
pub struct OutboxError(#[source] pub Box<dyn Error + Send + Sync>);

/// Forgets with the process: for tools that send one transaction and wait for it.
#[derive(Debug, Default)]
pub struct MemoryOutbox(Mutex<BTreeMap<u64, Outgoing>>);

impl Outbox for MemoryOutbox {
    fn load(&self) -> Result<Vec<Outgoing>, OutboxError> {
        Ok(self.lock().values().cloned().collect())
    }

    fn save(&self, outgoing: &Outgoing) -> Result<(), OutboxError> {
        self.lock().insert(outgoing.nonce, outgoing.clone());
        Ok(())
    }

    fn forget(&self, nonce: u64) -> Result<(), OutboxError> {
        self.lock().remove(&nonce);
        Ok(())
    }
}

impl MemoryOutbox {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Outgoing>> {
        // Every change is one call: a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
