//! What of a job whoever looks may see, also after it has ended: its view, its tasks, its log.

use super::{board::Board, outputs::Outputs, record::JobRecord};
use crate::clock;
use rayswarm_api::{job::JobView, task::LogLine};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Lines of a job's log that its view shows.
const LOG_LINES_SHOWN: usize = 50;
/// Lines that are kept.
const LOG_LINES_MAX: usize = 2000;

/// What is shown of one job.
pub struct Shown {
    view: watch::Sender<Arc<JobView>>,
    board: Mutex<Board>,
    log: Mutex<VecDeque<LogLine>>,
}

impl Shown {
    /// A job as its record has it.
    pub fn new(record: &JobRecord, outputs: &Outputs) -> Self {
        let view = view_of(record, outputs, Vec::new());
        Self {
            view: watch::Sender::new(Arc::new(view)),
            board: Mutex::default(),
            log: Mutex::default(),
        }
    }

    /// The job as it was shown last.
    pub fn view(&self) -> Arc<JobView> {
        self.view.borrow().clone()
    }

    /// The tasks and attempts.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        // A board that a panic left half updated is wrong in a row or two, until the next restart.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last lines of its log.
    pub fn log(&self) -> Vec<LogLine> {
        self.lines().iter().cloned().collect()
    }

    /// Adds a line to the log.
    pub fn say(&self, line: LogLine) {
        let mut lines = self.lines();
        lines.push_back(line);
        if lines.len() > LOG_LINES_MAX {
            lines.pop_front();
        }
    }

    /// Shows the job as it is now; returns its view if its short form has changed.
    pub fn show(&self, record: &JobRecord, outputs: &Outputs) -> Option<Arc<JobView>> {
        let log = last_lines(&self.lines());
        let view = Arc::new(view_of(record, outputs, log));
        let old = self.view.send_replace(view.clone());
        (old.summary != view.summary).then_some(view)
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<LogLine>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last_lines(log: &VecDeque<LogLine>) -> Vec<String> {
    let skipped = log.len().saturating_sub(LOG_LINES_SHOWN);
    log.iter().skip(skipped).map(|line| line.text.clone()).collect()
}

fn view_of(record: &JobRecord, outputs: &Outputs, log: Vec<String>) -> JobView {
    let end = record.finished_at.unwrap_or_else(clock::now);
    let progress = &record.progress;
    let frames = record.frames.as_ref().map(|frames| frames.as_slice().to_vec());
    JobView {
        summary: record.summary(),
        scene: record.request.scene.clone(),
        settings: record.request.settings.clone(),
        facts: record.facts.clone(),
        quote: record.quote.clone(),
        resolution: record.resolution,
        frame_numbers: frames.unwrap_or_default(),
        attempts: progress.attempts,
        providers: progress.shares.clone(),
        escrow: record.escrow,
        settlement: record.settlement.clone(),
        outputs: outputs.list(),
        wall_s: record.started_at.map_or(0.0, |start| end.since(start).as_secs_f64()),
        log,
        steps: Vec::new(),
    }
}
