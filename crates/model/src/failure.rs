//! The three kinds of outside failure, which decide what happens next.

use serde::{Deserialize, Serialize};

/// Why something outside failed, by what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The world may mend itself: try again, elsewhere or later.
    Transient,
    /// The same request can never succeed: refuse it and say what to change.
    Permanent,
    /// A peer broke the protocol: penalise it and keep the evidence.
    Malicious,
}
