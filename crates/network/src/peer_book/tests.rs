//! The book alone: who is believed, told, greeted and forgotten.

use super::*;

const TELLER: NodeId = NodeId::from_bytes([7; 32]);
const LIAR: NodeId = NodeId::from_bytes([8; 32]);

fn greeted(book: &PeerBook, now: Instant) -> Vec<PeerAddr> {
    let greeted = book.to_greet(now);
    greeted.iter().for_each(|peer| book.silent(peer.node));
    greeted
}

fn card(node: u32, port: u16) -> PeerCard {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&node.to_le_bytes());
    let sockets = vec![([127, 0, 0, 1], port).into()];
    PeerCard {
        address: PeerAddr {
            node: NodeId::from_bytes(bytes),
            sockets,
            relay: None,
        },
        offer: None,
    }
}

fn heard(node: u32, port: u16, seen_ms_ago: u64) -> KnownPeer {
    KnownPeer {
        card: card(node, port),
        seen_ms_ago,
    }
}

#[test]
fn a_node_knows_itself_best() {
    let (book, now) = (PeerBook::default(), Instant::now() + STALE_AFTER);
    book.heard(TELLER, heard(1, 10, 500), now);
    book.heard(TELLER, heard(1, 11, 100), now);
    assert_eq!(book.list(now)[0].card, card(1, 11), "newer hearsay replaces older");
    book.met(card(1, 12), now);
    book.heard(TELLER, heard(1, 13, 0), now);
    assert_eq!(
        book.list(now)[0].card,
        card(1, 12),
        "hearsay never replaces the node's own word"
    );
}

#[test]
fn stale_nodes_are_neither_told_nor_taken() {
    let (book, start) = (PeerBook::default(), Instant::now() + STALE_AFTER);
    book.met(card(1, 1), start);
    book.heard(TELLER, heard(2, 2, STALE_AFTER.as_millis() as u64 + 1), start);
    assert_eq!(book.list(start).len(), 1);
    let later = start + STALE_AFTER + Duration::from_millis(1);
    assert!(book.tell(card(9, 9).address.node, later).is_empty());
    book.seen(card(1, 1).address.node, later);
    assert_eq!(book.tell(card(9, 9).address.node, later).len(), 1);
    assert!(
        book.tell(card(1, 1).address.node, later).is_empty(),
        "nobody is told of itself"
    );
}

#[test]
fn the_book_is_bounded_and_liars_cannot_flush_it() {
    let (book, now) = (PeerBook::default(), Instant::now() + STALE_AFTER);
    book.met(card(0, 1), now);
    for node in 1..=PEERS_MAX as u32 + 10 {
        book.heard(TELLER, heard(node, 1, 0), now);
    }
    let list = book.list(now);
    assert_eq!(list.len(), PEERS_MAX);
    assert!(
        list.iter().any(|info| info.card == card(0, 1)),
        "the only acquaintance stays"
    );
}

#[test]
fn a_liar_with_five_hundred_names_delays_nobody() {
    let (book, now) = (PeerBook::default(), Instant::now() + STALE_AFTER);
    book.met(card(1_000, 1), now);
    for node in 0..512 {
        book.heard(LIAR, heard(node, 1, 0), now);
    }
    book.heard(TELLER, heard(2_000, 1, 60_000), now);
    let first = greeted(&book, now);
    assert_eq!(first.len(), 1 + HEARSAY_PER_ROUND);
    assert_eq!(first[0], card(1_000, 1).address, "acquaintances come first");
    assert!(first.contains(&card(2_000, 1).address), "each teller has its turn");
    // The same names again in each round are nothing new.
    let mut dials = HashMap::new();
    for round in 1..=200 {
        let now = now + Duration::from_millis(round);
        (0..512).for_each(|node| book.heard(LIAR, heard(node, 1, 0), now));
        for peer in greeted(&book, now) {
            *dials.entry(peer.node).or_insert(0u32) += 1;
        }
    }
    assert!(dials.values().all(|dials| *dials <= HEARSAY_TRIES_MAX), "{dials:?}");
    let known: Vec<_> = book.list(now).into_iter().map(|info| info.card).collect();
    assert!(known.is_empty(), "nobody answered, so nobody is told of: {known:?}");
}

#[test]
fn a_silent_node_has_another_chance_at_another_place_and_after_a_while() {
    let (book, now) = (PeerBook::default(), Instant::now() + STALE_AFTER);
    let heard_at = |port, now| book.heard(TELLER, heard(1, port, 0), now);
    let mut later = now;
    let mut tick = || {
        later += Duration::from_millis(1);
        later
    };
    heard_at(1, tick());
    for dials in [1, 1, 1, 0, 0] {
        assert_eq!(greeted(&book, tick()).len(), dials);
        heard_at(1, tick());
    }
    heard_at(2, tick());
    assert_eq!(greeted(&book, tick()), [card(1, 2).address]);
    for dials in [1, 1, 0] {
        assert_eq!(greeted(&book, tick()).len(), dials);
    }
    let much_later = tick() + STALE_AFTER;
    assert_eq!(greeted(&book, much_later).len(), 0);
    heard_at(2, much_later);
    assert_eq!(greeted(&book, much_later).len(), 1);
}

#[test]
fn a_full_book_of_acquaintances_is_greeted_in_turns() {
    let (book, start) = (PeerBook::default(), Instant::now() + STALE_AFTER);
    for node in 0..200 {
        book.met(card(node, 1), start + Duration::from_millis(node.into()));
    }
    let mut greeted = std::collections::HashSet::new();
    for round in 1..=3 {
        let now = start + Duration::from_secs(round);
        for peer in book.to_greet(now) {
            book.seen(peer.node, now);
            greeted.insert(peer.node);
        }
    }
    assert_eq!(greeted.len(), 200);
}
