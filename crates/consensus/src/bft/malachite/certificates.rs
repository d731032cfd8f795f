//! Certificates between our form and Malachite's, and their verification by Malachite.

use super::context::{self, Account, Bft, Height, Proposal, ValidatorSet, Vote};
use crate::{
    bft::{
        message::{Polka, RoundEnd, Signature},
        signatures::Signatures,
    },
    votes::VoteDomain,
};
use arc_malachitebft_core_types::{
    CertificateError, CommitCertificate, PolkaCertificate, PolkaSignature, Round, RoundCertificate,
    RoundCertificateType, RoundSignature, ThresholdParams, ValidatorProof, VoteExtensionScope,
};
use arc_malachitebft_signing::{Error, VerificationResult, VerifierExt as _};
use std::{
    pin::pin,
    task::{self, Poll, Waker},
};

/// Looks at signatures for one domain.
#[derive(Clone, Copy)]
pub(super) struct Verifier<'a> {
    pub domain: &'a VoteDomain,
    pub signatures: &'a Signatures,
}

type Checked = Result<(), CertificateError<Bft>>;

impl Verifier<'_> {
    pub fn commit(self, certificate: &CommitCertificate<Bft>, set: &ValidatorSet, limits: ThresholdParams) -> Checked {
        now(self.verify_commit_certificate(&Bft, certificate, set, limits))
    }

    pub fn polka(self, certificate: &PolkaCertificate<Bft>, set: &ValidatorSet, limits: ThresholdParams) -> Checked {
        now(self.verify_polka_certificate(&Bft, certificate, set, limits))
    }

    pub fn round_end(
        self,
        certificate: &RoundCertificate<Bft>,
        set: &ValidatorSet,
        limits: ThresholdParams,
    ) -> Checked {
        now(self.verify_round_certificate(&Bft, certificate, set, limits))
    }
}

/// The outcome of a verification: its futures wait for nothing.
fn now(verification: impl Future<Output = Checked>) -> Checked {
    match pin!(verification).poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(checked) => checked,
        Poll::Pending => Err(CertificateError::VerificationError(None)),
    }
}

#[async_trait::async_trait]
impl arc_malachitebft_signing::Verifier<Bft> for Verifier<'_> {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        account: &Account,
    ) -> Result<VerificationResult, Error> {
        let subject = vote.subject();
        let valid = self.signatures.is_signed(&subject, self.domain, signature, account.0);
        Ok(VerificationResult::from_bool(valid))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        account: &Account,
    ) -> Result<VerificationResult, Error> {
        let subject = proposal.subject();
        let valid = self.signatures.is_signed(&subject, self.domain, signature, account.0);
        Ok(VerificationResult::from_bool(valid))
    }

    async fn verify_signed_vote_extension(
        &self,
        _: &VoteExtensionScope<Bft>,
        _: &(),
        _: &Signature,
        _: &Account,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(&self, _: &ValidatorProof<Bft>) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }
}

pub(super) fn polka_from(polka: &Polka) -> PolkaCertificate<Bft> {
    let signatures = polka.signatures.iter();
    PolkaCertificate {
        height: Height(polka.height),
        round: Round::new(polka.round),
        value_id: polka.block,
        polka_signatures: signatures
            .map(|(account, signature)| PolkaSignature::new(Account(*account), *signature))
            .collect(),
    }
}

pub(super) fn polka_into(polka: &PolkaCertificate<Bft>) -> Polka {
    let signatures = polka.polka_signatures.iter();
    Polka {
        height: polka.height.0,
        round: polka.round.as_u32().unwrap_or_default(),
        block: polka.value_id,
        signatures: signatures.map(|signed| (signed.address.0, signed.signature)).collect(),
    }
}

pub(super) fn round_end_from(end: &RoundEnd) -> RoundCertificate<Bft> {
    let votes = end.votes.iter();
    RoundCertificate {
        height: Height(end.height),
        round: Round::new(end.round),
        cert_type: if end.is_over {
            RoundCertificateType::Precommit
        } else {
            RoundCertificateType::Skip
        },
        round_signatures: votes
            .map(|(kind, block, account, signature)| {
                let kind = context::type_of(*kind);
                RoundSignature::new(kind, context::value_of(*block), Account(*account), *signature)
            })
            .collect(),
    }
}

pub(super) fn round_end_into(end: &RoundCertificate<Bft>) -> RoundEnd {
    let votes = end.round_signatures.iter();
    RoundEnd {
        height: end.height.0,
        round: end.round.as_u32().unwrap_or_default(),
        is_over: end.cert_type == RoundCertificateType::Precommit,
        votes: votes
            .map(|signed| {
                let kind = context::kind_of(signed.vote_type);
                let block = context::block_of(&signed.value_id);
                (kind, block, signed.address.0, signed.signature)
            })
            .collect(),
    }
}
