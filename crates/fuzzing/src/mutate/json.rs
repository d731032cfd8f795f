//! Changes of JSON: another value in some place of the document.

use super::LENGTH_MAX;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

/// One change; none of what is no JSON.
pub(super) fn change(random: &mut ChaCha8Rng, input: &[u8]) -> Option<Vec<u8>> {
    let mut document: Value = serde_json::from_slice(input).ok()?;
    let mut place = random.random_range(0..count(&document));
    let value = at(&mut document, &mut place)?;
    *value = changed(random, value.take());
    let bytes = serde_json::to_vec(&document).ok()?;
    (bytes.len() <= LENGTH_MAX).then_some(bytes)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// The value with that number, counted in the order of the text; counts down to it.
fn at<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    let inner: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => return None,
    };
    for value in inner {
        let here = count(value);
        if *place < here {
            return at(value, place);
        }
        *place -= here;
    }
    None
}

fn changed(random: &mut ChaCha8Rng, value: Value) -> Value {
    match (random.random_range(0..4), value) {
        (0, Value::Array(mut items)) if !items.is_empty() => {
            let place = random.random_range(0..items.len());
            let times = [0, 2, 3, 1_500][random.random_range(0..4)];
            let item = items[place].clone();
            items.splice(place..=place, vec![item; times]);
            Value::Array(items)
        }
        (0, Value::Object(fields)) => Value::Object(fewer_or_more(random, fields)),
        (0 | 1, Value::String(text)) => string(random, text),
        (0 | 1, Value::Number(number)) => string(random, number.to_string()),
        (2, value) => Value::Array(vec![value]),
        _ => any(random),
    }
}

fn fewer_or_more(random: &mut ChaCha8Rng, mut fields: Map<String, Value>) -> Map<String, Value> {
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = names.get(random.random_range(0..names.len().max(1)));
    match name {
        Some(name) if random.random() => {
            fields.remove(name);
        }
        _ => {
            let value = any(random);
            fields.insert(name.map_or_else(String::new, |name| format!("{name}2")), value);
        }
    }
    fields
}

/// A text that is a little longer, shorter or other than it was.
fn string(random: &mut ChaCha8Rng, mut text: String) -> Value {
    let end = text.floor_char_boundary(random.random_range(0..=text.len()));
    match random.random_range(0..5) {
        0 => text.truncate(end),
        1 => text.insert(
            end,
            ['0', 'f', 'g', '-', '\u{0}', '\u{1f600}'][random.random_range(0..6)],
        ),
        2 => text = text.to_uppercase(),
        3 => text = text.repeat(random.random_range(2..40)),
        _ => text.insert_str(0, "0x"),
    }
    Value::String(text)
}

fn any(random: &mut ChaCha8Rng) -> Value {
    let values = [
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(1e300),
        json!(0.5),
        json!(""),
        json!("0x"),
        json!("0x0"),
        json!("latest"),
        json!("earliest"),
        json!("pending"),
        json!("0xffffffffffffffff"),
        json!("0x10000000000000000"),
        json!("0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
        json!("0xffffffffffffffffffffffffffffffffffffffff"),
        json!([]),
        json!({}),
        json!([[[[[[]]]]]]),
    ];
    values[random.random_range(0..values.len())].clone()
}
