//! The life of a job and of its attempts as spans. A job's trace and its spans are named by its id, so that what the
//! requestor tells, before and after a restart, and what providers tell on other machines is one trace.

use super::{
    Span, Traces,
    span::{Begun, Place, time},
};
use crate::{
    clock,
    requestor::{record::JobRecord, refusal::chain},
};
use opentelemetry::{
    KeyValue,
    trace::{SpanId, SpanKind, TraceId},
};
use rayswarm_api::job::JobState;
use rayswarm_model::{AttemptId, JobId, UnixMillis};
use rayswarm_scheduler::{Attempt, AttemptState, Farm};
use std::{collections::BTreeSet, error::Error};

/// The trace of a job.
fn trace_of(job: JobId) -> TraceId {
    let [bytes, _] = halves(job);
    TraceId::from_bytes(bytes)
}

/// The span that is the whole job.
fn whole(job: JobId) -> SpanId {
    let [_, bytes] = halves(job);
    SpanId::from_bytes(first(&bytes))
}

/// The span of an attempt, on the requestor.
fn span_of(job: JobId, attempt: AttemptId) -> SpanId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(job.as_bytes()).update(&attempt.0.to_be_bytes());
    SpanId::from_bytes(first(hasher.finalize().as_bytes()))
}

fn halves(job: JobId) -> [[u8; 16]; 2] {
    let (halves, _) = job.as_bytes().as_chunks();
    [halves.first(), halves.last()].map(|half| half.copied().unwrap_or_default())
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

fn names(job: JobId) -> Vec<KeyValue> {
    vec![KeyValue::new("rayswarm.job.id", job.to_string())]
}

/// One job's states, as this process has seen them.
#[derive(Debug)]
pub struct JobTrace {
    traces: Traces,
    since: UnixMillis,
}

impl JobTrace {
    /// From now on.
    pub fn new(traces: Traces) -> Self {
        Self {
            traces,
            since: clock::now(),
        }
    }

    /// The job has gone from the state `left` to the one that `record` says.
    pub fn entered(&mut self, left: JobState, record: &JobRecord) {
        let now = clock::now();
        let since = std::mem::replace(&mut self.since, now);
        self.traces.tell(|| state_span(record.id, left, since, now));
        if record.state.is_final() {
            self.traces.tell(|| job_span(record, now));
        }
    }
}

fn state_span(job: JobId, state: JobState, since: UnixMillis, now: UnixMillis) -> Span {
    Span {
        place: Place::below(trace_of(job), whole(job)),
        name: state.word().into(),
        kind: SpanKind::Internal,
        began: time(since),
        ended: time(now),
        attributes: names(job),
        happened: Vec::new(),
        error: None,
    }
}

fn job_span(record: &JobRecord, now: UnixMillis) -> Span {
    let mut attributes = names(record.id);
    attributes.extend([
        KeyValue::new("rayswarm.job.state", record.state.word()),
        KeyValue::new("rayswarm.job.tasks", i64::try_from(record.tasks).unwrap_or(i64::MAX)),
    ]);
    let problem = record.problem.as_ref().filter(|_| record.state == JobState::Failed);
    Span {
        place: Place {
            trace: trace_of(record.id),
            span: whole(record.id),
            parent: None,
        },
        name: "job".into(),
        kind: SpanKind::Internal,
        began: time(record.created_at),
        ended: time(record.finished_at.unwrap_or(now)),
        attributes,
        happened: Vec::new(),
        error: problem.map(|problem| problem.detail.clone()),
    }
}

/// Which attempts of a job have yet to be told.
#[derive(Debug, Default)]
pub struct AttemptTraces {
    seen: u64,
    open: BTreeSet<AttemptId>,
}

impl AttemptTraces {
    /// What has ended by now, another process has told.
    pub fn of(farm: &Farm) -> Self {
        let mut traces = Self::default();
        traces.find_new(farm);
        traces
            .open
            .retain(|id| farm.attempt(*id).is_some_and(|attempt| attempt.ended.is_none()));
        traces
    }

    /// Tells what has ended since the last look.
    pub fn look(&mut self, traces: &Traces, job: JobId, farm: &Farm) {
        if !traces.are_on() {
            return;
        }
        self.find_new(farm);
        self.open.retain(|id| {
            let Some(attempt) = farm.attempt(*id) else { return false };
            let is_open = is_open(attempt, farm);
            if !is_open {
                traces.tell(|| attempt_span(job, attempt));
            }
            is_open
        });
    }

    /// Tells what is left when nothing more can come of it.
    pub fn close(&mut self, traces: &Traces, job: JobId, farm: &Farm) {
        self.look(traces, job, farm);
        for attempt in std::mem::take(&mut self.open)
            .into_iter()
            .filter_map(|id| farm.attempt(id))
        {
            traces.tell(|| attempt_span(job, attempt));
        }
    }

    fn find_new(&mut self, farm: &Farm) {
        let new = (self.seen..)
            .map(AttemptId)
            .take_while(|id| farm.attempt(*id).is_some());
        let known = self.open.len();
        self.open.extend(new);
        self.seen += (self.open.len() - known) as u64;
    }
}

/// A late result of an attempt that was given up may still count.
fn is_open(attempt: &Attempt, farm: &Farm) -> bool {
    attempt.state.is_live() || attempt.state.is_given_up() && farm.winner(attempt.task).is_none()
}

fn attempt_span(job: JobId, attempt: &Attempt) -> Span {
    let (name, purpose) = if attempt.purpose.is_render() {
        ("attempt to render", "render")
    } else {
        ("attempt to audit", "audit")
    };
    let mut attributes = names(job);
    attributes.extend([
        KeyValue::new("rayswarm.task.id", attempt.task.to_string()),
        KeyValue::new("rayswarm.attempt.id", attempt.id.to_string()),
        KeyValue::new("rayswarm.attempt.purpose", purpose),
        KeyValue::new("rayswarm.attempt.state", attempt.state.to_string()),
        KeyValue::new("rayswarm.attempt.reason", attempt.reason.to_string()),
        KeyValue::new("rayswarm.provider.id", attempt.node.to_string()),
    ]);
    let ended = attempt.ended.as_ref();
    let is_bad = matches!(
        attempt.state,
        AttemptState::Rejected | AttemptState::Failed | AttemptState::Expired | AttemptState::Lost
    );
    let reason = || ended.map_or_else(|| attempt.state.to_string(), |(_, reason)| reason.to_string());
    Span {
        place: Place {
            trace: trace_of(job),
            span: span_of(job, attempt.id),
            parent: Some(whole(job)),
        },
        name: name.into(),
        kind: SpanKind::Internal,
        began: time(attempt.granted_at),
        ended: time(ended.map_or_else(clock::now, |(at, _)| *at)),
        attributes,
        happened: attempt.started_at.map(|at| ("started", time(at))).into_iter().collect(),
        error: is_bad.then(reason),
    }
}

impl Traces {
    /// Does a provider's part of an attempt, and tells how long it took and whether it worked.
    pub async fn work<T, E: Error>(
        &self,
        job: JobId,
        attempt: AttemptId,
        name: &'static str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let begun = Begun::now();
        let outcome = work.await;
        self.tell(|| {
            let (began, ended) = begun.until_now();
            let mut attributes = names(job);
            attributes.push(KeyValue::new("rayswarm.attempt.id", attempt.to_string()));
            Span {
                place: Place::below(trace_of(job), span_of(job, attempt)),
                name: name.into(),
                kind: SpanKind::Internal,
                began,
                ended,
                attributes,
                happened: Vec::new(),
                error: outcome.as_ref().err().map(|error| chain(error)),
            }
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        bench_seed,
        traces::tests::{TestCollector, holds},
    };
    use rayswarm_model::NodeId;
    use rayswarm_scheduler::step;

    const JOB: JobId = JobId::from_bytes([9; 32]);

    fn count(told: &[u8], text: &str) -> usize {
        let text = text.as_bytes();
        told.windows(text.len()).filter(|window| *window == text).count()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_attempt_is_told_once_also_over_a_restart() {
        let mut collector = TestCollector::start().await;
        let traces = Traces::open(Some(&collector.collector), NodeId::from_bytes([1; 32]));
        let (plan, policy, events) = bench_seed::small_history();
        let mut farm = Farm::new(&plan, policy).unwrap();
        let mut attempts = AttemptTraces::of(&farm);
        let restart = events.len() / 2;
        for (number, (at, event)) in events.into_iter().enumerate() {
            step(&mut farm, event, at);
            attempts.look(&traces, JOB, &farm);
            if number == restart {
                attempts = AttemptTraces::of(&farm);
            }
        }
        attempts.close(&traces, JOB, &farm);
        attempts.close(&traces, JOB, &farm);
        traces.flush().await;
        let told = collector.told();
        let made = (0..).take_while(|id| farm.attempt(AttemptId(*id)).is_some()).count();
        assert!(made >= plan.tasks.len());
        assert_eq!(count(&told, "rayswarm.attempt.state"), made);
        assert_eq!(
            count(&told, "attempt to render") + count(&told, "attempt to audit"),
            made
        );
        assert!(holds(&told, &span_of(JOB, AttemptId(0)).to_bytes()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_provider_does_is_a_part_of_the_attempt() {
        let mut collector = TestCollector::start().await;
        let traces = Traces::open(Some(&collector.collector), NodeId::from_bytes([1; 32]));
        let attempt = AttemptId(7);
        let work = async { Err::<(), _>(std::io::Error::other("the engine broke")) };
        assert!(traces.work(JOB, attempt, "render", work).await.is_err());
        traces.flush().await;
        let told = collector.told();
        for bytes in [
            &trace_of(JOB).to_bytes()[..],
            &span_of(JOB, attempt).to_bytes(),
            b"the engine broke",
        ] {
            assert!(holds(&told, bytes));
        }
        assert_ne!(span_of(JOB, attempt), span_of(JOB, AttemptId(8)));
        assert_ne!(span_of(JOB, attempt), span_of(JobId::from_bytes([8; 32]), attempt));
    }
}
