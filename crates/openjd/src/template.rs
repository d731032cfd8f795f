//! A template that was read and checked.

use crate::{
    EXTENSIONS,
    document::{Document, caller_limits},
    error::OpenJdError,
    expand,
    job::Job,
    parameter::Parameter,
};
use openjd_model::template::{self as model, parse};
use serde_json::Value;
use std::collections::BTreeMap;

/// A job template that obeys the specification.
#[derive(Clone, Debug)]
pub struct Template {
    pub(crate) model: model::JobTemplate,
    parameters: Vec<Parameter>,
}

/// A step before any value is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutline<'a> {
    /// Its name.
    pub name: &'a str,
    /// The steps that must be done before it.
    pub waits_for: Vec<&'a str>,
}

/// A template of one environment, entered around the environments of a job.
#[derive(Clone, Debug)]
pub struct EnvironmentTemplate {
    pub(crate) model: model::EnvironmentTemplate,
}

/// With what a template becomes a job.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Values by parameter name; those left out have their defaults.
    pub values: BTreeMap<String, String>,
    /// The folder of the template, absolute: relative defaults of paths are below it.
    pub template_folder: &'a str,
    /// The folder that relative values of paths are in, absolute.
    pub folder: &'a str,
    /// Environments to enter around the job's own, outermost first.
    pub environments: Vec<EnvironmentTemplate>,
}

impl<'a> Asked<'a> {
    /// No values and no environments; everything is relative to `folder`.
    pub const fn in_folder(folder: &'a str) -> Self {
        Self {
            values: BTreeMap::new(),
            template_folder: folder,
            folder,
            environments: Vec::new(),
        }
    }
}

impl Template {
    /// Reads a job template. `document` is its file's name: `.json` is read as JSON, everything else as YAML.
    pub fn parse(document: &str, text: &str) -> Result<Self, OpenJdError> {
        let document = Document { name: document, text };
        let read = document.read()?;
        if let Some(steps) = cycle(&read) {
            return Err(OpenJdError::Cycle { steps });
        }
        let decoded = parse::decode_job_template(read, Some(&EXTENSIONS), &caller_limits());
        let model = decoded.map_err(|error| document.refused(&error))?;
        let parameters = model.parameter_definitions_list().iter().map(Parameter::of).collect();
        Ok(Self { model, parameters })
    }

    /// Its name as written: it may hold parameters.
    pub fn name(&self) -> &str {
        self.model.name().raw()
    }

    /// What it is for.
    pub fn description(&self) -> Option<&str> {
        self.model.description()
    }

    /// Its steps in order.
    pub fn steps(&self) -> impl Iterator<Item = StepOutline<'_>> {
        self.model.steps.iter().map(|step| {
            let before = step.dependencies.iter().flatten();
            StepOutline {
                name: &step.name,
                waits_for: before.map(|before| before.depends_on.as_str()).collect(),
            }
        })
    }

    /// What it asks for.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The job that it makes with these values.
    pub fn expand(&self, asked: &Asked<'_>) -> Result<Job, OpenJdError> {
        expand::expand(self, asked)
    }
}

impl EnvironmentTemplate {
    /// Reads an environment template, as [`Template::parse`].
    pub fn parse(document: &str, text: &str) -> Result<Self, OpenJdError> {
        let document = Document { name: document, text };
        let decoded = parse::decode_environment_template(document.read()?, Some(&EXTENSIONS));
        let model = decoded.map_err(|error| document.refused(&error))?;
        Ok(Self { model })
    }

    /// Its environment's name.
    pub fn name(&self) -> &str {
        &self.model.environment.name
    }
}

/// A value as it is typed: `NAME=VALUE`.
pub fn parse_value(text: &str) -> Result<(String, String), OpenJdError> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(OpenJdError::NoAssignment { text: text.to_owned() }),
    }
}

/// The names of steps that wait for one another, if there are any. The model's crate says only that there are.
fn cycle(template: &Value) -> Option<String> {
    let steps = template.get("steps")?.as_array()?;
    let named = |step: &Value| Some((step.get("name")?.as_str()?.to_owned(), dependencies(step)));
    let mut left: Vec<(String, Vec<String>)> = steps.iter().filter_map(named).collect();
    loop {
        let names: Vec<String> = left.iter().map(|(name, _)| name.clone()).collect();
        let before = left.len();
        left.retain(|(_, waits_for)| waits_for.iter().any(|other| names.contains(other)));
        match left.len() {
            0 => return None,
            still if still == before => return Some(names.join(", ")),
            _ => {}
        }
    }
}

fn dependencies(step: &Value) -> Vec<String> {
    let list = step.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let name = |one: &Value| one.get("dependsOn").and_then(Value::as_str).map(str::to_owned);
    list.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A template whose steps are `name` or `name<before`.
    fn template(steps: &[&str]) -> Result<Template, OpenJdError> {
        let mut text = String::from("specificationVersion: jobtemplate-2023-09\nname: x\nsteps:\n");
        for step in steps {
            let (name, before) = step.split_once('<').unwrap_or((step, ""));
            text.push_str(&format!(
                "- name: {name}\n  script: {{actions: {{onRun: {{command: ls}}}}}}\n"
            ));
            if !before.is_empty() {
                text.push_str(&format!("  dependencies: [{{dependsOn: {before}}}]\n"));
            }
        }
        Template::parse("t.yaml", &text)
    }

    #[test]
    fn steps_that_wait_for_one_another_are_named() {
        let error = template(&["a", "b<d", "c<b", "d<c"]).unwrap_err().to_string();
        assert!(error.starts_with("the steps b, c, d wait for one another"), "{error}");
        assert!(template(&["a<a"]).is_err());
        assert!(template(&["a<b", "b", "c<b"]).is_ok());
        assert!(template(&["a<nobody"]).unwrap_err().to_string().contains("nobody"));
    }

    #[test]
    fn steps_and_parameters_are_told_before_values_are_known() {
        let known = template(&["a", "b<a"]).unwrap();
        let steps: Vec<_> = known.steps().map(|step| (step.name, step.waits_for)).collect();
        assert_eq!(steps, [("a", vec![]), ("b", vec!["a"])]);
        let text = "specificationVersion: jobtemplate-2023-09\nname: x\ndescription: why\nparameterDefinitions:\n\
            - {name: N, type: INT, minValue: 1, maxValue: '9', userInterface: {control: SPIN_BOX, label: How many, groupLabel: G}}\n\
            - {name: F, type: FLOAT, minValue: 0.5}\n- {name: T, type: STRING, minLength: 2, maxLength: 5}\n\
            steps:\n- name: a\n  script: {actions: {onRun: {command: ls}}}\n";
        let template = Template::parse("t.yaml", text).unwrap();
        assert_eq!(template.description(), Some("why"));
        let [n, f, t] = template.parameters() else {
            panic!("{template:?}")
        };
        assert_eq!((n.least.as_deref(), n.greatest.as_deref()), (Some("1"), Some("9")));
        assert_eq!((f.least.as_deref(), f.greatest.as_deref()), (Some("0.5"), None));
        assert_eq!((t.length_min, t.length_max), (Some(2), Some(5)));
        assert_eq!(n.shown.control.as_deref(), Some("SPIN_BOX"));
        assert_eq!(n.shown.label.as_deref(), Some("How many"));
        assert_eq!(
            (n.shown.group.as_deref(), &t.shown),
            (Some("G"), &crate::parameter::Shown::default())
        );
    }

    #[test]
    fn what_breaks_the_rules_is_told_by_line_and_place() {
        let text = "specificationVersion: jobtemplate-2023-09\nname: x\nsteps:\n- name: a\n  script:\n    actions:\n      onRun:\n        command: bash\n        args: ['{{Task.File.Nope}}']\n";
        let error = Template::parse("t.yaml", text).unwrap_err().to_string();
        assert!(
            error.contains("line 9: steps[0].script.actions.onRun.args[0]: Undefined variable"),
            "{error}"
        );
        let typo = text.replace("command:", "comand:");
        let error = Template::parse("t.yaml", &typo).unwrap_err().to_string();
        assert!(error.contains("line 8: unknown field `comand`"), "{error}");
        let foreign = text.replace("name: x", "name: x\nextensions: [WRAP_ACTIONS]");
        let error = Template::parse("t.yaml", &foreign).unwrap_err().to_string();
        assert!(error.contains("Unsupported extension names: WRAP_ACTIONS"), "{error}");
        let error = Template::parse("t.yaml", "name: x\n").unwrap_err().to_string();
        assert!(error.contains("specificationVersion"), "{error}");
    }

    #[test]
    fn values_are_typed_as_name_and_value() {
        assert_eq!(parse_value("A=b=c").unwrap(), ("A".into(), "b=c".into()));
        assert_eq!(parse_value("A=").unwrap(), ("A".into(), String::new()));
        assert!(parse_value("=b").is_err() && parse_value("A").is_err());
    }
}
