//! A job's files on this machine: what its sessions read, what they may write, and where each appears inside.

use super::{error::CommandsError, sequence};
use rayswarm_openjd::{
    Assets, Job, ObjectKind, PathMap,
    paths::{INSIDE, moved, normal},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The files of one job.
#[derive(Clone, Debug)]
pub struct JobFiles {
    map: PathMap,
    reads: Vec<Read>,
    writes: Vec<Write>,
    /// Where written files go instead of their own places.
    gathered_in: Option<PathBuf>,
}

/// A file or folder that commands read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// On this machine.
    pub host: PathBuf,
    /// Inside.
    pub inside: String,
}

/// A file or folder that commands write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Inside.
    pub inside: String,
    /// File or folder.
    pub object: ObjectKind,
}

/// A path that a job names.
struct Named {
    name: String,
    host: String,
    object: ObjectKind,
    read: bool,
    written: bool,
}

impl JobFiles {
    /// The files that a job's parameters and `assets` name. Relative assets are in `folder`. What is read must be there.
    pub fn of(job: &Job, assets: &Assets, folder: &Path) -> Result<Self, CommandsError> {
        let named = named(job, assets, folder);
        let map = PathMap::over(named.iter().map(|one| one.host.as_str()))?;
        let mut files = Self {
            map,
            reads: Vec::new(),
            writes: Vec::new(),
            gathered_in: None,
        };
        for one in named {
            files.add(one)?;
        }
        files.reads.sort_by(|left, right| left.inside.cmp(&right.inside));
        files.reads.dedup_by(|left, right| left.inside == right.inside);
        Ok(files)
    }

    /// The same on another machine, where what is read lies elsewhere. Nothing is looked for.
    pub fn elsewhere(job: &Job, assets: &Assets, folder: &Path, reads: Vec<Read>) -> Result<Self, CommandsError> {
        let named = named(job, assets, folder);
        let map = PathMap::over(named.iter().map(|one| one.host.as_str()))?;
        let written = named.iter().filter(|one| one.written);
        let write = |one: &Named| {
            Some(Write {
                inside: map.inside(&one.host)?,
                object: one.object,
            })
        };
        Ok(Self {
            writes: written.filter_map(write).collect(),
            map,
            reads,
            gathered_in: None,
        })
    }

    /// The same, with what is written gathered in one folder instead of brought to where the parameters say.
    pub fn gathered_in(mut self, folder: Option<PathBuf>) -> Self {
        self.gathered_in = folder;
        self
    }

    /// From paths of this machine to paths inside, and back.
    pub const fn map(&self) -> &PathMap {
        &self.map
    }

    /// What is read.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// Folders inside that sessions may write, none below another: those of the parameters, and for single files the
    /// folders they are in.
    pub fn writable_folders(&self) -> Vec<String> {
        let mut folders: Vec<String> = self.writes.iter().map(|write| folder_of(write).to_owned()).collect();
        folders.sort();
        folders.dedup();
        let all = folders.clone();
        folders.retain(|folder| !all.iter().any(|other| other != folder && is_below(folder, other)));
        folders
    }

    /// Whether a file inside is one that the job is to give back.
    pub fn is_output(&self, inside: &str) -> bool {
        self.writes.iter().any(|write| match write.object {
            ObjectKind::File => write.inside == inside,
            ObjectKind::Directory => is_below(inside, &write.inside),
        })
    }

    /// Where a file that a task wrote belongs on this machine.
    pub fn host_of(&self, inside: &str) -> Option<PathBuf> {
        match &self.gathered_in {
            None => self.map.host(inside).map(PathBuf::from),
            Some(folder) => {
                let below = normal(inside)?.strip_prefix(INSIDE)?.trim_start_matches('/').to_owned();
                Some(folder.join(below))
            }
        }
    }

    fn add(&mut self, one: Named) -> Result<(), CommandsError> {
        let Some(inside) = self.map.inside(&one.host) else {
            return Ok(());
        };
        let Some(host) = normal(&one.host).map(PathBuf::from) else {
            return Ok(());
        };
        if one.read {
            let (found, wanted) = match one.object {
                ObjectKind::File if host.is_file() => (vec![host.clone()], "file"),
                ObjectKind::File => (sequence::files(&host), "file"),
                ObjectKind::Directory => (Vec::from_iter(host.is_dir().then(|| host.clone())), "folder"),
            };
            if found.is_empty() && !one.written {
                return Err(CommandsError::NoInput {
                    name: one.name,
                    path: host,
                    wanted,
                });
            }
            let place = |host: PathBuf| Some((self.map.inside(host.to_str()?)?, host));
            let found = found.into_iter().filter_map(place);
            self.reads.extend(found.map(|(inside, host)| Read { host, inside }));
        }
        if one.written {
            self.writes.push(Write {
                inside,
                object: one.object,
            });
        }
        Ok(())
    }
}

/// The paths that a job names on the machine that has it.
fn named(job: &Job, assets: &Assets, folder: &Path) -> Vec<Named> {
    moved(job.paths())
        .map(|value| Named {
            name: format!("the parameter {}", value.name),
            host: value.path.clone(),
            object: value.object,
            read: value.flow.is_read(),
            written: value.flow.is_written(),
        })
        .chain(named_assets(assets, folder))
        .collect()
}

fn named_assets<'a>(assets: &'a Assets, folder: &'a Path) -> impl Iterator<Item = Named> + 'a {
    let files = assets.files.iter().map(|path| (path, ObjectKind::File, true));
    let folders = assets.folders.iter().map(|path| (path, ObjectKind::Directory, true));
    let outputs = assets
        .output_folders
        .iter()
        .map(|path| (path, ObjectKind::Directory, false));
    files.chain(folders).chain(outputs).filter_map(|(path, object, read)| {
        let host = normal(folder.join(path).to_str()?)?;
        Some(Named {
            name: "a file of asset_references".into(),
            host,
            object,
            read,
            written: !read,
        })
    })
}

fn folder_of(write: &Write) -> &str {
    match write.object {
        ObjectKind::Directory => &write.inside,
        ObjectKind::File => write.inside.rsplit_once('/').map_or("/", |(folder, _)| folder),
    }
}

/// Whether `path` is `folder` or in it.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Copies a file, or a folder and the ordinary files in it, to `to`; links stay behind. Gives the bytes copied.
pub(crate) fn copy(from: &Path, to: &Path, bytes_max: u64) -> Result<u64, CommandsError> {
    let failed = |path: &Path| CommandsError::file("copying", path.to_path_buf());
    let found = fs::symlink_metadata(from).map_err(failed(from))?;
    if found.is_file() {
        if found.len() > bytes_max {
            return Err(CommandsError::TooMuch {
                what: "bytes",
                most: bytes_max,
            });
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        return fs::copy(from, to).map_err(failed(from));
    }
    if !found.is_dir() {
        return Ok(0);
    }
    fs::create_dir_all(to).map_err(failed(to))?;
    let mut copied = 0;
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        copied += copy(&entry.path(), &to.join(entry.file_name()), bytes_max - copied)?;
    }
    Ok(copied)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_openjd::{Asked, Template};

    /// A job whose path parameters are `NAME OBJECT FLOW VALUE`.
    fn job(parameters: &[&str]) -> Job {
        let mut text = String::from("specificationVersion: jobtemplate-2023-09\nname: x\nparameterDefinitions:\n");
        let mut values = std::collections::BTreeMap::new();
        for parameter in parameters {
            let [name, object, flow, value] = parameter.split(' ').collect::<Vec<_>>().try_into().unwrap();
            text.push_str(&format!(
                "- {{name: {name}, type: PATH, objectType: {object}, dataFlow: {flow}}}\n"
            ));
            values.insert(name.to_owned(), value.to_owned());
        }
        text.push_str("steps:\n- name: a\n  script: {actions: {onRun: {command: ls}}}\n");
        let template = Template::parse("t.yaml", &text).unwrap();
        template
            .expand(&Asked {
                values,
                ..Asked::in_folder("/")
            })
            .unwrap()
    }

    #[test]
    fn what_is_read_must_be_there_and_what_is_written_need_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("shot/tex")).unwrap();
        fs::write(root.join("shot/a.blend"), "").unwrap();
        let at = |parameter: &str| parameter.replace('@', root.to_str().unwrap());
        let job = job(&[
            &at("Scene FILE IN @/shot/a.blend"),
            &at("Out DIRECTORY OUT @/renders"),
            &at("Film FILE OUT @/renders/film/a.mp4"),
            &at("Note FILE OUT @/notes/a.txt"),
            &at("Elsewhere DIRECTORY NONE /nowhere"),
        ]);
        let assets = Assets {
            folders: vec!["tex".into()],
            ..Assets::default()
        };
        let files = JobFiles::of(&job, &assets, &root.join("shot")).unwrap();
        let reads: Vec<&str> = files.reads().iter().map(|read| read.inside.as_str()).collect();
        assert_eq!(reads, ["/job/shot/a.blend", "/job/shot/tex"]);
        assert_eq!(files.writable_folders(), ["/job/notes", "/job/renders"]);
        for (inside, expected) in [
            ("/job/renders/1.png", true),
            ("/job/renders/film/a.mp4", true),
            ("/job/rendersX", false),
            ("/job/notes/a.txt", true),
            ("/job/notes/b.txt", false),
        ] {
            assert_eq!(files.is_output(inside), expected, "{inside}");
        }
        assert_eq!(files.host_of("/job/renders/1.png").unwrap(), root.join("renders/1.png"));
        let gathered = files.clone().gathered_in(Some("/out".into()));
        assert_eq!(
            gathered.host_of("/job/renders/1.png").unwrap(),
            Path::new("/out/renders/1.png")
        );
        assert_eq!(gathered.host_of("/job/../etc/passwd"), None);
        fs::remove_file(root.join("shot/a.blend")).unwrap();
        let error = JobFiles::of(&job, &assets, &root.join("shot")).unwrap_err().to_string();
        assert!(
            error.starts_with("the parameter Scene is") && error.contains("no file"),
            "{error}"
        );
    }

    #[test]
    fn copies_leave_links_behind_and_have_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        fs::write(from.join("deep/a"), "12345").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
        assert_eq!(copy(&from, &to, 5).unwrap(), 5);
        assert_eq!(fs::read(to.join("deep/a")).unwrap(), b"12345");
        assert!(fs::symlink_metadata(to.join("link")).is_err());
        assert!(matches!(copy(&from, &to, 4), Err(CommandsError::TooMuch { .. })));
    }
}
