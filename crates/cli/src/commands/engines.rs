//! `rayswarm engines`: list, install, remove.

use crate::{
    args::{EngineArgs, EnginesCommand},
    exit::{BadInput, ExitCode},
    show,
};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use rayswarm_node::local::{
    BLENDER_SERIES, BlenderInstall, BlenderRelease, InstallPhase, InstallProgress, Store, releases, system_engines,
};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Row {
    engine: &'static str,
    version: String,
    installed: bool,
    /// Whether jobs are rendered with it.
    used: bool,
    folder: Option<String>,
}

/// What an installation or a removal did.
#[derive(Serialize)]
struct Changed {
    engine: &'static str,
    version: String,
    installed: bool,
    folder: Option<String>,
}

pub async fn run(command: EnginesCommand) -> anyhow::Result<ExitCode> {
    let store = Store::open_default()?;
    match command {
        EnginesCommand::List(args) => list(&store, args.json),
        EnginesCommand::Install(args) => install(&store, &args).await,
        EnginesCommand::Remove(args) => remove(&store, &args),
    }
}

fn list(store: &Store, json: bool) -> anyhow::Result<ExitCode> {
    let mut rows = blender_rows(store.known(), releases());
    rows.extend(system_engines().into_iter().map(|(engine, version, path)| Row {
        engine,
        installed: version.is_some(),
        used: version.is_some(),
        version: version.unwrap_or_default(),
        folder: path.map(|path| path.display().to_string()),
    }));
    if json {
        show::json(&rows)?;
        return Ok(ExitCode::Success);
    }
    let [major, minor] = BLENDER_SERIES;
    let mut table = show::table(["engine", "version", "installed", "where"]);
    for row in rows {
        let installed = match (row.installed, row.used) {
            (true, true) => "yes".into(),
            (true, false) => format!("yes, not used: only {major}.{minor} is tested"),
            (false, _) => "no".into(),
        };
        let folder = row.folder.unwrap_or_default();
        table.add_row([row.engine.into(), row.version, installed, folder]);
    }
    show::line(table);
    Ok(ExitCode::Success)
}

/// Every Blender of this machine, then those that can be installed.
fn blender_rows(known: Vec<BlenderInstall>, releases: &[BlenderRelease]) -> Vec<Row> {
    let is_here = |version: &str| known.iter().any(|install| install.version == version);
    let installable = releases.iter().filter(|release| !is_here(release.version));
    let installable = installable.map(|release| Row {
        engine: "blender",
        version: release.version.into(),
        installed: false,
        used: false,
        folder: None,
    });
    let here = known.iter().map(|install| Row {
        engine: "blender",
        version: install.version.clone(),
        installed: true,
        used: install.is_tested(),
        folder: Some(install.place().display().to_string()),
    });
    here.chain(installable).collect()
}

fn remove(store: &Store, args: &EngineArgs) -> anyhow::Result<ExitCode> {
    let version = version_of(&args.name)?;
    store.remove(&version)?;
    if args.json {
        show::json(&Changed {
            engine: "blender",
            version,
            installed: false,
            folder: None,
        })?;
    } else {
        show::line(format_args!("removed blender {version}"));
    }
    Ok(ExitCode::Success)
}

async fn install(store: &Store, args: &EngineArgs) -> anyhow::Result<ExitCode> {
    let version = version_of(&args.name)?;
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{prefix:>12} {bar:32.cyan/black} {msg}") {
        bar.set_style(style.progress_chars("━━╌"));
    }
    let mut draw = |progress: InstallProgress| {
        bar.set_prefix(match progress.phase {
            InstallPhase::Waiting => "waiting",
            InstallPhase::Downloading => "downloading",
            InstallPhase::Checking => "checking",
            InstallPhase::Unpacking => "unpacking",
        });
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(format!(
            "{} of {}",
            HumanBytes(progress.done),
            HumanBytes(progress.total)
        ));
    };
    let installed = store.install(&version, &mut draw).await;
    bar.finish_and_clear();
    let folder = installed?.place().display().to_string();
    if args.json {
        show::json(&Changed {
            engine: "blender",
            version,
            installed: true,
            folder: Some(folder),
        })?;
    } else {
        show::line(format_args!("blender {version} is installed in {folder}"));
    }
    Ok(ExitCode::Success)
}

/// `blender`, `blender@4.5.15` or `blender-4.5.15`.
fn version_of(name: &str) -> Result<String, BadInput> {
    let known = || {
        releases()
            .iter()
            .map(|release| release.version)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (engine, version) = name.split_once(['@', '-']).unwrap_or((name, ""));
    let newest = releases().first().map(|release| release.version);
    // A version becomes the name of a folder.
    let is_version = version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !version.contains("..");
    match (engine, version, newest) {
        ("blender", "", Some(newest)) => Ok(newest.into()),
        ("blender", version, _) if is_version => Ok(version.into()),
        _ => Err(BadInput(format!(
            "{name:?} is not an engine that Rayswarm installs; known: blender ({}). POV-Ray and ffmpeg come from the system: apt-get install povray povray-includes ffmpeg",
            known()
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_node::local::BlenderKind;
    use std::path::PathBuf;

    #[test]
    fn names_are_read_as_typed() {
        assert_eq!(version_of("blender@4.5.15").unwrap(), "4.5.15");
        assert_eq!(version_of("blender-4.5.15").unwrap(), "4.5.15");
        assert_eq!(version_of("blender").unwrap(), releases()[0].version);
        for wrong in [
            "maya",
            "blender-../../x",
            "blender-4.5.15/../..",
            "blender-..",
            "blender-newest",
        ] {
            assert!(version_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_blender_of_this_machine_is_listed_and_what_is_not_used_says_so() {
        let here = |version: &str, folder: Option<&str>| BlenderInstall {
            version: version.into(),
            kind: BlenderKind::Program,
            program: "/usr/bin/blender".into(),
            binds: vec![],
            folder: folder.map(PathBuf::from),
        };
        let rows = blender_rows(vec![here("4.5.2", Some("/store/b")), here("5.0.1", None)], releases());
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.version.as_str(), row.installed, row.used, row.folder.as_deref()))
            .collect();
        let newest = releases()[0].version;
        assert_eq!(
            told,
            [
                ("4.5.2", true, true, Some("/store/b")),
                ("5.0.1", true, false, Some("/usr/bin/blender")),
                (newest, false, false, None)
            ]
        );
    }
}
