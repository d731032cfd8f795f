//! What no honest validator says, and blocks that nobody may vote for.

use super::*;

#[test]
fn who_says_what_no_honest_one_says_is_named() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let other = (1..=4).find(|other| *other != number).unwrap();
    let good = block(&genesis(), key(number).address(), 0, 0);
    let is_named = |message: &Message| {
        let mut bft = bft(None, &set);
        bft.start(NOW, &[]);
        let from = Peer([7; 32]);
        let did = bft.handle(
            NOW,
            Event::Message {
                from,
                bytes: message.encode(),
            },
        );
        did.iter()
            .any(|did| matches!(did, Output::Misbehaved { peer, .. } if *peer == from))
    };
    assert!(!is_named(&proposal(number, 0, -1, &good)));
    assert!(!is_named(&vote(other, 1, 0, VoteKind::Prevote, B256::ZERO)));
    assert!(is_named(&proposal(other, 0, -1, &good)), "out of turn");
    let Message::Proposal(mut forged, bytes) = proposal(number, 0, -1, &good) else {
        unreachable!()
    };
    let swapped = block(&genesis(), key(number).address(), 0, 1);
    assert!(is_named(&Message::Proposal(forged, swapped.bytes)), "another block");
    assert!(is_named(&Message::Proposal(forged, Bytes::new())), "no block");
    forged.proposal.valid_round = -1;
    forged.signature = Signature::repeat_byte(1);
    assert!(is_named(&Message::Proposal(forged, bytes)), "a forged proposal");
    let Message::Vote(mut forged) = vote(other, 1, 0, VoteKind::Prevote, B256::ZERO) else {
        unreachable!()
    };
    forged.account = key(number).address();
    assert!(is_named(&Message::Vote(forged)), "a forged vote");

    let said = |kind, block| {
        let votes = (1..=4).map(|number| match vote(number, 1, 0, kind, block) {
            Message::Vote(signed) => (signed.account, signed.signature),
            _ => unreachable!(),
        });
        votes.collect::<Vec<_>>()
    };
    let polka = |signatures| {
        Message::Polka(message::Polka {
            height: 1,
            round: 0,
            block: good.header.hash,
            signatures,
        })
    };
    let mut signatures = said(VoteKind::Prevote, good.header.hash);
    assert!(!is_named(&polka(signatures.clone())));
    signatures[2].1 = Signature::repeat_byte(1);
    assert!(is_named(&polka(signatures)), "a forged polka");
    let round_end = |signatures: Vec<(Address, Signature)>| {
        let votes = signatures.into_iter();
        Message::RoundEnd(message::RoundEnd {
            height: 1,
            round: 0,
            is_over: true,
            votes: votes
                .map(|(account, signature)| (VoteKind::Precommit, B256::ZERO, account, signature))
                .collect(),
        })
    };
    let mut signatures = said(VoteKind::Precommit, B256::ZERO);
    assert!(!is_named(&round_end(signatures.clone())));
    signatures[2].1 = Signature::repeat_byte(1);
    assert!(is_named(&round_end(signatures)), "a forged end of a round");
    let mut bft = bft(None, &set);
    let from = Peer([7; 32]);
    let bytes = Bytes::from_static(b"nonsense");
    assert!(matches!(
        bft.handle(NOW, Event::Message { from, bytes })[..],
        [Output::Misbehaved { .. }]
    ));
}

#[test]
fn a_block_that_may_not_stand_there_gets_no_vote() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let other = (1..=4).find(|other| *other != number).unwrap();
    let prevoted = |block: &Block| {
        let mut room = Room::new(&POWERS, &[Some(other)], 1);
        room.start();
        room.handle(0, message(number, &proposal(number, 0, -1, block)));
        room.run();
        sent(&room.guests[0].did).first().map(|message| match message {
            Message::Vote(signed) => signed.vote.block,
            _ => unreachable!(),
        })
    };
    let good = block(&genesis(), key(number).address(), 0, 0);
    assert_eq!(prevoted(&good), Some(good.header.hash));
    let stolen = block(&genesis(), key(other).address(), 0, 0);
    assert_eq!(prevoted(&stolen), Some(B256::ZERO), "somebody else's block");
    let apart = block(&good.header, key(number).address(), 0, 0);
    assert_eq!(prevoted(&apart), Some(B256::ZERO), "it stands elsewhere");
    let early = block(&genesis(), key(number).address(), 1, 0);
    assert_eq!(
        prevoted(&early),
        None,
        "it says it is of another round: as if it had not come"
    );
}

#[test]
fn a_block_that_execution_refuses_gets_no_vote() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let other = (1..=4).find(|other| *other != number).unwrap();
    let proposed = block(&genesis(), key(number).address(), 0, 0);
    let hash = proposed.header.hash;
    for (valid, expected) in [(true, hash), (false, B256::ZERO)] {
        let mut bft = bft(Some(key(other)), &set);
        bft.start(NOW, &[]);
        let did = bft.handle(NOW, message(1, &proposal(number, 0, -1, &proposed)));
        assert!(did.contains(&Output::Check(proposed.clone())));
        let did = bft.handle(NOW, Event::Checked { hash, valid });
        let prevoted = did.iter().find_map(|did| match did {
            Output::Send { message, .. } => match Message::decode(message) {
                Some(Message::Vote(signed)) => Some(signed.vote.block),
                _ => None,
            },
            _ => None,
        });
        assert_eq!(prevoted, Some(expected));
    }
}

#[test]
fn double_votes_and_double_proposals_are_evidence() {
    let set = set(&POWERS);
    let number = proposer(&set, 0);
    let other = (1..=4).find(|other| *other != number).unwrap();
    let mut bft = bft(None, &set);
    bft.start(NOW, &[]);
    for byte in [0, 1] {
        let block = block(&genesis(), key(number).address(), 0, byte);
        bft.handle(NOW, message(1, &proposal(number, 0, -1, &block)));
        bft.handle(
            NOW,
            message(2, &vote(other, 1, 0, VoteKind::Precommit, block.header.hash)),
        );
    }
    let stored = block(&genesis(), key(number).address(), 0, 0).header;
    let validators = Some(Arc::clone(&set));
    let did = bft.handle(
        NOW,
        Event::Stored {
            header: stored,
            validators,
        },
    );
    let mut accused: Vec<_> = did
        .iter()
        .filter_map(|did| match did {
            Output::Accuse(evidence) => {
                assert!(evidence.holds(&DOMAIN));
                Some((matches!(evidence, Evidence::Votes { .. }), evidence.validator()))
            }
            _ => None,
        })
        .collect();
    accused.sort();
    assert_eq!(accused, [(false, key(number).address()), (true, key(other).address())]);
}
