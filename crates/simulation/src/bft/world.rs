//! Time, crashes, and what happens when.

mod acts;
mod laws;
mod links;

use super::{
    Broken, Power, Report,
    cheat::Cheat,
    node::{DOMAIN, Node, Sealed},
    toy::{self, Electorate},
};
use alloy_primitives::{Address, B256, Bytes};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayswarm_consensus::{Block, Event, Millis, Peer, Seal, Timer, bft::Signatures};
use rayswarm_model::signed::AccountKey;
use std::collections::{BTreeMap, BTreeSet};

/// When every world begins, in milliseconds since 1970.
const BEGIN: Millis = 1_700_000_000_000;

/// How many heights everybody must get on by once the faults are over.
const HEIGHTS_AFTER: u64 = 4;

/// How long they may take for it, in milliseconds.
const RECOVERY_MILLIS_MAX: u64 = 60_000;

/// How many blocks are fetched at once.
const FETCHED_MAX: usize = 4;

/// What happens.
enum Happening {
    Deliver {
        from: usize,
        to: usize,
        bytes: Bytes,
    },
    Own {
        node: usize,
        life: u32,
        event: Event,
    },
    Timer {
        node: usize,
        life: u32,
        timer: Timer,
    },
    /// A block has been executed and is stored.
    Import {
        node: usize,
        life: u32,
        block: Block,
        seal: Seal,
    },
    /// `to` is asked for the blocks from this height on.
    Ask {
        from: usize,
        to: usize,
        number: u64,
    },
    Answer {
        from: usize,
        to: usize,
        blocks: Vec<Sealed>,
    },
    /// A peer tells its height.
    Announce {
        from: usize,
        to: usize,
        number: u64,
    },
    Crash(usize),
    Boot(usize),
}

/// A time in which two groups do not hear each other.
struct Partition {
    from: Millis,
    until: Millis,
    group: Vec<bool>,
}

pub(super) struct World {
    rng: ChaCha8Rng,
    now: Millis,
    /// From here on nothing is wrong any more, beside a lost message here and there.
    heals: Millis,
    loss: f64,
    delay: u64,
    partitions: Vec<Partition>,
    events: BTreeMap<(Millis, u64), Happening>,
    next: u64,
    nodes: Vec<Node>,
    cheats: BTreeMap<usize, Cheat>,
    electorate: Electorate,
    signatures: Signatures,
    /// The one block of each height.
    chain: BTreeMap<u64, B256>,
    report: Report,
    /// What was found broken in the middle of something.
    broken: Option<Broken>,
}

impl World {
    pub fn new(seed: u64, power: Power) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(2) + u64::from(power == Power::Election));
        let count = rng.random_range(4..=13usize);
        let cheats = rng.random_range(0..=(count - 1) / 3);
        let key = |number: usize| {
            let mut secret = [1; 32];
            secret[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            AccountKey::from_bytes(&secret).unwrap_or_else(|error| unreachable!("{error}"))
        };
        let nodes: Vec<Node> = (0..count)
            .map(|number| Node::new(key(number), number < cheats, rng.random_range(-400..=400)))
            .collect();
        let accounts: Vec<Address> = nodes.iter().map(|node| node.key.address()).collect();
        let is_cheat: Vec<bool> = nodes.iter().map(|node| node.is_cheat).collect();
        let report = Report {
            nodes: count,
            cheats: accounts[..cheats].to_vec(),
            accused: Vec::new(),
            height: 0,
            tip: B256::ZERO,
            crashes: 0,
            replays: 0,
            fetched: 0,
            refused: 0,
            late_rounds: 0,
            recovery_millis: 0,
            events: 0,
        };
        let signatures = Signatures::default();
        let mut world = Self {
            now: BEGIN,
            heals: BEGIN + rng.random_range(4_000..9_000),
            loss: f64::from(rng.random_range(0..10u32)) / 100.0,
            delay: rng.random_range(4..40),
            partitions: Vec::new(),
            events: BTreeMap::new(),
            next: 0,
            cheats: (0..cheats)
                .map(|number| (number, Cheat::new(key(number), signatures.clone())))
                .collect(),
            electorate: Electorate::new(power, accounts, is_cheat),
            nodes,
            signatures,
            chain: BTreeMap::new(),
            report,
            broken: None,
            rng,
        };
        world.plan();
        world
    }

    /// Draws what will go wrong.
    fn plan(&mut self) {
        let span = self.heals - BEGIN;
        for _ in 0..self.rng.random_range(0..3) {
            let from = BEGIN + self.rng.random_range(0..span);
            let until = (from + self.rng.random_range(100..1_500)).min(self.heals);
            let group = self.nodes.iter().map(|_| self.rng.random()).collect();
            self.partitions.push(Partition { from, until, group });
        }
        let count = self.nodes.len();
        for _ in 0..self.rng.random_range(0..=count) {
            let node = self.rng.random_range(0..count);
            let at = BEGIN + self.rng.random_range(0..span);
            self.push(at, Happening::Crash(node));
        }
        if self.rng.random_bool(0.2) {
            let at = BEGIN + self.rng.random_range(0..span);
            for node in 0..count {
                self.push(at, Happening::Crash(node));
            }
        }
        for node in 0..count {
            let at = BEGIN + self.rng.random_range(0..100);
            self.push(at, Happening::Boot(node));
        }
    }

    pub fn run(mut self) -> Result<Report, Broken> {
        let mut goal = u64::MAX;
        while !self.is_there(goal) {
            let heights = || self.honest().map(Node::height);
            if self.now >= self.heals && goal == u64::MAX {
                goal = heights().max().unwrap_or_default() + HEIGHTS_AFTER;
            }
            let next = self.events.first_key_value().map(|((at, _), _)| *at);
            if next.is_none_or(|at| at > self.heals + RECOVERY_MILLIS_MAX) {
                let heights = heights().collect();
                let millis = RECOVERY_MILLIS_MAX;
                return Err(Broken::Liveness { millis, heights, goal });
            }
            if let Some(((at, id), happening)) = self.events.pop_first() {
                self.now = at;
                self.report.events += 1;
                self.happen(id, happening);
            }
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
        }
        let accused = self.honest().flat_map(|node| &node.accused).map(|(_, who)| *who);
        let accused: BTreeSet<Address> = accused.collect();
        self.report.accused = accused.into_iter().collect();
        self.report.height = self.honest().map(Node::height).min().unwrap_or_default();
        self.report.tip = self.chain.get(&self.report.height).copied().unwrap_or_default();
        self.report.recovery_millis = self.now.saturating_sub(self.heals);
        Ok(self.report)
    }

    fn honest(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| !node.is_cheat)
    }

    /// Whether all honest nodes have got on to a height.
    fn is_there(&self, goal: u64) -> bool {
        self.honest().all(|node| node.height() >= goal)
    }

    fn happen(&mut self, id: u64, happening: Happening) {
        match happening {
            Happening::Deliver { from, to, bytes } => self.deliver(from, to, bytes),
            Happening::Own { node, life, event } => {
                if self.nodes[node].life == life {
                    self.handle(node, event);
                }
            }
            Happening::Timer { node, life, timer } => {
                if self.nodes[node].life == life && self.nodes[node].timers.get(&timer) == Some(&id) {
                    self.nodes[node].timers.remove(&timer);
                    self.handle(node, Event::Timer(timer));
                }
            }
            Happening::Import {
                node,
                life,
                block,
                seal,
            } => {
                if self.nodes[node].life == life {
                    self.import(node, block, seal, None);
                }
            }
            Happening::Ask { from, to, number } => self.ask(from, to, number),
            Happening::Answer { from, to, blocks } => {
                for Sealed { bytes, seal } in blocks {
                    if let Some(header) = toy::read(&bytes).filter(|_| self.nodes[to].bft.is_some()) {
                        self.import(to, Block { header, bytes }, seal, Some(from));
                    }
                }
            }
            Happening::Announce { from, to, number } => {
                if self.nodes[to].bft.is_some() && number > self.nodes[to].height() + 1 {
                    self.fetch(to, from);
                }
            }
            Happening::Crash(node) => {
                if self.nodes[node].bft.is_some() && self.now < self.heals {
                    self.nodes[node].crash_after = Some(self.rng.random_range(0..8));
                }
            }
            Happening::Boot(node) => self.boot(node),
        }
    }

    fn boot(&mut self, node: usize) {
        if self.nodes[node].bft.is_some() {
            return;
        }
        if self.nodes[node].is_cheat && self.rng.random_bool(0.5) {
            self.nodes[node].forget();
        }
        let set = self.electorate.next(&self.nodes[node].chain);
        let (outputs, had_log) = self.nodes[node].boot(self.now, set, self.signatures.clone());
        self.report.replays += u32::from(had_log);
        self.perform(node, outputs);
    }

    fn crash(&mut self, node: usize) {
        let pending = self.nodes[node].pending();
        let kept = self.rng.random_range(0..=pending);
        self.nodes[node].crash(kept);
        self.report.crashes += 1;
        let back = (self.now + self.rng.random_range(20..1_500)).min(self.heals.max(self.now + 1));
        self.push(back, Happening::Boot(node));
    }

    fn push(&mut self, at: Millis, happening: Happening) -> u64 {
        self.next += 1;
        self.events.insert((at, self.next), happening);
        self.next
    }
}

fn peer(number: usize) -> Peer {
    let mut id = [0; 32];
    id[0] = u8::try_from(number).unwrap_or(u8::MAX);
    Peer(id)
}
