//! `rayswarm inspect`: what a scene is, what it needs, what will not work.

use super::render::existing_file;
use crate::{
    args::InspectArgs,
    exit::{BadInput, ExitCode, Missing, in_full},
    show,
};
use rayswarm_model::{
    SceneFacts,
    scene::{Dependency, DependencyState, Severity},
};

pub async fn run(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let scene = existing_file(&args.file)?;
    let (include, allow_missing) = (args.include, args.allow_missing);
    let inspected = rayswarm_node::local::inspect(scene, args.engine, include, allow_missing, args.options).await;
    let facts = inspected.map_err(|problem| match problem.status {
        503 => anyhow::Error::new(Missing(in_full(&problem))),
        500 => anyhow::anyhow!(in_full(&problem)),
        _ => anyhow::Error::new(BadInput(in_full(&problem))),
    })?;
    if args.json {
        show::json(&facts)?;
    } else {
        print(&facts);
    }
    Ok(if facts.refusals().next().is_some() {
        ExitCode::BadInput
    } else {
        ExitCode::Success
    })
}

fn print(facts: &SceneFacts) {
    let rate = f64::from(facts.frame_rate.numerator) / f64::from(facts.frame_rate.denominator.max(1));
    show::line(format_args!(
        "renderer  {} in {} {} (saved by {})",
        facts.renderer, facts.engine, facts.engine_version, facts.saved_by
    ));
    show::line(format_args!(
        "frames    {}-{} step {}, {rate:.3} a second",
        facts.frame_start, facts.frame_end, facts.frame_step
    ));
    let adaptive = if facts.adaptive_sampling { ", adaptive" } else { "" };
    show::line(format_args!(
        "picture   {}, {} samples{adaptive}",
        facts.resolution, facts.samples
    ));
    for camera in &facts.cameras {
        let active = if camera.active { " (active)" } else { "" };
        let markers = match camera.marker_frames.as_slice() {
            [] => String::new(),
            frames => format!(", from frames {frames:?}"),
        };
        show::line(format_args!("camera    {}{active}{markers}", camera.name));
    }
    for layer in &facts.view_layers {
        show::line(format_args!("layer     {}: {}", layer.name, layer.passes.join(", ")));
    }
    let finishing = [(facts.denoise, "denoiser"), (facts.compositor, "compositor")];
    let finishing: Vec<&str> = finishing.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    if !finishing.is_empty() {
        show::line(format_args!(
            "finishing {} (once, over the merged picture)",
            finishing.join(", ")
        ));
    }
    show::line(format_args!(
        "writes    {} as {}",
        facts.output.name, facts.output.format
    ));
    show::line(format_args!("memory    about {} a session", facts.memory_estimate));
    for line in distribution(facts) {
        show::line(line);
    }
    for dependency in &facts.dependencies {
        let state = match dependency.state {
            DependencyState::Packed => "packed",
            DependencyState::Found => "found",
            DependencyState::Missing => "MISSING",
            DependencyState::NeedsConsent => "outside the scene's folder, travels only with --include",
        };
        show::line(format_args!("{:9} {} ({state})", dependency.kind, name_of(dependency)));
    }
    for line in findings(facts, Severity::Note) {
        show::line(line);
    }
}

/// What a person should know about the scene, from `least` grave on.
pub fn findings(facts: &SceneFacts, least: Severity) -> impl Iterator<Item = String> {
    let grave = facts.findings.iter().filter(move |finding| finding.severity >= least);
    grave.map(|finding| {
        let word = match finding.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Refusal => "REFUSED",
        };
        format!("{word:9} {}; {}", finding.message, finding.remedy)
    })
}

/// A dependency as the scene names it, with its file where that name stands for several.
fn name_of(dependency: &Dependency) -> String {
    let reference = &dependency.reference;
    let file = dependency.path.as_ref().and_then(|path| path.file_name()?.to_str());
    let plain = reference.trim_end_matches('/');
    match file.filter(|file| !plain.is_empty() && !plain.ends_with(file)) {
        Some(file) => format!("{reference}: {file}"),
        None => reference.clone(),
    }
}

/// How far the work can be split, and why not further.
fn distribution(facts: &SceneFacts) -> Vec<String> {
    let tiles = match (facts.tiles_exact, facts.tile_padding) {
        (false, _) => "no: each frame is one task".into(),
        (true, 0) => "yes".into(),
        (true, padding) => format!("yes, each with {padding} pixels around it"),
    };
    let slices = facts
        .slices_refused
        .as_ref()
        .map_or("yes".into(), |why| format!("no: {why}"));
    let mut lines = vec![format!("tiles     {tiles}"), format!("slices    {slices}")];
    if facts.sequential {
        let start = facts.frame_start;
        lines.push(format!(
            "sequence  every session plays the scene from frame {start} up to the one it renders"
        ));
    }
    if let Some(why) = &facts.frames_bounded {
        let (start, end) = (facts.frame_start, facts.frame_end);
        lines.push(format!("bounds    only frames {start}-{end} can be rendered: {why}"));
    }
    if let Some(why) = &facts.repeats_roughly {
        lines.push(format!("repeats   within rounding only: {why}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_of_a_sequence_are_told_apart() {
        let named = |reference: &str, path: &str| {
            name_of(&Dependency {
                reference: reference.into(),
                path: Some(path.into()),
                kind: "image".into(),
                state: DependencyState::Found,
            })
        };
        assert_eq!(named("//a_01.png", "/p/a_01.png"), "//a_01.png");
        assert_eq!(named("//a_01.png", "/p/a_07.png"), "//a_01.png: a_07.png");
        assert_eq!(named("//", "/p"), "//");
    }

    #[test]
    fn what_cannot_be_split_is_said_with_its_reason() {
        let json = serde_json::json!({
            "engine": "blender", "engine_version": "4.5.15", "saved_by": "", "renderer": "CYCLES",
            "frame_start": 1, "frame_end": 9, "frame_step": 1,
            "frame_rate": {"numerator": 24, "denominator": 1},
            "resolution": {"width": 1, "height": 1}, "pixel_aspect_milli": 1000, "samples": 1,
            "adaptive_sampling": false, "denoise": false, "compositor": false, "cameras": [], "view_layers": [],
            "output": {"name": "a", "format": "png", "color_mode": "RGBA", "color_depth": 8},
            "memory_estimate": 0, "dependencies": [], "findings": [], "sequential": false,
            "tile_padding": 0, "tiles_exact": true, "slices_refused": null
        });
        let plain: SceneFacts = serde_json::from_value(json).unwrap();
        assert_eq!(distribution(&plain), ["tiles     yes", "slices    yes"]);
        let difficult = SceneFacts {
            tiles_exact: false,
            slices_refused: Some("it adapts".into()),
            sequential: true,
            frames_bounded: Some("of its clock".into()),
            ..plain.clone()
        };
        assert_eq!(
            distribution(&difficult),
            [
                "tiles     no: each frame is one task",
                "slices    no: it adapts",
                "sequence  every session plays the scene from frame 1 up to the one it renders",
                "bounds    only frames 1-9 can be rendered: of its clock",
            ]
        );
        let padded = SceneFacts {
            tile_padding: 16,
            ..plain
        };
        assert_eq!(distribution(&padded)[0], "tiles     yes, each with 16 pixels around it");
    }
}
