//! What the core wants done, as outputs.

use super::{
    Bft, TIMER_PAUSE,
    certificate::Certificate,
    malachite::{Act, Step},
    record::{Entry, Record},
    step_of,
};
use crate::{Block, BuildRequest, Millis, Output, Peer, Recipient, Seal, Timer};
use alloy_primitives::{B256, U256};
use std::time::Duration;

impl Bft {
    /// Does what the core wants done.
    pub(super) fn perform(&mut self, now: Millis, from: Option<Peer>, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Send(message) => {
                    self.sync();
                    let (to, message) = (Recipient::All, message.encode());
                    self.out.push(Output::Send { to, message });
                }
                Act::Schedule(step, round) => {
                    let mut after = self.rules.timeout(step, round);
                    if step == Step::Propose {
                        after += self.pause(now);
                    }
                    self.set_timer(round, step as u8, after);
                }
                Act::Cancel(step, round) => self.clear_timer(round, step as u8),
                Act::CancelAll => {
                    for timer in self.timers.clone() {
                        if step_of(timer.kind).is_some() {
                            self.clear_timer(timer.round, timer.kind);
                        }
                    }
                }
                Act::Want(round) => self.wanted = Some(round),
                Act::Record(record) => self.write(record),
                Act::Decided(hash, certificate) => self.decide(hash, &certificate),
                Act::Accuse(evidence) => self.out.extend(evidence.into_iter().map(Output::Accuse)),
                Act::Forged => {
                    if let Some(peer) = from {
                        self.misbehaved(peer, "its message is not signed by whom it names");
                    }
                }
            }
        }
    }

    /// Who does not vote has nothing to remember.
    fn write(&mut self, record: Record) {
        if !self.core.is_voting() {
            return;
        }
        let height = self.height();
        let block = record.block().and_then(|hash| self.blocks.unwritten(hash));
        let block = block.map(|block| Entry::Block(height, block.bytes.clone()));
        for entry in block.into_iter().chain([Entry::Record(height, record)]) {
            let bytes = entry.encode();
            if !self.replayed.contains(&bytes) {
                self.out.push(Output::Write(bytes));
                self.is_unsynced = true;
            }
        }
    }

    fn sync(&mut self) {
        if std::mem::take(&mut self.is_unsynced) {
            self.out.push(Output::Sync);
        }
    }

    fn decide(&mut self, hash: B256, certificate: &Certificate) {
        let Some(block) = self.blocks.get(hash) else {
            return;
        };
        self.decided = true;
        self.sync();
        let seal = Seal::Votes(certificate.encode(&self.set));
        let block = Block::clone(&block);
        self.out.push(Output::Store { block, seal });
    }

    /// Answers the core's wish for a block, as soon as that is possible.
    pub(super) fn serve(&mut self, now: Millis) {
        let Some(round) = self.wanted else {
            return;
        };
        if self.decided || round != self.core.round() {
            self.wanted = None;
        } else if let Some(block) = self.blocks.own(round) {
            self.wanted = None;
            let acts = self.core.propose(round, block);
            self.perform(now, None, acts);
            self.serve(now);
        } else if self.asked.is_none_or(|asked| asked.nonce != u64::from(round)) {
            self.asked = Some(BuildRequest {
                parent: self.head.hash,
                nonce: u64::from(round),
                difficulty: U256::ZERO,
                timestamp_min: self.head.timestamp,
            });
            match self.pause(now) {
                Duration::ZERO => self.build(round),
                pause => self.set_timer(round, TIMER_PAUSE, pause),
            }
        }
    }

    pub(super) fn build(&mut self, round: u32) {
        let request = self.asked.filter(|asked| asked.nonce == u64::from(round));
        let request = request.filter(|_| self.wanted == Some(round));
        self.out.extend(request.map(Output::Build));
    }

    /// What is left of the pause between blocks.
    fn pause(&self, now: Millis) -> Duration {
        let since = now.saturating_sub(self.began);
        Duration::from_millis(self.rules.block_millis.saturating_sub(since))
    }

    pub(super) fn set_timer(&mut self, round: u32, kind: u8, after: Duration) {
        let height = self.height();
        let timer = Timer { height, round, kind };
        self.timers.insert(timer);
        self.out.push(Output::Set { timer, after });
    }

    fn clear_timer(&mut self, round: u32, kind: u8) {
        let height = self.height();
        let timer = Timer { height, round, kind };
        if self.timers.remove(&timer) {
            self.out.push(Output::Clear(timer));
        }
    }
}
