//! The driver: hands consensus what happens, and does what it wants done.
//!
//! One loop owns consensus, its log, its timers and its peers. Executing and storing happen on threads that may block, one thing
//! at a time: what consensus wants is done in the order in which it wants it.
//!
//! | module | holds |
//! |---|---|
//! | [`peers`], [`doubts`] | who is joined, who is shunned, who is not believed |
//! | [`timers`] | timers by name |
//! | [`beginning`] | a newcomer's first questions, if it begins at a checkpoint |
//! | [`gossip`] | transactions on their way to and from peers |
//! | [`import`] | blocks of others: fetched, checked, taken in |
//! | [`weighing`] | which branch is worth it, by pow |

pub(super) mod beginning;
mod doubts;
mod gossip;
mod import;
mod peers;
mod timers;
mod weighing;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use alloy_primitives::{B256, Bytes, U256};
use rayswarm_consensus::{BuildRequest, Consensus, Event, Evidence, Millis, Output, Peer, PowRules, Recipient};
use rayswarm_model::NodeId;
use rayswarm_network::{ChainAnswer, ChainEvent, ChainQuestion, ChainWord};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::clock;

pub(super) use self::peers::Peers;
use self::{
    gossip::{Exchange, Told},
    import::{Fetched, Fetching},
    timers::Timers,
    weighing::{InHand, Weighing},
};
use super::{
    accuser::Accuser,
    ledger::{FinalizeError, Ledger, SealError, Template, chained},
    miner::{Miner, Solution},
    record_log::StorageError,
    wal::Wal,
};

/// How often peers are looked for and told where this node's chain ends.
const ROUND: Duration = Duration::from_secs(2);
/// How often a miner's block is made anew while transactions come.
const RENEW: Duration = Duration::from_secs(1);
/// How long to wait before trying again when a block could not be stored.
const RETRY: Duration = Duration::from_secs(1);
/// Why a peer is parted with that answers another question.
const NOT_ASKED: &str = "it answers what it was not asked";
/// Answers of peers on their way to the loop.
const FETCHED_MAX: usize = 4;

/// What a node that keeps a chain with others is made of.
pub(crate) struct Driver {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) consensus: Box<dyn Consensus>,
    pub(crate) wal: Wal,
    pub(crate) written: Vec<Bytes>,
    /// By pow: what branches are compared by.
    pub(crate) pow: Option<PowRules>,
    pub(crate) miner: Option<(Miner, mpsc::UnboundedReceiver<Solution>)>,
    pub(crate) accuser: Option<Accuser>,
    pub(crate) peers: Peers,
}

/// The driver cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriverError {
    /// Nothing may be signed that is not written down.
    #[error("the log of votes cannot be written, and nothing may be signed that is not in it")]
    Wal(#[from] StorageError),
    /// What is final would be kept nowhere but in memory.
    #[error(
        "the final state cannot be written; its blocks are in the log, and it is made again of them at the next start"
    )]
    State(#[source] FinalizeError),
    /// A thread was broken off.
    #[error("the work on a block was broken off")]
    Broken(#[from] tokio::task::JoinError),
    /// The node stops.
    #[error("the node stops")]
    Stopped,
}

/// The hash that a puzzle is set by, and its target.
type Puzzle = (B256, U256);

struct Running {
    ledger: Arc<Ledger>,
    consensus: Box<dyn Consensus>,
    wal: Wal,
    weighing: Option<Weighing>,
    miner: Option<Miner>,
    /// What is to be solved, and whether the miner has been told.
    puzzle: Option<(Puzzle, bool)>,
    accuser: Option<Accuser>,
    /// The best branch that was shown, while others are heard.
    in_hand: Option<InHand>,
    /// What is mined, and what it was asked for by.
    template: Option<(BuildRequest, Template)>,
    peers: Peers,
    exchange: Exchange,
    timers: Timers,
    fetched: mpsc::Sender<Fetched>,
    fetching: Option<Fetching>,
    /// Questions that were asked; only the answer to the last one counts.
    questions: u64,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Driver {
    /// Runs until cancelled, or until it cannot go on.
    pub(crate) async fn run(
        self,
        mut events: mpsc::Receiver<ChainEvent>,
        tasks: TaskTracker,
        stop: CancellationToken,
    ) -> Result<(), DriverError> {
        let (fetched, mut arriving) = mpsc::channel(FETCHED_MAX);
        let (miner, solutions) = self.miner.unzip();
        let mut solutions = solutions.unwrap_or_else(|| mpsc::unbounded_channel().1);
        let written = self.written;
        let mut running = Running {
            exchange: Exchange::open(self.ledger.clone(), &tasks, &stop),
            ledger: self.ledger,
            consensus: self.consensus,
            wal: self.wal,
            weighing: self.pow.map(Weighing::new),
            miner,
            puzzle: None,
            accuser: self.accuser,
            in_hand: None,
            template: None,
            peers: self.peers,
            timers: Timers::default(),
            fetched,
            fetching: None,
            questions: 0,
            tasks,
            stop: stop.clone(),
        };
        let outputs = running.consensus.start(now(), &written);
        running.perform(outputs).await?;
        let (mut rounds, mut renewals) = (interval(ROUND), interval(RENEW));
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                timer = running.timers.next() => running.happened(Event::Timer(timer)).await,
                Some(solution) = solutions.recv() => running.solved(solution).await,
                Some(told) = running.exchange.told.recv() => {
                    let word = match told {
                        Told::Own(transactions) => ChainWord::Transactions(transactions),
                        Told::Heard(hashes) => ChainWord::Announced(hashes),
                    };
                    running.peers.say(Recipient::All, word);
                    Ok(())
                }
                Some((liar, reason)) = running.exchange.liars.recv() => {
                    running.peers.shun(liar, &reason);
                    Ok(())
                }
                Some(event) = events.recv() => running.heard(event).await,
                Some(fetched) = arriving.recv() => running.take_in(fetched).await,
                _ = renewals.tick() => running.renew().await,
                _ = rounds.tick() => {
                    running.peers.look_for_more();
                    running.tell_status();
                    running.fetch_if_behind();
                    running.mine_if_best();
                    running.report();
                    Ok(())
                }
            };
            match step {
                Ok(()) => {}
                Err(DriverError::Stopped) => break Ok(()),
                Err(error) => {
                    running.ledger.stall(chained(&error));
                    break Err(error);
                }
            }
        }
    }
}

impl Running {
    async fn happened(&mut self, event: Event) -> Result<(), DriverError> {
        let outputs = self.consensus.handle(now(), event);
        self.perform(outputs).await
    }

    async fn perform(&mut self, outputs: Vec<Output>) -> Result<(), DriverError> {
        let mut outputs = VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            if let Some(event) = self.perform_one(output).await? {
                outputs.extend(self.consensus.handle(now(), event));
            }
        }
        Ok(())
    }

    /// Does one thing; gives what happened by it.
    async fn perform_one(&mut self, output: Output) -> Result<Option<Event>, DriverError> {
        match output {
            Output::Send { to, message } => self.peers.say(to, ChainWord::Consensus(message.to_vec())),
            Output::Set { timer, after } => self.timers.set(timer, Instant::now() + after),
            Output::Clear(timer) => self.timers.clear(&timer),
            Output::Build(request) => return self.build(request).await,
            Output::Check(block) => {
                let (ledger, hash) = (self.ledger.clone(), block.header.hash);
                let checked = tokio::task::spawn_blocking(move || ledger.check(&block)).await?;
                if let Err(error) = &checked {
                    tracing::warn!(%hash, error = %chained(error), "a proposed block is refused");
                }
                let valid = checked.is_ok();
                return Ok(Some(Event::Checked { hash, valid }));
            }
            Output::Write(entry) => self.wal.write(&entry),
            Output::Sync => tokio::task::block_in_place(|| self.wal.sync())?,
            Output::Reset => tokio::task::block_in_place(|| self.wal.reset())?,
            Output::Store { block, seal } => {
                let hash = block.header.hash;
                let (bytes, sealed) = (block.bytes.clone(), seal.clone());
                let stored = self.persist(move |ledger| ledger.store(&bytes, &sealed)).await?;
                let Some(header) = stored else { return Ok(None) };
                tracing::debug!(number = header.number, %hash, "a block is in");
                if let Some(word) = import::block_word(&block, &seal) {
                    self.peers.say(Recipient::All, word);
                }
                let validators = self.ledger.validators_after(hash);
                return Ok(Some(Event::Stored { header, validators }));
            }
            Output::Head(hash) => {
                let ledger = self.ledger.clone();
                let moved = tokio::task::spawn_blocking(move || ledger.set_head(hash)).await?;
                if let Err(error) = moved {
                    tracing::error!(%hash, %error, "the head does not move");
                }
                self.tell_status();
            }
            Output::Final(hash) => {
                let ledger = self.ledger.clone();
                match tokio::task::spawn_blocking(move || ledger.finalize(hash)).await? {
                    Ok(()) => {}
                    Err(error @ FinalizeError::Snapshot(_)) => return Err(DriverError::State(error)),
                    Err(error) => tracing::error!(%hash, error = %chained(&error), "a block does not become final"),
                }
            }
            Output::Mine { puzzle, target } => {
                self.puzzle = Some(((puzzle, target), false));
                self.mine_if_best();
            }
            Output::Refuse { hash, reason } => tracing::warn!(%hash, %reason, "a block has no place"),
            Output::Accuse(evidence) => self.accuse(evidence),
            Output::Misbehaved {
                peer: Peer(node),
                reason,
            } => self.peers.shun(NodeId::from_bytes(node), reason),
            Output::Behind {
                peer: Peer(node),
                number,
            } => {
                self.peers
                    .said_head(NodeId::from_bytes(node), number, U256::from(number));
                self.fetch_if_behind();
            }
        }
        Ok(None)
    }

    /// Does what stores something, again and again while the disk does not take it: what was decided must not be left out.
    /// `None` if the block is none of this chain.
    fn persist<T, W>(&self, work: W) -> impl Future<Output = Result<Option<T>, DriverError>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: Fn(&Ledger) -> Result<T, SealError> + Clone + Send + 'static,
    {
        persist(self.ledger.clone(), self.stop.clone(), work)
    }

    async fn build(&mut self, request: BuildRequest) -> Result<Option<Event>, DriverError> {
        let ledger = self.ledger.clone();
        let built = tokio::task::spawn_blocking(move || ledger.build(&request)).await?;
        match built {
            Ok(template) => {
                let block = template.block.clone();
                if self.miner.is_some() {
                    self.template = Some((request, template));
                }
                Ok(Some(Event::Built { request, block }))
            }
            Err(error) => {
                tracing::warn!(error = %chained(&error), "a block was not built");
                Ok(None)
            }
        }
    }

    /// A miner's block is made anew for the transactions that came.
    async fn renew(&mut self) -> Result<(), DriverError> {
        let Some((request, template)) = &self.template else {
            return Ok(());
        };
        let request = *request;
        if !self.ledger.would_differ(template) {
            return Ok(());
        }
        match self.build(request).await? {
            Some(event) => self.happened(event).await,
            None => Ok(()),
        }
    }

    /// Tells the miner what is to be solved, once a block of this node's would be of use.
    fn mine_if_best(&mut self) {
        if let (Some(miner), Some((puzzle, false))) = (&self.miner, self.puzzle)
            && self.may_mine()
        {
            miner.set(Some(puzzle));
            self.puzzle = Some((puzzle, true));
        }
    }

    async fn solved(&mut self, solution: Solution) -> Result<(), DriverError> {
        let template = self
            .template
            .take_if(|(_, template)| template.block.header.puzzle == solution.puzzle);
        let Some((_, template)) = template else {
            return Ok(());
        };
        match self.ledger.solve(&template, solution.nonce) {
            Some(block) => self.happened(Event::Solved { block }).await,
            None => Ok(()),
        }
    }

    async fn heard(&mut self, event: ChainEvent) -> Result<(), DriverError> {
        match event {
            ChainEvent::Joined { link } => {
                let node = link.node();
                // What its older link was asked is not answered any more.
                self.fetching.take_if(|fetching| fetching.from == node);
                self.peers.joined(link);
                tracing::info!(%node, peers = self.peers.count(), "a peer of the chain has joined");
                self.tell_status();
                let waiting = self.ledger.waiting_bytes();
                if !waiting.is_empty() {
                    let to = Recipient::One(Peer(*node.as_bytes()));
                    self.peers.say(to, ChainWord::Transactions(waiting));
                }
                Ok(())
            }
            ChainEvent::Left { from } => {
                self.peers.left(from);
                self.fetching.take_if(|fetching| fetching.from == from);
                self.fetch_if_behind();
                Ok(())
            }
            ChainEvent::Lied { from, reason } => {
                self.peers.shun(from, &reason);
                Ok(())
            }
            ChainEvent::Said { from, word } => self.said(from, word).await,
            ChainEvent::Asked { question, reply, .. } => {
                let ledger = self.ledger.clone();
                self.tasks.spawn_blocking(move || {
                    let answer = match question {
                        ChainQuestion::BlocksAfter(known) => ChainAnswer::of(ledger.blocks_after(&known)),
                        ChainQuestion::HeadersAfter(known) => ChainAnswer::Headers(ledger.headers_after(&known)),
                        ChainQuestion::ExecutedUpTo(hash) => ChainAnswer::executed(ledger.executed_up_to(&hash)),
                        ChainQuestion::State(question) => ChainAnswer::State(ledger.state_page(&question)),
                        ChainQuestion::Transactions(hashes) => ChainAnswer::Transactions(ledger.waiting_of(&hashes)),
                    };
                    // Whoever asked may be gone.
                    let _ = reply.send(answer);
                });
                Ok(())
            }
        }
    }

    async fn said(&mut self, from: NodeId, word: ChainWord) -> Result<(), DriverError> {
        match word {
            ChainWord::Status { head, weight, .. } => {
                self.peers.said_head(from, head, weight);
                self.fetch_if_behind();
                Ok(())
            }
            ChainWord::Consensus(bytes) => {
                let message = Event::Message {
                    from: Peer(*from.as_bytes()),
                    bytes: bytes.into(),
                };
                self.happened(message).await
            }
            ChainWord::Block(block) => self.take_in_one(from, block).await,
            ChainWord::Transactions(transactions) => {
                self.exchange.offer(from, transactions);
                Ok(())
            }
            ChainWord::Announced(hashes) => {
                if let Some(link) = self.peers.link(from) {
                    self.exchange.announce(link.clone(), hashes);
                }
                Ok(())
            }
        }
    }

    fn tell_status(&self) {
        let (head, hash) = self.ledger.head();
        let weight = self.consensus.weight();
        self.peers.say(Recipient::All, ChainWord::Status { head, hash, weight });
    }

    fn accuse(&mut self, evidence: Evidence) {
        tracing::warn!(culprit = %evidence.validator(), "a validator has signed what nobody may sign");
        if let Some(accuser) = &mut self.accuser {
            accuser.take(&evidence);
        }
    }

    /// What was seen and is not on the chain is reported. The block of its height is the head by then.
    fn report(&mut self) {
        if let Some(accuser) = &mut self.accuser {
            accuser.report(&self.ledger);
        }
    }
}

async fn persist<T, W>(ledger: Arc<Ledger>, stop: CancellationToken, work: W) -> Result<Option<T>, DriverError>
where
    T: Send + 'static,
    W: Fn(&Ledger) -> Result<T, SealError> + Clone + Send + 'static,
{
    loop {
        let (ledger, work) = (ledger.clone(), work.clone());
        match tokio::task::spawn_blocking(move || work(&ledger)).await? {
            Ok(done) => return Ok(Some(done)),
            Err(SealError::Storage(error)) => {
                tracing::error!(error = %chained(&error), "a block could not be stored; trying again");
                tokio::select! {
                    () = stop.cancelled() => return Err(DriverError::Stopped),
                    () = tokio::time::sleep(RETRY) => {}
                }
            }
            Err(SealError::Closed) => return Err(DriverError::Stopped),
            Err(error) => {
                tracing::error!(error = %chained(&error), "a block of this chain was not taken in");
                return Ok(None);
            }
        }
    }
}

/// Milliseconds since 1970.
fn now() -> Millis {
    clock::now().0
}
