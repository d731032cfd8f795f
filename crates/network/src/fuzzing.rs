//! Every message of every protocol, read as from a stream: for `crates/fuzzing`, since most of them are nobody else's.

use crate::{
    chain::{ChainAnswer, ChainQuestion, ChainWord, Greeting},
    commands::{SessionCall, SessionOrder, SessionWord},
    frame::{self, HEADER_BYTES, Message},
    juries::{self, BriefAnswer, ClaimedResults, NotNeeded},
    peer_book::PeerCard,
    peers::{self, Acquaintances, Pong},
    work::{CommitAnswer, Heard, InviteAnswer, ProviderCall, PullAnswer, RequestorCall, Stored, UploadAnswer},
};

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is none of this message.
    Refused,
    /// It was read; written and read again, it is the same message.
    Same,
    /// It was read, and what was read cannot be written, or reads as something else.
    Changed,
}

/// Reads a frame as one message.
pub type Reader = fn(&[u8]) -> Outcome;

/// `rayswarm/chain/1`: what is told.
pub const CHAIN_WORD: Reader = read::<ChainWord>;
/// What is asked.
pub const CHAIN_QUESTION: Reader = read::<ChainQuestion>;
/// What is answered.
pub const CHAIN_ANSWER: Reader = read::<ChainAnswer>;

/// All other messages of this crate, by their names in errors.
pub const OTHERS: &[(&str, Reader)] = &[
    (Greeting::NAME, read::<Greeting>),
    (peers::Question::NAME, read::<peers::Question>),
    (Acquaintances::NAME, read::<Acquaintances>),
    (Pong::NAME, read::<Pong>),
    (PeerCard::NAME, read::<PeerCard>),
    (RequestorCall::NAME, read::<RequestorCall>),
    (ProviderCall::NAME, read::<ProviderCall>),
    (InviteAnswer::NAME, read::<InviteAnswer>),
    (PullAnswer::NAME, read::<PullAnswer>),
    (CommitAnswer::NAME, read::<CommitAnswer>),
    (UploadAnswer::NAME, read::<UploadAnswer>),
    (Stored::NAME, read::<Stored>),
    (Heard::NAME, read::<Heard>),
    (SessionOrder::NAME, read::<SessionOrder>),
    (SessionCall::NAME, read::<SessionCall>),
    (SessionWord::NAME, read::<SessionWord>),
    (juries::Question::NAME, read::<juries::Question>),
    (BriefAnswer::NAME, read::<BriefAnswer>),
    (ClaimedResults::NAME, read::<ClaimedResults>),
    (NotNeeded::NAME, read::<NotNeeded>),
];

fn read<T: Message + PartialEq>(bytes: &[u8]) -> Outcome {
    let Some(message) = message::<T>(bytes) else {
        return Outcome::Refused;
    };
    let again = frame::encode(&message).ok();
    match again.and_then(|bytes| self::message::<T>(&bytes)) {
        Some(same) if same == message => Outcome::Same,
        _ => Outcome::Changed,
    }
}

/// A stream ends after one frame here.
fn message<T: Message>(bytes: &[u8]) -> Option<T> {
    let (header, body) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let length = frame::body_length::<T>(*header).ok()?;
    let body = body.get(..length).filter(|_| body.len() == length)?;
    frame::decode_body(body).ok()
}
