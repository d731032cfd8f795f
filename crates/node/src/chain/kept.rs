//! Opening a chain that nodes keep together, and consensus on it.
//!
//! In the directory: `genesis.json`, which names the chain; `blocks.log`, every block that was taken in; `state.redb`, the state
//! after the last final block, made of the log; `votes.log`, what this validator has signed at the height that is open.

use std::path::Path;

use alloy_primitives::{B256, Bytes, U256};
use rayswarm_chain::{BLOCKS_KEPT, Chain, OpenError, PoolLimits, State, block::Block};
use rayswarm_consensus::{
    Consensus, Header, VoteDomain,
    bft::{Bft, BftSetup, Signatures},
    pow::{Pow, Root},
};
use rayswarm_model::signed::AccountKey;

use super::{
    ChainError, LOG_FILE,
    ledger::{FinalizeError, Ledger, header_of, read_block},
    snapshots::Snapshots,
    spec::{ChainSpec, ConsensusRules},
    storage::{BlockLog, StorageError},
    wal::Wal,
};

const STATE_FILE: &str = "state.redb";
const WAL_FILE: &str = "votes.log";

/// What this node does for the chain.
#[derive(Clone, Default)]
pub(crate) struct Part {
    /// Signs votes and blocks, if it is a validator's.
    pub(crate) key: Option<AccountKey>,
    /// Whether it looks for nonces, by pow.
    pub(crate) mines: bool,
    /// Final blocks that are kept; all if `None`.
    pub(crate) history: Option<u64>,
}

/// An opened chain.
pub(crate) struct Opened {
    pub(crate) ledger: Ledger,
    pub(crate) consensus: Box<dyn Consensus>,
    pub(crate) wal: Wal,
    pub(crate) written: Vec<Bytes>,
}

/// Opens the chain of `spec` in `dir` where it was left.
pub(super) fn open(dir: &Path, spec: &ChainSpec, part: &Part) -> Result<Opened, ChainError> {
    let genesis = spec.chain_genesis()?;
    let name = genesis.hash();
    let mut log = BlockLog::open(&dir.join(LOG_FILE), name)?;
    let snapshots = Snapshots::open(&dir.join(STATE_FILE), &genesis, part.history)?;
    let resumed = snapshots.resume(BLOCKS_KEPT as u64)?;
    let accounts = snapshots.accounts()?.into_iter().map(Ok::<_, std::convert::Infallible>);
    let Ok(state) = State::from_accounts(accounts);
    let last_final = header_of(resumed.finalized.hash, resumed.finalized.header());
    let unopened = |source: OpenError| ChainError::Open {
        dir: dir.to_owned(),
        source: Box::new(source),
    };
    let mut chain = Chain::resume(genesis, resumed.finalized, resumed.before, state, PoolLimits::default())
        .map_err(ChainError::Resume)?;
    let stored = replay(&mut chain, &mut log, last_final.number).map_err(unopened)?;
    let beneficiary = part.key.as_ref().map(AccountKey::address).unwrap_or_default();
    let ledger = Ledger::new(chain, log, beneficiary, Some(snapshots));
    let (wal, written) = Wal::open(&dir.join(WAL_FILE), name)?;
    let consensus = consensus_on(&ledger, spec, part, last_final, stored)?;
    Ok(Opened {
        ledger,
        consensus,
        wal,
        written,
    })
}

/// Puts the blocks of the log above the final one into the tree again, in the order in which they were taken in.
fn replay(chain: &mut Chain, log: &mut BlockLog, last_final: u64) -> Result<Vec<Header>, OpenError> {
    let mut above: Vec<Block> = Vec::new();
    log.read_all(|block, _| {
        if block.header.number > last_final {
            above.push(block);
        }
        Ok::<_, StorageError>(())
    })
    .map_err(|source| OpenError::Storage {
        number: 0,
        source: Box::new(source),
    })?;
    let mut stored = Vec::new();
    for block in above {
        // Of a branch that was given up when the final block became final.
        if chain.stored(&block.header.parent_hash).is_none() {
            continue;
        }
        let number = block.header.number;
        let checked = chain.verify_block(block).and_then(|executed| chain.insert(executed));
        let block = checked.map_err(|source| OpenError::Block { number, source })?;
        stored.push(header_of(block.hash, block.header()));
    }
    Ok(stored)
}

fn consensus_on(
    ledger: &Ledger,
    spec: &ChainSpec,
    part: &Part,
    last_final: Header,
    stored: Vec<Header>,
) -> Result<Box<dyn Consensus>, ChainError> {
    match &spec.consensus {
        ConsensusRules::Solo => Err(ChainError::NotShared),
        ConsensusRules::Pow { rules } => {
            let root = Root {
                times: ledger.times_before(&last_final.hash),
                header: last_final,
                // Branches are compared from here on.
                work: U256::ZERO,
            };
            let pow = Pow::new(*rules, ledger.genesis_header().clone(), root, stored, part.mines);
            let (head, settled) = (pow.head().hash, pow.last_final().header.hash);
            move_to(ledger, head, settled)?;
            Ok(Box::new(pow))
        }
        ConsensusRules::Pos { timing, .. } | ConsensusRules::Dpos { timing, .. } => {
            let head = stored.into_iter().last().unwrap_or(last_final);
            move_to(ledger, head.hash, head.hash)?;
            let validators = ledger
                .validators_after(head.hash)
                .ok_or(ChainError::NoValidators(head.number))?;
            let domain = VoteDomain {
                chain_id: ledger.chain_id(),
                contract: spec.consensus.contract().unwrap_or_default(),
            };
            let bft = Bft::new(BftSetup {
                rules: timing.clone(),
                domain,
                key: part.key.clone(),
                head,
                validators,
                read: read_block,
                signatures: Signatures::default(),
            });
            Ok(Box::new(bft))
        }
    }
}

fn move_to(ledger: &Ledger, head: B256, settled: B256) -> Result<(), ChainError> {
    let moved = ledger.set_head(head).map_err(FinalizeError::from);
    moved
        .and_then(|()| ledger.finalize(settled))
        .map_err(ChainError::Finalize)
}
