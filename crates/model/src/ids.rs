//! Identities. None converts silently from a bare integer; `Display` is what logs and users see.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A text is not the identity it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: expected {expected}")]
pub struct ParseIdError {
    text: String,
    what: &'static str,
    expected: &'static str,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(B256);

        impl $name {
            /// From its 32 bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(B256::new(bytes))
            }
            /// Its 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0.0
            }
            /// The same 32 bytes as a Solidity `bytes32`.
            pub const fn as_b256(&self) -> B256 {
                self.0
            }
            /// The first ten hexadecimal digits, for tables.
            pub fn short(&self) -> String {
                format!("{self}").chars().take(10).collect()
            }
        }
        impl From<B256> for $name {
            fn from(value: B256) -> Self {
                Self(value)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.short())
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let digits = text.strip_prefix("0x").unwrap_or(text);
                B256::from_str(digits).map(Self).map_err(|_| ParseIdError {
                    text: text.into(),
                    what: $what,
                    expected: "64 hexadecimal digits",
                })
            }
        }
    };
}

macro_rules! counter_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

hex_id!(
    /// A job. Binds chain id and escrow address: `keccak256(abi.encode(chainId, escrow, requestor, salt))`.
    JobId, "job id"
);
hex_id!(
    /// A node: its ed25519 public key, which is also its iroh endpoint id.
    NodeId, "node id"
);
hex_id!(
    /// A blob: BLAKE3 of its stored bytes. Names files and nothing else.
    BlobId, "blob id"
);
counter_id!(
    /// A task's place in its plan, counted from zero.
    TaskId, "t"
);
counter_id!(
    /// One try at a task on one provider; unique within a job.
    AttemptId, "a"
);
counter_id!(
    /// A provider's right to a batch of tasks until a deadline; unique within a job.
    LeaseId, "l"
);
counter_id!(
    /// A dispute about a claim, counted from one by the contract that judges.
    DisputeId, ""
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hex_ids_print_and_parse_alike() {
        let id = JobId::from_bytes([0xab; 32]);
        assert_eq!(id.to_string().parse::<JobId>().unwrap(), id);
        assert_eq!(format!("0x{id}").parse::<JobId>().unwrap(), id);
        assert_eq!(id.short(), "ababababab");
    }

    #[test]
    fn a_wrong_id_says_what_was_expected() {
        let error = "xyz".parse::<JobId>().unwrap_err().to_string();
        assert_eq!(error, "\"xyz\" is not a job id: expected 64 hexadecimal digits");
    }
}
