//! Proof of work through its interface: blocks are mined, branches compete, nodes begin again.
#![allow(clippy::unwrap_used)]

use super::{
    testing::{child, header, rehash, rules, solved},
    *,
};
use alloy_primitives::U256;
use proptest::prelude::*;

const NOW: Millis = 1_900_000_000_000;

fn pow(mines: bool) -> Pow {
    Pow::new(rules(), header(0), Root::genesis(header(0)), [], mines)
}

fn store(pow: &mut Pow, header: &Header) -> Vec<Output> {
    let event = Event::Stored {
        header: header.clone(),
        validators: None,
    };
    pow.handle(NOW, event)
}

/// Stores `length` blocks of `difficulty` on `parent`; the last.
fn grow(pow: &mut Pow, parent: &Header, miner: u8, difficulty: u64, length: usize) -> Header {
    (0..length).fold(parent.clone(), |parent, _| {
        let next = child(&parent, miner, difficulty);
        store(pow, &next);
        next
    })
}

fn template(request: &BuildRequest, parent: &Header, miner: u8) -> Block {
    let mut header = child(parent, miner, 0);
    header.difficulty = request.difficulty;
    header.timestamp = request.timestamp_min;
    rehash(&mut header);
    Block {
        header,
        bytes: Bytes::new(),
    }
}

/// Blocks may come faster than their times: nobody may mine then, and nobody may stand still for good.
#[test]
fn a_block_whose_time_has_not_come_is_built_again_when_it_has() {
    let mut pow = pow(true);
    let request = requested(&pow.start(NOW, &[]));
    let mut early = template(&request, &header(0), 1);
    early.header.timestamp = NOW / 1_000 + 15 + 4;
    rehash(&mut early.header);
    let timer = Timer {
        height: 1,
        round: 0,
        kind: TIMER_DUE,
    };
    let built = Event::Built { request, block: early };
    let after = Duration::from_millis(3_500);
    assert_eq!(pow.handle(NOW + 500, built.clone()), [Output::Set { timer, after }]);
    assert_eq!(pow.handle(NOW + 4_000, Event::Timer(timer)), [Output::Build(request)]);
    assert!(matches!(pow.handle(NOW + 4_000, built)[..], [Output::Mine { .. }]));
    // Another block has come meanwhile.
    store(&mut pow, &child(&header(0), 2, 16));
    assert!(pow.handle(NOW + 4_000, Event::Timer(timer)).is_empty());
}

fn requested(outputs: &[Output]) -> BuildRequest {
    let find = |output: &Output| match output {
        Output::Build(request) => Some(*request),
        _ => None,
    };
    outputs.iter().find_map(find).unwrap()
}

#[test]
fn a_block_is_asked_for_built_mined_solved_and_stored() {
    let mut pow = pow(true);
    let genesis = header(0);
    let outputs = pow.start(NOW, &[]);
    assert_eq!(outputs[0], Output::Head(genesis.hash));
    let request = requested(&outputs);
    assert_eq!(request.parent, genesis.hash);
    assert_eq!(request.difficulty, U256::from(16));
    assert_eq!(request.timestamp_min, genesis.timestamp + 1, "later than the median");

    let block = template(&request, &genesis, 1);
    let event = |block: &Block| Event::Built {
        request,
        block: block.clone(),
    };
    let target = puzzle::target(U256::from(16));
    let puzzle = block.header.puzzle;
    assert_eq!(pow.handle(NOW, event(&block)), [Output::Mine { puzzle, target }]);

    let another = template(&request, &genesis, 2);
    let puzzle = another.header.puzzle;
    assert_ne!(puzzle, block.header.puzzle);
    assert_eq!(
        pow.handle(NOW, event(&another)),
        [Output::Mine { puzzle, target }],
        "answered anew"
    );

    let block = solved(another.header);
    let outputs = pow.handle(NOW, Event::Solved { block: block.clone() });
    let seal = Seal::Header;
    assert_eq!(
        outputs,
        [Output::Store {
            block: block.clone(),
            seal
        }]
    );

    let outputs = store(&mut pow, &block.header);
    assert_eq!(outputs[0], Output::Head(block.header.hash));
    assert_eq!(requested(&outputs).parent, block.header.hash);
    assert_eq!(pow.handle(NOW, Event::Solved { block }), [], "its place is taken");
    assert_eq!(
        pow.handle(NOW, event(&another_on(&genesis, &request))),
        [],
        "asked for on a former head"
    );
}

fn another_on(parent: &Header, request: &BuildRequest) -> Block {
    template(request, parent, 3)
}

#[test]
fn a_node_that_does_not_mine_asks_for_no_block() {
    let mut pow = pow(false);
    assert_eq!(pow.start(NOW, &[]), [Output::Head(header(0).hash)]);
    let block = child(&header(0), 1, 16);
    assert_eq!(store(&mut pow, &block), [Output::Head(block.hash)]);
}

#[test]
fn what_was_built_or_solved_wrongly_is_refused_with_the_reason() {
    let mut pow = pow(true);
    let request = requested(&pow.start(NOW, &[]));
    let genesis = header(0);
    let mut easy = template(&request, &genesis, 1);
    easy.header.difficulty = U256::ONE;
    let hash = easy.header.hash;
    let outputs = pow.handle(NOW, Event::Built { request, block: easy });
    let reason = SealError::Difficulty {
        number: 1,
        got: U256::ONE,
        expected: U256::from(16),
    };
    assert_eq!(outputs, [Output::Refuse { hash, reason }]);

    let mut unsolved = template(&request, &genesis, 1);
    while check::solution(&unsolved.header).is_ok() {
        unsolved.header.nonce += 1;
    }
    let hash = unsolved.header.hash;
    let reason = SealError::Unsolved(1);
    let outputs = pow.handle(NOW, Event::Solved { block: unsolved });
    assert_eq!(outputs, [Output::Refuse { hash, reason }]);
}

#[test]
fn a_seal_is_the_header_alone_and_all_of_it_counts() {
    let pow = pow(false);
    let genesis = header(0);
    let times = [genesis.timestamp];
    let site = Site {
        parent: &genesis,
        times: &times,
        genesis: &genesis,
        validators: None,
    };
    let good = solved(child(&genesis, 1, 16)).header;
    let verify = |header: &Header, seal: &Seal| pow.verify_seal(NOW, header, seal, &site);
    assert_eq!(verify(&good, &Seal::Header), Ok(()));
    assert_eq!(verify(&good, &Seal::Votes(Bytes::new())), Err(SealError::Malformed(1)));
    let mut unsolved = good.clone();
    while check::solution(&unsolved).is_ok() {
        unsolved.nonce += 1;
    }
    assert_eq!(verify(&unsolved, &Seal::Header), Err(SealError::Unsolved(1)));
    let easier = solved(child(&genesis, 1, 15)).header;
    assert!(matches!(
        verify(&easier, &Seal::Header),
        Err(SealError::Difficulty { .. })
    ));
    let now = (good.timestamp - 16) * 1_000;
    let late = pow.verify_seal(now, &good, &Seal::Header, &site);
    assert!(matches!(late, Err(SealError::TooLate { .. })));
}

#[test]
fn the_head_moves_to_the_most_work_and_the_final_block_follows_it() {
    let mut pow = pow(false);
    let genesis = header(0);
    let first = child(&genesis, 1, 10);
    store(&mut pow, &first);
    let third = grow(&mut pow, &first, 1, 10, 2);
    let fourth = child(&third, 1, 10);
    assert_eq!(
        store(&mut pow, &fourth),
        [Output::Head(fourth.hash), Output::Final(first.hash)]
    );
    // A heavier branch above the final block: two blocks instead of three.
    let side = child(&first, 2, 15);
    assert_eq!(store(&mut pow, &side), []);
    let heavier = child(&side, 2, 16);
    assert_eq!(store(&mut pow, &heavier), [Output::Head(heavier.hash)]);
    assert_eq!(pow.last_final().header, first);
}

#[test]
fn a_heavier_branch_from_below_the_final_block_is_refused_aloud() {
    let mut pow = pow(false);
    let genesis = header(0);
    let head = grow(&mut pow, &genesis, 1, 10, 8);
    assert_eq!(pow.last_final().header.number, 5);
    let below = solved(child(&genesis, 2, 16)).header;
    let reason = SealError::BelowFinal { number: 1, last: 5 };
    let site = Site {
        parent: &genesis,
        times: &[genesis.timestamp],
        genesis: &genesis,
        validators: None,
    };
    assert_eq!(pow.verify_seal(NOW, &below, &Seal::Header, &site), Err(reason.clone()));
    let hash = below.hash;
    assert_eq!(store(&mut pow, &below), [Output::Refuse { hash, reason }]);
    // Stored before the chain was final that far, its descendants may still come.
    let mut parent = below;
    for number in 2..20 {
        parent = child(&parent, 2, 1_000_000);
        let reason = SealError::BelowFinal { number, last: 5 };
        let hash = parent.hash;
        assert_eq!(store(&mut pow, &parent), [Output::Refuse { hash, reason }]);
    }
    assert_eq!(pow.head(), &head);
}

#[test]
fn what_is_not_for_proof_of_work_changes_nothing() {
    let mut pow = pow(true);
    let timer = Timer {
        height: 1,
        round: 0,
        kind: 0,
    };
    let message = Event::Message {
        from: crate::Peer([1; 32]),
        bytes: Bytes::from_static(b"anything"),
    };
    let checked = Event::Checked {
        hash: header(0).hash,
        valid: false,
    };
    for event in [message, checked, Event::Timer(timer)] {
        assert_eq!(pow.handle(NOW, event), []);
    }
}

proptest! {
    /// Blocks on random parents, a crash after any of them, with the newest final block or an older one on record.
    #[test]
    fn a_node_begins_again_where_it_was(
        blocks in prop::collection::vec((0usize..6, 1u64..4), 1..60), crash in 0usize..60, record in 0usize..60,
    ) {
        let mut pow = pow(true);
        let mut stored = vec![header(0)];
        let mut roots = vec![pow.last_final().clone()];
        let mut last = pow.start(NOW, &[]);
        for (index, (back, difficulty)) in blocks.iter().enumerate() {
            let parent = &stored[stored.len().saturating_sub(1 + back)];
            let block = child(parent, u8::try_from(index).unwrap(), *difficulty);
            let outputs = store(&mut pow, &block);
            if matches!(outputs.first(), Some(Output::Refuse { .. })) {
                continue;
            }
            stored.push(block);
            if !outputs.is_empty() {
                last = outputs;
            }
            if *pow.last_final() != roots[roots.len() - 1] {
                roots.push(pow.last_final().clone());
            }
            if index == crash {
                let root = roots[record.min(roots.len() - 1)].clone();
                let mut again = Pow::new(rules(), header(0), root, stored[1..].iter().cloned(), true);
                let outputs = again.start(NOW, &[]);
                prop_assert_eq!(outputs.first(), last.iter().find(|output| matches!(output, Output::Head(_))));
                prop_assert_eq!(requested(&outputs), requested(&last));
                // What was final may have come from a longer chain that is lighter than today's.
                prop_assert!(again.last_final().header.number <= pow.last_final().header.number);
                let final_or_before = |number: u64| {
                    let last = &pow.last_final().header;
                    let below = |header: &Header| stored.iter().find(|other| other.hash == header.parent).cloned();
                    std::iter::successors(Some(last.clone()), below).find(|header| header.number == number)
                };
                let again_final = &again.last_final().header;
                let ours = final_or_before(again_final.number);
                prop_assert_eq!(ours.as_ref(), Some(again_final));
                if record >= roots.len() - 1 {
                    prop_assert_eq!(again.last_final(), pow.last_final());
                    pow = again;
                }
            }
        }
    }
}
