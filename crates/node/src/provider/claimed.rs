//! What this account claims where its requestor does not pay: each task once, in order.
//!
//! Of two copies one comes second and is not needed: the requestor's word for that is taken, since a provider that is left
//! with too many stops its work. What the requestor rejected is left to it as long as it is little: a machine errs now and
//! then. So is what it closed the job without a word about; a word may have been lost with it. Beyond that somebody is wrong,
//! and a jury may say who.

use crate::journal::{Delivered, DeliveredState};
use rayswarm_model::{Amount, canonical, signed::SignedReceipt};
use rayswarm_verifier::claim::ClaimedResult;

/// One part in so many of what was delivered may be left to the requestor.
const LEFT_PART: u128 = 20;

/// What a claim counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// What it is worth in all.
    pub worth: Amount,
    /// Its results, each task once and in order.
    pub results: Vec<ClaimedResult>,
}

/// How far the requestor has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What was paid, or is vouched for.
    pub had: Amount,
    /// Whether the job is closed.
    pub closed: bool,
}

impl Claimed {
    /// What there is to claim of results that have arrived.
    pub fn of(delivered: &[Delivered], standing: Standing) -> Self {
        let chosen = chosen(delivered, standing);
        let result = |delivered: &Delivered| {
            Some(ClaimedResult {
                receipt: canonical::decode::<SignedReceipt>("receipt", &delivered.receipt).ok()?,
                tile: delivered.tile,
                work: delivered.work,
            })
        };
        Self {
            worth: worth_of(&chosen),
            results: chosen.into_iter().filter_map(result).collect(),
        }
    }

    /// What that is worth.
    pub fn worth_of(delivered: &[Delivered], standing: Standing) -> Amount {
        worth_of(&chosen(delivered, standing))
    }
}

fn chosen(delivered: &[Delivered], standing: Standing) -> Vec<&Delivered> {
    let left = |result: &&Delivered| match result.state {
        DeliveredState::Verified => false,
        DeliveredState::Rejected | DeliveredState::NotNeeded => true,
        DeliveredState::Unjudged | DeliveredState::OnItsWay => standing.closed,
    };
    let needed = delivered
        .iter()
        .filter(|result| result.state != DeliveredState::NotNeeded);
    let all = once_each(needed);
    let undisputed = once_each(delivered.iter().filter(|result| !left(result)));
    let most = worth_of(&all);
    let sure = worth_of(&undisputed).max(standing.had);
    let difference = most.checked_minus(sure).unwrap_or_default();
    if difference.0 > most.0 / LEFT_PART {
        all
    } else {
        undisputed
    }
}

fn worth_of(results: &[&Delivered]) -> Amount {
    results.iter().map(|result| result.worth).sum()
}

/// Of each task the result that is the likeliest to be right, of such the dearest. They come in the order of their tasks.
fn once_each<'a>(delivered: impl Iterator<Item = &'a Delivered>) -> Vec<&'a Delivered> {
    let mut chosen: Vec<&Delivered> = Vec::new();
    let trust = |state: DeliveredState| match state {
        DeliveredState::Verified => 3,
        DeliveredState::Unjudged | DeliveredState::OnItsWay => 2,
        DeliveredState::NotNeeded => 1,
        DeliveredState::Rejected => 0,
    };
    let rank = |result: &Delivered| (trust(result.state), result.worth);
    for result in delivered {
        match chosen.last_mut() {
            Some(last) if last.task == result.task => {
                if rank(result) > rank(last) {
                    *last = result;
                }
            }
            _ => chosen.push(result),
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::{
        AttemptId, B256, JobId, Rect, TaskId, Work,
        signed::{AccountKey, Domain, Receipt, Signed},
    };

    fn delivered(attempt: u64, task: u64, worth: u128, state: DeliveredState) -> Delivered {
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        let message = Receipt {
            job: JobId::from_bytes([1; 32]),
            task: TaskId(task),
            attempt: AttemptId(attempt),
            provider: key.address(),
            bytes_hash: B256::ZERO,
            pixel_commitment: B256::ZERO,
            cpu: Default::default(),
        };
        let domain = Domain {
            chain_id: 1,
            escrow: Default::default(),
        };
        Delivered {
            attempt: AttemptId(attempt),
            task: TaskId(task),
            worth: Amount(worth),
            work: Work { milli_wu: 1 },
            tile: Rect {
                x: 0,
                y: 0,
                width: 1,
                height: 1,
            },
            receipt: canonical::encode("receipt", &Signed::sign(message, &domain, &key)).unwrap(),
            state,
        }
    }

    fn claimed(rows: &[(u64, u64, u128, DeliveredState)]) -> (u128, Vec<u64>) {
        let standing = Standing {
            had: Amount::ZERO,
            closed: false,
        };
        claimed_in(standing, rows)
    }

    fn claimed_in(standing: Standing, rows: &[(u64, u64, u128, DeliveredState)]) -> (u128, Vec<u64>) {
        let row = |(attempt, task, worth, state): &(u64, u64, u128, DeliveredState)| {
            delivered(*attempt, *task, *worth, *state)
        };
        let claimed = Claimed::of(&rows.iter().map(row).collect::<Vec<_>>(), standing);
        let attempts = claimed.results.iter().map(|result| result.receipt.message.attempt.0);
        (claimed.worth.0, attempts.collect())
    }

    #[test]
    fn little_that_was_rejected_is_left_to_the_requestor_and_all_that_was_not_needed() {
        use DeliveredState::{NotNeeded, Rejected, Unjudged, Verified};
        assert_eq!(claimed(&[]), (0, vec![]));
        let few = [
            (1, 1, 60, Verified),
            (2, 2, 35, Unjudged),
            (3, 3, 90, NotNeeded),
            (4, 4, 5, Rejected),
        ];
        assert_eq!(claimed(&few), (95, vec![1, 2]));
        let more = [
            (1, 1, 60, Verified),
            (2, 2, 35, Unjudged),
            (3, 3, 90, NotNeeded),
            (4, 4, 6, Rejected),
        ];
        assert_eq!(claimed(&more), (101, vec![1, 2, 4]));
        assert_eq!(claimed(&[(1, 1, 60, Rejected)]), (60, vec![1]), "all of it");
        for (unjudged, expected) in [(5, (95, vec![1])), (6, (101, vec![1, 2]))] {
            let rows = [(1, 1, 95, Verified), (2, 2, unjudged, Unjudged)];
            let closed = |had| Standing {
                had: Amount(had),
                closed: true,
            };
            assert_eq!(
                claimed_in(closed(0), &rows),
                expected,
                "closed without a word about {unjudged}"
            );
            let paid = claimed_in(closed(96), &rows);
            assert_eq!(paid, (95, vec![1]), "nearly all of it was paid, only the word was lost");
        }
    }

    #[test]
    fn a_task_is_claimed_once_by_what_was_verified_or_the_dearest() {
        use DeliveredState::{Unjudged, Verified};
        assert_eq!(
            claimed(&[(1, 1, 5, Unjudged), (2, 1, 9, Unjudged), (3, 2, 1, Unjudged)]),
            (10, vec![2, 3])
        );
        assert_eq!(claimed(&[(1, 1, 5, Verified), (2, 1, 9, Unjudged)]), (5, vec![1]));
    }
}
