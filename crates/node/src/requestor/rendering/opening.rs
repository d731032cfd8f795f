//! The start of the loop, and its start again after a crash: the farm as the journal left it, the stored results, the
//! studio, the invitation.

use super::{Background, Film, Rendering, replay::Replayed};
use crate::{
    requestor::{
        checking, inherit, inviting,
        job::Job,
        record::JobRecord,
        refusal::{bad_input, chain, failed},
        studio::{Done, Studio},
    },
    services::Services,
    traces::jobs::AttemptTraces,
};
use rayswarm_api::Problem;
use rayswarm_model::{
    AttemptId, BlobId, JobId, Plan, SceneFacts, canonical, settings::OutputFormat, signed::SignedReceipt,
};
use rayswarm_network::{NetworkError, work::JobInvite};
use rayswarm_scheduler::{AttemptState, Event};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::mpsc;

impl<'j> Rendering<'j> {
    /// Rebuilds the farm, finds the stored results again, opens the studio.
    pub(super) async fn begin(
        job: &'j mut Job,
        plan: Arc<Plan>,
        background: mpsc::Sender<Background>,
        done: mpsc::Sender<Done>,
    ) -> Result<Self, Problem> {
        let services = job.services.clone();
        let record = &job.record;
        let replayed = Replayed::of(&services, record, &plan).map_err(|error| failed("journal", chain(&error)))?;
        let facts = record
            .facts
            .clone()
            .ok_or_else(|| failed("journal", "the journal has lost the scene's facts"))?;
        let engine = services
            .engines
            .exact(&plan.engine, &plan.engine_version)
            .ok_or_else(|| {
                failed(
                    "no_engine",
                    format!("{} {} is no longer installed here", plan.engine, plan.engine_version),
                )
            })?;
        let plan_blob = publish(&services, record.id, &plan).await?;
        let invite = invitation(&services, record, (&plan, plan_blob), &facts)?;
        let folder = job.folder();
        std::fs::create_dir_all(folder.join("results")).map_err(|error| failed("disk", chain(&error)))?;
        let format = record.format.unwrap_or(OutputFormat::Png);
        let film_frames = format.is_film().then(|| inherit::film_frames(&services, record.id));
        let studio = Studio {
            services: services.clone(),
            engine,
            plan: plan.clone(),
            scene: record.request.scene.clone(),
            folder,
            output: film_frames.unwrap_or_else(|| record.request.output.clone()),
            raw_output: record.request.output.clone(),
            format,
            keep_raw: record.request.settings.keep_raw,
            facts: facts.clone(),
        };
        let cap = record.policy.price_cap;
        let needs = inviting::needs(
            &plan.engine,
            &plan.engine_version,
            &facts,
            record.request.settings.device,
            cap,
        );
        let mut rendering = Self {
            services,
            plan,
            needs,
            invite,
            traced: AttemptTraces::of(&replayed.farm),
            farm: replayed.farm,
            sequence: replayed.sequence,
            ledger: replayed.ledger,
            offers: HashMap::new(),
            links: HashMap::new(),
            inviting: HashSet::new(),
            refusals: HashMap::new(),
            excluded: HashSet::new(),
            held_pulls: HashMap::new(),
            commits: HashMap::new(),
            receipts: HashMap::new(),
            signs: Default::default(),
            channels: checking::known_channels(&job.folder()),
            stored: HashSet::new(),
            unstored_in_row: 0,
            frames_ordered: job.record.frames_finished.iter().copied().collect(),
            auditing: HashSet::new(),
            studio: studio.open(done),
            background,
            cancelled: false,
            deadline_told: false,
            film: if format.is_film() { Film::Wanted } else { Film::None },
            epochs: Default::default(),
            alone_since: None,
            end: None,
            job,
        };
        rendering.job.show_plan(&rendering.plan);
        rendering.recover()?;
        Ok(rendering)
    }

    /// After a restart: results on disk count, connections do not.
    fn recover(&mut self) -> Result<(), Problem> {
        let results = self
            .services
            .journal
            .results(self.job.record.id)
            .map_err(|error| failed("journal", chain(&error)))?;
        for result in results {
            if let Ok(receipt) = canonical::decode::<SignedReceipt>("receipt", &result.receipt) {
                self.receipts.insert(result.attempt, receipt);
            }
            self.stored.insert(result.attempt);
        }
        if self.sequence > 0 {
            self.job.say("going on where the job was left");
            self.apply(Event::RequestorRestarted);
            self.deliver_what_is_here();
        }
        self.recall_caps();
        self.join_own_auditor();
        let frames: Vec<i32> = self.plan.frames.as_slice().to_vec();
        for frame in frames {
            self.order_frame_if_complete(frame);
        }
        Ok(())
    }
}

impl Rendering<'_> {
    /// Results that were stored in the last moment before a kill: the farm has not heard of them.
    fn deliver_what_is_here(&mut self) {
        let waiting = |attempt: &AttemptId| {
            let state = self.farm.attempt(*attempt).map(|attempt| attempt.state);
            state.is_some_and(|state| state == AttemptState::Committed || state.is_given_up())
        };
        let unheard: Vec<AttemptId> = self.stored.iter().copied().filter(waiting).collect();
        for attempt in unheard {
            if let Some(node) = self.ledger.granted.get(&attempt).map(|granted| granted.node) {
                self.apply(Event::Delivered { node, attempt });
            }
        }
    }
}

/// Providers fetch the plan and hold what they are granted against it. Gives its blob and its length.
async fn publish(services: &Services, job: JobId, plan: &Plan) -> Result<(BlobId, u64), Problem> {
    let blobs = services.network.blobs();
    let bytes = canonical::encode("plan", plan).map_err(|error| failed("plan_not_stored", chain(&error)))?;
    let length = bytes.len() as u64;
    let stored = async {
        let blob = blobs.import_bytes(job, bytes).await?;
        blobs.keep(job).await?;
        Ok::<_, NetworkError>((blob, length))
    };
    stored.await.map_err(|error| failed("plan_not_stored", chain(&error)))
}

/// The invitation, but for the price, which is each provider's own, and so for the signature.
fn invitation(
    services: &Services,
    record: &JobRecord,
    (plan, (plan_blob, plan_bytes)): (&Plan, (BlobId, u64)),
    facts: &SceneFacts,
) -> Result<JobInvite, Problem> {
    let manifest = record
        .manifest
        .ok_or_else(|| bad_input("not_packed", "the job was not packed; submit it again"))?;
    Ok(JobInvite {
        job: record.id,
        requestor: services.identity.account.address(),
        chain_id: services.domain.chain_id,
        escrow: services.domain.escrow,
        manifest: manifest.blob,
        manifest_bytes: manifest.bytes,
        plan: plan_blob,
        plan_bytes,
        engine: plan.engine.clone(),
        engine_version: plan.engine_version.clone(),
        settings: plan.settings.clone(),
        play_from: plan.sequential.then_some(facts.frame_start),
        memory: facts.memory_estimate,
        price: Default::default(),
        deadline: record.deadline_at,
        signature: Vec::new(),
    })
}
