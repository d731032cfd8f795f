//! Errors as RFC 9457 problem documents: what failed, on which value, what to do next.

use serde::{Deserialize, Serialize};

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable word for programs: `scene_refused`, `budget_too_small`…
    #[serde(rename = "type")]
    pub kind: String,
    /// HTTP status.
    pub status: u16,
    /// What failed, on which value, what to do next.
    pub detail: String,
}
