//! A few validators in one room: whatever one says the others hear, in order, at once.

use super::super::*;
use crate::{Validator, votes::Signable};
use alloy_primitives::{Address, B256, U256, keccak256};
use std::collections::VecDeque;

pub(super) const DOMAIN: VoteDomain = VoteDomain {
    chain_id: 7,
    contract: Address::ZERO,
};

pub(super) const NOW: Millis = 1_000_000;

/// A block is its header's fields and one byte.
pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let word = |at: usize| Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let hash = keccak256(bytes);
    (bytes.len() == 77).then_some(())?;
    Some(Header {
        hash,
        parent: B256::from_slice(&bytes[8..40]),
        number: word(0)?,
        timestamp: word(40)?,
        proposer: Address::from_slice(&bytes[48..68]),
        nonce: word(68)?,
        difficulty: U256::ZERO,
        puzzle: hash,
    })
}

pub(super) fn block(parent: &Header, proposer: Address, round: u64, byte: u8) -> Block {
    let words = [parent.number + 1, NOW / 1_000, round].map(u64::to_be_bytes);
    let parts = [
        &words[0],
        parent.hash.as_slice(),
        &words[1],
        proposer.as_slice(),
        &words[2],
        &[byte],
    ];
    let bytes = Bytes::from(parts.concat());
    let header = read(&bytes).unwrap();
    Block { header, bytes }
}

pub(super) fn genesis() -> Header {
    Header {
        hash: B256::repeat_byte(0x60),
        parent: B256::ZERO,
        number: 0,
        timestamp: 5,
        proposer: Address::ZERO,
        nonce: 0,
        difficulty: U256::ZERO,
        puzzle: B256::ZERO,
    }
}

pub(super) fn key(number: u8) -> AccountKey {
    AccountKey::from_bytes(&[number; 32]).unwrap()
}

/// Validators 1, 2, … with these powers.
pub(super) fn set(powers: &[u64]) -> Arc<ValidatorSet> {
    let validator = |(number, power): (u8, &u64)| Validator {
        account: key(number).address(),
        power: *power,
    };
    Arc::new(ValidatorSet::new((1..).zip(powers).map(validator).collect()).unwrap())
}

pub(super) fn signed<T: Signable>(subject: &T, number: u8) -> message::Signature {
    Signatures::default().sign(subject, &DOMAIN, &key(number))
}

pub(super) fn bft(key: Option<AccountKey>, set: &Arc<ValidatorSet>) -> Bft {
    Bft::new(BftSetup {
        rules: BftRules {
            block_millis: 0,
            ..BftRules::default()
        },
        domain: DOMAIN,
        key,
        head: genesis(),
        validators: Arc::clone(set),
        read,
        signatures: Signatures::default(),
    })
}

/// One of the room, with its log and what it did.
pub(super) struct Guest {
    pub bft: Bft,
    pub log: Vec<Bytes>,
    pub did: Vec<Output>,
    pub stored: Vec<(Block, Seal)>,
    heads: Vec<Header>,
}

pub(super) struct Room {
    pub guests: Vec<Guest>,
    pub set: Arc<ValidatorSet>,
    queue: VecDeque<(usize, Event)>,
    /// Nobody goes beyond this height.
    pub last: u64,
}

impl Room {
    pub fn new(powers: &[u64], keys: &[Option<u8>], last: u64) -> Self {
        let set = set(powers);
        let guest = |number: &Option<u8>| Guest {
            bft: bft(number.map(key), &set),
            log: Vec::new(),
            did: Vec::new(),
            stored: Vec::new(),
            heads: vec![genesis()],
        };
        Self {
            guests: keys.iter().map(guest).collect(),
            set,
            queue: VecDeque::new(),
            last,
        }
    }

    pub fn start(&mut self) {
        for number in 0..self.guests.len() {
            let log = self.guests[number].log.clone();
            let outputs = self.guests[number].bft.start(NOW, &log);
            self.perform(number, outputs);
        }
        self.run();
    }

    pub fn handle(&mut self, number: usize, event: Event) {
        let outputs = self.guests[number].bft.handle(NOW, event);
        self.perform(number, outputs);
    }

    pub fn run(&mut self) {
        while let Some((number, event)) = self.queue.pop_front() {
            self.handle(number, event);
        }
    }

    fn perform(&mut self, number: usize, outputs: Vec<Output>) {
        for output in outputs {
            self.guests[number].did.push(output.clone());
            self.perform_one(number, output);
        }
    }

    fn perform_one(&mut self, number: usize, output: Output) {
        let others = (0..self.guests.len()).filter(|other| *other != number);
        let this = &mut self.guests[number];
        match output {
            Output::Send { message, .. } => {
                let from = Peer([u8::try_from(number).unwrap(); 32]);
                let event = |other| {
                    let bytes = message.clone();
                    (other, Event::Message { from, bytes })
                };
                self.queue.extend(others.map(event));
            }
            Output::Build(request) => {
                let parent = this.heads.last().unwrap();
                let proposer = self
                    .set
                    .proposer(parent.number + 1, u32::try_from(request.nonce).unwrap());
                let block = block(parent, proposer, request.nonce, 0);
                self.queue.push_back((number, Event::Built { request, block }));
            }
            Output::Check(block) => {
                let hash = block.header.hash;
                self.queue.push_back((number, Event::Checked { hash, valid: true }));
            }
            Output::Write(bytes) => this.log.push(bytes),
            Output::Reset => this.log.clear(),
            Output::Store { block, seal } => {
                this.stored.push((block.clone(), seal));
                this.heads.push(block.header.clone());
                if block.header.number < self.last {
                    let event = Event::Stored {
                        header: block.header,
                        validators: Some(Arc::clone(&self.set)),
                    };
                    self.queue.push_back((number, event));
                }
            }
            _ => {}
        }
    }
}

/// What was sent, in order.
pub(super) fn sent(outputs: &[Output]) -> Vec<Message> {
    let message = |output: &Output| match output {
        Output::Send { message, .. } => Message::decode(message),
        _ => None,
    };
    outputs.iter().filter_map(message).collect()
}
