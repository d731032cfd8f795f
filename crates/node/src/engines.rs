//! The renderers of this machine: which there are, and which one a scene needs.

use rayswarm_engines::{
    Blender, Engine, EngineError, Onnx, PovRay, Sandbox, SandboxError, Store, choice::engine_for, onnx::is_recipe,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

/// Installed engines and the sandbox they run in.
pub struct Engines {
    store: Store,
    sandbox: Result<Sandbox, SandboxError>,
    installed: RwLock<Vec<Arc<dyn Engine>>>,
    measuring: Turns,
}

/// Whose turn it is to measure an engine on a device. Both roles of a node ask for the same at a first start.
#[derive(Default)]
pub struct Turns(Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// The turn at what is kept in `file`. One per installed engine and device, so none is ever removed.
    pub fn at(&self, file: &Path) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(file.to_owned()).or_default().clone()
    }
}

/// No engine for a scene.
#[derive(Debug, thiserror::Error)]
pub enum NoEngine {
    /// Not a kind of scene that any adapter reads.
    #[error("{file} is not a scene that can be rendered; give a .blend, .pov or .recipe.json file")]
    UnknownKind {
        /// The file.
        file: String,
    },
    /// The adapter's program is not here.
    #[error("{engine} is not installed; run: {remedy}")]
    NotInstalled {
        /// Which.
        engine: &'static str,
        /// The command that mends it.
        remedy: &'static str,
    },
    /// Scenes cannot be opened safely here.
    #[error("scenes cannot be opened safely on this machine: {0}")]
    NoSandbox(String),
}

impl Engines {
    /// Looks for engines on this machine.
    pub fn detect() -> Result<Self, EngineError> {
        let engines = Self {
            store: Store::open_default()?,
            sandbox: Sandbox::detect(),
            installed: RwLock::default(),
            measuring: Turns::default(),
        };
        engines.refresh();
        Ok(engines)
    }

    /// The engine store.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Whose turn it is to measure.
    pub const fn measuring(&self) -> &Turns {
        &self.measuring
    }

    /// Why engines cannot be run here, if they cannot.
    pub fn sandbox(&self) -> Result<&Sandbox, &SandboxError> {
        self.sandbox.as_ref()
    }

    /// Looks again, after an installation.
    pub fn refresh(&self) {
        let Ok(sandbox) = &self.sandbox else { return };
        let blender = Blender::installed(&self.store, sandbox)
            .into_iter()
            .map(|engine| Arc::new(engine) as Arc<dyn Engine>);
        let povray = PovRay::detect(sandbox).map(|engine| Arc::new(engine) as Arc<dyn Engine>);
        let onnx = Onnx::detect(sandbox).map(|engine| Arc::new(engine) as Arc<dyn Engine>);
        *self.installed.write().unwrap_or_else(PoisonError::into_inner) = blender.chain(povray).chain(onnx).collect();
    }

    /// Everything installed, the newest version of each first.
    pub fn installed(&self) -> Vec<Arc<dyn Engine>> {
        self.installed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An engine of exactly this name and version.
    pub fn exact(&self, name: &str, version: &str) -> Option<Arc<dyn Engine>> {
        self.installed()
            .into_iter()
            .find(|engine| engine.name() == name && engine.version() == version)
    }

    /// The engine that opens `scene`, chosen by the kind of file and by who saved it.
    pub fn for_scene(&self, scene: &Path) -> Result<Arc<dyn Engine>, NoEngine> {
        let extension = scene
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase());
        let (engine, remedy) = match extension.as_deref() {
            _ if is_recipe(scene) => (
                "onnx",
                "rayswarm up (image models run in the program `rayswarm` itself)",
            ),
            Some("blend") => ("blender", "rayswarm engines install blender"),
            Some("pov" | "ini") => ("povray", "apt-get install povray povray-includes"),
            _ => {
                return Err(NoEngine::UnknownKind {
                    file: scene.display().to_string(),
                });
            }
        };
        if let Err(error) = &self.sandbox {
            return Err(NoEngine::NoSandbox(error.to_string()));
        }
        engine_for(&self.installed(), engine, scene).ok_or(NoEngine::NotInstalled { engine, remedy })
    }
}
