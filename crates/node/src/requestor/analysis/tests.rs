//! What is refused before money moves, beyond what the engine itself refuses.
#![allow(clippy::unwrap_used)]

use super::*;
use rayswarm_model::scene::{Dependency, DependencyState, Finding, Severity};
use std::fs;

fn facts(pattern: &str) -> SceneFacts {
    let json = serde_json::json!({
        "engine": "povray", "engine_version": "3.7", "saved_by": "", "renderer": "povray",
        "frame_start": 1, "frame_end": 20, "frame_step": 1,
        "frame_rate": {"numerator": 24, "denominator": 1},
        "resolution": {"width": 1, "height": 1}, "pixel_aspect_milli": 1000, "samples": 1,
        "adaptive_sampling": false, "denoise": false, "compositor": false, "cameras": [], "view_layers": [],
        "output": {"name": pattern, "format": "png", "color_mode": "RGBA", "color_depth": 8},
        "memory_estimate": 0, "dependencies": [], "findings": [], "sequential": false,
        "tile_padding": 0, "tiles_exact": true, "slices_refused": null
    });
    serde_json::from_value(json).unwrap()
}

fn request(folder: &Path, frames: &str) -> JobRequest {
    let mut request = JobRequest::new(folder.join("s.pov"), folder.to_owned());
    request.settings.frames = Some(frames.parse().unwrap());
    request
}

#[test]
fn frames_beyond_a_bounded_range_are_refused() {
    let bounded = SceneFacts {
        frames_bounded: Some("declare another".into()),
        ..facts("f####")
    };
    let asked = |frames| request(Path::new("/p"), frames);
    for (frames, outside) in [("1-20", None), ("0", Some("frame 0")), ("5,21-30", Some("frame 21"))] {
        let refused = wanted_frames(&asked(frames), &bounded)
            .err()
            .map(|problem| problem.detail);
        match (outside, refused) {
            (None, None) => {}
            (Some(frame), Some(detail)) => {
                assert!(
                    detail.contains(frame) && detail.contains("1-20; declare another"),
                    "{detail}"
                );
            }
            other => panic!("{frames}: {other:?}"),
        }
    }
    // Blender renders any frame.
    assert!(wanted_frames(&asked("5,21-30"), &facts("f####")).is_ok());
}

#[test]
fn finished_pictures_never_replace_what_the_scene_is_made_of() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for file in [
        "s.pov",
        "f0003.png",
        "cache/f0004.png",
        "s.mp4",
        "other.png",
        "f0005_raw.exr",
    ] {
        fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        fs::write(root.join(file), "").unwrap();
    }
    std::os::unix::fs::symlink(&root, root.join("link")).unwrap();
    let found = |path: &str| Dependency {
        reference: path.into(),
        path: Some(root.join(path)),
        kind: "image".into(),
        state: DependencyState::Found,
    };
    let facts = SceneFacts {
        dependencies: ["f0003.png", "cache", "s.mp4", "f0005_raw.exr"].map(found).to_vec(),
        ..facts("f####")
    };
    let film = SceneFacts {
        output: rayswarm_model::scene::OutputPattern {
            name: "####".into(),
            ..facts.output.clone()
        },
        ..facts.clone()
    };
    for (facts, out, frames, format, keep_raw, refused) in [
        (&facts, "", "1-2", OutputFormat::Png, false, None),
        (&facts, "", "1-3", OutputFormat::Png, false, Some("f0003.png")),
        (&facts, "link", "3", OutputFormat::Png, false, Some("link/f0003.png")),
        (&facts, "", "3", OutputFormat::Jpeg, false, None),
        (&facts, "out", "1-20", OutputFormat::Png, false, None),
        (&facts, "cache", "4", OutputFormat::Png, false, Some("cache/f0004.png")),
        (&facts, "", "5", OutputFormat::Png, false, None),
        (&facts, "", "5", OutputFormat::Png, true, Some("f0005_raw.exr")),
        // The frames of a film stay in the job's own folder.
        (&facts, "", "3", OutputFormat::Mp4, false, None),
        (&film, "", "3", OutputFormat::Mp4, false, Some("s.mp4")),
    ] {
        let mut request = JobRequest {
            output: root.join(out),
            ..request(&root, frames)
        };
        request.settings.keep_raw = keep_raw;
        let wanted = wanted_frames(&request, facts).unwrap();
        let found = refuse_overwriting(&request, facts, &wanted, format).err();
        match refused {
            None => assert!(found.is_none(), "{out} {frames}: {found:?}"),
            Some(file) => {
                let detail = found.unwrap().detail;
                assert!(detail.contains(&root.join(file).display().to_string()), "{detail}");
                assert!(detail.contains("--out"), "{detail}");
            }
        }
    }
}

#[test]
fn a_chosen_format_makes_the_file_s_own_moot() {
    let finding = |code: &str| Finding {
        severity: Severity::Warning,
        code: code.into(),
        message: String::new(),
        remedy: String::new(),
    };
    let left = |chosen, format| {
        let mut facts = facts("f####");
        facts.findings = ["format_replaced", "sound", "other"].map(finding).to_vec();
        drop_moot(&mut facts, chosen, format);
        facts
            .findings
            .into_iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(left(None, OutputFormat::Mp4), ["format_replaced", "sound", "other"]);
    assert_eq!(left(Some(OutputFormat::Webm), OutputFormat::Webm), ["sound", "other"]);
    assert_eq!(left(Some(OutputFormat::Exr), OutputFormat::Exr), ["other"]);
    assert_eq!(left(None, OutputFormat::Png), ["format_replaced", "other"]);
}
