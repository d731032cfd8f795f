//! Votes of nine validators at height 1, and what one of them has written down of it.

use super::Sample;
use crate::consensus::{DOMAIN, NOW, bft, genesis, key, read, validators};
use alloy_primitives::{Address, B256, Bytes};
use rayswarm_consensus::{
    Block, Consensus as _, Event, Output, Peer, Proposal, Vote, VoteKind,
    bft::{
        Certificate, Signatures,
        message::{Message, Polka, RoundEnd, Signature, SignedProposal, SignedVote},
    },
    votes::Signable,
};

fn sign(number: u8, subject: &impl Signable) -> Signature {
    Signatures::default().sign(subject, &DOMAIN, &key(number))
}

/// The validator whose turn it is at height 1.
fn proposer() -> u8 {
    let turn = validators().proposer(1, 0);
    (1..=9).find(|number| key(*number).address() == turn).unwrap()
}

fn block() -> Block {
    let words = [1, NOW / 1_000, 0].map(u64::to_be_bytes);
    let proposer = key(proposer()).address();
    let parent = genesis().hash;
    let parts = [parent.as_slice(), &words[0], &words[1], proposer.as_slice(), &words[2]];
    let bytes = Bytes::from(parts.concat());
    Block {
        header: read(&bytes).unwrap(),
        bytes,
    }
}

const fn vote(round: u32, kind: VoteKind, block: B256) -> Vote {
    Vote {
        height: 1,
        round,
        kind,
        block,
    }
}

fn signed(number: u8, vote: Vote) -> SignedVote {
    SignedVote {
        vote,
        account: key(number).address(),
        signature: sign(number, &vote),
    }
}

/// Of these validators, by account.
fn signatures(numbers: impl IntoIterator<Item = u8>, vote: Vote) -> Vec<(Address, Signature)> {
    let signatures = numbers.into_iter().map(|number| signed(number, vote));
    let mut signatures: Vec<_> = signatures.map(|signed| (signed.account, signed.signature)).collect();
    signatures.sort();
    signatures
}

fn proposal() -> Message {
    let block = block();
    let proposal = Proposal {
        height: 1,
        round: 0,
        valid_round: -1,
        block: block.header.hash,
    };
    let signed = SignedProposal {
        proposal,
        account: key(proposer()).address(),
        signature: sign(proposer(), &proposal),
    };
    Message::Proposal(signed, block.bytes)
}

pub(super) fn messages() -> Vec<Sample> {
    let hash = block().header.hash;
    let prevote = vote(0, VoteKind::Prevote, hash);
    let polka = Polka {
        height: 1,
        round: 0,
        block: hash,
        signatures: signatures(1..=7, prevote),
    };
    let none = vote(0, VoteKind::Precommit, B256::ZERO);
    let signed_none = signatures(1..=7, none).into_iter();
    let end = RoundEnd {
        height: 1,
        round: 0,
        is_over: true,
        votes: signed_none
            .map(|(account, signature)| (VoteKind::Precommit, B256::ZERO, account, signature))
            .collect(),
    };
    [
        ("prevote", Message::Vote(signed(2, prevote))),
        ("precommit", Message::Vote(signed(3, none))),
        ("later-height", Message::Vote(signed(2, Vote { height: 2, ..prevote }))),
        ("proposal", proposal()),
        ("polka", Message::Polka(polka)),
        ("round-end", Message::RoundEnd(end)),
        ("head", Message::Head(1 << 40)),
    ]
    .map(|(name, message)| (name, message.encode().to_vec()))
    .into()
}

pub(super) fn seals() -> Vec<Sample> {
    let precommit = vote(2, VoteKind::Precommit, block().header.hash);
    let seal = |numbers: std::ops::RangeInclusive<u8>| {
        let certificate = Certificate {
            round: 2,
            signatures: signatures(numbers, precommit),
        };
        certificate.encode(validators()).to_vec()
    };
    vec![("seven", seal(3..=9)), ("all", seal(1..=9)), ("one", seal(4..=4))]
}

pub(super) fn logs() -> Vec<Sample> {
    let hash = block().header.hash;
    let prevotes = (2..=8).map(|number| Message::Vote(signed(number, vote(0, VoteKind::Prevote, hash))));
    let nones = (2..=5).map(|number| Message::Vote(signed(number, vote(0, VoteKind::Prevote, B256::ZERO))));
    vec![
        ("proposal", log([proposal()])),
        ("prevotes", log([proposal()].into_iter().chain(prevotes))),
        ("nothing", log(nones)),
    ]
}

/// What the first validator writes of these messages, each entry after its length.
fn log(messages: impl IntoIterator<Item = Message>) -> Vec<u8> {
    let mut validator = bft(1);
    let mut outputs = validator.start(NOW, &[]);
    for message in messages {
        let event = Event::Message {
            from: Peer([1; 32]),
            bytes: message.encode(),
        };
        outputs.extend(validator.handle(NOW, event));
        let hash = block().header.hash;
        if outputs
            .iter()
            .any(|output| matches!(output, Output::Check(block) if block.header.hash == hash))
        {
            outputs.retain(|output| !matches!(output, Output::Check(_)));
            outputs.extend(validator.handle(NOW, Event::Checked { hash, valid: true }));
        }
    }
    let mut log = Vec::new();
    for output in outputs {
        if let Output::Write(entry) = output {
            log.extend_from_slice(&(entry.len() as u32).to_be_bytes());
            log.extend_from_slice(&entry);
        }
    }
    log
}
