//! A juror: finds its seats, takes the parties' statements, judges, commits, reveals, and fetches its fee.

use super::{
    LOOK_EVERY, QuarrelError,
    calendar::phase_at,
    judging::{self, Judged, Statements},
    statement::{Said, SignedStatement},
};
use crate::{clock, identity, journal::Ballot, requestor::refusal::chain, rounds::Rounds, services::Services};
use rayswarm_engines::SessionLimits;
use rayswarm_model::{B256, DisputeId, JobId, canonical, signed::Verdict};
use rayswarm_network::{
    PeerAddr,
    juries::{Brief, BriefAnswer, ClaimedResults, JuryEvent, NotNeeded},
};
use rayswarm_settlement::{Committee, Dispute, Phase, Seat};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc;

/// Disputes whose statements are kept at a time: a juror has few seats.
const DISPUTES_MAX: usize = 32;

/// Answers what others ask about quarrels, until the node stops.
pub async fn answer(services: Arc<Services>, mut events: mpsc::Receiver<JuryEvent>, bench: Arc<Bench>) {
    loop {
        let event = tokio::select! {
            () = services.stop.cancelled() => return,
            event = events.recv() => event,
        };
        // Whoever has gone asks again.
        match event {
            Some(JuryEvent::Brief { from, brief, reply }) => {
                let answer = match bench.take(&services, from, &brief).await {
                    Ok(()) => BriefAnswer::Taken,
                    Err(reason) => BriefAnswer::Refused { reason },
                };
                let _ = reply.send(answer);
            }
            Some(JuryEvent::Claimed {
                job, commitment, reply, ..
            }) => {
                let _ = reply.send(ClaimedResults {
                    document: claimed_in(&services, job, commitment),
                });
            }
            Some(JuryEvent::NotNeeded { reply, .. }) => {
                let attempts = Vec::new();
                let _ = reply.send(NotNeeded { attempts });
            }
            None => return,
        }
    }
}

/// What this node claims is no secret: the claim is on the chain.
fn claimed_in(services: &Services, job: JobId, commitment: B256) -> Option<Vec<u8>> {
    services.journal.claimed(job, commitment).unwrap_or_else(|error| {
        tracing::error!(error = %chain(&error), "what is claimed cannot be read");
        None
    })
}

/// What the parties have said.
#[derive(Default)]
pub struct Bench(Mutex<HashMap<DisputeId, Statements>>);

impl Bench {
    fn statements(&self, dispute: DisputeId) -> Statements {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&dispute).cloned().unwrap_or_default()
    }

    fn forget(&self, dispute: DisputeId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&dispute);
    }

    /// Takes a statement that a party has signed, for a dispute that this node judges.
    async fn take(&self, services: &Services, from: PeerAddr, brief: &Brief) -> Result<(), String> {
        let signed: SignedStatement = canonical::decode("statement", &brief.document).map_err(|error| chain(&error))?;
        let (settlement, statement) = (&services.settlement, &signed.statement);
        let id = DisputeId(brief.dispute);
        let is_here = statement.chain_id == settlement.chain_id()
            && statement.disputes == settlement.disputes()
            && statement.dispute == id
            && statement.node == from.node;
        if !is_here {
            return Err("the statement is for another dispute, or of another node".into());
        }
        let unread = |error| format!("the chain cannot be read: {}", chain(&error));
        let dispute = settlement.dispute(id).await.map_err(unread)?;
        let dispute = dispute.filter(|dispute| !dispute.concluded);
        let dispute = dispute.ok_or_else(|| format!("there is no dispute {id} that is under way"))?;
        let ballot = settlement.ballot_of(id, dispute.round, settlement.account()).await;
        if ballot.map_err(unread)?.is_none() {
            return Err(format!("this node has no seat in dispute {id}"));
        }
        let party = match statement.said {
            Said::Requestor(_) => dispute.requestor,
            Said::Provider(_) => dispute.provider,
        };
        if !signed.is_by(party) {
            return Err(format!("the statement is not signed by {party}"));
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= DISPUTES_MAX && !all.contains_key(&id) {
            return Err("this juror has too many disputes before it".into());
        }
        let kept = all.entry(id).or_default();
        match signed.statement.said {
            Said::Requestor(case) => kept.requestor = Some((from, Arc::from(case))),
            Said::Provider(case) => kept.provider = Some(Arc::from(case)),
        }
        Ok(())
    }
}

/// Plays this node's part in every committee it is drawn for, until the node stops.
pub async fn serve(services: Arc<Services>, limits: SessionLimits, bench: Arc<Bench>) {
    let mut juror = Juror {
        services: services.clone(),
        limits,
        bench,
        seats: BTreeSet::new(),
    };
    let mut rounds = Rounds::every(&services, LOOK_EVERY);
    while rounds.next().await {
        rounds.work(juror.round()).await;
    }
}

struct Juror {
    services: Arc<Services>,
    limits: SessionLimits,
    bench: Arc<Bench>,
    /// Those that may not be over.
    seats: BTreeSet<Seat>,
}

/// What a look at a seat has shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    UnderWay,
    Over,
}

impl Juror {
    async fn round(&mut self) {
        if let Err(error) = self.find_seats().await {
            tracing::debug!(error = %chain(&error), "seats cannot be looked for");
        }
        for seat in self.seats.clone() {
            match self.play(seat).await {
                Ok(Stands::Over) => {
                    self.seats.remove(&seat);
                    self.bench.forget(seat.dispute);
                }
                Ok(Stands::UnderWay) => {}
                Err(error) => tracing::debug!(dispute = %seat.dispute, error = %chain(&error), "a seat waits"),
            }
        }
    }

    /// New seats are found by events. Where all known ones are over, the next life begins to look here.
    async fn find_seats(&mut self) -> Result<(), QuarrelError> {
        let Services {
            settlement,
            journal,
            court,
            ..
        } = self.services.as_ref();
        let from = match journal.seats_from(*court)? {
            Some(from) => from,
            // Who has just begun to judge was drawn for nothing yet.
            None => {
                let from = settlement.height().await?.saturating_sub(1);
                journal.note_seats_from(*court, from)?;
                from
            }
        };
        let found = settlement.seats_of(settlement.account(), from).await?;
        self.seats.extend(found.found);
        if self.seats.is_empty() && found.next_block > from {
            journal.note_seats_from(*court, found.next_block)?;
        }
        Ok(())
    }

    async fn play(&self, seat: Seat) -> Result<Stands, QuarrelError> {
        let settlement = &self.services.settlement;
        let Some(dispute) = settlement.dispute(seat.dispute).await? else {
            return Ok(Stands::Over);
        };
        let account = settlement.account();
        let Some(ballot) = settlement.ballot_of(seat.dispute, seat.round, account).await? else {
            return Ok(Stands::Over);
        };
        if dispute.concluded {
            settlement.pay_juror(seat.dispute, seat.round, account).await?;
            if let Some(mined) = settlement.withdraw_credit().await? {
                tracing::info!(dispute = %seat.dispute, tx = %mined.tx, "fetched a juror's fee");
            }
            return Ok(Stands::Over);
        }
        if dispute.round != seat.round {
            // What this seat has earned is paid when the dispute is over.
            return Ok(Stands::UnderWay);
        }
        let round = settlement.round_of(seat.dispute, seat.round).await?;
        let Some((round, committee)) = round.and_then(|round| Some((round, round.committee?))) else {
            return Ok(Stands::UnderWay);
        };
        let rounds = settlement.committees().await?.len();
        match phase_at(&dispute, &round, rounds, clock::now()) {
            Phase::Committing if ballot.commitment.is_none() => self.commit(seat, &dispute, &committee).await?,
            Phase::Revealing if ballot.commitment.is_some() && ballot.verdict.is_none() => self.reveal(seat).await?,
            // Parties do this; should both be away, a juror wants its fee.
            Phase::Due => drop(settlement.conclude(seat.dispute).await?),
            _ => {}
        }
        Ok(Stands::UnderWay)
    }

    async fn commit(&self, seat: Seat, dispute: &Dispute, committee: &Committee) -> Result<(), QuarrelError> {
        let Services {
            settlement,
            journal,
            court,
            ..
        } = self.services.as_ref();
        let kept = journal.ballot(*court, seat.dispute, seat.round)?;
        let ballot = match kept {
            Some(ballot) => ballot,
            None => {
                let Some(judged) = self.judge(seat, dispute, committee).await? else {
                    return Ok(());
                };
                tracing::info!(dispute = %seat.dispute, verdict = ?judged.verdict, why = judged.why, "judged a claim");
                let ballot = Ballot {
                    dispute: seat.dispute,
                    round: seat.round,
                    good: judged.verdict == Verdict::Good,
                    crop_hash: judged.crop_hash,
                    salt: B256::from(identity::random()?),
                };
                journal.save_ballot(*court, &ballot)?;
                ballot
            }
        };
        let commitment = settlement.verdict_commitment(seat, verdict_of(&ballot), ballot.crop_hash, ballot.salt);
        settlement.commit_verdict(seat, commitment).await?;
        Ok(())
    }

    /// Judges by what the parties have said; by what one of them has, when the other was waited for long enough. `None` while
    /// there is time.
    async fn judge(
        &self,
        seat: Seat,
        dispute: &Dispute,
        committee: &Committee,
    ) -> Result<Option<Judged>, QuarrelError> {
        let statements = self.bench.statements(seat.dispute);
        let is_whole = statements.requestor.is_some() && statements.provider.is_some();
        if !is_whole && !waited_enough(committee) {
            return Ok(None);
        }
        let judging = judging::judge(&self.services, &self.limits, seat, dispute, committee, &statements);
        // Other seats wait meanwhile, and a verdict that comes too late is none.
        let left = committee.commit_ends_at.since(clock::now());
        let Ok(judged) = tokio::time::timeout(left, judging).await else {
            return Ok(None);
        };
        match judged {
            Ok(judged) => Ok(Some(judged)),
            // The requestor's scene could not be had in all this time.
            Err(judging::JudgingError::Files(error)) if waited_enough(committee) => {
                Ok(Some(Judged::without_scene(&chain(&error))))
            }
            Err(judging::JudgingError::Quarrel(error)) => Err(error),
            Err(error) => {
                tracing::warn!(dispute = %seat.dispute, error = %chain(&error), "a claim cannot be judged yet");
                Ok(None)
            }
        }
    }

    async fn reveal(&self, seat: Seat) -> Result<(), QuarrelError> {
        let Services {
            settlement,
            journal,
            court,
            ..
        } = self.services.as_ref();
        let ballot = journal.ballot(*court, seat.dispute, seat.round)?;
        let ballot = ballot.ok_or(QuarrelError::Missing("the verdict that was committed to is gone"))?;
        settlement
            .reveal_verdict(seat, verdict_of(&ballot), ballot.crop_hash, ballot.salt)
            .await?;
        Ok(())
    }
}

/// As much time is left to commit as there is to reveal.
fn waited_enough(committee: &Committee) -> bool {
    let reserve = committee.reveal_ends_at.since(committee.commit_ends_at);
    clock::now().after(reserve) >= committee.commit_ends_at
}

const fn verdict_of(ballot: &Ballot) -> Verdict {
    if ballot.good { Verdict::Good } else { Verdict::Bad }
}
