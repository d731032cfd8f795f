//! From verified results to finished files: merge one frame, finish it once over the whole picture, encode the film.

use super::{
    inherit, naming,
    record::JobRecord,
    refusal::{chain, failed},
};
use crate::{pixels, services::Services};
use rayswarm_api::Problem;
use rayswarm_engines::{
    EngineError, FinishRequest, Session,
    film::{self, FilmRequest},
};
use rayswarm_imaging::{Compression, EncodeError, MergeError, Merger, Part, encode};
use rayswarm_model::{Bytes, Plan, TaskSpec, settings::OutputFormat};
use std::path::{Path, PathBuf};

/// A frame could not be put together or finished.
#[derive(Debug, thiserror::Error)]
pub enum AssemblyError {
    /// A stored result does not read.
    #[error("a verified result does not read any more; the disk may be failing")]
    Pixels(#[from] pixels::PixelsError),
    /// Parts do not make a frame.
    #[error("the frame's parts do not fit together")]
    Merge(#[from] MergeError),
    /// The merged picture cannot be encoded.
    #[error("the merged picture cannot be encoded")]
    Encode(#[from] EncodeError),
    /// A file cannot be written.
    #[error("{path} cannot be written; check free space and permissions")]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The finishing engine failed.
    #[error("the frame cannot be finished")]
    Engine(#[from] EngineError),
    /// The thread that merged has ended.
    #[error("merging stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

/// Where the frames of a film are kept until it is encoded, in the job's folder.
pub const FILM_FRAMES: &str = "frames";

/// The most memory one merged frame may take: 8K with 30 float channels.
const FRAME_BYTES_MAX: Bytes = Bytes(8 << 30);

/// A verified result of a frame.
#[derive(Clone, Debug)]
pub struct VerifiedPart {
    /// Its task.
    pub task: TaskSpec,
    /// The engine's file, padding included.
    pub file: PathBuf,
}

/// Merges a frame's parts into one raw multilayer OpenEXR at `target`. A frame that is one unpadded task is that task's
/// file. Blocking.
pub fn merge(plan: &Plan, parts: &[VerifiedPart], target: &Path) -> Result<(), AssemblyError> {
    let disk = |source| AssemblyError::Disk {
        path: target.into(),
        source,
    };
    if let [only] = parts
        && only.task.tile == plan.settings.resolution.whole()
        && only.task.slice.is_whole()
    {
        std::fs::copy(&only.file, target).map_err(disk)?;
        return Ok(());
    }
    let mut merger = Merger::new(plan.settings.resolution, &plan.tiles, &plan.slices, FRAME_BYTES_MAX)?;
    for part in parts {
        let held = part.task.tile.padded(plan.tile_padding, plan.settings.resolution);
        let picture = pixels::read_held(&part.file, held)?;
        merger.add(Part {
            tile: part.task.tile,
            slice: part.task.slice,
            held,
            picture,
        })?;
    }
    let bytes = encode(&merger.finish()?, Compression::Uncompressed)?;
    std::fs::write(target, bytes).map_err(disk)
}

/// Finishes a merged frame as `output` (without extension): the files written, put in place only when whole.
pub async fn finish(
    session: &mut dyn Session,
    frame: i32,
    merged: &Path,
    output: &Path,
    format: OutputFormat,
) -> Result<Vec<PathBuf>, AssemblyError> {
    let request = FinishRequest {
        frame,
        merged: merged.into(),
        output: output.into(),
        format: format.of_frames(),
    };
    Ok(session.finish(&request).await?)
}

/// Says in one line why a frame failed.
pub fn reason(frame: i32, error: &AssemblyError) -> String {
    format!("frame {frame} could not be finished: {}", chain(error))
}

/// Encodes the finished frames of a film job, in order, into the one file the job is for.
pub async fn film_of(services: &Services, record: &JobRecord) -> Result<PathBuf, Problem> {
    let unmade = |reason: String| failed("film_not_made", format!("the film cannot be encoded: {reason}"));
    let (Some(facts), Some(format)) = (record.facts.as_ref(), record.format) else {
        return Err(unmade("the journal has lost the scene's facts".into()));
    };
    let sandbox = services.engines.sandbox().map_err(|error| unmade(chain(error)))?;
    let output = naming::film_file(&record.request.output, facts, &record.request.scene, format);
    let mut numbers = [&record.frames_inherited[..], &record.frames_finished].concat();
    numbers.sort_unstable();
    let folder = inherit::film_frames(services, record.id);
    let file = |frame| naming::frame_file(&folder, facts, &record.request.scene, frame, format.of_frames());
    let request = FilmRequest {
        sandbox: sandbox.clone(),
        frames: numbers.into_iter().map(file).collect(),
        frame_rate: facts.frame_rate,
        format,
        output: output.clone(),
        threads: services.config.local_threads,
    };
    film::encode(&request, &mut |_| {})
        .await
        .map_err(|error| unmade(chain(&error)))?;
    Ok(output)
}
