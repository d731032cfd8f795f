//! What a template asks for.

use openjd_model::{DataFlow, ObjectType, template::JobParameterDefinition};
use serde::{Deserialize, Serialize};

/// One parameter of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ParameterKind,
    /// Its value when nobody gives one.
    pub default: Option<String>,
    /// The only values it takes; any when empty.
    pub allowed: Vec<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The least value of a number.
    pub least: Option<String>,
    /// The greatest value of a number.
    pub greatest: Option<String>,
    /// The fewest characters of a text, items of a list.
    pub length_min: Option<usize>,
    /// The most of them.
    pub length_max: Option<usize>,
    /// How its template would have it shown.
    pub shown: Shown,
}

/// How a template would have one of its parameters shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The control, in the specification's word: `SPIN_BOX`.
    pub control: Option<String>,
    /// What people call it.
    pub label: Option<String>,
    /// With which others it stands.
    pub group: Option<String>,
}

/// What a parameter's values are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Any text.
    Text,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// A file or folder.
    Path {
        /// Which of the two.
        object: ObjectKind,
        /// Which way its content goes.
        flow: Flow,
    },
    /// A kind of the extension `EXPR`, as the specification names it.
    Other(String),
}

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    /// One file.
    File,
    /// A folder and all in it.
    Directory,
}

/// Which way the content of a path goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Nowhere: it is a path of the machine that works, if it has it.
    None,
    /// Commands read it.
    In,
    /// Commands write it.
    Out,
    /// Commands read and change it.
    InOut,
}

/// The value of a path parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathValue {
    /// The parameter.
    pub name: String,
    /// The path on the submitting machine, absolute.
    pub path: String,
    /// File or folder.
    pub object: ObjectKind,
    /// Which way its content goes.
    pub flow: Flow,
}

impl Flow {
    /// Whether commands read what is there.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::In | Self::InOut)
    }

    /// Whether commands leave something there.
    pub const fn is_written(self) -> bool {
        matches!(self, Self::Out | Self::InOut)
    }
}

impl Parameter {
    pub(crate) fn of(definition: &JobParameterDefinition) -> Self {
        let allowed = definition
            .allowed_values_strings()
            .or_else(|| definition.allowed_values_i64().map(texts))
            .or_else(|| definition.allowed_values_f64().map(texts));
        let (least, greatest) = range_of(definition);
        Self {
            name: definition.name().to_owned(),
            kind: kind_of(definition),
            default: definition.default_value(),
            allowed: allowed.unwrap_or_default(),
            description: definition.description().map(str::to_owned),
            least,
            greatest,
            length_min: definition.min_length(),
            length_max: definition.max_length(),
            shown: shown_of(definition).unwrap_or_default(),
        }
    }
}

fn range_of(definition: &JobParameterDefinition) -> (Option<String>, Option<String>) {
    match definition {
        JobParameterDefinition::INT(whole) => (text(whole.min_value.as_ref()), text(whole.max_value.as_ref())),
        JobParameterDefinition::FLOAT(number) => (text(number.min_value.as_ref()), text(number.max_value.as_ref())),
        _ => (None, None),
    }
}

fn text<T: ToString>(value: Option<&T>) -> Option<String> {
    value.map(T::to_string)
}

fn shown_of(definition: &JobParameterDefinition) -> Option<Shown> {
    // Each kind has a type of its own for the same three fields.
    macro_rules! shown {
        ($parameter:expr) => {
            $parameter.user_interface.as_ref().map(|shown| Shown {
                control: shown.control.clone(),
                label: shown.label.clone(),
                group: shown.group_label.clone(),
            })
        };
    }
    match definition {
        JobParameterDefinition::STRING(one) => shown!(one),
        JobParameterDefinition::INT(one) => shown!(one),
        JobParameterDefinition::FLOAT(one) => shown!(one),
        JobParameterDefinition::PATH(one) => shown!(one),
        JobParameterDefinition::BOOL(one) => shown!(one),
        JobParameterDefinition::RANGE_EXPR(one) => shown!(one),
        JobParameterDefinition::LIST_STRING(one) => shown!(one),
        JobParameterDefinition::LIST_PATH(one) => shown!(one),
        JobParameterDefinition::LIST_INT(one) => shown!(one),
        JobParameterDefinition::LIST_FLOAT(one) => shown!(one),
        JobParameterDefinition::LIST_BOOL(one) => shown!(one),
        JobParameterDefinition::LIST_LIST_INT(one) => shown!(one),
    }
}

fn texts<T: ToString>(values: Vec<T>) -> Vec<String> {
    values.iter().map(T::to_string).collect()
}

fn kind_of(definition: &JobParameterDefinition) -> ParameterKind {
    match definition {
        JobParameterDefinition::STRING(_) => ParameterKind::Text,
        JobParameterDefinition::INT(_) => ParameterKind::Whole,
        JobParameterDefinition::FLOAT(_) => ParameterKind::Number,
        JobParameterDefinition::PATH(_) => {
            let (object, flow) = definition.path_properties();
            ParameterKind::Path {
                object: object_of(object),
                flow: flow_of(flow),
            }
        }
        other => ParameterKind::Other(other.type_name().to_owned()),
    }
}

/// The specification's default is a folder.
pub(crate) const fn object_of(object: Option<ObjectType>) -> ObjectKind {
    match object {
        Some(ObjectType::File) => ObjectKind::File,
        Some(ObjectType::Directory) | None => ObjectKind::Directory,
    }
}

/// The specification's default is that nothing is moved.
pub(crate) const fn flow_of(flow: Option<DataFlow>) -> Flow {
    match flow {
        Some(DataFlow::In) => Flow::In,
        Some(DataFlow::Out) => Flow::Out,
        Some(DataFlow::Inout) => Flow::InOut,
        Some(DataFlow::None) | None => Flow::None,
    }
}
