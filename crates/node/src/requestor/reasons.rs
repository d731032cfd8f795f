//! Why each task of a job went where it went, recomputed from its journal. What was recomputed is kept for a while: to read
//! the journal of ten thousand tasks takes a second, and who reads the reasons reads them page by page.

use super::{plan_file, rendering::ReplayError};
use crate::services::Services;
use rayswarm_api::{Time, page::Page, task::Explanation};
use rayswarm_model::{JobId, TaskId, UnixMillis};
use rayswarm_scheduler::{Effect, Event, Farm, Grant, step};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Jobs whose reasons are kept: those that somebody looks at.
const JOBS_MAX: usize = 4;
/// Lines of one job that are kept, about 200 bytes each; more are told and forgotten.
const LINES_MAX: usize = 200_000;

/// The reasons of the jobs that somebody has asked about last.
#[derive(Default)]
pub struct ReasonsKept {
    jobs: Mutex<VecDeque<(JobId, Arc<Mutex<Reasons>>)>>,
}

/// The reasons of one job.
#[derive(Default)]
pub struct Reasons {
    farm: Option<Farm>,
    /// Events read so far.
    events: u64,
    lines: Vec<Line>,
    /// Whether no events will come any more.
    whole: bool,
}

struct Line {
    explanation: Explanation,
    about: About,
}

/// Which tasks a line concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// All of them.
    All,
    /// One.
    Task(TaskId),
    /// A lease: those of as many grants that follow it.
    Grants(usize),
}

impl ReasonsKept {
    /// A page of a job's reasons, brought up to date; those about one task, if it is named. `is_over` says that the job's
    /// journal will not grow any more. Blocking.
    pub fn page(
        &self,
        services: &Services,
        job: JobId,
        is_over: bool,
        task: Option<TaskId>,
        (after, limit): (usize, usize),
    ) -> Result<Page<Explanation>, ReplayError> {
        let kept = self.of(job);
        let mut reasons = locked(&kept);
        if !reasons.whole {
            let read = reasons.read_on(services, job);
            if read.is_err() || reasons.lines.len() > LINES_MAX {
                self.forget(job);
            }
            read?;
            reasons.whole = is_over;
        }
        Ok(reasons.page(task, after, limit))
    }

    fn of(&self, job: JobId) -> Arc<Mutex<Reasons>> {
        let mut jobs = locked(&self.jobs);
        let at = jobs.iter().position(|(known, _)| *known == job);
        let reasons = at
            .and_then(|at| jobs.remove(at))
            .map(|(_, reasons)| reasons)
            .unwrap_or_default();
        jobs.push_back((job, reasons.clone()));
        if jobs.len() > JOBS_MAX {
            jobs.pop_front();
        }
        reasons
    }

    fn forget(&self, job: JobId) {
        locked(&self.jobs).retain(|(known, _)| *known != job);
    }
}

impl Reasons {
    /// Reads what has happened since the last time.
    fn read_on(&mut self, services: &Services, job: JobId) -> Result<(), ReplayError> {
        let events = services.journal.events_from::<Event>(job, self.events)?;
        // Before the first event it is not yet fixed how the farm decides.
        if self.farm.is_none()
            && !events.is_empty()
            && let Some(record) = services.journal.job(job)?
            && let Some(plan) = plan_file::read(services, job)
        {
            self.farm = Some(Farm::new(&plan, record.policy)?);
        }
        for (at, event) in events {
            self.happened(event, at);
        }
        Ok(())
    }

    fn happened(&mut self, event: Event, at: UnixMillis) {
        let Some(farm) = &mut self.farm else { return };
        self.events += 1;
        for effect in step(farm, event, at) {
            let task_of = |attempt| farm.attempt(attempt).map(|known| known.task);
            let (about, grants): (About, &[Grant]) = match &effect {
                Effect::Wait { .. } => continue,
                Effect::Lease { tasks, .. } => (About::Grants(tasks.len()), tasks),
                other => (other.attempt().and_then(task_of).map_or(About::All, About::Task), &[]),
            };
            let text = effect.to_string();
            let (decision, reason) = text.split_once(" — ").unwrap_or((&text, ""));
            self.lines.push(line(at, decision.into(), reason.into(), about));
            for grant in grants {
                let about = task_of(grant.attempt).map_or(About::All, About::Task);
                self.lines
                    .push(line(at, format!("  {grant}"), grant.reason.to_string(), about));
            }
        }
    }

    fn page(&self, task: Option<TaskId>, after: usize, limit: usize) -> Page<Explanation> {
        let Some(task) = task else {
            return Page::cut(self.lines.iter().map(|line| line.explanation.clone()), after, limit);
        };
        let wanted: Vec<&Line> = (0..self.lines.len())
            .filter(|at| self.concerns(*at, task))
            .filter_map(|at| self.lines.get(at))
            .collect();
        Page::cut(wanted.into_iter().map(|line| line.explanation.clone()), after, limit)
    }

    /// A lease is of interest for what it grants; whatever is about no attempt concerns every task.
    fn concerns(&self, at: usize, task: TaskId) -> bool {
        match self.lines.get(at).map(|line| line.about) {
            Some(About::All) => true,
            Some(About::Task(about)) => about == task,
            Some(About::Grants(count)) => (at + 1..=at + count).any(|grant| self.concerns(grant, task)),
            None => false,
        }
    }
}

fn line(at: UnixMillis, decision: String, reason: String, about: About) -> Line {
    let at = Time(at);
    Line {
        explanation: Explanation { at, decision, reason },
        about,
    }
}

/// What a panic left half read is read again at the next restart at the latest.
fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bench_seed;

    fn reasons() -> Reasons {
        let (plan, policy, events) = bench_seed::small_history();
        let mut reasons = Reasons {
            farm: Some(Farm::new(&plan, policy).unwrap()),
            ..Reasons::default()
        };
        for (at, event) in events {
            reasons.happened(event, at);
        }
        reasons
    }

    #[test]
    fn pages_hold_every_line_once() {
        let reasons = reasons();
        let whole = reasons.page(None, 0, usize::MAX / 2);
        assert_eq!((whole.items.len(), &whole.next_cursor), (reasons.lines.len(), &None));
        let (mut paged, mut after) = (Vec::new(), 0);
        loop {
            let page = reasons.page(None, after, 7);
            paged.extend(page.items);
            let Some(next) = page.next_cursor else { break };
            after = next.parse().unwrap();
        }
        assert_eq!(paged, whole.items);
    }

    #[test]
    fn a_task_has_its_own_lines_and_the_leases_that_grant_it() {
        let reasons = reasons();
        let of = |task| reasons.page(Some(TaskId(task)), 0, 1000).items;
        let accepted = |task: u64| {
            let word = format!("accept t{task} ");
            of(task).iter().filter(|line| line.decision.starts_with(&word)).count()
        };
        assert!((0..4).all(|task| accepted(task) == 1));
        assert!(of(1).iter().all(|line| !line.decision.starts_with("accept t2 ")));
        let leases = of(1).iter().filter(|line| line.decision.starts_with("lease ")).count();
        let grants = of(1).iter().filter(|line| line.decision.starts_with("  a")).count();
        assert!(leases > 0 && grants >= leases, "{leases} {grants}");
        assert!(of(1).iter().any(|line| line.decision.starts_with("job complete")));
    }

    #[test]
    fn those_asked_about_last_are_kept() {
        let kept = ReasonsKept::default();
        let job = |byte| JobId::from_bytes([byte; 32]);
        let first = kept.of(job(0));
        for byte in 1..JOBS_MAX as u8 {
            kept.of(job(byte));
        }
        assert!(Arc::ptr_eq(&first, &kept.of(job(0))), "asked again, it is the newest");
        kept.of(job(9));
        assert!(Arc::ptr_eq(&first, &kept.of(job(0))), "another one had to go");
        kept.forget(job(0));
        assert!(!Arc::ptr_eq(&first, &kept.of(job(0))));
    }
}
