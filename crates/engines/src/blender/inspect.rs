//! Inspecting in rounds: a sandbox shows only files that are known to be needed and allowed, and a library that becomes
//! visible may name further files. Each round is a new process that sees a little more.

use super::{
    conversation::{Answer, Conversation},
    references::{Resolved, resolve},
    start::start,
    wire::{InspectSettings, Inspected, Request},
};
use crate::{
    engine::{InspectRequest, SceneFile},
    error::EngineError,
    layout::{Consent, inspection_path, lexical},
    store::BlenderInstall,
};
use rayswarm_model::{
    SceneFacts,
    scene::{DependencyState, Finding, Severity},
};
use rayswarm_sandbox::Sandbox;
use std::collections::BTreeSet;

/// Libraries of libraries deeper than this are not followed.
const ROUNDS_MAX: usize = 6;

/// Inspects until no new file is named.
pub(super) async fn inspect(
    install: &BlenderInstall,
    sandbox: &Sandbox,
    request: &InspectRequest,
) -> Result<SceneFacts, EngineError> {
    let scene = SceneFile {
        host: lexical(&request.scene),
        inside: inspection_path(&lexical(&request.scene)),
    };
    if !scene.host.is_file() {
        return Err(EngineError::Refused {
            code: "not_found",
            message: format!("{} is not a file", request.scene.display()),
            remedy: "check the path".into(),
        });
    }
    let consent = Consent::new(&scene.host, &request.include);
    let mut known = Resolved::default();
    let mut rounds = 0;
    loop {
        rounds += 1;
        let Inspected { mut facts, references } = round(install, sandbox, request, &scene, &known).await?;
        let resolved = resolve(&references, &consent);
        let nothing_new = resolved.visible.keys().all(|inside| known.visible.contains_key(inside));
        if nothing_new || rounds == ROUNDS_MAX {
            facts.dependencies = resolved.dependencies;
            if !nothing_new {
                facts.findings.push(too_deep());
            }
            add_findings(&mut facts, &request.allow_missing);
            facts.repeats_roughly = bevel(&facts);
            return Ok(facts);
        }
        known = resolved;
    }
}

/// One process that sees the scene and what is known so far.
async fn round(
    install: &BlenderInstall,
    sandbox: &Sandbox,
    request: &InspectRequest,
    scene: &SceneFile,
    known: &Resolved,
) -> Result<Inspected, EngineError> {
    let files: Vec<_> = std::iter::once(scene.clone()).chain(known.files()).collect();
    let process = start(install, sandbox, &files, None, &request.limits).await?;
    let mut conversation = Conversation::begin(process, request.limits.silence, &install.version).await?;
    let settings = InspectSettings {
        renderer_override: request.renderer_override.as_deref(),
        allowed_missing: &request.allow_missing,
        options: &request.options,
    };
    let ask = Request::Inspect {
        scene: &scene.inside,
        settings,
    };
    let answer: Result<Answer<Inspected>, _> = conversation.ask("inspect the scene", &ask, &mut |_| {}).await;
    conversation.end().await;
    Ok(answer?.result)
}

/// Says what stands in the way among the dependencies.
fn add_findings(facts: &mut SceneFacts, allow_missing: &[String]) {
    let named = |state| -> BTreeSet<String> {
        facts
            .dependencies_in(state)
            .map(|dependency| dependency.reference.clone())
            .collect()
    };
    let (allowed, missing): (BTreeSet<_>, BTreeSet<_>) = named(DependencyState::Missing)
        .into_iter()
        .partition(|name| allow_missing.contains(name));
    let waiting: BTreeSet<_> = facts
        .dependencies_in(DependencyState::NeedsConsent)
        .filter_map(|dependency| Some(dependency.path.as_ref()?.display().to_string()))
        .collect();
    if let Some(first) = missing.first() {
        facts.findings.push(Finding {
            severity: Severity::Refusal,
            code: "missing_files".into(),
            message: format!("files the scene needs are missing: {}", list(&missing)),
            remedy: format!("put them in place or pack them, or render without them: --allow-missing '{first}'"),
        });
    }
    if !allowed.is_empty() {
        facts.findings.push(Finding {
            severity: Severity::Warning,
            code: "missing_files_allowed".into(),
            message: format!("rendered without these files, as allowed: {}", list(&allowed)),
            remedy: "expect magenta or black where they are used".into(),
        });
    }
    if let Some(first) = waiting.first() {
        facts.findings.push(Finding {
            severity: Severity::Refusal,
            code: "needs_consent".into(),
            message: format!("the scene reads files outside its folder: {}", list(&waiting)),
            remedy: format!("if they may be sent to other people's machines: --include '{first}'"),
        });
    }
}

/// The Bevel modifier adds up texture coordinates in order of memory addresses.
fn bevel(facts: &SceneFacts) -> Option<String> {
    let found = facts.findings.iter().find(|finding| finding.code == "bevel_uv");
    found.map(|finding| finding.message.clone())
}

fn too_deep() -> Finding {
    Finding {
        severity: Severity::Refusal,
        code: "libraries_too_deep".into(),
        message: format!("libraries link libraries more than {ROUNDS_MAX} deep"),
        remedy: "make the objects local in a library nearer to the scene".into(),
    }
}

/// A few names, and how many more.
fn list(names: &BTreeSet<String>) -> String {
    const NAMES_MAX: usize = 5;
    let shown: Vec<_> = names.iter().take(NAMES_MAX).map(String::as_str).collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
