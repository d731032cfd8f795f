//! Programs as the system has them: POV-Ray, ffmpeg, and a Blender that somebody installed by hand.

use super::{BlenderInstall, BlenderKind};
use rayswarm_sandbox::Bind;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A program on `PATH` and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemProgram {
    /// Where it is, links resolved.
    pub path: PathBuf,
    /// Its version as it prints it, for example `3.7.0.10.unofficial`.
    pub version: String,
}

/// The first executable file called `name` on `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let executable = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(executable)
}

/// The word after `before` in what `program argument` prints, on either stream.
pub fn program_version(program: &Path, argument: &str, before: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    word_after(&stdout, before).or_else(|| word_after(&stderr, before))
}

/// The first word of `text` that follows `before` at the start of a line.
fn word_after(text: &str, before: &str) -> Option<String> {
    let rest = text
        .lines()
        .find_map(|line| line.strip_prefix(before)?.strip_prefix(' '))?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// The `blender` on `PATH`, if there is one.
pub fn blender_on_path() -> Option<BlenderInstall> {
    let program = fs::canonicalize(find_program("blender")?).ok()?;
    let version = program_version(&program, "--version", "Blender")?;
    // A downloaded Blender keeps its libraries and data beside the program; a packaged one lives in /usr.
    let folder = program.parent().filter(|_| !program.starts_with("/usr"));
    let binds = folder
        .map(|folder| Bind::read_only(folder, folder))
        .into_iter()
        .collect();
    Some(BlenderInstall {
        version,
        kind: BlenderKind::Program,
        program,
        binds,
        folder: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_programs_print_them() {
        let cases = [
            ("Blender 4.5.15 LTS\n\tbuild date: 2026", "Blender", Some("4.5.15")),
            (
                "warning\nPOV-Ray 3.7.0.10.unofficial\n",
                "POV-Ray",
                Some("3.7.0.10.unofficial"),
            ),
            (
                "ffmpeg version 5.1.9-0+deb12u1 Copyright (c)",
                "ffmpeg version",
                Some("5.1.9-0+deb12u1"),
            ),
            ("Blenderer 1", "Blender", None),
            ("", "Blender", None),
        ];
        for (text, before, version) in cases {
            assert_eq!(word_after(text, before).as_deref(), version, "{text}");
        }
    }
}
