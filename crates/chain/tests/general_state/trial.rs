//! One test: its state as a genesis, its transaction through pool, building and checking, and what came of it.

use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use rayswarm_chain::{
    BlockAttributes, BlockError, Chain, ExecutedBlock, Genesis, GenesisAccount, Hardfork, Refused, Transaction,
    decode_block, decode_transaction, recover,
};

use crate::{
    fixture::{AccountState, Outcome, StateTest},
    left_out::{self, LeftOut},
};

/// How a test ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The transaction did what it should.
    Executed,
    /// The transaction was refused, as it should be.
    Refused,
    /// It was not asked.
    LeftOut(LeftOut),
}

/// Runs one test for one hardfork and one choice. The error says what is not as it should be.
pub fn run(name: &str, test: &StateTest, hardfork: Hardfork, expected: &Outcome) -> Result<Verdict, String> {
    if let Some(reason) = left_out::before_trial(name, test, expected) {
        return Ok(Verdict::LeftOut(reason));
    }
    let mut chain = Chain::new(genesis(test, hardfork)?).map_err(|error| error.to_string())?;
    let attributes = BlockAttributes {
        timestamp: narrow(test.env.current_timestamp, "timestamp")?,
        beneficiary: test.env.current_coinbase,
        mix_hash: test.env.current_random.unwrap_or_default(),
        ..BlockAttributes::default()
    };
    let bytes: &[u8] = expected.txbytes.as_ref().map_or(&[], |bytes| bytes);
    let transaction = match Transaction::decode_2718_exact(bytes) {
        Ok(transaction) => transaction,
        // What does not even read is in no block.
        Err(_) if expected.exception.is_some() => return Ok(Verdict::Refused),
        Err(error) => return Err(format!("the transaction does not read: {error}")),
    };
    let kind = left_out::of_this_kind(&transaction);
    if expected.exception.is_some() || kind.is_some() {
        refused(&mut chain, attributes, transaction)?;
        if let (None, Some(reason)) = (&expected.exception, kind) {
            return Ok(Verdict::LeftOut(reason));
        }
        compare("state root before", expected.hash, chain.state().root())?;
        return Ok(Verdict::Refused);
    }
    is_the_choice(test, expected, &transaction)?;
    let executed = executed(&mut chain, attributes, transaction, test.transaction.sender)?;
    compare_with(expected, &executed)?;
    checked(&chain, &executed)?;
    Ok(Verdict::Executed)
}

fn genesis(test: &StateTest, hardfork: Hardfork) -> Result<Genesis, String> {
    let env = &test.env;
    let base_fee = env.current_base_fee.ok_or("the block has no base fee")?;
    let account = |account: &AccountState| GenesisAccount {
        balance: account.balance,
        nonce: account.nonce.to(),
        code: account.code.clone(),
        storage: account.storage.clone(),
    };
    Ok(Genesis {
        chain_id: test.config.chainid.map_or(1, |id| id.to()),
        timestamp: narrow(env.current_timestamp, "timestamp")?,
        gas_limit: narrow(env.current_gas_limit, "gas limit")?,
        base_fee: base_fee_before(narrow(base_fee, "base fee")?),
        hardfork,
        sealer: env.current_coinbase,
        alloc: test.pre.iter().map(|(&address, it)| (address, account(it))).collect(),
        extra_data: Bytes::new(),
        reward: U256::ZERO,
        system: None,
    })
}

/// Base fee of block 0 from which an empty block leads to this one: it falls by an eighth (EIP-1559).
fn base_fee_before(base_fee: u64) -> u64 {
    (base_fee..).find(|before| before - before / 8 == base_fee).unwrap()
}

fn narrow(number: U256, what: &str) -> Result<u64, String> {
    u64::try_from(number).map_err(|_| format!("{what} {number} is no number of 64 bits"))
}

/// The indexes choose what the bytes say.
fn is_the_choice(test: &StateTest, expected: &Outcome, transaction: &Transaction) -> Result<(), String> {
    let (choices, indexes) = (&test.transaction, expected.indexes);
    let value = choices
        .value
        .get(indexes.value)
        .and_then(|text| text.trim_start_matches("0x:bigint ").parse().ok());
    let chosen = (
        choices.data.get(indexes.data),
        choices.gas_limit.get(indexes.gas).copied(),
        value,
    );
    let signed = (
        Some(transaction.input()),
        Some(U256::from(transaction.gas_limit())),
        Some(transaction.value()),
    );
    if chosen == signed {
        Ok(())
    } else {
        Err(format!(
            "data, gas and value are {chosen:?}, the transaction has {signed:?}"
        ))
    }
}

/// Takes the transaction into the pool and builds a block of it.
fn executed(
    chain: &mut Chain,
    attributes: BlockAttributes,
    transaction: Transaction,
    sender: Option<Address>,
) -> Result<ExecutedBlock, String> {
    let transaction = recover(transaction).map_err(|error| error.to_string())?;
    if let Some(sender) = sender
        && sender != transaction.signer()
    {
        return Err(format!("signed by {}, not by {sender}", transaction.signer()));
    }
    chain
        .submit(transaction)
        .map_err(|error| format!("not taken by the pool: {error}"))?;
    let built = chain.build_block(attributes).map_err(|error| error.to_string())?;
    if let Some((_, refused)) = built.refused.first() {
        return Err(format!("not taken into a block: {refused}"));
    }
    match built.executed.sealed.transactions().len() {
        1 => Ok(built.executed),
        other => Err(format!("the block holds {other} transactions")),
    }
}

fn compare_with(expected: &Outcome, executed: &ExecutedBlock) -> Result<(), String> {
    let logs: Vec<_> = executed
        .sealed
        .receipts
        .iter()
        .flat_map(|receipt| receipt.logs().to_vec())
        .collect();
    let gas = executed.sealed.header().gas_used;
    compare("state root", expected.hash, executed.sealed.header().state_root)
        .map_err(|failure| format!("{failure}{}, {gas} gas used", differences(expected, executed)))?;
    compare("hash of logs", expected.logs, keccak256(alloy_rlp::encode(&logs)))
}

/// The accounts that are not what they should be, where the fixture tells.
fn differences(expected: &Outcome, executed: &ExecutedBlock) -> String {
    let state = executed.state();
    let accounts = expected.state.iter().flatten();
    let different = accounts.map(|(&address, account)| {
        let fields = (account.balance, account.nonce.to::<u64>(), account.code.clone());
        let got = (state.balance(address), state.nonce(address), state.code(address));
        let fields = (fields != got).then(|| format!("; {address} is {got:?}, expected {fields:?}"));
        let slots = account.storage.iter().filter_map(|(&slot, &value)| {
            let got = state.storage(address, slot);
            (got != value).then(|| format!("; {address} holds {got} in {slot}, expected {value}"))
        });
        fields.into_iter().chain(slots).collect::<String>()
    });
    different.collect()
}

/// Whoever gets the block finds the same.
fn checked(chain: &Chain, executed: &ExecutedBlock) -> Result<(), String> {
    let block = decode_block(&executed.sealed.encode()).map_err(|error| format!("the block does not read: {error}"))?;
    let again = chain
        .verify_block(block)
        .map_err(|error| format!("the block does not pass its check: {error}"))?;
    compare("state root of the check", executed.state().root(), again.state().root())
}

/// Nobody builds a block with the transaction, and nobody takes one.
fn refused(chain: &mut Chain, attributes: BlockAttributes, transaction: Transaction) -> Result<(), String> {
    let empty = chain
        .build_block(attributes.clone())
        .map_err(|error| error.to_string())?
        .executed
        .sealed;
    let mut block = empty.block;
    block.body.transactions.push(transaction.clone());
    match chain.verify_block(block) {
        Err(
            BlockError::Transaction { .. }
            | BlockError::Execution {
                source: Refused::Invalid(_) | Refused::BlockFull { .. },
                ..
            },
        ) => {}
        Err(other) => return Err(format!("was executed: {other}")),
        Ok(_) => return Err("was taken".to_owned()),
    }
    let sent = decode_transaction(&transaction.encoded_2718(), chain.genesis().chain_id);
    let taken = sent.is_ok_and(|transaction| chain.submit(transaction).is_ok());
    let built = chain.build_block(attributes).map_err(|error| error.to_string())?;
    if taken && !built.executed.sealed.transactions().is_empty() {
        return Err("was built into a block".to_owned());
    }
    Ok(())
}

fn compare(what: &str, expected: B256, got: B256) -> Result<(), String> {
    if expected == got {
        Ok(())
    } else {
        Err(format!("{what} is {got}, expected {expected}"))
    }
}
