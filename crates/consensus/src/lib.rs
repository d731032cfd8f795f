//! Who may make the next block, and which block is final. Pure and sans-IO: no clock, no socket, no file, no randomness.
//!
//! Consensus orders blocks and knows nothing of what is in them. The node drives it: it hands in [`Event`]s with the time, and
//! performs the [`Output`]s in their order. The chain (`rayswarm-chain`) executes blocks and knows nothing of who orders them.
//!
//! ```text
//! bytes -> decode -> stateless checks -> Consensus::verify_seal -> execute on the parent's state -> compare roots
//!       -> stored in the block tree -> Event::Stored -> Output::Head, Output::Final
//! ```
//!
//! That is the one way for a block to get in, whoever made it and however it came.
//!
//! | module | holds |
//! |---|---|
//! | [`block`] | what consensus sees of a block, and its seal |
//! | [`event`] | what happens, and what is to be done |
//! | [`pow`] | proof of work |
//! | [`rules`] | numbers in a genesis that are out of bounds |
//! | [`validators`] | who votes, with what power, and whose turn it is to propose |
//! | [`bft`] | pos and dpos: votes of validators, final blocks |
//! | [`votes`] | what validators sign (EIP-712), and evidence against who signs twice |

pub mod bft;
pub mod block;
pub mod event;
pub mod pow;
mod rules;
pub mod validators;
pub mod votes;

pub use bft::{Bft, BftRules, BftSetup};
pub use block::{Block, Header, Seal, SealError, Site};
pub use event::{BuildRequest, Event, Output, Peer, Recipient, Timer};
pub use pow::{Pow, PowRules, Walk};
pub use rules::RulesError;
pub use validators::{Validator, ValidatorSet, ValidatorsError};
pub use votes::{Evidence, Proposal, Vote, VoteDomain, VoteKind};

use alloy_primitives::{B256, Bytes, U256};

/// Milliseconds since 1970.
pub type Millis = u64;

/// One way of ordering blocks: `pow`, `pos`, `dpos`.
///
/// Outputs are performed in the order in which they are given. After a crash a new one is made from the head that was stored
/// last, and [`Consensus::start`] gets what was written since: it never signs anything else for what it had signed before.
pub trait Consensus: Send {
    /// Begins, or begins again with what was written ([`Output::Write`]) since the last [`Output::Reset`], in order. Called
    /// once, before anything else.
    fn start(&mut self, now: Millis, written: &[Bytes]) -> Vec<Output>;

    /// Something has happened.
    fn handle(&mut self, now: Millis, event: Event) -> Vec<Output>;

    /// What stands behind the head. Of two branches the one with more is the better: by pow the work of all blocks up to it, by
    /// votes its height.
    fn weight(&self) -> U256;

    /// Begins to walk along headers that follow a stored block, given by height and hash. `None` where it is not here, or where it
    /// takes more than headers to see what stands behind a branch.
    fn walk(&self, _from: (u64, B256)) -> Option<Walk> {
        None
    }

    /// Whether a block may stand where it says it does, by its header and its seal alone. Costs no execution. `now` bounds
    /// how far a block may be ahead of the clock.
    ///
    /// # Errors
    /// Why not.
    fn verify_seal(&self, now: Millis, header: &Header, seal: &Seal, site: &Site<'_>) -> Result<(), SealError>;
}
