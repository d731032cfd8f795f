//! Why a job cannot go on, as a problem document: what, which value, what next.

use rayswarm_api::Problem;

/// The input cannot be used; nothing was spent.
pub fn bad_input(kind: &str, detail: impl Into<String>) -> Problem {
    Problem::new(422, kind, detail)
}

/// Something needed is not there now.
pub fn missing(kind: &str, detail: impl Into<String>) -> Problem {
    Problem::new(503, kind, detail)
}

/// It was tried and failed.
pub fn failed(kind: &str, detail: impl Into<String>) -> Problem {
    Problem::new(500, kind, detail)
}

/// The journal does not hold what it once did.
pub fn lost(what: &str) -> Problem {
    failed(
        "journal_incomplete",
        format!("the journal has lost the job's {what}; submit the job again"),
    )
}

/// An error and all its causes as one sentence.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
