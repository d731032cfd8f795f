//! What a header must be at its place.

use super::{PowRules, puzzle, retarget::difficulty_after, tree::TIMES};
use crate::{Header, Millis, SealError};

/// The median of the times of the last eleven blocks, or of all there are. Of an even number the later of the middle two.
pub fn median(times: &[u64]) -> u64 {
    let mut times = times[..times.len().min(TIMES)].to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The earliest time that a block on `parent` may carry: later than the median of the eleven before it, so that nobody holds
/// the chain's time back alone, and not before its parent's, as the chain asks of every block.
pub fn timestamp_min(parent: &Header, times: &[u64]) -> u64 {
    median(times).saturating_add(1).max(parent.timestamp)
}

/// Whether a header follows its parent, with a time and a difficulty that may follow.
pub fn place(
    rules: &PowRules,
    now: Millis,
    header: &Header,
    parent: &Header,
    times: &[u64],
    genesis: &Header,
) -> Result<(), SealError> {
    let number = header.number;
    if parent.number.checked_add(1) != Some(number) || header.parent != parent.hash {
        return Err(SealError::Parent {
            number,
            parent: parent.number,
        });
    }
    let got = header.timestamp;
    let earliest = timestamp_min(parent, times);
    if got < earliest {
        return Err(SealError::TooEarly {
            number,
            got,
            limit: earliest.saturating_sub(1),
        });
    }
    let now = now / 1_000;
    if got > now.saturating_add(rules.ahead_seconds_max.into()) {
        return Err(SealError::TooLate { number, got, now });
    }
    let expected = difficulty_after(rules, genesis, parent);
    if header.difficulty != expected {
        return Err(SealError::Difficulty {
            number,
            got: header.difficulty,
            expected,
        });
    }
    Ok(())
}

/// Whether a header's nonce solves its puzzle.
pub fn solution(header: &Header) -> Result<(), SealError> {
    if puzzle::is_solved(header.puzzle, header.nonce, puzzle::target(header.difficulty)) {
        Ok(())
    } else {
        Err(SealError::Unsolved(header.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pow::testing::{child, header, rules};

    #[test]
    fn the_median_is_of_the_last_eleven() {
        let cases: [(&[u64], u64); 5] = [
            (&[5], 5),
            (&[9, 1], 9),
            (&[3, 9, 1], 3),
            (&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 6),
            (&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0], 6),
        ];
        for (times, expected) in cases {
            assert_eq!(median(times), expected, "of {times:?}");
        }
    }

    #[test]
    fn each_rule_has_its_own_refusal() {
        let rules = rules();
        let genesis = header(0);
        let parent = header(20);
        let times: Vec<u64> = (10..=20).rev().map(|number| header(number).timestamp).collect();
        let mut good = child(&parent, 1, 0);
        good.difficulty = difficulty_after(&rules, &genesis, &parent);
        let now = (good.timestamp - u64::from(rules.ahead_seconds_max)) * 1_000;
        let verdict = |now, times: &[u64], change: &dyn Fn(&mut Header)| {
            let mut header = good.clone();
            change(&mut header);
            place(&rules, now, &header, &parent, times, &genesis)
        };
        assert_eq!(verdict(now, &times, &|_| ()), Ok(()));
        assert!(matches!(
            verdict(now, &times, &|header| header.number = 22),
            Err(SealError::Parent { .. })
        ));
        assert!(matches!(
            verdict(now, &times, &|header| header.parent = genesis.hash),
            Err(SealError::Parent { number: 21, parent: 20 })
        ));
        assert!(matches!(
            verdict(now - 1, &times, &|_| ()),
            Err(SealError::TooLate { number: 21, .. })
        ));
        assert_eq!(
            verdict(now, &times, &|header| header.timestamp = parent.timestamp),
            Ok(())
        );
        let early = parent.timestamp - 1;
        assert_eq!(
            verdict(now, &times, &|header| header.timestamp = early),
            Err(SealError::TooEarly {
                number: 21,
                got: early,
                limit: early
            }),
            "before its parent"
        );
        let crowded = [parent.timestamp; 11];
        assert!(matches!(
            verdict(now, &crowded, &|header| header.timestamp = parent.timestamp),
            Err(SealError::TooEarly { .. })
        ));
        for wrong in [
            good.difficulty - alloy_primitives::U256::ONE,
            good.difficulty + alloy_primitives::U256::ONE,
        ] {
            assert_eq!(
                verdict(now, &times, &|header| header.difficulty = wrong),
                Err(SealError::Difficulty {
                    number: 21,
                    got: wrong,
                    expected: good.difficulty
                })
            );
        }
    }
}
