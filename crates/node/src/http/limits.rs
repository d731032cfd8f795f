//! How often the API may be called: enough for any person and any farm of scripts, not enough to guess a token or to keep
//! the node from rendering.

use super::tokens::Token;
use axum::http::Method;
use rayswarm_api::Problem;
use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Calls that only read, with one token: 5000 a second.
const READS: Rate = Rate {
    every: Duration::from_micros(200),
    burst: 10_000,
};
/// Calls that change something: 500 a second.
const WRITES: Rate = Rate {
    every: Duration::from_millis(2),
    burst: 2000,
};
/// Wrong tokens from one address: 1000 at once, then 20 a minute. A token has 256 bits: this keeps a program that goes
/// on with an old one from keeping the node busy.
const GUESSES: Rate = Rate {
    every: Duration::from_secs(3),
    burst: 1000,
};
/// Calls without a token, all together: 10 a second. Each may fetch a picture and make a job.
const WITHOUT_TOKEN: Rate = Rate {
    every: Duration::from_millis(100),
    burst: 200,
};
/// Callers remembered at most. Beyond it those are forgotten who have been quiet, and if nobody has, everybody.
const REMEMBERED_MAX: usize = 10_000;

/// A steady rate, and how much of it can be saved up.
#[derive(Clone, Copy, Debug)]
struct Rate {
    every: Duration,
    burst: u32,
}

/// What a caller has used of a rate.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    /// When all of it is there again.
    until: Duration,
}

impl Used {
    /// Uses one more, or says how long to wait for it.
    fn take(&mut self, rate: Rate, now: Duration) -> Result<(), Duration> {
        let until = self.until.max(now) + rate.every;
        let wait = until.saturating_sub(now + rate.every * rate.burst);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.until = until;
        Ok(())
    }
}

/// A call too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// After how many seconds the next one is taken.
    pub retry_after_s: u64,
}

impl TooMany {
    fn after(wait: Duration) -> Self {
        Self {
            retry_after_s: wait.as_secs() + u64::from(wait.subsec_nanos() > 0),
        }
    }

    /// As callers are told.
    pub fn problem(self) -> Problem {
        let seconds = match self.retry_after_s {
            1 => "1 second".to_owned(),
            more => format!("{more} seconds"),
        };
        let next = format!("wait {seconds} and go on more slowly");
        Problem::new(429, "too_many_requests", "these are too many calls").next(next)
    }
}

/// The limits of one node, over all its listeners.
#[derive(Debug)]
pub struct Limits {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    reads: HashMap<Token, Used>,
    writes: HashMap<Token, Used>,
    guesses: HashMap<IpAddr, Used>,
    without_token: Used,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            state: Mutex::default(),
        }
    }
}

impl Limits {
    /// Counts a call with this token.
    pub fn call(&self, token: Token, method: &Method) -> Result<(), TooMany> {
        let reads = method == Method::GET || method == Method::HEAD;
        self.state().call(token, reads, self.started.elapsed())
    }

    /// Counts a call without a token, where one is let through.
    pub fn without_token(&self) -> Result<(), TooMany> {
        self.state().without_token(self.started.elapsed())
    }

    /// Counts a wrong token from this address.
    pub fn guess(&self, peer: Option<IpAddr>) -> Result<(), TooMany> {
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        self.state().guess(peer, self.started.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn call(&mut self, token: Token, reads: bool, now: Duration) -> Result<(), TooMany> {
        if reads {
            take(&mut self.reads, token, READS, now)
        } else {
            take(&mut self.writes, token, WRITES, now)
        }
    }

    fn without_token(&mut self, now: Duration) -> Result<(), TooMany> {
        self.without_token.take(WITHOUT_TOKEN, now).map_err(TooMany::after)
    }

    fn guess(&mut self, peer: IpAddr, now: Duration) -> Result<(), TooMany> {
        take(&mut self.guesses, peer, GUESSES, now)
    }
}

fn take<K: Eq + Hash>(used: &mut HashMap<K, Used>, caller: K, rate: Rate, now: Duration) -> Result<(), TooMany> {
    if used.len() >= REMEMBERED_MAX {
        used.retain(|_, used| used.until > now);
        if used.len() >= REMEMBERED_MAX {
            used.clear();
        }
    }
    used.entry(caller).or_default().take(rate, now).map_err(TooMany::after)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(7);

    fn token() -> Token {
        Token::new("one")
    }

    #[test]
    fn rates_are_saved_up_to_a_burst() {
        let mut state = State::default();
        let second = START + Duration::from_secs(1);
        let mut taken = |now| (0..20_000).filter(|_| state.call(token(), true, now).is_ok()).count();
        assert_eq!(taken(START), 10_000);
        assert_eq!(taken(second), 5000);
        assert_eq!(taken(second + Duration::from_secs(3600)), 10_000);
        // Reading does not keep anybody from cancelling.
        assert!(state.call(token(), false, second).is_ok());
    }

    #[test]
    fn each_token_has_limits_of_its_own() {
        let mut state = State::default();
        let writes = (0..5000).filter(|_| state.call(token(), false, START).is_ok()).count();
        assert_eq!(writes, 2000);
        assert!(state.call(Token::new("another"), false, START).is_ok());
    }

    #[test]
    fn callers_without_a_token_share_one_rate() {
        let mut state = State::default();
        let mut taken = |now| (0..1000).filter(|_| state.without_token(now).is_ok()).count();
        assert_eq!(taken(START), 200);
        assert_eq!(taken(START + Duration::from_secs(1)), 10);
        assert!(state.call(token(), false, START).is_ok());
    }

    #[test]
    fn guessing_stops_and_others_are_not_held_up() {
        let mut state = State::default();
        let [guesser, other] = [1, 2].map(|last| IpAddr::from([10, 0, 0, last]));
        let guesses = (0..2000).filter(|_| state.guess(guesser, START).is_ok()).count();
        assert_eq!(guesses, 1000);
        assert!(state.guess(other, START).is_ok());
        assert!(state.call(token(), true, START).is_ok());
    }

    #[test]
    fn whoever_waits_as_long_as_told_may_go_on() {
        let mut state = State::default();
        let guesser = IpAddr::from([10, 0, 0, 1]);
        while state.guess(guesser, START).is_ok() {}
        let told_at = START + Duration::from_millis(500);
        assert_eq!(state.guess(guesser, START), Err(TooMany { retry_after_s: 3 }));
        assert_eq!(state.guess(guesser, told_at), Err(TooMany { retry_after_s: 3 }));
        let nearly = START + Duration::from_millis(2999);
        assert_eq!(state.guess(guesser, nearly), Err(TooMany { retry_after_s: 1 }));
        assert_eq!(state.guess(guesser, START + Duration::from_secs(3)), Ok(()));
        while state.call(token(), true, START).is_ok() {}
        assert_eq!(state.call(token(), true, START), Err(TooMany { retry_after_s: 1 }));
    }

    #[test]
    fn guessers_do_not_fill_the_memory() {
        let mut state = State::default();
        for number in 0..3 * REMEMBERED_MAX as u32 {
            assert!(state.guess(IpAddr::from(number.to_be_bytes()), START).is_ok());
        }
        assert!(state.guesses.len() <= REMEMBERED_MAX);
    }
}
