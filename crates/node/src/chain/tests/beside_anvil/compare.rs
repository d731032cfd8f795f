//! Two answers side by side: the same keys, the same types, the same values, but for what [`DIFFERENCES`] says.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    differences::{DIFFERENCES, Difference, Form, How},
    recording::{Ask, Step},
};

/// Estimates of gas may be this part of each other apart: this chain's are exact to 1/64.
const NEAR: u64 = 32;

/// All that was found, and which differences there were.
#[derive(Default)]
pub(super) struct Comparison {
    found: Vec<String>,
    seen: BTreeSet<usize>,
}

/// One field, where it is and what both say.
struct Field<'a> {
    path: Vec<String>,
    ours: Option<&'a Value>,
    anvil: Option<&'a Value>,
}

impl Comparison {
    pub(super) fn look(&mut self, title: &str, step: &Step, ours: &Value, anvil: &Value) {
        let whole = Field {
            path: Vec::new(),
            ours: Some(ours),
            anvil: Some(anvil),
        };
        self.field(title, step, &whole);
    }

    /// What was found, with the differences that there were not.
    pub(super) fn end(mut self) -> Vec<String> {
        for (index, row) in DIFFERENCES.iter().enumerate() {
            if !self.seen.contains(&index) {
                let Difference { of, field, reason, .. } = row;
                self.found
                    .push(format!("no answer has this difference: {of:?} {field}: {reason}"));
            }
        }
        self.found
    }

    fn field(&mut self, title: &str, step: &Step, field: &Field<'_>) {
        let mut rows = DIFFERENCES.iter().enumerate();
        if let Some((index, row)) = rows.find(|(_, row)| concerns(row, step, field)) {
            self.seen.insert(index);
            if !allows(row.how, field) {
                self.tell(title, field);
            }
            return;
        }
        match (field.ours, field.anvil) {
            (Some(Value::Object(ours)), Some(Value::Object(anvil))) => {
                for key in ours.keys().chain(anvil.keys()).collect::<BTreeSet<_>>() {
                    self.field(title, step, &field.part(key.clone(), (ours.get(key), anvil.get(key))));
                }
            }
            (Some(Value::Array(ours)), Some(Value::Array(anvil))) => {
                for index in 0..ours.len().max(anvil.len()) {
                    self.field(
                        title,
                        step,
                        &field.part(index.to_string(), (ours.get(index), anvil.get(index))),
                    );
                }
            }
            (ours, anvil) if ours == anvil => {}
            _ => self.tell(title, field),
        }
    }

    fn tell(&mut self, title: &str, field: &Field<'_>) {
        let say = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        self.found.push(format!(
            "{title}: {}\n    ours  {}\n    anvil {}",
            field.path.join("/"),
            say(field.ours),
            say(field.anvil)
        ));
    }
}

impl<'a> Field<'a> {
    fn part(&self, key: String, (ours, anvil): (Option<&'a Value>, Option<&'a Value>)) -> Self {
        Self {
            path: self.path.iter().cloned().chain([key]).collect(),
            ours,
            anvil,
        }
    }

    /// A name is that of a field anywhere, a path is one from the top, where `*` stands for every index.
    fn is_at(&self, place: &str) -> bool {
        if !place.contains('/') {
            return self.path.last().map_or("", String::as_str) == place;
        }
        let mut parts = place.split('/');
        let is_alike = |(part, key): (&str, &String)| part == key || (part == "*" && key.parse::<usize>().is_ok());
        self.path
            .iter()
            .all(|key| parts.next().is_some_and(|part| is_alike((part, key))))
            && parts.next().is_none()
    }
}

/// Whether a row is about this field. A row of certain values is about no others.
fn concerns(row: &Difference, step: &Step, field: &Field<'_>) -> bool {
    let asked = match &step.ask {
        Ask::Method { method, .. } => method.as_str(),
        Ask::Hear { .. } => "eth_subscription",
        Ask::Body { .. } | Ask::Text { .. } => "",
    };
    let is_asked = row.of.is_empty() || row.of.contains(&asked) || row.of.contains(&step.what.as_str());
    let is_certain = match row.how {
        // What neither has is the same: a transaction that waits is in no block.
        How::Both(_) | How::Near => [field.ours, field.anvil] != [Some(&Value::Null); 2],
        How::Values(..) | How::OnlyOurs(_) | How::OnlyAnvil(_) | How::OursRefuses(_) | How::AnvilRefuses(_) => {
            allows(row.how, field)
        }
    };
    is_asked && field.is_at(row.field) && is_certain
}

fn allows(how: How, field: &Field<'_>) -> bool {
    let code = |answer: Option<&Value>| answer.and_then(|answer| answer["error"]["code"].as_i64());
    let is_result = |answer: Option<&Value>| answer.is_some_and(|answer| answer.get("result").is_some());
    match how {
        How::Both(form) => [field.ours, field.anvil]
            .iter()
            .all(|value| value.is_some_and(|it| has_form(it, form))),
        How::OnlyOurs(form) => field.anvil.is_none() && field.ours.is_some_and(|it| has_form(it, form)),
        How::OnlyAnvil(form) => field.ours.is_none() && field.anvil.is_some_and(|it| has_form(it, form)),
        How::Values(ours, anvil) => [(field.ours, ours), (field.anvil, anvil)].iter().all(|(value, text)| {
            value.is_some_and(|value| serde_json::from_str::<Value>(text).is_ok_and(|text| *value == text))
        }),
        How::Near => match (field.ours.and_then(quantity), field.anvil.and_then(quantity)) {
            (Some(ours), Some(anvil)) => ours.abs_diff(anvil) <= anvil / NEAR,
            _ => false,
        },
        How::OursRefuses(expected) => code(field.ours) == Some(expected) && is_result(field.anvil),
        How::AnvilRefuses(expected) => code(field.anvil) == Some(expected) && is_result(field.ours),
    }
}

fn quantity(value: &Value) -> Option<u64> {
    let digits = value.as_str().filter(|_| has_form(value, Form::Quantity))?;
    u64::from_str_radix(digits.trim_start_matches("0x"), 16).ok()
}

fn has_form(value: &Value, form: Form) -> bool {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    let digits = digits.filter(|digits| digits.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f')));
    match form {
        Form::Hash => digits.is_some_and(|digits| digits.len() == 64),
        Form::Data => digits.is_some_and(|digits| digits.len() % 2 == 0),
        Form::Quantity => digits.is_some_and(|digits| digits == "0" || !(digits.is_empty() || digits.starts_with('0'))),
        Form::Text => value.is_string() && digits.is_none(),
        Form::Number => value.is_u64(),
        Form::List => value.is_array(),
    }
}

#[test]
fn forms_are_told_apart() {
    let has = |value: Value, form| has_form(&value, form);
    for (text, forms) in [
        ("0x", &[Form::Data][..]),
        ("0x0", &[Form::Quantity]),
        ("0x10", &[Form::Data, Form::Quantity]),
        ("0x01", &[Form::Data]),
        ("0xA0", &[Form::Text]),
        ("10", &[Form::Text]),
        ("", &[Form::Text]),
    ] {
        for form in [Form::Hash, Form::Data, Form::Quantity, Form::Text, Form::Number] {
            assert_eq!(has(text.into(), form), forms.contains(&form), "{text} {form:?}");
        }
    }
    assert!(has("0x".to_owned().into(), Form::Data) && has(7.into(), Form::Number));
    assert!(has(Value::Array(Vec::new()), Form::List) && !has(7.into(), Form::List));
    assert!(has(format!("0x{}", "ab".repeat(32)).into(), Form::Hash));
}
