//! Coins that go to a new account each, so that what everybody must have in the end is known to the last unit.

use super::{PATIENCE, Receipts, Round, Stream, receipt, stranger};
use crate::{keeper::Door, until};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    primitives::{Bytes, TxKind},
};
use anyhow::{Context, ensure};
use rayswarm_model::{Address, B256, U256, signed::AccountKey};
use serde_json::json;

/// What everybody gets, in wei.
const COINS: u64 = 1_000_000_007;
/// Enough for any of these chains, in wei.
const FEE_MAX: u128 = 1_000_000_000;
/// So many are sent however early it is told to end.
const AT_LEAST: usize = 3;

/// Transfers on their way.
pub struct Transfers(Stream<Sent>);

/// Transfers that are final.
pub struct Sent {
    receipts: Receipts,
    paid: Vec<Address>,
}

impl Transfers {
    /// Begins to send from an account that has coins, by one node after the other.
    ///
    /// # Errors
    /// When there is no node, or it does not say which chain it keeps.
    pub fn begin(payer: AccountKey, doors: Vec<Door>) -> anyhow::Result<Self> {
        let first = doors.first().context("a node to ask")?;
        let chain = first.ask("eth_chainId", &json!([]))?;
        let chain_id = u64::from_str_radix(chain.as_str().context("an id")?.trim_start_matches("0x"), 16)?;
        let sending = move |ends: &dyn Fn() -> bool| send(&payer, chain_id, Round::of(doors), ends);
        Ok(Self(Stream::begin("transfers", sending)?))
    }

    /// Ends it, and waits until all are final.
    ///
    /// # Errors
    /// When one was refused or lost.
    pub fn end(self) -> anyhow::Result<Sent> {
        self.0.end()
    }
}

impl Sent {
    /// A node has all of them, and everybody has its coins on it, once.
    ///
    /// # Errors
    /// Names what it has not.
    pub fn are_kept_by(&self, door: &Door) -> anyhow::Result<()> {
        self.receipts.are_kept_by(door)?;
        for account in &self.paid {
            let balance = door.ask("eth_getBalance", &json!([account, "latest"]))?;
            ensure!(
                balance == format!("{COINS:#x}"),
                "{}: {account} has {balance}",
                door.url()
            );
        }
        Ok(())
    }
}

fn send(payer: &AccountKey, chain_id: u64, mut nodes: Round, ends: &dyn Fn() -> bool) -> anyhow::Result<Sent> {
    let (mut receipts, mut all) = (Receipts::default(), Vec::new());
    let mut paid = Vec::new();
    while paid.len() < AT_LEAST || !ends() {
        let nonce = paid.len() as u64;
        let to = stranger(&format!("paid by {}", payer.address()), nonce);
        let (hash, raw) = signed(payer, chain_id, nonce, to);
        let mut refusal = None;
        until("a transfer is in a block", PATIENCE, || {
            let door = nodes.next()?;
            // A node that knows it already says so: nothing is sent twice.
            if let Err(error) = offer(&door, &raw) {
                refusal = Some(error);
            }
            Ok(receipt(&door, hash).ok().flatten())
        })
        .with_context(|| format!("the last refusal: {refusal:?}"))?;
        receipts.waiting.push(hash);
        all.push((hash, raw));
        paid.push(to);
        // Whoever is dead has nothing to say.
        let _ = receipts.look(&nodes.next()?);
    }
    until("all transfers are final", PATIENCE, || {
        let door = nodes.next()?;
        // A reorganisation gives them back to the pools of nodes, but one that dies forgets its own.
        for (_, raw) in all.iter().filter(|(hash, _)| receipts.waiting.contains(hash)) {
            let _ = offer(&door, raw);
        }
        let _ = receipts.look(&door);
        Ok(receipts.waiting.is_empty().then_some(()))
    })
    .with_context(|| format!("{} of {} are not", receipts.waiting.len(), paid.len()))?;
    Ok(Sent { receipts, paid })
}

fn offer(door: &Door, raw: &Bytes) -> anyhow::Result<()> {
    door.ask("eth_sendRawTransaction", &json!([raw])).map(drop)
}

fn signed(payer: &AccountKey, chain_id: u64, nonce: u64, to: Address) -> (B256, Bytes) {
    let transfer = TxEip1559 {
        chain_id,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: FEE_MAX,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(COINS),
        ..Default::default()
    };
    let signature = payer.sign_digest(&transfer.signature_hash());
    let transfer: TxEnvelope = transfer.into_signed(signature).into();
    (*transfer.tx_hash(), transfer.encoded_2718().into())
}
