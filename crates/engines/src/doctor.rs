//! What this machine has and lacks for rendering, and the exact command that mends each lack.

use crate::store::{
    BLENDER_DEFAULT, BLENDER_SERIES, BlenderInstall, Python, STORE_VARIABLE, Store, find_program, free_space,
    program_version, release,
};
use rayswarm_sandbox::Sandbox;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What: `sandbox`, `python`, `povray`…
    pub name: String,
    /// How it stands.
    pub state: CheckState,
    /// What was found, in words.
    pub detail: String,
    /// What mends it; `None` when nothing needs mending.
    pub remedy: Option<Remedy>,
}

/// What mends a thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// A command to type as it stands.
    Run(String),
    /// A step that no single command takes.
    Do(String),
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(command) => write!(f, "run: {command}"),
            Self::Do(step) => write!(f, "{step}"),
        }
    }
}

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// There and working.
    Ok,
    /// Not there.
    Missing,
    /// There and not working.
    Broken,
}

/// Libraries that Blender's module loads at start, and Debian's packages of them.
const BLENDER_LIBRARIES: [(&str, &str); 8] = [
    ("libX11.so.6", "libx11-6"),
    ("libXrender.so.1", "libxrender1"),
    ("libXfixes.so.3", "libxfixes3"),
    ("libXi.so.6", "libxi6"),
    ("libxkbcommon.so.0", "libxkbcommon0"),
    ("libSM.so.6", "libsm6"),
    ("libICE.so.6", "libice6"),
    ("libGL.so.1", "libgl1"),
];

/// Space below which jobs fail on ordinary scenes: assets, tiles and frames of one.
const WORK_BYTES: u64 = 2_000_000_000;

/// Looks at everything. Starts a few short processes and blocks for some tenths of a second.
pub fn checks(store: &Store) -> Vec<Check> {
    vec![
        sandbox(),
        user_namespaces(),
        blender(store),
        python(store),
        blender_libraries(),
        povray(),
        ffmpeg(),
        disk(store),
    ]
}

fn ok(name: &str, detail: String) -> Check {
    Check {
        name: name.into(),
        state: CheckState::Ok,
        detail,
        remedy: None,
    }
}

fn not_ok(name: &str, state: CheckState, detail: String, remedy: Remedy) -> Check {
    Check {
        name: name.into(),
        state,
        detail,
        remedy: Some(remedy),
    }
}

/// `apt-get install` where there is one, with `sudo` for those who need it.
fn apt(packages: &str) -> Remedy {
    let sudo = if rustix::process::geteuid().is_root() {
        ""
    } else {
        "sudo "
    };
    match find_program("apt-get") {
        Some(_) => Remedy::Run(format!("{sudo}apt-get install -y {packages}")),
        None => Remedy::Do(format!("install what Debian calls: {packages}")),
    }
}

fn sandbox() -> Check {
    match Sandbox::detect() {
        Ok(sandbox) => ok(
            "sandbox",
            format!("bubblewrap {} walls processes in", sandbox.version()),
        ),
        Err(error) => {
            let missing = find_program("bwrap").is_none();
            let state = if missing {
                CheckState::Missing
            } else {
                CheckState::Broken
            };
            let remedy = if missing {
                apt("bubblewrap")
            } else {
                Remedy::Do("mend that, then look again".into())
            };
            not_ok("sandbox", state, error.to_string(), remedy)
        }
    }
}

fn user_namespaces() -> Check {
    const NAME: &str = "user namespaces";
    if rustix::process::geteuid().is_root() {
        return ok(NAME, "not needed by root: each sandbox is a user of its own".into());
    }
    let setting = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    for (path, forbids, name, allows) in [
        (
            "/proc/sys/user/max_user_namespaces",
            "0",
            "user.max_user_namespaces",
            "15000",
        ),
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            "0",
            "kernel.unprivileged_userns_clone",
            "1",
        ),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns",
            "0",
        ),
    ] {
        if setting(path).as_deref() == Some(forbids) {
            let remedy = Remedy::Run(format!("sudo sysctl -w {name}={allows}"));
            return not_ok(NAME, CheckState::Broken, format!("{name} is {forbids}"), remedy);
        }
    }
    ok(NAME, "allowed for this user".into())
}

fn blender(store: &Store) -> Check {
    let (used, unused): (Vec<_>, Vec<_>) = store.known().into_iter().partition(BlenderInstall::is_tested);
    let places = |installs: &[BlenderInstall]| {
        let places = installs
            .iter()
            .map(|install| format!("{} at {}", install.version, install.place().display()));
        places.collect::<Vec<_>>().join(", ")
    };
    let [major, minor] = BLENDER_SERIES;
    let passed_over = match unused.as_slice() {
        [] => String::new(),
        unused => format!("; not used, because only {major}.{minor} is tested: {}", places(unused)),
    };
    if used.is_empty() {
        let detail = format!("none in {}{passed_over}", store.folder().display());
        let remedy = Remedy::Run("rayswarm engines install blender".into());
        return not_ok("blender", CheckState::Missing, detail, remedy);
    }
    ok("blender", format!("{}{passed_over}", places(&used)))
}

fn python(store: &Store) -> Check {
    let version = release(BLENDER_DEFAULT).map_or("3.11", |release| release.python);
    python_check(version, Python::find(version).ok(), store.usable().is_empty())
}

/// An installed Blender carries, or names, the Python it runs on, and needs no other.
fn python_check(version: &str, found: Option<Python>, needed: bool) -> Check {
    match found {
        Some(python) => ok("python", format!("{} at {}", python.version, python.program.display())),
        None if !needed => {
            let detail =
                format!("no {version} with its venv module; only installing Blender {BLENDER_DEFAULT} needs one");
            ok("python", detail)
        }
        None => {
            let detail = format!("Blender {BLENDER_DEFAULT} is installed with Python {version} and its venv module");
            let packages = format!("python{version} python{version}-venv");
            not_ok("python", CheckState::Missing, detail, apt(&packages))
        }
    }
}

fn blender_libraries() -> Check {
    const NAME: &str = "blender's libraries";
    let known = known_libraries();
    let missing: Vec<_> = BLENDER_LIBRARIES
        .iter()
        .filter(|(library, _)| !known.contains(*library))
        .collect();
    if missing.is_empty() {
        return ok(NAME, "all there".into());
    }
    let list = |names: Vec<&str>, between: &str| names.join(between);
    let libraries = list(missing.iter().map(|(library, _)| *library).collect(), ", ");
    let packages = list(missing.iter().map(|(_, package)| *package).collect(), " ");
    not_ok(
        NAME,
        CheckState::Missing,
        format!("missing: {libraries}"),
        apt(&packages),
    )
}

/// Names of the libraries the dynamic linker finds.
fn known_libraries() -> BTreeSet<String> {
    let ldconfig = ["/sbin/ldconfig", "/usr/sbin/ldconfig"]
        .into_iter()
        .find(|path| Path::new(path).is_file());
    let output = ldconfig.and_then(|ldconfig| Command::new(ldconfig).arg("-p").output().ok());
    let text = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn povray() -> Check {
    let Some(path) = find_program("povray") else {
        let detail = "only POV-Ray scenes need it".to_owned();
        return not_ok("povray", CheckState::Missing, detail, apt("povray povray-includes"));
    };
    let version = program_version(&path, "--version", "POV-Ray").unwrap_or_default();
    if !version.starts_with("3.7") {
        let detail = format!("{} is version {version:?}; 3.7 is needed", path.display());
        return not_ok("povray", CheckState::Broken, detail, apt("povray povray-includes"));
    }
    let include = fs::canonicalize(&path)
        .ok()
        .and_then(|path| Some(path.parent()?.parent()?.join("share/povray-3.7/include")));
    if !include.is_some_and(|folder| folder.join("colors.inc").is_file()) {
        return not_ok(
            "povray",
            CheckState::Broken,
            "its include files are missing".into(),
            apt("povray-includes"),
        );
    }
    ok("povray", format!("{version} at {}", path.display()))
}

fn ffmpeg() -> Check {
    let Some(path) = find_program("ffmpeg") else {
        return not_ok(
            "ffmpeg",
            CheckState::Missing,
            "only films need it".into(),
            apt("ffmpeg"),
        );
    };
    let version = program_version(&path, "-version", "ffmpeg version").unwrap_or_default();
    let output = Command::new(&path).args(["-hide_banner", "-encoders"]).output();
    let encoders = output
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let missing: Vec<_> = ["libx264", "libvpx-vp9"]
        .into_iter()
        .filter(|name| !encoders.contains(name))
        .collect();
    if missing.is_empty() {
        return ok("ffmpeg", format!("{version} at {}", path.display()));
    }
    not_ok(
        "ffmpeg",
        CheckState::Broken,
        format!("{version} has no encoder {}", missing.join(" nor ")),
        apt("ffmpeg"),
    )
}

fn disk(store: &Store) -> Check {
    let folder: PathBuf = store
        .folder()
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("/"))
        .to_owned();
    let install = release(BLENDER_DEFAULT).filter(|_| store.usable().is_empty());
    let needed = WORK_BYTES + install.map_or(0, |release| release.download_bytes() + release.installed_bytes);
    match free_space(&folder) {
        Ok(free) if free >= needed => ok(
            "disk",
            format!("{} GB free at {}", free / 1_000_000_000, folder.display()),
        ),
        Ok(free) => {
            let detail = format!(
                "{} MB free at {}, {} MB wanted",
                free / 1_000_000,
                folder.display(),
                needed / 1_000_000
            );
            not_ok(
                "disk",
                CheckState::Broken,
                detail,
                Remedy::Do(format!(
                    "free some space, or set {STORE_VARIABLE} to a folder elsewhere"
                )),
            )
        }
        Err(error) => not_ok(
            "disk",
            CheckState::Broken,
            format!("{} cannot be measured: {error}", folder.display()),
            Remedy::Do("check the disk".into()),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn everything_that_is_not_well_has_a_remedy() {
        let root = tempfile::tempdir().unwrap();
        let found = checks(&Store::at(root.path().join("not/there/yet")));
        assert_eq!(found.len(), 8);
        for check in &found {
            assert_eq!(check.state == CheckState::Ok, check.remedy.is_none(), "{check:?}");
            assert!(!check.detail.is_empty(), "{check:?}");
        }
        let blender = found.iter().find(|check| check.name == "blender").unwrap();
        let install = Remedy::Run("rayswarm engines install blender".into());
        assert!(blender.state == CheckState::Ok || blender.remedy == Some(install));
    }

    #[test]
    fn a_python_is_missed_only_by_who_has_no_blender() {
        assert_eq!(python_check("3.11", None, true).state, CheckState::Missing);
        assert_eq!(python_check("3.11", None, false).state, CheckState::Ok);
    }

    #[test]
    fn an_untested_blender_is_named_and_not_counted() {
        let (_root, store) = crate::store::store_with(&[BLENDER_DEFAULT, "5.0.1"]);
        let found = blender(&store);
        assert_eq!(found.state, CheckState::Ok);
        let (used, unused) = found.detail.split_once("not used").unwrap();
        assert!(used.contains(BLENDER_DEFAULT) && !used.contains("5.0.1"), "{used}");
        assert!(unused.contains("5.0.1 at "), "{unused}");
    }

    #[test]
    fn what_is_offered_can_be_done_here() {
        let (_root, store) = crate::store::store_with(&[]);
        for check in checks(&store) {
            let Some(Remedy::Run(command)) = check.remedy else {
                continue;
            };
            let program = command.split_whitespace().next().unwrap();
            // The program that offers it is `rayswarm` itself.
            assert!(program == "rayswarm" || find_program(program).is_some(), "{command}");
        }
    }
}
