//! `blender` in a command is the managed engine.

use crate::yard::Yard;
use rayswarm_openjd::run::Verdict;
use std::path::Path;

fn still() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/still")
}

#[tokio::test(flavor = "multi_thread")]
async fn blender_s_command_line_renders_with_the_managed_engine() {
    let Some(yard) = Yard::with_blender() else { return };
    let (bundle, scene) = (yard.example("blender"), yard.copy(&still(), "still"));
    let template = std::fs::read_to_string(bundle.join("template.yaml")).unwrap();
    // Small, so that the test is about the command line.
    let small = "'-s', '1', '--python-expr', 'import bpy; s = bpy.context.scene; s.render.resolution_percentage = 2; s.cycles.samples = 1; s.cycles.use_denoising = False', -f,";
    std::fs::write(bundle.join("template.yaml"), template.replace("-f,", small)).unwrap();
    let scene = scene.join("still.blend");
    let values = [("Scene", scene.to_str().unwrap()), ("Frames", "1-2")];
    let outcome = yard.run(&bundle, &values).await;
    assert_eq!(outcome.verdict, Verdict::Complete, "{}", outcome.seen.log());
    for frame in 1..=2 {
        let picture = std::fs::read(yard.path(&format!("blender/frames/frame_{frame:04}.png"))).unwrap();
        assert!(picture.starts_with(b"\x89PNG"), "{frame}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_blender_would_not_do_fails_with_its_words() {
    let Some(yard) = Yard::with_blender() else { return };
    let text = |arguments: &str| {
        format!(
            "specificationVersion: jobtemplate-2023-09\nname: x\nsteps:\n- name: a\n  script:\n    actions:\n      onRun: {{command: blender, args: [{arguments}]}}\n"
        )
    };
    for (arguments, said) in [
        ("-b, nothing.blend, -f, '1'", "no such file"),
        ("-b, -f, '1'", "nothing is loaded"),
        ("-b, --unknown", "the option --unknown is not supported"),
        ("-f, 'x..2'", "'x..2' are no frames"),
        ("-o", "-o needs a value"),
    ] {
        let outcome = yard.run(&yard.bundle(&text(arguments)), &[]).await;
        assert!(matches!(outcome.verdict, Verdict::Failed(_)), "{arguments}");
        assert!(outcome.seen.said(said), "{arguments}: {}", outcome.seen.log());
    }
    let version = yard.run(&yard.bundle(&text("--version")), &[]).await;
    assert_eq!(version.verdict, Verdict::Complete);
    assert!(
        version.seen.said(&format!("Blender {}", yard.tools.blender().unwrap())),
        "{}",
        version.seen.log()
    );
}
