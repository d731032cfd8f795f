//! A quarrel of one's own, as requestor or provider: drawn, told to the jurors, concluded, and its money fetched. Both parties
//! do all of it, so that either may be away.

use super::{
    LOOK_EVERY, QuarrelError,
    calendar::phase_at,
    statement::{ProvidersCase, RequestorsCase, Said, Statement},
};
use crate::{
    clock,
    journal::{Quarrel, QuarrelRole},
    requestor::{pack, plan_file, refusal::chain, rejections},
    rounds::Rounds,
    services::Services,
};
use rayswarm_model::{Address, B256, DisputeId, NodeId, canonical, signed::endpoint_account_text};
use rayswarm_network::{
    Network,
    juries::{Brief, BriefAnswer},
};
use rayswarm_settlement::{Dispute, Phase, Round, Seat, SettlementError};
use rayswarm_verifier::{AuditPolicy, claim::ClaimedResult};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// How soon a juror that has not committed is told again.
const TELL_AGAIN: Duration = Duration::from_secs(10);
/// How long telling one may take.
const TELLING_MAX: Duration = Duration::from_secs(20);

/// Looks after this node's quarrels in one role until the node stops.
pub async fn watch(services: Arc<Services>, role: QuarrelRole) {
    let mut party = Party {
        services: services.clone(),
        role,
        told: HashMap::new(),
        documents: HashMap::new(),
    };
    let mut rounds = Rounds::every(&services, LOOK_EVERY);
    while rounds.next().await {
        rounds.work(party.round()).await;
    }
}

struct Party {
    services: Arc<Services>,
    role: QuarrelRole,
    /// When a juror was last given this node's statement: it forgets it in a crash, so it is told again until it has committed.
    told: HashMap<(Seat, Address), Instant>,
    /// This node's signed statements.
    documents: HashMap<DisputeId, Vec<u8>>,
}

impl Party {
    async fn round(&mut self) {
        let court = self.services.court;
        let quarrels = match self.services.journal.quarrels(court, self.role) {
            Ok(quarrels) => quarrels,
            Err(error) => {
                tracing::error!(error = %chain(&error), "this node's quarrels cannot be read");
                return;
            }
        };
        for quarrel in quarrels {
            if let Err(error) = self.tend(&quarrel).await {
                tracing::debug!(dispute = %quarrel.dispute, error = %chain(&error), "a quarrel waits");
            }
        }
    }

    async fn tend(&mut self, quarrel: &Quarrel) -> Result<(), QuarrelError> {
        let settlement = self.services.settlement.clone();
        let id = quarrel.dispute;
        let Some(dispute) = settlement.dispute(id).await? else {
            // A reorganisation took the rejection out; it is sent again.
            return Ok(());
        };
        let Some(round) = settlement.round_of(id, dispute.round).await? else {
            return Ok(());
        };
        let rounds = settlement.committees().await?.len();
        match phase_at(&dispute, &round, rounds, clock::now()) {
            Phase::None | Phase::Revealing | Phase::Appealing => {}
            Phase::Drawing => self.draw(id).await?,
            Phase::Committing => self.tell_jurors(quarrel, &dispute, &round).await?,
            Phase::Due => {
                if let Some(mined) = settlement.conclude(id).await? {
                    tracing::info!(dispute = %id, tx = %mined.tx, "a quarrel was concluded");
                }
            }
            Phase::Concluded => self.end(quarrel, &dispute).await?,
        }
        Ok(())
    }

    /// Where nobody else makes blocks, those until the draw are made here.
    async fn draw(&self, id: DisputeId) -> Result<(), QuarrelError> {
        let settlement = &self.services.settlement;
        match settlement.draw_jurors(id).await {
            Ok(_) => Ok(()),
            Err(error @ SettlementError::DrawNotDue { .. }) => {
                settlement.nudge().await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives its statement to each juror that has neither got it nor committed.
    async fn tell_jurors(&mut self, quarrel: &Quarrel, dispute: &Dispute, round: &Round) -> Result<(), QuarrelError> {
        let settlement = self.services.settlement.clone();
        let seat = Seat {
            dispute: quarrel.dispute,
            round: dispute.round,
        };
        let mut waiting = Vec::new();
        for juror in settlement.jurors_of(seat, round.draw_block).await? {
            let ballot = settlement.ballot_of(seat.dispute, seat.round, juror).await?;
            let waits = ballot.is_some_and(|ballot| ballot.commitment.is_none());
            let told = self.told.get(&(seat, juror));
            if waits && told.is_none_or(|told| told.elapsed() >= TELL_AGAIN) {
                waiting.push(juror);
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let document = match self.documents.get(&quarrel.dispute) {
            Some(document) => document.clone(),
            None => {
                let document = self.document(quarrel, dispute).await?;
                self.documents.insert(quarrel.dispute, document.clone());
                document
            }
        };
        for juror in waiting {
            match self.tell(juror, quarrel, document.clone()).await {
                Ok(()) => {
                    self.told.insert((seat, juror), Instant::now());
                }
                Err(error) => {
                    tracing::debug!(dispute = %quarrel.dispute, %juror, error = %chain(&error), "a juror was not told");
                }
            }
        }
        Ok(())
    }

    async fn document(&self, quarrel: &Quarrel, dispute: &Dispute) -> Result<Vec<u8>, QuarrelError> {
        let services = &self.services;
        let said = match self.role {
            QuarrelRole::Requestor => Said::Requestor(Box::new(self.requestors_case(quarrel, dispute).await?)),
            QuarrelRole::Provider => Said::Provider(Box::new(self.providers_case(quarrel, dispute).await?)),
        };
        let statement = Statement {
            chain_id: services.settlement.chain_id(),
            disputes: services.settlement.disputes(),
            dispute: quarrel.dispute,
            node: services.network.node_id(),
            said,
        };
        Ok(canonical::encode(
            "statement",
            &statement.signed(&services.identity.account)?,
        )?)
    }

    async fn tell(&self, juror: Address, quarrel: &Quarrel, document: Vec<u8>) -> Result<(), QuarrelError> {
        let services = &self.services;
        let node = self.node_of(juror).await?;
        if self.role == QuarrelRole::Requestor {
            services.network.blobs().grant(node, quarrel.job);
        }
        let brief = Brief {
            dispute: quarrel.dispute.0,
            document,
        };
        let address = services.network.address_of(node);
        let telling = services.network.brief(&address, brief);
        // One that does not answer must not keep the others waiting.
        let Ok(answer) = tokio::time::timeout(TELLING_MAX, telling).await else {
            return Err(QuarrelError::Missing("a juror does not answer"));
        };
        match answer? {
            BriefAnswer::Taken => Ok(()),
            BriefAnswer::Refused { reason } => {
                tracing::warn!(dispute = %quarrel.dispute, %juror, reason, "a juror has no use for this node's statement");
                Err(QuarrelError::Missing("a juror refused the statement"))
            }
        }
    }

    /// The node of a juror, by the registry, if the node says so too.
    async fn node_of(&self, juror: Address) -> Result<NodeId, QuarrelError> {
        let settlement = &self.services.settlement;
        let row = settlement.provider(juror).await?;
        let row = row.ok_or(QuarrelError::Missing("a juror has left the registry"))?;
        let text = endpoint_account_text(settlement.chain_id(), settlement.contracts().registry, juror);
        if !Network::is_signed_by(row.node, &text, &row.endpoint_signature) {
            return Err(QuarrelError::Missing(
                "a juror's node does not say that it works for it",
            ));
        }
        Ok(row.node)
    }

    /// Plan, policy and evidence; and the scene, packed once more if the job is over here.
    async fn requestors_case(&self, quarrel: &Quarrel, dispute: &Dispute) -> Result<RequestorsCase, QuarrelError> {
        let services = &self.services;
        let record = services.journal.job(quarrel.job)?;
        let record = record.ok_or(QuarrelError::Missing("the job is not known here any more"))?;
        let plan = plan_file::read(services, quarrel.job);
        let plan = plan.ok_or(QuarrelError::Missing("the job's plan is gone"))?;
        let facts = record.facts.as_ref();
        let facts = facts.ok_or(QuarrelError::Missing("what is known of the scene is gone"))?;
        match pack::pack(services, quarrel.job, &record.request.scene, facts).await {
            Ok(packed) => {
                let paid_for = services.settlement.job(quarrel.job).await?.manifest_hash;
                if packed.hash != paid_for {
                    tracing::error!(job = %quarrel.job.short(), "the scene was changed since the job; no juror can judge by it");
                }
            }
            Err(error) => {
                tracing::error!(job = %quarrel.job.short(), error = %chain(&error), "the scene cannot be shown to jurors")
            }
        }
        let evidence = rejections::evidence_of(services, quarrel.job, dispute.evidence);
        Ok(RequestorsCase {
            plan: canonical::encode("plan", &plan)?,
            policy: AuditPolicy::default(),
            evidence: evidence.ok_or(QuarrelError::Missing("the evidence is gone"))?,
        })
    }

    async fn providers_case(&self, quarrel: &Quarrel, dispute: &Dispute) -> Result<ProvidersCase, QuarrelError> {
        let (journal, job) = (&self.services.journal, quarrel.job);
        let invite = journal.invite(job)?;
        let invite = invite.ok_or(QuarrelError::Missing("the job's invitation is gone"))?;
        let commitment = self.claimed_commitment(quarrel).await?;
        let results = journal.claimed(job, commitment)?;
        let results = results.ok_or(QuarrelError::Missing("what was claimed is gone"))?;
        let results: Vec<ClaimedResult> = canonical::decode("claim", &results)?;
        let named = results
            .iter()
            .find(|result| result.receipt.message.task == dispute.task);
        let cells = match named {
            Some(named) => journal.cells_of(job, named.receipt.message.attempt)?,
            None => None,
        };
        let cells = cells.map(|cells| canonical::decode("cells", &cells)).transpose()?;
        Ok(ProvidersCase {
            invite: canonical::decode("invitation", &invite)?,
            results,
            cells,
        })
    }

    async fn claimed_commitment(&self, quarrel: &Quarrel) -> Result<B256, QuarrelError> {
        let from = self
            .services
            .journal
            .worked_job(quarrel.job)?
            .map_or(0, |worked| worked.height);
        let filed = self.services.settlement.claims_filed(quarrel.job, from).await?;
        let filed = filed.get(&quarrel.provider);
        let filed = filed.ok_or(QuarrelError::Missing("the chain does not show the claim"))?;
        Ok(filed.commitment)
    }

    async fn end(&mut self, quarrel: &Quarrel, dispute: &Dispute) -> Result<(), QuarrelError> {
        let services = &self.services;
        if let Some(mined) = services.settlement.withdraw_credit().await? {
            tracing::info!(dispute = %quarrel.dispute, tx = %mined.tx, "fetched what a quarrel has brought");
        }
        tracing::info!(dispute = %quarrel.dispute, verdict = ?dispute.standing, "a quarrel is over");
        services
            .journal
            .end_quarrel(services.court, self.role, quarrel.dispute)?;
        self.told.retain(|(seat, _), _| seat.dispute != quarrel.dispute);
        self.documents.remove(&quarrel.dispute);
        if self.role == QuarrelRole::Requestor {
            let blobs = services.network.blobs();
            let over = services
                .journal
                .job(quarrel.job)?
                .is_none_or(|record| record.state.is_final());
            if over {
                blobs.revoke_all(quarrel.job);
                blobs.unpin(quarrel.job);
            }
        }
        Ok(())
    }
}
