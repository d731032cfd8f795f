//! The requestor's own machine at work for its own job: finishing merged frames, and audits that no other provider can
//! do. Two warm sessions, opened when first needed: a finishing session changes the scene's node trees, an auditing one
//! must not.

use super::{
    assembly::{self, VerifiedPart},
    naming,
    record::JobRecord,
    refusal::chain,
};
use crate::{pixels, services::Services};
use rayswarm_api::Problem;
use rayswarm_engines::{Engine, EngineError, RenderRequest, Session, SessionPurpose, SessionRequest};
use rayswarm_model::{AttemptId, CpuTime, Plan, SceneFacts, TaskSpec, settings::OutputFormat};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Work for the studio.
pub enum Order {
    /// Merge and finish a frame.
    Finish {
        /// The frame.
        frame: i32,
        /// Its verified results.
        parts: Vec<VerifiedPart>,
    },
    /// Render an audit.
    Audit {
        /// The attempt.
        attempt: AttemptId,
        /// What to render.
        task: TaskSpec,
    },
    /// Encode the finished frames of the job.
    Film(Box<JobRecord>),
}

/// What the studio did.
pub enum Done {
    /// A frame's files are written.
    Finished {
        /// The frame.
        frame: i32,
        /// Its files, or why there are none.
        outcome: Result<Vec<PathBuf>, String>,
    },
    /// An audit is rendered.
    Audited {
        /// The attempt.
        attempt: AttemptId,
        /// The result file and its CPU time, or why there is none.
        outcome: Result<(PathBuf, CpuTime), String>,
    },
    /// The film is encoded, or why not.
    Filmed(Result<PathBuf, Problem>),
}

/// What the studio works on.
pub struct Studio {
    /// What all roles share.
    pub services: Arc<Services>,
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// The plan.
    pub plan: Arc<Plan>,
    /// The scene.
    pub facts: SceneFacts,
    /// The scene file.
    pub scene: PathBuf,
    /// The job's folder.
    pub folder: PathBuf,
    /// Where finished frames go.
    pub output: PathBuf,
    /// Where merged raw pictures go, if they are kept.
    pub raw_output: PathBuf,
    /// Their format.
    pub format: OutputFormat,
    /// Whether merged raw pictures are kept beside them.
    pub keep_raw: bool,
}

/// The two sessions.
#[derive(Default)]
struct Sessions {
    finishing: Option<Box<dyn Session>>,
    auditing: Option<Box<dyn Session>>,
}

/// A frame whose finishing aborts is tried so often again, each time in a fresh session.
const FINISHING_RETRIES: u32 = 2;
/// Orders waiting; more than frames finish at once.
const ORDERS_MAX: usize = 1 << 16;

impl Studio {
    /// Opens the studio; it closes when the sender is dropped.
    pub fn open(self, done: mpsc::Sender<Done>) -> mpsc::Sender<Order> {
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let (tracker, stop) = (self.services.tracker.clone(), self.services.stop.clone());
        tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.work(orders, done) => {}
            }
        });
        sender
    }

    async fn work(self, mut orders: mpsc::Receiver<Order>, done: mpsc::Sender<Done>) {
        let mut sessions = Sessions::default();
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match orders.recv().await {
                    Some(order) => waiting.push_back(order),
                    None => break,
                }
            }
            while let Ok(order) = orders.try_recv() {
                waiting.push_back(order);
            }
            // Audits hold payments up; frames do not.
            let next = waiting
                .iter()
                .position(|order| matches!(order, Order::Audit { .. }))
                .unwrap_or(0);
            let Some(order) = waiting.remove(next) else { continue };
            let outcome = match order {
                Order::Finish { frame, parts } => {
                    let outcome = self.finish(&mut sessions, frame, parts).await;
                    Done::Finished { frame, outcome }
                }
                Order::Audit { attempt, task } => {
                    let outcome = self
                        .audit(&mut sessions, attempt, task)
                        .await
                        .map_err(|error| chain(&error));
                    Done::Audited { attempt, outcome }
                }
                Order::Film(record) => Done::Filmed(assembly::film_of(&self.services, &record).await),
            };
            if done.send(outcome).await.is_err() {
                break;
            }
        }
        for session in [sessions.finishing, sessions.auditing].into_iter().flatten() {
            session.close().await;
        }
    }

    async fn finish(
        &self,
        sessions: &mut Sessions,
        frame: i32,
        parts: Vec<VerifiedPart>,
    ) -> Result<Vec<PathBuf>, String> {
        let merged = self.folder.join("merged").join(format!("{frame}.exr"));
        let stem = naming::frame_stem(&self.output, &self.facts, &self.scene, frame);
        make_parent(&merged)?;
        make_parent(&stem)?;
        let (plan, target) = (self.plan.clone(), merged.clone());
        let merging = tokio::task::spawn_blocking(move || assembly::merge(&plan, &parts, &target)).await;
        let outcome = match merging.map_err(assembly::AssemblyError::Stopped) {
            Ok(Ok(())) => self.finish_merged(sessions, frame, &merged, &stem).await,
            Ok(Err(error)) | Err(error) => Err(error),
        };
        let mut files = outcome.map_err(|error| assembly::reason(frame, &error))?;
        files.extend(self.put_away(&merged, frame)?);
        Ok(files)
    }

    async fn finish_merged(
        &self,
        sessions: &mut Sessions,
        frame: i32,
        merged: &Path,
        stem: &Path,
    ) -> Result<Vec<PathBuf>, assembly::AssemblyError> {
        let mut failures = 0;
        loop {
            let mut session = match sessions.finishing.take() {
                Some(session) => session,
                None => self.session(SessionPurpose::Finishing).await?,
            };
            match assembly::finish(session.as_mut(), frame, merged, stem, self.format).await {
                Ok(files) => {
                    sessions.finishing = self.unless_outgrown(session).await;
                    return Ok(files);
                }
                Err(error) if failures == FINISHING_RETRIES => return Err(error),
                Err(error) => {
                    failures += 1;
                    tracing::warn!(frame, error = %chain(&error), "a frame is finished again in a fresh session");
                    session.close().await;
                }
            }
        }
    }

    /// The session, or nothing when it has grown so far that the next frame could end it.
    async fn unless_outgrown(&self, session: Box<dyn Session>) -> Option<Box<dyn Session>> {
        if !self.services.local_limits().are_nearly_reached_by(session.resident()) {
            return Some(session);
        }
        session.close().await;
        None
    }

    /// The merged raw picture goes beside the finished one, or away.
    fn put_away(&self, merged: &Path, frame: i32) -> Result<Option<PathBuf>, String> {
        if !self.keep_raw {
            std::fs::remove_file(merged).map_err(|error| format!("{} cannot be removed: {error}", merged.display()))?;
            return Ok(None);
        }
        let raw = naming::raw_file(&self.raw_output, &self.facts, &self.scene, frame);
        make_parent(&raw)?;
        let copied = std::fs::rename(merged, &raw).or_else(|_| std::fs::copy(merged, &raw).map(drop));
        copied.map_err(|error| format!("{} cannot be written: {error}", raw.display()))?;
        Ok(Some(raw))
    }

    async fn audit(
        &self,
        sessions: &mut Sessions,
        attempt: AttemptId,
        task: TaskSpec,
    ) -> Result<(PathBuf, CpuTime), EngineError> {
        let mut session = match sessions.auditing.take() {
            Some(session) => session,
            None => self.session(SessionPurpose::Rendering).await?,
        };
        let play_from = self.plan.sequential.then_some(self.facts.frame_start);
        let request = RenderRequest {
            task,
            padding: self.plan.tile_padding,
            play_from,
        };
        let result = session.render(&request, &mut |_| {}).await?;
        sessions.auditing = self.unless_outgrown(session).await;
        let target = pixels::result_file(&self.folder, attempt);
        let moved = std::fs::rename(&result.picture, &target);
        moved.map_err(|source| EngineError::File {
            what: "moving an audit to",
            path: target.clone(),
            source,
        })?;
        Ok((target, result.cpu))
    }

    async fn session(&self, purpose: SessionPurpose) -> Result<Box<dyn Session>, EngineError> {
        let name = match purpose {
            SessionPurpose::Rendering => "auditing",
            SessionPurpose::Finishing => "finishing",
        };
        let scratch = self.folder.join("scratch").join(name);
        std::fs::create_dir_all(&scratch).map_err(|source| EngineError::File {
            what: "making",
            path: scratch.clone(),
            source,
        })?;
        let view = rayswarm_engines::layout::session_view(&self.scene, &self.facts);
        self.engine
            .open(SessionRequest {
                purpose,
                scene: view.scene,
                files: view.files,
                settings: self.plan.settings.clone(),
                scratch,
                limits: self.services.local_limits(),
            })
            .await
    }
}

fn make_parent(path: &Path) -> Result<(), String> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))
}
