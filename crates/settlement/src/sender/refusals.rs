//! What a server's refusal of a transaction means.

use crate::error::SettlementError;
use rayswarm_model::FailureKind;

pub(super) fn already_known(error: &SettlementError) -> bool {
    refused_with(error, &["already known", "already imported"])
}

pub(super) fn nonce_taken(error: &SettlementError) -> bool {
    refused_with(error, &["nonce too low", "replacement transaction underpriced"])
}

pub(super) fn lacks_funds(error: &SettlementError) -> bool {
    refused_with(error, &["insufficient funds"])
}

/// Whether a transaction may be on its way although sending it failed: then its nonce stays taken.
pub(super) fn may_have_arrived(error: &SettlementError) -> bool {
    error.kind() == FailureKind::Transient || matches!(error, SettlementError::Nonsense { .. })
}

fn refused_with(error: &SettlementError, words: &[&str]) -> bool {
    let SettlementError::Refused { message, .. } = error else {
        return false;
    };
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_definite_refusal_frees_a_nonce() {
        let refused = |code, message: &str| SettlementError::Refused {
            method: "eth_sendRawTransaction",
            code,
            message: message.into(),
        };
        let nonsense = SettlementError::Nonsense {
            method: "eth_sendRawTransaction",
            reason: "a web page".into(),
        };
        for (error, expected) in [
            (refused(-32_000, "insufficient funds for gas"), false),
            (refused(-32_602, "invalid params"), false),
            (refused(-32_603, "internal error"), true),
            (refused(429, "too many requests"), true),
            (nonsense, true),
        ] {
            assert_eq!(may_have_arrived(&error), expected, "{error}");
        }
        assert!(lacks_funds(&refused(-32_000, "Insufficient funds for gas")));
        assert!(!lacks_funds(&refused(-32_000, "nonce too low")));
    }
}
