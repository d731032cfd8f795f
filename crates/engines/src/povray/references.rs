//! From names in a scene to files on this machine.

use super::source::{self, Feature, NamedFile, Source};
use crate::{
    error::EngineError,
    layout::{Consent, lexical},
};
use rayswarm_model::scene::{Dependency, DependencyState};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// More scene text than this is a mistake; POV-Ray itself would take minutes to parse it.
const TEXT_BYTES_MAX: u64 = 64 << 20;
/// More files than this in one scene are a mistake too.
const FILES_MAX: usize = 10_000;

/// What a scene and everything it includes say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeSet<Feature>,
    pub(crate) version: Option<String>,
    /// Includes found, the scene first.
    pub(crate) texts: Vec<PathBuf>,
}

/// Where names are looked for.
pub(crate) struct Places<'a> {
    /// The scene's own folder, which is POV-Ray's working directory.
    pub(crate) folder: &'a Path,
    /// POV-Ray's own folders: what is found there travels with the engine, not with the job.
    pub(crate) library: &'a [PathBuf],
    /// What may travel with the scene.
    pub(crate) consent: Consent,
}

impl Survey {
    /// Reads `scene` and what it includes.
    pub(crate) fn of(scene: &Path, places: &Places<'_>) -> Result<Self, EngineError> {
        let mut survey = Self::default();
        let mut named: BTreeMap<String, Dependency> = BTreeMap::new();
        let mut waiting = vec![scene.to_owned()];
        while let Some(path) = waiting.pop() {
            if survey.texts.contains(&path) || survey.texts.len() >= FILES_MAX {
                continue;
            }
            let source = read_text(&path)?;
            survey.texts.push(path);
            survey.features.extend(&source.features);
            survey.version = survey.version.take().or(source.version);
            for file in source.files {
                let Some(dependency) = places.find(&file) else { continue };
                let text = file.kind == "include" || file.name.ends_with(".inc");
                waiting.extend(
                    dependency
                        .path
                        .clone()
                        .filter(|_| text && dependency.state == DependencyState::Found),
                );
                named.entry(file.name).or_insert(dependency);
            }
        }
        survey.dependencies = named.into_values().take(FILES_MAX).collect();
        Ok(survey)
    }
}

impl Places<'_> {
    /// The dependency `file` stands for; `None` when it belongs to POV-Ray, or may well be no file at all.
    fn find(&self, file: &NamedFile) -> Option<Dependency> {
        let dependency = |path, state| Dependency {
            reference: file.name.clone(),
            path,
            kind: file.kind.into(),
            state,
        };
        let beside = self.folder.join(&file.name);
        // POV-Ray appends the ending of an include that has none.
        let candidates = [beside.clone(), with_ending(&beside, "inc"), with_ending(&beside, "pov")];
        let found = candidates
            .iter()
            .take(if file.kind == "include" { 3 } else { 1 })
            .find(|path| path.is_file());
        if let Some(path) = found {
            let path = lexical(path);
            let real = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if self.library.iter().any(|folder| real.starts_with(folder)) {
                return None;
            }
            let state = if self.consent.covers(&path) {
                DependencyState::Found
            } else {
                DependencyState::NeedsConsent
            };
            return Some(dependency(Some(path), state));
        }
        if self.in_library(&file.name) || !file.certain {
            return None;
        }
        Some(dependency(None, DependencyState::Missing))
    }

    fn in_library(&self, name: &str) -> bool {
        let endings = [String::new(), ".inc".into()];
        self.library.iter().any(|folder| {
            endings
                .iter()
                .any(|ending| folder.join(format!("{name}{ending}")).is_file())
        })
    }
}

/// Reads the features of texts a session was given, without looking for anything.
pub(crate) fn features_of<'a>(texts: impl Iterator<Item = &'a Path>) -> Result<BTreeSet<Feature>, EngineError> {
    let mut features = BTreeSet::new();
    for text in texts {
        features.extend(read_text(text)?.features);
    }
    Ok(features)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Old scenes are Latin-1; their words are ASCII either way.
fn read_text(path: &Path) -> Result<Source, EngineError> {
    let size = fs::metadata(path).map_err(EngineError::file("reading", path))?.len();
    if size > TEXT_BYTES_MAX {
        return Err(EngineError::Refused {
            code: "text_too_large",
            message: format!(
                "{} is {} MB of scene text, more than is read",
                path.display(),
                size / 1_000_000
            ),
            remedy: "split it into several include files".into(),
        });
    }
    let bytes = fs::read(path).map_err(EngineError::file("reading", path))?;
    Ok(source::read(&String::from_utf8_lossy(&bytes)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_are_found_missing_or_waiting_for_consent() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for (path, text) in [
            (
                "scene/main.pov",
                r#"#include "part" #include "lib.inc" #include "gone.inc" png "../secret.png" png "a.png""#,
            ),
            ("scene/part.inc", r#"radiosity { } jpeg "deep.jpg" #include "main.pov""#),
            ("scene/a.png", ""),
            ("library/lib.inc", "photons { }"),
            ("secret.png", ""),
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        let (folder, library) = (root.join("scene"), [root.join("library")]);
        let survey = |include: &[PathBuf]| {
            let consent = Consent::new(&folder.join("main.pov"), include);
            let places = Places {
                folder: &folder,
                library: &library,
                consent,
            };
            let survey = Survey::of(&folder.join("main.pov"), &places).unwrap();
            let states = survey
                .dependencies
                .iter()
                .map(|found| (found.reference.clone(), found.state))
                .collect::<Vec<_>>();
            (states, survey.features)
        };
        let (states, features) = survey(&[]);
        use DependencyState::{Found, Missing, NeedsConsent};
        let expected = [
            ("../secret.png", NeedsConsent),
            ("a.png", Found),
            ("deep.jpg", Missing),
            ("gone.inc", Missing),
            ("main.pov", Found),
            ("part", Found),
        ];
        assert_eq!(states, expected.map(|(name, state)| (name.to_owned(), state)));
        // POV-Ray's own includes are not searched: what they offer is not what a scene uses.
        assert_eq!(features, BTreeSet::from([Feature::Radiosity]));
        assert_eq!(survey(&[root.join("secret.png")]).0[0].1, Found);
    }
}
