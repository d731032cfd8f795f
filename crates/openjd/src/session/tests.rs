//! Sessions step by step, without a process.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Asked, PathMap, Template};

const TEMPLATE: &str = r#"
specificationVersion: jobtemplate-2023-09
name: Nested
extensions: [REDACTED_ENV_VARS]
parameterDefinitions:
- {name: Out, type: PATH, objectType: DIRECTORY, dataFlow: OUT, default: out}
jobEnvironments:
- name: Outer
  variables: {COLOUR: green, PLACE: '{{Session.WorkingDirectory}}'}
  script:
    actions:
      onEnter: {command: enter, args: ['{{Env.File.Setup}}']}
      onExit: {command: exit}
    embeddedFiles:
    - {name: Setup, type: TEXT, runnable: true, data: 'out is {{Param.Out}}'}
steps:
- name: Work
  parameterSpace:
    taskParameterDefinitions: [{name: N, type: INT, range: 1-2}]
  stepEnvironments:
  - name: Inner
    variables: {COLOUR: red}
  - name: Last
    script:
      actions:
        onEnter: {command: enter-last, timeout: 5}
        onExit:
          command: exit-last
          cancelation: {mode: NOTIFY_THEN_TERMINATE}
  script:
    actions:
      onRun: {command: run, args: ['{{Task.Param.N}}', '{{Param.Out}}', '{{RawParam.Out}}']}
"#;

fn session() -> Session {
    let job = Template::parse("t.yaml", TEMPLATE).unwrap();
    let job = job.expand(&Asked::in_folder("/home/a/shot")).unwrap();
    let place = Place {
        work: "/work".into(),
        files: "/session/files".into(),
        path_mapping: "/session/files/map.json".into(),
        paths: PathMap::over(job.paths().iter().map(|one| one.path.as_str())).unwrap(),
    };
    let base = BTreeMap::from([("PATH".to_owned(), "/usr/bin".to_owned())]);
    Session::new(Arc::new(job), StepId(0), place, base)
}

fn variable(next: &Next, name: &str) -> Option<String> {
    let found = next.variables.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone())
}

#[test]
fn environments_are_entered_once_and_left_in_reverse() {
    let mut session = session();
    let outer = session.enter().unwrap().unwrap();
    assert_eq!(
        (outer.title.as_str(), outer.script.call.command[0].as_str()),
        ("entering Outer", "enter")
    );
    let file = &outer.script.files[0];
    assert_eq!(outer.script.call.command[1], file.path);
    assert_eq!((file.data.as_str(), file.runnable), ("out is /job/out", true));
    assert_eq!(variable(&outer, "PLACE").unwrap(), "/work");
    session.ended(&Ended::Exited(0)).unwrap();
    let last = session.enter().unwrap().unwrap();
    assert_eq!(last.title, "entering Last");
    assert_eq!(last.script.call.timeout, Some(std::time::Duration::from_secs(5)));
    session.ended(&Ended::Exited(0)).unwrap();
    assert_eq!(session.enter().unwrap(), None);

    for number in 0..2 {
        let task = session.task(TaskId(number)).unwrap();
        let n = (number + 1).to_string();
        assert_eq!(task.title, format!("Work N={n}"));
        assert_eq!(task.script.call.command, ["run", &n, "/job/out", "/home/a/shot/out"]);
        assert_eq!(
            variable(&task, "COLOUR").unwrap(),
            "red",
            "the inner environment has the last word"
        );
        session.ended(&Ended::Exited(0)).unwrap();
    }
    let left: Vec<Next> = std::iter::from_fn(|| {
        let next = session.exit().unwrap();
        session.ended(&Ended::Exited(0)).unwrap();
        next
    })
    .collect();
    let titles: Vec<&str> = left.iter().map(|next| next.title.as_str()).collect();
    assert_eq!(titles, ["leaving Last", "leaving Outer"]);
    assert_eq!(
        variable(&left[1], "COLOUR").unwrap(),
        "green",
        "the inner environment is gone"
    );
    assert!(matches!(
        left[0].script.call.cancelation,
        crate::Cancelation::NotifyThenTerminate(_)
    ));
}

#[test]
fn variables_live_as_long_as_their_environment_and_tasks_change_none() {
    let mut session = session();
    session.enter().unwrap().unwrap();
    assert!(!session.hear("openjd_env: WARM=yes").end);
    session.hear("openjd_unset_env: PATH");
    let hidden = session.hear("openjd_redacted_env: KEY=s3cret");
    assert!(!hidden.line.contains("s3cret"), "{hidden:?}");
    session.ended(&Ended::Exited(0)).unwrap();
    session.enter().unwrap().unwrap();
    session.hear("openjd_env: WARM=hot");
    session.ended(&Ended::Exited(0)).unwrap();
    let task = session.task(TaskId(0)).unwrap();
    assert_eq!(variable(&task, "WARM").unwrap(), "hot");
    assert_eq!(variable(&task, "KEY").unwrap(), "s3cret");
    assert_eq!(variable(&task, "PATH"), None);
    let heard = session.hear("openjd_env: WARM=cold");
    assert!(heard.line.contains("of no effect"), "{heard:?}");
    assert_eq!(session.hear("the key is s3cret").line, "the key is ********");
    session.ended(&Ended::Exited(0)).unwrap();
    session.exit().unwrap().unwrap();
    session.ended(&Ended::Exited(0)).unwrap();
    let outer = session.exit().unwrap().unwrap();
    assert_eq!(variable(&outer, "WARM").unwrap(), "yes");
    assert_eq!(session.variables(), [("PATH".to_owned(), "/usr/bin".to_owned())]);
}

#[test]
fn what_was_entered_is_left_even_if_entering_failed() {
    let mut session = session();
    session.enter().unwrap().unwrap();
    session.hear("openjd_fail: no licence");
    assert_eq!(session.ended(&Ended::Exited(1)).unwrap_err(), "no licence");
    assert_eq!(session.exit().unwrap().unwrap().title, "leaving Outer");
    session.ended(&Ended::Exited(3)).unwrap_err();
    assert_eq!(session.exit().unwrap(), None);
    assert_eq!(
        session.enter().unwrap(),
        None,
        "a session that is being left enters nothing"
    );
}

#[test]
fn how_a_command_ended_is_said_in_words() {
    let mut session = session();
    for (how, words) in [
        (Ended::Exited(3), "it ended with exit code 3"),
        (Ended::Exited(127), "its program is not on this machine (exit code 127)"),
        (Ended::Exited(137), "it was ended by signal 9"),
        (Ended::TimedOut, "it took longer than its timeout allows"),
        (Ended::Lost("no memory".into()), "no memory"),
    ] {
        session.task(TaskId(0)).unwrap();
        assert_eq!(session.ended(&how).unwrap_err(), words);
    }
    session.task(TaskId(0)).unwrap();
    let heard = session.hear("openjd_env: broken");
    assert!(heard.end);
    let why = session.ended(&Ended::Cancelled).unwrap_err();
    assert!(why.contains("openjd_env: broken"), "{why}");
    session.task(TaskId(0)).unwrap();
    session.hear("openjd_env: broken");
    session.ended(&Ended::Exited(0)).unwrap_err();
    // A reason is what it gives should it fail; the exit code says whether it does.
    session.task(TaskId(0)).unwrap();
    session.hear("openjd_fail: the picture is black");
    session.ended(&Ended::Exited(0)).unwrap();
    session.task(TaskId(0)).unwrap();
    session.hear("openjd_fail: the picture is black");
    session.hear("openjd_fail: the lamp is off");
    assert_eq!(session.ended(&Ended::Exited(2)).unwrap_err(), "the lamp is off");
    assert!(session.task(TaskId(2)).is_err());
}
