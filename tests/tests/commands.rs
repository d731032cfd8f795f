//! Jobs of commands through a real node: submitted, killed in the middle, gone on with, listed, retried.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::{
    farm::ProviderView,
    job::{JobKind, JobState, JobView, OutputKind},
};
use rayswarm_tests::{Farm, Node, until, web};
use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Each task waits for a file that the test makes, so that the test knows when it runs.
const WAITING: &str = "specificationVersion: jobtemplate-2023-09
name: Waiting
parameterDefinitions:
- {name: Gate, type: PATH, objectType: DIRECTORY, dataFlow: IN, default: gate}
- {name: Out, type: PATH, objectType: DIRECTORY, dataFlow: OUT, default: out}
steps:
- name: Wait
  parameterSpace: {taskParameterDefinitions: [{name: N, type: INT, range: 1-2}]}
  script:
    actions:
      onRun:
        command: bash
        args:
        - -c
        - 'echo openjd_status: waiting; until [ -e \"$1/$3\" ]; do sleep 0.1; done; cat \"$1/$3\" > \"$2/$3\"; [ -s \"$2/$3\" ]'
        - wait
        - '{{Param.Gate}}'
        - '{{Param.Out}}'
        - '{{Task.Param.N}}'
- name: Join
  dependencies: [{dependsOn: Wait}]
  script: {actions: {onRun: {command: bash, args: [-c, 'cat \"$1\"/* > \"$1\"/all', join, '{{Param.Out}}']}}}
";

fn bundle(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder.join("gate"))?;
    fs::write(folder.join("template.yaml"), WAITING)?;
    Ok(())
}

fn wait_for(node: &Node<'_>, what: &str, found: impl Fn(&JobView) -> bool) -> anyhow::Result<JobView> {
    until(what, PATIENCE, || {
        let Some(job) = node.jobs()?.into_iter().next() else {
            return Ok(None);
        };
        let view = node.job(&job.id.to_string())?;
        Ok(found(&view).then_some(view))
    })
}

#[test]
fn a_job_of_commands_outlives_its_node_and_can_be_tried_again() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let folder = farm.scratch().join("bundle");
    bundle(&folder)?;
    let mut node = Node::start(&farm, "node", &[])?;
    let path = folder.to_string_lossy().into_owned();
    let mut submitting = node.spawn(&["submit", &path])?;
    fs::write(folder.join("gate/1"), "one\n")?;
    let view = wait_for(&node, "the first task is done", |view| view.summary.tasks_verified == 1)?;
    assert_eq!(
        (view.summary.kind, view.summary.state),
        (JobKind::Commands, JobState::Rendering)
    );
    wait_for(&node, "the second one runs", |view| view.attempts >= 2)?;
    node.kill()?;
    submitting.wait()?;

    // What the task that is done wrote is not read from its place again, nor is the task run again.
    fs::write(folder.join("gate/1"), "changed\n")?;
    fs::remove_file(folder.join("out/1"))?;
    node.start_again()?;
    // An empty file fails the second task as often as it may.
    fs::write(folder.join("gate/2"), "")?;
    let view = wait_for(&node, "the job has failed", |view| view.summary.state.is_final())?;
    assert_eq!(view.summary.state, JobState::Failed);
    let why = view.summary.problem.clone().expect("a failed job says why").detail;
    assert_eq!(why, "a task of step \"Wait\" failed 3 times: it ended with exit code 1");

    fs::write(folder.join("gate/2"), "two\n")?;
    let id = view.summary.id.to_string();
    let retried = node.run(&["jobs", "retry", &id])?;
    assert_eq!(retried.code, 0, "{retried:?}");
    let view = node.job(&id)?;
    assert_eq!((view.summary.state, view.summary.tasks_verified), (JobState::Done, 3));
    assert_eq!(fs::read_to_string(folder.join("out/all"))?, "one\ntwo\n");
    assert!(
        view.outputs.iter().all(|output| output.kind == OutputKind::File),
        "{:?}",
        view.outputs
    );
    assert_eq!(view.steps[1].waits_for, ["Wait"]);
    let listed = node.run(&["jobs", "show", &id])?;
    assert!(
        listed.stdout.contains("Join") && listed.stdout.contains("out/all"),
        "{listed:?}"
    );
    node.stop()
}

#[test]
fn a_cancelled_job_of_commands_ends_and_leaves_nothing_behind() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let folder = farm.scratch().join("bundle");
    bundle(&folder)?;
    let node = Node::start(&farm, "node", &[])?;
    let path = folder.to_string_lossy().into_owned();
    let mut submitting = node.spawn(&["submit", &path])?;
    let view = wait_for(&node, "a task runs", |view| view.attempts >= 1)?;
    let cancelled = node.run(&["jobs", "cancel", &view.summary.id.to_string()])?;
    assert_eq!(cancelled.code, 4, "{cancelled:?}");
    assert_eq!(submitting.wait()?.code(), Some(4));
    node.stop()
}

#[test]
fn without_a_daemon_commands_run_in_the_command_itself() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let example = Farm::example("openjd/two-steps");
    let (path, out) = (example.to_string_lossy(), farm.scratch().join("out"));
    let answer = farm.run(["submit", &path, "--out", &out.to_string_lossy(), "--json"])?;
    assert_eq!(answer.code, 0, "{answer:?}");
    let report: serde_json::Value = serde_json::from_str(answer.stdout.lines().last().unwrap_or_default())?;
    assert_eq!(
        (&report["state"], &report["tasks_done"]),
        (&"done".into(), &3.into()),
        "{report}"
    );
    assert_eq!(fs::read_to_string(out.join("counts/all"))?, "3\n5\n");

    let messages = Farm::example("openjd/messages");
    let messages = messages.to_string_lossy();
    let failed = farm.run(["submit", &messages, "-p", "Fail=yes"])?;
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.stderr.contains("there is no light"), "{failed:?}");
    for (arguments, says) in [
        (vec!["submit", "nothing"], "is no template and no folder with one"),
        (vec!["submit", &messages, "-p", "Fail=perhaps"], "Fail"),
        (vec!["submit", &messages, "-p", "Nothing=1"], "Nothing"),
        (vec!["submit", &messages, "-p", "Fail"], "NAME=VALUE"),
    ] {
        let refused = farm.run(&arguments)?;
        assert_eq!(refused.code, 2, "{arguments:?}: {refused:?}");
        assert!(refused.stderr.contains(says), "{arguments:?}: {refused:?}");
    }
    Ok(())
}

/// Six tasks of a second each, then one that joins what they wrote.
const SHARED: &str = "specificationVersion: jobtemplate-2023-09
name: Shared
parameterDefinitions:
- {name: Words, type: PATH, objectType: DIRECTORY, dataFlow: IN, default: words}
- {name: Out, type: PATH, objectType: DIRECTORY, dataFlow: OUT, default: out}
steps:
- name: Each
  parameterSpace: {taskParameterDefinitions: [{name: N, type: INT, range: 1-6}]}
  stepEnvironments:
  - name: Around
    script: {actions: {onEnter: {command: bash, args: [-c, 'echo openjd_env: GREETING=hello']}}}
  script:
    actions:
      onRun:
        command: bash
        args: [-c, 'echo openjd_progress: 50; sleep 1; echo \"$GREETING $(cat \"$1/deep/word\") $3\" > \"$2/$3\"', each, '{{Param.Words}}', '{{Param.Out}}', '{{Task.Param.N}}']
- name: Join
  dependencies: [{dependsOn: Each}]
  script: {actions: {onRun: {command: bash, args: [-c, 'cat \"$1\"/[0-9] > \"$1\"/all; [ -x \"$2/run\" ]', join, '{{Param.Out}}', '{{Param.Words}}']}}}
";

#[test]
fn commands_are_shared_with_the_owner_s_other_nodes_and_nobody_else_s() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let folder = farm.scratch().join("shared");
    fs::create_dir_all(folder.join("words/deep"))?;
    fs::write(folder.join("words/deep/word"), "world")?;
    fs::write(folder.join("words/run"), "")?;
    fs::set_permissions(folder.join("words/run"), fs::Permissions::from_mode(0o755))?;
    fs::write(folder.join("template.yaml"), SHARED)?;
    // A stranger has the chain and provides too.
    let stranger = Node::start(&farm, "stranger", &["--provide", "--threads", "1"])?;
    let ticket = stranger.ticket()?;
    let joined = ["--threads", "1", "--join", &ticket];
    let first = Node::start(&farm, "requestor", &joined)?;
    let account = first.wallet()?.account;
    first.stop()?;
    let provides = [&joined[..], &["--provide", "--own-account", &account]].concat();
    let mut own = Node::start(&farm, "own", &provides)?;
    // Each is told the account of the other.
    let own_account = own.wallet()?.account;
    let knows = [&joined[..], &["--own-account", &own_account]].concat();
    let requestor = Node::start(&farm, "requestor", &knows)?;
    requestor.wait_for_providers(2)?;
    let path = folder.to_string_lossy().into_owned();
    let submitted = requestor.run(&["submit", &path])?;
    assert_eq!(submitted.code, 0, "{submitted:?}");
    let all = fs::read_to_string(folder.join("out/all"))?;
    let expected: String = (1..=6).map(|n| format!("hello world {n}\n")).collect();
    assert_eq!(all, expected);
    let job = requestor.jobs()?.remove(0);
    let view = requestor.job(&job.id.to_string())?;
    let tasks: Vec<u64> = view.providers.iter().map(|share| share.tasks).collect();
    assert_eq!(
        (view.providers.len(), tasks.iter().sum::<u64>()),
        (2, 7),
        "{:?}",
        view.providers
    );
    let known: Vec<ProviderView> = requestor.run(&["providers", "--json"])?.json()?;
    let is_own = |id: &str| known.iter().any(|node| node.id == id && node.account == own_account);
    assert!(view.providers.iter().any(|share| is_own(&share.id)), "{known:?}");

    // What a node that goes away was doing is done by another: the files it waits for will never come to it.
    let folder = farm.scratch().join("bundle");
    bundle(&folder)?;
    let path = folder.to_string_lossy().into_owned();
    let mut submitting = requestor.spawn(&["submit", &path])?;
    wait_for(&requestor, "both tasks wait", |view| {
        view.log
            .iter()
            .filter(|line| line.starts_with("Wait") && line.ends_with(": waiting"))
            .count()
            == 2
    })?;
    own.kill()?;
    fs::write(folder.join("gate/1"), "one\n")?;
    fs::write(folder.join("gate/2"), "two\n")?;
    assert_eq!(submitting.wait()?.code(), Some(0));
    assert_eq!(fs::read_to_string(folder.join("out/all"))?, "one\ntwo\n");
    let view = wait_for(&requestor, "the job is done", |view| view.summary.state.is_final())?;
    assert!(
        view.log.iter().any(|line| line.contains("goes elsewhere")),
        "{:?}",
        view.log
    );
    requestor.stop()?;
    stranger.stop()
}

/// One request to a node's API with its own token; status and body.
fn ask(data_dir: &Path, method: &str, path: &str, body: &[u8]) -> anyhow::Result<(u16, serde_json::Value)> {
    let daemon: serde_json::Value = serde_json::from_slice(&fs::read(data_dir.join("daemon.json"))?)?;
    let host = daemon["http"].as_str().expect("the daemon's file names its address");
    let token = fs::read_to_string(data_dir.join("token"))?;
    let body = std::str::from_utf8(body)?;
    let reply = web::ask(host, method, path, Some(token.trim()), Some(body))?;
    Ok((reply.status, reply.json()))
}

fn sha256(bytes: &[u8]) -> anyhow::Result<String> {
    let mut child = Command::new("sha256sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    child.stdin.take().expect("its input is a pipe").write_all(bytes)?;
    let printed = String::from_utf8(child.wait_with_output()?.stdout)?;
    Ok(printed.split(' ').next().unwrap_or_default().to_owned())
}

#[test]
fn an_uploaded_bundle_runs_and_the_node_keeps_what_it_writes() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let node = Node::start(&farm, "node", &[])?;
    let data = farm.scratch().join("node");
    let example = Farm::example("openjd/two-steps");
    let mut files = Vec::new();
    let mut chunks = Vec::new();
    for name in [
        "template.yaml",
        "parameter_values.yaml",
        "texts/one.txt",
        "texts/two.txt",
    ] {
        let bytes = fs::read(example.join(name))?;
        let hash = sha256(&bytes)?;
        files.push(serde_json::json!({"path": name, "bytes": bytes.len(), "chunks": [&hash]}));
        chunks.push((hash, bytes));
    }
    let list = serde_json::json!({"files": files, "scene": "template.yaml"});
    let (_, upload) = ask(&data, "POST", "/v1/uploads", list.to_string().as_bytes())?;
    let upload = upload["id"].as_str().expect("an upload has an id").to_owned();
    for (hash, bytes) in chunks {
        let (status, answer) = ask(&data, "PUT", &format!("/v1/uploads/{upload}/chunks/{hash}"), &bytes)?;
        assert_eq!(status, 204, "{answer}");
    }
    ask(&data, "POST", &format!("/v1/uploads/{upload}/finish"), b"")?;
    let job = serde_json::json!({"scene": {"upload": upload}, "parameters": {"Title": "an upload"}});
    let (status, job) = ask(&data, "POST", "/v1/jobs", job.to_string().as_bytes())?;
    assert_eq!(
        (status, &job["name"]),
        (201, &"Count the words of an upload".into()),
        "{job}"
    );
    let view = wait_for(&node, "the job is over", |view| view.summary.state.is_final())?;
    assert_eq!(view.summary.state, JobState::Done, "{view:?}");
    let all = view
        .outputs
        .iter()
        .find(|output| output.name == "all")
        .expect("a joined file");
    assert!(all.path.starts_with(data.join("renders")), "{all:?}");
    assert_eq!(fs::read_to_string(&all.path)?, "3\n5\n");
    let id = view.summary.id;
    let (status, tasks) = ask(&data, "GET", &format!("/v1/jobs/{id}/commands"), b"")?;
    assert_eq!(
        (status, tasks["items"].as_array().map(Vec::len)),
        (200, Some(3)),
        "{tasks}"
    );
    assert_eq!(tasks["items"][0]["values"]["Text"], "one");
    assert_eq!(tasks["items"][0]["state"], "done", "nobody has verified it");
    // What speaks of frames has nothing to say, and says where to look.
    let (status, problem) = ask(&data, "GET", &format!("/v1/jobs/{id}/tasks"), b"")?;
    assert_eq!((status, &problem["type"]), (409, &"runs_commands".into()), "{problem}");
    let job = serde_json::json!({"scene": {"upload": upload}, "parameters": {"Nothing": "1"}});
    let (status, answer) = ask(&data, "POST", "/v1/jobs", job.to_string().as_bytes())?;
    assert_eq!(status, 422, "{answer}");
    // A token that may not name files of the node's machine can have commands read those of the upload only.
    let token = serde_json::json!({"name": "artist", "scopes": ["read", "jobs", "spend"]});
    let (_, token) = ask(&data, "POST", "/v1/tokens", token.to_string().as_bytes())?;
    let secret = token["token"]
        .as_str()
        .or(token["secret"].as_str())
        .expect("a token has a secret")
        .to_owned();
    let narrow = data.join("narrow");
    fs::create_dir(&narrow)?;
    fs::copy(data.join("daemon.json"), narrow.join("daemon.json"))?;
    fs::write(narrow.join("token"), secret)?;
    let job = serde_json::json!({"scene": {"upload": upload}, "parameters": {"Texts": "/etc"}});
    let (status, answer) = ask(&narrow, "POST", "/v1/jobs", job.to_string().as_bytes())?;
    assert_eq!(
        (status, &answer["type"]),
        (403, &"path_outside_upload".into()),
        "{answer}"
    );
    node.stop()
}
