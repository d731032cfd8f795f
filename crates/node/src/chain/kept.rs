//! Opening a chain that nodes keep together, and consensus on it.
//!
//! In the directory: `genesis.json`, which names the chain; `blocks.log`, every block that was taken in; `state.redb`, the state
//! after the last final block, made of the log; `votes.log`, what this validator has signed at the height that is open.

use std::{error::Error, path::Path};

use alloy_primitives::{B256, Bytes};
use rayswarm_chain::{BLOCKS_KEPT, Chain, PoolLimits, State};
use rayswarm_consensus::{
    Consensus, Event, Header, Output, VoteDomain,
    bft::{Bft, BftSetup, Signatures},
    pow::{Pow, Root},
};
use rayswarm_model::signed::AccountKey;

use super::{
    ChainError, Checkpoint, LOG_FILE,
    driver::beginning::Beginning,
    ledger::{Ledger, header_of, read_block},
    snapshots::Snapshots,
    spec::{ChainSpec, ConsensusRules},
    storage::{BlockLog, StorageError},
    wal::Wal,
};

const STATE_FILE: &str = "state.redb";
const WAL_FILE: &str = "votes.log";

/// What a node keeps of a chain, and what its owner knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// Final blocks whose transactions and receipts are kept; all if `None`.
    pub history: Option<u64>,
    /// Whether the state after every final block is kept from now on. Those that are kept already are dropped if it is `false`,
    /// and kept on if `None`.
    pub archive: Option<bool>,
    /// A block that must be on the chain.
    pub checkpoint: Option<Checkpoint>,
}

/// What this node does for the chain.
#[derive(Clone, Default)]
pub(crate) struct Part {
    /// Signs votes and blocks, if it is a validator's.
    pub(crate) key: Option<AccountKey>,
    /// Whether it looks for nonces, by pow.
    pub(crate) mines: bool,
    /// What it keeps of it.
    pub(crate) keeping: Keeping,
}

/// An opened chain.
pub(crate) struct Opened {
    pub(crate) ledger: Ledger,
    pub(crate) consensus: Box<dyn Consensus>,
    pub(crate) wal: Wal,
    pub(crate) written: Vec<Bytes>,
}

/// How far a chain must be behind a checkpoint to begin there anew. Fewer blocks are executed while a state would be fetched.
const BEHIND_MIN: u64 = 16_384;

/// How far a chain is from a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// There is none yet: it begins at the checkpoint.
    New,
    /// It was left so long before that it had better begin anew there, if that can be.
    FarBefore,
    /// It goes on where it is.
    There,
}

/// Where the chain in `dir` begins. One that keeps all old states goes through all blocks: they would have a gap.
///
/// # Errors
/// When what is kept of it cannot be read.
pub(super) fn start(
    dir: &Path,
    spec: &ChainSpec,
    checkpoint: Checkpoint,
    archive: Option<bool>,
) -> Result<Start, ChainError> {
    let state = dir.join(STATE_FILE);
    if !dir.join(LOG_FILE).exists() {
        return Ok(Start::New);
    }
    if !state.exists() {
        return Ok(Start::There);
    }
    let snapshots = Snapshots::open(&state, &spec.chain_genesis()?, Keeping::default())?;
    let reader = snapshots.reader();
    let keeps_all = archive != Some(false) && reader.archive().is_some();
    let is_far = reader.last()?.saturating_add(BEHIND_MIN) < checkpoint.number;
    Ok(if is_far && !keeps_all {
        Start::FarBefore
    } else {
        Start::There
    })
}

/// Makes the final state of a chain that begins at a checkpoint. A crash before the end leaves the chain as it was.
pub(super) fn begin_at(dir: &Path, spec: &ChainSpec, part: &Part, beginning: &Beginning) -> Result<(), ChainError> {
    let mut snapshots = Snapshots::open(&dir.join(STATE_FILE), &spec.chain_genesis()?, part.keeping)?;
    let Beginning {
        block,
        before,
        accounts,
        work,
    } = beginning;
    Ok(snapshots.begin_at(block, before, accounts, *work)?)
}

/// Opens the chain of `spec` in `dir` where it was left.
pub(super) fn open(dir: &Path, spec: &ChainSpec, part: &Part) -> Result<Opened, ChainError> {
    let genesis = spec.chain_genesis()?;
    let name = genesis.hash();
    let mut log = BlockLog::open(&dir.join(LOG_FILE), name)?;
    let snapshots = Snapshots::open(&dir.join(STATE_FILE), &genesis, part.keeping)?;
    let resumed = snapshots.resume(BLOCKS_KEPT as u64)?;
    let accounts = snapshots.accounts()?.into_iter().map(Ok::<_, std::convert::Infallible>);
    let Ok(state) = State::from_accounts(accounts);
    let last_final = header_of(resumed.finalized.hash, resumed.finalized.header());
    let chain = Chain::resume(genesis, resumed.finalized, resumed.before, state, PoolLimits::default())
        .map_err(ChainError::Resume)?;
    let above = above(&mut log, last_final.number)?;
    let beneficiary = part.key.as_ref().map(AccountKey::address).unwrap_or_default();
    let ledger = Ledger::new(chain, log, beneficiary, Some(snapshots), part.keeping.checkpoint);
    let mut follower = consensus_on(&ledger, spec, &Part::default(), last_final, Vec::new())?;
    let stored = replay(&ledger, follower.as_mut(), &above).map_err(ChainError::Replay)?;
    if let Some(checkpoint) = part.keeping.checkpoint
        && let Some(block) = ledger.block(checkpoint.number)
    {
        checkpoint
            .check(block.number(), &block.hash)
            .map_err(ChainError::Checkpoint)?;
    }
    let (wal, written) = Wal::open(&dir.join(WAL_FILE), name)?;
    let last_final = ledger.finalized_header();
    let consensus = consensus_on(&ledger, spec, part, last_final, stored)?;
    Ok(Opened {
        ledger,
        consensus,
        wal,
        written,
    })
}

/// The blocks of the log above the final one, in the order in which they were taken in.
fn above(log: &mut BlockLog, last_final: u64) -> Result<Vec<B256>, StorageError> {
    let mut above = Vec::new();
    log.read_all(|block, _| {
        if block.header.number > last_final {
            above.push(block.header.hash_slow());
        }
        Ok(())
    })?;
    Ok(above)
}

/// Takes blocks of the log in again. A follower, who says nothing, moves head and finality as they moved the first time: however
/// much of the state was lost, no more blocks wait to become final than then.
fn replay(
    ledger: &Ledger,
    follower: &mut dyn Consensus,
    above: &[B256],
) -> Result<Vec<Header>, Box<dyn Error + Send + Sync>> {
    follower.start(0, &[]);
    let mut stored = Vec::new();
    for hash in above {
        let Some(header) = ledger.take_in_again(hash)? else {
            continue;
        };
        stored.push(header.clone());
        let validators = ledger.validators_after(*hash);
        for output in follower.handle(0, Event::Stored { header, validators }) {
            match output {
                Output::Head(head) => ledger.set_head(head)?,
                Output::Final(settled) => ledger.finalize(settled)?,
                _ => {}
            }
        }
    }
    Ok(stored)
}

/// Consensus at the last final block, with what is stored above it.
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
                work: ledger.final_work()?,
            };
            let genesis = ledger.genesis_header().clone();
            Ok(Box::new(Pow::new(*rules, genesis, root, stored, part.mines)))
        }
        ConsensusRules::Pos { timing, .. } | ConsensusRules::Dpos { timing, .. } => {
            // What is decided is final, so the last of the log is.
            let validators = ledger
                .validators_after(last_final.hash)
                .ok_or(ChainError::NoValidators(last_final.number))?;
            let domain = VoteDomain {
                chain_id: ledger.chain_id(),
                contract: spec.consensus.contract().unwrap_or_default(),
            };
            Ok(Box::new(Bft::new(BftSetup {
                rules: timing.clone(),
                domain,
                key: part.key.clone(),
                head: last_final,
                validators,
                read: read_block,
                signatures: Signatures::default(),
            })))
        }
    }
}
