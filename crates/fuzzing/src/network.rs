//! Messages of peers, each in its frame.

use rayswarm_network::fuzzing::{CHAIN_ANSWER, CHAIN_QUESTION, CHAIN_WORD, OTHERS, Outcome, Reader};

/// What peers of a chain tell.
pub fn chain_word(bytes: &[u8]) -> bool {
    one("a word about the chain", CHAIN_WORD, bytes)
}

/// What they ask.
pub fn chain_question(bytes: &[u8]) -> bool {
    one("a question about the chain", CHAIN_QUESTION, bytes)
}

/// What they answer.
pub fn chain_answer(bytes: &[u8]) -> bool {
    one("an answer about the chain", CHAIN_ANSWER, bytes)
}

/// All other messages: the bytes are read as each of them.
pub fn peer_message(bytes: &[u8]) -> bool {
    let taken = OTHERS.iter().filter(|(name, read)| one(name, *read, bytes));
    taken.count() > 0
}

fn one(name: &str, read: Reader, bytes: &[u8]) -> bool {
    let outcome = read(bytes);
    assert_ne!(outcome, Outcome::Changed, "{name}");
    outcome == Outcome::Same
}
