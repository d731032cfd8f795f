//! The one byte encoding of documents that are hashed but never read by a contract (plans, manifests, offers).
//!
//! The encoding is postcard (a stable, self-consistent binary format without maps of undefined order or floats in our
//! nouns). What a contract may have to judge is EIP-712 instead; see [`crate::signed`].

use alloy_primitives::{B256, keccak256};
use serde::{Serialize, de::DeserializeOwned};

/// A document could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
#[error("{document} is not in its canonical encoding; it was cut short or comes from another version")]
pub struct CanonicalError {
    /// What was being read or written.
    pub document: &'static str,
    #[source]
    source: postcard::Error,
}

/// Encodes `value`; `document` names it in errors.
pub fn encode<T: Serialize>(document: &'static str, value: &T) -> Result<Vec<u8>, CanonicalError> {
    postcard::to_stdvec(value).map_err(|source| CanonicalError { document, source })
}

/// Decodes what [`encode`] wrote: the whole of it.
pub fn decode<T: DeserializeOwned>(document: &'static str, bytes: &[u8]) -> Result<T, CanonicalError> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(postcard::Error::DeserializeBadEncoding),
        Err(source) => Err(source),
    }
    .map_err(|source| CanonicalError { document, source })
}

/// keccak-256 of the canonical encoding: the name by which contracts and peers know the document.
pub fn document_hash<T: Serialize>(document: &'static str, value: &T) -> Result<B256, CanonicalError> {
    encode(document, value).map(keccak256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_whole_or_not_at_all() {
        let bytes = encode("text", &"words").unwrap_or_default();
        assert_eq!(decode::<String>("text", &bytes).ok().as_deref(), Some("words"));
        assert!(decode::<String>("text", &bytes[1..]).is_err());
        assert!(decode::<String>("text", &[&bytes[..], b"!"].concat()).is_err());
    }
}
