//! The session of one recipe: a process that has read model and picture and computes tiles of the result.

use super::{
    NAME, Onnx,
    start::{FILE_SIZE_MAX, WORK, start},
    wire::Request,
};
use crate::{
    conversation::{Answer, Conversation},
    display,
    engine::{FinishRequest, ProgressSink, RawResult, RenderRequest, Session, SessionPurpose, SessionRequest},
    error::EngineError,
    work_folder::WorkFolder,
};
use async_trait::async_trait;
use rayswarm_model::{Bytes, Resolution, settings::Device};
use rayswarm_sandbox::claim_file;
use serde::de::IgnoredAny;
use std::path::PathBuf;

/// A session. Finishing needs no model, so what is opened for that has no process until a tile is asked for.
pub(super) struct ModelSession {
    engine: Onnx,
    request: SessionRequest,
    /// What the process may write to.
    work: WorkFolder,
    conversation: Option<Conversation>,
}

impl ModelSession {
    /// Starts the process and has everything read and measured.
    pub(super) async fn open(engine: &Onnx, request: SessionRequest) -> Result<Self, EngineError> {
        let work = WorkFolder::make(&request.scratch)?;
        let mut session = Self {
            engine: engine.clone(),
            request,
            work,
            conversation: None,
        };
        if session.request.purpose == SessionPurpose::Rendering {
            session.conversation().await?;
        }
        Ok(session)
    }

    async fn conversation(&mut self) -> Result<&mut Conversation, EngineError> {
        if self.conversation.is_none() {
            let SessionRequest {
                scene,
                files,
                settings,
                limits,
                ..
            } = &self.request;
            let mut conversation = start(&self.engine, files, Some(self.work.path()), limits).await?;
            let open = Request::Open {
                scene: scene.clone(),
                resolution: settings.resolution,
                threads: limits.threads.max(1),
            };
            let opened: Answer<IgnoredAny> = conversation.ask("open the recipe", &open, &mut |_| {}).await?;
            tracing::debug!(cpu_ms = opened.cpu.millis, scene, "recipe opened");
            self.conversation = Some(conversation);
        }
        self.conversation.as_mut().ok_or(EngineError::Failed {
            engine: NAME,
            what: "open the recipe".into(),
            message: "the session has ended".into(),
            log: String::new(),
        })
    }

    fn resolution(&self) -> Resolution {
        self.request.settings.resolution
    }
}

#[async_trait]
impl Session for ModelSession {
    async fn render(&mut self, request: &RenderRequest, progress: ProgressSink<'_>) -> Result<RawResult, EngineError> {
        let task = &request.task;
        if !task.slice.is_whole() {
            return Err(EngineError::Refused {
                code: "slices",
                message: "an image model has no samples to slice".into(),
                remedy: "render with --slices 1".into(),
            });
        }
        if !self.resolution().whole().contains(task.tile) {
            return Err(EngineError::Refused {
                code: "tile_outside",
                message: format!("tile {} does not lie in a picture of {}", task.tile, self.resolution()),
                remedy: "render with tiles of the picture's own size".into(),
            });
        }
        let rect = task.tile.padded(request.padding, self.resolution());
        let name = format!("task-{}.exr", task.id.0);
        let ask = Request::Render {
            rect,
            output: format!("{WORK}/{name}"),
        };
        let picture = self.request.scratch.join(&name);
        let conversation = self.conversation().await?;
        let answer: Answer<IgnoredAny> = conversation.ask("compute a tile", &ask, progress).await?;
        let peak_memory = conversation.peak_resident();
        claim_file(self.work.path(), &name, &picture, FILE_SIZE_MAX)?;
        Ok(RawResult {
            picture,
            rect,
            cpu: answer.cpu,
            peak_memory,
        })
    }

    async fn finish(&mut self, request: &FinishRequest) -> Result<Vec<PathBuf>, EngineError> {
        let FinishRequest {
            merged, output, format, ..
        } = request.clone();
        let finishing = tokio::task::spawn_blocking(move || display::finish(NAME, &merged, &output, format));
        let stopped = |error: tokio::task::JoinError| EngineError::Failed {
            engine: NAME,
            what: "finish a picture".into(),
            message: error.to_string(),
            log: String::new(),
        };
        Ok(vec![finishing.await.map_err(stopped)??])
    }

    fn resident(&self) -> Bytes {
        self.conversation.as_ref().map_or(Bytes(0), Conversation::resident)
    }

    fn device(&self) -> Device {
        Device::Cpu
    }

    async fn close(mut self: Box<Self>) {
        if let Some(conversation) = &mut self.conversation {
            conversation.end().await;
        }
    }
}
