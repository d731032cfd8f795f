//! Reports who has signed what nobody may sign to the contract that keeps the validators.

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    sol_types::SolCall,
};
use alloy_primitives::{Address, B256, Bytes, TxKind};
use rayswarm_chain::{CallRequest, Chain, RecoveredTransaction};
use rayswarm_consensus::{Evidence, Proposal, Vote, VoteKind};
use rayswarm_model::signed::AccountKey;
use rayswarm_settlement::validators::calls::{SignedProposal, SignedVote, reportProposalsCall, reportVotesCall};

use super::ledger::{Ledger, SubmitError, chained};

/// Gas of a report: two signatures, and the set of validators of their height to look into.
const GAS: u64 = 2_000_000;
/// Blocks after which a report that is not on the chain is sent again.
const AGAIN_AFTER: u64 = 8;
/// How often the contract may refuse evidence before it is let go: it was reported by somebody, or is too old.
const REFUSALS_MAX: u32 = 3;
/// Evidence that is kept at once.
const KEPT_MAX: usize = 64;

/// Who reports, and what is to be reported still.
pub(crate) struct Accuser {
    key: AccountKey,
    contract: Address,
    kept: Vec<Kept>,
}

/// Evidence that is not on the chain, as far as this node knows.
struct Kept {
    culprit: Address,
    /// Of which the contract takes one report.
    height: u64,
    input: Bytes,
    refusals: u32,
    /// The height at which it was looked at last, and the transaction that was sent then.
    tried: Option<(u64, Option<B256>)>,
}

impl Accuser {
    /// Reports in the name of `key`, which the reward goes to.
    pub(crate) const fn new(key: AccountKey, contract: Address) -> Self {
        Self {
            key,
            contract,
            kept: Vec::new(),
        }
    }

    /// Takes evidence, to be reported until it is on the chain or of no use, or this process ends.
    pub(crate) fn take(&mut self, evidence: &Evidence) {
        let (culprit, height) = (evidence.validator(), evidence.height());
        let is_known = self
            .kept
            .iter()
            .any(|kept| (kept.culprit, kept.height) == (culprit, height));
        if !is_known && self.kept.len() < KEPT_MAX {
            self.kept.push(Kept {
                culprit,
                height,
                input: call_data(evidence),
                refusals: 0,
                tried: None,
            });
        }
    }

    /// Sends a report of all that the contract would take now and that is not on its way.
    pub(crate) fn report(&mut self, ledger: &Ledger) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.retain_mut(|evidence| self.is_open(ledger, evidence));
        self.kept = kept;
    }

    /// Whether the evidence is to be kept.
    fn is_open(&self, ledger: &Ledger, evidence: &mut Kept) -> bool {
        let head = ledger.head().0;
        if let Some((height, sent)) = evidence.tried {
            let waits = sent.is_some_and(|hash| ledger.read().waiting(&hash).is_some());
            if waits || head < height.saturating_add(AGAIN_AFTER) {
                return true;
            }
        }
        evidence.tried = Some((head, None));
        let culprit = evidence.culprit;
        if let Err(refusal) = self.would_be_taken(ledger, evidence) {
            evidence.refusals += 1;
            tracing::debug!(%culprit, refusal, "the contract does not take the evidence");
            return evidence.refusals < REFUSALS_MAX;
        }
        let input = evidence.input.clone();
        match ledger.submit_with::<SubmitError>(|chain| Ok(self.transaction(chain, input))) {
            Ok(hash) => evidence.tried = Some((head, Some(hash))),
            Err(error) => {
                tracing::warn!(%culprit, error = chained(&error), "it was not reported; it is tried again");
            }
        }
        true
    }

    fn would_be_taken(&self, ledger: &Ledger, evidence: &Kept) -> Result<(), String> {
        let (_, head) = ledger.head();
        let snapshot = ledger.read().snapshot_of(&head).ok_or("the head has no state")?;
        let request = CallRequest {
            from: self.key.address(),
            to: TxKind::Call(self.contract),
            input: evidence.input.clone(),
            ..CallRequest::default()
        };
        snapshot.call(&request).map(drop).map_err(|error| error.to_string())
    }

    fn transaction(&self, chain: &Chain, input: Bytes) -> RecoveredTransaction {
        let sender = self.key.address();
        let transaction = TxEip1559 {
            chain_id: chain.genesis().chain_id,
            nonce: chain.pending_nonce(sender),
            gas_limit: GAS,
            max_fee_per_gas: u128::from(chain.next_base_fee()) * 2 + 1,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(self.contract),
            input,
            ..TxEip1559::default()
        };
        let signature = self.key.sign_digest(&transaction.signature_hash());
        RecoveredTransaction::new_unchecked(transaction.into_signed(signature).into(), sender)
    }
}

fn call_data(evidence: &Evidence) -> Bytes {
    match evidence {
        Evidence::Votes { first, second, .. } => reportVotesCall {
            a: vote(&first.0),
            signatureA: first.1.clone(),
            b: vote(&second.0),
            signatureB: second.1.clone(),
        }
        .abi_encode()
        .into(),
        Evidence::Proposals { first, second, .. } => reportProposalsCall {
            a: proposal(&first.0),
            signatureA: first.1.clone(),
            b: proposal(&second.0),
            signatureB: second.1.clone(),
        }
        .abi_encode()
        .into(),
    }
}

fn vote(vote: &Vote) -> SignedVote {
    SignedVote {
        height: vote.height,
        round: vote.round,
        kind: match vote.kind {
            VoteKind::Prevote => 0,
            VoteKind::Precommit => 1,
        },
        blockHash: vote.block,
    }
}

fn proposal(proposal: &Proposal) -> SignedProposal {
    SignedProposal {
        height: proposal.height,
        round: proposal.round,
        validRound: proposal.valid_round,
        blockHash: proposal.block,
    }
}
