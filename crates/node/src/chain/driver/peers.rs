//! Peers of the chain: who is joined, who is shunned, and what is told to whom.

use rayswarm_consensus::{Peer, Recipient};
use rayswarm_model::NodeId;
use rayswarm_network::{ChainLink, ChainWord, Network, PeerAddr};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::task::TaskTracker;

/// Peers that this node looks for; more may come to it.
const PEERS_WANTED: usize = 16;
/// How long a peer that lied is shunned.
const SHUNNED_FOR: Duration = Duration::from_secs(600);
/// How long whoever has the greater id waits for the other to dial first.
const DIAL_PATIENCE: Duration = Duration::from_secs(5);
/// Peers that are remembered to be shunned.
const SHUNNED_MAX: usize = 4_096;

/// All peers.
pub(super) struct Peers {
    network: Network,
    known: Vec<PeerAddr>,
    links: HashMap<NodeId, Joined>,
    shunned: HashMap<NodeId, Instant>,
    alone_since: HashMap<NodeId, Instant>,
    tasks: TaskTracker,
}

struct Joined {
    link: ChainLink,
    /// Height of its best block, as it says.
    head: u64,
}

impl Peers {
    /// `known` are looked for besides those that the network knows.
    pub(super) fn new(network: Network, known: Vec<PeerAddr>, tasks: TaskTracker) -> Self {
        Self {
            network,
            known,
            links: HashMap::new(),
            shunned: HashMap::new(),
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
        self.links.insert(node, Joined { link, head: 0 });
    }

    pub(super) fn left(&mut self, node: NodeId) {
        self.links.remove(&node);
    }

    pub(super) fn link(&self, node: NodeId) -> Option<&ChainLink> {
        self.links.get(&node).map(|joined| &joined.link)
    }

    pub(super) fn count(&self) -> usize {
        self.links.len()
    }

    /// A peer says how high its chain is.
    pub(super) fn said_head(&mut self, node: NodeId, head: u64) {
        if let Some(joined) = self.links.get_mut(&node) {
            joined.head = joined.head.max(head);
        }
    }

    /// The peer with the highest chain above `height`.
    pub(super) fn ahead_of(&self, height: u64) -> Option<NodeId> {
        let ahead = self.links.iter().filter(|(_, joined)| joined.head > height);
        ahead
            .max_by_key(|(node, joined)| (joined.head, **node))
            .map(|(node, _)| *node)
    }

    /// A peer did not have what it said it had.
    pub(super) fn disbelieve(&mut self, node: NodeId) {
        if let Some(joined) = self.links.get_mut(&node) {
            joined.head = 0;
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
    /// after a while, as not everybody can be reached.
    pub(super) fn look_for_more(&mut self) {
        if self.links.len() >= PEERS_WANTED {
            return;
        }
        let own = self.network.node_id();
        let met = self.network.peers().into_iter().map(|peer| peer.card.address);
        let candidates: Vec<PeerAddr> = self.known.iter().cloned().chain(met).collect();
        for peer in candidates {
            let node = peer.node;
            if node == own || self.links.contains_key(&node) || self.is_shunned(node) {
                self.alone_since.remove(&node);
                continue;
            }
            let since = *self.alone_since.entry(node).or_insert_with(Instant::now);
            if own < node || since.elapsed() >= DIAL_PATIENCE {
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
