//! Where the contracts of one network live, as noted in files and typed by people.

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Addresses of the contracts. Typed and shown as `REGISTRY,ESCROW,TOKEN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contracts {
    /// `ProviderRegistry`.
    pub registry: Address,
    /// `JobEscrow`.
    pub escrow: Address,
    /// The payment token; on development chains our `DevToken`, which anyone may mint.
    pub token: Address,
}

/// A text does not name three contracts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} does not name three contracts; write REGISTRY,ESCROW,TOKEN, each as 0x and 40 hex digits")]
pub struct ParseContractsError {
    text: String,
}

impl FromStr for Contracts {
    type Err = ParseContractsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let addresses: Option<Vec<Address>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        match addresses.as_deref() {
            Some([registry, escrow, token]) => Ok(Self {
                registry: *registry,
                escrow: *escrow,
                token: *token,
            }),
            _ => Err(ParseContractsError { text: text.into() }),
        }
    }
}

impl fmt::Display for Contracts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.registry, self.escrow, self.token)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn contracts_are_read_as_they_are_shown() {
        let contracts = Contracts {
            registry: Address::repeat_byte(0xa1),
            escrow: Address::repeat_byte(0xb2),
            token: Address::repeat_byte(0xc3),
        };
        assert_eq!(contracts.to_string().parse(), Ok(contracts));
        assert_eq!(
            contracts.to_string().to_lowercase().replace(',', ", ").parse(),
            Ok(contracts)
        );
        let one = Address::repeat_byte(0xa1).to_string();
        for text in [
            "",
            &one,
            &format!("{one},{one}"),
            &format!("{one},{one},{one},{one}"),
            "a,b,c",
        ] {
            assert!(text.parse::<Contracts>().is_err(), "{text}");
        }
    }
}
