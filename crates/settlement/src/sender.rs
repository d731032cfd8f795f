//! One account's transactions, one after the other: write down, sign, send, wait until mined, explain a failure. What follows
//! from a look at the chain is [`crate::outbox`]'s to say.

mod refusals;

use crate::{
    error::SettlementError,
    outbox::{Fees, Outbox, Outgoing, Place, Sight, Step, next_nonce},
    rpc::Rpc,
};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    primitives::{Address, B256, Bytes, TxKind, U256},
    rpc::types::{TransactionInput, TransactionReceipt, TransactionRequest},
};
use rayswarm_model::{UnixMillis, signed::AccountKey};
use refusals::{already_known, lacks_funds, may_have_arrived, nonce_taken};
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::{Mutex, MutexGuard};

/// Our own chain seals a block as soon as a transaction comes, so the first looks are quick ones.
const POLL_QUICK: Duration = Duration::from_millis(50);
/// Other chains take seconds per block; asking more often only loads the server.
const POLL_SLOW: Duration = Duration::from_secs(1);
/// When to change from quick looks to slow ones.
const QUICK_FOR: Duration = Duration::from_secs(5);
/// Ten blocks of the slowest chain in use. Giving up is harmless: the next call finds the transaction's effect.
const MINED_WITHIN: Duration = Duration::from_secs(120);
/// Another process with the same key may take a nonce between our look and our sending.
const NONCE_TRIES: usize = 5;
/// Osaka's limit for one transaction (EIP-7825).
const TX_GAS_MAX: u64 = 1 << 24;
/// What it costs to fill an empty storage slot (EIP-2929): another transaction may empty one, such as an allowance, that
/// was full at the estimate.
pub(crate) const SLOT_GAS: u64 = 22_100;
/// The jurors' tree remembers weights by the second: a change that was estimated in a second in which another had changed
/// the tree fills a new slot on each level when it is mined in a later one. Twelve levels are those of 4,096 jurors.
pub(crate) const REWEIGHING_GAS: u64 = 12 * SLOT_GAS;

/// A transaction that is part of the chain and succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mined {
    /// Transaction hash.
    pub tx: B256,
    /// Height of its block.
    pub block: u64,
    /// Gas it used.
    pub gas_used: u64,
}

/// What a transaction does.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) to: TxKind,
    /// Native coins that go along, in wei.
    pub(crate) value: U256,
    pub(crate) input: Bytes,
}

/// Holds an account's key and the queue of its transactions.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    rpc: Rpc,
    chain_id: u64,
    key: AccountKey,
    outbox: Arc<dyn Outbox>,
    turn: Arc<Mutex<()>>,
}

/// The right to send for the account. Whoever holds it can look at the chain and act on what it saw.
pub(crate) struct Turn<'a> {
    sender: &'a Sender,
    _guard: MutexGuard<'a, ()>,
}

impl Sender {
    pub(crate) fn new(rpc: Rpc, chain_id: u64, key: AccountKey, outbox: Arc<dyn Outbox>) -> Self {
        Self {
            rpc,
            chain_id,
            key,
            outbox,
            turn: Arc::default(),
        }
    }

    pub(crate) fn account(&self) -> Address {
        self.key.address()
    }

    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn {
            sender: self,
            _guard: self.turn.lock().await,
        }
    }
}

impl Turn<'_> {
    pub(crate) fn account(&self) -> Address {
        self.sender.account()
    }

    /// Sends a call or a creation and waits until it is mined. What was written down before and is not mined comes first;
    /// if it is this very call, it is not sent a second time.
    pub(crate) async fn send(
        &self,
        action: &'static str,
        to: TxKind,
        input: Vec<u8>,
    ) -> Result<TransactionReceipt, SettlementError> {
        self.send_with_room(action, to, input, SLOT_GAS).await
    }

    /// The same for a call that may come to need `room` more gas than it is estimated to.
    pub(crate) async fn send_with_room(
        &self,
        action: &'static str,
        to: TxKind,
        input: Vec<u8>,
        room: u64,
    ) -> Result<TransactionReceipt, SettlementError> {
        let call = Call {
            to,
            value: U256::ZERO,
            input: input.into(),
        };
        self.make(action, call, room).await
    }

    /// The same with any call, coins included.
    pub(crate) async fn make(
        &self,
        action: &'static str,
        call: Call,
        room: u64,
    ) -> Result<TransactionReceipt, SettlementError> {
        let request = TransactionRequest {
            from: Some(self.sender.account()),
            to: Some(call.to),
            value: Some(call.value),
            input: TransactionInput::new(call.input.clone()),
            ..Default::default()
        };
        let receipt = match self.finish_earlier(Some(&call)).await? {
            Some(receipt) => receipt,
            None => {
                let estimate = match self.sender.rpc.estimate_gas(action, request.clone()).await {
                    Err(error) => return Err(self.sender.explain(error).await),
                    Ok(estimate) => estimate,
                };
                let outgoing = self.submit(action, call, gas_limit(estimate, room)).await?;
                let mined = self.wait(action, outgoing).await?;
                mined.ok_or(SettlementError::Overtaken { action })?
            }
        };
        if receipt.status() {
            let (tx, gas) = (receipt.transaction_hash, receipt.gas_used);
            tracing::debug!(action, %tx, gas, "mined");
            return Ok(receipt);
        }
        Err(self.sender.why_failed(action, request, &receipt).await)
    }

    /// What `look` shows while everything written down is in the chain, what a reorganisation took out of it too: for what is
    /// reckoned from a state, and would be sent twice if that were about to change.
    pub(crate) async fn settled<T, F>(&self, look: impl Fn() -> F) -> Result<T, SettlementError>
    where
        F: Future<Output = Result<T, SettlementError>>,
    {
        loop {
            self.finish_earlier(None).await?;
            let seen = look().await?;
            self.tend(None).await?;
            if self.sender.outbox.load()?.iter().all(|one| one.mined.is_some()) {
                return Ok(seen);
            }
        }
    }

    /// Waits until everything written down is mined; gives the receipt of this call if it was among it.
    async fn finish_earlier(&self, call: Option<&Call>) -> Result<Option<TransactionReceipt>, SettlementError> {
        let mut found = None;
        let waiting = self.sender.outbox.load()?.into_iter().filter(|one| one.mined.is_none());
        for outgoing in waiting {
            let same = call.is_some_and(|call| outgoing.is(call.to.to().copied(), call.value, &call.input));
            // A process that was killed between writing and sending has never sent it; servers keep what they know.
            match self.sender.rpc.send(&self.sender.signed(&outgoing)).await {
                Err(error) if lacks_funds(&error) => return Err(self.sender.explain(error).await),
                Ok(()) | Err(SettlementError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
            let receipt = self.wait("an earlier transaction", outgoing).await?;
            found = receipt.filter(|_| same).or(found);
        }
        Ok(found)
    }

    /// Looks once at everything written down but `except`: what stays is forgotten, what is out of the chain or waits for
    /// long is sent again.
    pub(crate) async fn tend(&self, except: Option<u64>) -> Result<(), SettlementError> {
        let outgoing = self.sender.outbox.load()?.into_iter();
        let outgoing: Vec<_> = outgoing.filter(|one| Some(one.nonce) != except).collect();
        if outgoing.is_empty() {
            return Ok(());
        }
        let stays = self.sender.rpc.stays().await?;
        for mut one in outgoing {
            let (sight, _) = self.look(&one, stays).await?;
            self.take(&mut one, &sight).await?;
        }
        Ok(())
    }

    /// Writes a transaction down and sends it.
    async fn submit(&self, action: &'static str, call: Call, gas_limit: u64) -> Result<Outgoing, SettlementError> {
        let sender = self.sender;
        let mut tries = 0;
        loop {
            tries += 1;
            let seen = sender.rpc.next_nonce(sender.account()).await?;
            let now = now();
            let mut outgoing = Outgoing {
                nonce: next_nonce(seen, &sender.outbox.load()?),
                action: action.into(),
                to: call.to.to().copied(),
                value: call.value,
                input: call.input.clone(),
                gas_limit,
                fees: sender.market().await?,
                hashes: Vec::new(),
                offered_at: now,
                sent_at: now,
                mined: None,
                missing_since: None,
            };
            let tx = sender.signed(&outgoing);
            outgoing.hashes.push(*tx.tx_hash());
            sender.outbox.save(&outgoing)?;
            match sender.rpc.send(&tx).await {
                Ok(()) => return Ok(outgoing),
                Err(error) if already_known(&error) => return Ok(outgoing),
                Err(error) if nonce_taken(&error) && tries < NONCE_TRIES => {
                    sender.outbox.forget(outgoing.nonce)?;
                    tokio::time::sleep(POLL_QUICK).await;
                }
                Err(error) => {
                    if !may_have_arrived(&error) {
                        sender.outbox.forget(outgoing.nonce)?;
                    }
                    return Err(sender.explain(error).await);
                }
            }
        }
    }

    /// Waits until a transaction is mined; `None` when another took its nonce.
    async fn wait(
        &self,
        action: &'static str,
        mut outgoing: Outgoing,
    ) -> Result<Option<TransactionReceipt>, SettlementError> {
        let started = Instant::now();
        let mut tended = started;
        loop {
            // A reorganisation may have taken out what must come before it.
            if tended.elapsed() >= QUICK_FOR {
                tended = Instant::now();
                match self.tend(Some(outgoing.nonce)).await {
                    Ok(()) | Err(SettlementError::Unreachable { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            // Whether it stays is looked at later.
            match self.look(&outgoing, 0).await {
                Ok((sight, receipt)) => match self.take(&mut outgoing, &sight).await? {
                    Step::Mined(_) | Step::Final(_) => return Ok(receipt),
                    Step::Replaced => return Ok(None),
                    Step::Wait | Step::Missing | Step::Send | Step::Bump(_) => {}
                },
                Err(SettlementError::Unreachable { .. }) if started.elapsed() < MINED_WITHIN => {}
                Err(error) => return Err(error),
            }
            if started.elapsed() >= MINED_WITHIN {
                return Err(SettlementError::NotMined {
                    action,
                    tx: outgoing.hashes.last().copied().unwrap_or_default(),
                    waited: MINED_WITHIN,
                });
            }
            let pause = if started.elapsed() < QUICK_FOR {
                POLL_QUICK
            } else {
                POLL_SLOW
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// What the chain shows of a transaction now.
    async fn look(
        &self,
        outgoing: &Outgoing,
        stays: u64,
    ) -> Result<(Sight, Option<TransactionReceipt>), SettlementError> {
        let sender = self.sender;
        // Read first: a transaction mined in between then still shows its receipt.
        let mined_nonce = sender.rpc.mined_nonce(sender.account()).await?;
        let mut receipt = None;
        for hash in outgoing.hashes.iter().rev() {
            receipt = sender.rpc.receipt(*hash).await?;
            if receipt.is_some() {
                break;
            }
        }
        let place = receipt.as_ref().map(|receipt| Place {
            tx: receipt.transaction_hash,
            block: receipt.block_number.unwrap_or_default(),
        });
        let sight = Sight {
            mined_nonce,
            place,
            stays,
            market: outgoing.fees,
        };
        Ok((sight, receipt))
    }

    /// Does what follows from a look, and writes it down.
    async fn take(&self, outgoing: &mut Outgoing, sight: &Sight) -> Result<Step, SettlementError> {
        let sender = self.sender;
        let mut step = outgoing.step(sight, now());
        if let Step::Bump(_) = step {
            let market = sender.market().await?;
            step = outgoing.step(&Sight { market, ..*sight }, now());
        }
        let before = outgoing.clone();
        match step {
            Step::Final(_) | Step::Replaced => {
                sender.outbox.forget(outgoing.nonce)?;
                return Ok(step);
            }
            Step::Wait | Step::Mined(_) | Step::Missing => outgoing.note(step, None, now()),
            Step::Send | Step::Bump(_) => {
                outgoing.note(step, None, now());
                let tx = sender.signed(outgoing);
                outgoing.note(Step::Wait, Some(*tx.tx_hash()), now());
                tracing::info!(
                    action = outgoing.action,
                    nonce = outgoing.nonce,
                    ?step,
                    "sent a transaction again"
                );
                sender.outbox.save(outgoing)?;
                match sender.rpc.send(&tx).await {
                    Ok(()) => {}
                    // Its former form is as good; a block may have taken it this moment.
                    Err(SettlementError::Refused { message, .. }) => {
                        tracing::debug!(message, "a transaction was not taken again");
                    }
                    Err(error) => return Err(error),
                }
                return Ok(step);
            }
        }
        if *outgoing != before {
            sender.outbox.save(outgoing)?;
        }
        Ok(step)
    }
}

impl Sender {
    /// The same bytes for the same transaction: signatures are deterministic (RFC 6979).
    fn signed(&self, outgoing: &Outgoing) -> TxEnvelope {
        let tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce: outgoing.nonce,
            gas_limit: outgoing.gas_limit,
            max_fee_per_gas: outgoing.fees.max,
            max_priority_fee_per_gas: outgoing.fees.priority,
            to: outgoing.to.map_or(TxKind::Create, TxKind::Call),
            value: outgoing.value,
            input: outgoing.input.clone(),
            ..Default::default()
        };
        let signature = self.key.sign_digest(&tx.signature_hash());
        tx.into_signed(signature).into()
    }

    /// What transactions offer now.
    async fn market(&self) -> Result<Fees, SettlementError> {
        let fees = self.rpc.fees().await?;
        Ok(Fees {
            max: fees.max_fee_per_gas,
            priority: fees.max_priority_fee_per_gas,
        })
    }

    /// A server's "insufficient funds" as our own error, with the balance.
    async fn explain(&self, error: SettlementError) -> SettlementError {
        let account = self.account();
        if !lacks_funds(&error) {
            return error;
        }
        match self.rpc.native_balance(account).await {
            Ok(balance) => SettlementError::NoGas {
                account,
                balance_wei: balance.saturating_to(),
            },
            Err(_) => error,
        }
    }

    async fn why_failed(
        &self,
        action: &'static str,
        request: TransactionRequest,
        receipt: &TransactionReceipt,
    ) -> SettlementError {
        let tx = receipt.transaction_hash;
        let Some(block) = receipt.block_number else {
            return SettlementError::Failed { action, tx };
        };
        match self.rpc.replay(action, request, block).await {
            Err(error @ SettlementError::Reverted { .. }) => error,
            _ => SettlementError::Failed { action, tx },
        }
    }
}

impl From<&TransactionReceipt> for Mined {
    fn from(receipt: &TransactionReceipt) -> Self {
        Self {
            tx: receipt.transaction_hash,
            block: receipt.block_number.unwrap_or_default(),
            gas_used: receipt.gas_used,
        }
    }
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A fifth more than estimated, and at least `room`, since the state may change until the transaction is mined.
fn gas_limit(estimate: u64, room: u64) -> u64 {
    let room = room.max(estimate / 5);
    estimate.saturating_add(room).min(TX_GAS_MAX.max(estimate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_limits_leave_room_but_stay_within_one_transaction() {
        assert_eq!(gas_limit(50_000, SLOT_GAS), 72_100);
        assert_eq!(gas_limit(200_000, SLOT_GAS), 240_000);
        assert_eq!(gas_limit(16_000_000, SLOT_GAS), TX_GAS_MAX);
        assert_eq!(gas_limit(20_000_000, SLOT_GAS), 20_000_000);
    }
}
