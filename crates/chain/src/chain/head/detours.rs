//! Trees and heads: what a chain says after any detour is what it would say without one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::U256;
use proptest::prelude::*;

use super::{
    tests::{Sent, transfer},
    *,
};
use crate::{
    block::BlockAttributes,
    mempool::Pool,
    testing::{GENESIS_TIME, Key, genesis},
};

#[derive(Clone, Debug)]
enum Step {
    /// A block with these transactions on a stored one.
    Block(usize, Vec<Sent>),
    /// A transaction for the pool.
    Submit(Sent),
    /// A stored block becomes the head.
    Head(usize),
    /// A block of the best branch, this far from the final one, becomes final.
    Final(u64),
}

fn steps(value_of: u8) -> impl Strategy<Value = Vec<Step>> {
    let sent = move || (1u8..5, 0..value_of);
    let step = prop_oneof![
        5 => (0usize..64, prop::collection::vec(sent(), 0..4)).prop_map(|(parent, sent)| Step::Block(parent, sent)),
        3 => sent().prop_map(Step::Submit),
        4 => (0usize..64).prop_map(Step::Head),
        1 => (0u64..3).prop_map(Step::Final),
    ];
    prop::collection::vec(step, 1..30)
}

/// A chain beside what a simple mind would say about it.
struct World {
    chain: Chain,
    /// Every block that is in the tree, in the order of their making.
    made: Vec<Arc<SealedBlock>>,
    /// What must wait, by sender and nonce.
    waiting: BTreeMap<(Address, u64), B256>,
    coins: u64,
    /// Every block has a second of its own, so that no two are the same.
    time: u64,
}

impl World {
    fn new(coins: u64) -> Self {
        let chain = Chain::new(genesis()).unwrap();
        Self {
            made: vec![chain.head().clone()],
            chain,
            waiting: BTreeMap::new(),
            coins,
            time: 0,
        }
    }

    fn pick(&self, index: usize) -> Arc<SealedBlock> {
        self.made[index % self.made.len()].clone()
    }

    /// The branch that ends with a block, genesis first.
    fn branch(&self, last: &B256) -> Vec<Arc<SealedBlock>> {
        let mut branch = Vec::new();
        let mut hash = *last;
        while let Some(block) = self.made.iter().find(|block| block.hash == hash) {
            branch.push(block.clone());
            hash = block.header().parent_hash;
        }
        branch.reverse();
        branch
    }

    fn block(&mut self, parent: usize, sent: &[Sent]) {
        let parent = self.pick(parent);
        self.time += 1;
        let attributes = BlockAttributes {
            timestamp: GENESIS_TIME + self.time,
            ..BlockAttributes::default()
        };
        let finalized = self.chain.finalized().number();
        let proposal = self.chain.prepare_on(&parent.hash, attributes);
        if parent.number() < finalized {
            assert!(matches!(proposal, Err(BlockError::BelowFinal { .. })));
            return;
        }
        let mut proposal = proposal.unwrap();
        let mut nonces = BTreeMap::new();
        let candidates = sent.iter().map(|sent| {
            let account = Key::new(sent.0).address();
            let nonce = nonces
                .entry(account)
                .or_insert_with(|| proposal.site.state.nonce(account));
            *nonce += 1;
            Pool::wrap(transfer(*sent, *nonce - 1, self.coins))
        });
        proposal.candidates = candidates.collect();
        let built = proposal.build().executed;
        // As somebody else's block, on whichever branch.
        let executed = self.chain.verify_block(built.sealed.block.clone()).unwrap();
        assert_eq!(executed.state.root(), built.state.root());
        let head = self.chain.head().hash;
        self.made.push(self.chain.insert(executed).unwrap());
        assert_eq!(self.chain.head().hash, head);
    }

    fn submit(&mut self, sent: Sent) {
        let nonce = self.chain.pending_nonce(Key::new(sent.0).address());
        let transaction = transfer(sent, nonce, self.coins);
        let place = (transaction.signer(), nonce);
        if let Ok(hash) = self.chain.submit(transaction) {
            self.waiting.insert(place, hash);
        }
    }

    fn set_head(&mut self, head: usize) {
        let head = self.pick(head);
        let (old, new) = (self.branch(&self.chain.head().hash.clone()), self.branch(&head.hash));
        let change = self.chain.set_head(&head.hash);
        if head.number() < self.chain.finalized().number() {
            assert!(matches!(change, Err(TreeError::BelowFinal { .. })));
            return;
        }
        let change = change.unwrap();
        let hashes = |blocks: &[Arc<SealedBlock>]| blocks.iter().map(|block| block.hash).collect::<Vec<_>>();
        let shared = old
            .iter()
            .zip(&new)
            .take_while(|(old, new)| old.hash == new.hash)
            .count();
        let mut reverted = hashes(&old[shared..]);
        reverted.reverse();
        assert_eq!(hashes(&change.reverted), reverted);
        assert_eq!(hashes(&change.applied), hashes(&new[shared..]));
        for block in &old[shared..] {
            for (transaction, sender) in block.transactions().iter().zip(&block.senders) {
                let place = (*sender, alloy_consensus::Transaction::nonce(transaction));
                self.waiting.entry(place).or_insert(*transaction.tx_hash());
            }
        }
        self.waiting
            .retain(|(sender, nonce), _| *nonce >= self.chain.state().nonce(*sender));
        self.compare(&new);
    }

    /// Against a chain that has seen nothing but the best branch.
    fn compare(&self, branch: &[Arc<SealedBlock>]) {
        let mut linear = Chain::new(genesis()).unwrap();
        for block in &branch[1..] {
            linear.import_block(block.block.clone()).unwrap();
        }
        let chain = &self.chain;
        assert_eq!(chain.head().hash, linear.head().hash);
        assert_eq!(chain.state().root(), linear.state().root());
        for number in 0..=linear.head().number() + 1 {
            let hash = |chain: &Chain| chain.block(number).map(|block| block.hash);
            assert_eq!(hash(chain), hash(&linear), "block {number}");
            let root = |chain: &Chain| chain.state_at(number).map(|state| state.root()).ok();
            assert_eq!(root(chain), root(&linear), "state {number}");
        }
        for block in &self.made {
            let number = |chain: &Chain| chain.block_by_hash(&block.hash).map(|block| block.number());
            assert_eq!(number(chain), number(&linear));
            for transaction in block.transactions() {
                let place = |chain: &Chain| {
                    let place = chain.transaction(transaction.tx_hash())?;
                    Some((place.block.hash, place.index))
                };
                assert_eq!(place(chain), place(&linear));
            }
        }
        let [blocks, numbers, places] = chain.best.sizes();
        let transactions = branch.iter().map(|block| block.senders.len()).sum::<usize>();
        assert_eq!([blocks, numbers, places], [branch.len(), branch.len(), transactions]);
        assert_eq!(chain.tree.sizes(), [self.made.len(), self.made.len()]);
        let next = |chain: &Chain| {
            let attributes = BlockAttributes {
                timestamp: GENESIS_TIME + 1_000,
                ..BlockAttributes::default()
            };
            let mut proposal = chain.prepare(attributes).unwrap();
            proposal.candidates.clear();
            proposal.build().executed.sealed.hash
        };
        assert_eq!(next(chain), next(&linear));
        for waiting in chain.pool.hashes() {
            assert!(chain.transaction(&waiting).is_none(), "a sealed transaction waits");
        }
    }

    fn finalize(&mut self, distance: u64) {
        let number = (self.chain.finalized().number() + distance).min(self.chain.head().number());
        let block = self.chain.block(number).unwrap().clone();
        let before = self.chain.finalized().number();
        let finality = self.chain.finalize(&block.hash).unwrap();
        let settled: Vec<u64> = finality.blocks.iter().map(|settled| settled.block.number()).collect();
        assert_eq!(settled, (before + 1..=number).collect::<Vec<_>>());
        let follows = |last: &SealedBlock| {
            let branch = self.branch(&last.hash);
            let is_before = self.branch(&block.hash).iter().any(|block| block.hash == last.hash);
            is_before || branch.iter().any(|earlier| earlier.hash == block.hash)
        };
        let (kept, pruned): (Vec<_>, Vec<_>) = self.made.iter().cloned().partition(|block| follows(block));
        let pruned: BTreeSet<B256> = pruned.iter().map(|block| block.hash).collect();
        assert_eq!(finality.pruned.iter().copied().collect::<BTreeSet<_>>(), pruned);
        for hash in &pruned {
            assert!(self.chain.stored(hash).is_none());
            assert_eq!(self.chain.set_head(hash).unwrap_err(), TreeError::Unknown(*hash));
        }
        self.made = kept;
        assert_eq!(self.chain.tree.sizes(), [self.made.len(), self.made.len()]);
    }

    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Block(parent, sent) => self.block(*parent, sent),
                Step::Submit(sent) => self.submit(*sent),
                Step::Head(head) => self.set_head(*head),
                Step::Final(distance) => self.finalize(*distance),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where everybody can pay for everything, the pool is known to the last transaction.
    #[test]
    fn no_detour_shows(steps in steps(3)) {
        let mut world = World::new(1);
        for step in steps {
            world.run(&[step]);
            let expected: BTreeSet<B256> = world.waiting.values().copied().collect();
            prop_assert_eq!(world.chain.pool.hashes(), expected);
        }
    }

    /// Where coins are short, whatever waits after a move of the head is covered.
    #[test]
    fn what_comes_back_can_be_paid(steps in steps(4)) {
        let mut world = World::new(170);
        for step in steps {
            let moves = matches!(step, Step::Head(_));
            world.run(&[step]);
            if !moves {
                continue;
            }
            let mut needed: BTreeMap<Address, U256> = BTreeMap::new();
            for hash in world.chain.pool.hashes() {
                let waiting = world.chain.waiting(&hash).unwrap();
                *needed.entry(waiting.transaction.signer()).or_default() += waiting.cost;
            }
            for (sender, needed) in needed {
                prop_assert!(needed <= world.chain.state().balance(sender));
            }
        }
    }
}
