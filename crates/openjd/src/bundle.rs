//! A job bundle: a folder with a template, values for it, and the files it names.
//!
//! ```text
//! template.yaml | template.json
//! parameter_values.yaml | .json     parameterValues: [{name, value}]
//! asset_references.yaml | .json     assetReferences: {inputs: {filenames, directories}, outputs: {directories}, …}
//! ```

use crate::{document::Document, error::OpenJdError, locate::Part, template::Template};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The names a template may have in a bundle, the first that is there.
pub const TEMPLATE_NAMES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];
/// The names of the values' file.
pub const VALUES_NAMES: [&str; 3] = ["parameter_values.yaml", "parameter_values.yml", "parameter_values.json"];
/// The names of the file that lists assets.
pub const ASSETS_NAMES: [&str; 3] = ["asset_references.yaml", "asset_references.yml", "asset_references.json"];

/// Values that speak to a render farm and to no template begin with this: `deadline:priority`.
const FARM_PREFIX: &str = "deadline:";
/// More asset references than this are not read.
const ASSETS_MAX: usize = 100_000;

/// A bundle that was read.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Its template.
    pub template: Template,
    /// The values it brings along.
    pub values: BTreeMap<String, String>,
    /// Values that are for the farm: priority, retries.
    pub farm: FarmValues,
    /// Files beside those that parameters name.
    pub assets: Assets,
}

/// What a bundle wishes of the farm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FarmValues {
    /// 0 to 100; 50 is ordinary.
    pub priority: Option<i32>,
    /// How often a task may be tried again.
    pub retries_per_task: Option<u32>,
    /// Whether it waits for a word before it starts.
    pub suspended: bool,
    /// Those not known here.
    pub unknown: Vec<String>,
}

/// Files and folders that no parameter names. Relative ones are in the bundle's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Assets {
    /// Files that commands read.
    pub files: Vec<String>,
    /// Folders that commands read.
    pub folders: Vec<String>,
    /// Folders that commands write.
    pub output_folders: Vec<String>,
}

/// The documents of a bundle: names and texts.
#[derive(Clone, Copy, Debug)]
pub struct Documents<'a> {
    /// The template.
    pub template: (&'a str, &'a str),
    /// Its values.
    pub values: Option<(&'a str, &'a str)>,
    /// Its assets.
    pub assets: Option<(&'a str, &'a str)>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AssetReferences {
    inputs: Inputs,
    outputs: Outputs,
    #[serde(rename = "referencedPaths")]
    _referenced_paths: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Inputs {
    filenames: Vec<String>,
    directories: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Outputs {
    directories: Vec<String>,
}

impl Bundle {
    /// Reads a bundle's documents.
    pub fn parse(documents: &Documents<'_>) -> Result<Self, OpenJdError> {
        let template = Template::parse(documents.template.0, documents.template.1)?;
        let mut bundle = Self {
            template,
            values: BTreeMap::new(),
            farm: FarmValues::default(),
            assets: Assets::default(),
        };
        if let Some((name, text)) = documents.values {
            bundle.read_values(Document { name, text })?;
        }
        if let Some((name, text)) = documents.assets {
            bundle.assets = assets(Document { name, text })?;
        }
        Ok(bundle)
    }

    fn read_values(&mut self, document: Document<'_>) -> Result<(), OpenJdError> {
        let key = || Part::Key("parameterValues".into());
        let read = document.read()?;
        let Some(list) = read.get("parameterValues").and_then(Value::as_array) else {
            return Err(document.fault_at(&[], "it has no list parameterValues; write - name: … value: … below it"));
        };
        for (index, item) in list.iter().enumerate() {
            let here = [key(), Part::Item(index)];
            let name = item.get("name").and_then(Value::as_str);
            let (Some(name), Some(value)) = (name, item.get("value").and_then(text_of)) else {
                return Err(document.fault_at(&here, "a value needs a name and a value"));
            };
            if let Some(setting) = name.strip_prefix(FARM_PREFIX) {
                self.farm.take(setting, &value);
            } else if self.values.insert(name.to_owned(), value).is_some() {
                return Err(document.fault_at(&here, format!("{name} has a value already")));
            }
        }
        Ok(())
    }
}

impl FarmValues {
    fn take(&mut self, setting: &str, value: &str) {
        match (setting, value.parse::<u32>()) {
            ("priority", Ok(number)) => self.priority = i32::try_from(number.min(100)).ok(),
            ("maxRetriesPerTask", Ok(number)) => self.retries_per_task = Some(number),
            ("targetTaskRunStatus", _) => self.suspended = value == "SUSPENDED",
            _ => self.unknown.push(format!("{FARM_PREFIX}{setting}")),
        }
    }
}

/// A value as it would be typed. Lists stay JSON, which is how the extension `EXPR` takes them.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => Some(value.to_string()),
    }
}

fn assets(document: Document<'_>) -> Result<Assets, OpenJdError> {
    let mut read = document.read()?;
    let key = [Part::Key("assetReferences".into())];
    let Some(references) = read.get_mut("assetReferences").map(Value::take) else {
        return Err(document.fault_at(&[], "it has no assetReferences; write inputs and outputs below it"));
    };
    let found: AssetReferences =
        serde_json::from_value(references).map_err(|error| document.fault_at(&key, error.to_string()))?;
    let assets = Assets {
        files: found.inputs.filenames,
        folders: found.inputs.directories,
        output_folders: found.outputs.directories,
    };
    if assets.files.len() + assets.folders.len() + assets.output_folders.len() > ASSETS_MAX {
        return Err(document.fault_at(
            &key,
            format!("more than {ASSETS_MAX} paths; name folders instead of files"),
        ));
    }
    Ok(assets)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEMPLATE: (&str, &str) = (
        "template.yaml",
        "specificationVersion: jobtemplate-2023-09\nname: x\nsteps:\n- name: a\n  script: {actions: {onRun: {command: ls}}}\n",
    );

    fn bundle(values: &str, assets: &str) -> Result<Bundle, OpenJdError> {
        Bundle::parse(&Documents {
            template: TEMPLATE,
            values: Some(("parameter_values.yaml", values)).filter(|_| !values.is_empty()),
            assets: Some(("asset_references.yaml", assets)).filter(|_| !assets.is_empty()),
        })
    }

    #[test]
    fn values_are_texts_and_the_farm_s_are_told_apart() {
        let text = "parameterValues:\n- {name: Frames, value: 1-10}\n- {name: Count, value: 3}\n- {name: Scale, value: 1.5}\n\
                    - {name: 'deadline:priority', value: 70}\n- {name: 'deadline:maxRetriesPerTask', value: 1}\n\
                    - {name: 'deadline:targetTaskRunStatus', value: SUSPENDED}\n- {name: 'deadline:other', value: 1}\n";
        let bundle = bundle(text, "").unwrap();
        let values: Vec<_> = bundle
            .values
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(values, ["Count=3", "Frames=1-10", "Scale=1.5"]);
        let farm = FarmValues {
            priority: Some(70),
            retries_per_task: Some(1),
            suspended: true,
            unknown: vec!["deadline:other".into()],
        };
        assert_eq!(bundle.farm, farm);
    }

    #[test]
    fn assets_are_read_and_misspelt_ones_are_told_by_line() {
        let text = "assetReferences:\n  inputs:\n    filenames: [a.png, /b/c.png]\n    directories: [textures]\n  outputs:\n    directories: [out]\n  referencedPaths: []\n";
        let assets = bundle("", text).unwrap().assets;
        assert_eq!(
            (assets.files.len(), assets.folders.len(), assets.output_folders.len()),
            (2, 1, 1)
        );
        for (values, assets, part) in [
            (
                "",
                "assetReferences:\n  input: {}\n",
                "asset_references.yaml cannot be used: line 1",
            ),
            ("", "x: 1\n", "no assetReferences"),
            (
                "parameterValues:\n- name: a\n",
                "",
                "line 2: parameterValues[0]: a value needs",
            ),
            (
                "parameterValues:\n- {name: a, value: 1}\n- {name: a, value: 2}\n",
                "",
                "line 3",
            ),
            ("a: 1\n", "", "no list parameterValues"),
        ] {
            let error = bundle(values, assets).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
