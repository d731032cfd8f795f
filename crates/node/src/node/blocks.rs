//! The newest blocks of the chain: read when they come, told, and what they say of the chain as a whole.

use super::{Node, wallet::unreadable};
use crate::{chain::ConsensusRules, config::ChainChoice};
use rayswarm_api::{
    Problem, Time,
    chain::{BlockView, ChainEventView, ChainView, ConsensusView, TransactionView, ValidatorView},
    event::{BlockSealed, NodeEvent},
};
use rayswarm_model::Address;
use rayswarm_settlement::{Block, Settlement, SettlementError, Transaction};
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::MissedTickBehavior;

/// Blocks kept, and asked for at once.
const KEPT_MAX: u64 = 100;
/// How often a chain of our own kind is asked for new blocks: it seals as soon as there is something to seal.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same for other chains, whose servers count questions and whose blocks take seconds.
const LOOK_ELSEWHERE_EVERY: Duration = Duration::from_secs(4);

/// The newest blocks, each following the one before.
#[derive(Debug, Default)]
pub struct NewestBlocks {
    kept: Mutex<VecDeque<Block>>,
    /// Whose turn it is to ask the chain.
    turn: tokio::sync::Mutex<()>,
}

impl NewestBlocks {
    /// Asks the chain for those that came since the last time; they are returned, oldest first. The first time none are
    /// new.
    pub async fn update(&self, settlement: &Settlement) -> Result<Vec<Block>, SettlementError> {
        let _turn = self.turn.lock().await;
        let newest = settlement.newest_block().await?;
        let Some(missing) = missing(&self.kept(), &newest) else {
            return Ok(Vec::new());
        };
        let mut came = settlement.blocks(&missing).await?;
        came.push(newest.clone());
        if !follows(self.kept().back(), &came) {
            // The chain has replaced blocks that were read before.
            came = settlement.blocks(&last(&newest)).await?;
            came.push(newest);
        }
        Ok(take(&mut self.kept(), came))
    }

    /// All that are kept, oldest first.
    pub fn all(&self) -> Vec<Block> {
        self.kept().iter().cloned().collect()
    }

    /// The number of the newest, as of the last look.
    pub fn height(&self) -> Option<u64> {
        self.kept().back().map(|block| block.number)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Block>> {
        // Every change leaves blocks that were read whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The blocks below `newest` that are to be asked for; none at all when it is known.
fn missing(kept: &VecDeque<Block>, newest: &Block) -> Option<Vec<u64>> {
    match kept.back() {
        Some(known) if known.hash == newest.hash => None,
        Some(known) if known.number < newest.number => {
            let last = last(newest).into_iter();
            Some(last.filter(|number| *number > known.number).collect())
        }
        _ => Some(last(newest)),
    }
}

/// The numbers below `newest` that are kept together with it.
fn last(newest: &Block) -> Vec<u64> {
    ((newest.number + 1).saturating_sub(KEPT_MAX)..newest.number).collect()
}

/// Whether `came` goes on from `known`, where it is the next.
fn follows(known: Option<&Block>, came: &[Block]) -> bool {
    match (known, came.first()) {
        (Some(known), Some(first)) if first.number == known.number + 1 => first.parent == known.hash,
        _ => true,
    }
}

/// Keeps what came in place of whatever has its numbers, and returns what is new since anything was kept.
fn take(kept: &mut VecDeque<Block>, mut came: Vec<Block>) -> Vec<Block> {
    let known: HashSet<_> = kept.iter().map(|block| block.hash).collect();
    let first = came.first().map_or(u64::MAX, |block| block.number);
    kept.retain(|block| block.number < first);
    if kept.back().is_some_and(|block| block.number + 1 < first) {
        kept.clear();
    }
    kept.extend(came.iter().cloned());
    while kept.len() as u64 > KEPT_MAX {
        kept.pop_front();
    }
    came.retain(|block| !known.is_empty() && !known.contains(&block.hash));
    came
}

/// Tells every new block, until the node stops.
pub(super) async fn watch(node: Arc<Node>) {
    let every = match node.services.config.chain {
        ChainChoice::Embedded(_) | ChainChoice::Shared(..) | ChainChoice::FromTicket => LOOK_EVERY,
        ChainChoice::Remote(_) => LOOK_ELSEWHERE_EVERY,
    };
    let mut looks = tokio::time::interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let looking = async {
        loop {
            looks.tick().await;
            if let Err(error) = node.look_for_blocks().await {
                tracing::debug!(%error, "new blocks cannot be read");
            }
        }
    };
    tokio::select! {
        () = node.services.stop.cancelled() => {}
        () = looking => {}
    }
}

impl Node {
    /// Reads new blocks and tells of them.
    async fn look_for_blocks(&self) -> Result<(), SettlementError> {
        for block in self.blocks.update(&self.services.settlement).await? {
            self.services.events.tell(&NodeEvent::Block(BlockSealed {
                number: block.number,
                hash: block.hash.to_string(),
                transactions: block.transactions.len() as u64,
                at: Time(block.at),
            }));
        }
        Ok(())
    }

    /// The chain in short.
    pub async fn chain_view(&self) -> Result<ChainView, Problem> {
        self.look_for_blocks().await.map_err(|error| unreadable(&error))?;
        let (blocks, settlement) = (self.blocks.all(), &self.services.settlement);
        let height = blocks.last().map_or(0, |block| block.number);
        let finalized = settlement.finalized(height).await;
        Ok(ChainView {
            chain_id: settlement.chain_id(),
            consensus: match &self.services.config.chain {
                ChainChoice::Embedded(_) => ConsensusView::Solo,
                ChainChoice::Shared(_, spec) => match spec.consensus {
                    ConsensusRules::Solo => ConsensusView::Solo,
                    ConsensusRules::Pow { .. } => ConsensusView::Pow,
                    ConsensusRules::Pos { .. } => ConsensusView::Pos,
                    ConsensusRules::Dpos { .. } => ConsensusView::Dpos,
                },
                ChainChoice::Remote(_) | ChainChoice::FromTicket => ConsensusView::Remote,
            },
            height,
            finalized: finalized.map_err(|error| unreadable(&error))?,
            block_time_s: block_time_s(&blocks),
            validators: validators(&blocks),
        })
    }

    /// At most `limit` blocks below number `before`, newest first; from the newest on without it.
    pub async fn chain_blocks(&self, before: Option<u64>, limit: u64) -> Result<Vec<BlockView>, Problem> {
        self.look_for_blocks().await.map_err(|error| unreadable(&error))?;
        let above = self.blocks.height().map_or(0, |height| height.saturating_add(1));
        let before = before.map_or(above, |before| before.min(above));
        let numbers: Vec<u64> = (before.saturating_sub(limit.min(KEPT_MAX))..before).rev().collect();
        let blocks = self.services.settlement.blocks(&numbers).await;
        Ok(blocks
            .map_err(|error| unreadable(&error))?
            .into_iter()
            .map(shown)
            .collect())
    }
}

/// Seconds between blocks, on average.
fn block_time_s(blocks: &[Block]) -> Option<f64> {
    let (first, last) = (blocks.first()?, blocks.last()?);
    let steps = last.number.checked_sub(first.number).filter(|steps| *steps > 0)?;
    Some(last.at.since(first.at).as_secs_f64() / steps as f64)
}

/// Who sealed these blocks, the busiest first.
fn validators(blocks: &[Block]) -> Vec<ValidatorView> {
    let mut sealed: BTreeMap<Address, u64> = BTreeMap::new();
    for block in blocks {
        *sealed.entry(block.proposer).or_default() += 1;
    }
    let mut sealed: Vec<(Address, u64)> = sealed.into_iter().collect();
    sealed.sort_by_key(|(_, blocks)| std::cmp::Reverse(*blocks));
    let view = |(account, blocks): (Address, u64)| ValidatorView {
        account: account.to_string(),
        weight: "1".into(),
        blocks,
    };
    sealed.into_iter().map(view).collect()
}

/// A block for faces.
pub fn shown(block: Block) -> BlockView {
    BlockView {
        number: block.number,
        hash: block.hash.to_string(),
        parent: block.parent.to_string(),
        at: Time(block.at),
        transactions: block.transactions.iter().map(ToString::to_string).collect(),
        gas_used: block.gas_used,
        gas_limit: block.gas_limit,
        proposer: block.proposer.to_string(),
        bytes: block.bytes,
    }
}

/// A transaction for faces.
pub fn shown_transaction(transaction: Transaction) -> TransactionView {
    let events = transaction.events.into_iter();
    TransactionView {
        hash: transaction.hash.to_string(),
        block: transaction.block,
        from: transaction.from.to_string(),
        to: transaction.to.map(|to| to.to_string()),
        value: transaction.value.to_string(),
        gas_used: transaction.gas_used,
        ok: transaction.ok,
        method: transaction.method,
        events: events
            .map(|event| ChainEventView {
                name: event.name,
                text: event.text,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayswarm_model::{B256, UnixMillis};

    /// Block `number` of the branch that replaced others `branch` times.
    fn block(number: u64, branch: u8) -> Block {
        let name = |number: u64| B256::left_padding_from(&[[branch].as_slice(), &number.to_be_bytes()].concat());
        Block {
            number,
            hash: name(number),
            parent: name(number.wrapping_sub(1)),
            at: UnixMillis(number * 2_000),
            transactions: Vec::new(),
            gas_used: 0,
            gas_limit: 1,
            proposer: Address::with_last_byte(u8::from(number.is_multiple_of(3))),
            bytes: 1,
        }
    }

    fn blocks(numbers: impl IntoIterator<Item = u64>, branch: u8) -> Vec<Block> {
        numbers.into_iter().map(|number| block(number, branch)).collect()
    }

    fn numbers(blocks: &[Block]) -> Vec<u64> {
        blocks.iter().map(|block| block.number).collect()
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let kept: VecDeque<Block> = blocks(1..=5, 0).into();
        assert_eq!(missing(&kept, &block(5, 0)), None, "nothing is new");
        assert_eq!(missing(&kept, &block(6, 0)), Some(vec![]));
        assert_eq!(missing(&kept, &block(8, 0)), Some(vec![6, 7]));
        assert_eq!(
            missing(&kept, &block(5, 1)),
            Some(vec![0, 1, 2, 3, 4]),
            "it was replaced"
        );
        assert_eq!(missing(&kept, &block(500, 0)), Some((401..500).collect()));
        assert_eq!(missing(&VecDeque::new(), &block(1, 0)), Some(vec![0]));
        assert!(follows(kept.back(), &[block(6, 0)]));
        assert!(!follows(kept.back(), &[block(6, 1)]));
    }

    #[test]
    fn new_blocks_are_told_once_and_replace_those_they_contradict() {
        let mut kept = VecDeque::new();
        assert_eq!(take(&mut kept, blocks(0..=3, 0)), [], "at the start nothing is new");
        assert_eq!(numbers(&take(&mut kept, blocks(4..=5, 0))), [4, 5]);
        let mut replaced = blocks(0..=3, 0);
        replaced.extend(blocks(4..=6, 1));
        assert_eq!(take(&mut kept, replaced), blocks(4..=6, 1));
        assert_eq!(numbers(kept.make_contiguous()), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(take(&mut kept, blocks(300..400, 1)).len(), 100);
        assert_eq!((kept.len(), kept.front().map(|block| block.number)), (100, Some(300)));
    }

    #[test]
    fn the_last_blocks_tell_their_pace_and_their_sealers() {
        assert_eq!(block_time_s(&blocks([7], 0)), None);
        assert_eq!(block_time_s(&blocks(7..10, 0)), Some(2.0));
        let sealers: Vec<u64> = validators(&blocks(0..5, 0)).iter().map(|one| one.blocks).collect();
        assert_eq!(sealers, [3, 2]);
    }
}
