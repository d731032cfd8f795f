//! Which phase of a dispute a transaction sent now would meet. A chain without empty blocks stands still between two
//! transactions and shows an earlier one. Pure.

use rayswarm_model::UnixMillis;
use rayswarm_settlement::{Dispute, Phase, Round};

/// The phase of `dispute`, whose present round is `round`, of `rounds` that there can be.
pub fn phase_at(dispute: &Dispute, round: &Round, rounds: usize, now: UnixMillis) -> Phase {
    if dispute.concluded {
        return Phase::Concluded;
    }
    if round.unseatable {
        return Phase::Due;
    }
    let Some(committee) = round.committee else {
        return if now < round.draw_ends_at {
            Phase::Drawing
        } else {
            Phase::Due
        };
    };
    if now < committee.commit_ends_at {
        return Phase::Committing;
    }
    if now < committee.reveal_ends_at {
        return Phase::Revealing;
    }
    let is_last = usize::from(dispute.round) + 1 >= rounds;
    if is_last || now >= committee.appeal_ends_at {
        Phase::Due
    } else {
        Phase::Appealing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayswarm_model::{Address, Amount, B256, JobId, TaskId, signed::Verdict};
    use rayswarm_settlement::Committee;

    fn dispute() -> Dispute {
        Dispute {
            job: JobId::from_bytes([1; 32]),
            requestor: Address::repeat_byte(1),
            provider: Address::repeat_byte(2),
            task: TaskId(3),
            evidence: B256::ZERO,
            pool: B256::ZERO,
            stakes_at: UnixMillis(0),
            frozen_stake: Amount::ZERO,
            round: 0,
            concluded: false,
            standing: Verdict::Good,
        }
    }

    fn round(committee: Option<Committee>) -> Round {
        Round {
            draw_block: 9,
            draw_ends_at: UnixMillis(10),
            committee,
            unseatable: false,
            seats: 3,
            committed: 0,
            good: 0,
            bad: 0,
            bonder: Address::repeat_byte(1),
            bond: Amount(4),
            evidence: B256::ZERO,
        }
    }

    /// When it is looked at, the round in question, how many there can be, and the phase.
    #[test]
    fn phases_follow_one_another_by_time() {
        let drawn = Committee {
            crop_seed: B256::ZERO,
            commit_ends_at: UnixMillis(20),
            reveal_ends_at: UnixMillis(30),
            appeal_ends_at: UnixMillis(40),
        };
        for (now, committee, rounds, expected) in [
            (9, None, 2, Phase::Drawing),
            (10, None, 2, Phase::Due),
            (19, Some(drawn), 2, Phase::Committing),
            (20, Some(drawn), 2, Phase::Revealing),
            (30, Some(drawn), 2, Phase::Appealing),
            (30, Some(drawn), 1, Phase::Due),
            (40, Some(drawn), 2, Phase::Due),
        ] {
            let found = phase_at(&dispute(), &round(committee), rounds, UnixMillis(now));
            assert_eq!(found, expected, "{now} {committee:?} {rounds}");
        }
        let unseatable = Round {
            unseatable: true,
            ..round(None)
        };
        assert_eq!(phase_at(&dispute(), &unseatable, 2, UnixMillis(0)), Phase::Due);
        let over = Dispute {
            concluded: true,
            ..dispute()
        };
        assert_eq!(phase_at(&over, &round(None), 2, UnixMillis(0)), Phase::Concluded);
    }
}
