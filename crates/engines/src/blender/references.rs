//! Which files of this machine a scene's references stand for, and whether they may travel.

use super::wire::{Reference, Shape};
use crate::{
    engine::SceneFile,
    layout::{Consent, host_path},
};
use rayswarm_model::{
    manifest::check_path,
    scene::{Dependency, DependencyState},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A scene's dependencies, and those of them that a session may see, where its inspection looks for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    pub dependencies: Vec<Dependency>,
    pub visible: BTreeMap<String, PathBuf>,
}

impl Resolved {
    /// The visible files as binds.
    pub(super) fn files(&self) -> impl Iterator<Item = SceneFile> + '_ {
        self.visible.iter().map(|(inside, host)| SceneFile {
            host: host.clone(),
            inside: inside.clone(),
        })
    }
}

/// Looks for every reference on this machine.
pub(super) fn resolve(references: &[Reference], consent: &Consent) -> Resolved {
    let mut resolved = Resolved::default();
    for reference in references.iter().filter(|reference| reference.needed) {
        if reference.packed {
            resolved.add(reference, None, DependencyState::Packed);
            continue;
        }
        let paths = paths_of(reference);
        if paths.is_empty() {
            resolved.add(reference, None, DependencyState::Missing);
        }
        for inside in paths {
            resolved.look(reference, &inside, consent);
        }
    }
    resolved
        .dependencies
        .sort_by(|one, other| (&one.reference, &one.path).cmp(&(&other.reference, &other.path)));
    resolved.dependencies.dedup();
    resolved
}

impl Resolved {
    /// Adds the file or folder at `inside`.
    fn look(&mut self, reference: &Reference, inside: &str, consent: &Consent) {
        let wanted = |host: &PathBuf| match reference.shape {
            Shape::Folder => host.is_dir(),
            Shape::File | Shape::Udim | Shape::Sequence => host.is_file(),
        };
        match host_path(inside).filter(wanted) {
            // A place inside that belongs to the system can never be shown.
            Some(_) if check_path(inside).is_err() => self.add(reference, None, DependencyState::Missing),
            Some(host) if !consent.covers(&host) => self.add(reference, Some(host), DependencyState::NeedsConsent),
            Some(host) => {
                self.visible.insert(inside.to_owned(), host.clone());
                self.add(reference, Some(host), DependencyState::Found);
            }
            None => self.add(reference, None, DependencyState::Missing),
        }
    }

    fn add(&mut self, reference: &Reference, path: Option<PathBuf>, state: DependencyState) {
        let (reference, kind) = (reference.reference.clone(), reference.kind.clone());
        self.dependencies.push(Dependency {
            reference,
            path,
            kind,
            state,
        });
    }
}

/// The paths inside that a reference stands for; none for a sequence of which nothing is there.
fn paths_of(reference: &Reference) -> Vec<String> {
    match reference.shape {
        Shape::File | Shape::Folder => vec![reference.inside.clone()],
        Shape::Udim => reference.expected.clone(),
        Shape::Sequence => sequence(&reference.inside),
    }
}

/// Every file beside `inside` whose name differs from it only in its last number.
fn sequence(inside: &str) -> Vec<String> {
    let Some(host) = host_path(inside) else {
        return Vec::new();
    };
    let Some((folder, name)) = inside.rsplit_once('/') else {
        return Vec::new();
    };
    let Some((before, after)) = around_last_number(name) else {
        return vec![inside.to_owned()];
    };
    let varies = |candidate: &str| {
        let middle = candidate.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        middle.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let entries = fs::read_dir(host.parent().unwrap_or(Path::new("/")))
        .into_iter()
        .flatten()
        .flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<_> = names
        .filter(|name| varies(name))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    found.sort();
    found
}

/// What stands before and after the last run of digits in a name's stem.
fn around_last_number(name: &str) -> Option<(&str, &str)> {
    let stem = name.rfind('.').filter(|at| *at > 0).map_or(name, |at| &name[..at]);
    let end = stem.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let start = stem[..end]
        .rfind(|letter: char| !letter.is_ascii_digit())
        .map_or(0, |at| at + stem[at..].chars().next().map_or(1, char::len_utf8));
    Some((&name[..start], &name[end..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::layout::inspection_path;

    fn reference(reference: &str, inside: String, shape: Shape) -> Reference {
        let (reference, kind) = (reference.to_owned(), "image".to_owned());
        Reference {
            reference,
            inside,
            kind,
            packed: false,
            shape,
            expected: Vec::new(),
            needed: true,
        }
    }

    #[test]
    fn the_last_number_varies() {
        assert_eq!(around_last_number("smoke_v2_0007.exr"), Some(("smoke_v2_", ".exr")));
        assert_eq!(around_last_number("0007a.png"), Some(("", "a.png")));
        assert_eq!(around_last_number("é7.png"), Some(("é", ".png")));
        assert_eq!(around_last_number("none.png"), None);
    }

    #[test]
    fn files_are_found_missing_or_wait_for_consent() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for path in [
            "p/s.blend",
            "p/a.png",
            "p/f_01.png",
            "p/f_02.png",
            "p/f_x.png",
            "out.png",
        ] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), "").unwrap();
        }
        let consent = Consent::new(&root.join("p/s.blend"), &[]);
        let inside = |path: &str| inspection_path(&root.join(path));
        let resolved = resolve(
            &[
                reference("//a.png", inside("p/a.png"), Shape::File),
                reference("//b.png", inside("p/b.png"), Shape::File),
                reference("//f_01.png", inside("p/f_01.png"), Shape::Sequence),
                reference("//../out.png", inside("out.png"), Shape::File),
                reference("/etc/passwd", "/etc/passwd".into(), Shape::File),
                reference("C:\\w.png", "C:\\w.png".into(), Shape::File),
            ],
            &consent,
        );
        let states: Vec<_> = resolved
            .dependencies
            .iter()
            .map(|one| (one.reference.as_str(), one.state))
            .collect();
        assert_eq!(
            states,
            [
                ("//../out.png", DependencyState::NeedsConsent),
                ("//a.png", DependencyState::Found),
                ("//b.png", DependencyState::Missing),
                ("//f_01.png", DependencyState::Found),
                ("//f_01.png", DependencyState::Found),
                ("/etc/passwd", DependencyState::Missing),
                ("C:\\w.png", DependencyState::Missing),
            ]
        );
        assert_eq!(resolved.visible.len(), 3);
    }
}
