//! Inspecting in rounds: a sandbox shows only files that are known to be needed and allowed, and a library that becomes
//! visible may name further files. Each round is a new process that sees a little more.

use super::{
    references::{Resolved, resolve},
    saved::refuse_newer,
    speaker::SPEAKER,
    start::start,
    wire::{InspectSettings, Inspected, Request},
};
use crate::{
    conversation::{Answer, Conversation},
    engine::{InspectRequest, SceneFile, SessionPurpose},
    error::EngineError,
    layout::{Consent, Contents, inspection_path, lexical},
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
    refuse_newer(&scene.host, &install.version)?;
    let consent = Consent::new(&scene.host, &request.include);
    let mut known = Resolved::default();
    let mut rounds = 0;
    loop {
        rounds += 1;
        let Inspected { mut facts, references } = round(install, sandbox, request, &scene, &known).await?;
        let resolved = resolve(&references, &consent);
        let nothing_new = resolved.visible.keys().all(|inside| known.visible.contains_key(inside));
        if nothing_new || rounds == ROUNDS_MAX {
            if !nothing_new {
                facts.findings.push(too_deep());
            }
            facts
                .findings
                .extend(resolved.gaps.iter().map(|(name, missing)| gaps(name, missing)));
            facts.dependencies = resolved.dependencies;
            add_findings(&mut facts, &request.allow_missing);
            facts.findings.extend(left_out(&facts));
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
    let process = start(
        install,
        sandbox,
        &files,
        None,
        SessionPurpose::Rendering,
        &request.limits,
    )
    .await?;
    let mut conversation = Conversation::begin(SPEAKER, process, request.limits.silence, &install.version).await?;
    let settings = InspectSettings {
        renderer_override: request.renderer_override.as_deref(),
        allowed_missing: &request.allow_missing,
        options: &request.options,
        frames: request.frames.as_ref(),
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
    let described: BTreeSet<_> = missing.iter().map(|name| described(facts, name)).collect();
    let waiting: BTreeSet<_> = facts
        .dependencies_in(DependencyState::NeedsConsent)
        .filter_map(|dependency| Some(dependency.path.as_ref()?.display().to_string()))
        .collect();
    if let Some(first) = missing.first() {
        facts.findings.push(Finding {
            severity: Severity::Refusal,
            code: "missing_files".into(),
            message: format!("files the scene needs are missing: {}", list(&described)),
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
            message: format!(
                "the scene reads files outside its folder, or all of a folder it lies in: {}",
                list(&waiting)
            ),
            remedy: format!("if they may be sent to other people's machines: --include '{first}'"),
        });
    }
}

/// A missing reference, with the files of it that are missing where its name does not tell.
fn described(facts: &SceneFacts, name: &str) -> String {
    let missing = facts
        .dependencies_in(DependencyState::Missing)
        .filter(|one| one.reference == name);
    let paths: Vec<_> = missing.filter_map(|one| one.path.as_deref()).collect();
    if paths.iter().any(|path| path.is_dir()) {
        return format!("{name} (nothing in it)");
    }
    let names = paths.iter().filter_map(|path| path.file_name()?.to_str());
    let others: BTreeSet<_> = names.filter(|file| !name.ends_with(file)).map(str::to_owned).collect();
    match others.is_empty() {
        true => name.to_owned(),
        false => format!("{name} ({})", list(&others)),
    }
}

/// Says what is hidden or a link in folders the scene names.
fn left_out(facts: &SceneFacts) -> Option<Finding> {
    let folders = facts
        .dependencies_in(DependencyState::Found)
        .filter_map(|one| one.path.as_deref());
    let folders: BTreeSet<_> = folders.filter(|path| path.is_dir()).collect();
    let left_out: BTreeSet<_> = folders
        .into_iter()
        .flat_map(|folder| Contents::of(folder).left_out)
        .map(|path| path.display().to_string())
        .collect();
    (!left_out.is_empty()).then(|| Finding {
        severity: Severity::Warning,
        code: "hidden_files".into(),
        message: format!(
            "hidden files and links in folders the scene reads do not travel: {}",
            list(&left_out)
        ),
        remedy: "if the scene needs them, name them without a dot, or put the files in place of the links".into(),
    })
}

/// Says that a sequence has holes of which the scene does not tell whether they matter.
fn gaps(name: &str, missing: &[u64]) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: "sequence_gaps".into(),
        message: format!("the sequence {name} has no files numbered {}", list(&runs(missing))),
        remedy: "check that no frame you render shows them".into(),
    }
}

/// Ascending numbers as `4` and `6-8`.
fn runs(numbers: &[u64]) -> Vec<String> {
    let runs = numbers.chunk_by(|one, next| one + 1 == *next);
    runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        one => one.first().map(u64::to_string).unwrap_or_default(),
    })
    .collect()
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
fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    const NAMES_MAX: usize = 5;
    let names: Vec<_> = names.into_iter().map(String::as_str).collect();
    let shown = &names[..names.len().min(NAMES_MAX)];
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
