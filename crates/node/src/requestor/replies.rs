//! What faces ask about jobs beyond their views: tasks, attempts, audits, reasons, logs, and the pixels that are here.

use super::{
    Requestor,
    board::Board,
    outputs, plan_file,
    record::JobRecord,
    refusal::{chain, failed},
    rendering,
};
use crate::pixels;
use rayswarm_api::{
    Problem, Time,
    job::{Output, OutputKind},
    page::Page,
    task::{
        AttemptView, AttemptsQuery, AuditReport, ExplainQuery, Explanation, LogLine, LogView, TaskPage, TasksQuery,
    },
};
use rayswarm_model::{Amount, JobId, NodeId, Rect, TaskId};
use std::{collections::HashSet, path::PathBuf};

/// Where pixels of a frame are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelSource {
    /// The file.
    pub file: PathBuf,
    /// The part of the frame it is for.
    pub tile: Rect,
    /// The part it holds, padding included.
    pub held: Rect,
}

impl Requestor {
    /// Tasks that have changed since a revision. Blocking at the first look at a job that ended before the node started.
    pub fn tasks(&self, id: JobId, query: &TasksQuery) -> Result<TaskPage, Problem> {
        self.on_board(id, |board| board.tasks(query))
    }

    /// Attempts in the order they were made. Blocking as [`Self::tasks`].
    pub fn attempts(&self, id: JobId, query: &AttemptsQuery, limit: usize) -> Result<Page<AttemptView>, Problem> {
        self.on_board(id, |board| board.attempts(query, limit))
    }

    /// All audits. Blocking as [`Self::tasks`].
    pub fn audits(&self, id: JobId) -> Result<AuditReport, Problem> {
        self.on_board(id, Board::audits)
    }

    /// Why each task went where it went, recomputed from the journal. Blocking.
    pub fn explain(&self, id: JobId, query: &ExplainQuery, limit: usize) -> Result<Page<Explanation>, Problem> {
        // Before the journal is read: what happens in between is read the next time.
        let is_over = self.view(id)?.summary.state.is_final();
        let after = query.cursor.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
        let task = query.task.map(TaskId);
        let page = self.reasons.page(&self.services, id, is_over, task, (after, limit));
        page.map_err(|error| failed("journal", chain(&error)))
    }

    /// The job's log, or what is known of one attempt.
    pub fn log(&self, id: JobId, attempt: Option<u64>) -> Result<LogView, Problem> {
        if let Some(log) = self.commands().log(id) {
            return Ok(log);
        }
        let Some(attempt) = attempt else {
            return Ok(LogView {
                lines: self.handle(id)?.shown().log(),
            });
        };
        let query = AttemptsQuery {
            cursor: Some(attempt.to_string()),
            ..AttemptsQuery::default()
        };
        let page = self.attempts(id, &query, 1)?;
        let Some(found) = page.items.first().filter(|found| found.id == attempt) else {
            let detail = format!("job {} has no attempt {attempt}", id.short());
            return Err(Problem::new(404, "no_such_attempt", detail));
        };
        Ok(LogView { lines: story(found) })
    }

    /// Files that hold what is there of a frame; of one task, if it is named. Blocking.
    pub fn pixel_sources(&self, id: JobId, frame: i32, task: Option<u64>) -> Result<Vec<PixelSource>, Problem> {
        let (padding, results) = self.on_board(id, |board| {
            let results = board.has_frame(frame).then(|| board.results(frame, task));
            (board.tile_padding(), results)
        })?;
        let Some(results) = results else {
            let detail = format!("job {} does not render frame {frame}", id.short());
            return Err(Problem::new(404, "no_such_frame", detail));
        };
        let Some(resolution) = self.view(id)?.resolution else {
            return Ok(Vec::new());
        };
        let folder = self.folder_of(id);
        let here = results.into_iter().filter_map(|(row, attempt)| {
            let file = pixels::result_file(&folder, attempt);
            file.is_file().then(|| PixelSource {
                held: row.tile.padded(padding, resolution),
                tile: row.tile,
                file,
            })
        });
        let here: Vec<PixelSource> = here.collect();
        if !here.is_empty() {
            return Ok(here);
        }
        let raw = self.finished_file(id, frame, OutputKind::Raw)?;
        Ok(raw
            .into_iter()
            .map(|file| PixelSource {
                file,
                tile: resolution.whole(),
                held: resolution.whole(),
            })
            .collect())
    }

    /// The first frame of which something is there, or will be.
    pub fn first_frame(&self, id: JobId) -> Result<i32, Problem> {
        let view = self.view(id)?;
        let finished = view.outputs.iter().filter_map(|output| output.frame).min();
        let here = self.on_board(id, Board::first_frame_here)?;
        let first = finished
            .into_iter()
            .chain(here)
            .min()
            .or(view.frame_numbers.first().copied());
        first.ok_or_else(|| Problem::new(404, "no_pixels", format!("job {} has no frames yet", id.short())))
    }

    /// The finished file of a frame.
    pub fn finished_file(&self, id: JobId, frame: i32, kind: OutputKind) -> Result<Option<PathBuf>, Problem> {
        let view = self.view(id)?;
        Ok(outputs::of_frame(&view.outputs, frame, kind).filter(|file| file.is_file()))
    }

    /// One finished file by its place.
    pub fn output(&self, id: JobId, index: u64) -> Result<Output, Problem> {
        let view = self.view(id)?;
        let found = view.outputs.iter().find(|output| output.index == index);
        found.cloned().ok_or_else(|| {
            let detail = format!("job {} has no finished file {index}", id.short());
            Problem::new(404, "no_such_output", detail)
        })
    }

    /// What this node's jobs have locked in the escrow.
    pub fn escrow_locked(&self) -> Amount {
        self.list().iter().map(|view| view.escrow.locked).sum()
    }

    /// Providers that have something to do for this node.
    pub fn busy_nodes(&self) -> HashSet<NodeId> {
        let rendering = self.handles().into_iter().filter(super::handle::JobHandle::renders);
        rendering.flat_map(|handle| handle.shown().board().busy()).collect()
    }

    fn folder_of(&self, id: JobId) -> PathBuf {
        self.services.folder("jobs").join(id.to_string())
    }

    /// Reads the board; one that this process has not put up is read from the journal first.
    pub(super) fn on_board<T>(&self, id: JobId, read: impl FnOnce(&Board) -> T) -> Result<T, Problem> {
        let handle = self.handle(id)?;
        let shown = handle.shown();
        if shown.board().rev() == 0
            && let Some(plan) = plan_file::read(&self.services, id)
        {
            let record: JobRecord = self.record(id)?;
            let board = rendering::board(&self.services, &record, &plan);
            let board = board.map_err(|error| failed("journal", chain(&error)))?;
            let mut known = shown.board();
            if known.rev() == 0 {
                *known = board;
            }
        }
        let board = shown.board();
        Ok(read(&board))
    }
}

/// What is known of an attempt, in order.
fn story(attempt: &AttemptView) -> Vec<LogLine> {
    let line = |at: Time, text: String| LogLine { at, text };
    let mut lines = vec![line(
        attempt.granted_at,
        format!(
            "given to {}: {}",
            attempt.node.chars().take(10).collect::<String>(),
            attempt.reason
        ),
    )];
    lines.extend(attempt.started_at.map(|at| line(at, "begun".into())));
    if let (Some(at), Some(reason)) = (attempt.ended_at, &attempt.ended_reason) {
        lines.extend(reason.lines().map(|text| line(at, text.into())));
    }
    lines
}
