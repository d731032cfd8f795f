//! One POV-Ray process: its arguments and its walls.
//!
//! POV-Ray's own I/O restrictions (`povray.conf`) are left out: Debian's 3.7.0.10 announces them and reads any file all
//! the same. The sandbox is the wall.

use super::{PovRay, settings::Settings, source::Feature};
use crate::{
    engine::{SceneFile, SessionLimits},
    error::EngineError,
};
use rayswarm_model::{Rect, Resolution};
use rayswarm_sandbox::{Bind, Limits, SandboxSpec};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where results are written inside the sandbox.
const OUT: &str = "/out";

/// More than any picture POV-Ray writes here: 65536² half floats would not fit its own limits.
const OUTPUT_BYTES_MAX: u64 = 4 << 30;

/// A scene ready to be rendered: what every process of a session shares.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The `.pov` file inside the sandbox.
    pub(crate) scene: String,
    pub(crate) files: Vec<SceneFile>,
    pub(crate) settings: Settings,
    pub(crate) resolution: Resolution,
    pub(crate) features: BTreeSet<Feature>,
    pub(crate) limits: SessionLimits,
    /// How long each process may live, where nobody else ends it.
    pub(crate) lifetime: Option<Duration>,
}

/// A folder for one process: `out` is all it can write.
#[derive(Debug)]
pub(crate) struct WorkFolder {
    folder: PathBuf,
}

impl WorkFolder {
    /// Makes it anew below `scratch`.
    pub(crate) fn make(scratch: &Path) -> Result<Self, EngineError> {
        let folder = scratch.join("povray");
        let work = Self { folder };
        work.remove();
        fs::create_dir_all(work.out()).map_err(EngineError::file("making", work.out()))?;
        Ok(work)
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    fn remove(&self) {
        // It may not be there yet, and what is left over is made anew or removed with the scratch folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Job {
    /// Whether the picture is the same whatever the number of threads.
    fn threads(&self) -> u32 {
        let order_matters = [Feature::Radiosity, Feature::Photons]
            .iter()
            .any(|feature| self.features.contains(feature));
        if order_matters {
            1
        } else {
            self.limits.threads.clamp(1, 512)
        }
    }

    /// The process that renders `rect` of `frame`.
    pub(crate) fn spec(
        &self,
        engine: &PovRay,
        work: &WorkFolder,
        frame: i32,
        rect: Rect,
    ) -> Result<SandboxSpec, EngineError> {
        let mut spec = SandboxSpec::new("/bin/sh");
        // POV-Ray tells everything on its standard error.
        spec.args = ["-c", "exec \"$0\" \"$@\" 2>&1"].map(OsString::from).to_vec();
        spec.args.push(engine.program.path.clone().into());
        spec.args
            .extend(self.arguments(engine, frame, rect)?.into_iter().map(OsString::from));

        spec.binds = self
            .files
            .iter()
            .map(|file| Bind::read_only(&file.host, &file.inside))
            .collect();
        spec.binds.push(Bind::writable(work.out(), OUT));
        if !engine.program.path.starts_with("/usr") {
            spec.binds
                .push(Bind::read_only(&engine.program.path, &engine.program.path));
            spec.binds
                .extend(engine.library.iter().map(|folder| Bind::read_only(folder, folder)));
        }
        spec.work_dir = Path::new(&self.scene).parent().unwrap_or(Path::new("/")).to_owned();
        spec.limits = Limits {
            address_space: Some(self.limits.memory.0),
            resident: Some(self.limits.memory.0),
            file_size: OUTPUT_BYTES_MAX,
            disk: OUTPUT_BYTES_MAX,
            processes: u64::from(self.threads()) + 64,
            nice: self.limits.nice,
            lifetime: self.lifetime,
            ..Limits::default()
        };
        Ok(spec)
    }

    fn arguments(&self, engine: &PovRay, frame: i32, rect: Rect) -> Result<Vec<String>, EngineError> {
        let settings = &self.settings;
        let mut arguments = vec![format!("+I{}", self.scene), format!("+O{OUT}/frame.exr")];
        arguments.extend(["+FE", "-D", "-P", "-C", "+V"].map(String::from));
        arguments.push(format!("+WT{}", self.threads()));
        arguments.extend([
            format!("+W{}", self.resolution.width),
            format!("+H{}", self.resolution.height),
        ]);
        // Rows and columns count from one, and the last is meant too.
        arguments.extend([format!("+SC{}", rect.x + 1), format!("+EC{}", rect.right())]);
        arguments.extend([format!("+SR{}", rect.y + 1), format!("+ER{}", rect.bottom())]);
        arguments.extend(settings.animation.arguments(frame)?);
        arguments.extend(engine.library.iter().map(|folder| format!("+L{}", folder.display())));
        match &settings.antialias {
            None => arguments.push("-A".into()),
            Some(antialias) => {
                arguments.extend([format!("+A{}", antialias.threshold), format!("+AM{}", antialias.method)]);
                arguments.extend([
                    format!("+R{}", antialias.depth),
                    if antialias.jitter { "+J" } else { "-J" }.into(),
                ]);
            }
        }
        arguments.extend(settings.quality.map(|quality| format!("+Q{quality}")));
        arguments.extend(settings.alpha.then(|| "+UA".to_owned()));
        arguments.extend(
            settings
                .declares
                .iter()
                .map(|(name, value)| format!("Declare={name}={value}")),
        );
        Ok(arguments)
    }
}
