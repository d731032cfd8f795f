//! Reading one document, YAML or JSON, and telling what is wrong in it by line.

use crate::{
    error::{Fault, OpenJdError, one_line},
    limits,
    locate::{Part, line_of},
};
use openjd_model::{CallerLimits, DocumentType, ModelError, PathElement, template::parse::document_string_to_object};
use serde_json::Value;

/// A document's name and text.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

/// What templates may hold beside the specification's own limits.
pub(crate) fn caller_limits() -> CallerLimits {
    CallerLimits {
        max_step_count: Some(limits::STEPS_MAX),
        max_env_count: Some(limits::ENVIRONMENTS_MAX),
        max_task_count: Some(limits::TASKS_MAX),
        max_step_script_size: Some(limits::SCRIPT_BYTES_MAX),
        max_environment_size: Some(limits::SCRIPT_BYTES_MAX),
        max_template_size: Some(limits::DOCUMENT_BYTES_MAX),
    }
}

impl Document<'_> {
    /// Its keys and values.
    pub(crate) fn read(self) -> Result<Value, OpenJdError> {
        if self.text.len() > limits::DOCUMENT_BYTES_MAX {
            return Err(OpenJdError::TooLarge {
                document: self.name.to_owned(),
                found: self.text.len(),
                most: limits::DOCUMENT_BYTES_MAX,
            });
        }
        let is_json = self
            .name
            .rsplit('.')
            .next()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"));
        let kind = if is_json {
            DocumentType::Json
        } else {
            DocumentType::Yaml
        };
        document_string_to_object(self.text, kind, &caller_limits()).map_err(|error| self.unreadable(&error))
    }

    /// Everything that the model's crate found wrong.
    pub(crate) fn refused(self, error: &ModelError) -> OpenJdError {
        let ModelError::ModelValidation(found) = error else {
            let text = error.to_string();
            let what = text.split("failed checks: ").last().unwrap_or(&text);
            return self.fault(self.line_of_word(what), &[], one_line(what));
        };
        let faults = found.errors.iter().take(limits::FAULTS_MAX).map(|fault| {
            let parts: Vec<Part> = fault.path.iter().map(part).collect();
            Fault {
                line: line_of(self.text, &parts),
                place: place(&parts),
                what: one_line(fault.detail.as_ref().map_or(&fault.message, |detail| &detail.summary)),
            }
        });
        OpenJdError::Document {
            document: self.name.to_owned(),
            faults: faults.collect(),
        }
    }

    /// One fault at a place.
    pub(crate) fn fault_at(self, parts: &[Part], what: impl Into<String>) -> OpenJdError {
        self.fault(line_of(self.text, parts), parts, what.into())
    }

    fn fault(self, line: Option<usize>, parts: &[Part], what: String) -> OpenJdError {
        OpenJdError::Document {
            document: self.name.to_owned(),
            faults: vec![Fault {
                line,
                place: place(parts),
                what,
            }],
        }
    }

    fn unreadable(self, error: &ModelError) -> OpenJdError {
        let text = error.to_string();
        // Both readers write `line 7 column 3`, YAML's with a picture of the place behind it.
        let line = text.split("line ").nth(1).and_then(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        });
        let first: Vec<&str> = text.lines().take(1).collect();
        self.fault(line, &[], one_line(&first.concat()))
    }

    /// Decoding names a field and not its place. The line is told where the name stands on one line only.
    fn line_of_word(self, message: &str) -> Option<usize> {
        let word = message.split('`').nth(1)?;
        let is_key = |line: &str| {
            let rest = line.split(word).nth(1);
            rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
        };
        let mut lines = self.text.lines().enumerate().filter(|(_, line)| is_key(line));
        let (at, _) = lines.next()?;
        lines.next().is_none().then_some(at + 1)
    }
}

fn part(element: &PathElement) -> Part {
    match element {
        PathElement::Field(name) => Part::Key(name.clone()),
        PathElement::Index(index) => Part::Item(*index),
    }
}

/// `steps[0].script.actions`.
fn place(parts: &[Part]) -> String {
    parts.iter().fold(String::new(), |mut place, part| {
        match part {
            Part::Key(name) if place.is_empty() => place.push_str(name),
            Part::Key(name) => {
                place.push('.');
                place.push_str(name);
            }
            Part::Item(index) => place.push_str(&format!("[{index}]")),
        }
        place
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(name: &str, text: &str) -> Result<Value, OpenJdError> {
        Document { name, text }.read()
    }

    #[test]
    fn what_is_no_document_is_told_by_line() {
        for (name, text, line) in [
            ("a.yaml", "a: 1\n b: [\n", "line 2"),
            ("a.json", "{\n\"a\": }", "line 2"),
        ] {
            let error = read(name, text).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(line), "{error}");
        }
        assert_eq!(read("a.yaml", "a: 1").unwrap()["a"], 1);
        assert!(read("a.yaml", "- 1").is_err());
    }

    #[test]
    fn a_document_beyond_any_hand_s_is_not_read() {
        let text = format!("a: {}", "x".repeat(limits::DOCUMENT_BYTES_MAX));
        assert!(matches!(read("a.yaml", &text), Err(OpenJdError::TooLarge { .. })));
        // Aliases that would unfold to gigabytes.
        let bomb: String = (1..30)
            .map(|level| format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1))
            .collect();
        assert!(read("a.yaml", &format!("a0: &a0 [x]\n{bomb}")).is_err());
    }
}
