//! A template as whoever is about to run it sees it.

use super::{
    super::refusal::chain,
    opening::{self, Typed},
};
use rayswarm_api::{
    Problem,
    commands::{ParameterKind as KindView, ParameterView, PathFlow, PathObject, TemplateStep, TemplateView},
};
use rayswarm_openjd::{Flow, ObjectKind, Parameter, ParameterKind, template::StepOutline};
use std::path::Path;

/// What a template asks for, and what it would do with the values of its bundle. Blocking.
pub fn inspect(template: &Path) -> Result<TemplateView, Problem> {
    let (source, farm) = opening::read(template, Typed::default())?;
    let template = opening::template(&source).map_err(|error| opening::refused(&error))?;
    let job = opening::job(&source);
    let made = job.as_ref().ok();
    let step = |(at, outline): (usize, StepOutline<'_>)| TemplateStep {
        name: outline.name.to_owned(),
        tasks: made
            .and_then(|job| job.steps().get(at))
            .map(|step| step.tasks().len() as u64),
        waits_for: outline.waits_for.into_iter().map(str::to_owned).collect(),
    };
    Ok(TemplateView {
        name: made.map_or_else(|| template.name(), |job| job.name()).to_owned(),
        description: template.description().map(str::to_owned),
        parameters: template.parameters().iter().map(parameter).collect(),
        steps: template.steps().enumerate().map(step).collect(),
        incomplete: job.as_ref().err().map(|error| chain(error)),
        begins_paused: farm.suspended,
        values: source.values,
    })
}

fn parameter(known: &Parameter) -> ParameterView {
    let (object, flow) = match known.kind {
        ParameterKind::Path { object, flow } => (Some(object_of(object)), Some(flow_of(flow))),
        _ => (None, None),
    };
    ParameterView {
        name: known.name.clone(),
        kind: kind_of(&known.kind),
        object,
        flow,
        label: known.shown.label.clone(),
        group: known.shown.group.clone(),
        control: known.shown.control.clone(),
        description: known.description.clone(),
        default: known.default.clone(),
        allowed: known.allowed.clone(),
        least: known.least.clone(),
        greatest: known.greatest.clone(),
        length_min: known.length_min.map(|length| length as u64),
        length_max: known.length_max.map(|length| length as u64),
    }
}

/// Kinds of the extension `EXPR` are `BOOL`, `RANGE_EXPR` and lists of all sorts.
fn kind_of(kind: &ParameterKind) -> KindView {
    match kind {
        ParameterKind::Text => KindView::String,
        ParameterKind::Whole => KindView::Int,
        ParameterKind::Number => KindView::Float,
        ParameterKind::Path { .. } => KindView::Path,
        ParameterKind::Other(name) => match name.as_str() {
            "BOOL" => KindView::Bool,
            "RANGE_EXPR" => KindView::Range,
            _ => KindView::List,
        },
    }
}

const fn object_of(object: ObjectKind) -> PathObject {
    match object {
        ObjectKind::File => PathObject::File,
        ObjectKind::Directory => PathObject::Directory,
    }
}

const fn flow_of(flow: Flow) -> PathFlow {
    match flow {
        Flow::None => PathFlow::None,
        Flow::In => PathFlow::In,
        Flow::Out => PathFlow::Out,
        Flow::InOut => PathFlow::InOut,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    const TEMPLATE: &str = "specificationVersion: jobtemplate-2023-09
name: Draw {{Param.Frames}}
description: Pictures.
parameterDefinitions:
- {name: Frames, type: STRING, default: 1-3, userInterface: {control: LINE_EDIT, label: Which frames, groupLabel: Time}}
- {name: Size, type: INT, default: 8, minValue: 1, maxValue: 64}
- {name: Format, type: STRING, default: PNG, allowedValues: [PNG, JPEG]}
- {name: Scene, type: PATH, objectType: FILE, dataFlow: IN}
- {name: Out, type: PATH, dataFlow: INOUT, default: out}
steps:
- name: Draw
  parameterSpace: {taskParameterDefinitions: [{name: Frame, type: INT, range: '{{Param.Frames}}'}]}
  script: {actions: {onRun: {command: draw}}}
- name: Join
  dependencies: [{dependsOn: Draw}]
  script: {actions: {onRun: {command: join}}}
";

    const OTHER_KINDS: &str = "specificationVersion: jobtemplate-2023-09
extensions: [EXPR]
name: x
parameterDefinitions:
- {name: Loud, type: BOOL, default: false}
- {name: Frames, type: RANGE_EXPR, default: 1-3}
- {name: Layers, type: 'LIST[STRING]', default: [a]}
- {name: Share, type: FLOAT, default: 0.5, maxValue: 1}
steps:
- name: a
  script: {actions: {onRun: {command: ls}}}
";

    fn parameters_of(text: &str) -> Vec<ParameterView> {
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("template.yaml");
        fs::write(&template, text).unwrap();
        inspect(&template).unwrap().parameters
    }

    #[test]
    fn a_template_tells_what_it_asks_for_and_would_do() {
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("template.yaml");
        fs::write(&template, TEMPLATE).unwrap();

        // Without a scene no job can be made of it; it is shown all the same.
        let open = inspect(&template).unwrap();
        assert_eq!(open.name, "Draw {{Param.Frames}}");
        assert_eq!(open.description.as_deref(), Some("Pictures."));
        assert!(open.incomplete.unwrap().contains("Scene"));
        let steps: Vec<_> = open.steps.iter().map(|step| (step.name.as_str(), step.tasks)).collect();
        assert_eq!(steps, [("Draw", None), ("Join", None)]);
        assert_eq!(open.steps[1].waits_for, ["Draw"]);

        let values = "parameterValues:\n- {name: Scene, value: a.blend}\n- {name: Frames, value: 1-5}\n\
            - {name: 'deadline:targetTaskRunStatus', value: SUSPENDED}\n";
        fs::write(folder.path().join("parameter_values.yaml"), values).unwrap();
        let whole = inspect(&template).unwrap();
        assert_eq!((whole.name.as_str(), whole.incomplete), ("Draw 1-5", None));
        assert_eq!((whole.values["Scene"].as_str(), whole.begins_paused), ("a.blend", true));
        let tasks: Vec<_> = whole.steps.iter().map(|step| step.tasks).collect();
        assert_eq!(tasks, [Some(5), Some(1)]);
    }

    #[test]
    fn parameters_keep_their_kinds_limits_and_hints() {
        let parameters = parameters_of(TEMPLATE);
        let [frames, size, format, scene, out] = parameters.as_slice() else {
            panic!("{parameters:?}")
        };
        assert_eq!(
            (
                frames.label.as_deref(),
                frames.group.as_deref(),
                frames.control.as_deref()
            ),
            (Some("Which frames"), Some("Time"), Some("LINE_EDIT"))
        );
        assert_eq!(
            (size.default.as_deref(), size.least.as_deref(), size.greatest.as_deref()),
            (Some("8"), Some("1"), Some("64"))
        );
        assert_eq!((format.kind, size.kind), (KindView::String, KindView::Int));
        assert_eq!(format.allowed, ["PNG", "JPEG"]);
        assert_eq!(
            (scene.kind, scene.object, scene.flow),
            (KindView::Path, Some(PathObject::File), Some(PathFlow::In))
        );
        assert_eq!(
            (out.object, out.flow),
            (Some(PathObject::Directory), Some(PathFlow::InOut))
        );
        assert_eq!((scene.default.as_deref(), out.default.as_deref()), (None, Some("out")));
        let others = parameters_of(OTHER_KINDS);
        let others: Vec<_> = others.iter().map(|one| (one.kind, one.default.as_deref())).collect();
        let expected = [
            (KindView::Bool, Some("false")),
            (KindView::Range, Some("1-3")),
            (KindView::List, Some("[\"a\"]")),
            (KindView::Float, Some("0.5")),
        ];
        assert_eq!(others, expected);
    }

    #[test]
    fn a_template_that_breaks_the_rules_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("other.json");
        fs::write(&template, "{}").unwrap();
        assert_eq!(inspect(&template).unwrap_err().kind, "bad_template");
        assert_eq!(
            inspect(&folder.path().join("none.yaml")).unwrap_err().kind,
            "cannot_read"
        );
    }
}
