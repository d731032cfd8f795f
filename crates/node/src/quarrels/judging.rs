//! A juror's verdict: documents first, then a crop of the named task, rendered here.

use super::{
    QuarrelError,
    statement::{ProvidersCase, RequestorsCase},
};
use crate::{
    pixels::{self, PixelsError},
    provider::files::{self, FilesError},
    requestor::refusal::chain,
    services::Services,
};
use rayswarm_engines::{EngineError, RenderRequest, SessionLimits, SessionPurpose, SessionRequest};
use rayswarm_imaging::{Picture, PixelCommitment};
use rayswarm_model::{B256, Plan, Rect, TaskSpec, canonical, keccak256, signed::Verdict};
use rayswarm_network::PeerAddr;
use rayswarm_settlement::{Committee, Dispute, FiledClaim, Job, Seat};
use rayswarm_verifier::claim::{Claim, ClaimedResult, Flaw, crop_to_render, examine, weigh};
use std::{path::Path, sync::Arc};

/// A claim is rejected within a week at most, and blocks come once in a second or less often.
const CLAIMED_WITHIN_BLOCKS: u64 = 7 * 24 * 3_600;

/// What the parties of a dispute have said.
#[derive(Clone, Default)]
pub struct Statements {
    /// The requestor, and where its scene can be fetched.
    pub requestor: Option<(PeerAddr, Arc<RequestorsCase>)>,
    /// The provider.
    pub provider: Option<Arc<ProvidersCase>>,
}

/// A verdict and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// Commitment of what was rendered; zero where nothing was.
    pub crop_hash: B256,
    /// Why, in words.
    pub why: String,
}

/// No verdict could be found yet.
#[derive(Debug, thiserror::Error)]
pub enum JudgingError {
    /// Something else is in the way.
    #[error(transparent)]
    Quarrel(#[from] QuarrelError),
    /// The scene could not be fetched.
    #[error("the scene could not be had from the requestor")]
    Files(#[source] FilesError),
    /// The renderer is not here.
    #[error("{0} is not installed here")]
    NoEngine(String),
    /// The crop could not be rendered.
    #[error("the crop could not be rendered")]
    Engine(#[from] EngineError),
    /// What was rendered could not be read.
    #[error("what was rendered could not be read")]
    Pixels(#[from] PixelsError),
    /// This machine's disk.
    #[error("the juror's folder cannot be used")]
    Disk(#[from] std::io::Error),
    /// The claim is not among the chain's events.
    #[error("the chain does not show the claim")]
    NoClaim,
}

impl Judged {
    fn good(why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Good,
            crop_hash: B256::ZERO,
            why: why.into(),
        }
    }

    fn bad(flaw: &Flaw) -> Self {
        Self {
            verdict: Verdict::Bad,
            crop_hash: B256::ZERO,
            why: flaw.to_string(),
        }
    }

    /// The requestor did not give its scene.
    pub fn without_scene(why: &str) -> Self {
        Self::good(format!("the requestor did not give its scene: {why}"))
    }
}

/// What the documents say, before anything is rendered.
enum Documents<'a> {
    Decide(Judged),
    Render {
        plan: Plan,
        named: &'a ClaimedResult,
        crop: Rect,
    },
}

/// Judges the claim of a dispute by what was said. A rejection is for the requestor to prove, and a claim for the provider.
pub async fn judge(
    services: &Services,
    limits: &SessionLimits,
    seat: Seat,
    dispute: &Dispute,
    committee: &Committee,
    statements: &Statements,
) -> Result<Judged, JudgingError> {
    let Some((scene_at, requestor)) = &statements.requestor else {
        return Ok(Judged::good("the requestor said nothing"));
    };
    let Some(provider) = &statements.provider else {
        return Ok(Judged {
            verdict: Verdict::Bad,
            crop_hash: B256::ZERO,
            why: "the provider said nothing".into(),
        });
    };
    let job = services.settlement.job(dispute.job).await.map_err(QuarrelError::from)?;
    let filed = claim_of(services, seat, dispute).await?;
    let weighing = Weighing {
        services,
        dispute,
        job: &job,
        filed,
    };
    let (plan, named, crop) = match weighing.documents(committee, requestor, provider) {
        Documents::Decide(judged) => return Ok(judged),
        Documents::Render { plan, named, crop } => (plan, named, crop),
    };
    let folder = services
        .folder("juries")
        .join(format!("{}-{}", seat.dispute, seat.round));
    let chamber = Chamber {
        services,
        limits,
        plan: &plan,
        provider,
        scene_at,
        paid_for: job.manifest_hash,
        folder: &folder,
    };
    let judged = chamber.render_and_weigh(named, crop).await;
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await {
        tracing::debug!(folder = %folder.display(), %error, "nothing to remove");
    }
    if services
        .journal
        .worked_job(dispute.job)
        .is_ok_and(|worked| worked.is_none())
    {
        services.network.blobs().unpin(dispute.job);
    }
    judged
}

/// What the claim says on the chain.
async fn claim_of(services: &Services, seat: Seat, dispute: &Dispute) -> Result<FiledClaim, JudgingError> {
    let settlement = &services.settlement;
    let first = settlement.round_of(seat.dispute, 0).await.map_err(QuarrelError::from)?;
    let from = first.map_or(0, |round| round.draw_block.saturating_sub(CLAIMED_WITHIN_BLOCKS));
    let filed = settlement.claims_filed(dispute.job, from).await;
    let filed = filed.map_err(QuarrelError::from)?;
    filed.get(&dispute.provider).copied().ok_or(JudgingError::NoClaim)
}

struct Weighing<'a> {
    services: &'a Services,
    dispute: &'a Dispute,
    job: &'a Job,
    filed: FiledClaim,
}

impl Weighing<'_> {
    fn documents<'b>(
        &self,
        committee: &Committee,
        requestor: &RequestorsCase,
        provider: &'b ProvidersCase,
    ) -> Documents<'b> {
        let policy_hash = canonical::document_hash("verification policy", &requestor.policy);
        let is_paid_for = keccak256(&requestor.plan) == self.job.plan_hash
            && policy_hash.is_ok_and(|hash| hash == self.job.policy_hash)
            && keccak256(&requestor.evidence) == self.dispute.evidence;
        let plan = canonical::decode::<Plan>("plan", &requestor.plan)
            .ok()
            .filter(|_| is_paid_for);
        let Some(plan) = plan else {
            let why = "what the requestor gave is not what the chain has the hashes of";
            return Documents::Decide(Judged::good(why));
        };
        let invite = &provider.invite;
        let is_invited =
            invite.job == self.dispute.job && invite.requestor == self.dispute.requestor && invite.is_signed();
        if !is_invited {
            return Documents::Decide(Judged {
                verdict: Verdict::Bad,
                crop_hash: B256::ZERO,
                why: "the provider shows no invitation of this requestor to this job".into(),
            });
        }
        let claim = Claim {
            job: self.dispute.job,
            plan: &plan,
            provider: self.dispute.provider,
            price: invite.price,
            cumulative: self.filed.cumulative,
            commitment: self.filed.commitment,
            domain: &self.services.domain,
        };
        let named = match examine(&claim, &provider.results, self.dispute.task) {
            Ok(Some(named)) => named,
            Ok(None) => {
                return Documents::Decide(Judged::good(
                    "the claim does not count the task that the rejection names",
                ));
            }
            Err(flaw) => return Documents::Decide(Judged::bad(&flaw)),
        };
        let cells = provider.cells.as_ref();
        let crop = cells.map(|cells| crop_to_render(&requestor.policy, committee.crop_seed, named, cells));
        match crop {
            Some(Ok(crop)) => Documents::Render { plan, named, crop },
            Some(Err(flaw)) => Documents::Decide(Judged::bad(&flaw)),
            None => Documents::Decide(Judged::bad(&Flaw::Cells(self.dispute.task))),
        }
    }
}

/// Where a juror renders.
struct Chamber<'a> {
    services: &'a Services,
    limits: &'a SessionLimits,
    plan: &'a Plan,
    provider: &'a ProvidersCase,
    scene_at: &'a PeerAddr,
    paid_for: B256,
    folder: &'a Path,
}

impl Chamber<'_> {
    async fn render_and_weigh(&self, named: &ClaimedResult, crop: Rect) -> Result<Judged, JudgingError> {
        let Some(cells) = &self.provider.cells else {
            return Ok(Judged::bad(&Flaw::Cells(named.receipt.message.task)));
        };
        let again = self.render(named, crop).await?;
        let crop_hash = PixelCommitment::of(&again).0;
        let Err(flaw) = weigh(named, cells, crop, &again) else {
            return Ok(Judged {
                crop_hash,
                ..Judged::good("the crop rendered again is the same bit for bit")
            });
        };
        // A scene that gives other bits each time proves nothing.
        let once_more = self.render(named, crop).await?;
        if PixelCommitment::of(&once_more).0 != crop_hash {
            return Ok(Judged {
                crop_hash,
                ..Judged::good("the scene does not give the same bits twice")
            });
        }
        Ok(Judged {
            crop_hash,
            ..Judged::bad(&flaw)
        })
    }

    /// Renders in a session of its own, as a provider of the job does.
    async fn render(&self, named: &ClaimedResult, crop: Rect) -> Result<Picture, JudgingError> {
        let (services, plan, invite) = (self.services, self.plan, &self.provider.invite);
        let engine = services.engines.exact(&plan.engine, &plan.engine_version);
        let engine =
            engine.ok_or_else(|| JudgingError::NoEngine(format!("{} {}", plan.engine, plan.engine_version)))?;
        let task = plan.task(named.receipt.message.task);
        let Some(task) = task else {
            return Err(JudgingError::NoClaim);
        };
        let fetched = files::fetch(
            services,
            self.scene_at,
            invite,
            self.paid_for,
            &self.folder.join("files"),
        )
        .await;
        let fetched = fetched.map_err(JudgingError::Files)?;
        let scratch = self.folder.join("scratch");
        tokio::fs::create_dir_all(&scratch).await?;
        let mut session = engine
            .open(SessionRequest {
                purpose: SessionPurpose::Rendering,
                scene: fetched.scene,
                files: fetched.visible,
                settings: plan.settings.clone(),
                scratch,
                limits: self.limits.clone(),
            })
            .await?;
        let request = RenderRequest {
            task: TaskSpec { tile: crop, ..*task },
            padding: plan.tile_padding,
            play_from: invite.play_from.filter(|_| plan.sequential),
        };
        let rendered = session.render(&request, &mut |_| {}).await;
        session.close().await;
        let result = rendered?;
        let (file, held) = (result.picture, result.rect);
        let reading = tokio::task::spawn_blocking(move || pixels::read_tile(&file, held, crop));
        let picture = reading.await.map_err(|error| std::io::Error::other(chain(&error)))?;
        Ok(picture?)
    }
}
