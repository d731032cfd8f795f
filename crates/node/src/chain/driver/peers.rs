//! Peers of the chain: who is joined, who is shunned, and what is told to whom.

use alloy_primitives::U256;
use rayswarm_consensus::{Peer, Recipient};
use rayswarm_model::NodeId;
use rayswarm_network::{ChainLink, ChainWord, Network, PeerAddr};
use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::task::TaskTracker;

use super::doubts::Doubts;

/// Peers that this node looks for; more may come to it.
const PEERS_WANTED: usize = 16;
/// How long a peer that lied is shunned.
const SHUNNED_FOR: Duration = Duration::from_secs(600);
/// How long whoever has the greater id waits for the other to dial first.
const DIAL_PATIENCE: Duration = Duration::from_secs(5);
/// Peers that are remembered to be shunned.
const SHUNNED_MAX: usize = 4_096;

/// All peers.
pub(crate) struct Peers {
    network: Network,
    known: Vec<PeerAddr>,
    links: HashMap<NodeId, Joined>,
    shunned: HashMap<NodeId, Instant>,
    doubts: Doubts,
    alone_since: HashMap<NodeId, Instant>,
    tasks: TaskTracker,
}

struct Joined {
    link: ChainLink,
    /// Height of its best block, as it says.
    head: u64,
    /// What stands behind that block, as it says.
    weight: U256,
    since: Instant,
    /// Whether it had something when it was asked last.
    gave: bool,
}

impl Peers {
    /// `known` are looked for besides those that the network knows.
    pub(crate) fn new(network: Network, known: Vec<PeerAddr>, tasks: TaskTracker) -> Self {
        Self {
            network,
            known,
            links: HashMap::new(),
            shunned: HashMap::new(),
            doubts: Doubts::default(),
            alone_since: HashMap::new(),
            tasks,
        }
    }

    pub(super) fn joined(&mut self, link: ChainLink) {
        let node = link.node();
        if self.is_shunned(node) {
            link.drop_liar("what this node said before was not so; it may come again in ten minutes");
            return;
        }
        self.links.insert(
            node,
            Joined {
                link,
                head: 0,
                weight: U256::ZERO,
                since: Instant::now(),
                gave: false,
            },
        );
    }

    pub(super) fn left(&mut self, node: NodeId) {
        self.links.remove(&node);
    }

    pub(super) fn link(&self, node: NodeId) -> Option<&ChainLink> {
        self.links.get(&node).map(|joined| &joined.link)
    }

    /// All that are joined.
    pub(super) fn all(&self) -> impl Iterator<Item = &ChainLink> {
        self.links.values().map(|joined| &joined.link)
    }

    pub(super) fn count(&self) -> usize {
        self.links.len()
    }

    /// A peer says how high its chain is and what stands behind it.
    pub(super) fn said_head(&mut self, node: NodeId, head: u64, weight: U256) {
        if self.doubts.is_doubted(node) {
            return;
        }
        if let Some(joined) = self.links.get_mut(&node).filter(|joined| weight >= joined.weight) {
            joined.head = head;
            joined.weight = weight;
        }
    }

    /// The peer to be asked for what stands behind its head, if that is more than `weight`, and the head's height. Those that are
    /// trusted come before all others, and those that had nothing before after them; then who says most.
    pub(super) fn heaviest_above(&self, weight: U256) -> Option<(NodeId, u64)> {
        self.heaviest_of(|_, _| true, weight)
    }

    /// The same of those that are `asked`, by who they are and since when they are joined.
    pub(super) fn heaviest_of(&self, asked: impl Fn(NodeId, Instant) -> bool, weight: U256) -> Option<(NodeId, u64)> {
        let above = self
            .links
            .iter()
            .filter(|(node, joined)| joined.weight > weight && asked(**node, joined.since));
        let rank = |node: NodeId| (self.is_trusted(node), Reverse(self.doubts.of(node)));
        above
            .max_by_key(|(node, joined)| (rank(**node), joined.weight, **node))
            .map(|(node, joined)| (*node, joined.head))
    }

    /// Whether a peer gave something when it was asked last, or was named by this node's owner and never had nothing.
    pub(super) fn is_trusted(&self, node: NodeId) -> bool {
        let gave = self.links.get(&node).is_some_and(|joined| joined.gave);
        gave || (self.doubts.of(node) == 0 && self.known.iter().any(|peer| peer.node == node))
    }

    /// Whether nothing is believed now of what a peer says it has.
    pub(super) fn is_doubted(&self, node: NodeId) -> bool {
        self.doubts.is_doubted(node)
    }

    /// How high a peer's head is and what stands behind it, as it says.
    pub(super) fn claimed_by(&self, node: NodeId) -> (u64, U256) {
        self.links
            .get(&node)
            .map_or((0, U256::ZERO), |joined| (joined.head, joined.weight))
    }

    /// Whether every peer that was named is joined, and one was.
    pub(super) fn all_known_are_joined(&self) -> bool {
        !self.known.is_empty() && self.known.iter().all(|peer| self.links.contains_key(&peer.node))
    }

    /// What a peer said of its head is known, or out of date.
    pub(super) fn forget_head(&mut self, node: NodeId) {
        if let Some(joined) = self.links.get_mut(&node) {
            joined.head = 0;
            joined.weight = U256::ZERO;
        }
    }

    /// A peer did not have what it said it had.
    pub(super) fn disbelieve(&mut self, node: NodeId) {
        self.forget_head(node);
        self.doubts.add(node);
        if let Some(joined) = self.links.get_mut(&node) {
            joined.gave = false;
        }
    }

    /// A peer had something new.
    pub(super) fn believe(&mut self, node: NodeId) {
        self.doubts.clear(node);
        if let Some(joined) = self.links.get_mut(&node) {
            joined.gave = true;
        }
    }

    pub(super) fn say(&self, to: Recipient, word: ChainWord) {
        let word = Arc::new(word);
        match to {
            Recipient::All => self.links.values().for_each(|joined| joined.link.say(word.clone())),
            Recipient::One(Peer(node)) => {
                if let Some(joined) = self.links.get(&NodeId::from_bytes(node)) {
                    joined.link.say(word);
                }
            }
        }
    }

    pub(super) fn say_to_others(&self, but: NodeId, word: ChainWord) {
        let word = Arc::new(word);
        let others = self.links.iter().filter(|(node, _)| **node != but);
        others.for_each(|(_, joined)| joined.link.say(word.clone()));
    }

    /// Parts with a peer that sent what no honest one sends.
    pub(super) fn shun(&mut self, node: NodeId, reason: &str) {
        tracing::warn!(%node, reason, "parting with a peer of the chain that lies");
        if let Some(joined) = self.links.remove(&node) {
            joined.link.drop_liar(reason);
        }
        if self.shunned.len() < SHUNNED_MAX {
            self.shunned.insert(node, Instant::now());
        }
    }

    fn is_shunned(&mut self, node: NodeId) -> bool {
        self.shunned.retain(|_, since| since.elapsed() < SHUNNED_FOR);
        self.shunned.contains_key(&node)
    }

    /// Dials peers that are not joined. Of two the one with the smaller id dials, so that they do not cross; the other does
    /// after a while, as not everybody can be reached, and at once where it was named, as it may not be known there yet.
    pub(super) fn look_for_more(&mut self) {
        let is_wanted = self.links.len() < PEERS_WANTED;
        let own = self.network.node_id();
        let met = self.network.peers().into_iter().map(|peer| peer.card.address);
        let named = self.known.iter().cloned().map(|peer| (peer, true));
        // Whoever comes by itself may not keep this node from those that its owner named.
        let met = met.filter(|_| is_wanted).map(|peer| (peer, false));
        let candidates: Vec<(PeerAddr, bool)> = named.chain(met).collect();
        self.alone_since
            .retain(|node, _| candidates.iter().any(|(peer, _)| peer.node == *node));
        for (peer, is_named) in candidates {
            let node = peer.node;
            if node == own || self.links.contains_key(&node) || self.is_shunned(node) {
                self.alone_since.remove(&node);
                continue;
            }
            let is_new = !self.alone_since.contains_key(&node);
            let since = *self.alone_since.entry(node).or_insert_with(Instant::now);
            if own < node || (is_new && is_named) || since.elapsed() >= DIAL_PATIENCE {
                self.alone_since.insert(node, Instant::now());
                let network = self.network.clone();
                self.tasks.spawn(async move {
                    if let Err(error) = network.join_chain_peer(&peer).await {
                        tracing::debug!(node = %peer.node, %error, "a peer of the chain was not joined");
                    }
                });
            }
        }
    }
}
