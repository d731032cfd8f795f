//! The contract as a made-up server shows it, and what is sent to it.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{
    bindings::{delegated::DelegatedValidators, staked::StakedValidators},
    rpc::testing::server,
};
use alloy::{
    consensus::{Transaction, TxEnvelope},
    eips::eip2718::Decodable2718,
    primitives::{B256, Bytes, U256, hex},
    sol_types::{SolCall, SolEvent},
};
use rayswarm_model::signed::AccountKey;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const ONE: Address = Address::repeat_byte(1);
const TWO: Address = Address::repeat_byte(2);
const COIN: u128 = 10u128.pow(18);

fn coins(count: u128) -> U256 {
    U256::from(count * COIN)
}

/// A chain of a kind on which everybody has `staked` coins at stake. What is sent to it is written down and mined.
fn chain(kind: Option<SetKind>, staked: u128) -> (String, Arc<Mutex<Vec<TxEnvelope>>>) {
    let sent: Arc<Mutex<Vec<TxEnvelope>>> = Arc::default();
    let taken = sent.clone();
    let url = server(move |question| {
        let params = &question["params"];
        let result = match question["method"].as_str().unwrap() {
            "eth_chainId" => json!("0x1485"),
            "eth_getCode" => {
                let address: Address = params[0].as_str().unwrap().parse().unwrap();
                json!(if kind.map(SetKind::contract) == Some(address) {
                    "0x60"
                } else {
                    "0x"
                })
            }
            "eth_call" => {
                let input = params[0]["input"].as_str().unwrap();
                json!(Bytes::from(answer(&hex::decode(input).unwrap(), staked)))
            }
            "eth_estimateGas" => json!("0x10000"),
            "eth_feeHistory" => {
                json!({"oldestBlock": "0x1", "baseFeePerGas": ["0x7", "0x7"], "gasUsedRatio": [0.0], "reward": [["0x1"]]})
            }
            "eth_maxPriorityFeePerGas" => json!("0x1"),
            "eth_getTransactionCount" => json!("0x0"),
            "eth_sendRawTransaction" => {
                let raw = hex::decode(params[0].as_str().unwrap()).unwrap();
                let transaction = TxEnvelope::decode_2718(&mut &raw[..]).unwrap();
                let hash = *transaction.tx_hash();
                taken.lock().unwrap().push(transaction);
                json!(hash)
            }
            "eth_getTransactionReceipt" => receipt(&params[0], kind.unwrap().contract()),
            method => panic!("{method} was not expected"),
        };
        (200, json!({"result": result}))
    });
    (url, sent)
}

fn answer(input: &[u8], staked: u128) -> Vec<u8> {
    use DelegatedValidators as D;
    use StakedValidators as S;
    let selector: [u8; 4] = input[..4].try_into().unwrap();
    match selector {
        S::validatorsCall::SELECTOR => S::validatorsCall::abi_encode_returns(&S::validatorsReturn {
            accounts: vec![ONE, TWO],
            powers: vec![7, 9],
        }),
        S::candidatesCall::SELECTOR => S::candidatesCall::abi_encode_returns(&S::candidatesReturn {
            accounts: vec![ONE, TWO],
            weights: vec![coins(7), coins(9)],
        }),
        S::epochCall::SELECTOR => S::epochCall::abi_encode_returns(&3),
        // Power, candidate, jail, turns, missed, stake, unbonding, rewards: one word each.
        S::standingCall::SELECTOR => words(&[
            U256::from(7),
            U256::from(1),
            U256::from(640),
            U256::from(5),
            U256::from(2),
            coins(staked),
            coins(3),
            U256::from(11),
        ]),
        D::delegateInfoCall::SELECTOR => words(&[coins(20), U256::from(500), U256::from(800), U256::from(5)]),
        D::ballotsOfCall::SELECTOR => D::ballotsOfCall::abi_encode_returns(&D::ballotsOfReturn {
            delegates: vec![TWO],
            amounts: vec![coins(4)],
        }),
        D::freeCoinsOfCall::SELECTOR => words(&[coins(6)]),
        selector => panic!("{selector:x?} was not expected"),
    }
}

fn words(words: &[U256]) -> Vec<u8> {
    words.iter().flat_map(U256::to_be_bytes::<32>).collect()
}

/// A receipt that shows 2.5 coins withdrawn.
fn receipt(hash: &Value, contract: Address) -> Value {
    let zero = B256::ZERO;
    let log = json!({
        "address": contract,
        "topics": [StakedValidators::Withdrawn::SIGNATURE_HASH, ONE.into_word()],
        "data": Bytes::from(words(&[U256::from(25 * COIN / 10)])),
        "blockHash": zero, "blockNumber": "0x9", "transactionHash": hash, "transactionIndex": "0x0", "logIndex": "0x0",
        "removed": false,
    });
    json!({
        "transactionHash": hash, "transactionIndex": "0x0", "blockHash": zero, "blockNumber": "0x9",
        "from": ONE, "to": contract, "cumulativeGasUsed": "0x5208", "gasUsed": "0x5208", "effectiveGasPrice": "0x8",
        "contractAddress": null, "logs": [log], "logsBloom": Bytes::from(vec![0; 256]), "type": "0x2", "status": "0x1",
    })
}

fn key() -> AccountKey {
    AccountKey::from_bytes(&[7; 32]).unwrap()
}

#[tokio::test]
async fn the_contract_is_found_where_the_genesis_has_it() {
    for kind in [SetKind::Staked, SetKind::Delegated] {
        let view = ValidatorsView::find(&chain(Some(kind), 0).0).await.unwrap();
        assert_eq!(view.kind(), kind);
        assert_eq!(view.contract(), kind.contract());
    }
    let none = ValidatorsView::find(&chain(None, 0).0).await.unwrap_err();
    assert!(
        matches!(none, SettlementError::NoValidators { chain_id: 5_253 }),
        "{none}"
    );
}

#[tokio::test]
async fn what_it_shows_is_read() {
    let view = ValidatorsView::find(&chain(Some(SetKind::Delegated), 8).0)
        .await
        .unwrap();
    let members: Vec<_> = view
        .members()
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.account, one.power))
        .collect();
    assert_eq!(members, [(ONE, 7), (TWO, 9)]);
    assert_eq!(
        view.candidates().await.unwrap()[0].account,
        TWO,
        "what counts most comes first"
    );
    assert_eq!(view.epoch().await.unwrap(), 3);
    let expected = Standing {
        power: 7,
        candidate: true,
        jail: Some(Jail::Until(640)),
        turns: 5,
        missed: 2,
        stake: Amount(8 * COIN),
        unbonding: Amount(3 * COIN),
        rewards: Amount(11),
    };
    assert_eq!(view.standing(ONE).await.unwrap(), expected);
    let delegate = view.delegate(ONE).await.unwrap();
    assert_eq!(
        (delegate.commission_bps, delegate.next_commission),
        (500, Some((800, 5)))
    );
    let ballots = view.ballots(ONE).await.unwrap();
    assert_eq!((ballots[0].delegate, ballots[0].votes), (TWO, Amount(4 * COIN)));
    assert_eq!(view.free_coins(ONE).await.unwrap(), Amount(6 * COIN));
}

#[tokio::test]
async fn coins_go_along_with_a_stake() {
    for (kind, staked, expected) in [
        (SetKind::Staked, 0, StakedValidators::stakeCall::SELECTOR),
        (SetKind::Staked, 5, StakedValidators::addStakeCall::SELECTOR),
        (SetKind::Delegated, 0, StakedValidators::addStakeCall::SELECTOR),
    ] {
        let (url, sent) = chain(Some(kind), staked);
        let validators = Validators::connect(&url, key()).await.unwrap();
        let mined = validators.stake(Amount(2 * COIN)).await.unwrap();
        assert_eq!(mined.block, 9);
        let sent = sent.lock().unwrap();
        let [transaction] = sent.as_slice() else {
            panic!("{} were sent", sent.len())
        };
        assert_eq!(transaction.value(), coins(2));
        assert_eq!(transaction.to(), Some(kind.contract()));
        assert_eq!(transaction.input()[..], expected);
    }
}

#[tokio::test]
async fn a_withdrawal_says_how_much_came() {
    let (url, sent) = chain(Some(SetKind::Staked), 5);
    let validators = Validators::connect(&url, key()).await.unwrap();
    let paid = validators.withdraw().await.unwrap();
    assert_eq!(paid.amount.to_string(), "2.5");
    assert_eq!(sent.lock().unwrap()[0].value(), U256::ZERO);
    let other = validators.claim_rewards().await.unwrap_err();
    assert!(
        matches!(other, SettlementError::Nonsense { .. }),
        "the event is another: {other}"
    );
}

#[tokio::test]
async fn what_is_for_delegates_is_not_sent_elsewhere() {
    let (url, sent) = chain(Some(SetKind::Staked), 5);
    let validators = Validators::connect(&url, key()).await.unwrap();
    let refused = validators.vote(TWO, Amount(COIN)).await.unwrap_err();
    assert!(
        matches!(
            refused,
            SettlementError::NoDelegates {
                consensus: SetKind::Staked,
                ..
            }
        ),
        "{refused}"
    );
    assert!(validators.register(500, Amount(COIN)).await.is_err());
    assert!(sent.lock().unwrap().is_empty());
}

#[test]
fn a_jail_ends_or_does_not() {
    for (until, expected) in [
        (0, None),
        (7, Some("jailed; may come back from block 7 on")),
        (u64::MAX, Some("jailed for good")),
    ] {
        assert_eq!(Jail::of(until).map(|jail| jail.to_string()).as_deref(), expected);
    }
}
