//! A job's books, kept a second time: from its history and from what its requestor signed, by the contract's rules. Pure.

use crate::orders::Lines;
use rayswarm_model::{Address, Amount, B256, signed::SignedVoucher};
use rayswarm_settlement::{JobEvent, JobEventKind, Payments};
use std::collections::{BTreeMap, BTreeSet};

/// What its owner and its providers meant with a job.
#[derive(Clone, Debug, Default)]
pub struct Meant {
    /// All caps that were published or tried.
    pub published: Vec<Lines>,
    /// All vouchers that were signed.
    pub vouchers: Vec<SignedVoucher>,
    /// The most that each provider has claimed to have earned.
    pub claimed: BTreeMap<Address, Amount>,
    /// The payments of all settlements that were tried.
    pub settlements: Vec<Payments>,
}

impl Meant {
    /// The most that a voucher gives `provider`.
    pub fn vouchered(&self, provider: Address) -> Amount {
        let of = |signed: &&SignedVoucher| signed.message.provider == provider;
        let given = self.vouchers.iter().filter(of).map(|signed| signed.message.cumulative);
        given.max().unwrap_or_default()
    }

    fn signed(&self, provider: Address, cumulative: u128) -> bool {
        let same = |signed: &SignedVoucher| {
            signed.message.provider == provider && signed.message.cumulative == Amount(cumulative)
        };
        self.vouchers.iter().any(same)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Seat {
    paid: u128,
    used: u128,
    /// Held back, and the epoch whose cap it is taken from.
    claim: Option<(u128, u32)>,
    recorded: bool,
    /// What the last voucher of a transaction could not be paid.
    short: Option<(B256, u128)>,
}

/// A job as its history tells it.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub deposited: u128,
    pub free: u128,
    pub reserved: u128,
    pub refunded: u128,
    pub over: bool,
    seats: BTreeMap<Address, Seat>,
    epoch: u32,
    caps: BTreeMap<Address, u128>,
    pending: Option<BTreeMap<Address, u128>>,
    closed: bool,
    settled: Option<Payments>,
}

impl Books {
    /// Goes through a job's history. `settled` is what its settlement at one stroke paid, if it had one.
    ///
    /// # Errors
    /// The first event that breaks a rule.
    pub fn of(history: &[JobEvent], meant: &Meant, settled: Option<&Payments>) -> Result<Self, String> {
        let mut books = Self::default();
        for (at, event) in history.iter().enumerate() {
            let taken = books.take(at, event, meant, settled);
            taken.map_err(|why| format!("event {at}, {:?}: {why}; before it: {books:?}", event.kind))?;
        }
        Ok(books)
    }

    /// What `provider` was paid.
    pub fn paid(&self, provider: Address) -> u128 {
        self.seats.get(&provider).map_or(0, |seat| seat.paid)
    }

    /// What all were paid.
    pub fn paid_to_all(&self) -> u128 {
        self.seats.values().map(|seat| seat.paid).sum()
    }

    fn take(&mut self, at: usize, event: &JobEvent, meant: &Meant, settled: Option<&Payments>) -> Result<(), String> {
        must(!self.over, "the job was over")?;
        match &event.kind {
            JobEventKind::Opened { budget } => {
                must(at == 0, "it was open already")?;
                (self.deposited, self.free) = (budget.0, budget.0);
            }
            JobEventKind::ToppedUp { amount } => {
                must(!self.closed, "it was closed")?;
                self.deposited += amount.0;
                self.free += amount.0;
            }
            JobEventKind::Allocated { epoch, root, total, .. } => {
                must(!self.closed, "it was closed")?;
                must(*epoch == self.epoch + 1, "the epoch's number")?;
                must(total.0 <= self.free, "more than is free")?;
                let same = |lines: &&Lines| lines.caps().root() == *root && lines.caps().total() == *total;
                let known = meant.published.iter().find(same).ok_or("nobody meant these caps")?;
                self.pending = Some(known.0.iter().map(|line| (line.provider, line.cap.0)).collect());
            }
            JobEventKind::InForce { epoch } => {
                self.caps = self.pending.take().ok_or("no caps waited")?;
                self.epoch += 1;
                must(*epoch == self.epoch, "the epoch's number")?;
                must(
                    self.caps.values().sum::<u128>() <= self.free,
                    "caps in force are not covered",
                )?;
                self.seats.values_mut().for_each(|seat| seat.used = 0);
            }
            JobEventKind::Lapsed { .. } => {
                let lapsed = self.pending.take().ok_or("no caps waited")?;
                must(lapsed.values().sum::<u128>() > self.free, "caps that fit lapsed")?;
            }
            JobEventKind::Underfunded { provider, unpaid } => {
                self.seats.entry(*provider).or_default().short = Some((event.tx, unpaid.0));
            }
            JobEventKind::Redeemed { provider, amount, paid } => {
                self.redeem(*provider, amount.0, paid.0, event.tx, meant)?;
            }
            JobEventKind::Settled { amount } => self.settle(amount.0, meant, settled)?,
            JobEventKind::Recorded { provider, paid } => {
                must(self.settled.is_some(), "nothing was settled")?;
                let seat = self.seats.entry(*provider).or_default();
                must(!seat.recorded && paid.0 == seat.paid, "not what was settled")?;
                (seat.recorded, seat.used) = (true, seat.paid);
            }
            JobEventKind::Claimed { provider, amount, .. } => {
                let (epoch, cap) = (self.epoch, self.cap(*provider));
                let seat = self.seats.entry(*provider).or_default();
                must(
                    self.settled.is_none() || seat.recorded,
                    "its settlement is not recorded",
                )?;
                must(seat.claim.is_none(), "it had a claim")?;
                must(amount.0 > 0 && seat.used + amount.0 <= cap, "above its cap")?;
                let most = meant.claimed.get(provider).copied().unwrap_or_default();
                must(seat.paid + amount.0 <= most.0, "more than it ever claimed")?;
                seat.claim = Some((amount.0, epoch));
                self.hold(amount.0)?;
            }
            JobEventKind::ClaimPaid { provider, amount, paid } => {
                let epoch = self.epoch;
                let seat = self.seats.entry(*provider).or_default();
                let (held, of) = seat.claim.take().ok_or("it had no claim")?;
                must(held == amount.0 && seat.paid + held == paid.0, "not what was claimed")?;
                seat.paid += held;
                seat.used += if of == epoch { held } else { 0 };
                self.reserved -= held;
            }
            JobEventKind::Cancelled => must(self.epoch == 0 && self.pending.is_none(), "it had caps")?,
            JobEventKind::Closed { .. } => {
                must(!self.closed, "it was closed")?;
                self.closed = true;
            }
            JobEventKind::Refunded { amount } => {
                must(amount.0 == self.free, "not what was free")?;
                self.nothing_is_owed(meant)?;
                self.refunded += amount.0;
                self.free = 0;
                self.closed = true;
                self.over = self.reserved == 0;
            }
            JobEventKind::Disputed { .. } | JobEventKind::Upheld { .. } | JobEventKind::Released { .. } => {
                return Err("nobody rejected a claim".into());
            }
        }
        self.covers()
    }

    fn cap(&self, provider: Address) -> u128 {
        self.caps.get(&provider).copied().unwrap_or_default()
    }

    fn hold(&mut self, amount: u128) -> Result<(), String> {
        self.free = self.free.checked_sub(amount).ok_or("more than is free")?;
        self.reserved += amount;
        Ok(())
    }

    /// A voucher pays exactly what it is above what was paid: first out of the claim, then as far as cap and job go.
    fn redeem(&mut self, provider: Address, amount: u128, paid: u128, tx: B256, meant: &Meant) -> Result<(), String> {
        let (epoch, cap, free) = (self.epoch, self.cap(provider), self.free);
        let seat = self.seats.entry(provider).or_default();
        must(
            self.settled.is_none() || seat.recorded,
            "its settlement is not recorded",
        )?;
        must(
            amount > 0 && seat.paid + amount == paid,
            "what was paid before is counted twice",
        )?;
        let short = seat
            .short
            .take()
            .filter(|(of, _)| *of == tx)
            .map_or(0, |(_, unpaid)| unpaid);
        must(
            meant.signed(provider, paid + short),
            "nobody signed a voucher of this amount",
        )?;
        let owed = amount + short;
        let (held, of) = seat.claim.unwrap_or((0, epoch));
        let taken = owed.min(held);
        let still_held = held - taken;
        seat.claim = (still_held > 0).then_some((still_held, of));
        let (used, holds) = if of == epoch { (taken, still_held) } else { (0, 0) };
        seat.used += used;
        let left = cap.saturating_sub(seat.used + holds).min(free).min(owed - taken);
        must(
            taken + left == amount,
            "not as far as its claim, its cap and the job go",
        )?;
        seat.used += left;
        seat.paid = paid;
        self.free -= left;
        self.reserved -= taken;
        Ok(())
    }

    fn settle(&mut self, amount: u128, meant: &Meant, settled: Option<&Payments>) -> Result<(), String> {
        let payments = settled.ok_or("its transaction does not say whom it paid")?;
        let untouched = self.free == self.deposited && self.paid_to_all() == 0;
        must(untouched, "something was paid or claimed before")?;
        must(meant.settlements.contains(payments), "nobody meant these payments")?;
        must(
            payments.values().map(|paid| paid.0).sum::<u128>() == amount,
            "the sum of its payments",
        )?;
        for (provider, paid) in payments {
            must(paid.0 <= self.cap(*provider), "above a cap")?;
            self.seats.entry(*provider).or_default().paid = paid.0;
        }
        self.free -= amount;
        self.settled = Some(payments.clone());
        Ok(())
    }

    /// Before the rest goes back: no voucher would still be paid.
    fn nothing_is_owed(&self, meant: &Meant) -> Result<(), String> {
        let providers: BTreeSet<Address> = meant.vouchers.iter().map(|signed| signed.message.provider).collect();
        for provider in providers {
            let seat = self.seats.get(&provider).copied().unwrap_or_default();
            let owed = meant.vouchered(provider).0.saturating_sub(seat.paid);
            let (held, of) = seat.claim.unwrap_or_default();
            let holds = if of == self.epoch { held } else { 0 };
            let settled_only = self.settled.is_some() && !seat.recorded;
            let used = if settled_only { seat.paid } else { seat.used };
            let left = self.cap(provider).saturating_sub(used + holds).min(self.free);
            must(
                owed.min(held + left) == 0,
                &format!("{provider} could still be paid {} of {owed}", owed.min(held + left)),
            )?;
        }
        Ok(())
    }

    /// At every moment.
    fn covers(&self) -> Result<(), String> {
        let sum = self.paid_to_all() + self.refunded + self.free + self.reserved;
        must(sum == self.deposited, "deposited is not paid, refunded and locked")?;
        let held: u128 = self
            .seats
            .values()
            .filter_map(|seat| seat.claim)
            .map(|(held, _)| held)
            .sum();
        must(held == self.reserved, "what claims hold back")?;
        let recorded = |provider: &Address| self.seats.get(provider).is_some_and(|seat| seat.recorded);
        let open = self
            .caps
            .iter()
            .filter(|(provider, _)| self.settled.is_none() || recorded(provider));
        let open = open.map(|(provider, cap)| {
            let seat = self.seats.get(provider).copied().unwrap_or_default();
            let (held, of) = seat.claim.unwrap_or_default();
            cap.saturating_sub(seat.used + if of == self.epoch { held } else { 0 })
        });
        let covered = self.refunded > 0 || self.over || open.sum::<u128>() <= self.free;
        must(covered, "caps in force exceed what is free")
    }
}

fn must(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

#[cfg(test)]
mod tests;
