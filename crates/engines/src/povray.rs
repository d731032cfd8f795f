//! POV-Ray 3.7, as Debian packages it.
//!
//! A session starts one small process per task (20 MB, a few milliseconds until it parses), so nothing need be kept warm.
//! What was measured and decides how scenes are split:
//!
//! | scene | crops equal the whole | the whole repeats |
//! |---|---|---|
//! | no antialiasing | yes, any thread count | yes |
//! | antialiasing | no (0.3 to 1 % of pixels) | yes |
//! | radiosity, photons | no | on one thread only |

mod command;
mod frames;
mod inspect;
mod output;
mod references;
mod run;
mod session;
mod settings;
mod source;

use crate::{
    engine::{Engine, InspectRequest, Session, SessionRequest},
    error::EngineError,
    store::{SystemProgram, find_program, program_version},
};
use async_trait::async_trait;
use rayswarm_model::SceneFacts;
use rayswarm_sandbox::Sandbox;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The adapter's name, in plans and in errors.
pub(crate) const NAME: &str = "povray";

/// The adapter for the POV-Ray on this machine.
#[derive(Clone, Debug)]
pub struct PovRay {
    program: SystemProgram,
    /// Folders of POV-Ray's own include files, fonts and maps.
    library: Vec<PathBuf>,
    sandbox: Sandbox,
}

impl PovRay {
    /// The POV-Ray on `PATH`, if it is a 3.7.
    pub fn detect(sandbox: &Sandbox) -> Option<Self> {
        let path = fs::canonicalize(find_program(NAME)?).ok()?;
        let version = program_version(&path, "--version", "POV-Ray").filter(|version| version.starts_with("3.7"))?;
        let library = library_of(&path);
        Some(Self {
            program: SystemProgram { path, version },
            library,
            sandbox: sandbox.clone(),
        })
    }
}

/// Where a POV-Ray installed under a prefix keeps its library: `<prefix>/share/povray-3.7`.
fn library_of(program: &Path) -> Vec<PathBuf> {
    let share = program
        .parent()
        .and_then(Path::parent)
        .map(|prefix| prefix.join("share/povray-3.7"));
    let folders = share.into_iter().flat_map(|share| [share.join("include"), share]);
    folders.filter(|folder| folder.is_dir()).collect()
}

#[async_trait]
impl Engine for PovRay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> &str {
        &self.program.version
    }

    async fn inspect(&self, request: &InspectRequest) -> Result<SceneFacts, EngineError> {
        inspect::inspect(self, request).await
    }

    async fn open(&self, request: SessionRequest) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(session::PovSession::open(self.clone(), request)?))
    }
}
