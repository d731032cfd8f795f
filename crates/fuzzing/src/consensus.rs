//! What validators tell each other and write down: messages, seals, the log of votes.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use rayswarm_consensus::{
    Bft, BftRules, BftSetup, Consensus as _, Event, Header, Peer, Validator, ValidatorSet, VoteDomain,
    bft::{
        Certificate, Signatures,
        certificate::SEAL_BYTES_MAX,
        message::{MESSAGE_BYTES_MAX, Message},
    },
};
use rayswarm_model::signed::AccountKey;
use std::sync::{Arc, LazyLock};

/// Where the validators of the corpus vote.
pub const DOMAIN: VoteDomain = VoteDomain {
    chain_id: crate::chain::CHAIN_ID,
    contract: Address::repeat_byte(0x52),
};

/// The time in all of this, in milliseconds.
pub const NOW: u64 = 1_800_000_000_000;

/// Nine validators, so that the last byte of a seal's bitmap has room.
static SET: LazyLock<Arc<ValidatorSet>> = LazyLock::new(|| {
    let validator = |number| Validator {
        account: key(number).address(),
        power: 1,
    };
    let set = ValidatorSet::new((1..=9).map(validator).collect());
    Arc::new(set.unwrap_or_else(|error| unreachable!("nine accounts make a set: {error}")))
});

/// Who votes.
pub fn validators() -> &'static Arc<ValidatorSet> {
    &SET
}

/// The key of a validator, from 1 to 9.
pub fn key(number: u8) -> AccountKey {
    let key = AccountKey::from_bytes(&[number; 32]);
    key.unwrap_or_else(|error| unreachable!("small bytes make a key: {error}"))
}

/// A consensus that knows nothing but the first block, with the key of a validator.
pub fn bft(number: u8) -> Bft {
    Bft::new(BftSetup {
        rules: BftRules::default(),
        domain: DOMAIN,
        key: Some(key(number)),
        head: genesis(),
        validators: Arc::clone(validators()),
        read,
        signatures: Signatures::default(),
    })
}

/// The block before all votes.
pub fn genesis() -> Header {
    Header {
        hash: B256::repeat_byte(0x60),
        parent: B256::ZERO,
        number: 0,
        timestamp: NOW / 1_000 - 10,
        proposer: Address::ZERO,
        nonce: 0,
        difficulty: U256::ZERO,
        puzzle: B256::ZERO,
    }
}

/// What a block is here: parent, height, time, proposer, round, one after the other. Blocks as they are have their own target.
pub fn read(bytes: &[u8]) -> Option<Header> {
    let (parent, bytes_after) = bytes.split_first_chunk::<32>()?;
    let (number, rest) = bytes_after.split_first_chunk::<8>()?;
    let (timestamp, rest) = rest.split_first_chunk::<8>()?;
    let (proposer, rest) = rest.split_first_chunk::<20>()?;
    let (nonce, []) = rest.split_first_chunk::<8>()? else {
        return None;
    };
    let hash = keccak256(bytes);
    Some(Header {
        hash,
        parent: B256::from(*parent),
        number: u64::from_be_bytes(*number),
        timestamp: u64::from_be_bytes(*timestamp),
        proposer: Address::from(*proposer),
        nonce: u64::from_be_bytes(*nonce),
        difficulty: U256::ZERO,
        puzzle: hash,
    })
}

/// A message of a peer: read, and given to a validator.
pub fn message(bytes: &[u8]) -> bool {
    let Some(message) = Message::decode(bytes) else {
        return false;
    };
    let again = message.encode();
    assert!(again.len() <= bytes.len() && bytes.len() <= MESSAGE_BYTES_MAX);
    assert_eq!(Message::decode(&again), Some(message));
    let mut validator = bft(1);
    validator.start(NOW, &[]);
    validator.handle(
        NOW,
        Event::Message {
            from: Peer([1; 32]),
            bytes: Bytes::copy_from_slice(bytes),
        },
    );
    true
}

/// The seal of a block. There is one encoding of each.
pub fn seal(bytes: &[u8]) -> bool {
    let Some(certificate) = Certificate::decode(bytes, validators()) else {
        return false;
    };
    assert!(bytes.len() <= SEAL_BYTES_MAX);
    assert!(certificate.signatures.len() <= validators().as_slice().len());
    assert!(
        *certificate.encode(validators()) == *bytes,
        "a second encoding of one certificate"
    );
    true
}

/// The log of a validator, each entry after its length (4, big endian): it begins again with it, whatever is in it.
pub fn log(bytes: &[u8]) -> bool {
    let Some(entries) = entries(bytes) else {
        return false;
    };
    let mut validator = bft(1);
    validator.start(NOW, &entries);
    // A log that does not read, or is of another height, costs it its voice.
    validator.is_voting()
}

fn entries(mut bytes: &[u8]) -> Option<Vec<Bytes>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (entry, rest) = rest.split_at_checked(length)?;
        entries.push(Bytes::copy_from_slice(entry));
        bytes = rest;
    }
    Some(entries)
}
