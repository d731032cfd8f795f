//! Why each task of a job went where it went, recomputed from its journal. What was recomputed is kept for a while: to read
//! the journal of ten thousand tasks takes a second, and who reads the reasons reads them page by page.

use super::{plan_file, rendering::ReplayError};
use crate::services::Services;
use rayswarm_api::{Time, page::Page, task::Explanation};
use rayswarm_model::{AttemptId, JobId, TaskId, UnixMillis};
use rayswarm_scheduler::{Effect, Event, Farm, step};
use std::{
    collections::{HashMap, VecDeque},
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
    lines: Vec<Explanation>,
    /// Places of the lines about a task; a lease's too, for what it grants.
    of_task: HashMap<TaskId, Vec<usize>>,
    /// Places of the lines about no task, which concern all.
    of_all: Vec<usize>,
    /// Whether no events will come any more.
    whole: bool,
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
            if is_over {
                reasons.whole = true;
                reasons.farm = None;
            }
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
        self.events += 1;
        let effects = self.farm.as_mut().map(|farm| step(farm, event, at)).unwrap_or_default();
        for effect in effects {
            if !matches!(effect, Effect::Wait { .. }) {
                self.explain(&effect, Time(at));
            }
        }
    }

    fn explain(&mut self, effect: &Effect, at: Time) {
        let text = effect.to_string();
        let (decision, reason) = text.split_once(" — ").unwrap_or((&text, ""));
        let place = self.say(at, decision.into(), reason.into());
        let Effect::Lease { tasks, .. } = effect else {
            let task = effect.attempt().and_then(|attempt| self.task_of(attempt));
            self.note(task, place);
            return;
        };
        for grant in tasks {
            let task = self.task_of(grant.attempt);
            self.note(task, place);
            let place = self.say(at, format!("  {grant}"), grant.reason.to_string());
            self.note(task, place);
        }
    }

    fn say(&mut self, at: Time, decision: String, reason: String) -> usize {
        self.lines.push(Explanation { at, decision, reason });
        self.lines.len() - 1
    }

    fn note(&mut self, task: Option<TaskId>, place: usize) {
        match task {
            Some(task) => self.of_task.entry(task).or_default().push(place),
            None => self.of_all.push(place),
        }
    }

    fn task_of(&self, attempt: AttemptId) -> Option<TaskId> {
        self.farm.as_ref()?.attempt(attempt).map(|known| known.task)
    }

    fn page(&self, task: Option<TaskId>, after: usize, limit: usize) -> Page<Explanation> {
        let Some(task) = task else {
            return Page::cut(self.lines.iter().cloned(), after, limit);
        };
        let own = self.of_task.get(&task).into_iter().flatten();
        let mut places: Vec<usize> = own.chain(&self.of_all).copied().collect();
        places.sort_unstable();
        // A lease may grant two things about one task.
        places.dedup();
        let lines: Vec<&Explanation> = places.into_iter().filter_map(|place| self.lines.get(place)).collect();
        Page::cut(lines.into_iter().cloned(), after, limit)
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
