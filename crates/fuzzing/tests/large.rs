//! Inputs as long as a protocol lets them be, made of what takes the most memory for its bytes. Chance does not find them.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use alloy_primitives::B256;
use alloy_rlp::Header;
use rayswarm_fuzzing::{Checked, Target, samples::chain};

const MIB: usize = 1 << 20;

/// Reads the input, which is of the kind that is said.
fn read(target: &str, kind: &str, input: &[u8]) {
    let target = Target::named(target).unwrap();
    // What is made once is not laid to the first input.
    (target.decode)(&[]);
    let Checked { taken, peak } = target.check(input);
    let (name, length) = (target.name, input.len());
    eprintln!("{name}: {kind}: {length} bytes took {peak}, taken: {taken}");
}

fn list(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let payload_length = payload.len();
    Header {
        list: true,
        payload_length,
    }
    .encode(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

/// A legacy transaction of nothing.
const SHORTEST: [u8; 10] = [0xc9, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 27, 0x80, 0x80];

fn block_of(transactions: &[u8]) -> Vec<u8> {
    let header = alloy_rlp::encode(chain::empty().header());
    list(&[&header, &list(transactions), &[0xc0, 0xc0][..]].concat())
}

#[test]
fn blocks() {
    let most = SHORTEST.repeat(65_536);
    read("block", "as many transactions as may be", &block_of(&most));
    let more = SHORTEST.repeat((8 * MIB - 2_000) / SHORTEST.len());
    read("block", "as many as there is room for", &block_of(&more));
    read("block", "lists of nothing", &block_of(&vec![0xc0; 8 * MIB - 2_000]));
    read("block", "longer than any", &block_of(&vec![0xc0; 9 * MIB]));
    for (kind, transactions) in [("as may be", most), ("as there is room for", more)] {
        let executed = list(&[&block_of(&transactions), &[0xc0, 0xc0][..]].concat());
        read("executed_block", kind, &executed);
    }
    let senders = list(&[0x94; 21].repeat(8 * MIB / 21));
    let executed = list(&[&block_of(&[]), &senders, &[0xc0][..]].concat());
    read("executed_block", "senders", &executed);
}

#[test]
fn transactions() {
    // An access list of addresses without slots, and authorizations of nothing.
    let address = [&[0xd6, 0x94][..], &[7; 20], &[0xc0]].concat();
    let nothing = [&[0xda, 0x80, 0x94][..], &[7; 20], &[0x80, 0x80, 0x80, 0x80]].concat();
    let start = [&[0x80; 5][..], &[0x94], &[7; 20], &[0x80, 0x80]].concat();
    let end = [0x80, 0x80, 0x80];
    let typed = |kind: u8, fields: &[u8]| [&[kind][..], &list(fields)].concat();
    let (addresses, authorizations) = (list(&address.repeat(5_000)), list(&nothing.repeat(4_500)));
    read(
        "transaction",
        "addresses",
        &typed(2, &[&start[..], &addresses, &end].concat()),
    );
    let fields = [&start[..], &[0xc0], &authorizations, &end].concat();
    read("transaction", "authorizations", &typed(4, &fields));
}

#[cfg(feature = "network")]
mod network {
    use super::*;
    use rayswarm_network::MESSAGE_VERSION;

    /// The most that each message may be; of a document less, since reading the longest takes seconds here.
    const WORD_MAX: usize = 8 * MIB + (128 << 10);
    const ANSWER_MAX: usize = 12 * MIB + (64 << 10);
    const DOCUMENT_MAX: usize = 4 * MIB;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&[MESSAGE_VERSION][..], &(body.len() as u32).to_le_bytes(), body].concat()
    }

    fn lists(target: &str, kind: &str, variant: &[u8], item: &[u8], bytes: usize, end: &[u8]) {
        let most = bytes / item.len();
        for count in [1, 256, 2_048, 4_096, 4_097, 32_768, most]
            .into_iter()
            .filter(|count| *count <= most)
        {
            let announced = postcard::to_stdvec(&count).unwrap();
            let body = [variant, &announced, &item.repeat(count), end].concat();
            read(target, &format!("{count} {kind}"), &frame(&body));
        }
        let announced = postcard::to_stdvec(&usize::MAX).unwrap();
        let body = [variant, &announced].concat();
        read(target, &format!("{kind} that are not there"), &frame(&body));
    }

    #[test]
    fn words_and_answers() {
        lists("chain_word", "empty transactions", &[3], &[0], WORD_MAX - 32, &[]);
        lists("chain_word", "bytes of consensus", &[1], &[7], WORD_MAX - 32, &[]);
        lists("chain_answer", "empty blocks", &[0], &[0, 0], ANSWER_MAX - 2_000, &[]);
        lists("chain_answer", "empty headers", &[1], &[0], ANSWER_MAX - 2_000, &[]);
        lists(
            "chain_answer",
            "empty executed blocks",
            &[2],
            &[0],
            ANSWER_MAX - 2_000,
            &[],
        );
        let slot = postcard::to_stdvec(&(1u32, B256::ZERO, B256::ZERO)).unwrap();
        lists("chain_answer", "slots", &[3, 1], &slot, ANSWER_MAX - 2_000, &[0]);
    }

    #[test]
    fn other_messages() {
        let document = [&[0, 5][..], &postcard::to_stdvec(&vec![1u8; DOCUMENT_MAX]).unwrap()].concat();
        read("peer_message", "a document", &frame(&document));
        read("peer_message", "zeros", &frame(&vec![0; MIB]));
        read("peer_message", "ones", &frame(&vec![1; MIB]));
    }
}

#[test]
fn messages_of_consensus() {
    // Twice the signatures of any set, and as many as there is room for.
    let signer = postcard::to_stdvec(&(
        alloy_primitives::Address::ZERO,
        alloy_primitives::FixedBytes::<65>::ZERO,
    ))
    .unwrap();
    for count in [256, 8 * MIB / signer.len()] {
        let head = postcard::to_stdvec(&(2u32, 1u64, 0u32, B256::ZERO, count)).unwrap();
        read(
            "consensus_message",
            "signatures",
            &[head, signer.repeat(count)].concat(),
        );
    }
    let proposal = postcard::to_stdvec(&vec![0u8; 8 * MIB]).unwrap();
    let signed = rayswarm_fuzzing::samples::of("consensus_message");
    let (_, bytes) = signed.iter().find(|(name, _)| *name == "proposal").unwrap();
    // The block is the last of a proposal, 76 bytes after their number.
    read(
        "consensus_message",
        "a block",
        &[&bytes[..bytes.len() - 77], &proposal].concat(),
    );
}

#[test]
fn documents() {
    for byte in [0, 1, 2, 0x10] {
        read("document", "one byte", &vec![byte; 4 * MIB]);
    }
}

#[cfg(feature = "node")]
mod node {
    use super::*;
    use rayswarm_fuzzing::node::FILE_OF;

    const REQUEST_MAX: usize = 8 * MIB;

    fn call(method: &str, params: &str) -> Vec<u8> {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":[{params}]}}"#).into_bytes()
    }

    #[test]
    fn requests() {
        let room = REQUEST_MAX - 400;
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let many = |item: &str| vec![item; room / (item.len() + 1)].join(",");
        for (kind, request) in [
            (
                "numbers in a call",
                call("eth_call", &format!(r#"{{"x":[{}]}}"#, many("1"))),
            ),
            (
                "lists in a call",
                call("eth_call", &format!(r#"{{"x":[{}]}}"#, many(&deep))),
            ),
            (
                "code in a call",
                call("eth_call", &format!(r#"{{"data":"0x{}"}}"#, "0".repeat(room))),
            ),
            (
                "topics",
                call("eth_getLogs", &format!(r#"{{"topics":[[{}]]}}"#, many("null"))),
            ),
            (
                "addresses",
                call("eth_newFilter", &format!(r#"{{"address":[{}]}}"#, many("null"))),
            ),
            (
                "slots",
                call(
                    "eth_getProof",
                    &format!(r#""0x{}",[{}]"#, "cc".repeat(20), many(r#""0x0""#)),
                ),
            ),
            (
                "percentiles",
                call("eth_feeHistory", &format!(r#"1,"latest",[{}]"#, many("1"))),
            ),
            (
                "raw bytes",
                call("eth_sendRawTransaction", &format!(r#""0x{}""#, "02".repeat(room / 2))),
            ),
            ("a batch of numbers", format!("[{}]", many("1")).into_bytes()),
            (
                "a batch of calls",
                format!(
                    "[{}]",
                    vec![String::from_utf8(call("eth_getBlockByNumber", r#""0x1",true"#)).unwrap(); 2_000].join(",")
                )
                .into_bytes(),
            ),
            ("longer than any", vec![b' '; REQUEST_MAX + 1]),
        ] {
            read("rpc_request", kind, &request);
        }
    }

    #[test]
    fn files() {
        let start = [&b"RSCHAIN1"[..], FILE_OF.as_slice(), &u64::MAX.to_be_bytes()].concat();
        let longest = [((8 * MIB) as u32).to_be_bytes(), (64u32 << 10).to_be_bytes()].concat();
        read(
            "block_file",
            "a block that is not there",
            &[&start[..], &longest].concat(),
        );
        let shortest = [&1u32.to_be_bytes()[..], &0u32.to_be_bytes(), &[7]].concat();
        let count = 200_000u64;
        let start = [&b"RSCHAIN1"[..], FILE_OF.as_slice(), &count.to_be_bytes()].concat();
        read(
            "block_file",
            "short blocks",
            &[&start[..], &shortest.repeat(200_000)].concat(),
        );
        for (kind, item) in [
            ("numbers", "1"),
            ("lists", "[[[[1]]]]"),
            ("objects", r#"{"a":{"b":1}}"#),
        ] {
            let text = format!(r#"{{"x":[{}]}}"#, vec![item; 20_000].join(","));
            read("genesis_file", kind, text.as_bytes());
        }
    }
}
