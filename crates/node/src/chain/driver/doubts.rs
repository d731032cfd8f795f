//! Peers that had nothing of what they said: how often, and until when they are not heard boasting. Kept for nodes, not for links,
//! so that coming again does not help.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rayswarm_model::NodeId;

/// How long a peer is not heard boasting the first time; then twice as long each time. Longer than two looks at who has most,
/// so that others have their turn.
const FIRST: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST: Duration = Duration::from_secs(600);
/// How long a doubt is remembered after it.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Nodes that are doubted at once.
const NODES_MAX: usize = 4_096;

/// Who is doubted.
#[derive(Default)]
pub(super) struct Doubts(HashMap<NodeId, Doubt>);

struct Doubt {
    /// How often the node had nothing since it last had something.
    count: u32,
    until: Instant,
}

impl Doubts {
    /// A node had nothing of what it said.
    pub(super) fn add(&mut self, node: NodeId) {
        let now = Instant::now();
        self.0
            .retain(|_, doubt| now.saturating_duration_since(doubt.until) < REMEMBERED);
        if self.0.len() >= NODES_MAX
            && !self.0.contains_key(&node)
            && let Some(oldest) = self
                .0
                .iter()
                .min_by_key(|(_, doubt)| doubt.until)
                .map(|(node, _)| *node)
        {
            self.0.remove(&oldest);
        }
        let doubt = self.0.entry(node).or_insert(Doubt { count: 0, until: now });
        doubt.until = now + FIRST.saturating_mul(1 << doubt.count.min(16)).min(LONGEST);
        doubt.count = doubt.count.saturating_add(1);
    }

    /// A node had something.
    pub(super) fn clear(&mut self, node: NodeId) {
        self.0.remove(&node);
    }

    /// Whether a node is not heard now.
    pub(super) fn is_doubted(&self, node: NodeId) -> bool {
        self.0.get(&node).is_some_and(|doubt| Instant::now() < doubt.until)
    }

    /// How often a node had nothing since it last had something.
    pub(super) fn of(&self, node: NodeId) -> u32 {
        let now = Instant::now();
        let remembered = self.0.get(&node);
        let remembered = remembered.filter(|doubt| now.saturating_duration_since(doubt.until) < REMEMBERED);
        remembered.map_or(0, |doubt| doubt.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_grow_until_something_comes() {
        let node = NodeId::from_bytes([1; 32]);
        let mut doubts = Doubts::default();
        assert!(!doubts.is_doubted(node));
        for count in 1..20 {
            doubts.add(node);
            assert!(doubts.is_doubted(node));
            assert_eq!(doubts.of(node), count);
        }
        let until = doubts.0[&node].until;
        assert!(until <= Instant::now() + LONGEST);
        doubts.clear(node);
        assert_eq!((doubts.is_doubted(node), doubts.of(node)), (false, 0));
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let mut doubts = Doubts::default();
        for number in 0..=NODES_MAX as u64 {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&number.to_be_bytes());
            doubts.add(NodeId::from_bytes(bytes));
        }
        assert_eq!(doubts.0.len(), NODES_MAX);
        assert_eq!(doubts.of(NodeId::from_bytes([0; 32])), 0, "the oldest makes room");
    }
}
