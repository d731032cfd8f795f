//! What stands in for the chain: headers without transactions, their encoding and hashes, and what a node has stored.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use rayswarm_consensus::{Block, BuildRequest, Header, PowRules, pow::Root, pow::puzzle};
use std::collections::BTreeMap;

/// Seconds since 1970 at which every simulated chain begins.
pub const GENESIS_SECONDS: u64 = 1_800_000_000;

const LENGTH: usize = 108;
const NONCE: usize = LENGTH - 8;

/// The first block.
pub fn genesis(rules: &PowRules) -> Header {
    let header = Header {
        hash: B256::ZERO,
        parent: B256::ZERO,
        number: 0,
        timestamp: GENESIS_SECONDS,
        proposer: Address::ZERO,
        nonce: 0,
        difficulty: rules.initial_difficulty,
        puzzle: B256::ZERO,
    };
    read(&encode(&header)).unwrap_or(header)
}

/// A block as it was asked for.
pub fn build(request: &BuildRequest, parent: &Header, timestamp: u64, proposer: Address) -> Option<Block> {
    let header = Header {
        hash: B256::ZERO,
        parent: request.parent,
        number: parent.number.checked_add(1)?,
        timestamp: timestamp.max(request.timestamp_min),
        proposer,
        nonce: request.nonce,
        difficulty: request.difficulty,
        puzzle: B256::ZERO,
    };
    block(encode(&header))
}

/// The block with a nonce that solves it, the first from a given one on.
pub fn solve(template: &Block, first: u64) -> Option<Block> {
    let target = puzzle::target(template.header.difficulty);
    let nonce = puzzle::search(template.header.puzzle, target, first..u64::MAX)?;
    let mut bytes = template.bytes.to_vec();
    bytes.get_mut(NONCE..)?.copy_from_slice(&nonce.to_be_bytes());
    block(bytes)
}

fn block(bytes: Vec<u8>) -> Option<Block> {
    Some(Block {
        header: read(&bytes)?,
        bytes: bytes.into(),
    })
}

fn encode(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend(header.parent);
    bytes.extend(header.number.to_be_bytes());
    bytes.extend(header.timestamp.to_be_bytes());
    bytes.extend(header.proposer);
    bytes.extend(header.difficulty.to_be_bytes::<32>());
    bytes.extend(header.nonce.to_be_bytes());
    bytes
}

/// What consensus sees of an encoded block.
pub fn read(bytes: &[u8]) -> Option<Header> {
    let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
    let number = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let mut unsolved = *bytes;
    unsolved.get_mut(NONCE..)?.fill(0);
    Some(Header {
        hash: keccak256(bytes),
        parent: B256::from_slice(bytes.get(..32)?),
        number: number(32)?,
        timestamp: number(40)?,
        proposer: Address::from_slice(bytes.get(48..68)?),
        difficulty: U256::try_from_be_slice(bytes.get(68..NONCE)?)?,
        nonce: number(NONCE)?,
        puzzle: keccak256(unsolved),
    })
}

/// A stored block.
#[derive(Clone, Debug)]
pub struct Record {
    /// What consensus sees of it.
    pub header: Header,
    /// Its encoding.
    pub bytes: Bytes,
    /// The sum of all difficulties up to it.
    pub work: U256,
}

/// What a node has on its disk.
#[derive(Clone, Debug)]
pub struct Store {
    records: BTreeMap<B256, Record>,
    order: Vec<B256>,
    genesis: Header,
    last_final: B256,
    final_before: B256,
}

impl Store {
    /// A store with the genesis block only.
    pub fn new(genesis: Header) -> Self {
        let record = Record {
            work: genesis.difficulty,
            bytes: encode(&genesis).into(),
            header: genesis.clone(),
        };
        Self {
            records: BTreeMap::from([(genesis.hash, record)]),
            order: vec![genesis.hash],
            last_final: genesis.hash,
            final_before: genesis.hash,
            genesis,
        }
    }

    /// The genesis block.
    pub const fn genesis(&self) -> &Header {
        &self.genesis
    }

    /// A stored block.
    pub fn get(&self, hash: B256) -> Option<&Record> {
        self.records.get(&hash)
    }

    /// The last final block that is on record.
    pub const fn last_final(&self) -> B256 {
        self.last_final
    }

    /// How many blocks are stored, on any branch.
    pub fn blocks(&self) -> usize {
        self.records.len()
    }

    /// Stores a block, whose parent is stored.
    pub fn insert(&mut self, block: &Block) {
        let parent = self.records.get(&block.header.parent);
        let work = parent.map_or(U256::ZERO, |parent| parent.work) + block.header.difficulty;
        let record = Record {
            header: block.header.clone(),
            bytes: block.bytes.clone(),
            work,
        };
        self.order.push(block.header.hash);
        self.records.insert(block.header.hash, record);
    }

    /// Puts on record that a block is final.
    pub const fn set_final(&mut self, hash: B256) {
        self.final_before = self.last_final;
        self.last_final = hash;
    }

    /// The last record of a final block did not reach the disk.
    pub const fn forget_last_final(&mut self) {
        self.last_final = self.final_before;
    }

    /// A block and those before it, down to genesis.
    pub fn chain(&self, hash: B256) -> impl Iterator<Item = &Record> {
        std::iter::successors(self.get(hash), |record| self.get(record.header.parent))
    }

    /// Timestamps of a block and those before it, its own first: eleven, or all there are.
    pub fn times(&self, hash: B256) -> Vec<u64> {
        self.chain(hash)
            .take(11)
            .map(|record| record.header.timestamp)
            .collect()
    }

    /// What a node begins with again: the final block on record and all headers in the order in which they were stored.
    pub fn restart(&self) -> Option<(Root, Vec<Header>)> {
        let last_final = self.get(self.last_final)?;
        let root = Root {
            header: last_final.header.clone(),
            work: last_final.work,
            times: self.times(self.last_final).split_off(1),
        };
        let above = |hash: &B256| {
            let header = &self.get(*hash)?.header;
            (header.number > root.header.number).then(|| header.clone())
        };
        let headers = self.order.iter().filter_map(above).collect();
        Some((root, headers))
    }
}
