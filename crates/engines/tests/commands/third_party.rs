//! Templates that others wrote, run unchanged where the machine has what they need.

use crate::{testdata, yard::Yard};
use rayswarm_openjd::{EnvironmentTemplate, run::Verdict};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of third-party templates, or `None` and a word about it.
fn third_party() -> Option<PathBuf> {
    testdata::find("openjd")
}

/// A sample of the specification as a bundle in the yard.
fn sample(yard: &Yard, folder: &Path, name: &str) -> PathBuf {
    let text = fs::read_to_string(folder.join("specification-samples/v2023-09").join(name)).unwrap();
    yard.bundle(&text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_on_a_data_folder_changes_it() {
    let Some(folder) = third_party() else { return };
    let yard = Yard::new();
    let bundle = yard.copy(&folder.join("cli_job"), "cli_job");
    fs::create_dir(yard.path("data")).unwrap();
    fs::write(yard.path("data/a.txt"), "abc").unwrap();
    let outcome = yard
        .run(&bundle, &[("DataDir", yard.path("data").to_str().unwrap())])
        .await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    // MD5 of abc (RFC 1321).
    assert!(
        yard.read("data/computed_hashes.txt")
            .contains("900150983cd24fb0d6963f7d28e17f72  ./a.txt")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_said() {
    let Some(folder) = third_party() else { return };
    let yard = Yard::new();
    let outcome = yard
        .run(&yard.copy(&folder.join("simple_job"), "simple_job"), &[])
        .await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    assert!(
        outcome.seen.said("Welcome to AWS Deadline Cloud!"),
        "{}",
        outcome.seen.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_showcase_of_parameters_prints_all_of_them() {
    let Some(folder) = third_party() else { return };
    let yard = Yard::new();
    let bundle = sample(&yard, &folder, "job_templates/ui-controls-showcase.yaml");
    fs::write(yard.path("in.txt"), "").unwrap();
    fs::create_dir(yard.path("folder")).unwrap();
    let path = |name: &str| yard.path(name).to_str().unwrap().to_owned();
    let values = [
        ("InputFilePicker", path("in.txt")),
        ("OutputFilePicker", path("out.txt")),
        ("DirectoryPicker", path("folder")),
    ];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let outcome = yard.run(&bundle, &values).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    for part in [
        "[CliScript] text file with",
        "[CliScript] 42",
        "[CliScript] /job/in.txt",
        &path("in.txt"),
    ] {
        assert!(outcome.seen.said(part), "{part}: {}", outcome.seen.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_samples_run_on_the_engine_s_interpreter_where_the_system_has_none() {
    let (Some(folder), Some(yard)) = (third_party(), Yard::with_blender()) else {
        return;
    };
    let messages = yard
        .run(&sample(&yard, &folder, "job_templates/stdout-messages.yaml"), &[])
        .await;
    assert_eq!(messages.verdict, Verdict::Complete, "{}", messages.seen.log());
    assert_eq!(*messages.seen.progress.lock().unwrap(), [0, 500, 1000]);
    assert_eq!(
        *messages.seen.statuses.lock().unwrap(),
        ["Loading the things", "Processing the things"]
    );

    let text = fs::read_to_string(folder.join("specification-samples/v2023-09/environment_templates/python-venv.yaml"));
    let environment = EnvironmentTemplate::parse("python-venv.yaml", &text.unwrap()).unwrap();
    let job = "specificationVersion: jobtemplate-2023-09\nname: x\nsteps:\n- name: a\n  script:\n    actions:\n      onRun:\n        command: bash\n        args: [-c, 'echo \"in $VIRTUAL_ENV\"; command -v python']\n";
    let (job, files) = yard.job(&yard.bundle(job), &[], vec![environment]);
    let (ledger, seen) = yard.ledger(job);
    let outcome = yard.drive(ledger, files, seen).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    // It cannot reach a package index, and says so; the environment is active all the same.
    assert!(
        outcome.seen.said("in /work/.venv") && outcome.seen.said("/work/.venv/bin/python"),
        "{}",
        outcome.seen.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_wants_a_package_of_a_queue_fails_with_the_interpreter_s_word() {
    let (Some(folder), Some(yard)) = (third_party(), Yard::with_blender()) else {
        return;
    };
    let bundle = yard.copy(
        &folder.join("job_dev_progression/stage_1_self_contained_template"),
        "stage_1",
    );
    let outcome = yard.run(&bundle, &[]).await;
    assert!(matches!(outcome.verdict, Verdict::Failed(_)));
    assert!(outcome.seen.said("No module named 'polars'"), "{}", outcome.seen.log());
    assert_eq!(outcome.run.progress(), (1, 2), "its first step needs a shell alone");
    assert!(
        yard.read("stage_1/workspace/csv/dataset.csv")
            .starts_with("Job Name,Step Name")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_party_render_bundle_works_unchanged() {
    let (Some(folder), Some(yard)) = (third_party(), Yard::with_blender()) else {
        return;
    };
    let bundle = yard.copy(&folder.join("blender_render"), "blender_render");
    let still = yard.copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/still"),
        "still",
    );
    let scene = small(&still.join("still.blend"), &yard);
    let values = [
        ("BlenderSceneFile", scene.to_str().unwrap()),
        ("Frames", "1,3"),
        ("Format", "PNG"),
    ];
    let outcome = yard.run(&bundle, &values).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    for frame in [1, 3] {
        let picture = fs::read(yard.path(&format!("blender_render/output/output_{frame:04}.png"))).unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "{frame}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_render_and_its_film_are_two_steps() {
    let (Some(folder), Some(yard)) = (third_party(), Yard::with_blender()) else {
        return;
    };
    let bundle = sample(&yard, &folder, "job_templates/blender-ffmpeg.yaml");
    let still = yard.copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/still"),
        "still",
    );
    let scene = small(&still.join("still.blend"), &yard);
    let outcome = yard
        .run(
            &bundle,
            &[
                ("BlenderFile", scene.to_str().unwrap()),
                ("EndFrame", "2"),
                ("Format", "PNG"),
            ],
        )
        .await;
    assert_eq!(
        outcome.run.progress(),
        (1, 2),
        "the frames are rendered: {}",
        outcome.seen.log()
    );
    assert!(yard.path("bundle/output/render-0002.png").is_file());
    // It looks for render-0001.PNG, while Blender writes .png; and it writes beside its output folder, which is no output.
    assert!(matches!(outcome.verdict, Verdict::Failed(_)), "{}", outcome.seen.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn films_are_made_by_three_steps_from_pictures() {
    let (Some(folder), Some(program)) = (third_party(), rayswarm_engines::store::find_program("ffmpeg")) else {
        return;
    };
    assert!(program.is_absolute());
    let yard = Yard::new();
    let bundle = sample(&yard, &folder, "job_templates/ffmpeg.yaml");
    fs::create_dir(yard.path("pictures")).unwrap();
    for frame in 1..=3 {
        let header = "P6 64 64 255\n".as_bytes();
        let pixels = vec![u8::try_from(frame * 60).unwrap(); 64 * 64 * 3];
        fs::write(
            yard.path(&format!("pictures/p.{frame:04}.ppm")),
            [header, &pixels].concat(),
        )
        .unwrap();
    }
    let pictures = yard.path("pictures/p.%04d.ppm").display().to_string();
    let out = yard.path("out").display().to_string();
    let values = [
        ("InputFile", pictures.as_str()),
        ("OutputDir", out.as_str()),
        ("EndFrame", "3"),
    ];
    let outcome = yard.run(&bundle, &values).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    for name in [
        "h264_hq_output.mp4",
        "webm_output.webm",
        "prores_0_output.mov",
        "prores_3_output.mov",
    ] {
        assert!(fs::metadata(yard.path("out").join(name)).unwrap().len() > 500, "{name}");
    }
}

/// The scene, saved so that a frame takes no time.
fn small(scene: &Path, yard: &Yard) -> PathBuf {
    let store = rayswarm_engines::Store::open_default().unwrap();
    let python = store.usable()[0].folder.clone().unwrap().join("bin/python");
    let script = "import bpy, os, sys
bpy.ops.wm.open_mainfile(filepath=sys.argv[1], load_ui=False)
s = bpy.context.scene
s.render.resolution_percentage = 2
s.cycles.samples = 1
s.cycles.use_denoising = False
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2], copy=True)
os._exit(0)";
    let to = yard.path("still/small.blend");
    let status = std::process::Command::new(python)
        .args(["-c", script])
        .args([scene, &to])
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.unwrap().success());
    to
}
