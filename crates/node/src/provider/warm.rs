//! The warm session of one job: opened when first needed, recycled when it grows, closed at the end.

use super::{
    files::JobFiles,
    queue::{Queue, Rendered},
};
use rayswarm_engines::{Engine, EngineError, RenderRequest, Session, SessionLimits, SessionRequest};
use rayswarm_model::{Bytes, RenderSettings};
use rayswarm_network::work::TaskGrant;
use std::{path::PathBuf, sync::Arc};

/// A session that holds more than this share of its limit is replaced before it is killed for it (FINDINGS: memory
/// grows over mixed settings).
const RECYCLE_PERCENT: u64 = 85;

/// One job's session, or the means to open it.
pub struct WarmSession {
    engine: Arc<dyn Engine>,
    files: JobFiles,
    settings: RenderSettings,
    limits: SessionLimits,
    scratch: PathBuf,
    play_from: Option<i32>,
    session: Option<Box<dyn Session>>,
}

impl WarmSession {
    /// Nothing is opened yet. `play_from` is set for scenes that must be played in order.
    pub fn new(
        engine: Arc<dyn Engine>,
        files: JobFiles,
        settings: RenderSettings,
        limits: SessionLimits,
        scratch: PathBuf,
        play_from: Option<i32>,
    ) -> Self {
        Self {
            engine,
            files,
            settings,
            limits,
            scratch,
            play_from,
            session: None,
        }
    }

    /// Renders one task in the warm session. After an error the session is gone and the next task opens another.
    pub async fn render(&mut self, grant: &TaskGrant, queue: &Queue) -> Result<Rendered, EngineError> {
        let mut session = self.take_session().await?;
        let request = RenderRequest {
            task: grant.task,
            padding: grant.padding,
            play_from: self.play_from,
        };
        let result = session
            .render(&request, &mut |permille| queue.progress(permille))
            .await?;
        if session.resident().0 < self.limits.memory.0 / 100 * RECYCLE_PERCENT {
            self.session = Some(session);
        } else {
            tracing::info!(resident = %session.resident(), "the session has grown and is replaced");
            session.close().await;
        }
        Ok(Rendered {
            grant: *grant,
            file: result.picture,
            rect: result.rect,
            cpu: result.cpu,
        })
    }

    /// Memory of the session now; zero when there is none.
    pub fn resident(&self) -> Bytes {
        self.session.as_ref().map_or(Bytes(0), |session| session.resident())
    }

    /// Ends the session.
    pub async fn close(mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }

    async fn take_session(&mut self) -> Result<Box<dyn Session>, EngineError> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let request = SessionRequest {
            scene: self.files.scene.clone(),
            files: self.files.visible.clone(),
            settings: self.settings.clone(),
            scratch: self.scratch.clone(),
            limits: self.limits.clone(),
        };
        self.engine.open(request).await
    }
}
