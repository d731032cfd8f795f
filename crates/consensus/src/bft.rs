//! Byzantine fault tolerance: pos and dpos. Validators vote, more than two thirds of the power decide, and what is decided is
//! final. The votes are counted by Malachite's Tendermint (arXiv:1807.04938); this module gives it blocks, signatures, a log
//! and a chain to stand on.
//!
//! | module | holds |
//! |---|---|
//! | [`rules`] | how long validators wait for each other |
//! | [`message`] | what they tell each other |
//! | [`certificate`] | the seal of a block |
//! | [`signatures`] | who signed what, remembered |
//! | `acts` | what is done of what the core wants |
//! | `malachite` | Malachite, wrapped |
//! | `blocks` | the blocks of one height, until one is decided |
//! | `peers` | messages of later heights |
//! | `record` | the log |
//!
//! A validator signs nothing that its log does not hold durably, and begins again with the log, so it never signs two
//! different things. A log that does not read costs it its voice at that height.

mod acts;
mod blocks;
pub mod certificate;
mod malachite;
pub mod message;
mod peers;
mod record;
pub mod rules;
pub mod signatures;

pub use certificate::Certificate;
pub use rules::BftRules;
pub use signatures::Signatures;

use crate::{
    Block, BuildRequest, Consensus, Event, Header, Millis, Output, Peer, Seal, SealError, Site, Timer, ValidatorSet,
    VoteDomain,
};
use alloy_primitives::{Bytes, U256};
use blocks::Blocks;
use malachite::{Act, Core, Step};
use message::Message;
use peers::Peers;
use rayswarm_model::signed::AccountKey;
use record::{Entry, Record};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

/// Reads an encoded block: its header, or none where the bytes are no block or its body is not the one that the header
/// commits to. One hash must not stand for two encodings.
pub type ReadBlock = fn(&[u8]) -> Option<Header>;

/// What a [`Bft`] is made of.
#[derive(Clone, Debug)]
pub struct BftSetup {
    /// The chain's rules.
    pub rules: BftRules,
    /// Where votes are valid.
    pub domain: VoteDomain,
    /// The validator's key. Without one, or while it is not in the set, a node follows and says nothing.
    pub key: Option<AccountKey>,
    /// The head that is stored.
    pub head: Header,
    /// Who votes at the next height.
    pub validators: Arc<ValidatorSet>,
    /// How blocks are read.
    pub read: ReadBlock,
    /// Signatures that are known already.
    pub signatures: Signatures,
}

/// The pause between blocks is over.
const TIMER_PAUSE: u8 = 4;

/// A peer has been one height ahead for a while.
const TIMER_BEHIND: u8 = 5;

/// Consensus by votes of validators.
pub struct Bft {
    rules: BftRules,
    domain: VoteDomain,
    read: ReadBlock,
    signatures: Signatures,
    core: Core,
    /// The parent of what is being decided.
    head: Header,
    set: Arc<ValidatorSet>,
    began: Millis,
    blocks: Blocks,
    /// The round in which a block of ours is wanted.
    wanted: Option<u32>,
    asked: Option<BuildRequest>,
    decided: bool,
    timers: BTreeSet<Timer>,
    is_unsynced: bool,
    /// Entries of the log while they are replayed: they are not written again.
    replayed: HashSet<Bytes>,
    /// No vote up to this height, as what was said there may be forgotten.
    quiet_through: u64,
    peers: Peers,
    out: Vec<Output>,
}

impl Consensus for Bft {
    fn start(&mut self, now: Millis, written: &[Bytes]) -> Vec<Output> {
        let height = self.height();
        let entries: Option<Vec<Entry>> = written.iter().map(|bytes| Entry::decode(bytes)).collect();
        let (entries, is_whole) = match entries {
            Some(entries) => (entries, true),
            None => (Vec::new(), false),
        };
        // What a later height's log holds was signed before this head was lost.
        let last = entries.iter().map(Entry::height).max().unwrap_or_default();
        if !is_whole || last > height {
            self.quiet_through = last.max(height);
        } else if !entries.is_empty() && last < height {
            self.out.push(Output::Reset);
        }
        self.begin(now);
        if height > self.quiet_through && last == height {
            self.replay(now, entries, written);
        }
        self.serve(now);
        std::mem::take(&mut self.out)
    }

    fn handle(&mut self, now: Millis, event: Event) -> Vec<Output> {
        match event {
            Event::Message { from, bytes } => match Message::decode(&bytes) {
                Some(message) => self.receive(now, from, message),
                None => self.misbehaved(from, "its message does not read"),
            },
            Event::Timer(timer) => self.timer(now, timer),
            Event::Built { request, block } => self.built(now, &request, block),
            Event::Checked { hash, valid } => self.checked(now, hash, valid),
            Event::Stored { header, validators } => self.stored(now, header, validators),
            Event::Solved { .. } => {}
        }
        std::mem::take(&mut self.out)
    }

    fn weight(&self) -> U256 {
        U256::from(self.head.number)
    }

    fn verify_seal(&self, now: Millis, header: &Header, seal: &Seal, site: &Site<'_>) -> Result<(), SealError> {
        let number = header.number;
        let (Seal::Votes(bytes), Some(set)) = (seal, site.validators) else {
            return Err(SealError::Malformed(number));
        };
        blocks::check_header(&self.rules, now, header, site.parent, set)?;
        let certificate = Certificate::decode(bytes, set).ok_or(SealError::Malformed(number))?;
        if header.nonce > u64::from(certificate.round) {
            let reason = format!(
                "they are of round {}, it was proposed in {}",
                certificate.round, header.nonce
            );
            return Err(SealError::Votes { number, reason });
        }
        certificate
            .check(number, header.hash, set, &self.domain, &self.signatures)
            .map_err(|reason| SealError::Votes { number, reason })
    }
}

impl Bft {
    /// Stands on the head that was stored last, and waits for [`Consensus::start`].
    pub fn new(setup: BftSetup) -> Self {
        let BftSetup {
            rules,
            domain,
            key,
            head,
            validators,
            read,
            signatures,
        } = setup;
        let height = head.number.saturating_add(1);
        let core = Core::new(domain, key, signatures.clone(), height, Arc::clone(&validators));
        Self {
            rules,
            domain,
            read,
            signatures,
            core,
            head,
            set: validators,
            began: 0,
            blocks: Blocks::default(),
            wanted: None,
            asked: None,
            decided: false,
            timers: BTreeSet::new(),
            is_unsynced: false,
            replayed: HashSet::new(),
            quiet_through: 0,
            peers: Peers::default(),
            out: Vec::new(),
        }
    }

    /// The height that is being decided.
    pub const fn height(&self) -> u64 {
        self.head.number.saturating_add(1)
    }

    /// The round, for those who watch.
    pub fn round(&self) -> u32 {
        self.core.round()
    }

    /// Whether this node votes at this height.
    pub fn is_voting(&self) -> bool {
        self.core.is_voting()
    }

    /// Begins the height after the head.
    fn begin(&mut self, now: Millis) {
        self.began = now;
        self.wanted = None;
        let height = self.height();
        let may_vote = height > self.quiet_through;
        let acts = self.core.begin(height, Arc::clone(&self.set), may_vote);
        self.perform(now, None, acts);
    }

    fn replay(&mut self, now: Millis, entries: Vec<Entry>, written: &[Bytes]) {
        let height = self.height();
        let mut records = Vec::with_capacity(entries.len());
        for entry in entries.into_iter().filter(|entry| entry.height() == height) {
            match entry {
                Entry::Block(_, bytes) => {
                    if let Some(header) = (self.read)(&bytes) {
                        self.blocks.restore(Block { header, bytes });
                    }
                }
                Entry::Record(_, record) => records.push(record),
            }
        }
        self.replayed = written.iter().cloned().collect();
        match self.core.replay(&records, &self.blocks.all()) {
            Ok(acts) => self.perform(now, None, acts),
            Err(_) => {
                self.quiet_through = height;
                self.begin(now);
            }
        }
        self.replayed.clear();
        let own = self.core.account();
        let unjudged = self.blocks.replayed(&records, own);
        if self.decided {
            return;
        }
        self.out.extend(unjudged.into_iter().map(Output::Check));
        // The replay says again what was voted, but not what was proposed.
        let round = self.core.round();
        let proposal = records.iter().find_map(|record| match record {
            Record::Proposal(signed) if Some(signed.account) == own && signed.proposal.round == round => Some(*signed),
            _ => None,
        });
        if let Some(signed) = proposal.filter(|_| self.core.is_voting()) {
            self.wanted = None;
            let block = self.blocks.get(signed.proposal.block);
            let message = block.map(|block| Act::Send(Message::Proposal(signed, block.bytes.clone())));
            self.perform(now, None, message.into_iter().collect());
        }
    }

    fn receive(&mut self, now: Millis, from: Peer, message: Message) {
        let height = self.height();
        let of = message.height();
        if of > height {
            if of > height + 1 || !self.decided {
                self.is_ahead(now, from, of);
            }
            if of == height + 1 && !matches!(message, Message::Head(_)) {
                self.peers.keep(from, message);
            }
        } else if of == height && !self.decided {
            let acts = match message {
                Message::Vote(signed) => self.core.vote(&signed),
                Message::Proposal(signed, bytes) => return self.proposed(now, from, signed, bytes),
                Message::Polka(polka) => self.core.polka(&polka),
                Message::RoundEnd(end) => self.core.round_end(&end),
                Message::Head(_) => return,
            };
            self.perform(now, Some(from), acts);
            self.serve(now);
        }
    }

    /// A peer is at a later height. One height is caught up with by votes; a peer further ahead has decided this one.
    fn is_ahead(&mut self, now: Millis, peer: Peer, height: u64) {
        if height > self.height() + 1 {
            if self.peers.is_news(now, peer, height) {
                let number = height - 1;
                self.out.push(Output::Behind { peer, number });
            }
        } else if self.peers.one_ahead(peer) {
            self.set_timer(0, TIMER_BEHIND, Duration::from_millis(self.rules.precommit_millis));
        }
    }

    fn timer(&mut self, now: Millis, timer: Timer) {
        if !self.timers.remove(&timer) || timer.height != self.height() || self.decided {
            return;
        }
        let step = match timer.kind {
            TIMER_PAUSE => return self.build(timer.round),
            TIMER_BEHIND => {
                let number = self.height();
                let behind = self.peers.take_one_ahead();
                return self.out.extend(behind.map(|peer| Output::Behind { peer, number }));
            }
            kind => step_of(kind),
        };
        if let Some(step) = step {
            if step == Step::Resend && !self.is_voting() {
                let head = Message::Head(self.head.number);
                self.perform(now, None, vec![Act::Send(head)]);
            }
            let acts = self.core.timeout(step, timer.round);
            self.perform(now, None, acts);
            self.serve(now);
        }
    }

    /// A block is stored: its height is over, whoever decided it.
    fn stored(&mut self, now: Millis, header: Header, validators: Option<Arc<ValidatorSet>>) {
        if header.number < self.height() {
            return;
        }
        let evidence = self.core.take_evidence();
        self.out.extend(evidence.into_iter().map(Output::Accuse));
        for timer in std::mem::take(&mut self.timers) {
            self.out.push(Output::Clear(timer));
        }
        if header.number >= self.quiet_through {
            self.out.push(Output::Reset);
            self.is_unsynced = false;
        }
        self.out.push(Output::Head(header.hash));
        self.out.push(Output::Final(header.hash));
        let is_next = header.number == self.height();
        self.head = header;
        if let Some(set) = validators {
            self.set = set;
        }
        self.blocks = Blocks::default();
        self.asked = None;
        self.decided = false;
        self.begin(now);
        self.serve(now);
        for (peer, message) in self.peers.next_height(is_next) {
            self.receive(now, peer, message);
        }
    }

    fn misbehaved(&mut self, peer: Peer, reason: &'static str) {
        self.out.push(Output::Misbehaved { peer, reason });
    }
}

const fn step_of(kind: u8) -> Option<Step> {
    Some(match kind {
        0 => Step::Propose,
        1 => Step::Prevote,
        2 => Step::Precommit,
        3 => Step::Resend,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
