//! Time, links and miners around the nodes: what happens next, from a seed.

use super::{
    chain::GENESIS_SECONDS,
    node::{Action, Message, Node, Step, Violation},
};
use alloy_primitives::B256;
use rand::{Rng, SeedableRng, seq::index::sample};
use rand_chacha::ChaCha8Rng;
use rayswarm_consensus::{Millis, PowRules};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    ops::Range,
};

/// The world as it is at first.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The chain's rules.
    pub rules: PowRules,
    /// Hashes per second of each node's miner; as many nodes as there are rates.
    pub rates: Vec<f64>,
    /// To how many nodes chosen at random each is linked, besides the next one; all to all if that is as many as there are.
    pub links: usize,
    /// How long a message travels, in milliseconds.
    pub delay: Range<u64>,
    /// Which part of the messages is lost.
    pub loss: f64,
    /// How far clocks are off at most, in milliseconds.
    pub clock_error: i64,
    /// How often a node makes a new template and tells a peer of its head, in milliseconds.
    pub tick: u64,
}

/// What happens to the world.
#[derive(Clone, Debug)]
pub enum Incident {
    /// A node loses what it has not stored, perhaps with the last record of what is final.
    Crash {
        /// The node.
        node: usize,
        /// Whether that record is lost.
        loses_final: bool,
    },
    /// A node begins again.
    Restart(usize),
    /// Messages travel only among nodes of one group; one number per node.
    Split(Vec<u8>),
    /// All links work again.
    Heal,
    /// All miners change their hash rate by this factor.
    Rates(f64),
}

enum What {
    Deliver { from: usize, to: usize, message: Message },
    Found { node: usize, attempt: u64 },
    Tick(usize),
    Incident(Incident),
}

struct Entry {
    at: Millis,
    /// Entries of one time happen in the order in which they were made.
    order: u64,
    what: What,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// The world.
pub struct World {
    setup: Setup,
    now: Millis,
    made: u64,
    queue: BinaryHeap<Reverse<Entry>>,
    nodes: Vec<Node>,
    peers: Vec<Vec<usize>>,
    groups: Vec<u8>,
    /// Which drawing of each miner counts.
    attempts: Vec<u64>,
    finals: BTreeMap<u64, B256>,
    mining: ChaCha8Rng,
    links: ChaCha8Rng,
    ticks: ChaCha8Rng,
}

/// A stream of random numbers of its own for one purpose.
pub fn stream(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(purpose);
    random
}

impl World {
    /// A world at genesis, all nodes up.
    pub fn new(setup: Setup, seed: u64) -> Result<Self, Violation> {
        let count = setup.rates.len();
        let mut clocks = stream(seed, 1);
        let mut node = |id| {
            let clock_ahead = clocks.random_range(-setup.clock_error..=setup.clock_error);
            Node::new(id, setup.rules, clock_ahead)
        };
        let nodes = (0..count).map(&mut node).collect();
        let peers = peers(count, setup.links, &mut stream(seed, 2));
        let mut world = Self {
            now: GENESIS_SECONDS * 1_000,
            made: 0,
            queue: BinaryHeap::new(),
            nodes,
            peers,
            groups: vec![0; count],
            attempts: vec![0; count],
            finals: BTreeMap::new(),
            mining: stream(seed, 3),
            links: stream(seed, 4),
            ticks: stream(seed, 5),
            setup,
        };
        for node in 0..count {
            world.start(node)?;
            let first = world.ticks.random_range(0..world.setup.tick);
            world.push(first, What::Tick(node));
        }
        Ok(world)
    }

    /// Makes something happen later, `after` milliseconds from genesis.
    pub fn plan(&mut self, after: Millis, incident: Incident) {
        let at = GENESIS_SECONDS * 1_000 + after;
        self.push(at.saturating_sub(self.now), What::Incident(incident));
    }

    /// Milliseconds since genesis.
    pub const fn elapsed(&self) -> Millis {
        self.now - GENESIS_SECONDS * 1_000
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All blocks that any node made final, by height.
    pub const fn finals(&self) -> &BTreeMap<u64, B256> {
        &self.finals
    }

    /// Whether all nodes are up with one head.
    pub fn agrees(&self) -> bool {
        let first = self.nodes.first().and_then(|node| node.head().map(|head| head.hash));
        first.is_some() && self.nodes.iter().all(|node| node.head().map(|head| head.hash) == first)
    }

    /// The height of the highest head.
    pub fn height(&self) -> u64 {
        self.nodes
            .iter()
            .filter_map(|node| node.head())
            .map(|head| head.number)
            .max()
            .unwrap_or_default()
    }

    /// Lets things happen until `done`, or until `deadline` milliseconds after genesis. Whether it was done.
    pub fn run_until(&mut self, deadline: Millis, mut done: impl FnMut(&Self) -> bool) -> Result<bool, Violation> {
        while !done(self) {
            let next = self.queue.peek().map(|Reverse(entry)| entry.at);
            if next.is_none_or(|at| at > GENESIS_SECONDS * 1_000 + deadline) {
                return Ok(false);
            }
            self.happen()?;
        }
        Ok(true)
    }

    fn happen(&mut self) -> Result<(), Violation> {
        let Some(Reverse(entry)) = self.queue.pop() else {
            return Ok(());
        };
        self.now = entry.at;
        match entry.what {
            What::Deliver { from, to, message } => self.act(to, |node, now| node.receive(now, from, message)),
            What::Found { node, attempt } if self.attempts.get(node) == Some(&attempt) => {
                let first_nonce = self.mining.random_range(0..1 << 32);
                self.act(node, |node, now| node.found(now, first_nonce))
            }
            What::Found { .. } => Ok(()),
            What::Tick(node) => {
                let tick = self.setup.tick;
                let next = self.ticks.random_range(tick / 2..tick * 3 / 2);
                self.push(next, What::Tick(node));
                let peers = self.peers.get(node).map_or(&[][..], Vec::as_slice);
                let Some(peer) = peers.get(self.ticks.random_range(0..peers.len().max(1))).copied() else {
                    return Ok(());
                };
                self.act(node, |node, now| node.tick(now, peer))
            }
            What::Incident(incident) => self.suffer(incident),
        }
    }

    fn suffer(&mut self, incident: Incident) -> Result<(), Violation> {
        match incident {
            Incident::Crash { node, loses_final } => {
                self.attempts[node] += 1;
                self.nodes[node].crash(loses_final);
            }
            Incident::Restart(node) if !self.nodes[node].is_up() => return self.start(node),
            Incident::Restart(_) => {}
            Incident::Split(groups) => self.groups = groups,
            Incident::Heal => self.groups.fill(0),
            Incident::Rates(factor) => {
                for rate in &mut self.setup.rates {
                    *rate *= factor;
                }
                for node in 0..self.nodes.len() {
                    self.mine(node);
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, node: usize) -> Result<(), Violation> {
        let step = self.nodes[node].start(self.now)?;
        self.take(node, step)
    }

    /// Something happens to a node, if it is up.
    fn act(
        &mut self,
        node: usize,
        what: impl FnOnce(&mut Node, Millis) -> Result<Step, Violation>,
    ) -> Result<(), Violation> {
        let now = self.now;
        match self.nodes.get_mut(node).filter(|node| node.is_up()) {
            Some(subject) => {
                let step = what(subject, now)?;
                self.take(node, step)
            }
            None => Ok(()),
        }
    }

    fn take(&mut self, node: usize, step: Step) -> Result<(), Violation> {
        for (number, hash) in step.finals {
            if *self.finals.entry(number).or_insert(hash) != hash {
                return Err(Violation::FinalDiffers { node, number });
            }
        }
        for action in step.actions {
            match action {
                Action::Send(to, message) => self.send(node, to, message),
                Action::Relay(except, message) => {
                    for to in self.peers[node].clone() {
                        if Some(to) != except {
                            self.send(node, to, message.clone());
                        }
                    }
                }
                Action::Mine => self.mine(node),
            }
        }
        Ok(())
    }

    fn send(&mut self, from: usize, to: usize, message: Message) {
        // Both are drawn for every message, so that a partition does not change what befalls later ones.
        let lost = self.links.random::<f64>() < self.setup.loss;
        let delay = self.links.random_range(self.setup.delay.clone());
        if !lost && self.groups[from] == self.groups[to] {
            self.push(delay, What::Deliver { from, to, message });
        }
    }

    /// Draws when the miner finds a block: hashing has no memory, so any change may draw anew.
    fn mine(&mut self, node: usize) {
        self.attempts[node] += 1;
        let attempt = self.attempts[node];
        let Some(template) = self.nodes[node].template() else {
            return;
        };
        let seconds = f64::from(template.header.difficulty) / self.setup.rates[node];
        let luck = -(1.0 - self.mining.random::<f64>()).ln();
        // Never negative, and `as` saturates.
        self.push((seconds * luck * 1_000.0) as u64, What::Found { node, attempt });
    }

    fn push(&mut self, after: u64, what: What) {
        self.made += 1;
        let at = self.now.saturating_add(after);
        self.queue.push(Reverse(Entry {
            at,
            order: self.made,
            what,
        }));
    }
}

/// Who is linked to whom: a ring, so that all are, and `links` more of each at random.
fn peers(count: usize, links: usize, random: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut peers = vec![BTreeSet::new(); count];
    for node in 0..count {
        let others = sample(random, count, links.min(count))
            .into_iter()
            .chain([(node + 1) % count]);
        for other in others.filter(|other| *other != node).collect::<Vec<_>>() {
            peers[node].insert(other);
            peers[other].insert(node);
        }
    }
    peers.into_iter().map(|peers| peers.into_iter().collect()).collect()
}
