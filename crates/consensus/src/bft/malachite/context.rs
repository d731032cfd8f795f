//! Our nouns as Malachite wants them. A validator's id and public key are both its account: signatures recover to it.

use crate::{
    Block,
    bft::message::{Signature, SignedProposal, SignedVote},
    validators::ValidatorSet as Set,
    votes,
};
use alloy_primitives::{Address, B256};
use arc_malachitebft_core_types as malachite;
use malachite::{NilOrVal, Round, SignedExtension, SignedMessage, VoteType};
use std::{cmp::Ordering, fmt, sync::Arc};

/// Malachite's context.
#[derive(Clone, Debug)]
pub(super) struct Bft;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Account(pub Address);

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl malachite::Address for Account {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl malachite::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// A block, which is its hash: reading it checked that.
#[derive(Clone)]
pub(super) struct Value(pub Arc<Block>);

impl malachite::Value for Value {
    type Id = B256;

    fn id(&self) -> B256 {
        self.0.header.hash
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.header.hash.fmt(f)
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.0.header.hash == other.0.header.hash
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.header.hash.cmp(&other.0.header.hash)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Vote {
    pub kind: VoteType,
    pub height: Height,
    pub round: Round,
    pub value: NilOrVal<B256>,
    pub account: Account,
}

impl malachite::Vote<Bft> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<B256> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<B256> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Account {
        &self.account
    }

    fn extension(&self) -> Option<&SignedExtension<Bft>> {
        None
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Bft>> {
        None
    }

    fn extend(self, _: SignedExtension<Bft>) -> Self {
        self
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub height: Height,
    pub round: Round,
    pub value: Value,
    pub valid_round: Round,
    pub account: Account,
}

impl malachite::Proposal<Bft> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.valid_round
    }

    fn validator_address(&self) -> &Account {
        &self.account
    }
}

/// Blocks are not cut into parts: they travel whole with their proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoPart;

impl malachite::ProposalPart<Bft> for NoPart {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validator {
    account: Account,
    power: u64,
}

impl malachite::Validator<Bft> for Validator {
    fn address(&self) -> &Account {
        &self.account
    }

    fn public_key(&self) -> &Account {
        &self.account
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ValidatorSet {
    set: Arc<Set>,
    validators: Arc<[Validator]>,
}

impl From<Arc<Set>> for ValidatorSet {
    fn from(set: Arc<Set>) -> Self {
        let validator = |validator: &crate::Validator| Validator {
            account: Account(validator.account),
            power: validator.power,
        };
        let validators = set.as_slice().iter().map(validator).collect();
        Self { set, validators }
    }
}

impl malachite::ValidatorSet<Bft> for ValidatorSet {
    fn count(&self) -> usize {
        self.validators.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.set.total_power()
    }

    fn get_by_address(&self, account: &Account) -> Option<&Validator> {
        let index = self
            .validators
            .binary_search_by_key(account, |validator| validator.account);
        self.validators.get(index.ok()?)
    }

    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        self.validators.get(index)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Secp256k1;

impl malachite::SigningScheme for Secp256k1 {
    type DecodingError = &'static str;
    type Signature = Signature;
    type PublicKey = Account;
    /// Keys stay outside.
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Signature, &'static str> {
        Signature::try_from(bytes).map_err(|_| "a signature has 65 bytes")
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<Account, &'static str> {
        Address::try_from(bytes)
            .map(Account)
            .map_err(|_| "an account has 20 bytes")
    }

    fn encode_public_key(account: &Account) -> Vec<u8> {
        account.0.to_vec()
    }
}

impl malachite::Context for Bft {
    type Address = Account;
    type Height = Height;
    type ProposalPart = NoPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = malachite::LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Secp256k1;

    fn select_proposer<'a>(&self, set: &'a ValidatorSet, height: Height, round: Round) -> &'a Validator {
        let proposer = set.set.proposer(height.0, round.as_u32().unwrap_or_default());
        let proposer = set.validators.iter().find(|validator| validator.account.0 == proposer);
        // A set is not empty, and its proposer is one of it.
        proposer.unwrap_or(&set.validators[0])
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        valid_round: Round,
        account: Account,
    ) -> Proposal {
        Proposal {
            height,
            round,
            value,
            valid_round,
            account,
        }
    }

    fn new_prevote(&self, height: Height, round: Round, value: NilOrVal<B256>, account: Account) -> Vote {
        Vote {
            kind: VoteType::Prevote,
            height,
            round,
            value,
            account,
        }
    }

    fn new_precommit(&self, height: Height, round: Round, value: NilOrVal<B256>, account: Account) -> Vote {
        Vote {
            kind: VoteType::Precommit,
            height,
            round,
            value,
            account,
        }
    }
}

/// The two kinds of a vote have the same names on both sides.
pub(super) const fn kind_of(kind: VoteType) -> votes::VoteKind {
    match kind {
        VoteType::Prevote => votes::VoteKind::Prevote,
        VoteType::Precommit => votes::VoteKind::Precommit,
    }
}

pub(super) const fn type_of(kind: votes::VoteKind) -> VoteType {
    match kind {
        votes::VoteKind::Prevote => VoteType::Prevote,
        votes::VoteKind::Precommit => VoteType::Precommit,
    }
}

/// Zero is for none.
pub(super) fn block_of(value: &NilOrVal<B256>) -> B256 {
    match value {
        NilOrVal::Nil => B256::ZERO,
        NilOrVal::Val(block) => *block,
    }
}

pub(super) fn value_of(block: B256) -> NilOrVal<B256> {
    if block.is_zero() {
        NilOrVal::Nil
    } else {
        NilOrVal::Val(block)
    }
}

impl Vote {
    /// What is signed.
    pub fn subject(&self) -> votes::Vote {
        votes::Vote {
            height: self.height.0,
            round: self.round.as_u32().unwrap_or_default(),
            kind: kind_of(self.kind),
            block: block_of(&self.value),
        }
    }
}

impl Proposal {
    /// What is signed.
    pub fn subject(&self) -> votes::Proposal {
        votes::Proposal {
            height: self.height.0,
            round: self.round.as_u32().unwrap_or_default(),
            valid_round: self.valid_round.as_i64(),
            block: self.value.0.header.hash,
        }
    }
}

/// A round that may be none, which is -1.
pub(super) fn round_of(round: i64) -> Round {
    u32::try_from(round).map_or(Round::Nil, Round::new)
}

pub(super) fn vote_from(signed: &SignedVote) -> SignedMessage<Bft, Vote> {
    let vote = Vote {
        kind: type_of(signed.vote.kind),
        height: Height(signed.vote.height),
        round: Round::new(signed.vote.round),
        value: value_of(signed.vote.block),
        account: Account(signed.account),
    };
    SignedMessage::new(vote, signed.signature)
}

pub(super) fn vote_into(signed: &SignedMessage<Bft, Vote>) -> SignedVote {
    SignedVote {
        vote: signed.message.subject(),
        account: signed.message.account.0,
        signature: signed.signature,
    }
}

pub(super) fn proposal_from(signed: &SignedProposal, block: Arc<Block>) -> SignedMessage<Bft, Proposal> {
    let proposal = Proposal {
        height: Height(signed.proposal.height),
        round: Round::new(signed.proposal.round),
        value: Value(block),
        valid_round: round_of(signed.proposal.valid_round),
        account: Account(signed.account),
    };
    SignedMessage::new(proposal, signed.signature)
}

pub(super) fn proposal_into(signed: &SignedMessage<Bft, Proposal>) -> SignedProposal {
    SignedProposal {
        proposal: signed.message.subject(),
        account: signed.message.account.0,
        signature: signed.signature,
    }
}
