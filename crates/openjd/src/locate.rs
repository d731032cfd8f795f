//! The line of a document's part, for messages. JSON is read as the YAML it is.

use granit_parser::{Event, Parser};

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The value of this key.
    Key(String),
    /// The item of this place.
    Item(usize),
}

/// Where in the document's tree the reader is.
enum Open {
    /// In a mapping; the key whose value comes next, if it was read.
    Mapping(Option<String>),
    /// In a sequence, before this item.
    Sequence(usize),
}

/// The line, counted from one, of the deepest part of `path` that is there. `None` for a document that does not parse.
pub(crate) fn line_of(text: &str, path: &[Part]) -> Option<usize> {
    let mut open: Vec<Open> = Vec::new();
    // How many parts of the path the open containers match, and the line of the last one.
    let mut matched = vec![0];
    let mut line = None;
    for next in Parser::new_from_str(text) {
        let (event, span) = next.ok()?;
        let at = span.start.line();
        match event {
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                matched.pop();
                continue;
            }
            Event::Scalar(ref value, ..) if waits_for_key(open.last()) => {
                if let Some(Open::Mapping(key)) = open.last_mut() {
                    *key = Some(value.to_string());
                }
                let deep = matched.last().copied().unwrap_or(0);
                if deep + 1 == open.len() && path.get(deep) == Some(&Part::Key(value.to_string())) {
                    line = Some(at);
                }
                continue;
            }
            Event::Scalar(..) | Event::Alias(_) | Event::MappingStart(..) | Event::SequenceStart(..) => {}
            _ => continue,
        }
        let deep = matched.last().copied().unwrap_or(0);
        let here = match open.last_mut() {
            None => None,
            Some(Open::Mapping(key)) => key.take().map(Part::Key),
            Some(Open::Sequence(item)) => {
                *item += 1;
                Some(Part::Item(*item - 1))
            }
        };
        let fits = deep + 1 == open.len() && here.is_some() && path.get(deep) == here.as_ref();
        if fits && matches!(here, Some(Part::Item(_))) {
            line = Some(at);
        }
        if fits && deep + 1 == path.len() {
            return line;
        }
        match event {
            Event::MappingStart(..) => open.push(Open::Mapping(None)),
            Event::SequenceStart(..) => open.push(Open::Sequence(0)),
            _ => continue,
        }
        // A container off the path matches nothing, and so does everything in it: depths are compared.
        matched.push(deep + usize::from(fits));
    }
    line
}

/// Whether the next scalar is a key.
const fn waits_for_key(open: Option<&Open>) -> bool {
    matches!(open, Some(Open::Mapping(None)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: &str = "name: x\n# a comment\nsteps:\n- name: a\n  script:\n    args: [one,\n      two]\n- name: b\n  script: {args: []}\n";

    fn key(name: &str) -> Part {
        Part::Key(name.into())
    }

    #[test]
    fn parts_are_found_by_line() {
        let steps = || key("steps");
        for (path, line) in [
            (vec![key("name")], 1),
            (vec![steps()], 3),
            (vec![steps(), Part::Item(0), key("name")], 4),
            (
                vec![steps(), Part::Item(0), key("script"), key("args"), Part::Item(1)],
                7,
            ),
            (vec![steps(), Part::Item(1), key("script")], 9),
            // What is not there is where it should be.
            (vec![steps(), Part::Item(1), key("dependencies")], 8),
        ] {
            assert_eq!(line_of(TEXT, &path), Some(line), "{path:?}");
        }
        assert_eq!(line_of(TEXT, &[key("nothing")]), None);
        assert_eq!(line_of("a: [", &[key("b")]), None);
        assert_eq!(
            line_of(
                "{\"a\": 1,\n \"b\": [{\"c\": 2}]}",
                &[key("b"), Part::Item(0), key("c")]
            ),
            Some(2)
        );
    }
}
