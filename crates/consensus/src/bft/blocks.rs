//! The blocks of one height, until one is decided: who proposed them, and whether they follow from the head.

use super::{
    Bft, BftRules,
    malachite::Judged,
    message::{BLOCK_BYTES_MAX, SignedProposal},
    record::Record,
};
use crate::{Block, BuildRequest, Header, Millis, Output, Peer, SealError, ValidatorSet};
use alloy_primitives::{Address, B256, Bytes};
use std::{collections::BTreeMap, sync::Arc};

/// Blocks by hash. A proposer's two of each round that is near are the most that the core takes.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    held: BTreeMap<B256, Held>,
    /// What was built here, by round.
    own: BTreeMap<u32, B256>,
}

#[derive(Debug)]
struct Held {
    block: Arc<Block>,
    is_written: bool,
    /// The round of the proposal that it came with first.
    round: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not looked at, or its time had not come.
    New,
    Asked,
    Judged(bool),
}

impl Blocks {
    pub fn get(&self, hash: B256) -> Option<Arc<Block>> {
        self.held.get(&hash).map(|held| Arc::clone(&held.block))
    }

    pub fn all(&self) -> BTreeMap<B256, Arc<Block>> {
        let blocks = self.held.iter();
        blocks.map(|(hash, held)| (*hash, Arc::clone(&held.block))).collect()
    }

    /// What was built here for a round.
    pub fn own(&self, round: u32) -> Option<Arc<Block>> {
        self.get(*self.own.get(&round)?)
    }

    /// A block that has to be written now; not twice.
    pub fn unwritten(&mut self, hash: B256) -> Option<Arc<Block>> {
        let held = self.held.get_mut(&hash)?;
        (!std::mem::replace(&mut held.is_written, true)).then(|| Arc::clone(&held.block))
    }

    /// Takes a block from the log.
    pub fn restore(&mut self, block: Block) {
        self.hold(Arc::new(block), 0).is_written = true;
    }

    /// Learns from the log what it had been told of its blocks. Those that were never judged are to be checked.
    pub fn replayed(&mut self, records: &[Record], own: Option<Address>) -> Vec<Block> {
        for record in records {
            match record {
                Record::Judged {
                    round,
                    proposer,
                    block,
                    valid,
                } => {
                    if let Some(held) = self.held.get_mut(block) {
                        held.state = State::Judged(*valid);
                        if Some(*proposer) == own && held.block.header.nonce == u64::from(*round) {
                            self.own.entry(*round).or_insert(*block);
                        }
                    }
                }
                Record::Proposal(signed) => {
                    if let Some(held) = self.held.get_mut(&signed.proposal.block) {
                        held.round = signed.proposal.round;
                    }
                }
                Record::Vote(_) | Record::Polka(_) | Record::Timeout(..) => {}
            }
        }
        let mut unjudged = Vec::new();
        for held in self.held.values_mut().filter(|held| held.state == State::New) {
            held.state = State::Asked;
            unjudged.push(Block::clone(&held.block));
        }
        unjudged
    }

    fn hold(&mut self, block: Arc<Block>, round: u32) -> &mut Held {
        self.held.entry(block.header.hash).or_insert(Held {
            block,
            is_written: false,
            round,
            state: State::New,
        })
    }
}

/// Whether a header may follow its parent where `set` votes, apart from the votes.
pub(super) fn check_header(
    rules: &BftRules,
    now: Millis,
    header: &Header,
    parent: &Header,
    set: &ValidatorSet,
) -> Result<(), SealError> {
    let number = header.number;
    if parent.number.checked_add(1) != Some(number) || header.parent != parent.hash {
        return Err(SealError::Parent {
            number,
            parent: parent.number,
        });
    }
    if !header.difficulty.is_zero() {
        return Err(SealError::Difficulty {
            number,
            got: header.difficulty,
            expected: alloy_primitives::U256::ZERO,
        });
    }
    let expected = u32::try_from(header.nonce).map(|round| set.proposer(number, round));
    let expected = expected.map_err(|_| SealError::Malformed(number))?;
    if header.proposer != expected {
        return Err(SealError::Proposer {
            number,
            round: header.nonce,
            got: header.proposer,
            expected,
        });
    }
    if header.timestamp < parent.timestamp {
        return Err(SealError::TooEarly {
            number,
            got: header.timestamp,
            limit: parent.timestamp - 1,
        });
    }
    let now = now / 1_000;
    if header.timestamp > now.saturating_add(rules.ahead_seconds_max) {
        return Err(SealError::TooLate {
            number,
            got: header.timestamp,
            now,
        });
    }
    Ok(())
}

impl Bft {
    /// A proposal has come. Nothing is executed for anybody but the round's proposer.
    pub(super) fn proposed(&mut self, now: Millis, from: Peer, signed: SignedProposal, bytes: Bytes) {
        let proposal = &signed.proposal;
        if signed.account != self.set.proposer(proposal.height, proposal.round) {
            return self.misbehaved(from, "it proposes out of turn");
        }
        if !self.core.has_room(&signed) {
            return;
        }
        let is_signed = self
            .signatures
            .is_signed(proposal, &self.domain, &signed.signature, signed.account);
        if !is_signed {
            return self.misbehaved(from, "its proposal is not signed by whom it names");
        }
        let known = self.blocks.get(proposal.block);
        let block = match known.filter(|block| block.bytes == bytes) {
            Some(block) => block,
            None => match (self.read)(&bytes) {
                Some(header) if header.hash == proposal.block => Arc::new(Block { header, bytes }),
                _ => return self.misbehaved(from, "its proposal carries another block"),
            },
        };
        // A new block is of its round, an old one of a round before the one that two thirds prevoted for it in. This is the
        // proposal's fault and not the block's, which others may propose rightly.
        let is_of_round = match u64::try_from(proposal.valid_round) {
            Ok(valid_round) => block.header.nonce <= valid_round,
            Err(_) => block.header.nonce == u64::from(proposal.round),
        };
        if !is_of_round {
            return;
        }
        let round = proposal.round;
        self.blocks.hold(Arc::clone(&block), round);
        let acts = self.core.proposal(&signed, Arc::clone(&block));
        self.perform(now, Some(from), acts);
        self.look_at(now, block, round);
        self.serve(now);
    }

    /// Has a block judged that is not judged yet.
    fn look_at(&mut self, now: Millis, block: Arc<Block>, round: u32) {
        if self.decided {
            return;
        }
        let verdict = check_header(&self.rules, now, &block.header, &self.head, &self.set);
        let held = self.blocks.hold(Arc::clone(&block), round);
        let valid = match (held.state, verdict) {
            (State::Asked, _) => return,
            (State::Judged(valid), _) => valid,
            (State::New, Ok(())) => {
                held.state = State::Asked;
                return self.out.push(Output::Check(Block::clone(&block)));
            }
            // Proposed again later it may be in time.
            (State::New, Err(SealError::TooLate { .. })) => false,
            (State::New, Err(_)) => {
                held.state = State::Judged(false);
                false
            }
        };
        if self.core.is_judged(&block) != Some(valid) {
            let acts = self.core.judge(&Judged { block, round, valid });
            self.perform(now, None, acts);
        }
    }

    pub(super) fn checked(&mut self, now: Millis, hash: B256, valid: bool) {
        if self.decided {
            return;
        }
        let Some(held) = self.blocks.held.get_mut(&hash) else {
            return;
        };
        if held.state != State::Asked {
            return;
        }
        held.state = State::Judged(valid);
        let (block, round) = (Arc::clone(&held.block), held.round);
        let acts = self.core.judge(&Judged { block, round, valid });
        self.perform(now, None, acts);
        self.serve(now);
    }

    /// What was asked for has been built. What others would refuse is not proposed.
    pub(super) fn built(&mut self, now: Millis, request: &BuildRequest, block: Block) {
        let Ok(round) = u32::try_from(request.nonce) else {
            return;
        };
        let is_asked = self.asked.as_ref() == Some(request) && self.wanted == Some(round) && !self.decided;
        if !is_asked || self.blocks.own(round).is_some() {
            return;
        }
        let is_ours = Some(block.header.proposer) == self.core.account() && block.header.nonce == request.nonce;
        let is_good = check_header(&self.rules, now, &block.header, &self.head, &self.set).is_ok();
        if !is_ours || !is_good || block.bytes.len() > BLOCK_BYTES_MAX {
            return;
        }
        let hash = block.header.hash;
        self.blocks.hold(Arc::new(block), round).state = State::Judged(true);
        self.blocks.own.insert(round, hash);
        self.serve(now);
    }
}
