//! Changes of RLP: an item is changed and the lengths around it follow, so that the decoder gets to it.

use super::LENGTH_MAX;
use alloy_rlp::Header;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// Lists within lists.
const DEPTH_MAX: usize = 16;

#[derive(Clone, Debug)]
enum Item {
    String(Vec<u8>),
    List(Vec<Item>),
    /// A string of a type (EIP-2718) and an item.
    Typed(u8, Box<Item>),
    /// Bytes that are written as they are.
    Raw(Vec<u8>),
}

/// One change; none of what is no RLP.
pub(super) fn change(random: &mut ChaCha8Rng, input: &[u8]) -> Option<Vec<u8>> {
    // A transaction on its own begins with its type, and no string is around it.
    let mut items = match parse(input) {
        Some(items) => items,
        None => {
            let (kind, rest) = input.split_first()?;
            let mut typed = vec![Item::Raw(vec![*kind])];
            typed.extend(parse(rest)?);
            typed
        }
    };
    let count = items.iter().map(count).sum::<usize>();
    let mut place = random.random_range(0..count.max(1));
    change_at(random, &mut items, &mut place);
    let bytes: Vec<u8> = items.iter().flat_map(encode).collect();
    (bytes.len() <= LENGTH_MAX).then_some(bytes)
}

fn parse(bytes: &[u8]) -> Option<Vec<Item>> {
    items(bytes, 0)
}

fn items(mut bytes: &[u8], depth: usize) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let header = Header::decode(&mut bytes).ok()?;
        let (payload, rest) = bytes.split_at_checked(header.payload_length)?;
        items.push(match header.list {
            true if depth < DEPTH_MAX => Item::List(self::items(payload, depth + 1)?),
            true => return None,
            false => string(payload, depth),
        });
        bytes = rest;
    }
    Some(items)
}

fn string(payload: &[u8], depth: usize) -> Item {
    if let [kind @ 1..=4, rest @ ..] = payload
        && rest.first().is_some_and(|first| *first >= 0xc0)
        && depth < DEPTH_MAX
        && let Some([item]) = items(rest, depth + 1).as_deref()
    {
        return Item::Typed(*kind, Box::new(item.clone()));
    }
    Item::String(payload.to_vec())
}

fn encode(item: &Item) -> Vec<u8> {
    match item {
        Item::String(bytes) => {
            let mut out = Vec::new();
            alloy_rlp::Encodable::encode(&bytes[..], &mut out);
            out
        }
        Item::List(items) => {
            let payload: Vec<u8> = items.iter().flat_map(encode).collect();
            with_header(true, payload.len(), &payload)
        }
        Item::Typed(kind, item) => {
            let payload = [&[*kind][..], &encode(item)].concat();
            with_header(false, payload.len(), &payload)
        }
        Item::Raw(bytes) => bytes.clone(),
    }
}

fn with_header(list: bool, payload_length: usize, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { list, payload_length }.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

fn count(item: &Item) -> usize {
    1 + match item {
        Item::List(items) => items.iter().map(count).sum(),
        Item::Typed(_, item) => count(item),
        Item::String(_) | Item::Raw(_) => 0,
    }
}

/// Changes the item with that number, counted in the order of the bytes; counts down to it.
fn change_at(random: &mut ChaCha8Rng, items: &mut Vec<Item>, place: &mut usize) {
    for index in 0..items.len() {
        if *place == 0 {
            return change_in(random, items, index);
        }
        *place -= 1;
        let below = count(&items[index]) - 1;
        if *place >= below {
            *place -= below;
            continue;
        }
        match &mut items[index] {
            Item::List(items) => return change_at(random, items, place),
            Item::Typed(_, item) => {
                let mut one = vec![(**item).clone()];
                change_at(random, &mut one, place);
                // More than one item belongs in no type.
                **item = if one.len() == 1 { one.remove(0) } else { Item::List(one) };
                return;
            }
            Item::String(_) | Item::Raw(_) => return,
        }
    }
}

fn change_in(random: &mut ChaCha8Rng, items: &mut Vec<Item>, index: usize) {
    match random.random_range(0..12) {
        0 => {
            items.remove(index);
        }
        1 => items.insert(index, items[index].clone()),
        2 => {
            let length = encode(&items[index]).len().max(1);
            let times = (LENGTH_MAX >> random.random_range(1..8)) / length;
            let item = items[index].clone();
            items.splice(index..index, vec![item; times]);
        }
        3 => {
            let other = random.random_range(0..items.len());
            items.swap(index, other);
        }
        4 => items[index] = Item::List(vec![items[index].clone()]),
        5 => items[index] = Item::String(encode(&items[index])),
        // Two ways to write one thing are what nobody sees.
        6..=9 => items[index] = Item::Raw(loosened(random, &items[index])),
        _ => items[index] = Item::String(number(random)),
    }
}

/// The same item in a way that a strict reader refuses.
fn loosened(random: &mut ChaCha8Rng, item: &Item) -> Vec<u8> {
    let (list, payload) = match item {
        Item::String(bytes) | Item::Raw(bytes) => (false, bytes.clone()),
        Item::List(items) => (true, items.iter().flat_map(encode).collect()),
        Item::Typed(kind, item) => (false, [&[*kind][..], &encode(item)].concat()),
    };
    match random.random_range(0..5) {
        // Without what is around it.
        0 => payload,
        // As if it ended earlier or later.
        1 => with_header(list, payload.len() + random.random_range(1..100), &payload),
        2 => with_header(
            list,
            payload.len().saturating_sub(random.random_range(1..100)),
            &payload,
        ),
        // With a longer length than it needs.
        3 => {
            let prefix = if list { 0xf8 } else { 0xb8 };
            [&[prefix, payload.len() as u8][..], &payload].concat()
        }
        // With a zero before it.
        _ => with_header(list, payload.len() + 1, &[&[0][..], &payload].concat()),
    }
}

fn number(random: &mut ChaCha8Rng) -> Vec<u8> {
    let numbers: [&[u8]; 9] = [
        &[],
        &[0],
        &[1],
        &[27],
        &[0xff; 8],
        &[0xff; 9],
        &[0xff; 20],
        &[0xff; 32],
        &[0xff; 33],
    ];
    numbers[random.random_range(0..numbers.len())].to_vec()
}
