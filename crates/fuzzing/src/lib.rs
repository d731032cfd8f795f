//! What strangers send, given to the decoders that read it: no panic, no second encoding of one thing, and no more memory than
//! is stated here.
//!
//! | module | holds |
//! |---|---|
//! | [`chain`] | decoders of blocks, headers, transactions |
//! | [`consensus`] | of votes, seals, the log of votes |
//! | [`model`] | of documents |
//! | [`network`] | of every message of every protocol |
//! | [`node`] | of JSON-RPC, files of `chain export`, genesis files |
//! | [`memory`] | how much of it something takes |
//! | [`samples`], [`corpus`] | inputs that are right: the values, the files |
//! | [`mutate`] | inputs that are nearly right |
//!
//! The same [`Target`]s run twice: in `tests/short.rs`, over the corpus and some thousand changes of it, and without end in
//! `fuzz/`, by coverage. `fuzz/README.md` has the commands.
//!
//! Deliberately missing: what happens to a thing that was read. Whether a block is valid is the chain's and the simulation's to
//! test.

pub mod chain;
pub mod consensus;
pub mod corpus;
pub mod memory;
pub mod model;
pub mod mutate;
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "node")]
pub mod node;
pub mod samples;

use std::sync::Once;

/// One decoder.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the folder in `fuzz/corpus` and of the program in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// Reads the bytes, and panics where it finds a fault. Tells whether they were taken for what they should be.
    pub decode: fn(&[u8]) -> bool,
    /// How its bytes are put together.
    pub form: Form,
    /// The most memory it may take.
    pub bound: Bound,
}

/// How bytes are put together, so that changes get past the first length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One after the other.
    Plain,
    /// RLP.
    Rlp,
    /// JSON.
    Json,
}

/// Memory beyond what was held before, at any moment: the lesser of two.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Bytes for each byte of the input, beside [`Bound::FREE`].
    pub per_byte: usize,
    /// Bytes, whatever the input.
    pub most: usize,
}

impl Bound {
    /// Bytes that any input may cost: stacks of small things, buffers, what is made once.
    pub const FREE: usize = 1 << 20;

    /// The most bytes for an input of this length.
    pub fn of(&self, length: usize) -> usize {
        (self.per_byte.saturating_mul(length).saturating_add(Self::FREE)).min(self.most)
    }
}

const MIB: usize = 1 << 20;

/// All of them.
pub const TARGETS: &[Target] = &[
    Target {
        name: "block",
        decode: chain::block,
        form: Form::Rlp,
        bound: Bound {
            per_byte: 48,
            most: 32 * MIB,
        },
    },
    Target {
        name: "header",
        decode: chain::header,
        form: Form::Rlp,
        bound: Bound {
            per_byte: 4,
            most: 8 * MIB,
        },
    },
    Target {
        name: "executed_block",
        decode: chain::executed_block,
        form: Form::Rlp,
        bound: Bound {
            per_byte: 48,
            most: 64 * MIB,
        },
    },
    Target {
        name: "transaction",
        decode: chain::transaction,
        form: Form::Rlp,
        bound: Bound {
            per_byte: 16,
            most: 3 * MIB,
        },
    },
    Target {
        name: "consensus_message",
        decode: consensus::message,
        form: Form::Plain,
        bound: Bound {
            per_byte: 4,
            most: 40 * MIB,
        },
    },
    Target {
        name: "consensus_seal",
        decode: consensus::seal,
        form: Form::Plain,
        bound: Bound {
            per_byte: 4,
            most: 2 * MIB,
        },
    },
    Target {
        name: "consensus_log",
        decode: consensus::log,
        form: Form::Plain,
        bound: Bound {
            per_byte: 64,
            most: 64 * MIB,
        },
    },
    Target {
        name: "document",
        decode: model::document,
        form: Form::Plain,
        bound: Bound {
            per_byte: 48,
            most: 512 * MIB,
        },
    },
    #[cfg(feature = "network")]
    Target {
        name: "chain_word",
        decode: network::chain_word,
        form: Form::Plain,
        bound: Bound {
            per_byte: 8,
            most: 64 * MIB,
        },
    },
    #[cfg(feature = "network")]
    Target {
        name: "chain_question",
        decode: network::chain_question,
        form: Form::Plain,
        bound: Bound {
            per_byte: 8,
            most: 2 * MIB,
        },
    },
    #[cfg(feature = "network")]
    Target {
        name: "chain_answer",
        decode: network::chain_answer,
        form: Form::Plain,
        bound: Bound {
            per_byte: 8,
            most: 64 * MIB,
        },
    },
    #[cfg(feature = "network")]
    Target {
        name: "peer_message",
        decode: network::peer_message,
        form: Form::Plain,
        bound: Bound {
            per_byte: 32,
            most: 128 * MIB,
        },
    },
    #[cfg(feature = "node")]
    Target {
        name: "rpc_request",
        decode: node::rpc_request,
        form: Form::Json,
        bound: Bound {
            per_byte: 128,
            most: 256 * MIB,
        },
    },
    #[cfg(feature = "node")]
    Target {
        name: "block_file",
        decode: node::block_file,
        form: Form::Plain,
        bound: Bound {
            per_byte: 16,
            most: 64 * MIB,
        },
    },
    #[cfg(feature = "node")]
    Target {
        name: "genesis_file",
        decode: node::genesis_file,
        form: Form::Json,
        bound: Bound {
            per_byte: 128,
            most: 64 * MIB,
        },
    },
];

/// What came of an input.
#[derive(Clone, Copy, Debug)]
pub struct Checked {
    /// Whether it was taken for what it should be.
    pub taken: bool,
    /// The most memory that reading it took, in bytes; what it was held against included.
    pub peak: usize,
}

impl Target {
    /// The target of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Reads the bytes.
    ///
    /// # Panics
    /// Where something is wrong with the decoder, or it takes more memory than it may.
    pub fn check(&self, bytes: &[u8]) -> Checked {
        let (taken, peak) = memory::peak_of(|| (self.decode)(bytes));
        let most = self.bound.of(bytes.len());
        assert!(
            peak <= most,
            "{}: {} bytes took {peak} bytes of memory, at most {most} are allowed",
            self.name,
            bytes.len()
        );
        Checked { taken, peak }
    }
}

/// [`Target::check`] for the programs of `fuzz/`.
///
/// # Panics
/// As that, and where there is no target of that name.
pub fn check(name: &str, bytes: &[u8]) {
    let target = Target::named(name);
    assert!(target.is_some(), "there is no target {name}");
    if let Some(target) = target {
        // What is made once is not laid to the first input.
        static MADE: Once = Once::new();
        MADE.call_once(|| {
            (target.decode)(&[]);
        });
        target.check(bytes);
    }
}
