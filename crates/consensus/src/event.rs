//! What happens to consensus, and what it wants done.

use crate::{Block, Evidence, Header, Seal, SealError, ValidatorSet};
use alloy_primitives::{B256, Bytes, U256};
use std::{sync::Arc, time::Duration};

/// A peer's node id. Not who it is by its messages: those are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub [u8; 32]);

/// What has happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A peer sent a message: anything.
    Message {
        /// Who.
        from: Peer,
        /// What.
        bytes: Bytes,
    },
    /// A timer has run down that was set and not cleared.
    Timer(Timer),
    /// The block that [`Output::Build`] asked for. By pow it may be answered again, whenever the node would rather have other
    /// transactions or a later time in the block: the last answer is the one that is mined.
    Built {
        /// The request.
        request: BuildRequest,
        /// The block.
        block: Block,
    },
    /// What [`Output::Check`] asked for: whether the block follows from its parent.
    Checked {
        /// The block's hash.
        hash: B256,
        /// Whether it does.
        valid: bool,
    },
    /// A block with a good seal was executed and stored: one that [`Output::Store`] named, or one that was fetched.
    Stored {
        /// The block.
        header: Header,
        /// Who votes at the next height, by its state. `None` by pow.
        validators: Option<Arc<ValidatorSet>>,
    },
    /// The miner solved the puzzle of a block that was [`Event::Built`]. Nonce and hash are part of the encoded block, which
    /// consensus does not read, so whoever built it puts the nonce in before it hands it over.
    Solved {
        /// The block, with the solution in its header and its bytes.
        block: Block,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a message.
    Send {
        /// To whom.
        to: Recipient,
        /// What.
        message: Bytes,
    },
    /// Set a timer; one that is set already is set anew.
    Set {
        /// Which.
        timer: Timer,
        /// When it runs down.
        after: Duration,
    },
    /// Clear a timer, if it is set.
    Clear(Timer),
    /// Build a block and answer with [`Event::Built`], now or later.
    Build(BuildRequest),
    /// Execute a block on its parent's state without storing it; answer with [`Event::Checked`]. Whether it is that header's
    /// block was checked when it was read.
    Check(Block),
    /// Append to the log of what must not be forgotten in a crash.
    Write(Bytes),
    /// Make all that was written durable, before any later output is performed.
    Sync,
    /// Forget the log: its height is over. The block that ended it is stored before.
    Reset,
    /// Take a block in as the import path does: store it durably with its seal, tell peers of it, answer with
    /// [`Event::Stored`]. Bodies that were executed for [`Output::Check`] or built are not executed again.
    Store {
        /// The block.
        block: Block,
        /// Its seal.
        seal: Seal,
    },
    /// This stored block is the head from now on: the best chain ends there.
    Head(B256),
    /// This stored block and all before it stay for ever.
    Final(B256),
    /// Look for a nonce with which the puzzle is solved, instead of for any earlier puzzle's; answer with [`Event::Solved`].
    Mine {
        /// The puzzle.
        puzzle: B256,
        /// keccak-256 of puzzle and nonce must be at most this.
        target: U256,
    },
    /// A block that an event handed in has no place here. Tell the operator: it was stored, built or solved, so somebody
    /// believes in it. Above all it may be of a branch that leaves the chain below the final block.
    Refuse {
        /// The block.
        hash: B256,
        /// Why it has none.
        reason: SealError,
    },
    /// Somebody signed what nobody may sign.
    Accuse(Evidence),
    /// A peer sent what no honest one sends: part with it.
    Misbehaved {
        /// The peer.
        peer: Peer,
        /// What was wrong, for the log.
        reason: &'static str,
    },
    /// A peer knows blocks up to this height: fetch what is missing.
    Behind {
        /// The peer.
        peer: Peer,
        /// Its height.
        number: u64,
    },
}

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Every peer.
    All,
    /// One.
    One(Peer),
}

/// What a block is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// Its parent, which is stored.
    pub parent: B256,
    /// Its nonce: the round by pos and dpos, zero by pow.
    pub nonce: u64,
    /// Its difficulty.
    pub difficulty: U256,
    /// The earliest time it may carry, in seconds; the clock's, if that is later.
    pub timestamp_min: u64,
}

/// A timer, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timer {
    /// The height it belongs to.
    pub height: u64,
    /// The round.
    pub round: u32,
    /// What for; consensus's own number.
    pub kind: u8,
}
