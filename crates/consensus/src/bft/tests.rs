//! Validators that decide, restart and follow; [`lies`] has those that do not keep to the rules.
#![allow(clippy::unwrap_used)]

mod lies;
mod room;

use super::{
    message::{Signature, SignedProposal, SignedVote},
    *,
};
use crate::{Evidence, Proposal, Vote, VoteKind};
use alloy_primitives::{Address, B256, U256};
use proptest::prelude::*;
use room::{DOMAIN, NOW, Room, bft, block, genesis, key, sent, set, signed};

const ALL: [Option<u8>; 4] = [Some(1), Some(2), Some(3), Some(4)];
const POWERS: [u64; 4] = [30, 28, 25, 17];

/// The number of the one whose turn it is at height 1.
fn proposer(set: &ValidatorSet, round: u32) -> u8 {
    (1..=9)
        .find(|number| key(*number).address() == set.proposer(1, round))
        .unwrap()
}

fn message(from: u8, message: &Message) -> Event {
    Event::Message {
        from: Peer([from; 32]),
        bytes: message.encode(),
    }
}

fn proposal(number: u8, round: u32, valid_round: i64, block: &Block) -> Message {
    let proposal = Proposal {
        height: 1,
        round,
        valid_round,
        block: block.header.hash,
    };
    let signed = SignedProposal {
        proposal,
        account: key(number).address(),
        signature: signed(&proposal, number),
    };
    Message::Proposal(signed, block.bytes.clone())
}

fn vote(number: u8, height: u64, round: u32, kind: VoteKind, block: B256) -> Message {
    let vote = Vote {
        height,
        round,
        kind,
        block,
    };
    Message::Vote(SignedVote {
        vote,
        account: key(number).address(),
        signature: signed(&vote, number),
    })
}

#[test]
fn validators_decide_one_chain_and_a_follower_says_nothing() {
    let mut room = Room::new(&POWERS, &[Some(1), Some(2), Some(3), Some(4), None, Some(9)], 5);
    room.start();
    let chain: Vec<_> = room.guests[0].stored.iter().map(|(block, _)| block.clone()).collect();
    assert_eq!(chain.len(), 5);
    for guest in &room.guests {
        assert!(guest.stored.iter().map(|(block, _)| block).eq(&chain));
        assert!(
            !guest
                .did
                .iter()
                .any(|did| matches!(did, Output::Misbehaved { .. } | Output::Accuse(_)))
        );
        let finals = guest.did.iter().filter(|did| matches!(did, Output::Final(_))).count();
        assert_eq!(finals, 4);
    }
    for guest in &room.guests[4..] {
        assert_eq!(sent(&guest.did), []);
        assert!(!guest.did.iter().any(|did| matches!(did, Output::Write(_))));
    }
}

#[test]
fn nothing_is_said_before_the_log_is_durable() {
    let mut room = Room::new(&POWERS, &ALL, 3);
    room.start();
    for guest in &room.guests {
        let (mut unsynced, mut sends) = (false, 0);
        for did in &guest.did {
            match did {
                Output::Write(_) => unsynced = true,
                Output::Sync | Output::Reset => unsynced = false,
                Output::Send { .. } | Output::Store { .. } => {
                    assert!(!unsynced);
                    sends += 1;
                }
                _ => {}
            }
        }
        assert!(sends > 6);
    }
}

#[test]
fn who_restarts_says_the_same_again() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let mut room = Room::new(&POWERS, &[Some(number)], 1);
    room.start();
    let first = sent(&room.guests[0].did);
    assert!(
        matches!(first[..], [Message::Vote(_), Message::Proposal(..)]),
        "{first:?}"
    );

    let mut again = bft(Some(key(number)), &set);
    let did = again.start(NOW + 60_000, &room.guests[0].log);
    assert_eq!(sent(&did), first);
    assert!(
        !did.iter().any(|did| matches!(did, Output::Build(_) | Output::Write(_))),
        "{did:?}"
    );

    // Only the block was durable, not yet the proposal: it is proposed all the same, and no other is built.
    let mut again = bft(Some(key(number)), &set);
    let did = again.start(NOW + 60_000, &room.guests[0].log[..2]);
    assert_eq!(sent(&did), first);
    assert!(!did.iter().any(|did| matches!(did, Output::Build(_))));
}

#[test]
fn a_proposal_that_was_not_judged_is_judged_after_a_restart() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let other = (1..=4).find(|other| *other != number).unwrap();
    let mut room = Room::new(&POWERS, &[Some(other)], 1);
    room.start();
    let block = block(&genesis(), key(number).address(), 0, 0);
    room.handle(0, message(number, &proposal(number, 0, -1, &block)));
    assert!(room.guests[0].did.contains(&Output::Check(block.clone())));

    let mut again = bft(Some(key(other)), &set);
    let did = again.start(NOW, &room.guests[0].log);
    assert!(did.contains(&Output::Check(block.clone())));
    let hash = block.header.hash;
    let did = again.handle(NOW, Event::Checked { hash, valid: true });
    let expected = vote(other, 1, 0, VoteKind::Prevote, hash);
    assert_eq!(sent(&did), [expected]);
}

#[test]
fn a_log_that_does_not_read_or_is_of_a_later_height_costs_the_voice() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let later = Entry::Record(3, Record::Timeout(Step::Propose, 0)).encode();
    for log in [Bytes::from_static(b"?"), later] {
        let mut bft = bft(Some(key(number)), &set);
        let did = bft.start(NOW, &[log]);
        assert!(!bft.is_voting());
        assert!(!did.iter().any(|did| matches!(did, Output::Build(_) | Output::Reset)));
    }
    // One of a height that is over is no loss.
    let earlier = Entry::Record(0, Record::Timeout(Step::Propose, 0)).encode();
    let mut bft = bft(Some(key(number)), &set);
    assert_eq!(bft.start(NOW, &[earlier]).first(), Some(&Output::Reset));
    assert!(bft.is_voting());
}

/// Until then a crash must not make it forget that something was said there.
#[test]
fn a_log_of_a_later_height_is_kept_until_that_is_over() {
    let set = set(&POWERS);
    let later = Entry::Record(3, Record::Timeout(Step::Propose, 0)).encode();
    let mut bft = bft(Some(key(1)), &set);
    bft.start(NOW, &[later]);
    let mut parent = genesis();
    for number in 1..=3 {
        assert!(!bft.is_voting(), "height {number}");
        let header = block(&parent, Address::ZERO, 0, 0).header;
        let stored = Event::Stored {
            header: header.clone(),
            validators: Some(Arc::clone(&set)),
        };
        let did = bft.handle(NOW, stored);
        assert_eq!(did.contains(&Output::Reset), number == 3, "height {number}");
        parent = header;
    }
    assert!(bft.is_voting());
}

#[test]
fn the_pause_between_blocks_is_kept() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let mut bft = bft(Some(key(number)), &set);
    bft.rules.block_millis = 700;
    let did = bft.start(NOW, &[]);
    let pause = did.iter().find_map(|did| match did {
        Output::Set { timer, after } if timer.kind == TIMER_PAUSE => Some((*timer, *after)),
        _ => None,
    });
    let (timer, after) = pause.unwrap();
    assert_eq!(after.as_millis(), 700);
    assert!(!did.iter().any(|did| matches!(did, Output::Build(_))));
    let did = bft.handle(NOW + 700, Event::Timer(timer));
    assert!(matches!(did[..], [Output::Build(_)]));
}

#[test]
fn who_hears_of_later_heights_asks_for_blocks() {
    let set = set(&POWERS);
    let mut bft = bft(None, &set);
    bft.start(NOW, &[]);
    let behind = |did: &[Output]| {
        did.iter().find_map(|did| match did {
            Output::Behind { number, .. } => Some(*number),
            _ => None,
        })
    };
    let did = bft.handle(NOW, message(1, &vote(1, 9, 0, VoteKind::Prevote, B256::ZERO)));
    assert_eq!(behind(&did), Some(8));
    let did = bft.handle(NOW, message(1, &vote(1, 9, 0, VoteKind::Precommit, B256::ZERO)));
    assert_eq!(behind(&did), None, "once is enough");
    // One height is nothing to worry about, unless it lasts.
    let did = bft.handle(NOW, message(2, &vote(2, 2, 0, VoteKind::Prevote, B256::ZERO)));
    assert_eq!(behind(&did), None);
    let Some(Output::Set { timer, .. }) = did.first() else {
        unreachable!("no timer: {did:?}")
    };
    assert_eq!(behind(&bft.handle(NOW, Event::Timer(*timer))), Some(1));
}

#[test]
fn who_has_no_vote_tells_its_height_while_nothing_moves() {
    let set = set(&POWERS);
    let mut ahead = bft(None, &set);
    ahead.start(NOW, &[]);
    let mut header = genesis();
    header.number = 6;
    let did = ahead.handle(
        NOW,
        Event::Stored {
            header,
            validators: None,
        },
    );
    let timer = did.iter().find_map(|did| match did {
        Output::Set { timer, .. } if step_of(timer.kind) == Some(Step::Resend) => Some(*timer),
        _ => None,
    });
    let did = ahead.handle(NOW, Event::Timer(timer.unwrap()));
    assert_eq!(sent(&did), [Message::Head(6)]);
    let mut behind = bft(None, &set);
    behind.start(NOW, &[]);
    let peer = Peer([3; 32]);
    let did = behind.handle(NOW, message(3, &Message::Head(6)));
    assert_eq!(did, [Output::Behind { peer, number: 6 }]);
}

#[test]
fn what_was_said_of_the_next_height_counts_there() {
    let mut room = Room::new(&POWERS, &[None], 9);
    room.start();
    let two = B256::repeat_byte(2);
    for block in [B256::ZERO, two] {
        room.handle(0, message(1, &vote(1, 2, 0, VoteKind::Prevote, block)));
    }
    for number in 1..=2 {
        let header = Header { number, ..genesis() };
        let validators = Some(Arc::clone(&room.set));
        room.handle(0, Event::Stored { header, validators });
    }
    let accused = room.guests[0]
        .did
        .iter()
        .filter(|did| matches!(did, Output::Accuse(_)))
        .count();
    assert_eq!(accused, 1, "the double vote was kept and heard");
}

#[test]
fn seals_carry_their_block_alone() {
    let mut room = Room::new(&POWERS, &ALL, 1);
    room.start();
    let (block, seal) = room.guests[0].stored[0].clone();
    let fresh = bft(None, &room.set);
    let parent = genesis();
    let elsewhere = set(&[1, 1, 1, 1, 1, 1, 1, 1, 1]);
    let verify = |now, header: &Header, seal: &Seal, set: &Arc<ValidatorSet>| {
        let site = Site {
            parent: &parent,
            times: &[parent.timestamp],
            genesis: &parent,
            validators: Some(set),
        };
        fresh.verify_seal(now, header, seal, &site)
    };
    let changed = |change: &dyn Fn(&mut Header)| {
        let mut header = block.header.clone();
        change(&mut header);
        verify(NOW, &header, &seal, &room.set).unwrap_err()
    };
    assert_eq!(verify(NOW, &block.header, &seal, &room.set), Ok(()));
    assert!(matches!(
        verify(NOW, &block.header, &Seal::Header, &room.set),
        Err(SealError::Malformed(1))
    ));
    assert!(verify(NOW, &block.header, &seal, &elsewhere).is_err());
    assert!(matches!(
        verify(NOW - 20_000, &block.header, &seal, &room.set),
        Err(SealError::TooLate { .. })
    ));
    assert!(matches!(
        changed(&|header| header.hash = B256::ZERO),
        SealError::Votes { .. }
    ));
    assert!(matches!(changed(&|header| header.number = 2), SealError::Parent { .. }));
    assert!(matches!(
        changed(&|header| header.parent = B256::ZERO),
        SealError::Parent { .. }
    ));
    assert!(matches!(
        changed(&|header| header.timestamp = 4),
        SealError::TooEarly { .. }
    ));
    assert!(matches!(
        changed(&|header| header.proposer = Address::ZERO),
        SealError::Proposer { .. }
    ));
    assert!(matches!(
        changed(&|header| header.nonce = u64::MAX),
        SealError::Malformed(1)
    ));
    assert!(matches!(
        changed(&|header| header.difficulty = U256::ONE),
        SealError::Difficulty { .. }
    ));
    let later = (1..)
        .find(|round| room.set.proposer(1, *round) == block.header.proposer)
        .unwrap();
    assert!(matches!(
        changed(&|header| header.nonce = later.into()),
        SealError::Votes { .. }
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_break_a_node(changes in proptest::collection::vec((any::<usize>(), any::<u8>(), 0usize..4), 1..20)) {
        let set = set(&POWERS);
        let number = proposer(&set, 0);
        let mut bft = bft(Some(key(1)), &set);
        bft.start(NOW, &[]);
        let block = block(&genesis(), key(number).address(), 0, 0);
        let kinds = [
            proposal(number, 0, -1, &block),
            vote(2, 1, 0, VoteKind::Prevote, block.header.hash),
            Message::Polka(message::Polka {
                height: 1,
                round: 0,
                block: block.header.hash,
                signatures: vec![(key(2).address(), Signature::ZERO); 3],
            }),
            Message::RoundEnd(message::RoundEnd {
                height: 1,
                round: 3,
                is_over: true,
                votes: vec![(VoteKind::Precommit, B256::ZERO, key(3).address(), Signature::ZERO); 3],
            }),
        ];
        for (at, byte, kind) in changes {
            let mut bytes = kinds[kind].encode().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            bft.handle(NOW, Event::Message { from: Peer([1; 32]), bytes: bytes.into() });
        }
    }
}
