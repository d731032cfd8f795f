//! Blocks of a file on their way into a chain that nobody runs: what the driver does for peers, without peers.

use std::{collections::VecDeque, io::Read};

use alloy_primitives::B256;
use rayswarm_consensus::{Consensus, Event, Output};
use rayswarm_network::SealedBytes;

use super::{RefusedBlock, TransferError, Transferred, frames::FileReader};
use crate::{
    chain::{
        kept::Opened,
        ledger::{FinalizeError, Ledger, SealError, hash_of},
        wal::Wal,
    },
    clock,
};

/// Every so many blocks it is told how far it came.
const TOLD_EVERY: u64 = 1_000;

/// Takes in what the file holds and the chain does not.
pub(super) fn take_in(opened: Opened, mut file: FileReader<impl Read>) -> Result<Transferred, TransferError> {
    let mut importing = Importing {
        ledger: opened.ledger,
        consensus: opened.consensus,
        wal: opened.wal,
    };
    let begun = importing.consensus.start(clock::now().0, &opened.written);
    importing
        .perform(begun)
        .map_err(|source| refused(0, B256::ZERO, source))?;
    let (mut blocks, mut known, mut number) = (0, 0, 0u64);
    while let Some((block, seal)) = file.next()? {
        number += 1;
        let sealed = SealedBytes { block, seal };
        // Zero for bytes that are no block: what is wrong with them is said when they are taken in.
        let hash = hash_of(&sealed).unwrap_or_default();
        let taken = importing
            .take(sealed, hash)
            .map_err(|source| refused(number, hash, source))?;
        if taken {
            blocks += 1;
        } else {
            known += 1;
        }
        if number.is_multiple_of(TOLD_EVERY) {
            tracing::info!(blocks, known, "reading a chain from a file");
        }
    }
    let ledger = importing.ledger;
    let transferred = Transferred {
        genesis: ledger.genesis_header().hash,
        blocks,
        known,
        finalized: ledger.finalized_number(),
    };
    ledger.close();
    Ok(transferred)
}

fn refused(number: u64, hash: B256, failure: Failure) -> TransferError {
    match failure {
        Failure::Finalize(error) => error.into(),
        Failure::Block(source) => TransferError::Block {
            number,
            hash,
            source: Box::new(source),
        },
    }
}

/// Why a block got no further.
enum Failure {
    Block(RefusedBlock),
    Finalize(FinalizeError),
}

impl<E: Into<RefusedBlock>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Block(error.into())
    }
}

struct Importing {
    ledger: Ledger,
    consensus: Box<dyn Consensus>,
    wal: Wal,
}

impl Importing {
    /// Whether the block was new.
    fn take(&mut self, sealed: SealedBytes, hash: B256) -> Result<bool, Failure> {
        if self.ledger.has_stored(&hash) {
            return Ok(false);
        }
        let consensus = &*self.consensus;
        let checked = self.ledger.check_seal(&sealed, |header, seal, site| {
            consensus.verify_seal(clock::now().0, header, seal, site)
        })?;
        let Some(checked) = checked else { return Ok(false) };
        let header = self.ledger.import(checked)?;
        let event = self.stored(header);
        let outputs = self.consensus.handle(clock::now().0, event);
        self.perform(outputs)?;
        Ok(true)
    }

    fn stored(&self, header: rayswarm_consensus::Header) -> Event {
        let validators = self.ledger.validators_after(header.hash);
        Event::Stored { header, validators }
    }

    /// Does what concerns the chain and the log of votes. Nobody is told anything, nothing is built, no time passes.
    fn perform(&mut self, outputs: Vec<Output>) -> Result<(), Failure> {
        let mut outputs = VecDeque::from(outputs);
        while let Some(output) = outputs.pop_front() {
            if let Some(event) = self.perform_one(output)? {
                outputs.extend(self.consensus.handle(clock::now().0, event));
            }
        }
        Ok(())
    }

    fn perform_one(&mut self, output: Output) -> Result<Option<Event>, Failure> {
        match output {
            Output::Head(hash) => self
                .ledger
                .set_head(hash)
                .map_err(|error| Failure::Finalize(error.into()))?,
            Output::Final(hash) => self.ledger.finalize(hash).map_err(Failure::Finalize)?,
            Output::Store { block, seal } => {
                let header = self.ledger.store(&block.bytes, &seal)?;
                return Ok(Some(self.stored(header)));
            }
            Output::Check(block) => {
                let (hash, valid) = (block.header.hash, self.ledger.check(&block).is_ok());
                return Ok(Some(Event::Checked { hash, valid }));
            }
            Output::Write(entry) => self.wal.write(&entry),
            Output::Sync => self.wal.sync().map_err(SealError::from)?,
            Output::Reset => self.wal.reset().map_err(SealError::from)?,
            Output::Refuse { reason, .. } => return Err(reason.into()),
            Output::Send { .. }
            | Output::Set { .. }
            | Output::Clear(_)
            | Output::Build(_)
            | Output::Mine { .. }
            | Output::Accuse(_)
            | Output::Misbehaved { .. }
            | Output::Behind { .. } => {}
        }
        Ok(None)
    }
}
