//! What a node that keeps a chain says to the contract itself: its first set, who may vote, and who has signed what nobody may
//! sign. Both contracts are called alike.

pub use crate::bindings::staked::{
    IValidators::{Proposal as SignedProposal, Vote as SignedVote},
    StakedValidators::{ValidatorParams, initializeCall, reportProposalsCall, reportVotesCall, validatorsCall},
};
