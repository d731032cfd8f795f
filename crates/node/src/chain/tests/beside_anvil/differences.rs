//! What may differ between this chain's answers and anvil's, and why. A row that no answer needs any more fails the test.

use Form::{Data, Hash, List, Number, Quantity, Text};
use How::{AnvilRefuses, Both, Near, OnlyAnvil, OnlyOurs, OursRefuses, Values};

/// One difference.
pub(super) struct Difference {
    /// Methods, or single requests of the recording; any if there are none.
    pub(super) of: &'static [&'static str],
    /// The last key of a field, or its path from the top of the answer.
    pub(super) field: &'static str,
    pub(super) how: How,
    pub(super) reason: &'static str,
}

/// What is still the same about it.
#[derive(Clone, Copy)]
pub(super) enum How {
    /// Both have it, in this form.
    Both(Form),
    /// Both have it, and the amounts are nearly the same.
    Near,
    /// Anvil has no such key.
    OnlyOurs(Form),
    /// This chain has no such key.
    OnlyAnvil(Form),
    /// These are the two values.
    Values(&'static str, &'static str),
    /// This chain refuses with this code what anvil answers.
    OursRefuses(i64),
    /// Anvil refuses with this code what this chain answers.
    AnvilRefuses(i64),
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// 32 bytes.
    Hash,
    /// Bytes.
    Data,
    /// A number in hexadecimal, without zeros before it.
    Quantity,
    /// A string that is none of these.
    Text,
    /// A number as JSON has them.
    Number,
    /// A list.
    List,
}

const BLOCKS: &[&str] = &["eth_getBlockByNumber", "eth_getBlockByHash"];
const RECEIPT: &[&str] = &["eth_getTransactionReceipt"];
const RECEIPTS: &[&str] = &["eth_getBlockReceipts"];
const ANY: &[&str] = &[];
/// Requests for blocks from the first one with a creation that failed on.
const AFTER_STILLBORN: &[&str] = &[
    "the block latest",
    "the block safe",
    "the block finalized",
    "the block pending",
    "the latest block with its transactions",
    "the block of second, by height",
    "two transactions",
    "a block was made",
];

const fn row(of: &'static [&'static str], field: &'static str, how: How, reason: &'static str) -> Difference {
    Difference { of, field, how, reason }
}

/// The rows; the first that is about a field counts.
pub(super) const DIFFERENCES: &[Difference] = &[
    // Blocks: who made them, and when.
    row(RECEIPT, "result/blockTimestamp", OnlyAnvil(Number), NOT_IN_RECEIPTS),
    row(RECEIPTS, "result/*/blockTimestamp", OnlyAnvil(Number), NOT_IN_RECEIPTS),
    row(ANY, "timestamp", Both(Quantity), OWN_CLOCK),
    row(ANY, "blockTimestamp", Both(Quantity), OWN_CLOCK),
    row(ANY, "blockHash", Both(Hash), HASHED),
    row(ANY, "parentHash", Both(Hash), HASHED),
    row(BLOCKS, "result/hash", Both(Hash), HASHED),
    row(&["eth_subscription"], "params/result/hash", Both(Hash), HASHED),
    row(&["it is told: block"], "result/0", Both(Hash), HASHED),
    row(ANY, "extraData", Both(Data), "each program signs its blocks, as it may"),
    row(ANY, "size", Both(Quantity), "the extra data counts"),
    row(
        ANY,
        "mixHash",
        Both(Hash),
        "a lone sealer has no randomness, and each makes up its own",
    ),
    row(
        &["the block earliest"],
        "stateRoot",
        Both(Hash),
        "anvil says that its first state is empty, though it has the accounts; from block 1 on the roots are the same",
    ),
    row(AFTER_STILLBORN, "stateRoot", Both(Hash), STILLBORN),
    row(&["eth_getProof"], "result/accountProof/0", Both(Data), STILLBORN),
    row(&["a block was made"], "transactions", OnlyAnvil(List), HEADS),
    row(&["a block was made"], "uncles", OnlyAnvil(List), HEADS),
    row(&["a block was made"], "withdrawals", OnlyAnvil(List), HEADS),
    row(
        ANY,
        "totalDifficulty",
        OnlyAnvil(Quantity),
        "execution-apis requires it no more, and there is no such thing since the merge",
    ),
    // Transactions and receipts.
    row(RECEIPT, "blobGasPrice", OnlyAnvil(Quantity), NO_BLOBS),
    row(RECEIPTS, "blobGasPrice", OnlyAnvil(Quantity), NO_BLOBS),
    row(
        &["it has no block yet"],
        "result/gasPrice",
        Values("\"0x64\"", "\"0x9\""),
        "execution-apis: the most that it pays, while it waits; anvil foretells what it will pay",
    ),
    // What each recommends.
    row(&["web3_clientVersion"], "result", Both(Text), "another program"),
    row(
        &["eth_gasPrice", "eth_maxPriorityFeePerGas"],
        "result",
        Both(Quantity),
        "a lone sealer takes any tip, so the least is suggested; anvil suggests what mainnet had",
    ),
    row(
        &["eth_estimateGas"],
        "result",
        Near,
        "each stops searching at another precision",
    ),
    // Names of things.
    row(
        &[
            "eth_newFilter",
            "eth_newBlockFilter",
            "eth_newPendingTransactionFilter",
            "eth_subscribe",
        ],
        "result",
        Both(Quantity),
        OWN_NAME,
    ),
    row(&["eth_subscription"], "subscription", Both(Quantity), OWN_NAME),
    // What only one of them answers.
    row(
        &["of no block"],
        "",
        AnvilRefuses(-32602),
        "execution-apis has null for a block that there is not",
    ),
    row(
        &["with a fee below the base fee"],
        "",
        OursRefuses(-32000),
        "a call with a price is checked like a transaction, as geth does; anvil does not look",
    ),
    row(
        &["gas of a value that is not there"],
        "",
        OursRefuses(-32003),
        "no gas makes it succeed, so there is no estimate, as with geth",
    ),
    row(
        &["in the future"],
        "",
        AnvilRefuses(-32602),
        "a client that is ahead by a block finds no logs, and asks again",
    ),
    row(
        &["in a range that ends before it begins"],
        "",
        OursRefuses(-32000),
        "execution-apis: invalid block range params",
    ),
    row(
        &["tips that fall"],
        "",
        OursRefuses(-32602),
        "execution-apis: percentiles rise monotonically",
    ),
    row(
        &["fees up to a block that there is not"],
        "",
        OursRefuses(-32001),
        "there are no fees to tell of; anvil answers with blocks of its future",
    ),
    row(
        &["of another chain, EIP-155"],
        "",
        OursRefuses(-32003),
        "anvil takes legacy transactions of any chain (EIP-155 has it the other way)",
    ),
    row(
        &["proof that there is nobody"],
        "result/storageProof/0/proof/0",
        OnlyAnvil(Data),
        "a trie without nodes has none to show, as with geth; anvil shows an empty one",
    ),
    // Errors.
    row(ANY, "message", Both(Text), "each says it in its own words"),
    row(
        ANY,
        "error/data",
        OnlyOurs(Text),
        "what is wrong with the parameters is said beside the standard message; anvil says it in its place",
    ),
    row(ANY, "error/code", Values("-32001", "-32602"), NOT_FOUND),
    row(ANY, "error/code", Values("-32001", "-32000"), NOT_FOUND),
    row(
        &["eth_call", "eth_estimateGas"],
        "error/code",
        Values("-32000", "-32603"),
        "a contract that fails is no internal error of the node",
    ),
    row(
        &["eth_sendRawTransaction"],
        "error/code",
        Values("-32003", "-32000"),
        "EIP-1474: transaction rejected; anvil says so of most reasons, but not of its gas limit",
    ),
    row(
        &[
            "a signature with a high s (EIP-2)",
            "a transaction with something after it",
        ],
        "error/code",
        Values("-32602", "-32003"),
        "such bytes are no transaction, so the parameter is invalid",
    ),
    row(
        &["no such method over a socket"],
        "error/code",
        Values("-32601", "-32602"),
        "JSON-RPC 2.0: method not found; over HTTP anvil says so too",
    ),
    row(
        &["no JSON"],
        "error/code",
        Values("-32700", "-32600"),
        "JSON-RPC 2.0: parse error",
    ),
    row(
        &["an object that is no request"],
        "error/code",
        Values("-32700", "-32600"),
        "the library that reads requests does not tell the two apart",
    ),
];

const NOT_IN_RECEIPTS: &str = "execution-apis allows no such key in a receipt; anvil's is not even in hexadecimal";
const STILLBORN: &str = "anvil keeps an empty account where a creation failed; EIP-161 has none, nor have the specification's tests (tests/general_state)";
const HEADS: &str = "a subscription tells of headers, as with geth";
const NO_BLOBS: &str = "execution-apis: only specified for blob transactions";
const OWN_CLOCK: &str = "each chain has a clock of its own";
const HASHED: &str = "the time and the extra data are in it";
const OWN_NAME: &str = "each makes up names of its own";
const NOT_FOUND: &str = "EIP-1474 and execution-apis: resource not found; anvil says so of some";
