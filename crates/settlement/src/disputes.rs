//! Quarrels about claims: a requestor rejects one with a bond, jurors are drawn by stake, commit to verdicts and reveal
//! them, the loser may appeal, and in the end the bonds and the loser's stake are divided. Each step looks at the chain
//! before it sends and may be repeated; every phase ends by time.

mod draw;
mod find;
mod steps;

pub use draw::{DrawOutcome, Drawn};
pub use find::{Seat, Since};
pub use steps::Rejected;

use crate::{
    bindings::disputes::{Disputes, IDisputes},
    error::SettlementError,
    jobs::{amount_from_chain, instant},
    sender::Turn,
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    rpc::types::TransactionReceipt,
    sol_types::SolCall,
};
use rayswarm_model::{
    Amount, DisputeId, JobId, TaskId, UnixMillis,
    signed::{JurorVerdict, Verdict},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a dispute stands, in the order in which a round passes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// There is no such dispute.
    None,
    /// It waits for its committee.
    Drawing,
    /// Jurors commit.
    Committing,
    /// Jurors reveal.
    Revealing,
    /// The votes are in; whoever is the loser then may appeal.
    Appealing,
    /// Nothing but concluding can happen.
    Due,
    /// It is over.
    Concluded,
}

/// A quarrel about one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The job of the claim.
    pub job: JobId,
    /// Who rejected it.
    pub requestor: Address,
    /// Who claimed.
    pub provider: Address,
    /// The task that is judged.
    pub task: TaskId,
    /// keccak-256 of the requestor's evidence.
    pub evidence: B256,
    /// The pool that jurors are drawn from.
    pub pool: B256,
    /// The second whose stakes count in every draw.
    pub stakes_at: UnixMillis,
    /// Held of the provider's stake.
    pub frozen_stake: Amount,
    /// The present round, from 0.
    pub round: u8,
    /// Whether it is over.
    pub concluded: bool,
    /// What stands; in the end the final verdict.
    pub standing: Verdict,
}

/// One round of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// The block whose randomness draws the committee.
    pub draw_block: u64,
    /// Until when it can be drawn.
    pub draw_ends_at: UnixMillis,
    /// Its committee, once that is drawn.
    pub committee: Option<Committee>,
    /// There were too few jurors.
    pub unseatable: bool,
    /// Seats of its committee.
    pub seats: u16,
    /// Jurors that have committed.
    pub committed: u16,
    /// Verdicts revealed that say good.
    pub good: u16,
    /// Verdicts revealed that say bad.
    pub bad: u16,
    /// Who opened the round: the requestor the first, then the appellant.
    pub bonder: Address,
    /// What that cost.
    pub bond: Amount,
    /// keccak-256 of the bonder's evidence.
    pub evidence: B256,
}

/// A committee at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committee {
    /// From it jurors derive the crop.
    pub crop_seed: B256,
    /// Until when they commit; when all have, the next begins at once.
    pub commit_ends_at: UnixMillis,
    /// Until when they reveal.
    pub reveal_ends_at: UnixMillis,
    /// Until when the loser may appeal.
    pub appeal_ends_at: UnixMillis,
}

/// What a juror has done in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ballot {
    /// What it committed to.
    pub commitment: Option<B256>,
    /// What it revealed.
    pub verdict: Option<Verdict>,
    /// Whether its fee was credited to it.
    pub paid: bool,
}

impl Round {
    /// What the verdicts revealed so far say: more than half of the seats spoke, and not as many of either kind.
    pub fn verdict(&self) -> Option<Verdict> {
        let (good, bad) = (u32::from(self.good), u32::from(self.bad));
        if 2 * (good + bad) <= u32::from(self.seats) || good == bad {
            return None;
        }
        Some(if good > bad { Verdict::Good } else { Verdict::Bad })
    }
}

impl Dispute {
    /// Against whom it stands once `present`, its present round, has ended as it is.
    pub fn loser(&self, present: &Round) -> Address {
        match present.verdict().unwrap_or(self.standing) {
            Verdict::Good => self.requestor,
            Verdict::Bad => self.provider,
        }
    }
}

impl Settlement {
    /// A dispute, if there is one of this number.
    pub async fn dispute(&self, id: DisputeId) -> Result<Option<Dispute>, SettlementError> {
        let call = Disputes::disputeCall {
            disputeId: U256::from(id.0),
        };
        let found = self.read_disputes("reading a dispute", call).await?;
        if found.requestor.is_zero() {
            return Ok(None);
        }
        let standing = verdict_from_chain("dispute", found.standing)?.ok_or_else(|| SettlementError::Nonsense {
            method: "dispute",
            reason: format!("nothing stands in dispute {id}"),
        })?;
        Ok(Some(Dispute {
            job: JobId::from(found.jobId),
            requestor: found.requestor,
            provider: found.provider,
            task: TaskId(found.taskId),
            evidence: found.evidenceHash,
            pool: found.pool,
            stakes_at: instant(found.stakesAt.to()),
            frozen_stake: Amount(found.frozenStake),
            round: found.round,
            concluded: found.concluded,
            standing,
        }))
    }

    /// A round of a dispute, if it was opened.
    pub async fn round_of(&self, id: DisputeId, round: u8) -> Result<Option<Round>, SettlementError> {
        let call = Disputes::roundOfCall {
            disputeId: U256::from(id.0),
            round,
        };
        let found = self.read_disputes("reading a round", call).await?;
        Ok((!found.bonder.is_zero()).then(|| round_from_chain(&found)))
    }

    /// What `juror` has done in a round, if it has a seat there.
    pub async fn ballot_of(&self, id: DisputeId, round: u8, juror: Address) -> Result<Option<Ballot>, SettlementError> {
        let call = Disputes::ballotOfCall {
            disputeId: U256::from(id.0),
            round,
            juror,
        };
        let found = self.read_disputes("reading a ballot", call).await?;
        if !found.seated {
            return Ok(None);
        }
        Ok(Some(Ballot {
            commitment: (!found.commitment.is_zero()).then_some(found.commitment),
            verdict: verdict_from_chain("ballotOf", found.verdict)?,
            paid: found.paid,
        }))
    }

    /// Where a dispute stands now. Chains that seal no empty blocks may show an earlier phase than the next transaction
    /// will meet.
    pub async fn dispute_phase(&self, id: DisputeId) -> Result<Phase, SettlementError> {
        let call = Disputes::phaseCall {
            disputeId: U256::from(id.0),
        };
        let number = self.read_disputes("reading the phase of a dispute", call).await?;
        Phase::from_number(number).ok_or_else(|| SettlementError::Nonsense {
            method: "phase",
            reason: format!("unknown phase {number}"),
        })
    }

    /// How many disputes there were: the number of the last.
    pub async fn dispute_count(&self) -> Result<u64, SettlementError> {
        let count = self
            .read_disputes("counting disputes", Disputes::disputeCountCall {})
            .await?;
        Ok(dispute_id("disputeCount", count)?.0)
    }

    /// What opening round `round` costs, in the stake token.
    pub async fn bond_of(&self, round: u8) -> Result<Amount, SettlementError> {
        let bond = self
            .read_disputes("reading a bond", Disputes::bondOfCall { round })
            .await?;
        amount_from_chain("bondOf", bond)
    }

    /// Seats by round.
    pub async fn committees(&self) -> Result<Vec<u16>, SettlementError> {
        self.read_disputes("reading the committees", Disputes::committeesCall {})
            .await
    }

    /// What a juror earns by a verdict that stands, in the stake token.
    pub async fn juror_fee(&self) -> Result<Amount, SettlementError> {
        let fee = self
            .read_disputes("reading the jurors' fee", Disputes::jurorFeeCall {})
            .await?;
        Ok(Amount(fee))
    }

    /// What waits for `account` after disputes, in the stake token.
    pub async fn credit_of(&self, account: Address) -> Result<Amount, SettlementError> {
        let credit = self
            .read_disputes("reading a credit", Disputes::creditOfCall { account })
            .await?;
        amount_from_chain("creditOf", credit)
    }

    /// What this account commits to before it reveals that verdict: computed here, equal to what the contract computes.
    pub fn verdict_commitment(&self, seat: Seat, verdict: Verdict, crop_hash: B256, salt: B256) -> B256 {
        let hidden = JurorVerdict {
            dispute: seat.dispute,
            round: seat.round,
            juror: self.account(),
            verdict,
            crop_hash,
            salt,
        };
        hidden.commitment(self.chain_id(), self.disputes())
    }

    pub(crate) async fn read_disputes<C: SolCall>(
        &self,
        action: &'static str,
        call: C,
    ) -> Result<C::Return, SettlementError> {
        self.rpc.read(action, self.account(), self.disputes(), call).await
    }

    async fn judge(
        &self,
        turn: &Turn<'_>,
        action: &'static str,
        call: impl SolCall,
    ) -> Result<TransactionReceipt, SettlementError> {
        turn.send(action, TxKind::Call(self.disputes()), call.abi_encode())
            .await
    }
}

impl Phase {
    /// In the order of the contract's enum, which the ABI numbers.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        const ALL: [Phase; 7] = [
            Phase::None,
            Phase::Drawing,
            Phase::Committing,
            Phase::Revealing,
            Phase::Appealing,
            Phase::Due,
            Phase::Concluded,
        ];
        ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "not there",
            Self::Drawing => "waiting for its committee",
            Self::Committing => "taking commitments",
            Self::Revealing => "taking verdicts",
            Self::Appealing => "open to appeal",
            Self::Due => "ready to be concluded",
            Self::Concluded => "over",
        })
    }
}

/// Ids are counted by ones from one.
fn dispute_id(method: &'static str, id: U256) -> Result<DisputeId, SettlementError> {
    let too_large = |_| SettlementError::Nonsense {
        method,
        reason: format!("there cannot be a dispute {id}"),
    };
    u64::try_from(id).map(DisputeId).map_err(too_large)
}

/// In the order of the contract's enum, which the ABI numbers.
fn verdict_from_chain(method: &'static str, number: u8) -> Result<Option<Verdict>, SettlementError> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(Verdict::Good)),
        2 => Ok(Some(Verdict::Bad)),
        other => {
            let reason = format!("unknown verdict {other}");
            Err(SettlementError::Nonsense { method, reason })
        }
    }
}

fn round_from_chain(found: &IDisputes::Round) -> Round {
    let committee = (!found.commitEndsAt.is_zero()).then(|| Committee {
        crop_seed: found.cropSeed,
        commit_ends_at: instant(found.commitEndsAt.to()),
        reveal_ends_at: instant(found.revealEndsAt.to()),
        appeal_ends_at: instant(found.appealEndsAt.to()),
    });
    Round {
        draw_block: found.drawBlock,
        draw_ends_at: instant(found.drawEndsAt.to()),
        committee,
        unseatable: found.unseatable,
        seats: found.seats,
        committed: found.committed,
        good: found.good,
        bad: found.bad,
        bonder: found.bonder,
        bond: Amount(found.bond),
        evidence: found.evidenceHash,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::ComparisonClass;
    use serde_json::Value;

    #[test]
    fn the_vectors_shared_with_the_contracts_hold() {
        let vectors: Value = serde_json::from_str(include_str!("../../../contracts/vectors/settlement.json")).unwrap();
        let dispute = &vectors["dispute"];
        let text = |name: &str| dispute[name].as_str().unwrap();
        let hidden = JurorVerdict {
            dispute: DisputeId(text("disputeId").parse().unwrap()),
            round: dispute["round"].as_u64().unwrap().try_into().unwrap(),
            juror: text("juror").parse().unwrap(),
            verdict: Verdict::Bad,
            crop_hash: text("cropHash").parse().unwrap(),
            salt: text("salt").parse().unwrap(),
        };
        assert_eq!(dispute["verdict"], u64::from(hidden.verdict.number()));
        let commitment = hidden.commitment(text("chainId").parse().unwrap(), text("contract").parse().unwrap());
        assert_eq!(commitment.to_string(), text("verdictCommitment"));

        let pool = &vectors["pool"];
        let class = ComparisonClass(pool["comparisonClass"].as_str().unwrap().parse().unwrap());
        let tier = pool["trustTier"].as_u64().unwrap().try_into().unwrap();
        assert_eq!(
            Settlement::juror_pool(class, tier).to_string(),
            pool["pool"].as_str().unwrap()
        );
    }

    #[test]
    fn a_round_decides_by_more_than_half_of_its_seats() {
        use Verdict::{Bad, Good};
        for (seats, good, bad, expected) in [
            (3, 3, 0, Some(Good)),
            (3, 1, 2, Some(Bad)),
            (3, 0, 2, Some(Bad)),
            (3, 1, 0, None),
            (3, 1, 1, None),
            (7, 0, 4, Some(Bad)),
            (7, 3, 0, None),
            (7, 3, 3, None),
            (7, 0, 0, None),
        ] {
            let round = IDisputes::Round {
                drawBlock: 1,
                drawEndsAt: Default::default(),
                commitEndsAt: Default::default(),
                revealEndsAt: Default::default(),
                appealEndsAt: Default::default(),
                unseatable: false,
                seats,
                committed: good + bad,
                good,
                bad,
                bonder: Address::ZERO,
                bond: 1,
                evidenceHash: B256::ZERO,
                cropSeed: B256::ZERO,
            };
            let round = round_from_chain(&round);
            assert_eq!(round.verdict(), expected, "{seats}: {good} against {bad}");
            assert_eq!(round.committee, None, "nobody was drawn");
        }
    }

    #[test]
    fn numbers_that_do_not_exist_are_nonsense() {
        assert!(dispute_id("dispute", U256::from(u64::MAX)).is_ok());
        let large = dispute_id("dispute", U256::from(u64::MAX) + U256::ONE);
        assert!(matches!(large, Err(SettlementError::Nonsense { .. })));
        assert!(matches!(
            verdict_from_chain("dispute", 3),
            Err(SettlementError::Nonsense { .. })
        ));
        assert_eq!(Phase::from_number(7), None);
        assert_eq!(Phase::from_number(6), Some(Phase::Concluded));
    }
}
