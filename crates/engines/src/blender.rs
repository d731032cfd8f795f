//! Blender with Cycles: warm sessions of one scene each, driven by the Python modules in `engines/blender`.
//!
//! | module | holds |
//! |---|---|
//! | [`start`] | the sandbox of a session and the text that starts it |
//! | [`wire`] | the messages of `docs/protocol/session.md` |
//! | [`speaker`] | the words in which a session refuses |
//! | [`session`] | the [`crate::engine::Session`] of a scene |
//! | [`gpu`] | the device nodes a session may use |
//! | [`inspect`] | inspecting in rounds, until no new file is named |
//! | [`references`] | which files of this machine a scene's references stand for |
//! | [`saved`] | which version saved a file, and which one opens it |

mod gpu;
mod inspect;
mod references;
pub(crate) mod saved;
mod session;
mod speaker;
mod start;
mod wire;

use crate::{
    engine::{Engine, InspectRequest, Session, SessionRequest},
    error::EngineError,
    store::{BlenderInstall, Store},
};
use async_trait::async_trait;
use rayswarm_model::SceneFacts;
use rayswarm_sandbox::Sandbox;

/// The adapter's name.
pub(crate) const NAME: &str = "blender";

/// One installed Blender.
#[derive(Clone, Debug)]
pub struct Blender {
    install: BlenderInstall,
    sandbox: Sandbox,
}

impl Blender {
    /// The adapter of one installation.
    pub fn new(install: BlenderInstall, sandbox: Sandbox) -> Self {
        Self { install, sandbox }
    }

    /// An adapter for every version in the store, newest first, and for the program on `PATH` if it is of a tested series.
    pub fn installed(store: &Store, sandbox: &Sandbox) -> Vec<Self> {
        store
            .usable()
            .into_iter()
            .map(|install| Self::new(install, sandbox.clone()))
            .collect()
    }
}

#[async_trait]
impl Engine for Blender {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> &str {
        &self.install.version
    }

    async fn inspect(&self, request: &InspectRequest) -> Result<SceneFacts, EngineError> {
        inspect::inspect(&self.install, &self.sandbox, request).await
    }

    async fn open(&self, request: SessionRequest) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(
            session::BlenderSession::open(&self.install, &self.sandbox, request).await?,
        ))
    }
}
