//! Transactions between peers: told by whoever has them from a wallet, named by the others, and given to those who ask.

use alloy_primitives::keccak256;
use rayswarm_network::{ChainAnswer, ChainQuestion, ChainWord};

use super::{
    hostile::{
        Stage,
        liar::{Liar, Talk},
        signed, transfer, until,
    },
    *,
};

/// The next word about transactions.
async fn heard(talk: &mut Talk) -> ChainWord {
    loop {
        let word = talk.hear().await;
        if matches!(word, ChainWord::Transactions(_) | ChainWord::Announced(_)) {
            return word;
        }
    }
}

async fn wallet_sends(stage: &Stage, raw: &[u8]) {
    let params = json!([Bytes::copy_from_slice(raw)]);
    let answer = ask(stage.node.chain(), "eth_sendRawTransaction", params).await;
    assert!(answer["result"].is_string(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_wallet_sends_is_told_and_what_a_peer_tells_is_named() {
    let stage = Stage::set(ConsensusKind::Pos).await;
    let node = Liar::new().await;
    let (mut peer, _) = node.greet(&stage.node.address(), stage.genesis()).await;
    // They wait for the nonces before them.
    let (own, others) = (signed(transfer(5)), signed(transfer(7)));
    wallet_sends(&stage, &own).await;
    assert_eq!(
        heard(&mut peer).await,
        ChainWord::Transactions(vec![own.clone().into()])
    );
    peer.say(&ChainWord::Transactions(vec![others.clone().into()])).await;
    assert_eq!(heard(&mut peer).await, ChainWord::Announced(vec![keccak256(&others)]));

    let unknown = B256::repeat_byte(9);
    let asked = ChainQuestion::Transactions(vec![keccak256(&others), unknown, keccak256(&own)]);
    let given = peer.ask(&asked).await;
    assert_eq!(given, ChainAnswer::Transactions(vec![others.into(), own.into()]));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_peer_names_is_asked_for_unless_it_is_here() {
    let stage = Stage::set(ConsensusKind::Pos).await;
    let node = Liar::new().await;
    let (mut peer, _) = node.greet(&stage.node.address(), stage.genesis()).await;
    let (known, unknown) = (signed(transfer(5)), signed(transfer(0)));
    wallet_sends(&stage, &known).await;
    peer.say(&ChainWord::Announced(vec![keccak256(&known), keccak256(&unknown)]))
        .await;
    let answer = ChainAnswer::Transactions(vec![unknown.clone().into()]);
    let asked = peer.answer(&answer).await;
    assert_eq!(asked, ChainQuestion::Transactions(vec![keccak256(&unknown)]));
    until(async || {
        let receipt = ask(
            stage.node.chain(),
            "eth_getTransactionReceipt",
            json!([keccak256(&unknown)]),
        );
        !receipt.await["result"].is_null()
    })
    .await;
    stage.end().await;
}
