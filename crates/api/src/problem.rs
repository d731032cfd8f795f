//! Errors as RFC 9457 problem documents: what failed, on which value, what to do next.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Stable word for programs: `scene_refused`, `budget_too_small`…
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind for people, the same for every occurrence.
    #[serde(default)]
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What failed, on which value.
    pub detail: String,
    /// What to do next, where `detail` does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

impl Problem {
    /// A problem of this kind; its title is the kind in words.
    pub fn new(status: u16, kind: impl Into<String>, detail: impl Into<String>) -> Self {
        let kind = kind.into();
        Self {
            title: title_of(&kind),
            kind,
            status,
            detail: detail.into(),
            next_step: None,
        }
    }

    /// The same, with what to do next.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }
}

/// `budget_too_small` → `Budget too small`.
fn title_of(kind: &str) -> String {
    let words = kind.replace('_', " ");
    let mut letters = words.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
