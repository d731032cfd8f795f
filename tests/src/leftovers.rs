//! What a job must not leave on disk once it is over, on whichever node.

use anyhow::bail;
use std::path::Path;

/// Ends of names that only half-written files have.
const UNFINISHED: [&str; 3] = [".part", ".tmp", ".claimed"];
/// Starts of names that only a session's own files and folders have.
const OF_SESSIONS: [&str; 2] = ["session-", "task-"];
/// Folders that a requestor has for a job while it works on it.
const WORKING: [&str; 4] = ["results", "merged", "scratch", "frames"];

/// No working folder of the job `job`, no half-written file and nothing of a session below `folder`.
///
/// # Errors
/// Names the first that is there.
pub fn no_temporary_files(folder: &Path, job: &str) -> anyhow::Result<()> {
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let unfinished = UNFINISHED.iter().any(|end| name.ends_with(end));
            let of_session = OF_SESSIONS.iter().any(|start| name.starts_with(start));
            let of_provider = name == job && folder.ends_with("provider");
            let working = WORKING.contains(&name.as_str()) && folder.ends_with(job);
            if unfinished || of_session || of_provider || working {
                bail!("{} is left", path.display());
            }
            if entry.file_type()?.is_dir() {
                waiting.push(path);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_left_is_named() {
        for (left, is_left) in [
            ("requestor/jobs/abc/plan.bin", false),
            ("provider-1/provider/abc/files", true),
            ("provider-1/probes/blender.json", false),
            ("requestor/jobs/abc/results/1.exr", true),
            ("requestor/jobs/abc/scratch/finishing/session-7-0/merged.exr", true),
            ("requestor/jobs/abc/finishing.claimed", true),
            ("requestor/daemon.json.tmp", true),
            ("out/frame_0001.png.part", true),
            ("out/frame_0001.png", false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(left);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
            assert_eq!(no_temporary_files(folder.path(), "abc").is_err(), is_left, "{left}");
        }
    }
}
