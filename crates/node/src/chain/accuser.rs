//! Reports who has signed what nobody may sign to the contract that keeps the validators.

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    sol,
    sol_types::SolCall,
};
use alloy_primitives::{Address, Bytes, TxKind};
use rayswarm_chain::{Chain, RecoveredTransaction};
use rayswarm_consensus::{Evidence, Proposal, Vote, VoteKind};
use rayswarm_model::signed::AccountKey;

use super::ledger::{Ledger, SubmitError, chained};

sol! {
    struct SignedVote { uint64 height; uint32 round; uint8 kind; bytes32 blockHash; }
    struct SignedProposal { uint64 height; uint32 round; int64 validRound; bytes32 blockHash; }
    function reportVotes(SignedVote a, bytes signatureA, SignedVote b, bytes signatureB) external;
    function reportProposals(SignedProposal a, bytes signatureA, SignedProposal b, bytes signatureB) external;
}

/// Gas of a report: two signatures, and the sets of validators of the window to look through.
const GAS: u64 = 2_000_000;

/// Who reports.
pub(crate) struct Accuser {
    key: AccountKey,
    contract: Address,
}

impl Accuser {
    /// Reports in the name of `key`, which the reward goes to.
    pub(crate) const fn new(key: AccountKey, contract: Address) -> Self {
        Self { key, contract }
    }

    /// Sends a report. A second one of the same thing reverts, and costs its sender little.
    ///
    /// # Errors
    /// Why it was not sent, in words.
    pub(crate) fn report(&self, ledger: &Ledger, evidence: &Evidence) -> Result<(), String> {
        let input = call_data(evidence);
        let sent = ledger.submit_with::<SubmitError>(|chain| Ok(self.transaction(chain, input)));
        sent.map(drop).map_err(|error| chained(&error))
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
