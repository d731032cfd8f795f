//! What nodes want done, and their stores.

use super::{
    super::{
        node::{Node, Sealed},
        toy,
    },
    Broken, FETCHED_MAX, Happening, World,
};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rayswarm_consensus::{
    Block, BuildRequest, Consensus as _, Event, Header, Output, Seal, SealError, Site, ValidatorSet,
};
use std::sync::Arc;

impl World {
    pub(super) fn handle(&mut self, node: usize, event: Event) {
        let now = self.nodes[node].clock(self.now);
        if let Some(bft) = &mut self.nodes[node].bft {
            let outputs = bft.handle(now, event);
            self.perform(node, outputs);
        }
    }

    pub(super) fn perform(&mut self, node: usize, outputs: Vec<Output>) {
        for output in outputs {
            match &mut self.nodes[node].crash_after {
                Some(0) => return self.crash(node),
                Some(left) => *left -= 1,
                None => {}
            }
            self.perform_one(node, output);
        }
    }

    pub(super) fn perform_one(&mut self, node: usize, output: Output) {
        let life = self.nodes[node].life;
        match output {
            Output::Send { message, .. } => self.send(node, &message),
            Output::Set { timer, after } => {
                let at = self.now + u64::try_from(after.as_millis()).unwrap_or(u64::MAX / 2);
                let id = self.push(at, Happening::Timer { node, life, timer });
                self.nodes[node].timers.insert(timer, id);
            }
            Output::Clear(timer) => {
                self.nodes[node].timers.remove(&timer);
            }
            Output::Build(request) => self.build(node, &request),
            Output::Check(block) => {
                let event = Event::Checked {
                    hash: block.header.hash,
                    valid: toy::is_valid(&block),
                };
                self.later(node, 30, event);
            }
            Output::Write(bytes) => self.nodes[node].write(bytes),
            Output::Sync => self.nodes[node].sync(),
            Output::Reset => self.nodes[node].reset(),
            Output::Store { block, seal } => {
                self.nodes[node].is_storing = true;
                let at = self.now + self.rng.random_range(1..20);
                self.push(
                    at,
                    Happening::Import {
                        node,
                        life,
                        block,
                        seal,
                    },
                );
            }
            Output::Head(_) => self.end_height(node),
            Output::Final(hash) => self.finalize(node, hash),
            Output::Accuse(evidence) => self.accuse(node, &evidence),
            Output::Behind { peer, .. } => self.fetch(node, usize::from(peer.0[0])),
            Output::Misbehaved { peer, reason } => {
                let peer = usize::from(peer.0[0]);
                if !self.nodes[node].is_cheat && !self.nodes[peer].is_cheat {
                    self.broken = Some(Broken::Slander { node, peer, reason });
                }
            }
            Output::Mine { .. } | Output::Refuse { .. } => {}
        }
    }

    pub(super) fn build(&mut self, node: usize, request: &BuildRequest) {
        let Node { key, .. } = &self.nodes[node];
        let seconds = self.nodes[node].clock(self.now) / 1_000;
        // Building again gives something else: only the log makes it the same.
        let rest = self.rng.random::<[u8; 4]>().map(|byte| byte & 0x7F);
        let number = self.nodes[node].height() + 1;
        if let Some(block) = toy::build(request, number, key.address(), seconds, &rest) {
            let request = *request;
            self.later(node, 60, Event::Built { request, block });
        }
    }

    pub(super) fn later(&mut self, node: usize, millis: u64, event: Event) {
        let life = self.nodes[node].life;
        let at = self.now + self.rng.random_range(0..millis);
        self.push(at, Happening::Own { node, life, event });
    }

    /// The one way for a block to get in, decided here or fetched from a peer.
    pub(super) fn import(&mut self, node: usize, block: Block, seal: Seal, from: Option<usize>) {
        if block.header.number != self.nodes[node].height() + 1 {
            return;
        }
        let set = self.electorate.next(&self.nodes[node].chain);
        if let Err(reason) = self.verify(node, &block, &seal, &set) {
            self.report.refused += 1;
            if from.is_none_or(|from| !self.nodes[from].is_cheat) {
                self.broken = Some(Broken::Refusal { node, reason });
            }
            return;
        }
        let Header { number, hash, .. } = block.header;
        if !self.nodes[node].is_cheat {
            let one = *self.chain.entry(number).or_insert(hash);
            if one != hash || !toy::is_valid(&block) {
                self.broken = Some(Broken::Agreement { node, height: number });
            }
        }
        self.report.fetched += u32::from(from.is_some());
        self.report.late_rounds += u32::from(block.header.nonce > 0);
        self.nodes[node].store(&block, seal);
        let validators = Some(self.electorate.next(&self.nodes[node].chain));
        let header = block.header;
        self.later(node, 10, Event::Stored { header, validators });
        for to in 0..self.nodes.len() {
            self.transmit(node, to, Happening::Announce { from: node, to, number });
        }
    }

    pub(super) fn verify(
        &self,
        node: usize,
        block: &Block,
        seal: &Seal,
        set: &Arc<ValidatorSet>,
    ) -> Result<(), SealError> {
        let node = &self.nodes[node];
        let times: Vec<u64> = node
            .chain
            .iter()
            .rev()
            .take(11)
            .map(|header| header.timestamp)
            .collect();
        let site = Site {
            parent: node.head(),
            times: &times,
            genesis: &node.chain[0],
            validators: Some(set),
        };
        match &node.bft {
            Some(bft) => bft.verify_seal(node.clock(self.now), &block.header, seal, &site),
            None => Ok(()),
        }
    }

    pub(super) fn fetch(&mut self, from: usize, to: usize) {
        let number = self.nodes[from].height() + 1;
        self.transmit(from, to, Happening::Ask { from, to, number });
    }

    pub(super) fn ask(&mut self, from: usize, to: usize, number: u64) {
        let first = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        let blocks = self.nodes[to].blocks.iter().skip(first).take(FETCHED_MAX);
        let mut blocks: Vec<Sealed> = blocks.cloned().collect();
        if self.nodes[to].is_cheat && self.rng.random_bool(0.5) {
            for sealed in &mut blocks {
                tamper(&mut self.rng, sealed);
            }
        }
        if self.nodes[to].bft.is_some() && !blocks.is_empty() {
            let (asker, from) = (from, to);
            self.transmit(
                from,
                asker,
                Happening::Answer {
                    from,
                    to: asker,
                    blocks,
                },
            );
        }
    }
}

/// Changes a block or its seal.
fn tamper(rng: &mut ChaCha8Rng, sealed: &mut Sealed) {
    if rng.random() {
        sealed.bytes = toy::other(&sealed.bytes, false);
        return;
    }
    if let Seal::Votes(votes) = &mut sealed.seal {
        let mut bytes = votes.to_vec();
        let at = rng.random_range(0..bytes.len());
        bytes[at] ^= rng.random_range(1..=255u8);
        *votes = bytes.into();
    }
}
