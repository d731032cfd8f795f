//! Jobs as their requestors mean them, and the steps that may come next.

use crate::{
    books::Meant,
    chains::{Kind, moment},
    orders::{Lines, Order},
};
use rand::{
    Rng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};
use rayswarm_model::{
    Address, Amount, B256, ComparisonClass, JobId,
    allocation::Cap,
    signed::{AccountKey, Domain, Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{JobTerms, Payments};
use std::time::Duration;

/// The longest challenge window and the longest notice on anvil, where time is jumped.
pub const WINDOW_S: u64 = 600;
const DAY_S: u64 = 86_400;

/// A job of one requestor.
#[derive(Clone, Debug)]
pub struct Job {
    pub owner: usize,
    pub id: JobId,
    pub salt: B256,
    pub terms: JobTerms,
    /// What is to be deposited, top-ups included.
    pub deposit: Amount,
    pub meant: Meant,
    /// Its requestor has begun to end it.
    pub ending: bool,
    /// A top-up is under way: the next follows from it.
    pub topping_up: bool,
    /// A refund is under way, which must come too early.
    pub refunding: bool,
    /// It was still open when all that was meant to be deposited was asked for.
    pub completed: bool,
    /// Its last caps gave everybody all that was vouchered.
    pub covered: bool,
}

/// Who may do what: requestors first, then providers, then the stranger.
#[derive(Clone, Debug)]
pub struct Cast {
    pub requestors: Vec<AccountKey>,
    pub providers: Vec<Address>,
    pub domain: Domain,
    pub token: Address,
}

impl Cast {
    pub fn stranger(&self) -> usize {
        self.requestors.len() + self.providers.len()
    }

    pub fn provider(&self, index: usize) -> usize {
        self.requestors.len() + index
    }

    /// Anybody: vouchers may come by any hand.
    fn anyone(&self, dice: &mut StdRng) -> usize {
        dice.random_range(0..=self.stranger())
    }
}

impl Job {
    /// A job that is to be opened.
    pub fn new(cast: &Cast, dice: &mut StdRng, kind: Kind, now_s: u64, number: u8) -> Self {
        let owner = dice.random_range(0..cast.requestors.len());
        let salt = B256::repeat_byte(number);
        let budget = Amount(dice.random_range(1_000..1_000_000));
        // Where time cannot be jumped, windows are those that a test can wait for.
        let window = |dice: &mut StdRng, embedded_s: u64| match kind {
            Kind::Anvil => Duration::from_secs(dice.random_range(0..=WINDOW_S)),
            Kind::Embedded => Duration::from_secs(dice.random_range(0..=embedded_s)),
        };
        let terms = JobTerms {
            manifest_hash: B256::repeat_byte(1),
            plan_hash: B256::repeat_byte(number),
            policy_hash: B256::repeat_byte(3),
            comparison_class: ComparisonClass(B256::repeat_byte(4)),
            token: cast.token,
            budget,
            provider_stake: Amount::ZERO,
            deadline: moment(now_s + 3 * DAY_S),
            exit_window: match kind {
                Kind::Anvil => Duration::from_secs(DAY_S),
                Kind::Embedded => Duration::from_secs(2),
            },
            notice: window(dice, 1),
            challenge: window(dice, 1),
            trust_tier: 0,
        };
        Self {
            owner,
            id: cast.domain.job_id(cast.requestors[owner].address(), salt),
            salt,
            terms,
            deposit: budget,
            meant: Meant::default(),
            ending: false,
            topping_up: false,
            refunding: false,
            completed: false,
            covered: false,
        }
    }

    pub fn open(&self) -> (usize, Order) {
        let (terms, salt) = (self.terms, self.salt);
        (self.owner, Order::Open { terms, salt })
    }

    /// It is opened, and mostly has caps at once.
    pub fn first_steps(&mut self, cast: &Cast, dice: &mut StdRng) -> Vec<(usize, Order)> {
        let mut steps = vec![self.open()];
        if dice.random_ratio(4, 5) {
            steps.push(self.allocate(cast, dice));
        }
        steps
    }

    fn allocate(&mut self, cast: &Cast, dice: &mut StdRng) -> (usize, Order) {
        let caps = self.divide(cast, dice);
        let document = B256::from(dice.random::<[u8; 32]>());
        let job = self.id;
        (self.owner, Order::Allocate { job, caps, document })
    }

    /// What the providers' best vouchers come to.
    pub fn vouchered(&self, cast: &Cast) -> u128 {
        cast.providers
            .iter()
            .map(|provider| self.meant.vouchered(*provider).0)
            .sum()
    }

    /// A voucher for more than the last one of its provider; rarely for more than there is.
    pub fn sign(&mut self, cast: &Cast, dice: &mut StdRng, provider: Address) -> SignedVoucher {
        let most = if dice.random_ratio(1, 12) {
            2 * self.deposit.0
        } else {
            self.deposit.0.saturating_sub(self.vouchered(cast)) / 2
        };
        let cumulative = self.meant.vouchered(provider).0 + dice.random_range(1..=most.max(1));
        let voucher = Voucher {
            job: self.id,
            provider,
            cumulative: Amount(cumulative),
        };
        let signed = Signed::sign(voucher, &cast.domain, &cast.requestors[self.owner]);
        self.meant.vouchers.push(signed);
        signed
    }

    /// Some of the vouchers in any order, some twice.
    pub fn handful(&self, dice: &mut StdRng) -> Vec<SignedVoucher> {
        let count = dice.random_range(1..=5);
        let mut hand: Vec<SignedVoucher> = (0..count)
            .filter_map(|_| self.meant.vouchers.choose(dice).copied())
            .collect();
        hand.shuffle(dice);
        hand
    }

    /// The best voucher of each provider.
    pub fn best(&self, cast: &Cast) -> Vec<SignedVoucher> {
        let best = |provider: &Address| {
            let of = self
                .meant
                .vouchers
                .iter()
                .filter(|signed| signed.message.provider == *provider);
            of.max_by_key(|signed| signed.message.cumulative).copied()
        };
        cast.providers.iter().filter_map(best).collect()
    }

    /// Caps for all providers in any order, some of them too low for what is vouchered, rarely too high for the job.
    fn divide(&mut self, cast: &Cast, dice: &mut StdRng) -> Lines {
        let generous = dice.random_ratio(3, 4);
        let mut providers = cast.providers.clone();
        providers.shuffle(dice);
        let mut left = if dice.random_ratio(1, 10) {
            2 * self.deposit.0
        } else {
            self.deposit.0
        };
        let line = |provider| {
            let least = if generous {
                self.meant.vouchered(provider).0.min(left)
            } else {
                0
            };
            let cap = dice.random_range(least..=least.max(left / 2));
            left -= cap;
            Cap {
                provider,
                cap: Amount(cap),
            }
        };
        let lines = Lines(providers.into_iter().map(line).collect());
        self.publish(lines)
    }

    /// Notes that a step has its answer.
    pub fn answered(&mut self, order: &Order) {
        match order {
            Order::TopUpTo { .. } => self.topping_up = false,
            Order::Refund { .. } => self.refunding = false,
            _ => {}
        }
    }

    /// Notes caps as meant.
    pub fn publish(&mut self, lines: Lines) -> Lines {
        self.meant.published.push(lines.clone());
        lines
    }

    /// One or more steps that belong together, each with who does it.
    pub fn steps(&mut self, cast: &Cast, dice: &mut StdRng) -> Vec<(usize, Order)> {
        let (job, published) = (self.id, self.meant.published.clone());
        let some = dice.random_range(0..cast.providers.len());
        let provider = cast.providers[some];
        match dice.random_range(0..100) {
            // The same vouchers by two hands at once.
            0..30 => {
                self.sign(cast, dice, provider);
                let hands = [cast.anyone(dice), cast.anyone(dice)];
                let redeem = |hand: usize| {
                    let vouchers = self.handful(dice);
                    (
                        hand,
                        Order::Redeem {
                            job,
                            vouchers,
                            published: published.clone(),
                        },
                    )
                };
                hands.map(redeem).to_vec()
            }
            30..48 => vec![self.allocate(cast, dice)],
            48..58 if !self.topping_up => {
                self.topping_up = true;
                self.deposit = Amount(self.deposit.0 + dice.random_range(1..100_000));
                let deposited = self.deposit;
                vec![(self.owner, Order::TopUpTo { job, deposited })]
            }
            58..72 => {
                let most = self.meant.claimed.entry(provider).or_default();
                *most = Amount(most.0.max(dice.random_range(1..=self.deposit.0)));
                let cumulative = *most;
                let claim = Order::Claim {
                    job,
                    cumulative,
                    published,
                };
                vec![(cast.provider(some), claim)]
            }
            72..82 => vec![(cast.anyone(dice), Order::PayClaim { job, provider })],
            // Too early, and nobody may succeed with it.
            82..86 if !self.ending => {
                self.refunding = true;
                vec![(cast.anyone(dice), Order::Refund { job })]
            }
            86..90 => vec![(cast.provider(some), Order::Record { job })],
            90..93 if !self.refunding => {
                self.ending = true;
                let payments = self.payments(dice);
                let settle = Order::Settle {
                    job,
                    payments,
                    published,
                };
                vec![(self.owner, settle)]
            }
            93..95 if !self.refunding => {
                self.ending = true;
                let close = Order::Close {
                    job,
                    vouchers: self.handful(dice),
                    published,
                };
                vec![(self.owner, close)]
            }
            95..96 if !self.refunding => {
                self.ending = true;
                vec![(self.owner, Order::Cancel { job })]
            }
            _ => vec![(cast.anyone(dice), Order::Tend)],
        }
    }

    /// What a settlement pays: what is vouchered, or less where the last caps leave no room.
    fn payments(&mut self, dice: &mut StdRng) -> Payments {
        let lines = self.meant.published.last().cloned().unwrap_or_default();
        let pay = |line: &Cap| {
            let due = self.meant.vouchered(line.provider).min(line.cap);
            let part = if dice.random_ratio(1, 4) { due.0 / 2 } else { due.0 };
            (line.provider, Amount(part))
        };
        let payments: Payments = lines.0.iter().map(pay).collect();
        self.meant.settlements.push(payments.clone());
        payments
    }
}
