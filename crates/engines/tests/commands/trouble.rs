//! What commands may not do, and what becomes of those that fail, hang or are not wanted any more.

use crate::yard::Yard;
use rayswarm_openjd::{RunEvent, run::Verdict};
use std::{fs, sync::Arc};

/// A template with one step that runs `script` with bash, in an environment that says when it is left.
fn template(script: &str, more: &str) -> String {
    let script = script.replace('\n', "\n        ");
    format!(
        "specificationVersion: jobtemplate-2023-09
name: Trouble
parameterDefinitions:
- {{name: In, type: PATH, objectType: FILE, dataFlow: IN, default: in.txt}}
- {{name: Out, type: PATH, objectType: DIRECTORY, dataFlow: OUT, default: out}}
jobEnvironments:
- name: Around
  script:
    actions:
      onEnter: {{command: bash, args: [-c, 'echo entered']}}
      onExit: {{command: bash, args: [-c, 'echo left']}}
steps:
- name: Do
  script:
    actions:
      onRun:
        command: bash
        args: ['{{{{Task.File.Run}}}}']
{more}
    embeddedFiles:
    - name: Run
      type: TEXT
      data: |
        {script}
"
    )
}

fn yard(script: &str, more: &str) -> (Yard, std::path::PathBuf) {
    let yard = Yard::new();
    let bundle = yard.bundle(&template(script, more));
    fs::write(bundle.join("in.txt"), "input").unwrap();
    (yard, bundle)
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_see_the_job_s_files_and_nothing_else() {
    let script = "cat '{{Param.In}}'; echo
echo changed > '{{Param.In}}' || echo 'the input is safe'
cat /etc/shadow /root/.bashrc || echo 'the machine is safe'
ls /home && echo 'homes are seen'
touch /session/files/x || echo 'the control folder is safe'
(exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null && echo 'there is a network'
echo result > '{{Param.Out}}/result'
ln -s /etc/passwd '{{Param.Out}}/link'
id -u";
    let (yard, bundle) = yard(script, "");
    fs::write(yard.path("bundle/secret.txt"), "secret").unwrap();
    let outcome = yard.run(&bundle, &[]).await;
    let log = outcome.seen.log();
    assert_eq!(outcome.verdict, Verdict::Complete, "{log}");
    for part in [
        "input",
        "the input is safe",
        "the machine is safe",
        "the control folder is safe",
        "1 things",
    ] {
        assert!(outcome.seen.said(part), "{part}\n{log}");
    }
    assert!(
        !log.contains("homes are seen") && !log.contains("there is a network"),
        "{log}"
    );
    assert_eq!(yard.read("bundle/in.txt"), "input");
    assert_eq!(yard.read("bundle/out/result"), "result\n");
    assert!(fs::symlink_metadata(yard.path("bundle/out/link")).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_is_ended_by_its_timeout_and_the_environment_is_left() {
    let (yard, bundle) = yard("trap '' TERM\necho hanging\nsleep 600 & wait", "        timeout: 1");
    let outcome = yard.run(&bundle, &[]).await;
    let expected = "a task of step \"Do\" failed once: it took longer than its timeout allows";
    assert_eq!(outcome.verdict, Verdict::Failed(expected.into()));
    let log = outcome.seen.log();
    assert!(log.ends_with("left") && log.contains("hanging"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_command_is_told_and_may_tidy_up() {
    let script = "trap 'cat cancel_info.json; echo tidied; exit 0' TERM
echo ready
sleep 600 &
wait";
    let more = "        cancelation: {mode: NOTIFY_THEN_TERMINATE, notifyPeriodInSeconds: 60}";
    let (yard, bundle) = yard(script, more);
    let (job, files) = yard.job(&bundle, &[], Vec::new());
    let (ledger, seen) = yard.ledger(job);
    let weak = Arc::downgrade(&ledger);
    let hook = move |line: &str| {
        if let (true, Some(ledger)) = (line == "ready", weak.upgrade()) {
            ledger.happen(&RunEvent::Cancelled).unwrap();
        }
    };
    *seen.on_line.lock().unwrap() = Some(Box::new(hook));
    let outcome = yard.drive(ledger, files, seen).await;
    assert_eq!(outcome.verdict, Verdict::Cancelled);
    let log = outcome.seen.log();
    assert!(
        log.contains("{\"NotifyEnd\": \"20") && log.contains("tidied") && log.ends_with("left"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_named_as_such() {
    let (yard, _) = yard("true", "");
    let text = template("true", "").replace("command: bash\n", "command: no-such-program\n");
    let outcome = yard.run(&yard.bundle(&text), &[]).await;
    let expected = "a task of step \"Do\" failed once: its program is not on this machine (exit code 127)";
    assert_eq!(
        outcome.verdict,
        Verdict::Failed(expected.into()),
        "{}",
        outcome.seen.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_cannot_be_entered_fails_the_task_and_is_left() {
    let (yard, _) = yard("echo never", "");
    let text = template("echo never", "").replace("echo entered", "echo openjd_fail: no licence; exit 5");
    let outcome = yard.run(&yard.bundle(&text), &[]).await;
    let expected = "a task of step \"Do\" failed once: entering Around: no licence";
    assert_eq!(outcome.verdict, Verdict::Failed(expected.into()));
    assert!(
        outcome.seen.said("left") && !outcome.seen.said("never"),
        "{}",
        outcome.seen.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_where_it_was_interrupted() {
    let text = "specificationVersion: jobtemplate-2023-09
name: x
parameterDefinitions:
- {name: Out, type: PATH, objectType: DIRECTORY, dataFlow: OUT, default: out}
steps:
- name: A
  parameterSpace: {taskParameterDefinitions: [{name: N, type: INT, range: 1-2}]}
  script:
    actions:
      onRun: {command: bash, args: [-c, 'echo $1 > \"$2/$1\"; echo done $1', x, '{{Task.Param.N}}', '{{Param.Out}}']}
- name: B
  dependencies: [{dependsOn: A}]
  script:
    actions:
      onRun: {command: bash, args: [-c, 'cat \"$1\"/1 \"$1\"/2 > \"$1\"/all', x, '{{Param.Out}}']}
";
    let yard = Yard::new();
    let bundle = yard.bundle(text);
    let (job, files) = yard.job(&bundle, &[], Vec::new());
    let (ledger, seen) = yard.ledger(job.clone());
    // The program ends in the middle of the second task.
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = std::sync::Mutex::new(Some(tell));
    let hook = move |line: &str| {
        if line == "done 2"
            && let Some(tell) = tell.lock().unwrap().take()
        {
            tell.send(()).unwrap();
        }
    };
    *seen.on_line.lock().unwrap() = Some(Box::new(hook));
    let driving = rayswarm_engines::commands::drive(
        ledger,
        files.clone().into(),
        yard.path("job"),
        Arc::new(yard.workshop()),
    );
    tokio::select! {
        verdict = driving => panic!("{verdict:?}"),
        heard = told => heard.unwrap(),
    }
    let (again, seen_again) = yard.ledger(job);
    let events = seen.events.lock().unwrap().clone();
    events.iter().for_each(|event| again.run().apply(event));
    again.happen(&RunEvent::Interrupted).unwrap();
    assert_eq!(again.run().progress().0, 1);
    fs::remove_file(yard.path("bundle/out/1")).unwrap();
    let outcome = yard.drive(again, files, seen_again).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    // The first task was not run again: what it wrote is kept by content.
    assert!(!outcome.seen.said("done 1"));
    assert_eq!(yard.read("bundle/out/all"), "1\n2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_read_and_written_is_a_copy_until_a_task_is_done() {
    let text = "specificationVersion: jobtemplate-2023-09
name: x
parameterDefinitions:
- {name: Data, type: PATH, objectType: DIRECTORY, dataFlow: INOUT}
steps:
- name: A
  script:
    actions:
      onRun: {command: bash, args: [-c, 'cd \"$1\"; echo more >> old; echo new > sub/new; rm gone; exit $2', x, '{{Param.Data}}', '0']}
";
    let yard = Yard::new();
    let data = yard.path("data");
    fs::create_dir_all(data.join("sub")).unwrap();
    for name in ["old", "gone", "same"] {
        fs::write(data.join(name), "old\n").unwrap();
    }
    let failing = yard.bundle(&text.replace("'0'", "'3'"));
    let value = [("Data", data.to_str().unwrap())];
    assert!(matches!(yard.run(&failing, &value).await.verdict, Verdict::Failed(_)));
    assert_eq!(yard.read("data/old"), "old\n", "a task that fails changes nothing");
    let outcome = yard.run(&yard.bundle(text), &value).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    assert_eq!(yard.read("data/old"), "old\nmore\n");
    assert_eq!(yard.read("data/sub/new"), "new\n");
    // Files are brought back and none is taken away.
    assert_eq!(yard.read("data/gone"), "old\n");
    assert_eq!(outcome.seen.written.lock().unwrap().len(), 2);
}
