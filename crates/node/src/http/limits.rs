//! How often the API may be called: enough for any person and any farm of scripts, not enough to guess a token or to keep
//! the node from rendering.

use axum::http::Method;
use rayswarm_api::Problem;
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Calls that only read, a second and at once.
const READS: Rate = Rate {
    per_second: 5000.0,
    burst: 10_000.0,
};
/// Calls that change something.
const WRITES: Rate = Rate {
    per_second: 500.0,
    burst: 2000.0,
};
/// Wrong tokens from one address.
const GUESSES: Rate = Rate {
    per_second: 20.0 / 60.0,
    burst: 20.0,
};
/// Addresses remembered at most; beyond it all are forgotten, and each may guess anew.
const GUESSERS_MAX: usize = 10_000;

/// A steady rate, and how much of it can be saved up.
#[derive(Clone, Copy, Debug)]
struct Rate {
    per_second: f64,
    burst: f64,
}

/// What is left of a rate.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    since: Duration,
}

impl Bucket {
    const fn full(rate: Rate, now: Duration) -> Self {
        Self {
            left: rate.burst,
            since: now,
        }
    }

    fn take(&mut self, rate: Rate, now: Duration) -> bool {
        let gained = now.saturating_sub(self.since).as_secs_f64() * rate.per_second;
        self.left = (self.left + gained).min(rate.burst);
        self.since = now;
        let there = self.left >= 1.0;
        if there {
            self.left -= 1.0;
        }
        there
    }
}

/// The limits of one listener.
#[derive(Debug)]
pub struct Limits {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    reads: Bucket,
    writes: Bucket,
    guesses: HashMap<IpAddr, Bucket>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            state: Mutex::new(State::new()),
        }
    }
}

impl Limits {
    /// Counts a call.
    pub fn call(&self, method: &Method) -> Result<(), Problem> {
        let reads = method == Method::GET || method == Method::HEAD;
        allowed(self.state().call(reads, self.started.elapsed()))
    }

    /// Counts a wrong token from this address.
    pub fn guess(&self, peer: Option<IpAddr>) -> Result<(), Problem> {
        allowed(self.state().guess(peer, self.started.elapsed()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new() -> Self {
        Self {
            reads: Bucket::full(READS, Duration::ZERO),
            writes: Bucket::full(WRITES, Duration::ZERO),
            guesses: HashMap::new(),
        }
    }

    fn call(&mut self, reads: bool, now: Duration) -> bool {
        if reads {
            self.reads.take(READS, now)
        } else {
            self.writes.take(WRITES, now)
        }
    }

    fn guess(&mut self, peer: Option<IpAddr>, now: Duration) -> bool {
        if self.guesses.len() >= GUESSERS_MAX {
            self.guesses.clear();
        }
        let bucket = self.guesses.entry(known(peer));
        bucket.or_insert_with(|| Bucket::full(GUESSES, now)).take(GUESSES, now)
    }
}

fn known(peer: Option<IpAddr>) -> IpAddr {
    peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

fn allowed(allowed: bool) -> Result<(), Problem> {
    if allowed {
        return Ok(());
    }
    let detail = "too many calls; wait a second and go on more slowly";
    Err(Problem::new(429, "too_many_requests", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_saved_up_to_a_burst() {
        let mut state = State::new();
        let second = Duration::from_secs(1);
        let taken = (0..20_000).filter(|_| state.call(true, Duration::ZERO)).count();
        assert_eq!(taken, 10_000);
        assert_eq!((0..20_000).filter(|_| state.call(true, second)).count(), 5000);
        // Reading does not keep anybody from cancelling.
        assert!(state.call(false, second));
    }

    #[test]
    fn guessing_stops_and_others_are_not_held_up() {
        let mut state = State::new();
        let [guesser, other] = [1, 2].map(|last| Some(IpAddr::from([10, 0, 0, last])));
        let guesses = (0..100).filter(|_| state.guess(guesser, Duration::ZERO)).count();
        assert_eq!(guesses, 20);
        assert!(state.guess(other, Duration::ZERO));
        assert!(!state.guess(guesser, Duration::from_secs(2)));
        assert!(state.guess(guesser, Duration::from_secs(4)));
    }
}
