//! Links that lose, delay and part.

use super::{Broken, Happening, Partition, World, peer};
use alloy_primitives::Bytes;
use rand::Rng as _;
use rayswarm_consensus::{Event, bft::message::Message};

impl World {
    pub(super) fn deliver(&mut self, from: usize, to: usize, bytes: Bytes) {
        if self.nodes[to].bft.is_none() {
            return;
        }
        self.overhear(from, to, &bytes);
        if let Some(cheat) = self.cheats.get_mut(&to) {
            cheat.hear(&bytes);
        }
        let from = peer(from);
        self.handle(to, Event::Message { from, bytes });
    }

    pub(super) fn send(&mut self, from: usize, message: &Bytes) {
        let is_signed = matches!(Message::decode(message), Some(Message::Vote(_) | Message::Proposal(..)));
        if is_signed && self.nodes[from].is_unsynced() {
            self.broken = Some(Broken::Unsynced { node: from });
        }
        let count = self.nodes.len();
        let said = match self.cheats.get_mut(&from) {
            Some(cheat) => cheat.say(&mut self.rng, message, count),
            None => (0..count).map(|to| (to, message.clone())).collect(),
        };
        for (to, bytes) in said {
            if to != from {
                self.transmit(from, to, Happening::Deliver { from, to, bytes });
            }
        }
    }

    /// Sends something over a link, if it gets through.
    pub(super) fn transmit(&mut self, from: usize, to: usize, happening: Happening) {
        let is_faulty = self.now < self.heals;
        let is_parted = |partition: &Partition| {
            (partition.from..partition.until).contains(&self.now) && partition.group[from] != partition.group[to]
        };
        let loss = if is_faulty { self.loss } else { 0.01 };
        if self.partitions.iter().any(is_parted) || self.rng.random_bool(loss) {
            return;
        }
        let mut delay = 1 + self.rng.random_range(0..self.delay);
        if is_faulty && self.rng.random_bool(0.03) {
            delay += self.rng.random_range(0..600);
        }
        self.push(self.now + delay, happening);
    }
}
