//! Image models: ONNX networks that make a picture from a picture, run by this program itself.
//!
//! A scene is a recipe (`NAME.recipe.json`, [`rayswarm_models::recipe`]) that names a model and a picture. The session
//! is this very program in a sandbox, started as `rayswarm model-session`: a model is a stranger's file, and nothing of
//! it is read anywhere else.
//!
//! | module | holds |
//! |---|---|
//! | [`inspect`] | what a recipe is and needs |
//! | [`session`] | the [`crate::engine::Session`] of a recipe |
//! | [`start`] | the sandbox, and the first words |
//! | [`wire`] | what is said between the two processes |
//! | [`serve`](mod@serve) | the process inside the sandbox |
//! | [`shelf`] | the models that somebody has added |
//!
//! What was measured and decides how pictures are split: the last bits of a convolution depend on the size of what is
//! computed at once, so a result is always computed in the cells of one fixed grid (`rayswarm_models::tiling`).

mod inspect;
mod png;
mod scene;
mod serve;
mod session;
pub mod shelf;
mod start;
mod wire;

pub use rayswarm_models::{
    recipe::{Colours, Kind, Values},
    registry::Entry,
};
pub(crate) use scene::PROBE;
pub use serve::serve;
pub use wire::Examined;

use crate::{
    conversation::Speaker,
    engine::{Engine, InspectRequest, Session, SessionLimits, SessionRequest},
    error::EngineError,
};
use async_trait::async_trait;
use rayswarm_model::SceneFacts;
use rayswarm_sandbox::Sandbox;
use std::path::{Path, PathBuf};

/// The adapter's name.
pub(crate) const NAME: &str = "onnx";

/// The adapter's version: that of the library that runs networks, and this program's own revision of everything around
/// it that decides a bit of a result. It goes up whenever the grid, the halo, the thumbnail or the mixing changes.
pub const VERSION: &str = "0.23.9-1";

/// The ending of a recipe's file name.
pub use rayswarm_models::recipe::ENDING;

/// The argument that makes this program a session.
pub const SESSION_ARGUMENT: &str = "model-session";

/// The name of the program that knows [`SESSION_ARGUMENT`].
const PROGRAM: &str = "rayswarm";

/// Who speaks from a session, and the words in which it refuses.
const SPEAKER: Speaker = Speaker {
    engine: NAME,
    codes: &[
        "recipe",
        "model",
        "picture",
        "resolution",
        "slices",
        "not_open",
        "no_file",
    ],
};

/// The adapter.
#[derive(Clone, Debug)]
pub struct Onnx {
    program: PathBuf,
    sandbox: Sandbox,
}

impl Onnx {
    /// With the program that this process runs. `None` where that is another one, such as a test's, which would not
    /// know what a session is.
    pub fn detect(sandbox: &Sandbox) -> Option<Self> {
        let program = std::env::current_exe().ok()?;
        let is_ours = program.file_stem().is_some_and(|name| name == PROGRAM);
        is_ours.then(|| Self::with_program(program, sandbox))
    }

    /// With a program that becomes a session when it is given [`SESSION_ARGUMENT`].
    pub fn with_program(program: PathBuf, sandbox: &Sandbox) -> Self {
        Self {
            program,
            sandbox: sandbox.clone(),
        }
    }

    /// Reads a model in the sandbox and says what it is, or why it cannot be used.
    pub async fn examine(&self, model: &Path, limits: &SessionLimits) -> Result<Examined, EngineError> {
        inspect::examine(self, model, limits).await
    }
}

/// Whether a file is a recipe, by its name.
pub fn is_recipe(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase());
    name.is_some_and(|name| name.len() > ENDING.len() && name.ends_with(ENDING))
}

#[async_trait]
impl Engine for Onnx {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> &str {
        VERSION
    }

    async fn inspect(&self, request: &InspectRequest) -> Result<SceneFacts, EngineError> {
        inspect::inspect(self, request).await
    }

    async fn open(&self, request: SessionRequest) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(session::ModelSession::open(self, request).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_the_library() {
        let library = VERSION.split_once('-').map(|(library, _)| format!("tract {library}"));
        assert_eq!(library.as_deref(), Some(rayswarm_models::network::LIBRARY));
    }

    #[test]
    fn recipes_are_told_by_their_names() {
        for (name, expected) in [
            ("a/cat.recipe.json", true),
            ("CAT.Recipe.JSON", true),
            (".recipe.json", false),
            ("recipe.json", false),
            ("cat.json", false),
        ] {
            assert_eq!(is_recipe(Path::new(name)), expected, "{name}");
        }
    }
}
