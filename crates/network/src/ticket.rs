//! Tickets: one line of text by which two machines meet. `rayswarm1` and base32 of postcard and a checksum, all lower case.

use crate::address::{PeerAddr, URL_BYTES_MAX};
use rayswarm_model::{Address, B256};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What every ticket starts with; the digit is the ticket's version.
pub const PREFIX: &str = "rayswarm1";

/// Enough to notice any mistyped or lost letter: one wrong ticket in four thousand million passes.
const CHECKSUM_BYTES: usize = 4;

/// The longest ticket that is read.
const TEXT_MAX: usize = 4096;

/// What a newcomer needs: a node to say hello to, and the chain on which work is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The node that invites.
    pub node: PeerAddr,
    /// JSON-RPC of the chain, as the newcomer reaches it.
    pub rpc_url: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block 0, so that a chain of the same id is not mistaken for it.
    pub genesis: B256,
    /// The contracts in use.
    pub contracts: Contracts,
}

/// Addresses of the contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contracts {
    /// `ProviderRegistry`.
    pub registry: Address,
    /// `JobEscrow`.
    pub escrow: Address,
    /// The ERC-20 that pays.
    pub token: Address,
}

/// A text is not a ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// Another prefix.
    #[error("this is not a ticket: tickets start with {PREFIX}; copy the whole line that `rayswarm invite` printed")]
    Prefix,
    /// A ticket of another version.
    #[error("this ticket was made by another version of Rayswarm; update the older of the two machines")]
    Version,
    /// A letter that tickets never contain.
    #[error("the ticket contains {letter:?} at place {place}, which no ticket does; copy it again")]
    Letter {
        /// The letter.
        letter: char,
        /// Its place, counted from one.
        place: usize,
    },
    /// Letters are missing or wrong.
    #[error("the ticket is incomplete or mistyped (its checksum is wrong); copy the whole line again")]
    Checksum,
    /// Well copied, but made wrongly.
    #[error("the ticket is intact but does not read ({0}); make a new one with `rayswarm invite`")]
    Contents(&'static str),
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = postcard::to_stdvec(self).map_err(|_| fmt::Error)?;
        bytes.extend_from_slice(&checksum(&bytes));
        let text = data_encoding::BASE32_NOPAD.encode(&bytes).to_ascii_lowercase();
        write!(f, "{PREFIX}{text}")
    }
}

impl FromStr for Ticket {
    type Err = TicketError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        // Some keyboards and mail programs capitalise the first letter or everything.
        let lower = text.to_ascii_lowercase();
        let Some(letters) = lower.strip_prefix(PREFIX) else {
            return Err(if lower.starts_with("rayswarm") {
                TicketError::Version
            } else {
                TicketError::Prefix
            });
        };
        let strange = letters
            .char_indices()
            .find(|(_, letter)| !matches!(letter, 'a'..='z' | '2'..='7'));
        if let Some((at, letter)) = strange {
            return Err(TicketError::Letter {
                letter,
                place: PREFIX.len() + at + 1,
            });
        }
        if letters.len() > TEXT_MAX {
            return Err(TicketError::Contents("it is too long"));
        }
        let bytes = data_encoding::BASE32_NOPAD.decode(letters.to_ascii_uppercase().as_bytes());
        let bytes = bytes.map_err(|_| TicketError::Checksum)?;
        let (body, sum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(TicketError::Checksum)?;
        if *sum != checksum(body) {
            return Err(TicketError::Checksum);
        }
        let (ticket, rest) =
            postcard::take_from_bytes::<Self>(body).map_err(|_| TicketError::Contents("it was cut short"))?;
        if !rest.is_empty() {
            return Err(TicketError::Contents("bytes follow its end"));
        }
        if ticket.rpc_url.len() > URL_BYTES_MAX {
            return Err(TicketError::Contents("its RPC URL is longer than 256 bytes"));
        }
        ticket.node.check().map_err(TicketError::Contents)?;
        Ok(ticket)
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = blake3::hash(bytes);
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use rayswarm_model::NodeId;

    fn ticket() -> Ticket {
        Ticket {
            node: PeerAddr {
                node: NodeId::from_bytes([7; 32]),
                sockets: vec!["192.168.1.20:4433".parse().unwrap(), "[::1]:9".parse().unwrap()],
                relay: None,
            },
            rpc_url: "http://192.168.1.20:8545".into(),
            chain_id: 31_337,
            genesis: B256::repeat_byte(3),
            contracts: Contracts {
                registry: Address::repeat_byte(1),
                escrow: Address::repeat_byte(2),
                token: Address::repeat_byte(3),
            },
        }
    }

    #[test]
    fn a_ticket_is_one_lower_case_word_and_reads_back() {
        let text = ticket().to_string();
        assert!(text.starts_with("rayswarm1"));
        assert!(
            text.chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()),
            "{text}"
        );
        assert_eq!(text.parse::<Ticket>().unwrap(), ticket());
        assert_eq!(
            format!("  {}\n", text.to_ascii_uppercase()).parse::<Ticket>().unwrap(),
            ticket()
        );
    }

    #[test]
    fn any_wrong_letter_is_noticed() {
        let text = ticket().to_string();
        for at in PREFIX.len()..text.len() {
            let mut letters: Vec<char> = text.chars().collect();
            letters[at] = if letters[at] == 'a' { 'b' } else { 'a' };
            let mistyped: String = letters.into_iter().collect();
            assert!(mistyped.parse::<Ticket>().is_err(), "place {at}");
        }
    }

    #[test]
    fn errors_are_sentences_that_say_what_to_do() {
        let text = ticket().to_string();
        let short = &text[..text.len() - 8];
        let cases = [
            ("", TicketError::Prefix),
            ("http://example", TicketError::Prefix),
            ("rayswarm2abc", TicketError::Version),
            ("rayswarm1ab!c", TicketError::Letter { letter: '!', place: 12 }),
            ("rayswarm1", TicketError::Checksum),
            (short, TicketError::Checksum),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Ticket>().unwrap_err(), error, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(rayswarm1)?[a-z2-7é!]{0,80}") {
            let _ = text.parse::<Ticket>();
        }
    }
}
