//! Whether two pictures hold the same channels: a question of merging and of comparing alike.

use crate::picture::{Channel, Picture};

/// The first channel or attribute that differs, as `(expected, found)` in words; `None` if all are alike. Sizes and
/// samples are not looked at.
pub(crate) fn layout_difference(expected: &Picture, found: &Picture) -> Option<(String, String)> {
    let channel = |channel: &Channel| format!("channel {:?} ({})", channel.name(), channel.samples().kind());
    let attribute = |(name, value): (&String, &String)| format!("attribute {name:?} = {value:?}");
    first_difference(
        expected.channels().iter().map(channel),
        found.channels().iter().map(channel),
    )
    .or_else(|| {
        first_difference(
            expected.attributes().iter().map(attribute),
            found.attributes().iter().map(attribute),
        )
    })
}

fn first_difference(
    mut expected: impl Iterator<Item = String>,
    mut found: impl Iterator<Item = String>,
) -> Option<(String, String)> {
    loop {
        let (expected, found) = (expected.next(), found.next());
        if expected == found {
            expected?;
            continue;
        }
        // Attribute values can be long; a message needs only their beginning.
        let text =
            |side: Option<String>| side.map_or_else(|| "nothing".into(), |side| side.chars().take(200).collect());
        return Some((text(expected), text(found)));
    }
}
