//! What callers without a token may spend: a sum within any 24 hours, kept in memory.

use rayswarm_api::Problem;
use rayswarm_model::{Amount, UnixMillis};
use std::time::Duration;

/// For how long it counts what was spent.
const WINDOW: Duration = Duration::from_secs(24 * 3600);
/// When to ask again while jobs are running that may cost less than is set aside for them.
const WHILE_RUNNING: Duration = Duration::from_secs(30);

/// A sum, and what is spent of it.
#[derive(Debug)]
pub struct Cap {
    most: Amount,
    charges: Vec<Charge>,
    next: u64,
}

/// What is set aside for a job, or what it has cost.
#[derive(Clone, Copy, Debug)]
struct Charge {
    id: ChargeId,
    amount: Amount,
    /// `None` while its job runs.
    ended_at: Option<UnixMillis>,
}

/// Names a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChargeId(u64);

/// There is not enough left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// What was asked for.
    pub asked: Amount,
    /// What is left.
    pub left: Amount,
    /// All of it.
    pub most: Amount,
    /// After how long to ask again; `None` when waiting is of no use.
    pub wait: Option<Duration>,
}

impl Cap {
    /// Nothing of it is spent yet.
    pub const fn new(most: Amount) -> Self {
        Self {
            most,
            charges: Vec::new(),
            next: 0,
        }
    }

    /// Whether anything can be spent at all.
    pub const fn is_open(&self) -> bool {
        self.most.0 > 0
    }

    /// What is left now.
    pub fn left(&self, now: UnixMillis) -> Amount {
        let charges = self.charges.iter().filter(|charge| charge.counts(now));
        let spent = charges.map(|charge| charge.amount).sum();
        self.most.checked_minus(spent).unwrap_or_default()
    }

    /// Sets something aside for a job.
    pub fn take(&mut self, asked: Amount, now: UnixMillis) -> Result<ChargeId, Reached> {
        self.charges.retain(|charge| charge.counts(now));
        let left = self.left(now);
        if asked > left {
            return Err(Reached {
                asked,
                left,
                most: self.most,
                wait: self.wait(asked, left, now),
            });
        }
        let id = ChargeId(self.next);
        self.next += 1;
        self.charges.push(Charge {
            id,
            amount: asked,
            ended_at: None,
        });
        Ok(id)
    }

    /// A job has ended and has cost this; it counts from now on.
    pub fn settle(&mut self, id: ChargeId, cost: Amount, now: UnixMillis) {
        for charge in self.charges.iter_mut().filter(|charge| charge.id == id) {
            (charge.amount, charge.ended_at) = (cost, Some(now));
        }
        self.charges.retain(|charge| charge.amount > Amount::ZERO);
    }

    /// How long it takes until enough is free again by time alone.
    fn wait(&self, asked: Amount, left: Amount, now: UnixMillis) -> Option<Duration> {
        if asked > self.most {
            return None;
        }
        let ended = |charge: &Charge| Some((charge.ended_at?, charge.amount));
        let mut ended: Vec<_> = self.charges.iter().filter_map(ended).collect();
        ended.sort_by_key(|(at, _)| *at);
        let mut free = left;
        for (at, amount) in ended {
            free = free.checked_plus(amount).unwrap_or(self.most);
            if free >= asked {
                return Some(at.after(WINDOW).since(now));
            }
        }
        Some(WHILE_RUNNING)
    }
}

impl Charge {
    fn counts(&self, now: UnixMillis) -> bool {
        self.ended_at.is_none_or(|at| now < at.after(WINDOW))
    }
}

impl Reached {
    /// As callers are told: 429, because it is a limit on how much may be asked within a time. 402 would say that
    /// paying helps, which nobody can do here.
    pub fn problem(&self) -> Problem {
        let Self { asked, left, most, .. } = self;
        let detail = if *left == Amount::ZERO {
            format!(
                "callers without a token have spent the {most} tokens that they may within 24 hours, or their jobs \
                 under way may need them"
            )
        } else {
            format!(
                "this may cost {asked} tokens, and callers without a token have {left} left of the {most} that they \
                 may spend within 24 hours"
            )
        };
        let token = "call with a token (`rayswarm studio` makes one), or start the node with a larger --render-cap";
        let step = match self.wait {
            Some(wait) => format!("wait {} s; or {token}", wait.as_secs().max(1)),
            None => token.into(),
        };
        Problem::new(429, "render_cap_reached", detail).next(step)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const START: UnixMillis = UnixMillis(1_000_000);
    const HOUR: u64 = 3_600_000;

    fn at(hours: u64) -> UnixMillis {
        UnixMillis(START.0 + hours * HOUR)
    }

    #[test]
    fn what_is_set_aside_counts_in_full_and_what_is_paid_for_a_day() {
        let mut cap = Cap::new(Amount(100));
        let first = cap.take(Amount(60), at(0)).unwrap();
        assert_eq!(cap.left(at(0)), Amount(40));
        // However long it runs.
        assert_eq!(cap.left(at(100)), Amount(40));
        cap.settle(first, Amount(25), at(100));
        assert_eq!(cap.left(at(100)), Amount(75));
        let second = cap.take(Amount(75), at(110)).unwrap();
        assert_eq!(cap.left(at(110)), Amount(0));
        cap.settle(second, Amount(0), at(111));
        assert_eq!(cap.left(at(123)), Amount(75));
        assert_eq!(cap.left(at(124)), Amount(100));
    }

    #[test]
    fn jobs_at_the_same_time_do_not_pass_the_cap_together() {
        let mut cap = Cap::new(Amount(100));
        assert!(cap.take(Amount(60), START).is_ok());
        let reached = cap.take(Amount(60), START).unwrap_err();
        assert_eq!(
            (reached.asked, reached.left, reached.most),
            (Amount(60), Amount(40), Amount(100))
        );
        assert!(cap.take(Amount(40), START).is_ok());
        assert!(cap.take(Amount(1), START).is_err());
    }

    #[test]
    fn who_is_refused_is_told_how_long_to_wait() {
        let mut cap = Cap::new(Amount(100));
        for (hours, cost) in [(1, 50), (0, 40)] {
            let charge = cap.take(Amount(cost), at(hours)).unwrap();
            cap.settle(charge, Amount(cost), at(hours));
        }
        let mut wait = |asked| cap.take(Amount(asked), at(2)).unwrap_err().wait;
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        // The 40 of hour 0 are free in hour 24, the 50 of hour 1 in hour 25.
        assert_eq!((wait(50), wait(51), wait(100)), (hours(22), hours(23), hours(23)));
        assert_eq!(wait(101), None);
        let running = cap.take(Amount(10), at(2)).unwrap();
        assert_eq!(cap.take(Amount(95), at(2)).unwrap_err().wait, Some(WHILE_RUNNING));
        cap.settle(running, Amount(1), at(3));
        assert_eq!(cap.left(at(3)), Amount(9));
    }

    #[test]
    fn a_cap_of_nothing_is_closed_and_one_of_everything_does_not_overflow() {
        let mut closed = Cap::new(Amount(0));
        assert!(!closed.is_open());
        assert_eq!(closed.take(Amount(1), START).unwrap_err().wait, None);
        let mut open = Cap::new(Amount(u128::MAX));
        assert!(open.is_open());
        assert!(open.take(Amount(u128::MAX), START).is_ok());
        assert!(open.take(Amount(1), START).is_err());
    }

    #[test]
    fn the_problem_says_what_is_left_and_what_to_do() {
        let mut cap = Cap::new("1".parse().unwrap());
        let half: Amount = "0.5".parse().unwrap();
        let charge = cap.take(half, START).unwrap();
        cap.settle(charge, half, START);
        let problem = cap.take("0.75".parse().unwrap(), START).unwrap_err().problem();
        assert_eq!((problem.status, problem.kind.as_str()), (429, "render_cap_reached"));
        for said in ["0.75 tokens", "0.5 left of the 1"] {
            assert!(problem.detail.contains(said), "{}", problem.detail);
        }
        let next = problem.next_step.unwrap();
        assert!(next.contains("86400 s") && next.contains("--render-cap"), "{next}");
    }
}
