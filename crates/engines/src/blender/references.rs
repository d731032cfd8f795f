//! Which files of this machine a scene's references stand for, and whether they may travel.

use super::wire::{Reference, Shape};
use crate::{
    engine::SceneFile,
    layout::{Consent, Contents, host_path},
};
use rayswarm_model::{
    manifest::check_path,
    scene::{Dependency, DependencyState},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A scene's dependencies, and those of them that a session may see, where its inspection looks for them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    pub dependencies: Vec<Dependency>,
    pub visible: BTreeMap<String, PathBuf>,
    /// Numbers that are missing between the first and the last file of a sequence of which the scene does not tell which
    /// files it shows, by the sequence's name.
    pub gaps: BTreeMap<String, Vec<u64>>,
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
        let gaps = gaps(reference, &paths);
        if !gaps.is_empty() {
            resolved.gaps.insert(reference.reference.clone(), gaps);
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
        let is_folder = reference.shape == Shape::Folder;
        let is_there = |host: &Path| if is_folder { host.is_dir() } else { host.is_file() };
        let is_covered = |host: &Path| match is_folder {
            true => consent.covers_folder(host),
            false => consent.covers(host),
        };
        // A place inside that belongs to the system can never be shown.
        let Some(host) = host_path(inside).filter(|_| check_path(inside).is_ok()) else {
            return self.add(reference, None, DependencyState::Missing);
        };
        if !is_there(&host) {
            self.add(reference, Some(host), DependencyState::Missing);
        } else if !is_covered(&host) {
            self.add(reference, Some(host), DependencyState::NeedsConsent);
        } else if is_folder {
            self.look_into(reference, inside, host);
        } else {
            self.visible.insert(inside.to_owned(), host.clone());
            self.add(reference, Some(host), DependencyState::Found);
        }
    }

    /// Adds the folder `host` and shows what travels of it. Empty, it counts as missing: the folder of a cache is made
    /// before the first file of it.
    fn look_into(&mut self, reference: &Reference, inside: &str, host: PathBuf) {
        let files = Contents::of(&host).files;
        let state = if files.is_empty() {
            DependencyState::Missing
        } else {
            DependencyState::Found
        };
        for file in files {
            let below = file.strip_prefix(&host).unwrap_or(&file).display().to_string();
            self.visible
                .insert(format!("{}/{below}", inside.trim_end_matches('/')), file);
        }
        self.add(reference, Some(host), state);
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
        Shape::Sequence => match sequence(&reference.inside) {
            found if found.is_empty() => found,
            // The others travel too: which ones are shown is told by the scene, not known here.
            found => BTreeSet::from_iter(found.into_iter().chain(reference.expected.iter().cloned()))
                .into_iter()
                .collect(),
        },
    }
}

/// The numbers missing in a sequence's names, unless it is known which files must be there.
fn gaps(reference: &Reference, paths: &[String]) -> Vec<u64> {
    /// More than this are a sequence numbered in another way.
    const GAPS_MAX: usize = 10_000;
    if reference.shape != Shape::Sequence || !reference.expected.is_empty() {
        return Vec::new();
    }
    let names = paths.iter().filter_map(|path| path.rsplit('/').next());
    let numbers: BTreeSet<u64> = names.filter_map(last_number).collect();
    let between = numbers.iter().zip(numbers.iter().skip(1));
    between.flat_map(|(one, next)| one + 1..*next).take(GAPS_MAX).collect()
}

fn last_number(name: &str) -> Option<u64> {
    let (before, after) = around_last_number(name)?;
    name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
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
        assert!(resolved.gaps.is_empty());
    }

    #[test]
    fn a_sequence_lacks_what_its_frames_show_and_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for number in [1, 2, 3, 5, 9] {
            fs::write(root.join(format!("f_{number:02}.png")), "").unwrap();
        }
        let consent = Consent::new(&root.join("s.blend"), &[]);
        let inside = |number: u32| inspection_path(&root.join(format!("f_{number:02}.png")));
        let unknown = reference("//f_01.png", inside(1), Shape::Sequence);
        let resolved = resolve(std::slice::from_ref(&unknown), &consent);
        assert_eq!(resolved.gaps["//f_01.png"], [4, 6, 7, 8]);
        assert!(
            resolved
                .dependencies
                .iter()
                .all(|one| one.state == DependencyState::Found)
        );

        let shown = Reference {
            expected: [2, 3, 4].map(inside).to_vec(),
            ..unknown
        };
        let resolved = resolve(&[shown], &consent);
        let missing: Vec<_> = resolved
            .dependencies
            .iter()
            .filter(|one| one.state == DependencyState::Missing)
            .map(|one| one.path.clone().unwrap())
            .collect();
        assert_eq!(missing, [root.join("f_04.png")]);
        assert!(resolved.gaps.is_empty() && resolved.visible.len() == 5);
    }

    #[test]
    fn a_folder_counts_when_something_in_it_travels() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("p/empty/deeper")).unwrap();
        fs::create_dir_all(root.join("p/cache")).unwrap();
        fs::write(root.join("p/cache/1.bphys"), "").unwrap();
        fs::write(root.join("p/empty/.hidden"), "").unwrap();
        let consent = Consent::new(&root.join("p/s.blend"), &[]);
        let state = |path: &str| {
            let named = reference(path, inspection_path(&root.join(path)), Shape::Folder);
            resolve(&[named], &consent).dependencies[0].state
        };
        assert_eq!(state("p/cache"), DependencyState::Found);
        assert_eq!(state("p/empty"), DependencyState::Missing);
        assert_eq!(state("p/gone"), DependencyState::Missing);
        assert_eq!(state("p"), DependencyState::NeedsConsent);

        fs::write(root.join("p/cache/.hidden"), "").unwrap();
        let named = reference("//cache", inspection_path(&root.join("p/cache")), Shape::Folder);
        let visible: Vec<_> = resolve(&[named], &consent).visible.into_values().collect();
        assert_eq!(visible, [root.join("p/cache/1.bphys")]);
    }
}
