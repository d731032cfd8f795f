//! What cannot be rendered is refused with the right exit code and a sentence that says what is wrong and what to do
//! about it; it costs nothing and leaves no file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::job::JobState;
use rayswarm_model::Amount;
use rayswarm_tests::{Farm, Node, job::TINY, scenes};
use std::path::{Path, PathBuf};

const BAD_INPUT: i32 = 2;
const MISSING: i32 = 3;
/// Its INI file declares three frames, of which POV-Ray makes the clock; others have none.
const POVRAY_SCENE: &str = "camera { location <0, 1, -4> look_at 0 } sphere { 0, 1 pigment { rgb clock } }";

/// One bad input: what is added to `render`, and what comes of it.
struct Row {
    name: &'static str,
    arguments: Vec<String>,
    code: i32,
    /// What is wrong, then what to do.
    says: [&'static str; 2],
}

fn row<S: ToString>(name: &'static str, arguments: &[S], code: i32, says: [&'static str; 2]) -> Row {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    Row {
        name,
        arguments,
        code,
        says,
    }
}

/// A requestor whose wallet must not change, and a folder in which no file must appear.
struct Customer<'a> {
    node: Node<'a>,
    tokens: Amount,
    out: PathBuf,
}

impl Customer<'_> {
    /// What does not hold about a row, as a sentence.
    fn failure(&self, row: &Row) -> anyhow::Result<Option<String>> {
        let mut arguments = vec!["render", "--yes"];
        arguments.extend(TINY);
        arguments.extend(row.arguments.iter().map(String::as_str));
        let out = self.out.to_string_lossy();
        if !arguments.contains(&"--out") {
            arguments.extend(["--out", &out]);
        }
        let answer = self.node.run(&arguments)?;
        let mut wrong = Vec::new();
        if answer.code != row.code {
            wrong.push(format!("exit code {} instead of {}", answer.code, row.code));
        }
        for wanted in row.says.iter().filter(|wanted| !answer.stderr.contains(**wanted)) {
            wrong.push(format!("it does not say {wanted:?}"));
        }
        // Paths are named as the user knows them, not as the sandbox mounts them.
        if answer.stderr.contains("/scene/") {
            wrong.push("it names a path of the sandbox".into());
        }
        let tokens = self.node.wallet()?.tokens;
        if tokens != self.tokens {
            wrong.push(format!("the wallet holds {tokens} instead of {}", self.tokens));
        }
        wrong.extend(files_in(&self.out).map(|file| format!("{} was written", file.display())));
        let told = || format!("{}: {}; it said: {}", row.name, wrong.join(", "), answer.stderr.trim());
        Ok((!wrong.is_empty()).then(told))
    }

    fn failures(&self, rows: &[Row]) -> anyhow::Result<Vec<String>> {
        rows.iter().filter_map(|row| self.failure(row).transpose()).collect()
    }
}

/// Nothing where there is no folder.
fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// Files that are no scene, or one that cannot be rendered.
fn bad_scenes(farm: &Farm, good: &Path) -> anyhow::Result<Vec<Row>> {
    let file = |name: &str, bytes: &[u8]| -> anyhow::Result<PathBuf> {
        let path = farm.scratch().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    };
    let whole = std::fs::read(good)?;
    let newer = [&b"BLENDER17-01v0500"[..], &[0; 4096]].concat();
    let made = scenes::make(farm, &["no_camera", "missing", "eevee"])?;
    let scene = |name: &'static str, path: PathBuf, says| row(name, &[path.display()], BAD_INPUT, says);
    Ok(vec![
        scene(
            "no .blend",
            file("text.blend", b"not a scene\n")?,
            ["is not a Blender file", "give a .blend file saved by Blender"],
        ),
        scene(
            "truncated",
            file("truncated.blend", &whole[..whole.len() / 2])?,
            ["truncated.blend", "save the file again in Blender"],
        ),
        scene(
            "newer Blender",
            file("newer.blend", &newer)?,
            ["was saved by Blender 5.0", "open it in Blender 4.5"],
        ),
        scene(
            "absent",
            farm.scratch().join("absent.blend"),
            ["cannot be found", "check the path"],
        ),
        scene(
            "no camera",
            made.join("no_camera.blend"),
            ["has no camera", "add a camera"],
        ),
        scene(
            "missing textures",
            made.join("missing.blend"),
            ["//textures/gone.png", "--allow-missing"],
        ),
        scene("EEVEE", made.join("eevee.blend"), ["EEVEE", "--engine cycles"]),
    ])
}

/// A good scene, asked for in a way that makes no sense.
fn bad_wishes(good: &str) -> Vec<Row> {
    let wish = |name, option: &str, value: &str, says| row(name, &[good, option, value], BAD_INPUT, says);
    vec![
        wish(
            "zero frames",
            "--frames",
            "5-1",
            ["ends before it starts", "write the smaller frame first"],
        ),
        wish("no frame", "--frames", ",", ["no frame is named", "give at least one"]),
        wish(
            "a frame that is none",
            "--frames",
            "1,x,9",
            ["\"x\" does not name frames", "write for example 1-48"],
        ),
        wish(
            "a step of nothing",
            "--frames",
            "1-9x0",
            ["does not name frames", "write for example 1-48"],
        ),
        wish(
            "wrong engine name",
            "--engine",
            "maya",
            ["--engine maya is not a renderer", "use --engine cycles"],
        ),
        wish(
            "unwritable output",
            "--out",
            "/proc/nope",
            ["/proc/nope cannot be written", "choose another with --out"],
        ),
    ]
}

/// Frames that the scene does not have, where the scene decides which there are.
fn unknown_frames(farm: &Farm) -> anyhow::Result<Row> {
    let scene = farm.scratch().join("clock.pov");
    std::fs::write(&scene, POVRAY_SCENE)?;
    std::fs::write(scene.with_extension("ini"), "Final_Frame=3\n")?;
    let scene = scene.to_string_lossy();
    Ok(row(
        "several unknown frames",
        &[scene.as_ref(), "--frames", "7,9"],
        BAD_INPUT,
        ["lies outside the scene's range 1-3", "declare another with --option"],
    ))
}

#[test]
#[allow(clippy::print_stderr)]
fn bad_input() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let good = Farm::example("animation/animation.blend");
    let good_text = good.to_string_lossy();
    let node = Node::start(&farm, "requestor", &[])?;
    let customer = Customer {
        tokens: node.funded_wallet()?.tokens,
        node,
        out: farm.scratch().join("out"),
    };

    let mut rows = bad_scenes(&farm, &good)?;
    rows.extend(bad_wishes(&good_text));
    if Path::new("/usr/bin/povray").is_file() {
        rows.push(unknown_frames(&farm)?);
    } else {
        eprintln!("skipped: frames that a scene does not have; POV-Ray is not installed");
    }
    rows.push(row(
        "no providers",
        &[&good_text, "--frames", "1"],
        MISSING,
        ["no provider is known", "start one with `rayswarm up --provide`"],
    ));
    let mut failed = customer.failures(&rows)?;

    // Only a quote knows that a budget is too small, and a quote needs a provider.
    let ticket = customer.node.ticket()?;
    let provider = Node::start(&farm, "provider", &["--provide", "--threads", "1", "--join", &ticket])?;
    customer.node.wait_for_providers(1)?;
    let budget = row(
        "budget too small",
        &[&good_text, "--frames", "1", "--budget", "0.000000000000000001"],
        BAD_INPUT,
        ["the budget 0.000000000000000001 is below the price", "give --budget"],
    );
    failed.extend(customer.failures(&[budget])?);

    let jobs = customer.node.jobs()?;
    assert!(!jobs.is_empty());
    for job in &jobs {
        assert!(matches!(job.state, JobState::Failed | JobState::Cancelled), "{job:?}");
        let escrow = customer.node.job(&job.id.to_string())?.escrow;
        assert_eq!(escrow, Default::default(), "{job:?}");
    }
    provider.stop()?;
    customer.node.stop()?;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
