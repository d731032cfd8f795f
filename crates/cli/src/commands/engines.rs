//! `rayswarm engines`: list, install, remove.

use crate::{
    args::EnginesCommand,
    exit::{BadInput, ExitCode},
    show,
};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use rayswarm_node::local::{InstallPhase, InstallProgress, Store, releases};
use serde::Serialize;

#[derive(Serialize)]
struct Row {
    engine: &'static str,
    version: String,
    installed: bool,
    folder: Option<String>,
}

pub async fn run(command: EnginesCommand) -> anyhow::Result<ExitCode> {
    let store = Store::open_default()?;
    match command {
        EnginesCommand::List(args) => list(&store, args.json),
        EnginesCommand::Install { name } => install(&store, &name).await,
        EnginesCommand::Remove { name } => {
            let version = version_of(&name)?;
            store.remove(&version)?;
            show::line(format_args!("removed blender {version}"));
            Ok(ExitCode::Success)
        }
    }
}

fn list(store: &Store, json: bool) -> anyhow::Result<ExitCode> {
    let installed = store.list();
    let here = |version: &str| installed.iter().find(|install| install.version == version);
    let mut rows: Vec<Row> = releases()
        .iter()
        .map(|release| Row {
            engine: "blender",
            version: release.version.into(),
            installed: here(release.version).is_some(),
            folder: here(release.version)
                .and_then(|install| install.folder.as_ref())
                .map(|folder| folder.display().to_string()),
        })
        .collect();
    rows.extend(
        rayswarm_node::local::system_engines()
            .into_iter()
            .map(|(engine, version, path)| Row {
                engine,
                installed: version.is_some(),
                version: version.unwrap_or_default(),
                folder: path.map(|path| path.display().to_string()),
            }),
    );
    if json {
        show::json(&rows)?;
        return Ok(ExitCode::Success);
    }
    let mut table = show::table(["engine", "version", "installed", "where"]);
    for row in rows {
        let installed = if row.installed { "yes" } else { "no" };
        table.add_row([
            row.engine.into(),
            row.version,
            installed.into(),
            row.folder.unwrap_or_default(),
        ]);
    }
    show::line(table);
    Ok(ExitCode::Success)
}

async fn install(store: &Store, name: &str) -> anyhow::Result<ExitCode> {
    let version = version_of(name)?;
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
    installed?;
    show::line(format_args!(
        "blender {version} is installed in {}",
        store.folder().display()
    ));
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
    match (engine, version, newest) {
        ("blender", "", Some(newest)) => Ok(newest.into()),
        ("blender", version, _) => Ok(version.into()),
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

    #[test]
    fn names_are_read_as_typed() {
        assert_eq!(version_of("blender@4.5.15").unwrap(), "4.5.15");
        assert_eq!(version_of("blender-4.5.15").unwrap(), "4.5.15");
        assert_eq!(version_of("blender").unwrap(), releases()[0].version);
        assert!(version_of("maya").is_err());
    }
}
