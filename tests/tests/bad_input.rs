//! What cannot be rendered is refused with the right exit code and a sentence that helps, and costs nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::job::JobState;
use rayswarm_tests::{Farm, Node};
use std::path::Path;

const BAD_INPUT: i32 = 2;
const MISSING: i32 = 3;

struct Row<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    code: i32,
    says: &'a str,
}

/// Every row that does not hold, as a sentence.
fn failures(node: &Node<'_>, rows: &[Row<'_>]) -> anyhow::Result<Vec<String>> {
    let mut failures = Vec::new();
    for row in rows {
        let mut arguments = vec!["render", "--yes", "--resolution", "64x36", "--samples", "4"];
        arguments.extend(&row.arguments);
        let answer = node.run(&arguments)?;
        let code_holds = answer.code == row.code;
        let says = answer.stderr.contains(row.says);
        // Paths are named as the user knows them, not as the sandbox mounts them.
        let own_paths = !answer.stderr.contains("/scene/");
        if !(code_holds && says && own_paths) {
            failures.push(format!(
                "{}: wanted code {} and {:?} and no sandbox path, got code {} and: {}",
                row.name,
                row.code,
                row.says,
                answer.code,
                answer.stderr.trim()
            ));
        }
    }
    Ok(failures)
}

#[test]
fn bad_input() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let good = Farm::example("still/still.blend");
    let file = |name: &str, bytes: &[u8]| -> anyhow::Result<String> {
        let path = farm.scratch().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path.to_string_lossy().into_owned())
    };
    let text = file("text.blend", b"not a scene\n")?;
    let whole = std::fs::read(&good)?;
    let truncated = file("truncated.blend", &whole[..whole.len() / 2])?;
    let absent = farm.scratch().join("absent.blend").to_string_lossy().into_owned();
    let good = good.to_string_lossy().into_owned();
    let out = farm.scratch().join("out").to_string_lossy().into_owned();
    let row = |name, arguments: &[&'static str], code, says| (name, arguments.to_vec(), code, says);

    let node = Node::start(&farm, "requestor", &[])?;
    let before = node.funded_wallet()?.tokens;

    let refused_files = [
        (text.as_str(), "text", "is not a Blender file"),
        (truncated.as_str(), "truncated", "cannot read"),
        (absent.as_str(), "absent", "cannot be found"),
    ];
    let mut rows: Vec<Row<'_>> = refused_files
        .map(|(path, name, says)| Row {
            name,
            arguments: vec![path, "--out", &out],
            code: BAD_INPUT,
            says,
        })
        .into();
    let on_the_good_file = [
        row("zero frames", &["--frames", "5-1"], BAD_INPUT, "ends before it starts"),
        row("unknown engine", &["--engine", "maya"], BAD_INPUT, "--engine maya"),
        row(
            "unwritable output",
            &["--out", "/proc/nope"],
            BAD_INPUT,
            "/proc/nope cannot be written",
        ),
        row("no providers", &[], MISSING, "no provider"),
    ];
    rows.extend(on_the_good_file.map(|(name, more, code, says)| {
        let mut arguments = vec![good.as_str()];
        if !more.contains(&"--out") {
            arguments.extend(["--out", &out]);
        }
        arguments.extend(more);
        Row {
            name,
            arguments,
            code,
            says,
        }
    }));
    let mut failed = failures(&node, &rows)?;

    // Only a quote knows that a budget is too small, and a quote needs a provider.
    let ticket = node.ticket()?;
    let provider = Node::start(&farm, "provider", &["--provide", "--threads", "1", "--join", &ticket])?;
    node.wait_for_providers(1)?;
    let budget = Row {
        name: "budget too small",
        arguments: vec![&good, "--out", &out, "--budget", "0.000000000000000001"],
        code: BAD_INPUT,
        says: "budget",
    };
    failed.extend(failures(&node, &[budget])?);

    let jobs = node.jobs()?;
    assert!(!jobs.is_empty());
    for job in &jobs {
        assert!(matches!(job.state, JobState::Failed | JobState::Cancelled), "{job:?}");
    }
    assert_eq!(node.wallet()?.tokens, before, "something was locked or spent");
    assert!(!Path::new(&out).join("still0001.png").exists());
    provider.stop()?;
    node.stop()?;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
