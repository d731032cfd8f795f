//! How a job's budget is divided among its providers: what each has earned, what it has in hand, and a part of the rest
//! by its speed, as far as it has shown that it works. Integers, so that whoever reads the published [`Allocation`] computes
//! the same caps.

use crate::farm::millis;
use rayswarm_model::{
    Address, Allocation, Amount, JobId, Work, WorkPrice,
    allocation::{AMOUNT_BITS_MAX, Share},
};
use std::time::Duration;

/// Speeds count up to this, so that no product overflows; no machine is near it.
const RATE_MAX: u64 = 1 << 40;

/// What is known of one provider before the budget is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The account.
    pub provider: Address,
    /// Vouchered and not paid yet.
    pub owed: Amount,
    /// What its attempts under way are worth.
    pub in_flight: Amount,
    /// The most that it gets beyond both: see [`headroom`].
    pub headroom: Amount,
    /// How quickly its results were verified so far, in thousandths of WU per second; 0 for one that gets no new work or has
    /// nothing verified.
    pub rate_milli_wu: u64,
}

/// What a cap may lie above what its provider has earned and has in hand. Whoever has a cap can claim all of it for no work,
/// so it is what the provider has earned in this job, which at most doubles with each epoch, but at least what it earns at
/// its verified speed until the next caps can be in force. Nothing before its first verified task.
pub fn headroom(earned: Amount, price: WorkPrice, verified_milli_wu_per_s: u64, until_next: Duration) -> Amount {
    let milli_wu = u128::from(verified_milli_wu_per_s) * u128::from(millis(until_next)) / 1000;
    let work = Work {
        milli_wu: u64::try_from(milli_wu).unwrap_or(u64::MAX),
    };
    earned.max(price.of_floor(work))
}

/// Divides `free`. What is owed comes first, then what is in flight, each in the order given and as far as it goes; the
/// rest goes by speed, rounded down and at most up to each headroom, and what nobody gets stays with the requestor.
pub fn divide(job: JobId, epoch: u32, free: Amount, needs: &[Need]) -> Allocation {
    let mut left = free.0.min((1 << AMOUNT_BITS_MAX) - 1);
    let mut take = |wanted: Amount| {
        let taken = wanted.0.min(left);
        left -= taken;
        taken
    };
    let owed: Vec<u128> = needs.iter().map(|need| take(need.owed)).collect();
    let in_flight: Vec<u128> = needs.iter().map(|need| take(need.in_flight)).collect();
    let rate = |need: &Need| u128::from(need.rate_milli_wu.min(RATE_MAX));
    let rates: u128 = needs.iter().map(rate).sum();
    let part = |need: &Need| match rates {
        0 => 0,
        // Split so that nothing overflows before the division.
        _ => left / rates * rate(need) + left % rates * rate(need) / rates,
    };
    let shares = needs.iter().zip(owed.iter().zip(&in_flight));
    let shares = shares.map(|(need, (owed, in_flight))| Share {
        provider: need.provider,
        owed: need.owed,
        in_flight: need.in_flight,
        headroom: need.headroom,
        rate_milli_wu: need.rate_milli_wu,
        cap: Amount(owed + in_flight + part(need).min(need.headroom.0)),
    });
    Allocation {
        job,
        epoch,
        free,
        shares: shares.collect(),
    }
}

/// Whether the caps of a published allocation are what its inputs give.
pub fn is_as_divided(allocation: &Allocation) -> bool {
    let need = |share: &Share| Need {
        provider: share.provider,
        owed: share.owed,
        in_flight: share.in_flight,
        headroom: share.headroom,
        rate_milli_wu: share.rate_milli_wu,
    };
    let needs: Vec<Need> = allocation.shares.iter().map(need).collect();
    divide(allocation.job, allocation.epoch, allocation.free, &needs) == *allocation
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const JOB: JobId = JobId::from_bytes([1; 32]);

    fn needs(rows: &[(u128, u128, u64)]) -> Vec<Need> {
        let need = |(index, (owed, in_flight, rate)): (u8, &(u128, u128, u64))| Need {
            provider: Address::repeat_byte(index),
            owed: Amount(*owed),
            in_flight: Amount(*in_flight),
            headroom: Amount(u128::MAX),
            rate_milli_wu: *rate,
        };
        (1..).zip(rows).map(need).collect()
    }

    fn caps(free: u128, rows: &[(u128, u128, u64)]) -> Vec<u128> {
        let allocation = divide(JOB, 1, Amount(free), &needs(rows));
        allocation.shares.iter().map(|share| share.cap.0).collect()
    }

    /// What is free, what is known of each (owed, in flight, speed), and the caps.
    #[test]
    fn what_is_owed_comes_first_and_the_rest_goes_by_speed() {
        assert_eq!(caps(100, &[(0, 0, 1)]), [100], "one gets all");
        assert_eq!(caps(100, &[(0, 0, 1), (0, 0, 3)]), [25, 75]);
        assert_eq!(caps(100, &[(20, 10, 1), (0, 10, 1)]), [60, 40]);
        assert_eq!(caps(100, &[(20, 0, 0), (30, 0, 0)]), [20, 30], "nobody works any more");
        assert_eq!(
            caps(100, &[(0, 0, 1), (0, 0, 1), (0, 0, 1)]),
            [33, 33, 33],
            "dust stays"
        );
        assert_eq!(
            caps(100, &[(60, 50, 9), (70, 0, 9)]),
            [60, 40],
            "signed beyond the escrow"
        );
        assert_eq!(
            caps(100, &[(10, 80, 1), (20, 30, 1)]),
            [80, 20],
            "more in hand than is there"
        );
        assert_eq!(caps(0, &[(0, 0, 1)]), [0]);
        assert_eq!(caps(5, &[]), [0; 0]);
    }

    /// What was earned, the verified speed, and the headroom, at one base unit for each WU and ten seconds until the next caps.
    #[test]
    fn headroom_is_what_was_earned_and_at_least_what_will_be_until_the_next_caps() {
        let price = WorkPrice {
            per_wu_hour: Amount(3_600),
        };
        for (earned, rate, expected) in [
            (0, 0, 0),
            (0, 2_000, 20),
            (19, 2_000, 20),
            (21, 2_000, 21),
            (7, 0, 7),
            (0, u64::MAX, u128::from(u64::MAX / 1_000)),
        ] {
            let found = headroom(Amount(earned), price, rate, Duration::from_secs(10));
            assert_eq!(found, Amount(expected), "{earned} {rate}");
        }
    }

    #[test]
    fn nobody_gets_more_than_its_headroom_beyond_what_it_has_earned_and_in_hand() {
        let mut needs = needs(&[(20, 10, 1), (0, 10, 3), (0, 0, 0)]);
        for (need, headroom) in needs.iter_mut().zip([50, 5, 0]) {
            need.headroom = Amount(headroom);
        }
        let caps = |free| -> Vec<u128> {
            let allocation = divide(JOB, 1, Amount(free), &needs);
            allocation.shares.iter().map(|share| share.cap.0).collect()
        };
        assert_eq!(caps(1_000), [80, 15, 0], "the rest stays with the requestor");
        assert_eq!(caps(56), [34, 15, 0], "a part below the headroom goes by speed");
        assert_eq!(caps(40), [30, 10, 0], "nothing is left to go by speed");
    }

    proptest! {
        #[test]
        fn caps_never_exceed_what_is_free_nor_fall_below_what_is_covered(
            free in any::<u128>(),
            rows in prop::collection::vec((any::<u128>(), any::<u128>(), any::<u64>()), 0..6),
            headroom in any::<u128>(),
        ) {
            let mut needs = needs(&rows);
            needs.iter_mut().for_each(|need| need.headroom = Amount(headroom));
            let allocation = divide(JOB, 1, Amount(free), &needs);
            let total = allocation.caps().unwrap().total();
            prop_assert!(total <= Amount(free));
            prop_assert!(is_as_divided(&allocation));
            let wanted: Amount = needs.iter().flat_map(|need| [need.owed, need.in_flight]).sum();
            if wanted.0 <= free && wanted.0 >> AMOUNT_BITS_MAX == 0 {
                for (need, share) in needs.iter().zip(&allocation.shares) {
                    let covered: Amount = [need.owed, need.in_flight].into_iter().sum();
                    prop_assert!(share.cap >= covered);
                    prop_assert!(share.cap <= [covered, need.headroom].into_iter().sum());
                }
            }
        }
    }

    #[test]
    fn caps_that_were_favoured_are_told_from_divided_ones() {
        let mut allocation = divide(JOB, 1, Amount(100), &needs(&[(0, 0, 1), (0, 0, 1)]));
        assert!(is_as_divided(&allocation));
        allocation.shares[0].cap = Amount(60);
        assert!(!is_as_divided(&allocation));
    }
}
