//! What goes wrong, in the codes and words that Ethereum clients look for.

use alloy::sol_types::decode_revert_reason;
use jsonrpsee::types::ErrorObjectOwned;
use rayswarm_chain::{CallError, HistoryError, TransactionError};

use crate::chain::{
    faucet::FaucetError,
    ledger::{SubmitError, chained},
};

/// The answer of a method.
pub(super) type Answer<T> = Result<T, ErrorObjectOwned>;

/// A revert; its data goes along (EIP-1474's successor in practice).
const REVERTED: i32 = 3;
// The others as EIP-1474 has them.
const SERVER: i32 = -32000;
const NOT_FOUND: i32 = -32001;
const REJECTED: i32 = -32003;
const LIMIT: i32 = -32005;
const INVALID_PARAMS: i32 = -32602;

fn error(code: i32, message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code, message, None::<()>)
}

/// The request makes no sense.
pub(super) fn invalid(message: impl Into<String>) -> ErrorObjectOwned {
    error(INVALID_PARAMS, message)
}

/// There is no such thing.
pub(super) fn not_found(message: impl Into<String>) -> ErrorObjectOwned {
    error(NOT_FOUND, message)
}

/// More than is given at once.
pub(super) fn too_much(message: impl Into<String>) -> ErrorObjectOwned {
    error(LIMIT, message)
}

/// Anything else.
pub(super) fn failed(message: impl Into<String>) -> ErrorObjectOwned {
    error(SERVER, message)
}

/// A transaction that is not taken; what is none at all is a wrong parameter.
pub(super) fn submit(refused: SubmitError) -> ErrorObjectOwned {
    let code = match &refused {
        SubmitError::Transaction(
            TransactionError::Malformed(_) | TransactionError::UnsupportedType(_) | TransactionError::BadSignature,
        ) => INVALID_PARAMS,
        SubmitError::Transaction(_) | SubmitError::Pool(_) => REJECTED,
        SubmitError::Stalled(_) => SERVER,
    };
    error(code, chained(&refused))
}

pub(super) fn faucet(refused: FaucetError) -> ErrorObjectOwned {
    failed(chained(&refused))
}

pub(super) fn history(missing: HistoryError) -> ErrorObjectOwned {
    failed(missing.to_string())
}

/// A failed call. A revert carries its bytes, and its reason in words where it has one.
pub(super) fn call(failure: CallError) -> ErrorObjectOwned {
    match failure {
        CallError::Reverted { output } => {
            let reason = decode_revert_reason(&output).filter(|_| !output.is_empty());
            let message = reason.map_or_else(
                || "execution reverted".to_owned(),
                |reason| format!("execution reverted: {}", reason.trim_start_matches("revert: ")),
            );
            ErrorObjectOwned::owned(REVERTED, message, Some(output))
        }
        CallError::InsufficientFunds { .. } | CallError::OutOfGas(_) => error(REJECTED, failure.to_string()),
        other => failed(other.to_string()),
    }
}
