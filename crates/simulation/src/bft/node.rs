//! One node: what it has on disk, and its consensus while it runs.

use super::{rules, toy};
use alloy_primitives::{Address, B256, Bytes};
use rayswarm_consensus::{
    Bft, BftSetup, Block, Consensus as _, Header, Millis, Output, Seal, Timer, ValidatorSet, VoteDomain, VoteKind,
    bft::Signatures,
};
use rayswarm_model::signed::AccountKey;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(super) const DOMAIN: VoteDomain = VoteDomain {
    chain_id: 5_253,
    contract: Address::repeat_byte(0xC0),
};

/// A change of the log on disk.
enum Change {
    Write(Bytes),
    Reset,
}

/// A block as it is stored.
#[derive(Clone)]
pub(super) struct Sealed {
    pub bytes: Bytes,
    pub seal: Seal,
}

/// What somebody may say once in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Said {
    /// A vote of this kind.
    Vote(VoteKind),
    /// A proposal.
    Proposal,
}

pub(super) struct Node {
    pub key: AccountKey,
    pub is_cheat: bool,
    /// How far its clock is off, in milliseconds.
    pub clock: i64,
    /// Headers from the genesis block on, and the blocks after it.
    pub chain: Vec<Header>,
    pub blocks: Vec<Sealed>,
    log: Vec<Change>,
    durable: usize,
    pub bft: Option<Bft>,
    /// Which life it leads: what belongs to a former one is void.
    pub life: u32,
    /// Timers that run, with the number of the event.
    pub timers: BTreeMap<Timer, u64>,
    /// A decision is on its way to the store.
    pub is_storing: bool,
    /// It crashes when so many more outputs are performed.
    pub crash_after: Option<usize>,
    pub final_height: u64,
    /// What it heard of equivocators in its own round.
    pub heard: BTreeMap<(Address, u32, Said), Vec<B256>>,
    /// Equivocators that it heard say two things, and at which height.
    pub convicted: BTreeSet<(u64, Address)>,
    pub accused: BTreeSet<(u64, Address)>,
}

impl Node {
    pub fn new(key: AccountKey, is_cheat: bool, clock: i64) -> Self {
        Self {
            key,
            is_cheat,
            clock,
            chain: vec![toy::genesis()],
            blocks: Vec::new(),
            log: Vec::new(),
            durable: 0,
            bft: None,
            life: 0,
            timers: BTreeMap::new(),
            is_storing: false,
            crash_after: None,
            final_height: 0,
            heard: BTreeMap::new(),
            convicted: BTreeSet::new(),
            accused: BTreeSet::new(),
        }
    }

    /// Height of its last block.
    pub fn height(&self) -> u64 {
        self.chain.len() as u64 - 1
    }

    pub fn head(&self) -> &Header {
        // The genesis block is always there.
        &self.chain[self.chain.len() - 1]
    }

    pub const fn clock(&self, now: Millis) -> Millis {
        now.saturating_add_signed(self.clock)
    }

    /// Begins to run from what is on disk. Whether there was a log.
    pub fn boot(&mut self, now: Millis, set: Arc<ValidatorSet>, signatures: Signatures) -> (Vec<Output>, bool) {
        let written = self.written();
        let mut bft = Bft::new(BftSetup {
            rules: rules(),
            domain: DOMAIN,
            key: Some(self.key.clone()),
            head: self.head().clone(),
            validators: set,
            read: toy::read,
            signatures,
        });
        let outputs = bft.start(self.clock(now), &written);
        self.bft = Some(bft);
        (outputs, !written.is_empty())
    }

    /// Dies. Of what was not durable only the first `kept` changes remain.
    pub fn crash(&mut self, kept: usize) {
        self.life += 1;
        self.bft = None;
        self.timers.clear();
        self.is_storing = false;
        self.crash_after = None;
        self.heard.clear();
        self.convicted.clear();
        self.log.truncate(self.durable + kept);
        self.durable = self.log.len();
    }

    /// Forgets its log, as only a cheat does.
    pub fn forget(&mut self) {
        self.log.clear();
        self.durable = 0;
    }

    pub fn write(&mut self, bytes: Bytes) {
        self.log.push(Change::Write(bytes));
    }

    pub fn reset(&mut self) {
        self.log.push(Change::Reset);
    }

    pub fn sync(&mut self) {
        self.durable = self.log.len();
    }

    /// Whether something is written that counts and is not durable.
    pub fn is_unsynced(&self) -> bool {
        let mut pending = self.log[self.durable..].iter().rev();
        matches!(pending.next(), Some(Change::Write(_)))
    }

    /// How many changes are not durable.
    pub fn pending(&self) -> usize {
        self.log.len() - self.durable
    }

    fn written(&self) -> Vec<Bytes> {
        let mut written = Vec::new();
        for change in &self.log {
            match change {
                Change::Write(bytes) => written.push(bytes.clone()),
                Change::Reset => written.clear(),
            }
        }
        written
    }

    /// Stores a block durably.
    pub fn store(&mut self, block: &Block, seal: Seal) {
        self.chain.push(block.header.clone());
        self.blocks.push(Sealed {
            bytes: block.bytes.clone(),
            seal,
        });
        self.heard.clear();
    }
}
