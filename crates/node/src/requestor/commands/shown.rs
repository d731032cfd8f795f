//! A job of commands as whoever looks sees it.

use super::record::CommandRecord;
use crate::clock;
use rayswarm_api::{
    Problem, Time,
    job::{
        EscrowView, JobKind, JobSettings, JobState, JobSummary, JobView, Output, OutputKind, ProviderShare,
        SettlementView, StepView,
    },
    task::{CommandState, CommandTask, LogLine},
};
use rayswarm_model::{Amount, NodeId, TaskId};
use rayswarm_openjd::{
    Job, Run, StepId,
    run::{TaskStanding, Verdict, WrittenFile},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    path::PathBuf,
};

/// Lines of a job's log that its view shows, and that are kept.
const LOG_LINES_SHOWN: usize = 50;
const LOG_LINES_MAX: usize = 2000;
/// Characters kept of a line.
const LINE_CHARS_MAX: usize = 2000;

/// What the commands of a job have said and written.
#[derive(Debug, Default)]
pub struct Said {
    log: VecDeque<LogLine>,
    tasks: HashMap<TaskId, Doing>,
    outputs: BTreeMap<PathBuf, Output>,
}

/// What a task says of itself.
#[derive(Clone, Debug, Default)]
struct Doing {
    permille: u32,
    status: Option<String>,
}

impl Said {
    /// Adds a line to the log.
    pub fn say(&mut self, mut line: LogLine) {
        if let Some((end, _)) = line.text.char_indices().nth(LINE_CHARS_MAX) {
            line.text.truncate(end);
        }
        if self.log.len() == LOG_LINES_MAX {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// The lines kept, oldest first.
    pub fn lines(&self) -> Vec<LogLine> {
        self.log.iter().cloned().collect()
    }

    /// A task begins anew.
    pub fn begun(&mut self, task: TaskId) {
        self.tasks.remove(&task);
    }

    /// Thousandths of a task that are done.
    pub fn progress(&mut self, task: TaskId, permille: u32) {
        self.tasks.entry(task).or_default().permille = permille.min(1000);
    }

    /// What a task does.
    pub fn status(&mut self, task: TaskId, text: &str) {
        self.tasks.entry(task).or_default().status = Some(text.to_owned());
    }

    /// A file was written; what is shown of it.
    pub fn wrote(&mut self, path: Option<PathBuf>, file: &WrittenFile) -> Option<Output> {
        let path = path?;
        let index = self
            .outputs
            .get(&path)
            .map_or(self.outputs.len() as u64, |known| known.index);
        let output = Output {
            index,
            name: path.file_name()?.to_string_lossy().into_owned(),
            path: path.clone(),
            kind: OutputKind::File,
            frame: None,
            bytes: file.bytes,
            media_type: "application/octet-stream".into(),
        };
        self.outputs.insert(path, output.clone());
        Some(output)
    }
}

/// The job as a whole. Without a job, its template could not be read again.
pub fn view(record: &CommandRecord, known: Option<(&Job, &Run)>, said: &Said, node: NodeId) -> JobView {
    let skipped = said.log.len().saturating_sub(LOG_LINES_SHOWN);
    let end = record.finished_at.unwrap_or_else(clock::now);
    JobView {
        summary: summary(record, known, said),
        scene: record.source.template.clone(),
        settings: JobSettings {
            name: record.name.clone(),
            priority: record.priority,
            ..JobSettings::default()
        },
        facts: None,
        quote: None,
        resolution: None,
        frame_numbers: Vec::new(),
        attempts: known.map_or(0, |(_, run)| run.attempts()),
        providers: known.map_or_else(Vec::new, |(_, run)| shares(run, node)),
        escrow: EscrowView::default(),
        settlement: SettlementView::default(),
        outputs: said.outputs.values().cloned().collect(),
        wall_s: record.started_at.map_or(0.0, |start| end.since(start).as_secs_f64()),
        log: said.log.iter().skip(skipped).map(|line| line.text.clone()).collect(),
        steps: known.map_or_else(Vec::new, |(job, run)| steps(job, run)),
    }
}

/// What each node has done. Nobody is paid.
fn shares(run: &Run, own: NodeId) -> Vec<ProviderShare> {
    let share = |(node, tasks): (Option<NodeId>, u64)| ProviderShare {
        id: node.unwrap_or(own).to_string(),
        account: String::new(),
        tasks,
        audited: 0,
        audits_rendered: 0,
        cpu_ms: 0,
        audit_cpu_ms: 0,
        paid: Amount::ZERO,
    };
    run.done_by_node().into_iter().map(share).collect()
}

fn summary(record: &CommandRecord, known: Option<(&Job, &Run)>, said: &Said) -> JobSummary {
    let (done, tasks) = known.map_or((0, 0), |(_, run)| run.progress());
    let verdict = known.and_then(|(_, run)| run.verdict());
    let state = match (&verdict, record.finished_at) {
        (_, None) => JobState::Rendering,
        (Some(Verdict::Complete), _) => JobState::Done,
        (Some(Verdict::Cancelled), _) => JobState::Cancelled,
        _ => JobState::Failed,
    };
    let cancelled = || Problem::new(200, "cancelled", "cancelled; what was done is kept");
    let problem = record.problem.clone();
    let parts: u64 = said
        .tasks
        .iter()
        .filter(|(task, _)| is_running(known, **task))
        .map(|(_, doing)| u64::from(doing.permille))
        .sum();
    let permille = (done * 1000 + parts).checked_div(tasks).unwrap_or(0);
    JobSummary {
        id: record.id,
        kind: JobKind::Commands,
        name: name(record, known.map(|(job, _)| job)),
        state,
        paused: known.is_some_and(|(_, run)| run.is_paused()),
        priority: record.priority,
        problem: problem.or_else(|| (state == JobState::Cancelled).then(cancelled)),
        created_at: Time(record.created_at),
        started_at: record.started_at.map(Time),
        finished_at: record.finished_at.map(Time),
        tasks,
        tasks_verified: done,
        frames: 0,
        frames_finished: 0,
        progress_permille: u32::try_from(permille.min(1000)).unwrap_or(1000),
        eta_s: None,
        budget: Amount::ZERO,
        paid: Amount::ZERO,
    }
}

fn name(record: &CommandRecord, job: Option<&Job>) -> String {
    let of_file = || {
        record
            .source
            .template
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let of_job = || job.map_or_else(of_file, |job| job.name().to_owned());
    record.name.clone().unwrap_or_else(of_job)
}

fn steps(job: &Job, run: &Run) -> Vec<StepView> {
    let name = |step: &StepId| job.step(*step).map_or_else(String::new, |step| step.name().to_owned());
    let view = |(at, step): (usize, &rayswarm_openjd::job::Step)| StepView {
        name: step.name().to_owned(),
        tasks: step.tasks().len() as u64,
        tasks_done: run.done_of(StepId(at)),
        waits_for: step.depends_on().iter().map(name).collect(),
    };
    job.steps().iter().enumerate().map(view).collect()
}

/// Every task of a job.
pub fn tasks(job: &Job, run: &Run, said: &Said) -> Vec<CommandTask> {
    let one = |id: u64| {
        let task = job.task(TaskId(id))?;
        let report = run.report(TaskId(id))?;
        let doing = said.tasks.get(&TaskId(id));
        Some(CommandTask {
            id,
            step: job.step(task.step)?.name().to_owned(),
            values: task.values().map(|(name, value)| (name.to_owned(), value)).collect(),
            state: match report.standing {
                TaskStanding::Waiting => CommandState::Waiting,
                TaskStanding::Running => CommandState::Running,
                TaskStanding::Done => CommandState::Done,
                TaskStanding::Failed => CommandState::Failed,
            },
            permille: if report.standing == TaskStanding::Done {
                1000
            } else {
                doing.map_or(0, |doing| doing.permille)
            },
            status: doing.and_then(|doing| doing.status.clone()),
            attempts: report.tries,
            node: report.node.map(|node| node.to_string()),
            problem: report.reason,
        })
    };
    (0..job.task_count()).filter_map(one).collect()
}

fn is_running(known: Option<(&Job, &Run)>, task: TaskId) -> bool {
    let report = known.and_then(|(_, run)| run.report(task));
    report.is_some_and(|report| report.standing == TaskStanding::Running)
}
