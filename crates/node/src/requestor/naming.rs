//! Names of finished files: the scene's own pattern, its frame digits, the format's extension.

use rayswarm_api::job::JobRequest;
use rayswarm_model::{Frames, SceneFacts, settings::OutputFormat};
use std::path::{Path, PathBuf};

/// Frame digits when the pattern has none, as Blender does.
const DIGITS_DEFAULT: usize = 4;

/// The path of a finished frame without its extension: `shot_####` and frame 7 give `shot_0007`; a scene that is one
/// picture has no digits.
pub fn frame_stem(folder: &Path, facts: &SceneFacts, scene: &Path, frame: i32) -> PathBuf {
    let pattern = pattern(facts, scene);
    if !facts.output.numbered {
        return folder.join(pattern);
    }
    let Some(start) = pattern.rfind('#') else {
        return folder.join(format!("{pattern}{}", digits(frame, DIGITS_DEFAULT)));
    };
    let run = pattern[..=start].bytes().rev().take_while(|byte| *byte == b'#').count();
    let (before, after) = (&pattern[..start + 1 - run], &pattern[start + 1..]);
    folder.join(format!("{before}{}{after}", digits(frame, run)))
}

/// The path of a finished frame.
pub fn frame_file(folder: &Path, facts: &SceneFacts, scene: &Path, frame: i32, format: OutputFormat) -> PathBuf {
    with_extension(frame_stem(folder, facts, scene, frame), format)
}

/// The path of the finished film: the pattern without digits, or the scene's name.
pub fn film_file(folder: &Path, facts: &SceneFacts, scene: &Path, format: OutputFormat) -> PathBuf {
    let name = pattern(facts, scene).replace('#', "");
    let name = name.trim_end_matches(['_', '-', '.', ' ']);
    let name = if name.is_empty() {
        scene_name(scene)
    } else {
        name.into()
    };
    with_extension(folder.join(name), format)
}

/// The path of a merged raw picture that is kept.
pub fn raw_file(folder: &Path, facts: &SceneFacts, scene: &Path, frame: i32) -> PathBuf {
    let mut name = frame_stem(folder, facts, scene, frame).into_os_string();
    name.push("_raw.exr");
    name.into()
}

/// Every file a job puts into its output folder. The frames of a film are not among them: they stay in the job's own.
pub fn targets(
    request: &JobRequest,
    facts: &SceneFacts,
    frames: &Frames,
    format: OutputFormat,
) -> impl Iterator<Item = PathBuf> {
    let (folder, scene) = (&request.output, &request.scene);
    let film = format.is_film().then(|| film_file(folder, facts, scene, format));
    let stills = frames.as_slice().iter().filter(move |_| !format.is_film());
    let stills = stills.map(move |frame| frame_file(folder, facts, scene, *frame, format));
    let raws = frames.as_slice().iter().filter(move |_| request.settings.keep_raw);
    let raws = raws.map(move |frame| raw_file(folder, facts, scene, *frame));
    film.into_iter().chain(stills).chain(raws)
}

/// Appends an extension; the name may hold dots of its own.
pub fn with_extension(stem: PathBuf, format: OutputFormat) -> PathBuf {
    let mut name = stem.into_os_string();
    name.push(".");
    name.push(format.extension());
    name.into()
}

/// The scene's own pattern; its file name where it has none. A pattern never names a folder.
fn pattern(facts: &SceneFacts, scene: &Path) -> String {
    let name = facts.output.name.rsplit(['/', '\\']).next().unwrap_or_default();
    if name.is_empty() {
        format!("{}_####", scene_name(scene))
    } else {
        name.into()
    }
}

fn scene_name(scene: &Path) -> String {
    scene
        .file_stem()
        .map_or_else(|| "render".into(), |stem| stem.to_string_lossy().into_owned())
}

fn digits(frame: i32, width: usize) -> String {
    // Blender puts the sign before the digits: -5 with four digits is -0005.
    let sign = if frame < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", frame.unsigned_abs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn facts(pattern: &str) -> SceneFacts {
        let json = serde_json::json!({
            "engine": "blender", "engine_version": "4.5.15", "saved_by": "", "renderer": "CYCLES",
            "frame_start": 1, "frame_end": 1, "frame_step": 1,
            "frame_rate": {"numerator": 24, "denominator": 1},
            "resolution": {"width": 1, "height": 1}, "pixel_aspect_milli": 1000, "samples": 1,
            "adaptive_sampling": false, "denoise": false, "compositor": false, "cameras": [], "view_layers": [],
            "output": {"name": pattern, "format": "png", "color_mode": "RGBA", "color_depth": 8},
            "memory_estimate": 0, "dependencies": [], "findings": [], "sequential": false,
            "tile_padding": 0, "tiles_exact": true, "slices_refused": null
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn frames_are_named_as_the_file_says() {
        let cases = [
            ("shot_####", 7, "/o/shot_0007.png"),
            ("", 7, "/o/still_0007.png"),
            ("x", 12, "/o/x0012.png"),
            ("####", -5, "/o/-0005.png"),
            ("a##b.v2", 123, "/o/a123b.v2.png"),
            ("../../etc/evil", 1, "/o/evil0001.png"),
        ];
        for (pattern, frame, expected) in cases {
            let file = frame_file(
                Path::new("/o"),
                &facts(pattern),
                Path::new("/s/still.blend"),
                frame,
                OutputFormat::Png,
            );
            assert_eq!(file, PathBuf::from(expected), "{pattern}");
        }
    }

    #[test]
    fn a_scene_that_is_one_picture_has_no_digits() {
        let mut facts = facts("cat-twice");
        facts.output.numbered = false;
        let scene = Path::new("/s/cat-twice.recipe.json");
        let file = frame_file(Path::new("/o"), &facts, scene, 1, OutputFormat::Png);
        assert_eq!(file, PathBuf::from("/o/cat-twice.png"));
    }

    #[test]
    fn films_drop_the_digits() {
        let name = |pattern| {
            film_file(
                Path::new("/o"),
                &facts(pattern),
                Path::new("/s/a.blend"),
                OutputFormat::Mp4,
            )
        };
        assert_eq!(name("shot_####"), PathBuf::from("/o/shot.mp4"));
        assert_eq!(name("####"), PathBuf::from("/o/a.mp4"));
    }
}
