//! The command line towards its user: what starts by itself and what waits for an answer, and what Ctrl-C does at any
//! moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_api::job::{JobState, JobView};
use rayswarm_tests::{
    Farm, Node, Running, Terminal, nothing_left,
    processes::{below, send},
    until,
};
use rustix::process::Signal;
use std::{net::TcpListener, process::Command, time::Duration};

/// Longest wait for a state of a job or the end of a process. A small render takes seconds, and minutes where other things
/// are built or rendered at the same time.
const PATIENCE: Duration = Duration::from_secs(300);

const BAD_INPUT: i32 = 2;
const CANCELLED: i32 = 4;
const INTERRUPTED: i32 = 130;

/// A small render of the still; `more` comes last.
fn render(farm: &Farm, data_dir: &str, more: &[&str]) -> Command {
    let mut command = farm.command(["--data-dir"]);
    command
        .arg(farm.scratch().join(data_dir))
        .arg("render")
        .arg(Farm::example("still/still.blend"))
        .args(["--resolution", "64x36", "--samples", "4", "--format", "png", "--out"])
        .arg(farm.scratch().join("out"))
        .args(more);
    command
}

/// Waits until the newest job is another than `before` and returns its id.
fn new_job(node: &Node<'_>, before: &str) -> anyhow::Result<String> {
    until("the job is known", PATIENCE, || {
        let newest = node.jobs()?.first().map(|job| job.id.to_string());
        Ok(newest.filter(|id| id != before))
    })
}

fn reached(node: &Node<'_>, id: &str, state: JobState) -> anyhow::Result<JobView> {
    until(&format!("the job is {state:?}"), PATIENCE, || {
        let view = node.job(id)?;
        anyhow::ensure!(
            view.summary.state == state || !view.summary.state.is_final(),
            "{view:?}"
        );
        Ok((view.summary.state == state).then_some(view))
    })
}

#[test]
fn yes_is_remembered_by_a_job_that_is_left_before_its_quote() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let node = Node::start(&farm, "node", &["--provide", "--threads", "1"])?;
    let left = Running::start(render(&farm, "node", &["--yes"]))?;
    let id = new_job(&node, "")?;
    left.signal(Signal::INT)?;
    let left = left.end()?;
    assert_eq!(left.code, INTERRUPTED, "{left:?}");
    assert!(left.stderr.contains("the job goes on"), "{left:?}");
    let view = reached(&node, &id, JobState::Done)?;
    let quote = view.quote.expect("a job that was rendered was quoted");
    assert_eq!((quote.samples, quote.resolution.to_string().as_str()), (4, "64x36"));

    let again = Running::start(render(&farm, "node", &["--yes", "--skip-existing", "--json"]))?.end()?;
    assert_eq!(again.code, 0, "{again:?}");
    let view: JobView = again.json()?;
    assert_eq!((view.summary.state, view.quote), (JobState::Done, None));
    node.stop()
}

#[test]
fn a_job_without_an_answer_waits_for_one() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let node = Node::start(&farm, "node", &["--provide", "--threads", "1"])?;
    let left = Running::start(render(&farm, "node", &[]))?;
    let first = new_job(&node, "")?;
    left.signal(Signal::INT)?;
    let left = left.end()?;
    assert_eq!(left.code, INTERRUPTED, "{left:?}");
    assert!(
        left.stderr.contains("waits for your answer: `rayswarm jobs attach"),
        "{left:?}"
    );

    // There is no terminal here: attaching cannot ask, and leaves the job as it is.
    let asked = node.run(&["jobs", "attach", &first])?;
    assert_eq!(asked.code, BAD_INPUT, "{asked:?}");
    assert!(asked.stdout.contains("4 samples per pixel"), "{asked:?}");
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    reached(&node, &first, JobState::Quoted)?;
    assert_eq!(node.run(&["jobs", "cancel", &first])?.code, CANCELLED);

    let retried = node.run(&["jobs", "retry", &first, "--yes", "--json"])?;
    let view: JobView = retried.json()?;
    assert_eq!(view.summary.state, JobState::Done, "{view:?}");
    assert_eq!(view.outputs.len(), 1, "{view:?}");

    // A retry asks again, whatever the first try was told; there is nothing left to do here but to say so.
    let nothing = node.run(&["jobs", "retry", &first, "--json"])?;
    assert_eq!(nothing.json::<JobView>()?.summary.state, JobState::Done);
    node.stop()
}

#[test]
fn a_question_can_be_interrupted_or_come_too_late() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let node = Node::start(&farm, "node", &["--provide", "--threads", "1"])?;
    let mut asking = Terminal::open(&render(&farm, "node", &[]), &farm.scratch().join("first"))?;
    asking.shows("[y/N]")?;
    let first = new_job(&node, "")?;
    asking.types(b"\x03")?;
    let (code, screen) = asking.end()?;
    assert_eq!(code, INTERRUPTED, "{screen}");
    assert_eq!(node.job(&first)?.summary.state, JobState::Cancelled);

    let mut asking = Terminal::open(&render(&farm, "node", &[]), &farm.scratch().join("second"))?;
    asking.shows("[y/N]")?;
    let second = new_job(&node, &first)?;
    assert_eq!(node.run(&["jobs", "cancel", &second])?.code, CANCELLED);
    asking.types(b"y\n")?;
    let (code, screen) = asking.end()?;
    assert_eq!(code, CANCELLED, "{screen}");
    node.stop()
}

#[test]
fn a_daemon_started_for_a_job_is_told_of_when_the_job_is_left() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let mut left = Running::start(render(&farm, "alone", &["--yes"]))?;
    let file = farm.scratch().join("alone/daemon.json");
    let ask = |what: &[&str]| farm.run(["--data-dir", "alone"].iter().chain(what));
    until("the job is known", PATIENCE, || {
        anyhow::ensure!(left.is_running()?, "the render ended by itself");
        Ok((file.exists() && ask(&["jobs", "list"])?.stdout.contains("still.blend")).then_some(()))
    })?;
    left.signal(Signal::INT)?;
    let left = left.end()?;
    assert_eq!(left.code, INTERRUPTED, "{left:?}");
    assert!(left.stderr.contains("ends by itself"), "{left:?}");
    let done = ask(&["jobs", "attach", "", "--json"])?;
    assert_eq!(done.json::<JobView>()?.summary.state, JobState::Done);
    let pid = serde_json::from_slice::<serde_json::Value>(&std::fs::read(file)?)?["pid"].clone();
    let pid = u32::try_from(pid.as_u64().context("the daemon's process is known")?)?;
    send(pid, Signal::TERM)?;
    nothing_left(&farm.scratch().join("alone"))
}

#[test]
fn an_idle_daemon_ends_by_itself_if_told_so() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let arguments = [
        "--data-dir",
        "idle",
        "up",
        "--http",
        "127.0.0.1:0",
        "--until-idle",
        "1s",
    ];
    let ended = Running::start(farm.command(arguments))?.end()?;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("node "), "it ended before it ran: {ended:?}");
    Ok(())
}

#[test]
fn a_daemon_can_be_interrupted_while_it_starts() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    // A chain that takes calls and never answers.
    let chain = TcpListener::bind("127.0.0.1:0")?;
    chain.set_nonblocking(true)?;
    let url = format!("http://{}", chain.local_addr()?);
    let arguments = ["--data-dir", "slow", "up", "--http", "127.0.0.1:0", "--rpc", &url];
    let starting = Running::start(farm.command(arguments))?;
    let _call = until("the chain is called", PATIENCE, || Ok(chain.accept().ok()))?;
    starting.signal(Signal::INT)?;
    let answer = starting.end()?;
    assert_eq!(answer.code, INTERRUPTED, "{answer:?}");
    Ok(())
}

#[test]
fn a_bad_ticket_is_bad_input() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let answer = farm.run(["--data-dir", "joined", "up", "--join", "rayswarm1abc"])?;
    assert_eq!(answer.code, BAD_INPUT, "{answer:?}");
    assert!(answer.stderr.contains("ticket"), "{answer:?}");
    assert!(!farm.scratch().join("joined").exists(), "a folder was made for nothing");
    Ok(())
}

#[test]
fn a_demo_takes_its_daemons_along_however_it_ends() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    for (signal, code) in [
        (Signal::INT, INTERRUPTED),
        (Signal::TERM, INTERRUPTED),
        (Signal::KILL, -1),
    ] {
        let scene = Farm::example("still/still.blend");
        let mut command = farm.command(["demo", "--providers", "1", "--scene"]);
        command.arg(scene);
        let demo = Running::start(command)?;
        until("a daemon is started", PATIENCE, || {
            Ok((!below(demo.pid())?.is_empty()).then_some(()))
        })?;
        demo.signal(signal)?;
        let answer = demo.end()?;
        assert_eq!(answer.code, code, "{answer:?}");
        nothing_left(farm.scratch())?;
        let left = std::fs::read_dir(farm.scratch())?.count();
        assert!(signal == Signal::KILL || left == 0, "{signal:?} leaves files behind");
    }
    Ok(())
}
