//! The session of one scene.

use super::{
    NAME,
    speaker::SPEAKER,
    start::{WORK, start},
    wire::{Finished, Opened, Request},
};
use crate::{
    conversation::{Answer, Conversation},
    engine::{FinishRequest, ProgressSink, RawResult, RenderRequest, Session, SessionRequest},
    error::EngineError,
    store::BlenderInstall,
    work_folder::WorkFolder,
};
use async_trait::async_trait;
use rayswarm_model::{Bytes, Resolution, settings::Device};
use rayswarm_sandbox::{Sandbox, claim_file};
use serde::de::IgnoredAny;
use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The largest result taken from a session.
const RESULT_BYTES_MAX: u64 = 6 << 30;
/// A warm Blender.
pub(super) struct BlenderSession {
    conversation: Conversation,
    /// What the session may write to; results are claimed from there.
    work: WorkFolder,
    scratch: PathBuf,
    resolution: Resolution,
    device: Device,
}

impl BlenderSession {
    /// Starts a process and loads the scene.
    pub(super) async fn open(
        install: &BlenderInstall,
        sandbox: &Sandbox,
        request: SessionRequest,
    ) -> Result<Self, EngineError> {
        let work = WorkFolder::make(&request.scratch)?;
        let limits = &request.limits;
        let process = start(
            install,
            sandbox,
            &request.files,
            Some(work.path()),
            request.purpose,
            limits,
        )
        .await?;
        let mut conversation = Conversation::begin(SPEAKER, process, limits.silence, &install.version).await?;
        let open = Request::Open {
            purpose: request.purpose,
            scene: &request.scene,
            settings: &request.settings,
            threads: limits.threads.max(1),
            device: limits.device,
        };
        let opened: Answer<Opened> = conversation.ask("open the scene", &open, &mut |_| {}).await?;
        let device = opened.result.device.into();
        tracing::debug!(
            cpu_ms = opened.cpu.millis,
            scene = request.scene,
            ?device,
            "scene opened"
        );
        Ok(Self {
            conversation,
            work,
            scratch: request.scratch,
            resolution: request.settings.resolution,
            device,
        })
    }
}

#[async_trait]
impl Session for BlenderSession {
    async fn render(&mut self, request: &RenderRequest, progress: ProgressSink<'_>) -> Result<RawResult, EngineError> {
        let task = &request.task;
        let rect = task.tile.padded(request.padding, self.resolution);
        let name = format!("task-{}.exr", task.id.0);
        let ask = Request::Render {
            frame: task.frame,
            rect,
            slice: task.slice,
            play_from: request.play_from,
            output: format!("{WORK}/{name}"),
        };
        let what = format!("render frame {}", task.frame);
        let answer: Answer<IgnoredAny> = self.conversation.ask(&what, &ask, progress).await?;
        let picture = self.scratch.join(&name);
        claim_file(self.work.path(), &name, &picture, RESULT_BYTES_MAX)?;
        Ok(RawResult {
            picture,
            rect,
            cpu: answer.cpu,
            peak_memory: self.conversation.peak_resident(),
        })
    }

    async fn finish(&mut self, request: &FinishRequest) -> Result<Vec<PathBuf>, EngineError> {
        let merged = self.work.path().join("merged.exr");
        lend(&request.merged, &merged)?;
        let ask = Request::Finish {
            frame: request.frame,
            merged: format!("{WORK}/merged.exr"),
            output: format!("{WORK}/finished"),
            format: request.format.of_frames(),
        };
        let what = format!("finish frame {}", request.frame);
        let answer = self.conversation.ask::<Finished>(&what, &ask, &mut |_| {}).await;
        fs::remove_file(&merged).map_err(EngineError::file("removing", &merged))?;
        answer?
            .result
            .files
            .iter()
            .map(|inside| self.deliver(inside, &request.output))
            .collect()
    }

    fn resident(&self) -> Bytes {
        self.conversation.resident()
    }

    fn device(&self) -> Device {
        self.device
    }

    async fn close(mut self: Box<Self>) {
        self.conversation.end().await;
    }
}

impl BlenderSession {
    /// Takes a finished file out of the session and puts it at `output` with its extension.
    fn deliver(&self, inside: &str, output: &Path) -> Result<PathBuf, EngineError> {
        let name = inside.strip_prefix(WORK).and_then(|rest| rest.strip_prefix('/'));
        let extension = name.and_then(|name| Path::new(name).extension()?.to_str());
        let (Some(name), Some(extension)) = (name, extension) else {
            return Err(EngineError::Protocol {
                engine: NAME,
                what: "a finished file is not where it belongs".into(),
                line: inside.into(),
            });
        };
        let claimed = self.work.path().with_extension("claimed");
        claim_file(self.work.path(), name, &claimed, RESULT_BYTES_MAX)?;
        let target = with_suffix(output, &format!(".{extension}"));
        place(&claimed, &target)?;
        fs::remove_file(&claimed).map_err(EngineError::file("removing", &claimed))?;
        Ok(target)
    }
}

/// Copies `from` to `target` whole or not at all, on whatever file system that is; half a copy is taken away again.
fn place(from: &Path, target: &Path) -> Result<(), EngineError> {
    let part = with_suffix(target, ".part");
    let copied = fs::copy(from, &part).and_then(|_| fs::rename(&part, target));
    if copied.is_err() {
        // The first error is the one worth telling.
        let _ = fs::remove_file(&part);
    }
    copied.map_err(EngineError::file("writing", target))
}

/// `path` with `suffix` after its last character: a frame's name may have dots of its own.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies a file of ours to where the session can read it. A link would let it write to ours.
fn lend(from: &Path, to: &Path) -> Result<(), EngineError> {
    fs::copy(from, to).map_err(EngineError::file("reading", from))?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o644)).map_err(EngineError::file("lending", to))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_that_cannot_be_placed_leaves_nothing_half() {
        let folder = tempfile::tempdir().unwrap();
        let (from, target) = (folder.path().join("claimed"), folder.path().join("frame.png"));
        fs::write(&from, "picture").unwrap();
        // A folder of that name is in the way, so that the copy succeeds and the renaming does not.
        fs::create_dir(&target).unwrap();
        assert!(place(&from, &target).is_err());
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(
            !left.iter().any(|name| name.to_string_lossy().ends_with(".part")),
            "{left:?}"
        );
        fs::remove_dir(&target).unwrap();
        place(&from, &target).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"picture");
    }
}
