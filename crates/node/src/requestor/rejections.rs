//! Claims held against this node's own books: one for more than was verified is rejected with a bond, for the sake of a task
//! that was wrong or never came. What is not rejected in time counts as good.

use super::{plan_file, record::JobRecord, refusal::chain, rendering};
use crate::{
    clock,
    journal::{Quarrel, QuarrelRole},
    quarrels::{QuarrelError, statement::Evidence},
    rounds::SaidOnce,
    services::Services,
};
use rayswarm_api::job::JobState;
use rayswarm_model::{Address, Amount, B256, JobId, NodeId, TaskId, UnixMillis, WorkPrice, canonical, keccak256};
use rayswarm_scheduler::{AttemptState, Farm};
use rayswarm_settlement::{ClaimState, FiledClaim};
use rayswarm_verifier::claim::{Claim, ClaimedResult, commitment_of, examine};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

/// How often the chain is asked about the claims of a job.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The same where the window to reject is short.
const LOOK_EVERY_MIN: Duration = Duration::from_secs(1);
/// How long a provider may take to say what its claim counts.
const ASKING_MAX: Duration = Duration::from_secs(15);
/// Looks per window.
const LOOKS_PER_WINDOW: u32 = 8;

/// Watches the claims of one job until it is dropped or the node stops.
pub async fn watch(services: Arc<Services>, job: JobId) {
    let (mut said, mut accepted) = (SaidOnce::default(), BTreeSet::new());
    loop {
        let looked = look(&services, job, &mut accepted);
        let Some(looked) = services.stop.run_until_cancelled(looked).await else {
            return;
        };
        if let Some(error) = said.hear(&looked) {
            tracing::warn!(job = %job.short(), error, "claims are not held against the books yet");
        }
        let pause = tokio::time::sleep(looked.unwrap_or(LOOK_EVERY));
        if services.stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

/// Looks at every claim that can still be rejected and was not accepted before; returns when to look again.
async fn look(services: &Services, id: JobId, accepted: &mut BTreeSet<B256>) -> Result<Duration, QuarrelError> {
    let settlement = &services.settlement;
    let job = settlement.job(id).await?;
    if job.reserved == Amount::ZERO {
        // Nobody has claimed, or there is no job yet.
        let window = if job.state == rayswarm_settlement::JobState::None {
            LOOK_EVERY
        } else {
            job.challenge
        };
        return Ok(pause_in(window));
    }
    let record = services.journal.job(id)?;
    let record = record.ok_or(QuarrelError::Missing("the job is not known here any more"))?;
    let opened_after = record.opened_after.unwrap_or_default();
    for (provider, filed) in settlement.claims_filed(id, opened_after).await? {
        let Some(claim) = settlement.claim_of(id, provider).await? else {
            continue;
        };
        match claim.state {
            ClaimState::Pending if clock::now() < claim.challenge_ends_at => {
                // While a job renders, results may still be verified.
                let late = is_late(claim.challenge_ends_at, job.challenge, clock::now());
                let renders = record.state == JobState::Rendering;
                if accepted.contains(&filed.commitment) || (renders && !late) {
                    continue;
                }
                match consider(services, &record, provider, filed).await {
                    Ok(Judgement::Accepted) => drop(accepted.insert(filed.commitment)),
                    Ok(Judgement::Rejected) => {}
                    // One that cannot be rejected yet must not keep the others from it.
                    Err(error) => {
                        tracing::warn!(job = %id.short(), %provider, error = %chain(&error), "a claim is not rejected yet");
                    }
                }
            }
            ClaimState::Disputed => note_dispute(services, id, provider).await?,
            ClaimState::Pending | ClaimState::Upheld => {}
        }
    }
    Ok(pause_in(job.challenge))
}

/// Short enough for a window to reject in.
fn pause_in(window: Duration) -> Duration {
    (window / LOOKS_PER_WINDOW).clamp(LOOK_EVERY_MIN, LOOK_EVERY)
}

/// While a job runs, results may still be verified; half of the window is waited for that.
fn is_late(challenge_ends_at: UnixMillis, challenge: Duration, now: UnixMillis) -> bool {
    now.after(challenge / 2) >= challenge_ends_at
}

/// A rejection of an earlier life that was not noted.
async fn note_dispute(services: &Services, job: JobId, provider: Address) -> Result<(), QuarrelError> {
    let noted = services.journal.quarrels(services.court, QuarrelRole::Requestor)?;
    if noted
        .iter()
        .any(|quarrel| quarrel.job == job && quarrel.provider == provider)
    {
        return Ok(());
    }
    let Some(dispute) = services.settlement.open_dispute(job, provider).await? else {
        return Ok(());
    };
    let quarrel = Quarrel { dispute, job, provider };
    Ok(services
        .journal
        .note_quarrel(services.court, QuarrelRole::Requestor, quarrel)?)
}

/// What became of a claim that was held against the books.
enum Judgement {
    /// It may be paid.
    Accepted,
    /// A committee judges.
    Rejected,
}

async fn consider(
    services: &Services,
    record: &JobRecord,
    provider: Address,
    filed: FiledClaim,
) -> Result<Judgement, QuarrelError> {
    let FiledClaim { cumulative, commitment } = filed;
    let plan = plan_file::read(services, record.id).ok_or(QuarrelError::Missing("the job's plan is gone"))?;
    let replayed = rendering::books(services, record, &plan);
    let (farm, earnings) = replayed.map_err(|error| {
        tracing::error!(job = %record.id.short(), error = %chain(&error), "the books cannot be read");
        QuarrelError::Missing("what is owed cannot be read")
    })?;
    let earned = earnings.get(&provider).copied().unwrap_or_default();
    if cumulative <= earned {
        return Ok(Judgement::Accepted);
    }
    let nodes: BTreeSet<NodeId> = farm
        .providers()
        .iter()
        .filter(|summary| summary.info.account == provider)
        .map(|summary| summary.info.node)
        .collect();
    let known = Known::of(&farm, plan.tasks.len(), &nodes);
    let results = counted_by(services, record.id, commitment, &nodes).await;
    let claim = Claim {
        job: record.id,
        plan: &plan,
        provider,
        price: known.price,
        cumulative,
        commitment,
        domain: &services.domain,
    };
    let Some((task, reason)) = known.objection(&claim, results.as_deref()) else {
        tracing::info!(job = %record.id.short(), %provider, %cumulative, %earned, "a claim beyond the books is not rejected: nothing in it is known to be wrong");
        return Ok(Judgement::Accepted);
    };
    let evidence = Evidence { reason, earned };
    let document = canonical::encode("evidence", &evidence)?;
    let path = evidence_file(services, record.id, keccak256(&document));
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&path, &document));
    if let Err(error) = written {
        tracing::error!(path = %path.display(), %error, "the evidence cannot be written down");
        return Err(QuarrelError::Missing("the evidence cannot be written down"));
    }
    let rejected = services
        .settlement
        .reject_claim(record.id, provider, task, keccak256(&document))
        .await?;
    tracing::warn!(job = %record.id.short(), %provider, %cumulative, %earned, %task, dispute = %rejected.dispute,
        reason = evidence.reason, "rejected a claim");
    let quarrel = Quarrel {
        dispute: rejected.dispute,
        job: record.id,
        provider,
    };
    services
        .journal
        .note_quarrel(services.court, QuarrelRole::Requestor, quarrel)?;
    Ok(Judgement::Rejected)
}

/// What this node has given jurors the hash of, when it rejected a claim.
pub fn evidence_of(services: &Services, job: JobId, hash: B256) -> Option<Vec<u8>> {
    std::fs::read(evidence_file(services, job, hash)).ok()
}

fn evidence_file(services: &Services, job: JobId, hash: B256) -> PathBuf {
    let folder = services.folder("jobs").join(job.to_string()).join("rejections");
    folder.join(format!("{hash}.bin"))
}

/// What a claim counts, as its provider says and the chain confirms; `None` when it does not say.
async fn counted_by(
    services: &Services,
    job: JobId,
    commitment: B256,
    nodes: &BTreeSet<NodeId>,
) -> Option<Vec<ClaimedResult>> {
    for node in nodes {
        let address = services.network.address_of(*node);
        let asking = services.network.claimed(&address, job, commitment);
        let asked = tokio::time::timeout(ASKING_MAX, asking).await;
        let document = asked.ok().and_then(Result::ok).and_then(|claimed| claimed.document);
        let results = document.and_then(|document| canonical::decode::<Vec<ClaimedResult>>("claim", &document).ok());
        let confirmed = |results: &Vec<ClaimedResult>| commitment_of(results, &services.domain) == commitment;
        if let Some(results) = results.filter(confirmed) {
            return Some(results);
        }
    }
    None
}

/// What became of the tasks that a provider was given.
#[derive(Default)]
struct Known {
    /// The dearest at which it was given any.
    price: WorkPrice,
    /// Something of it arrived and was not found wrong.
    arrived: BTreeSet<TaskId>,
    /// Found wrong, and nothing else of the task arrived.
    wrong: BTreeSet<TaskId>,
    /// Given, and nothing came.
    missing: BTreeSet<TaskId>,
}

impl Known {
    fn of(farm: &Farm, tasks: usize, nodes: &BTreeSet<NodeId>) -> Self {
        let mut known = Self::default();
        for task in (0..tasks as u64).map(TaskId) {
            let Some(summary) = farm.task(task) else { continue };
            let theirs = summary.attempts.iter().filter(|attempt| nodes.contains(&attempt.node));
            known.price = theirs.clone().map(|attempt| attempt.price).fold(known.price, Ord::max);
            known.note(task, &theirs.map(|attempt| attempt.state).collect::<Vec<_>>());
        }
        known
    }

    fn note(&mut self, task: TaskId, states: &[AttemptState]) {
        use AttemptState as S;
        let any = |wanted: fn(&S) -> bool| states.iter().any(wanted);
        if any(|state| matches!(state, S::Delivered | S::Auditing | S::Verified | S::Superseded)) {
            self.arrived.insert(task);
        } else if any(|state| *state == S::Rejected) {
            self.wrong.insert(task);
        } else if !states.is_empty() {
            self.missing.insert(task);
        }
    }

    /// For the sake of which task a claim is rejected, and why: the receipts do not carry it, or one of them is for what was
    /// wrong or never came. A claim that its provider does not explain must at least not be for more than what came.
    fn objection(&self, claim: &Claim<'_>, results: Option<&[ClaimedResult]>) -> Option<(TaskId, String)> {
        let tasks = results.map(|results| {
            results
                .iter()
                .map(|result| result.receipt.message.task)
                .collect::<Vec<_>>()
        });
        let fault = self.fault(tasks.as_deref());
        let any_task = || {
            tasks
                .as_ref()
                .and_then(|tasks| tasks.first().copied())
                .unwrap_or(TaskId(0))
        };
        let Some(results) = results else {
            let arrived = self.arrived.iter().filter_map(|task| claim.plan.task(*task));
            let worth: Amount = arrived.map(|task| claim.price.of_floor(task.work)).sum();
            let is_more = worth < claim.cumulative;
            let unexplained = || {
                format!(
                    "{} is claimed without a list, and what came is worth {worth}",
                    claim.cumulative
                )
            };
            return fault.or_else(|| is_more.then(|| (any_task(), unexplained())));
        };
        match examine(claim, results, any_task()) {
            Err(flaw) => Some(fault.unwrap_or_else(|| (any_task(), flaw.to_string()))),
            Ok(_) => fault,
        }
    }

    /// A task for whose sake a claim is rejected, and why: one that was wrong, or else one that never came. Without the
    /// provider's list, of all that it was given.
    fn fault(&self, counted: Option<&[TaskId]>) -> Option<(TaskId, String)> {
        let is_counted = |task: &&TaskId| counted.is_none_or(|counted| counted.contains(task));
        if let Some(task) = self.wrong.iter().find(is_counted) {
            return Some((*task, format!("an audit found task {task} wrong")));
        }
        let absent = match counted {
            Some(counted) => counted.iter().find(|task| !self.arrived.contains(task)),
            None => self.missing.iter().next(),
        };
        absent.map(|task| (*task, format!("no result of task {task} has come from this provider")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        use AttemptState as S;
        let mut known = Known::default();
        let states: [(u64, &[S]); 6] = [
            (1, &[S::Verified]),
            (2, &[S::Rejected]),
            (3, &[S::Queued, S::Lost]),
            (4, &[S::Rejected, S::Superseded]),
            (5, &[S::Auditing]),
            (6, &[]),
        ];
        for (task, states) in states {
            known.note(TaskId(task), states);
        }
        known
    }

    /// The tasks that a claim counts, and the one for whose sake it is rejected.
    #[test]
    fn a_claim_is_rejected_for_what_was_wrong_or_never_came() {
        let cases: [(Option<&[u64]>, Option<u64>); 7] = [
            (Some(&[1]), None),
            (Some(&[1, 4, 5]), None),
            (Some(&[1, 3, 2]), Some(2)),
            (Some(&[1, 3]), Some(3)),
            (Some(&[1, 6]), Some(6)),
            (Some(&[]), None),
            (None, Some(2)),
        ];
        for (counted, expected) in cases {
            let counted: Option<Vec<TaskId>> = counted.map(|tasks| tasks.iter().copied().map(TaskId).collect());
            let fault = known().fault(counted.as_deref());
            assert_eq!(fault.map(|(task, _)| task), expected.map(TaskId), "{counted:?}");
        }
        let honest = Known {
            wrong: BTreeSet::new(),
            ..known()
        };
        assert_eq!(honest.fault(None).map(|(task, _)| task), Some(TaskId(3)));
    }

    #[test]
    fn half_of_the_window_is_waited_for_a_job_that_runs() {
        let window = Duration::from_secs(10);
        assert!(!is_late(UnixMillis(20_000), window, UnixMillis(14_999)));
        assert!(is_late(UnixMillis(20_000), window, UnixMillis(15_000)));
    }
}
