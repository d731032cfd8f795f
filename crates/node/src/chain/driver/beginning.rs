//! How a newcomer begins at a checkpoint: it fetches the state after that block, and the blocks that contracts may ask for, instead
//! of executing everything from the genesis on.
//!
//! Nothing of it is believed: the block has the checkpoint's hash, those before it are its ancestors, receipts and transactions are
//! those of their headers, and the rows give the block's state root. By pow the headers from the genesis on are walked along too:
//! what stands behind the block is what branches are compared by.

use std::{collections::HashMap, time::Duration};

use alloy_primitives::{Address, B256, Bytes, U256};
use rayswarm_chain::{BLOCK_HASHES, FlatAccount, SealedBlock, State, recover_sender};
use rayswarm_consensus::{Header, Millis, PowRules, Walk};
use rayswarm_model::NodeId;
use rayswarm_network::{
    ChainAnswer, ChainEvent, ChainLink, ChainQuestion, NetworkError, StateCursor, StateQuestion, StateRow,
};
use tokio::{
    sync::mpsc,
    time::{Instant, interval},
};

use super::{Peers, ROUND, now};
use crate::chain::{
    Checkpoint,
    kept::Start,
    ledger::{chained, read_header},
    parallel,
};

/// The most rows of a state: a newcomer holds them all at once.
const ROWS_MAX: usize = 1 << 24;
/// The most bytes of code in it.
const CODE_BYTES_MAX: usize = 1 << 30;
/// How long a chain that was left long ago waits for the state after a checkpoint, before it goes through all blocks.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a peer that has nothing is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) genesis: Header,
    /// The rules, by pow.
    pub(crate) pow: Option<PowRules>,
}

/// Where a chain begins.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) block: SealedBlock,
    /// Highest first.
    pub(crate) before: Vec<SealedBlock>,
    pub(crate) accounts: Vec<FlatAccount>,
    /// The work of all blocks up to it.
    pub(crate) work: U256,
}

/// Why a peer gave no beginning.
#[derive(Debug, thiserror::Error)]
enum NoBeginning {
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// It is honest about it.
    #[error("it does not have {0}")]
    Absent(&'static str),
    #[error("{0}")]
    Lie(String),
}

impl NoBeginning {
    fn lie(error: impl std::fmt::Display) -> Self {
        Self::Lie(error.to_string())
    }
}

/// What a chain begins with that does not go on where it is. One that was left long ago can do without.
pub(crate) async fn begin(
    start: Start,
    peers: &mut Peers,
    events: &mut mpsc::Receiver<ChainEvent>,
    wanted: &Wanted,
) -> Option<Beginning> {
    let fetching = fetch(peers, events, wanted);
    match start {
        Start::New => fetching.await,
        Start::There => None,
        Start::FarBefore => {
            tracing::warn!(
                checkpoint = %wanted.checkpoint,
                "the chain was left long before the checkpoint; beginning anew there, without the blocks between"
            );
            let begun = tokio::time::timeout(PATIENCE, fetching).await;
            begun.unwrap_or_else(|_| {
                tracing::warn!("no peer has had the state after the checkpoint; going on where the chain was left");
                None
            })
        }
    }
}

/// Asks one peer after the other until one has all of it. Gives what peers said meanwhile no heed: they say it again.
pub(crate) async fn fetch(
    peers: &mut Peers,
    events: &mut mpsc::Receiver<ChainEvent>,
    wanted: &Wanted,
) -> Option<Beginning> {
    let mut left_alone: HashMap<NodeId, Instant> = HashMap::new();
    let mut rounds = interval(ROUND);
    tracing::info!(checkpoint = %wanted.checkpoint, "looking for a peer with the state to begin with");
    loop {
        left_alone.retain(|_, since| since.elapsed() < LEFT_ALONE);
        let link = peers.all().find(|link| !left_alone.contains_key(&link.node())).cloned();
        let Some(link) = link else {
            tokio::select! {
                event = events.recv() => heard(peers, event?),
                _ = rounds.tick() => peers.look_for_more(),
            }
            continue;
        };
        let node = link.node();
        let fetching = from_peer(&link, wanted);
        tokio::pin!(fetching);
        let fetched = loop {
            tokio::select! {
                fetched = &mut fetching => break fetched,
                event = events.recv() => heard(peers, event?),
            }
        };
        match fetched {
            Ok(beginning) => {
                tracing::info!(%node, accounts = beginning.accounts.len(), "the state to begin with is here");
                return Some(beginning);
            }
            Err(NoBeginning::Lie(reason)) => peers.shun(node, &reason),
            Err(error) => {
                tracing::warn!(%node, error = %chained(&error), "a peer has no state to begin with; a newer checkpoint may help");
                left_alone.insert(node, Instant::now());
            }
        }
    }
}

fn heard(peers: &mut Peers, event: ChainEvent) {
    match event {
        ChainEvent::Joined { link } => peers.joined(link),
        ChainEvent::Left { from } => peers.left(from),
        ChainEvent::Lied { from, reason } => peers.shun(from, &reason),
        // There is nothing to say or to answer yet.
        ChainEvent::Said { .. } | ChainEvent::Asked { .. } => {}
    }
}

async fn from_peer(link: &ChainLink, wanted: &Wanted) -> Result<Beginning, NoBeginning> {
    let mut blocks = blocks_up_to(link, wanted.checkpoint).await?;
    let block = blocks.remove(0);
    let work = match wanted.pow {
        Some(rules) => work_up_to(link, rules, wanted).await?,
        None => U256::ZERO,
    };
    let accounts = state_after(link, block.hash).await?;
    let root = tokio::task::block_in_place(|| {
        let rows = accounts.iter().cloned().map(Ok::<_, std::convert::Infallible>);
        let Ok(state) = State::from_accounts(rows);
        state.root()
    });
    if root != block.header().state_root {
        return Err(NoBeginning::Lie(format!(
            "its rows have the state root {root}, the checkpoint's block says {}",
            block.header().state_root
        )));
    }
    Ok(Beginning {
        block,
        before: blocks,
        accounts,
        work,
    })
}

/// The checkpoint's block and those before it, highest first.
async fn blocks_up_to(link: &ChainLink, checkpoint: Checkpoint) -> Result<Vec<SealedBlock>, NoBeginning> {
    let wanted = checkpoint.number.min(BLOCK_HASHES) as usize + 1;
    let mut blocks: Vec<SealedBlock> = Vec::new();
    let mut next = checkpoint.hash;
    // Block 0 is made here, and asked of nobody.
    while blocks.len() < wanted && blocks.last().is_none_or(|block| block.number() > 1) {
        let answer = link.ask(&ChainQuestion::ExecutedUpTo(next)).await?;
        let ChainAnswer::Executed(executed) = answer else {
            return Err(NoBeginning::lie("it answers what it was not asked"));
        };
        if executed.is_empty() {
            return Err(NoBeginning::Absent("the checkpoint's block, or blocks before it"));
        }
        for bytes in executed.into_iter().take(wanted - blocks.len()) {
            let block = tokio::task::block_in_place(|| read_executed(&bytes))?;
            let number = checkpoint.number.checked_sub(blocks.len() as u64);
            if block.hash != next || number != Some(block.number()) {
                return Err(NoBeginning::lie("its blocks are not those up to the checkpoint"));
            }
            next = block.header().parent_hash;
            blocks.push(block);
        }
    }
    Ok(blocks)
}

fn read_executed(bytes: &[u8]) -> Result<SealedBlock, NoBeginning> {
    let block = SealedBlock::decode_executed(bytes).map_err(NoBeginning::lie)?;
    let senders = parallel::map(block.transactions(), |transaction| recover_sender(transaction).ok());
    let said = block.senders.iter().copied().map(Some);
    if senders.into_iter().eq(said) {
        Ok(block)
    } else {
        Err(NoBeginning::lie("its transactions have other senders"))
    }
}

async fn work_up_to(link: &ChainLink, rules: PowRules, wanted: &Wanted) -> Result<U256, NoBeginning> {
    let genesis = &wanted.genesis;
    let times = vec![genesis.timestamp];
    let mut walk = Walk::new(rules, genesis.clone(), genesis.clone(), times, genesis.difficulty);
    loop {
        let question = ChainQuestion::HeadersAfter(vec![walk.last().hash]);
        let ChainAnswer::Headers(headers) = link.ask(&question).await? else {
            return Err(NoBeginning::lie("it answers what it was not asked"));
        };
        if headers.is_empty() {
            return Err(NoBeginning::Absent("the headers up to the checkpoint"));
        }
        if tokio::task::block_in_place(|| walk_on(&mut walk, wanted.checkpoint, &headers, now()))? {
            return Ok(walk.weight());
        }
    }
}

/// Whether it came to the checkpoint.
fn walk_on(walk: &mut Walk, checkpoint: Checkpoint, headers: &[Vec<u8>], now: Millis) -> Result<bool, NoBeginning> {
    for bytes in headers {
        let header = read_header(bytes).map_err(NoBeginning::lie)?;
        checkpoint
            .check(header.number, &header.hash)
            .map_err(|_| NoBeginning::Absent("the checkpoint on its best branch"))?;
        walk.step(now, header).map_err(NoBeginning::lie)?;
        if walk.last().hash == checkpoint.hash {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn state_after(link: &ChainLink, block: B256) -> Result<Vec<FlatAccount>, NoBeginning> {
    let mut rows = Rows::default();
    loop {
        let question = StateQuestion {
            block,
            after: rows.last,
        };
        let ChainAnswer::State(page) = link.ask(&ChainQuestion::State(question)).await? else {
            return Err(NoBeginning::lie("it answers what it was not asked"));
        };
        let page = page.ok_or(NoBeginning::Absent("the state after the checkpoint's block any more"))?;
        for row in page.rows {
            rows.put(row)?;
        }
        if !page.more {
            return Ok(rows.accounts);
        }
    }
}

/// Rows as they come, made accounts of.
#[derive(Debug, Default)]
struct Rows {
    accounts: Vec<FlatAccount>,
    last: Option<StateCursor>,
    count: usize,
    code_bytes: usize,
}

impl Rows {
    fn put(&mut self, row: StateRow) -> Result<(), NoBeginning> {
        self.count += 1;
        if let StateRow::Account { code, .. } = &row {
            self.code_bytes += code.len();
        }
        if self.count > ROWS_MAX || self.code_bytes > CODE_BYTES_MAX {
            return Err(NoBeginning::Absent(
                "a state of at most 16777216 rows and a gigabyte of code, as much as a newcomer takes; begin from a file of `rayswarm chain export`",
            ));
        }
        match row {
            StateRow::Account {
                address,
                nonce,
                balance,
                code,
            } => {
                self.follows(self.last.is_none_or(|last| last.address < address))?;
                self.last = Some(StateCursor { address, slot: None });
                self.accounts.push(FlatAccount {
                    address,
                    nonce,
                    balance,
                    code: Bytes::from(code),
                    storage: Vec::new(),
                });
            }
            StateRow::Slot { slot, value } => {
                let last = self.last;
                self.follows(last.is_some_and(|last| last.slot.is_none_or(|before| before < slot)))?;
                let address = last.map_or(Address::ZERO, |last| last.address);
                self.last = Some(StateCursor {
                    address,
                    slot: Some(slot),
                });
                if let Some(account) = self.accounts.last_mut() {
                    account.storage.push((slot, value));
                }
            }
        }
        Ok(())
    }

    fn follows(&self, follows: bool) -> Result<(), NoBeginning> {
        if follows {
            Ok(())
        } else {
            Err(NoBeginning::lie("its rows are out of order"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn account(byte: u8) -> StateRow {
        StateRow::Account {
            address: Address::repeat_byte(byte),
            nonce: 1,
            balance: U256::from(byte),
            code: vec![byte],
        }
    }

    fn slot(slot: u64) -> StateRow {
        StateRow::Slot {
            slot: U256::from(slot),
            value: U256::from(7),
        }
    }

    #[test]
    fn rows_make_accounts_and_come_in_order() {
        let mut rows = Rows::default();
        for row in [account(1), slot(0), slot(5), account(2), account(3), slot(2)] {
            rows.put(row).unwrap();
        }
        let slots: Vec<usize> = rows.accounts.iter().map(|account| account.storage.len()).collect();
        assert_eq!(slots, [2, 0, 1]);
        let last = rows.last.unwrap();
        assert_eq!(
            (last.address, last.slot),
            (Address::repeat_byte(3), Some(U256::from(2)))
        );
        for wrong in [account(3), account(2), slot(2), slot(1)] {
            assert!(matches!(rows.put(wrong), Err(NoBeginning::Lie(_))));
        }
        assert!(Rows::default().put(slot(1)).is_err(), "a slot of no account");
    }
}
