//! Blocks of others: fetched, checked, taken in. The one path by which any block gets in ends in the ledger's `import`.

use std::time::Duration;

use alloy_primitives::{B256, U256};
use rayswarm_consensus::{Block, Event, Seal, SealError, Walk};
use rayswarm_model::{FailureKind, NodeId};
use rayswarm_network::{ChainAnswer, ChainQuestion, ChainWord, NetworkError, SealedBytes};

use super::{DriverError, NOT_ASKED, Running, now};
use crate::chain::ledger::{ImportError, chained, hash_of};

/// How long a peer may take for an answer that never gave anything; others have the minute that the network gives them.
const PATIENCE_WITH_STRANGERS: Duration = Duration::from_secs(20);

/// From whom something is being fetched, and what.
pub(super) struct Fetching {
    pub(super) from: NodeId,
    /// What stands behind its head, as it says.
    pub(super) claimed: U256,
    pub(super) branch: Branch,
}

/// What is being fetched of a branch.
pub(super) enum Branch {
    /// Its blocks, whatever they are: votes show that each is final.
    Voted,
    /// Its headers, as far as they were walked along.
    Headers(Option<Box<Walk>>),
    /// The blocks of its headers, of which `next` is the index of the first that is not here.
    Weighed { awaited: Vec<B256>, next: usize },
}

/// What a peer answered.
pub(super) struct Fetched {
    /// To which question.
    question: u64,
    from: NodeId,
    answer: Result<ChainAnswer, NetworkError>,
}

/// How a block is told to everybody, where it is: a block that was voted on is fetched by those who have not seen the votes.
pub(super) fn block_word(block: &Block, seal: &Seal) -> Option<ChainWord> {
    match seal {
        Seal::Header => Some(ChainWord::Block(SealedBytes {
            block: block.bytes.to_vec(),
            seal: None,
        })),
        Seal::Votes(_) => None,
    }
}

impl Running {
    /// Asks the peer with the best branch for what is missing, unless somebody is asked already.
    pub(super) fn fetch_if_behind(&mut self) {
        let best = self.best_to_ask().filter(|(_, head)| self.is_time_for(*head));
        if let Some(fetching) = &self.fetching {
            // Whoever only says that it has something does not keep those waiting who are trusted to.
            let is_shown = matches!(fetching.branch, Branch::Weighed { .. });
            let gives_way = !is_shown && !self.peers.is_trusted(fetching.from);
            if !(gives_way && best.is_some_and(|(from, _)| self.peers.is_trusted(from))) {
                return;
            }
        }
        match best {
            Some((from, _)) => self.fetch_from(from),
            None if self.in_hand.is_some() => self.fetch_in_hand(),
            None => self.ledger.aim_at(0),
        }
    }

    fn fetch_from(&mut self, from: NodeId) {
        let known = self.ledger.locator();
        let (branch, question) = match self.weighing {
            None => (Branch::Voted, ChainQuestion::BlocksAfter(known)),
            Some(_) => (Branch::Headers(None), ChainQuestion::HeadersAfter(known)),
        };
        if let Some(in_hand) = &mut self.in_hand {
            in_hand.hear(from);
        }
        let (head, claimed) = self.peers.claimed_by(from);
        self.ledger.aim_at(head);
        self.ask(Fetching { from, claimed, branch }, question);
    }

    /// Asks a peer; the answer comes to the loop.
    pub(super) fn ask(&mut self, fetching: Fetching, question: ChainQuestion) {
        let Some(link) = self.peers.link(fetching.from).cloned() else {
            return;
        };
        self.questions += 1;
        let (number, from, fetched) = (self.questions, fetching.from, self.fetched.clone());
        self.fetching = Some(fetching);
        let patience = if self.peers.is_trusted(from) {
            Duration::MAX
        } else {
            PATIENCE_WITH_STRANGERS
        };
        let asking = async move {
            let answer = tokio::time::timeout(patience, link.ask(&question)).await;
            let answer = answer.unwrap_or(Err(NetworkError::Deadline {
                node: from,
                what: "blocks",
                after: patience,
            }));
            // Nobody waits for it while the node stops.
            let _ = fetched
                .send(Fetched {
                    question: number,
                    from,
                    answer,
                })
                .await;
        };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(asking));
    }

    pub(super) async fn take_in(&mut self, fetched: Fetched) -> Result<(), DriverError> {
        if let Err(error) = &fetched.answer
            && error.kind() == FailureKind::Malicious
        {
            // Its link has ended by that, which may have been heard first.
            self.fetching.take_if(|fetching| fetching.from == fetched.from);
            self.peers.shun(fetched.from, &chained(error));
            return Ok(());
        }
        // Whoever was asked may have left, and another been asked.
        let Some(fetching) = self.fetching.take_if(|_| fetched.question == self.questions) else {
            return Ok(());
        };
        let from = fetching.from;
        match (fetched.answer, fetching.branch) {
            (Ok(ChainAnswer::Blocks(blocks)), Branch::Voted) => {
                self.take_in_voted((from, fetching.claimed), blocks).await
            }
            (Ok(ChainAnswer::Blocks(blocks)), Branch::Weighed { awaited, next }) => {
                self.take_in_awaited(from, blocks, awaited, next).await
            }
            (Ok(ChainAnswer::Headers(headers)), Branch::Headers(walk)) => {
                let claimed = fetching.claimed;
                tokio::task::block_in_place(|| self.walk_on((from, claimed), walk, &headers));
                Ok(())
            }
            (Ok(_), _) => {
                self.peers.shun(from, NOT_ASKED);
                Ok(())
            }
            (Err(error), _) => {
                tracing::debug!(node = %from, %error, "a peer did not answer");
                // A connection may end without anybody's fault.
                if matches!(error, NetworkError::Deadline { .. }) {
                    self.peers.disbelieve(from);
                } else {
                    self.peers.forget_head(from);
                }
                self.fetch_if_behind();
                Ok(())
            }
        }
    }

    async fn take_in_voted(
        &mut self,
        (from, claimed): (NodeId, U256),
        blocks: Vec<SealedBytes>,
    ) -> Result<(), DriverError> {
        let (mut news, mut nothing) = (false, true);
        for block in blocks {
            match self.import(from, block).await? {
                Imported::New => news = true,
                Imported::Known => nothing = false,
                Imported::Orphan(_) | Imported::Not => break,
            }
        }
        if news {
            self.peers.believe(from);
        } else if nothing && claimed > self.consensus.weight() {
            // Otherwise what it had has come by another way meanwhile.
            self.peers.disbelieve(from);
        } else {
            self.peers.forget_head(from);
        }
        self.fetch_if_behind();
        Ok(())
    }

    /// Takes in blocks of a branch whose headers were walked along, and only those.
    async fn take_in_awaited(
        &mut self,
        from: NodeId,
        blocks: Vec<SealedBytes>,
        awaited: Vec<B256>,
        mut next: usize,
    ) -> Result<(), DriverError> {
        let before = next;
        for block in blocks {
            let is_awaited = hash_of(&block).is_some_and(|hash| awaited.get(next) == Some(&hash));
            if !is_awaited || !matches!(self.import(from, block).await?, Imported::New | Imported::Known) {
                break;
            }
            next += 1;
        }
        match next.checked_sub(1).and_then(|last| awaited.get(last).copied()) {
            Some(after) if next > before => {
                self.peers.believe(from);
                self.fetch_awaited(from, after, awaited, next);
            }
            // It may have gone over to another branch.
            _ => {
                self.peers.disbelieve(from);
                self.fetch_if_behind();
            }
        }
        Ok(())
    }

    /// A peer has told of a new block. Where the head is old the peer's status is what counts: branches are compared then.
    pub(super) async fn take_in_one(&mut self, from: NodeId, block: SealedBytes) -> Result<(), DriverError> {
        if !self.is_level() {
            return Ok(());
        }
        let word = ChainWord::Block(block.clone());
        match self.import(from, block).await? {
            Imported::New => {
                self.peers.believe(from);
                self.peers.say_to_others(from, word);
            }
            // What lies between is fetched.
            Imported::Orphan(number) => {
                if self.weighing.is_none() {
                    self.peers.said_head(from, number, U256::from(number));
                    self.fetch_if_behind();
                } else if self.fetching.is_none() && !self.peers.is_doubted(from) {
                    self.fetch_from(from);
                }
            }
            Imported::Known | Imported::Not => {}
        }
        Ok(())
    }

    async fn import(&mut self, from: NodeId, block: SealedBytes) -> Result<Imported, DriverError> {
        let consensus = &*self.consensus;
        let ledger = self.ledger.clone();
        let checked = tokio::task::block_in_place(|| {
            ledger.check_seal(&block, |header, seal, site| {
                consensus.verify_seal(now(), header, seal, site)
            })
        });
        let checked = match checked {
            Ok(Some(checked)) => checked,
            Ok(None) => return Ok(Imported::Known),
            Err(ImportError::Orphan { number, .. }) => return Ok(Imported::Orphan(number)),
            // None of these is the peer's fault: it may be behind, or apart from the others.
            Err(
                error @ (ImportError::Early { .. }
                | ImportError::Crowded { .. }
                | ImportError::Seal(SealError::BelowFinal { .. })),
            ) => {
                tracing::debug!(node = %from, error = %chained(&error), "a block is not taken in now");
                return Ok(Imported::Not);
            }
            Err(error) => {
                self.peers.shun(from, &chained(&error));
                return Ok(Imported::Not);
            }
        };
        let stored = self.persist(move |ledger| ledger.import(checked.clone())).await?;
        let Some(header) = stored else {
            self.peers
                .shun(from, "a block of its does not follow from the one before");
            return Ok(Imported::Not);
        };
        let validators = self.ledger.validators_after(header.hash);
        self.happened(Event::Stored { header, validators }).await?;
        Ok(Imported::New)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Imported {
    New,
    Known,
    /// What it builds on is not here: its height.
    Orphan(u64),
    Not,
}
