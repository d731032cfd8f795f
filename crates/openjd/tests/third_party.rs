//! Templates that others wrote: each is read and expanded, or refused with the reason that is written here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

use rayswarm_openjd::{
    Asked, EnvironmentTemplate, Job, OpenJdError, ParameterKind, PathMap, Session, StepId, Template, action::Place,
    paths::moved,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Templates that are refused, and what the reason names.
const REFUSED: [(&str, &str); 2] = [
    // A pattern to fill in, not a template.
    ("specification-samples/sample-template.yaml", "specificationVersion"),
    (
        "specification-samples/v2023-09/job_templates/host-requirements.yaml",
        "attr.custom.host_config to be HostConfigA or HostConfigC",
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of third-party templates, or `None` and a word about it.
fn third_party() -> Option<PathBuf> {
    let data = std::env::var_os("RAYSWARM_TESTDATA").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = data.join("openjd");
    if !folder.is_dir() {
        eprintln!(
            "skipped: no third-party templates in {}; set RAYSWARM_TESTDATA",
            folder.display()
        );
        return None;
    }
    Some(folder)
}

fn templates_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(templates_below(&path));
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "json")
            && !path.ends_with("parameter_values.yaml")
            && !path.ends_with("asset_references.yaml")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A value for everything that has no default.
fn made_up(template: &Template) -> BTreeMap<String, String> {
    let value = |kind: &ParameterKind, name: &str| match kind {
        ParameterKind::Whole | ParameterKind::Number => "1".to_owned(),
        ParameterKind::Path { .. } => format!("/data/{name}"),
        _ => name.to_owned(),
    };
    let open = template.parameters().iter().filter(|one| one.default.is_none());
    open.map(|one| {
        let allowed = one.allowed.first().cloned();
        (one.name.clone(), allowed.unwrap_or_else(|| value(&one.kind, &one.name)))
    })
    .collect()
}

fn expand(text: &str, name: &str, environments: Vec<EnvironmentTemplate>) -> Result<Job, OpenJdError> {
    let template = Template::parse(name, text)?;
    template.expand(&Asked {
        values: made_up(&template),
        environments,
        ..Asked::in_folder("/bundle")
    })
}

/// Every command of a job, resolved: no name in any of them is left open.
fn commands(job: Job) -> Vec<Vec<String>> {
    let paths = PathMap::over(moved(job.paths()).map(|one| one.path.as_str())).unwrap();
    let place = Place {
        work: "/work".into(),
        files: "/session/files".into(),
        path_mapping: "/session/map.json".into(),
        paths,
    };
    let job = Arc::new(job);
    let mut commands = Vec::new();
    for step in 0..job.steps().len() {
        let mut session = Session::new(job.clone(), StepId(step), place.clone(), BTreeMap::new());
        while let Some(next) = session.enter().unwrap() {
            commands.push(next.script.call.command);
        }
        for task in job.steps()[step].tasks() {
            commands.push(session.task(task).unwrap().script.call.command);
        }
        while let Some(next) = session.exit().unwrap() {
            commands.push(next.script.call.command);
        }
    }
    commands
}

#[test]
fn every_third_party_template_is_expanded_or_refused_with_a_reason() {
    let Some(folder) = third_party() else { return };
    let templates = templates_below(&folder);
    assert!(templates.len() >= 11, "{templates:?}");
    let host = "specificationVersion: jobtemplate-2023-09\nname: x\nsteps:\n- name: a\n  script: {actions: {onRun: {command: ls}}}\n";
    for path in templates {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expanded = if name.contains("environment_templates") {
            EnvironmentTemplate::parse(name, &text).and_then(|environment| expand(host, "host.yaml", vec![environment]))
        } else {
            expand(&text, name, Vec::new())
        };
        let refusal = REFUSED.iter().find(|(refused, _)| *refused == name);
        match (expanded, refusal) {
            (Ok(job), None) => {
                let commands = commands(job);
                assert!(
                    !commands.is_empty() && commands.iter().flatten().all(|part| !part.contains("{{")),
                    "{name}"
                );
                eprintln!("{name}: {} commands", commands.len());
            }
            (Err(error), Some((_, reason))) => {
                assert!(error.to_string().contains(reason), "{name}: {error}");
                eprintln!("{name}: refused: {error}");
            }
            (Ok(_), Some(_)) => panic!("{name} is no longer refused; take it from the list"),
            (Err(error), None) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn a_third_party_render_becomes_one_task_per_frame() {
    let Some(folder) = third_party() else { return };
    let text = fs::read_to_string(folder.join("blender_render/template.yaml")).unwrap();
    let template = Template::parse("template.yaml", &text).unwrap();
    let values = [
        ("BlenderSceneFile", "/shot/scene.blend"),
        ("Frames", "1-3,10-20:5"),
        ("Format", "PNG"),
    ];
    let job = template.expand(&Asked {
        values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..Asked::in_folder("/shot")
    });
    let job = job.unwrap();
    let frames: Vec<String> = (0..job.task_count())
        .map(|id| job.task(rayswarm_model::TaskId(id)).unwrap().to_string())
        .collect();
    let expected = [1, 2, 3, 10, 15, 20].map(|frame| format!("Frame={frame}"));
    assert_eq!(frames, expected);
    let wrong = template.expand(&Asked {
        values: BTreeMap::from([("Format".to_owned(), "GIF".to_owned())]),
        ..Asked::in_folder("/shot")
    });
    let error = wrong.unwrap_err().to_string();
    assert!(
        error.contains("Format") && error.contains("BlenderSceneFile") && error.contains("-p NAME=VALUE"),
        "{error}"
    );
}

#[test]
fn our_own_examples_expand() {
    let mut seen = 0;
    for path in templates_below(&root().join("examples/openjd")) {
        let name = path.display().to_string();
        let job = expand(&fs::read_to_string(&path).unwrap(), &name, Vec::new());
        let job = job.unwrap_or_else(|error| panic!("{error}"));
        assert!(job.task_count() > 0, "{name}");
        commands(job);
        seen += 1;
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn chunks_are_as_large_as_asked() {
    let text = fs::read_to_string(root().join("examples/openjd/frames/template.yaml")).unwrap();
    let template = Template::parse("template.yaml", &text).unwrap();
    let tasks = |frames: &str, size: &str| {
        let values = [("Frames", frames), ("FramesPerTask", size)];
        let job = template.expand(&Asked {
            values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Asked::in_folder("/x")
        });
        let job = job.unwrap();
        let text = |id| job.task(rayswarm_model::TaskId(id)).unwrap().to_string();
        (0..job.task_count()).map(text).collect::<Vec<String>>()
    };
    assert_eq!(tasks("1-7", "7"), ["Frame=1-7"]);
    assert_eq!(tasks("1-7", "1").len(), 7);
    assert_eq!(tasks("1-3,8-9", "5"), ["Frame=1-3", "Frame=8-9"], "chunks have no gaps");
    assert_eq!(tasks("1-7", "3").len(), 3);
}
