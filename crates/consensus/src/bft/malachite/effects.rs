//! How Malachite's effects are answered.

use super::{
    Act, Step,
    certificates::{self, Verifier},
    context::{self, Account, Bft, Height, Value},
};
use crate::{
    Block,
    bft::{certificate::Certificate, message::Message, record::Record, signatures::Signatures},
    votes::{Evidence, VoteDomain},
};
use alloy_primitives::{B256, Bytes};
use arc_malachitebft_core_consensus as malachite;
use arc_malachitebft_core_types::{
    CommitCertificate, Round, SignedMessage, Timeout, TimeoutKind, Validity, ValueOrigin,
};
use malachite::{ConsensusMsg, Effect, Input, LivenessMsg, ProposedValue, Resumable, Resume, SignedConsensusMsg};
use rayswarm_model::signed::AccountKey;
use std::{collections::BTreeMap, sync::Arc};

/// What answers: the key, and the acts until they are taken.
pub(super) struct Host {
    domain: VoteDomain,
    key: Option<AccountKey>,
    signatures: Signatures,
    acts: Vec<Act>,
}

impl Host {
    pub fn new(domain: VoteDomain, key: Option<AccountKey>, signatures: Signatures) -> Self {
        Self {
            domain,
            key,
            signatures,
            acts: Vec::new(),
        }
    }

    pub const fn has_key(&self) -> bool {
        self.key.is_some()
    }

    pub fn take(&mut self) -> Vec<Act> {
        std::mem::take(&mut self.acts)
    }

    pub fn answer(&mut self, effect: Effect<Bft>) -> Resume<Bft> {
        match effect {
            Effect::CancelAllTimeouts(r) => self.act(Act::CancelAll, r),
            Effect::CancelTimeout(timeout, r) => {
                let act = step_of(timeout).map(|(step, round)| Act::Cancel(step, round));
                self.acts(act, r)
            }
            Effect::ScheduleTimeout(timeout, r) => {
                let act = step_of(timeout).map(|(step, round)| Act::Schedule(step, round));
                self.acts(act, r)
            }
            // Blocks travel with their proposals, so there is nothing to stream again.
            Effect::StartRound(.., r) | Effect::RestreamProposal(.., r) => r.resume_with(()),
            Effect::GetValue(_, round, _, r) => self.acts(round.as_u32().map(Act::Want), r),
            Effect::PublishConsensusMsg(message, r) => self.act(Act::Send(message_from(&message)), r),
            Effect::PublishLivenessMsg(message, r) => self.act(Act::Send(liveness_from(&message)), r),
            Effect::RepublishVote(vote, r) => self.act(Act::Send(Message::Vote(context::vote_into(&vote))), r),
            Effect::RepublishRoundCertificate(end, r) => {
                let end = Message::RoundEnd(certificates::round_end_into(&end));
                self.act(Act::Send(end), r)
            }
            Effect::WalAppend(_, input, r) => self.acts(record_from(&input).map(Act::Record), r),
            Effect::Decide(certificate, _, r) => {
                let act = Act::Decided(certificate.value_id, certificate_from(&certificate));
                self.act(act, r)
            }
            Effect::Finalize(_, _, found, r) => self.act(Act::Accuse(evidence(&found.votes, &found.proposals)), r),
            Effect::SignVote(vote, r) => match &self.key {
                // Without a key nothing asks for this; resumed with something else, the input fails.
                None => Resume::Continue,
                Some(key) => {
                    let signature = self.signatures.sign(&vote.subject(), &self.domain, key);
                    r.resume_with(SignedMessage::new(vote, signature))
                }
            },
            Effect::SignProposal(proposal, r) => match &self.key {
                None => Resume::Continue,
                Some(key) => {
                    let signature = self.signatures.sign(&proposal.subject(), &self.domain, key);
                    r.resume_with(SignedMessage::new(proposal, signature))
                }
            },
            Effect::VerifySignature(signed, account, r) => {
                let valid = self.is_signed(&signed, account);
                self.forged_unless(valid);
                r.resume_with(valid)
            }
            Effect::VerifyCommitCertificate(certificate, set, thresholds, r) => {
                r.resume_with(self.verifier().commit(&certificate, &set, thresholds))
            }
            Effect::VerifyExtendedCommitCertificate(certificate, set, thresholds, _, r) => {
                let certificate = certificate.trim_vote_extensions();
                r.resume_with(self.verifier().commit(&certificate, &set, thresholds))
            }
            Effect::VerifyPolkaCertificate(polka, set, thresholds, r) => {
                let result = self.verifier().polka(&polka, &set, thresholds);
                self.forged_unless(result.is_ok());
                r.resume_with(result)
            }
            Effect::VerifyRoundCertificate(end, set, thresholds, r) => {
                let result = self.verifier().round_end(&end, &set, thresholds);
                self.forged_unless(result.is_ok());
                r.resume_with(result)
            }
            // Blocks that others decided come by the chain's import, never through Malachite's own synchronisation.
            Effect::CertVerifiedSyncValue(.., r) | Effect::CertRejectedSyncValue(.., r) => r.resume_with(()),
            Effect::ExtendVote(.., r) => r.resume_with(None),
            Effect::VerifyVoteExtension(.., r) => {
                r.resume_with(Err(malachite::VoteExtensionError::InvalidVoteExtension))
            }
        }
    }

    fn act(&mut self, act: Act, resume: impl Resumable<Bft, Value = ()>) -> Resume<Bft> {
        self.acts(Some(act), resume)
    }

    fn acts(&mut self, act: Option<Act>, resume: impl Resumable<Bft, Value = ()>) -> Resume<Bft> {
        self.acts.extend(act);
        resume.resume_with(())
    }

    fn forged_unless(&mut self, valid: bool) {
        if !valid {
            self.acts.push(Act::Forged);
        }
    }

    const fn verifier(&self) -> Verifier<'_> {
        Verifier {
            domain: &self.domain,
            signatures: &self.signatures,
        }
    }

    fn is_signed(&self, signed: &SignedMessage<Bft, ConsensusMsg<Bft>>, account: Account) -> bool {
        let Self { domain, signatures, .. } = self;
        let signature = &signed.signature;
        match &signed.message {
            ConsensusMsg::Vote(vote) => signatures.is_signed(&vote.subject(), domain, signature, account.0),
            ConsensusMsg::Proposal(proposal) => signatures.is_signed(&proposal.subject(), domain, signature, account.0),
        }
    }
}

const fn step_of(timeout: Timeout) -> Option<(Step, u32)> {
    let Round::Some(round) = timeout.round else {
        return None;
    };
    let step = match timeout.kind {
        TimeoutKind::Propose => Step::Propose,
        TimeoutKind::Prevote => Step::Prevote,
        TimeoutKind::Precommit => Step::Precommit,
        TimeoutKind::Rebroadcast => Step::Resend,
        // Heights are begun without a target time.
        TimeoutKind::FinalizeHeight(_) => return None,
    };
    Some((step, round))
}

pub(super) const fn timeout_of(step: Step, round: u32) -> Timeout {
    let round = Round::new(round);
    match step {
        Step::Propose => Timeout::propose(round),
        Step::Prevote => Timeout::prevote(round),
        Step::Precommit => Timeout::precommit(round),
        Step::Resend => Timeout::rebroadcast(round),
    }
}

fn message_from(message: &SignedConsensusMsg<Bft>) -> Message {
    match message {
        SignedConsensusMsg::Vote(vote) => Message::Vote(context::vote_into(vote)),
        SignedConsensusMsg::Proposal(proposal) => {
            let block = proposal.message.value.0.bytes.clone();
            Message::Proposal(context::proposal_into(proposal), block)
        }
    }
}

fn liveness_from(message: &LivenessMsg<Bft>) -> Message {
    match message {
        LivenessMsg::Vote(vote) => Message::Vote(context::vote_into(vote)),
        LivenessMsg::PolkaCertificate(polka) => Message::Polka(certificates::polka_into(polka)),
        LivenessMsg::SkipRoundCertificate(end) => Message::RoundEnd(certificates::round_end_into(end)),
    }
}

fn certificate_from(certificate: &CommitCertificate<Bft>) -> Certificate {
    let signed = certificate.commit_signatures.iter();
    let mut signatures: Vec<_> = signed.map(|signed| (signed.address.0, signed.signature)).collect();
    signatures.sort();
    Certificate {
        round: certificate.round.as_u32().unwrap_or_default(),
        signatures,
    }
}

/// What must be remembered of an input; `None` for those that Malachite never asks to remember.
fn record_from(input: &Input<Bft>) -> Option<Record> {
    Some(match input {
        Input::Vote(vote) => Record::Vote(context::vote_into(vote)),
        Input::Proposal(proposal) => Record::Proposal(context::proposal_into(proposal)),
        Input::ProposedValue(value, _) => Record::Judged {
            round: value.round.as_u32()?,
            proposer: value.proposer.0,
            block: value.value.0.header.hash,
            valid: value.validity.is_valid(),
        },
        Input::PolkaCertificate(polka) => Record::Polka(certificates::polka_into(polka)),
        Input::TimeoutElapsed(timeout) => {
            let (step, round) = step_of(*timeout)?;
            Record::Timeout(step, round)
        }
        _ => return None,
    })
}

/// The input of a record, if its block is there.
pub(super) fn input_from(record: &Record, height: u64, blocks: &BTreeMap<B256, Arc<Block>>) -> Option<Input<Bft>> {
    Some(match record {
        Record::Vote(vote) => Input::Vote(context::vote_from(vote)),
        Record::Proposal(proposal) => {
            let block = blocks.get(&proposal.proposal.block)?;
            Input::Proposal(context::proposal_from(proposal, Arc::clone(block)))
        }
        Record::Judged {
            round,
            proposer,
            block,
            valid,
        } => {
            let value = ProposedValue {
                height: Height(height),
                round: Round::new(*round),
                valid_round: Round::Nil,
                proposer: Account(*proposer),
                value: Value(Arc::clone(blocks.get(block)?)),
                validity: Validity::from_bool(*valid),
            };
            Input::ProposedValue(value, ValueOrigin::Consensus)
        }
        Record::Polka(polka) => Input::PolkaCertificate(certificates::polka_from(polka)),
        Record::Timeout(step, round) => Input::TimeoutElapsed(timeout_of(*step, *round)),
    })
}

/// Double votes and double proposals as contracts judge them.
pub(super) fn evidence<'a>(
    votes: impl IntoIterator<Item = (&'a Account, &'a Vec<DoubleVote>)>,
    proposals: impl IntoIterator<Item = (&'a Account, &'a Vec<DoubleProposal>)>,
) -> Vec<Evidence> {
    let vote = |signed: &SignedMessage<Bft, context::Vote>| {
        (
            signed.message.subject(),
            Bytes::copy_from_slice(signed.signature.as_slice()),
        )
    };
    let proposal = |signed: &SignedMessage<Bft, context::Proposal>| {
        (
            signed.message.subject(),
            Bytes::copy_from_slice(signed.signature.as_slice()),
        )
    };
    let mut evidence = Vec::new();
    for (account, pairs) in votes {
        evidence.extend(pairs.iter().map(|(first, second)| Evidence::Votes {
            validator: account.0,
            first: vote(first),
            second: vote(second),
        }));
    }
    for (account, pairs) in proposals {
        evidence.extend(pairs.iter().map(|(first, second)| Evidence::Proposals {
            validator: account.0,
            first: proposal(first),
            second: proposal(second),
        }));
    }
    evidence
}

type DoubleVote = (SignedMessage<Bft, context::Vote>, SignedMessage<Bft, context::Vote>);
type DoubleProposal = (
    SignedMessage<Bft, context::Proposal>,
    SignedMessage<Bft, context::Proposal>,
);
