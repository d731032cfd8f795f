//! `rayswarm bench exactness`: merged tiles and slices against one session's picture. The exit code says whether every
//! promise holds.

use crate::{
    args::ExactnessArgs,
    commands::{demo::scratch_folder, render::existing_file},
    exit::ExitCode,
    show,
};
use anyhow::Context;
use rayswarm_api::job::{JobRequest, JobSettings};
use rayswarm_node::{
    engines::Engines,
    exactness::{Case, Exactness, ExactnessRequest, exactness},
};
use std::path::PathBuf;

pub async fn run(args: ExactnessArgs) -> anyhow::Result<ExitCode> {
    let engines = Engines::detect()?;
    let folder = scratch_folder("exactness");
    let mut all = Vec::new();
    for scene in &args.scenes {
        let scene = existing_file(scene)?;
        show::note(format_args!("comparing {}", scene.display()));
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let request = ExactnessRequest {
            job: job(scene, &args),
            side: args.side,
            folder: folder.clone(),
        };
        let found = exactness(&engines, &request).await;
        super::remove(&folder)?;
        if !args.json {
            print(&found);
        }
        all.push(found);
    }
    if args.json {
        show::json(&all)?;
    }
    let refused = all.iter().any(|found| found.refused.is_some());
    let holds = all.iter().all(Exactness::holds);
    Ok(match (holds, refused) {
        (false, _) => ExitCode::Failure,
        (true, true) => ExitCode::BadInput,
        (true, false) => ExitCode::Success,
    })
}

fn job(scene: PathBuf, args: &ExactnessArgs) -> JobRequest {
    let beside = scene.parent().map_or_else(PathBuf::new, PathBuf::from);
    JobRequest {
        settings: JobSettings {
            frames: args.frames.clone(),
            samples: Some(args.samples),
            renderer_override: args.engine.clone(),
            allow_missing: args.allow_missing.clone(),
            options: args.options.clone(),
            ..JobSettings::default()
        },
        ..JobRequest::new(scene, beside)
    }
}

fn print(found: &Exactness) {
    show::line(found.scene.display());
    if let Some(reason) = &found.refused {
        show::line(format_args!("  not rendered: {reason}"));
        return;
    }
    if let Some(resolution) = found.resolution {
        show::line(format_args!("  frames {:?} at {resolution}", found.frames));
    }
    if let Some(first) = found.played_from {
        show::line(format_args!(
            "  the reference is one session's, played from frame {first} on"
        ));
    }
    for case in [&found.tiles, &found.slices].into_iter().flatten() {
        print_case(case);
    }
    if let Some(reason) = &found.slices_refused {
        show::line(format_args!("  no slices: {reason}"));
    }
}

fn print_case(case: &Case) {
    let word = match (case.differing, case.holds) {
        (0, _) => "equal bit for bit",
        (_, true) => "within 1e-5",
        (_, false) => "DIFFERENT",
    };
    show::line(format_args!(
        "  {}: {word} ({} of {} pixels differ, {} beyond 1e-5)",
        case.cut, case.differing, case.pixels, case.beyond_bound
    ));
    if let Some(worst) = &case.worst {
        show::line(format_args!("    worst: {worst}"));
    }
}
