//! Blocks of others: fetched, checked, taken in. The one path by which any block gets in ends in the ledger's `import`.

use rayswarm_consensus::{Block, Event, Seal};
use rayswarm_model::NodeId;
use rayswarm_network::{ChainAnswer, ChainQuestion, ChainWord, NetworkError, SealedBytes};

use super::{DriverError, Running, now};
use crate::chain::ledger::{ImportError, chained};

/// What a peer answered.
pub(super) struct Fetched {
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
    /// Asks the peer with the highest chain for what is missing, unless somebody is asked already.
    pub(super) fn fetch_if_behind(&mut self) {
        if self.fetching.is_some() {
            return;
        }
        let (head, _) = self.ledger.head();
        let Some(from) = self.peers.ahead_of(head) else { return };
        self.fetch_from(from);
    }

    fn fetch_from(&mut self, from: NodeId) {
        let Some(link) = self.peers.link(from).cloned() else {
            return;
        };
        self.fetching = Some(from);
        let (question, fetched) = (ChainQuestion::BlocksAfter(self.ledger.locator()), self.fetched.clone());
        let asking = async move {
            let answer = link.ask(&question).await;
            // Nobody waits for it while the node stops.
            let _ = fetched.send(Fetched { from, answer }).await;
        };
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(asking));
    }

    pub(super) async fn take_in(&mut self, fetched: Fetched) -> Result<(), DriverError> {
        let from = fetched.from;
        if self.fetching == Some(from) {
            self.fetching = None;
        }
        let blocks = match fetched.answer {
            Ok(ChainAnswer::Blocks(blocks)) => blocks,
            Err(error) => {
                tracing::debug!(node = %from, %error, "blocks were not fetched");
                self.peers.disbelieve(from);
                return Ok(());
            }
        };
        let mut news = false;
        for block in blocks {
            match self.import(from, block).await? {
                Imported::New => news = true,
                Imported::Known => {}
                Imported::Not => break,
            }
        }
        if !news {
            self.peers.disbelieve(from);
        }
        self.fetch_if_behind();
        Ok(())
    }

    /// A peer has told of a new block.
    pub(super) async fn take_in_one(&mut self, from: NodeId, block: SealedBytes) -> Result<(), DriverError> {
        let word = ChainWord::Block(block.clone());
        if self.import(from, block).await? == Imported::New {
            self.peers.say_to_others(from, word);
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
            Err(ImportError::Orphan { number, .. }) => {
                // What lies between is fetched.
                self.peers.said_head(from, number);
                if self.fetching.is_none() {
                    self.fetch_from(from);
                }
                return Ok(Imported::Not);
            }
            Err(ImportError::Early { .. }) => return Ok(Imported::Not),
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
    Not,
}
