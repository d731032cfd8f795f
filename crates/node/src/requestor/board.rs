//! The tasks and attempts of one job for whoever looks: a copy of what the farm decided, brought up to date a few times a
//! second, with a revision by which faces ask for what has changed.

use super::ledger::Ledger;
use rayswarm_api::{
    Time,
    page::Page,
    task::{
        AttemptPurpose, AttemptView, AttemptsQuery, AuditOutcome, AuditReport, AuditView, TaskPage, TaskRow, TaskState,
        TasksQuery,
    },
};
use rayswarm_model::{AttemptId, NodeId, Plan, TaskId};
use rayswarm_scheduler::{Attempt, AttemptState, AuditVerdict, Farm, Purpose};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::OnceLock,
};

/// The board of one job.
#[derive(Debug, Default)]
pub struct Board {
    rows: Vec<TaskRow>,
    tile_padding: u32,
    attempts: Vec<Seen>,
    /// Attempts at each task, audits left out.
    attempts_of: BTreeMap<TaskId, Vec<AttemptId>>,
    /// Attempts that may still change.
    open: BTreeSet<AttemptId>,
    /// The task that changed at each revision, for those that have changed at all; its last one only.
    changed_at: BTreeMap<u64, TaskId>,
    /// The audits as they were added up last, until something changes.
    audits: OnceLock<AuditReport>,
    drawn: u64,
    rev: u64,
    over: bool,
}

/// The revision of a board on which nothing has happened.
const REV_FIRST: u64 = 1;

/// An attempt as it was seen last.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    attempt: Attempt,
    cpu_ms: Option<u64>,
    verdict: Option<AuditVerdict>,
}

impl Board {
    /// A board on which nothing has happened.
    pub fn of(plan: &Plan) -> Self {
        let rows = plan.tasks.iter().map(|task| TaskRow {
            id: task.id.0,
            frame: task.frame,
            tile: task.tile,
            slice: task.slice.index,
            slices: task.slice.count,
            state: TaskState::Waiting,
            node: None,
            permille: 0,
            attempts: 0,
            rev: REV_FIRST,
        });
        Self {
            rows: rows.collect(),
            tile_padding: plan.tile_padding,
            rev: REV_FIRST,
            ..Self::default()
        }
    }

    /// Looks at the farm; returns the tasks that have changed since the last look.
    pub fn update(&mut self, farm: &Farm, ledger: &Ledger) -> Vec<TaskRow> {
        let known = self.attempts.len() as u64;
        let new = (known..).map(AttemptId).take_while(|id| farm.attempt(*id).is_some());
        let looked_at: Vec<AttemptId> = self.open.iter().copied().chain(new).collect();
        let mut touched = BTreeSet::new();
        for id in looked_at {
            touched.extend(self.look(farm, ledger, id));
        }
        if !touched.is_empty() || self.drawn != ledger.audits_drawn {
            self.audits = OnceLock::new();
        }
        self.drawn = ledger.audits_drawn;
        if farm.is_over() && !self.over {
            self.over = true;
            touched.extend((0..self.rows.len() as u64).map(TaskId));
        }
        self.redraw(farm, &touched)
    }

    /// Pixels that are rendered around each tile and cut off again.
    pub const fn tile_padding(&self) -> u32 {
        self.tile_padding
    }

    /// The highest revision so far.
    pub const fn rev(&self) -> u64 {
        self.rev
    }

    /// Tasks that have changed since a revision, in the plan's order.
    pub fn tasks(&self, query: &TasksQuery) -> TaskPage {
        let limit = query
            .limit
            .unwrap_or(TasksQuery::LIMIT_MAX)
            .clamp(1, TasksQuery::LIMIT_MAX) as usize;
        let from: u64 = query.cursor.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
        let since = query.since.unwrap_or(0);
        // Most who ask have heard of everything but a little: of ten thousand rows that little is looked up.
        let changed = match since {
            0..REV_FIRST => (index(from)..self.rows.len()).take(limit + 1).collect(),
            _ => self.changed_since(since, from),
        };
        let rows = changed.iter().take(limit).filter_map(|at| self.rows.get(*at));
        TaskPage {
            rev: self.rev,
            tasks: rows.cloned().collect(),
            next_cursor: changed.get(limit).map(ToString::to_string),
        }
    }

    /// Places of the rows from `from` on that have changed since a revision, in order.
    fn changed_since(&self, since: u64, from: u64) -> Vec<usize> {
        let after = since.saturating_add(1);
        let changed = self.changed_at.range(after..).map(|(_, task)| task.0);
        let mut places: Vec<usize> = changed.filter(|task| *task >= from).map(index).collect();
        places.sort_unstable();
        places
    }

    /// Attempts in the order they were made.
    pub fn attempts(&self, query: &AttemptsQuery, limit: usize) -> Page<AttemptView> {
        let from: u64 = query.cursor.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
        // What is no node's id is nobody's.
        let node: Option<Option<NodeId>> = query.node.as_deref().map(|node| node.parse().ok());
        let wanted = |seen: &&Seen| {
            query.task.is_none_or(|task| seen.attempt.task.0 == task)
                && node.is_none_or(|node| node == Some(seen.attempt.node))
        };
        let mut found = self.attempts.iter().skip(index(from)).filter(wanted);
        let items = found.by_ref().take(limit).map(|seen| self.view(seen)).collect();
        Page {
            items,
            next_cursor: found.next().map(|seen| seen.attempt.id.0.to_string()),
        }
    }

    /// All audits.
    pub fn audits(&self) -> AuditReport {
        self.audits.get_or_init(|| self.add_audits_up()).clone()
    }

    fn add_audits_up(&self) -> AuditReport {
        let items: Vec<AuditView> = self.attempts.iter().filter_map(|seen| self.audit(seen)).collect();
        let count = |outcome| items.iter().filter(|audit| audit.outcome == outcome).count() as u64;
        AuditReport {
            drawn: self.drawn,
            passed: count(AuditOutcome::Passed),
            failed: count(AuditOutcome::Failed),
            inconclusive: count(AuditOutcome::Inconclusive),
            items,
        }
    }

    /// Providers that have something to do.
    pub fn busy(&self) -> HashSet<NodeId> {
        let open = self.open.iter().filter_map(|id| self.attempts.get(index(id.0)));
        open.filter(|seen| seen.attempt.state == AttemptState::Queued)
            .map(|seen| seen.attempt.node)
            .collect()
    }

    /// What is here of a frame, or of one task: tasks with the attempt whose file holds their pixels.
    pub fn results(&self, frame: i32, task: Option<u64>) -> Vec<(TaskRow, AttemptId)> {
        let wanted = |row: &&TaskRow| row.frame == frame && task.is_none_or(|task| row.id == task);
        let of = |row: &TaskRow| {
            let ids = self.attempts_of.get(&TaskId(row.id))?;
            let here = ids.iter().filter_map(|id| self.attempts.get(index(id.0)));
            let best = here
                .filter(|seen| seen.attempt.state.is_here())
                .max_by_key(|seen| seen.attempt.state == AttemptState::Verified)?;
            Some((row.clone(), best.attempt.id))
        };
        self.rows.iter().filter(wanted).filter_map(of).collect()
    }

    /// Whether a result of `node` will not count any more, though nobody found it wrong.
    pub fn is_not_needed(&self, node: NodeId, attempt: AttemptId) -> bool {
        let seen = self.attempts.get(index(attempt.0));
        let seen = seen.filter(|seen| seen.attempt.node == node);
        let is_decided = self.over || !self.open.contains(&attempt);
        seen.is_some_and(|seen| is_decided && seen.attempt.state.is_passed_over())
    }

    /// The first frame with a result.
    pub fn first_frame_here(&self) -> Option<i32> {
        let here = |row: &&TaskRow| {
            matches!(
                row.state,
                TaskState::Delivered | TaskState::Auditing | TaskState::Verified
            )
        };
        self.rows.iter().filter(here).map(|row| row.frame).min()
    }

    /// Whether the job has this frame.
    pub fn has_frame(&self, frame: i32) -> bool {
        self.rows.iter().any(|row| row.frame == frame)
    }

    fn look(&mut self, farm: &Farm, ledger: &Ledger, id: AttemptId) -> Option<TaskId> {
        let attempt = farm.attempt(id)?;
        let seen = Seen {
            cpu_ms: ledger.cpu(id).map(|cpu| cpu.millis),
            verdict: ledger.verdict(id),
            attempt: attempt.clone(),
        };
        let is_open = attempt.state.is_live() || attempt.state.is_given_up() && farm.winner(attempt.task).is_none();
        if is_open {
            self.open.insert(id);
        } else {
            self.open.remove(&id);
        }
        let at = index(id.0);
        if at == self.attempts.len() {
            if attempt.purpose.is_render() {
                self.attempts_of.entry(attempt.task).or_default().push(id);
            }
            self.attempts.push(seen);
        } else {
            let known = self.attempts.get_mut(at)?;
            if *known == seen {
                return None;
            }
            *known = seen;
        }
        Some(attempt.task)
    }

    fn redraw(&mut self, farm: &Farm, touched: &BTreeSet<TaskId>) -> Vec<TaskRow> {
        let mut changed = Vec::new();
        for &task in touched {
            let Some(old) = self.rows.get(index(task.0)) else {
                continue;
            };
            let new = self.row(farm, task, old);
            if new == *old {
                continue;
            }
            self.rev += 1;
            self.changed_at.remove(&old.rev);
            self.changed_at.insert(self.rev, task);
            let row = TaskRow { rev: self.rev, ..new };
            changed.push(row.clone());
            if let Some(old) = self.rows.get_mut(index(task.0)) {
                *old = row;
            }
        }
        changed
    }

    fn row(&self, farm: &Farm, task: TaskId, old: &TaskRow) -> TaskRow {
        let ids = self.attempts_of.get(&task).map(Vec::as_slice).unwrap_or_default();
        let attempts = || {
            ids.iter()
                .filter_map(|id| self.attempts.get(index(id.0)))
                .map(|seen| &seen.attempt)
        };
        let winner = farm.winner(task).and_then(|id| farm.attempt(id));
        let furthest = attempts()
            .filter(|attempt| attempt.state.is_live())
            .max_by_key(|attempt| rank(attempt));
        let state = match (winner, furthest) {
            (Some(_), _) => TaskState::Verified,
            (None, Some(attempt)) => state_of(attempt),
            (None, None) if self.over && attempts().any(|attempt| attempt.state == AttemptState::Failed) => {
                TaskState::Failed
            }
            (None, None) => TaskState::Waiting,
        };
        let shown = winner.or(furthest).or_else(|| attempts().next_back());
        let permille = match state {
            TaskState::Given | TaskState::Rendering => furthest.map_or(0, |attempt| attempt.permille.min(1000)),
            TaskState::Delivered | TaskState::Auditing | TaskState::Verified => 1000,
            TaskState::Waiting | TaskState::Failed => 0,
        };
        TaskRow {
            state,
            node: shown.map(|attempt| attempt.node.to_string()),
            permille,
            attempts: u32::try_from(ids.len()).unwrap_or(u32::MAX),
            ..old.clone()
        }
    }

    fn frame_of(&self, task: TaskId) -> i32 {
        self.rows.get(index(task.0)).map_or(0, |row| row.frame)
    }

    fn view(&self, seen: &Seen) -> AttemptView {
        let attempt = &seen.attempt;
        let (purpose, of) = match attempt.purpose {
            Purpose::Render => (AttemptPurpose::Render, None),
            Purpose::Audit { of, .. } => (AttemptPurpose::Audit, Some(of.0)),
        };
        AttemptView {
            id: attempt.id.0,
            task: attempt.task.0,
            frame: self.frame_of(attempt.task),
            node: attempt.node.to_string(),
            purpose,
            of,
            state: attempt.state.to_string(),
            reason: attempt.reason.to_string(),
            granted_at: attempt.granted_at.into(),
            started_at: attempt.started_at.map(Time),
            ended_at: attempt.ended.as_ref().map(|(at, _)| Time(*at)),
            ended_reason: attempt.ended.as_ref().map(|(_, reason)| reason.to_string()),
            cpu_ms: seen.cpu_ms,
            price_per_wu_hour: attempt.price.per_wu_hour,
        }
    }

    fn audit(&self, seen: &Seen) -> Option<AuditView> {
        let audit = &seen.attempt;
        let Purpose::Audit { of, crop } = audit.purpose else {
            return None;
        };
        let audited = &self.attempts.get(index(of.0))?.attempt;
        let outcome = match seen.verdict {
            Some(AuditVerdict::Passed) => AuditOutcome::Passed,
            Some(AuditVerdict::Failed) => AuditOutcome::Failed,
            Some(AuditVerdict::Inconclusive) => AuditOutcome::Inconclusive,
            None if audit.state.is_live() => AuditOutcome::Open,
            None => AuditOutcome::Inconclusive,
        };
        Some(AuditView {
            attempt: of.0,
            task: audit.task.0,
            frame: self.frame_of(audit.task),
            provider: audited.node.to_string(),
            auditor: audit.node.to_string(),
            crop,
            outcome,
            at: Time(audit.ended.as_ref().map_or(audit.granted_at, |(at, _)| *at)),
        })
    }
}

/// How far an attempt is on its way to a verdict.
fn rank(attempt: &Attempt) -> (u8, u16) {
    let step = match state_of(attempt) {
        TaskState::Waiting | TaskState::Failed => 0,
        TaskState::Given => 1,
        TaskState::Rendering => 2,
        TaskState::Delivered => 3,
        TaskState::Auditing => 4,
        TaskState::Verified => 5,
    };
    (step, attempt.permille)
}

const fn state_of(attempt: &Attempt) -> TaskState {
    match attempt.state {
        AttemptState::Queued if attempt.started_at.is_some() => TaskState::Rendering,
        AttemptState::Queued => TaskState::Given,
        AttemptState::Committed | AttemptState::Delivered => TaskState::Delivered,
        AttemptState::Auditing => TaskState::Auditing,
        AttemptState::Verified => TaskState::Verified,
        _ => TaskState::Waiting,
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
