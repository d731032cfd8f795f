//! What commands tell by lines of their output: `openjd_progress: 50`, `openjd_env: NAME=VALUE` and the like.

use crate::limits;
use std::collections::BTreeSet;

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Thousandths done.
    Progress(u32),
    /// What is being done.
    Status(String),
    /// Why the command fails.
    Fail(String),
    /// A variable for every command until its environment is left.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
        /// Whether its value must not be shown.
        hidden: bool,
    },
    /// A variable is taken away, until its environment is left.
    Unset(String),
    /// A message without effect, and why.
    Unusable(&'static str),
    /// A change of variables that cannot be understood, and why: the command is ended, since what follows would miss it.
    Broken(&'static str),
}

const PREFIX: &str = "openjd_";
const NO_ASSIGNMENT: &str = "it is no NAME=VALUE";

/// The message of a line, if it is one.
pub fn parse(line: &str) -> Option<Message> {
    let Some((kind, text)) = line.strip_prefix(PREFIX).and_then(|rest| rest.split_once(": ")) else {
        return is_misspelt(line).then_some(Message::Broken("write it as openjd_env: NAME=VALUE"));
    };
    if text.is_empty() {
        return is_misspelt(line).then_some(Message::Broken(NO_ASSIGNMENT));
    }
    let cut = || text.chars().take(limits::MESSAGE_CHARS_MAX).collect();
    Some(match kind {
        "progress" => match text.trim().parse::<f64>() {
            // Checked to be within, so that nothing is cut off.
            Ok(percent) if (0.0..=100.0).contains(&percent) => Message::Progress((percent * 10.0).round() as u32),
            _ => Message::Unusable("progress is a number from 0 to 100"),
        },
        "status" => Message::Status(cut()),
        "fail" => Message::Fail(cut()),
        "env" => set(text, false),
        "redacted_env" => set(text, true),
        "unset_env" => match text.trim() {
            name if is_name(name) => Message::Unset(name.to_owned()),
            _ => Message::Broken("it is no variable's name"),
        },
        // Everything that is said is kept anyway.
        "session_runtime_loglevel" => Message::Unusable("every line is kept here"),
        _ => return None,
    })
}

fn set(text: &str, hidden: bool) -> Message {
    let text = text.trim_start();
    // JSON, for values of several lines.
    let decoded: Option<String> = text.starts_with('"').then(|| serde_json::from_str(text).ok()).flatten();
    let plain = decoded.as_deref().or_else(|| (!text.starts_with('"')).then_some(text));
    match plain.and_then(|plain| plain.split_once('=')) {
        Some((name, value)) if is_name(name) && !value.contains('\0') => {
            if value.len() > limits::ARGUMENT_BYTES_MAX {
                return Message::Broken("its value is longer than the system takes");
            }
            Message::Set {
                name: name.to_owned(),
                value: value.to_owned(),
                hidden,
            }
        }
        _ => Message::Broken(NO_ASSIGNMENT),
    }
}

fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(letter) && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// Whether a line was meant to change variables. What comes after would miss the change without a word.
fn is_misspelt(line: &str) -> bool {
    let line = line.trim_start().to_ascii_lowercase();
    ["openjd_env", "openjd_redacted_env", "openjd_unset_env"]
        .iter()
        .any(|name| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ']))
        })
}

/// Takes values that must not be shown out of lines.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// The longest first, so that no part of one is left.
    hidden: BTreeSet<(std::cmp::Reverse<usize>, String)>,
}

/// What is shown instead.
const STARS: &str = "********";

impl Redactor {
    /// Hides a value from now on, and each line of it.
    pub fn hide(&mut self, value: &str) {
        for part in std::iter::once(value).chain(value.lines()) {
            if !part.is_empty() {
                self.hidden.insert((std::cmp::Reverse(part.len()), part.to_owned()));
            }
        }
    }

    /// The line as it may be shown.
    pub fn shown(&self, line: &str) -> String {
        self.hidden
            .iter()
            .fold(line.to_owned(), |line, (_, value)| line.replace(value.as_str(), STARS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(name: &str, value: &str, hidden: bool) -> Option<Message> {
        Some(Message::Set {
            name: name.into(),
            value: value.into(),
            hidden,
        })
    }

    #[test]
    fn lines_are_read_as_the_specification_says() {
        for (line, expected) in [
            ("openjd_progress: 50.05", Some(Message::Progress(501))),
            ("openjd_progress: 100", Some(Message::Progress(1000))),
            (
                "openjd_status: loading: things",
                Some(Message::Status("loading: things".into())),
            ),
            ("openjd_fail: no licence", Some(Message::Fail("no licence".into()))),
            ("openjd_env: A=b=c", assignment("A", "b=c", false)),
            ("openjd_env: A=", assignment("A", "", false)),
            ("openjd_env: \"A=b\\nc\"", assignment("A", "b\nc", false)),
            ("openjd_redacted_env: KEY=secret", assignment("KEY", "secret", true)),
            ("openjd_unset_env: A", Some(Message::Unset("A".into()))),
            ("openjd_environment_setup done", None),
            ("openjd_unknown: x", None),
            (" openjd_status: indented", None),
            ("anything else", None),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_never_passed_over() {
        for line in [
            "openjd_env: 1A=b",
            "openjd_env: A",
            "openjd_env: \"A=b",
            "openjd_env: A\0=b",
            "openjd_env:A=b",
            "OPENJD_ENV: A=b",
            " openjd_env: A=b",
            "openjd_unset_env: A=b",
            "openjd_redacted_env",
        ] {
            assert!(matches!(parse(line), Some(Message::Broken(_))), "{line:?}");
        }
        for line in ["openjd_progress: 101", "openjd_progress: NaN", "openjd_progress: much"] {
            assert!(matches!(parse(line), Some(Message::Unusable(_))), "{line:?}");
        }
        let long = format!("openjd_env: A={}", "x".repeat(limits::ARGUMENT_BYTES_MAX + 1));
        assert!(matches!(parse(&long), Some(Message::Broken(_))));
    }

    #[test]
    fn hidden_values_are_shown_nowhere() {
        let mut redactor = Redactor::default();
        redactor.hide("key");
        redactor.hide("key-of-two\nlines");
        assert_eq!(
            redactor.shown("the key-of-two and lines, key"),
            "the ******** and ********, ********"
        );
        assert_eq!(Redactor::default().shown("key"), "key");
    }
}
