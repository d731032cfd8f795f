//! `rayswarm inspect`: what a scene is, what it needs, what will not work.

use super::render::existing_file;
use crate::{
    args::InspectArgs,
    exit::{BadInput, ExitCode, Missing},
    show,
};
use rayswarm_model::{
    SceneFacts,
    scene::{DependencyState, Severity},
};

pub async fn run(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let scene = existing_file(&args.file)?;
    let inspected = rayswarm_node::local::inspect(scene, args.engine, args.include, args.options).await;
    let facts = inspected.map_err(|problem| match problem.status {
        503 => anyhow::Error::new(Missing(problem.detail)),
        500 => anyhow::anyhow!(problem.detail),
        _ => anyhow::Error::new(BadInput(problem.detail)),
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
    for dependency in &facts.dependencies {
        let state = match dependency.state {
            DependencyState::Packed => "packed",
            DependencyState::Found => "found",
            DependencyState::Missing => "MISSING",
            DependencyState::NeedsConsent => "outside the scene's folder, travels only with --include",
        };
        show::line(format_args!("{:9} {} ({state})", dependency.kind, dependency.reference));
    }
    for finding in &facts.findings {
        let word = match finding.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Refusal => "REFUSED",
        };
        show::line(format_args!("{word:9} {}; {}", finding.message, finding.remedy));
    }
}
