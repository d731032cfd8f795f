//! One node: a real `Pow` between peers, disk and miner, driven as the daemon drives it.

use super::chain::{self, Store};
use alloy_primitives::{Address, B256};
use rayswarm_consensus::{
    Block, BuildRequest, Consensus, Event, Header, Millis, Output, Pow, PowRules, Seal, SealError, Site,
};
use std::collections::{BTreeMap, VecDeque};

/// What nodes say to each other.
#[derive(Clone, Debug)]
pub enum Message {
    /// Blocks, each after its parent.
    Blocks(Vec<Block>),
    /// Wants this block and some before it.
    Ask(B256),
}

/// What a node wants of the world.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send to one peer.
    Send(usize, Message),
    /// Send to all peers but one.
    Relay(Option<usize>, Message),
    /// Mine what was built last, instead of anything before.
    Mine,
}

/// What must not happen in a world of honest nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A node made a block final that does not stand on the one it made final before.
    FinalReverted {
        /// The node.
        node: usize,
        /// Height of the former.
        number: u64,
    },
    /// Two nodes made different blocks of one height final.
    FinalDiffers {
        /// The node that came later.
        node: usize,
        /// The height.
        number: u64,
    },
    /// A block was refused that an honest node had made.
    Refused {
        /// The node.
        node: usize,
        /// Why.
        reason: SealError,
    },
    /// Consensus asked for something that proof of work has no use for, or named a block that is not there.
    Unexpected {
        /// The node.
        node: usize,
        /// What.
        output: String,
    },
}

/// The most blocks in one answer.
const ANSWER_BLOCKS_MAX: usize = 32;
/// The most blocks kept whose parent is missing.
const ORPHANS_MAX: usize = 512;

/// A node.
pub struct Node {
    id: usize,
    rules: PowRules,
    /// What its clock is ahead of the world's, in milliseconds.
    clock_ahead: i64,
    store: Store,
    running: Option<Running>,
}

/// What a crash takes away.
struct Running {
    pow: Pow,
    head: B256,
    request: Option<BuildRequest>,
    template: Option<Block>,
    /// By the parent that is missing.
    orphans: BTreeMap<B256, Vec<Block>>,
}

/// Final blocks, as they became known: height and hash.
pub type Finals = Vec<(u64, B256)>;

/// What a node did at one event.
#[derive(Default)]
pub struct Step {
    /// What it wants done.
    pub actions: Vec<Action>,
    /// Blocks that became final.
    pub finals: Finals,
}

impl Node {
    /// A node that is down and knows the genesis block.
    pub fn new(id: usize, rules: PowRules, clock_ahead: i64) -> Self {
        Self {
            id,
            rules,
            clock_ahead,
            store: Store::new(chain::genesis(&rules)),
            running: None,
        }
    }

    /// The account that its blocks name.
    pub fn account(id: usize) -> Address {
        Address::left_padding_from(&(id as u64 + 1).to_be_bytes())
    }

    /// What it has stored.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Whether it runs.
    pub const fn is_up(&self) -> bool {
        self.running.is_some()
    }

    /// The head, while it runs.
    pub fn head(&self) -> Option<&Header> {
        let head = self.running.as_ref()?.head;
        Some(&self.store.get(head)?.header)
    }

    /// Height of the last final block on record.
    pub fn final_number(&self) -> u64 {
        self.store
            .get(self.store.last_final())
            .map_or(0, |record| record.header.number)
    }

    /// What is mined, while it runs.
    pub fn template(&self) -> Option<&Block> {
        self.running.as_ref()?.template.as_ref()
    }

    /// Loses all that is not stored, and perhaps the last record of what is final too.
    pub fn crash(&mut self, loses_final: bool) {
        self.running = None;
        if loses_final {
            self.store.forget_last_final();
        }
    }

    /// Begins, or begins again from what is stored.
    pub fn start(&mut self, world_now: Millis) -> Result<Step, Violation> {
        let Some((root, headers)) = self.store.restart() else {
            return Err(self.unexpected("no final block on record".into()));
        };
        let mut pow = Pow::new(self.rules, self.store.genesis().clone(), root, headers, true);
        let now = self.now(world_now);
        let outputs = pow.start(now, &[]);
        self.running = Some(Running {
            head: pow.head().hash,
            pow,
            request: None,
            template: None,
            orphans: BTreeMap::new(),
        });
        let mut step = Step::default();
        self.perform(now, outputs, None, &mut step)?;
        Ok(step)
    }

    /// A message has come.
    pub fn receive(&mut self, world_now: Millis, from: usize, message: Message) -> Result<Step, Violation> {
        let mut step = Step::default();
        match message {
            Message::Ask(hash) => {
                let records = self.store.chain(hash).take(ANSWER_BLOCKS_MAX);
                let block = |record: &chain::Record| Block {
                    header: record.header.clone(),
                    bytes: record.bytes.clone(),
                };
                let mut blocks: Vec<_> = records.map(block).collect();
                blocks.reverse();
                step.actions.push(Action::Send(from, Message::Blocks(blocks)));
            }
            Message::Blocks(blocks) => {
                for block in blocks {
                    self.import(self.now(world_now), block, Some(from), &mut step)?;
                }
            }
        }
        Ok(step)
    }

    /// The miner found a nonce for what was built last.
    pub fn found(&mut self, world_now: Millis, first_nonce: u64) -> Result<Step, Violation> {
        let mut step = Step::default();
        let now = self.now(world_now);
        let solved = self.template().and_then(|template| chain::solve(template, first_nonce));
        if let (Some(block), Some(running)) = (solved, &mut self.running) {
            let outputs = running.pow.handle(now, Event::Solved { block });
            self.perform(now, outputs, None, &mut step)?;
        }
        Ok(step)
    }

    /// From time to time: another template with a later time, and the head to a peer that may have missed it.
    pub fn tick(&mut self, world_now: Millis, peer: usize) -> Result<Step, Violation> {
        let mut step = Step::default();
        let now = self.now(world_now);
        let outputs = self.build(now);
        self.perform(now, outputs, None, &mut step)?;
        let head = self.head().map(|head| head.hash).and_then(|hash| self.store.get(hash));
        step.actions.extend(head.map(|record| {
            let block = Block {
                header: record.header.clone(),
                bytes: record.bytes.clone(),
            };
            Action::Send(peer, Message::Blocks(vec![block]))
        }));
        Ok(step)
    }

    const fn now(&self, world_now: Millis) -> Millis {
        world_now.saturating_add_signed(self.clock_ahead)
    }

    /// The one way in, for blocks of peers and its own.
    fn import(&mut self, now: Millis, block: Block, from: Option<usize>, step: &mut Step) -> Result<(), Violation> {
        let mut waiting = vec![block];
        while let Some(block) = waiting.pop() {
            let Some(running) = &mut self.running else {
                return Ok(());
            };
            let hash = block.header.hash;
            if self.store.get(hash).is_some() {
                continue;
            }
            if chain::read(&block.bytes).as_ref() != Some(&block.header) {
                return Err(self.unexpected(format!("block {hash} is not what its bytes say")));
            }
            let Some(parent) = self.store.get(block.header.parent) else {
                let missing = block.header.parent;
                step.actions
                    .extend(from.map(|from| Action::Send(from, Message::Ask(missing))));
                if running.orphans.len() >= ORPHANS_MAX {
                    running.orphans.pop_first();
                }
                let siblings = running.orphans.entry(missing).or_default();
                if !siblings.contains(&block) {
                    siblings.push(block);
                }
                continue;
            };
            let times = self.store.times(parent.header.hash);
            let site = Site {
                parent: &parent.header,
                times: &times,
                genesis: self.store.genesis(),
                validators: None,
            };
            match running.pow.verify_seal(now, &block.header, &Seal::Header, &site) {
                Ok(()) => {}
                // Another peer's clock is ahead; the block comes again.
                Err(SealError::TooLate { .. }) => continue,
                Err(reason) => return Err(Violation::Refused { node: self.id, reason }),
            }
            self.store.insert(&block);
            waiting.extend(running.orphans.remove(&hash).unwrap_or_default());
            let event = Event::Stored {
                header: block.header.clone(),
                validators: None,
            };
            let outputs = running.pow.handle(now, event);
            step.actions.push(Action::Relay(from, Message::Blocks(vec![block])));
            self.perform(now, outputs, from, step)?;
        }
        Ok(())
    }

    fn perform(
        &mut self,
        now: Millis,
        outputs: Vec<Output>,
        from: Option<usize>,
        step: &mut Step,
    ) -> Result<(), Violation> {
        let mut outputs = VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            let Some(running) = &mut self.running else {
                return Ok(());
            };
            match output {
                Output::Head(hash) if self.store.get(hash).is_some() => running.head = hash,
                Output::Final(hash) => step.finals.extend(self.finalize(hash)?),
                Output::Build(request) => {
                    running.request = Some(request);
                    outputs.extend(self.build(now));
                }
                Output::Mine { .. } => step.actions.push(Action::Mine),
                Output::Store { block, .. } => self.import(now, block, from, step)?,
                Output::Refuse { reason, .. } => return Err(Violation::Refused { node: self.id, reason }),
                output => return Err(self.unexpected(format!("{output:?}"))),
            }
        }
        Ok(())
    }

    fn build(&mut self, now: Millis) -> Vec<Output> {
        let Some(running) = &mut self.running else {
            return Vec::new();
        };
        let Some(request) = running.request else {
            return Vec::new();
        };
        let parent = self.store.get(request.parent);
        let Some(block) =
            parent.and_then(|parent| chain::build(&request, &parent.header, now / 1_000, Self::account(self.id)))
        else {
            return Vec::new();
        };
        running.template = Some(block.clone());
        running.pow.handle(now, Event::Built { request, block })
    }

    fn finalize(&mut self, hash: B256) -> Result<Finals, Violation> {
        let former = self.store.last_final();
        let number = self.final_number();
        let newer = self
            .store
            .chain(hash)
            .take_while(|record| record.header.number > number);
        let newer: Vec<_> = newer.map(|record| (record.header.number, record.header.hash)).collect();
        let lowest = newer.last().and_then(|(_, hash)| self.store.get(*hash));
        if lowest.is_none_or(|record| record.header.parent != former) {
            return Err(Violation::FinalReverted { node: self.id, number });
        }
        self.store.set_final(hash);
        Ok(newer)
    }

    const fn unexpected(&self, output: String) -> Violation {
        Violation::Unexpected { node: self.id, output }
    }
}
