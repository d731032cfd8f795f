//! The order of tasks, retries and ends.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Asked, Template};

const TEMPLATE: &str = r"
specificationVersion: jobtemplate-2023-09
name: x
steps:
- name: a
  parameterSpace: {taskParameterDefinitions: [{name: N, type: INT, range: 1-2}]}
  script: {actions: {onRun: {command: ls}}}
- name: b
  dependencies: [{dependsOn: a}]
  script: {actions: {onRun: {command: ls}}}
- name: c
  script: {actions: {onRun: {command: ls}}}
";

const A: StepId = StepId(0);
const B: StepId = StepId(1);
const C: StepId = StepId(2);

/// A run and the events it has seen.
struct Seen {
    run: Run,
    job: Job,
    events: Vec<RunEvent>,
}

impl Seen {
    fn new(failures_max: u32) -> Self {
        let job = Template::parse("t.yaml", TEMPLATE).unwrap();
        let job = job.expand(&Asked::in_folder("/")).unwrap();
        Self {
            run: Run::new(&job, RunPolicy { failures_max }),
            job,
            events: Vec::new(),
        }
    }

    fn apply(&mut self, event: RunEvent) {
        self.run.apply(&event);
        self.events.push(event);
    }

    fn begin(&mut self, step: StepId) -> (TaskId, AttemptId) {
        let event = self.run.next(step, None).unwrap();
        let RunEvent::Begun { task, attempt, .. } = event.clone() else {
            panic!("{event:?}")
        };
        self.apply(event);
        (task, attempt)
    }

    fn done(&mut self, (task, attempt): (TaskId, AttemptId), path: &str) {
        let file = WrittenFile {
            path: path.into(),
            hash: format!("{task}"),
            bytes: 1,
            runnable: false,
        };
        let files = vec![file];
        self.apply(RunEvent::Done { task, attempt, files });
    }

    fn fail(&mut self, (task, attempt): (TaskId, AttemptId)) {
        let reason = "no light".into();
        self.apply(RunEvent::Failed { task, attempt, reason });
    }

    /// The same from its events alone.
    fn replayed(&self) -> Run {
        let mut run = Run::new(&self.job, self.run.policy);
        self.events.iter().for_each(|event| run.apply(event));
        run
    }
}

#[test]
fn a_step_waits_for_all_tasks_of_those_before_it() {
    let mut seen = Seen::new(3);
    assert_eq!(seen.run.ready(), [A, C]);
    let first = seen.begin(A);
    let second = seen.begin(A);
    assert_eq!(seen.run.ready(), [C]);
    assert_eq!(seen.run.next(B, None), None);
    seen.done(second, "/job/x");
    assert_eq!(seen.run.ready(), [C]);
    seen.done(first, "/job/x");
    assert_eq!(seen.run.ready(), [B, C]);
    // Both wrote it; the later task has the last word, whoever was done first.
    assert_eq!(seen.run.files_of(&[A])[0].hash, second.0.to_string());
    for step in [B, C] {
        assert_eq!(seen.run.verdict(), None);
        let task = seen.begin(step);
        seen.done(task, "/job/y");
    }
    assert_eq!(seen.run.verdict(), Some(Verdict::Complete));
    assert_eq!(seen.run.progress(), (4, 4));
    assert_eq!(format!("{:?}", seen.run), format!("{:?}", seen.replayed()));
}

#[test]
fn what_fails_is_tried_again_and_the_last_failure_ends_the_job() {
    let mut seen = Seen::new(2);
    let first = seen.begin(A);
    let other = seen.begin(C);
    seen.fail(first);
    let again = seen.begin(A);
    assert_eq!((again.0, again.1), (first.0, AttemptId(2)));
    // An answer to a try that is over changes nothing.
    seen.done(first, "/job/late");
    assert_eq!(seen.run.report(first.0).unwrap().standing, TaskStanding::Running);
    seen.fail(again);
    assert_eq!(seen.run.ready(), []);
    assert_eq!(seen.run.verdict(), None, "what runs may finish");
    seen.done(other, "/job/y");
    let Some(Verdict::Failed(why)) = seen.run.verdict() else {
        panic!("{:?}", seen.run)
    };
    assert_eq!(why, "a task of step \"a\" failed 2 times: no light");
    seen.apply(RunEvent::Retried);
    assert_eq!(seen.run.ready(), [A]);
    assert_eq!(seen.run.done_of(C), 1, "what is done stays done");
    assert_eq!(format!("{:?}", seen.run), format!("{:?}", seen.replayed()));
}

#[test]
fn an_interruption_is_nobody_s_failure() {
    let mut seen = Seen::new(1);
    let lost = seen.begin(A);
    seen.apply(RunEvent::Interrupted);
    assert_eq!(
        seen.run.report(lost.0).unwrap(),
        TaskReport {
            standing: TaskStanding::Waiting,
            node: None,
            tries: 1,
            reason: None
        }
    );
    let again = seen.begin(A);
    assert_eq!(again.0, lost.0);
    seen.done(again, "/job/x");
    assert_eq!(seen.run.verdict(), None);
}

#[test]
fn what_a_node_gives_back_is_no_failure_until_many_do() {
    let mut seen = Seen::new(1);
    let give_back = |seen: &mut Seen, begun: bool| {
        let (task, attempt) = seen.begin(A);
        let reason = "the node went away".to_owned();
        seen.apply(RunEvent::Returned {
            task,
            attempt,
            reason,
            begun,
        });
        seen.run.report(task).unwrap().standing
    };
    for begun in [false; 20].into_iter().chain([true; 9]) {
        assert_eq!(give_back(&mut seen, begun), TaskStanding::Waiting);
    }
    assert_eq!(
        seen.run.report(TaskId(0)).unwrap().tries,
        9,
        "what was not begun is no try"
    );
    assert_eq!(give_back(&mut seen, true), TaskStanding::Failed);
    let why = "a task of step \"a\" failed once: the node went away".to_owned();
    assert_eq!(seen.run.verdict(), Some(Verdict::Failed(why)));
    assert_eq!(format!("{:?}", seen.run), format!("{:?}", seen.replayed()));
}

#[test]
fn a_report_names_the_node_of_the_last_try() {
    let mut seen = Seen::new(1);
    let node = NodeId::from_bytes([7; 32]);
    seen.apply(seen.run.next(A, Some(node)).unwrap());
    assert_eq!(seen.run.report(TaskId(0)).unwrap().node, Some(node));
}

#[test]
fn a_paused_job_rests_and_a_cancelled_one_ends() {
    let mut seen = Seen::new(1);
    seen.apply(RunEvent::Paused);
    assert_eq!((seen.run.ready(), seen.run.verdict()), (vec![], None));
    seen.apply(RunEvent::Resumed);
    let task = seen.begin(A);
    seen.apply(RunEvent::Cancelled);
    assert_eq!((seen.run.ready(), seen.run.verdict()), (vec![], None));
    seen.fail(task);
    assert_eq!(seen.run.verdict(), Some(Verdict::Cancelled));
    let mut refused = Seen::new(1);
    refused.apply(RunEvent::Refused("no machine".into()));
    assert_eq!(refused.run.verdict(), Some(Verdict::Failed("no machine".into())));
}
