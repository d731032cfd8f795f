//! Malachite's Tendermint, wrapped: nothing outside of this module knows its types.
//!
//! Malachite asks for what it needs by effects in the middle of an input. Those that need only a key are answered at once;
//! all others become [`Act`]s, which [`super::Bft`] performs when the input is over. What is signed is an act later than the
//! records that it follows from, so it leaves only after them.

mod certificates;
mod context;
mod effects;

use super::{
    certificate::Certificate,
    message::{Message, Polka, RoundEnd, SignedProposal, SignedVote},
    record::Record,
    signatures::Signatures,
};
use crate::{
    Block,
    validators::ValidatorSet,
    votes::{Evidence, VoteDomain},
};
use alloy_primitives::{Address, B256};
use arc_malachitebft_core_consensus as malachite;
use arc_malachitebft_core_types::{Height as _, Round, Validity, Value as _, ValueOrigin, VoteExtensionPolicy};
use context::{Account, Bft, Height, Value};
use effects::Host;
use malachite::{Input, LocallyProposedValue, ProposedValue, State};
use rayswarm_model::signed::AccountKey;
use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

/// What a round waits for, each with a timer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Step {
    Propose,
    Prevote,
    Precommit,
    /// Not a step: until what was said is said again.
    Resend,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Act {
    Send(Message),
    Schedule(Step, u32),
    Cancel(Step, u32),
    CancelAll,
    /// It is our turn: a block is wanted in this round.
    Want(u32),
    Record(Record),
    Decided(B256, Certificate),
    Accuse(Vec<Evidence>),
    /// What was put in is not signed by whom it names.
    Forged,
}

/// What was replayed does not lead to what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Diverged;

/// A block that was read, with what its proposal said.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub block: Arc<Block>,
    pub round: u32,
    pub valid: bool,
}

pub(super) struct Core {
    state: State<Bft>,
    host: Host,
}

impl Core {
    /// At a height that [`Self::begin`] begins.
    pub fn new(
        domain: VoteDomain,
        key: Option<AccountKey>,
        signatures: Signatures,
        height: u64,
        set: Arc<ValidatorSet>,
    ) -> Self {
        let params = malachite::Params {
            // Without a key `enabled` is never set, so this account says nothing.
            address: Account(key.as_ref().map(AccountKey::address).unwrap_or_default()),
            threshold_params: malachite::ThresholdParams::default(),
            // Proposals carry their blocks, and yet: proposals alone would be taken as valid unseen.
            value_payload: malachite::ValuePayload::ProposalAndParts,
            enabled: false,
        };
        // Nothing of later heights is put in, so its queue stays empty.
        let state = State::new(Bft, Height(height), set.into(), params, 1, 1);
        let host = Host::new(domain, key, signatures);
        Self { state, host }
    }

    pub fn height(&self) -> u64 {
        self.state.height().as_u64()
    }

    /// The round, once begun.
    pub fn round(&self) -> u32 {
        self.state.round().as_u32().unwrap_or_default()
    }

    /// The account of the key.
    pub fn account(&self) -> Option<Address> {
        self.host.has_key().then(|| self.state.address().0)
    }

    /// Whether this node votes at this height.
    pub fn is_voting(&self) -> bool {
        self.state.is_active_validator()
    }

    /// Begins a height, with or without a voice.
    pub fn begin(&mut self, height: u64, set: Arc<ValidatorSet>, may_vote: bool) -> Vec<Act> {
        self.state.params.enabled = may_vote && self.host.has_key();
        let start = Input::StartHeight(Height(height), set.into(), false, None, VoteExtensionPolicy::Disabled);
        let _ = self.put(start);
        self.host.take()
    }

    /// Puts in what was recorded at this height before a crash. What is signed again is the same.
    pub fn replay(&mut self, records: &[Record], blocks: &BTreeMap<B256, Arc<Block>>) -> Result<Vec<Act>, Diverged> {
        let height = self.height();
        let inputs: Option<Vec<_>> = records
            .iter()
            .map(|record| effects::input_from(record, height, blocks))
            .collect();
        let inputs = inputs.ok_or(Diverged)?;
        self.state.index_wal_entries(inputs.iter());
        let replayed = inputs.into_iter().try_for_each(|input| self.put(input));
        self.state.reset_entries_index();
        let acts = self.host.take();
        replayed.map(|()| acts)
    }

    pub fn vote(&mut self, signed: &SignedVote) -> Vec<Act> {
        self.put_in(Input::Vote(context::vote_from(signed)))
    }

    /// Whether a proposal is worth looking at: not of a far round, and not the third of its round.
    pub fn has_room(&self, signed: &SignedProposal) -> bool {
        let round = signed.proposal.round;
        let last = self.round().saturating_add(malachite::MAX_FUTURE_ROUND_LOOKAHEAD);
        let height = Height(signed.proposal.height);
        round <= last
            && !self
                .state
                .exceeds_per_round_cap(height, Round::new(round), &signed.proposal.block)
    }

    pub fn proposal(&mut self, signed: &SignedProposal, block: Arc<Block>) -> Vec<Act> {
        self.put_in(Input::Proposal(context::proposal_from(signed, block)))
    }

    /// Whether the block of a proposal follows from its parent.
    pub fn judge(&mut self, judged: &Judged) -> Vec<Act> {
        let round = Round::new(judged.round);
        let height = self.state.height();
        let value = ProposedValue {
            height,
            round,
            valid_round: Round::Nil,
            proposer: *self.state.get_proposer(height, round),
            value: Value(Arc::clone(&judged.block)),
            validity: Validity::from_bool(judged.valid),
        };
        self.put_in(Input::ProposedValue(value, ValueOrigin::Consensus))
    }

    /// Whether it knows what [`Self::judge`] said of a block.
    pub fn is_judged(&self, block: &Arc<Block>) -> Option<bool> {
        let id = Value(Arc::clone(block)).id();
        let known = self
            .state
            .get_proposed_value_by_id(self.state.height(), Round::new(0), &id);
        known.map(|known| known.validity.is_valid())
    }

    /// The block that [`Act::Want`] asked for.
    pub fn propose(&mut self, round: u32, block: Arc<Block>) -> Vec<Act> {
        let value = LocallyProposedValue::new(self.state.height(), Round::new(round), Value(block));
        self.put_in(Input::Propose(value))
    }

    pub fn polka(&mut self, polka: &Polka) -> Vec<Act> {
        self.put_in(Input::PolkaCertificate(certificates::polka_from(polka)))
    }

    pub fn round_end(&mut self, end: &RoundEnd) -> Vec<Act> {
        self.put_in(Input::RoundCertificate(certificates::round_end_from(end)))
    }

    pub fn timeout(&mut self, step: Step, round: u32) -> Vec<Act> {
        self.put_in(Input::TimeoutElapsed(effects::timeout_of(step, round)))
    }

    /// What was seen of double votes at this height, when it ends otherwise than by a decision here.
    pub fn take_evidence(&mut self) -> Vec<Evidence> {
        let votes = self.state.driver.take_vote_evidence();
        let proposals = self.state.driver.take_proposal_evidence();
        effects::evidence(&votes, &proposals)
    }

    fn put_in(&mut self, input: Input<Bft>) -> Vec<Act> {
        // Nothing diverges but a replay.
        let _ = self.put(input);
        self.host.take()
    }

    /// An input that fails otherwise was no good; what it did up to then counts.
    fn put(&mut self, input: Input<Bft>) -> Result<(), Diverged> {
        let Self { state, host } = self;
        let done: Result<(), malachite::Error<Bft>> = malachite::process!(
            input: input,
            state: state,
            metrics: &(),
            with: effect => Ok::<_, Infallible>(host.answer(effect))
        );
        match done {
            Err(malachite::Error::ReplayDivergence(..)) => Err(Diverged),
            _ => Ok(()),
        }
    }
}
