//! Templates of jobs of commands (Open Job Description) before they run: what they ask for, and what they would do.

use crate::job::SceneSource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A template to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateInspection {
    /// The template, or the upload of its bundle.
    pub scene: SceneSource,
}

/// A template, with the values that its bundle brings along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateView {
    /// The job's name with these values; as the template writes it where no job can be made of them.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it asks for, in its order.
    pub parameters: Vec<ParameterView>,
    /// Values by parameter that the bundle brings along: they go before defaults.
    pub values: BTreeMap<String, String>,
    /// Its steps, in its order.
    pub steps: Vec<TemplateStep>,
    /// Why no job can be made of these values: a parameter has none, for instance.
    pub incomplete: Option<String>,
    /// Whether the bundle wants its job paused until it is resumed.
    pub begins_paused: bool,
}

/// What a template asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParameterView {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ParameterKind,
    /// What a path stands for.
    pub object: Option<PathObject>,
    /// Which way the content of a path goes.
    pub flow: Option<PathFlow>,
    /// What people call it.
    pub label: Option<String>,
    /// With which others it is to be shown.
    pub group: Option<String>,
    /// The control it is to be shown as, in the specification's word: `SPIN_BOX`, `HIDDEN`.
    pub control: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its value when nobody gives one. Paths are relative to the template.
    pub default: Option<String>,
    /// The only values it takes; any when empty.
    pub allowed: Vec<String>,
    /// The least value of a number.
    pub least: Option<String>,
    /// The greatest value of a number.
    pub greatest: Option<String>,
    /// The fewest characters of a text, items of a list.
    pub length_min: Option<u64>,
    /// The most of them.
    pub length_max: Option<u64>,
}

/// What the values of a parameter are. All are given as texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Any text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// A file or folder.
    Path,
    /// `true` or `false`.
    Bool,
    /// Whole numbers: `1-10,20`.
    Range,
    /// A list in JSON.
    List,
}

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathObject {
    /// One file.
    File,
    /// A folder and all in it.
    Directory,
}

/// Which way the content of a path goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PathFlow {
    /// Nowhere: it is a path of the machine that works, if it has it.
    None,
    /// Commands read it.
    In,
    /// Commands write it.
    Out,
    /// Commands read and change it.
    InOut,
}

/// One step of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateStep {
    /// Its name.
    pub name: String,
    /// Tasks it has with these values; none where no job can be made of them.
    pub tasks: Option<u64>,
    /// The steps that must be done before.
    pub waits_for: Vec<String>,
}
