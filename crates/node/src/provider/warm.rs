//! The warm session of one job: opened when first needed, recycled when it grows, closed at the end.

use super::{
    files::JobFiles,
    pace::{OPEN_TIME_MAX, Pace, Start},
    queue::{Queue, Rendered},
};
use rayswarm_engines::{Engine, EngineError, RenderRequest, Session, SessionLimits, SessionPurpose, SessionRequest};
use rayswarm_model::{Bytes, FailureKind, RenderSettings};
use rayswarm_network::work::TaskGrant;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// One job's session, or the means to open it.
pub struct WarmSession {
    request: WarmRequest,
    session: Option<Box<dyn Session>>,
}

/// A task gave no result.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// The engine says why.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It takes many times what its estimate gives.
    #[error(
        "the task was not finished in {} s, many times what its estimate gives on this machine, and was stopped",
        limit.as_secs()
    )]
    TooLong {
        /// What it was given.
        limit: Duration,
    },
    /// The scene does not open.
    #[error("the scene was not opened in {} s, and opening it was stopped", limit.as_secs())]
    NotOpened {
        /// What it was given.
        limit: Duration,
    },
    /// The requestor took it back and too much of it was left.
    #[error("the task was taken back and would have gone on for long")]
    TakenBack,
}

impl TaskError {
    /// What follows from it for the task.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::TooLong { .. } | Self::NotOpened { .. } | Self::TakenBack => FailureKind::Transient,
        }
    }
}

/// What a job's sessions are opened with.
pub struct WarmRequest {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// The job's files.
    pub files: JobFiles,
    /// Its settings.
    pub settings: RenderSettings,
    /// Limits of each process.
    pub limits: SessionLimits,
    /// How fast this machine is.
    pub pace: Pace,
    /// A folder for results.
    pub scratch: PathBuf,
    /// The frame to play from, for scenes that must be played in order.
    pub play_from: Option<i32>,
}

impl WarmSession {
    /// Nothing is opened yet.
    pub const fn new(request: WarmRequest) -> Self {
        Self { request, session: None }
    }

    /// Renders one task in the warm session. After an error the session is gone and the next task opens another.
    pub async fn render(&mut self, grant: &TaskGrant, queue: &Queue) -> Result<Rendered, TaskError> {
        let start = match (&self.session, self.request.play_from) {
            (Some(_), _) => Start::Warm,
            (None, None) => Start::Cold,
            (None, Some(_)) => Start::ColdAndPlayed,
        };
        let mut session = self.take_session().await?;
        let request = RenderRequest {
            task: grant.task,
            padding: grant.padding,
            play_from: self.request.play_from,
        };
        let limit = self.request.pace.task_time_max(grant.task.work, start);
        let mut progress = |permille| queue.progress(permille);
        let result = bounded(session.render(&request, &mut progress), limit, queue).await?;
        if self.request.limits.are_nearly_reached_by(session.resident()) {
            tracing::info!(resident = %session.resident(), "the session has grown and is replaced");
            session.close().await;
        } else {
            self.session = Some(session);
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

    async fn take_session(&mut self) -> Result<Box<dyn Session>, TaskError> {
        if let Some(session) = self.session.take() {
            return Ok(session);
        }
        let request = &self.request;
        let opening = request.engine.open(SessionRequest {
            purpose: SessionPurpose::Rendering,
            scene: request.files.scene.clone(),
            files: request.files.visible.clone(),
            settings: request.settings.clone(),
            scratch: request.scratch.clone(),
            limits: request.limits.clone(),
        });
        match tokio::time::timeout(OPEN_TIME_MAX, opening).await {
            Ok(opened) => Ok(opened?),
            Err(_) => Err(TaskError::NotOpened { limit: OPEN_TIME_MAX }),
        }
    }
}

/// Renders until it is done, takes too long or is no longer worth it. A rendering that is dropped takes its process along.
async fn bounded<T>(
    rendering: impl Future<Output = Result<T, EngineError>>,
    limit: Duration,
    queue: &Queue,
) -> Result<T, TaskError> {
    tokio::select! {
        result = rendering => Ok(result?),
        () = tokio::time::sleep(limit) => Err(TaskError::TooLong { limit }),
        () = queue.rest_not_worth_it() => Err(TaskError::TakenBack),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_rendering_without_end_is_ended() {
        let queue = Queue::default();
        let long = Duration::from_secs(3_600);
        assert!(matches!(bounded(ready(Ok(7)), long, &queue).await, Ok(7)));
        let limit = Duration::ZERO;
        let ended = bounded(pending::<Result<(), _>>(), limit, &queue).await;
        assert!(
            matches!(&ended, Err(TaskError::TooLong { limit: Duration::ZERO })),
            "{ended:?}"
        );
        assert_eq!(ended.map_err(|error| error.kind()), Err(FailureKind::Transient));
    }
}
