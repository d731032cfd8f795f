//! Requests as wallets and libraries send them, a file of two blocks, a genesis by each consensus.

use super::{Sample, chain, consensus};
use crate::{consensus::key, node::FILE_OF};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Bytes, U256, hex};
use rayswarm_chain::GenesisAccount;
use rayswarm_consensus::{BftRules, PowRules};
use rayswarm_node::chain::{ChainSpec, ConsensusRules, FirstValidator, ValidatorParams};
use serde_json::{Value, json};

fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn word(number: u8) -> String {
    format!("0x{number:064x}")
}

pub(super) fn requests() -> Vec<Sample> {
    let (account, contract, first) = (key(1).address(), chain::CONTRACT, chain::genesis().hash());
    let call = json!({"from": account, "to": contract, "gas": "0x186a0", "data": word(5)});
    let change = json!({"code": "0x5f5ff3", "balance": "0x1", "stateDiff": {word(0): word(1)}});
    let listed = json!({
        "to": contract, "input": "0x", "accessList": [{"address": contract, "storageKeys": [word(0)]}],
        "maxFeePerGas": "0x3b9aca00", "type": "0x2",
    });
    let filter = json!({
        "fromBlock": "0x0", "toBlock": "latest", "address": [contract], "topics": [null, [word(7)]],
    });
    let at_hash = json!({"blockHash": first, "requireCanonical": true});
    let raw = format!("0x{}", hex::encode(chain::call().encoded_2718()));
    let look_up = json!([
        request("eth_getBlockByHash", json!([first, false])),
        request("eth_getBlockReceipts", json!(["0x1"])),
        request("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])),
        request("eth_getTransactionReceipt", json!([first])),
    ]);
    let watch = json!([
        request("eth_newFilter", json!([filter])),
        request("eth_newBlockFilter", json!([])),
        request("eth_getFilterChanges", json!(["0x1"])),
        {"jsonrpc": "2.0", "method": "eth_blockNumber"},
    ]);
    [
        ("block", request("eth_getBlockByNumber", json!(["latest", true]))),
        ("balance", request("eth_getBalance", json!([account, at_hash]))),
        (
            "storage",
            request("eth_getStorageAt", json!([contract, "0x0", "pending"])),
        ),
        ("nonce", request("eth_getTransactionCount", json!([account, "pending"]))),
        (
            "proof",
            request("eth_getProof", json!([contract, ["0x0", "0x1"], "latest"])),
        ),
        (
            "call",
            request("eth_call", json!([call, "latest", {contract.to_string(): change}])),
        ),
        ("estimate", request("eth_estimateGas", json!([call]))),
        ("access-list", request("eth_createAccessList", json!([listed]))),
        (
            "fees",
            request("eth_feeHistory", json!(["0x4", "latest", [10.0, 50.5, 99.0]])),
        ),
        ("send", request("eth_sendRawTransaction", json!([raw]))),
        ("logs", request("eth_getLogs", json!([filter]))),
        ("look-up", look_up),
        ("watch", watch),
    ]
    .map(|(name, request)| (name, request.to_string().into_bytes()))
    .into()
}

pub(super) fn block_files() -> Vec<Sample> {
    let seal = consensus::seals().remove(0).1;
    let two = [
        (chain::empty().encode(), seal),
        (b"a block, or not".to_vec(), Vec::new()),
    ];
    vec![("two", file(&two)), ("none", file(&[]))]
}

/// As docs/protocol/chain.md describes it.
fn file(blocks: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let count = (blocks.len() as u64).to_be_bytes();
    let mut file = [&b"RSCHAIN1"[..], FILE_OF.as_slice(), &count].concat();
    for (block, seal) in blocks {
        for length in [block.len(), seal.len()] {
            file.extend_from_slice(&(length as u32).to_be_bytes());
        }
        file.extend_from_slice(block);
        file.extend_from_slice(seal);
    }
    file
}

pub(super) fn genesis_files() -> Vec<Sample> {
    let pow: PowRules = serde_json::from_value(json!({
        "initial_difficulty": "0x100000", "block_seconds": 15, "half_life_seconds": 3600, "confirmations": 30, "ahead_seconds_max": 15,
    }))
    .unwrap();
    let params = ValidatorParams {
        epoch_blocks: 100,
        evidence_blocks: 1_000,
        unbonding_blocks: 2_000,
        jail_blocks: 100,
        missed_turns_max: 5,
        validators_max: 21,
        slash_bps: 500,
        reporter_bps: 1_000,
        min_stake: U256::from(1_000),
    };
    let validators = (1..=2).map(|number| FirstValidator {
        account: key(number).address(),
        stake: U256::from(5_000),
    });
    let pos = ConsensusRules::Pos {
        timing: BftRules::default(),
        params,
        validators: validators.clone().collect(),
    };
    let dpos = ConsensusRules::Dpos {
        timing: BftRules::default(),
        params,
        validators: validators.collect(),
    };
    [
        ("solo", ConsensusRules::Solo),
        ("pow", ConsensusRules::Pow { rules: pow }),
        ("pos", pos),
        ("dpos", dpos),
    ]
    .map(|(name, consensus)| (name, genesis_file(consensus)))
    .into()
}

/// With a contract that takes whatever it is told, where the consensus needs one: the real ones are too long here.
fn genesis_file(consensus: ConsensusRules) -> Vec<u8> {
    let mut genesis = chain::genesis();
    if let Some(contract) = consensus.contract() {
        let account = GenesisAccount {
            code: Bytes::from_static(&[0]),
            ..GenesisAccount::default()
        };
        genesis.alloc.insert(contract, account);
    }
    ChainSpec { consensus, genesis }.to_text().unwrap()
}
