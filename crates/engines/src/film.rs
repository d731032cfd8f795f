//! Finished frames become a film: one `ffmpeg` process in the sandbox, at the end of a job.
//!
//! Frames go in by a pipe, so that the sandbox shows no folder however many there are. What comes out is moved in place
//! only when it is whole.

use crate::{engine::ProgressSink, error::EngineError, process::LineProcess, store::find_program};
use rayswarm_model::{scene::FrameRate, settings::OutputFormat};
use rayswarm_sandbox::{Bind, Limits, Sandbox, SandboxSpec, claim_file};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, process::ChildStdin};

const NAME: &str = "ffmpeg";
const OUT: &str = "/out";

/// An hour of 8K is some 50 GB.
const FILM_BYTES_MAX: u64 = 64 << 30;

/// Encoders hold dozens of frames; 8K ones of 100 MB each.
const ADDRESS_SPACE: u64 = 16 << 30;

/// No frame takes longer than this, and ffmpeg reports twice a second.
const SILENCE: Duration = Duration::from_secs(300);

/// Writing the index of a long film at its front means copying it once.
const EXIT_LIMIT: Duration = Duration::from_secs(300);

/// What to encode.
#[derive(Clone, Debug)]
pub struct FilmRequest {
    /// Where ffmpeg runs.
    pub sandbox: Sandbox,
    /// PNG files in order, all of one size.
    pub frames: Vec<PathBuf>,
    /// Frames per second.
    pub frame_rate: FrameRate,
    /// MP4 (H.264) or WebM (VP9).
    pub format: OutputFormat,
    /// The film on this machine; its folder exists. An older one is replaced.
    pub output: PathBuf,
    /// Encoder threads.
    pub threads: u32,
}

/// Encodes a film. `progress` gets thousandths done. Dropping the future kills ffmpeg and leaves nothing behind.
pub async fn encode(request: &FilmRequest, progress: ProgressSink<'_>) -> Result<(), EngineError> {
    let codec = codec(request.format)?;
    for frame in &request.frames {
        fs::metadata(frame).map_err(EngineError::file("opening", frame))?;
    }
    let program = program()?;
    let work = WorkFolder::beside(&request.output)?;
    let file = format!("film.{}", request.format.extension());
    let mut process = LineProcess::start(NAME, &request.sandbox, spec(request, &program, &work, codec, &file)).await?;
    let input = process.take_input();
    let total = request.frames.len().max(1);
    let report = |done: usize| u32::try_from(done.min(total) * 1000 / total).unwrap_or(1000);
    let (fed, read) = tokio::join!(feed(input, &request.frames), async {
        while let Some(line) = process.next_line(SILENCE).await? {
            if let Some(done) = line.strip_prefix("frame=").and_then(|count| count.trim().parse().ok()) {
                progress(report(done));
            }
        }
        Ok::<(), EngineError>(())
    });
    read?;
    let ended = process.wait(EXIT_LIMIT).await;
    if !ended.success() {
        let log = process.log_tail();
        return Err(EngineError::Failed {
            engine: NAME,
            what: "encode the film".into(),
            message: ended.to_string(),
            log,
        });
    }
    // What ffmpeg has to say is worth more than a pipe it closed.
    fed?;
    claim_file(&work.0, &file, &request.output, FILM_BYTES_MAX)?;
    progress(1000);
    Ok(())
}

/// The encoder of this machine. Worth asking before anything is rendered for a film.
pub fn program() -> Result<PathBuf, EngineError> {
    let found = find_program(NAME).and_then(|path| fs::canonicalize(path).ok());
    found.ok_or_else(|| EngineError::NotInstalled {
        engine: NAME,
        version: "of any version".into(),
        remedy: "apt-get install ffmpeg".into(),
    })
}

/// Writes every frame into the pipe and closes it.
async fn feed(input: Option<ChildStdin>, frames: &[PathBuf]) -> Result<(), EngineError> {
    let Some(mut input) = input else { return Ok(()) };
    for frame in frames {
        let bytes = tokio::fs::read(frame)
            .await
            .map_err(EngineError::file("reading", frame))?;
        input
            .write_all(&bytes)
            .await
            .map_err(EngineError::file("encoding", frame))?;
    }
    Ok(())
}

/// The encoder's arguments: visually lossless, quick enough, played everywhere.
fn codec(format: OutputFormat) -> Result<&'static [&'static str], EngineError> {
    match format {
        OutputFormat::Mp4 => Ok(&[
            "-c:v",
            "libx264",
            "-preset",
            "medium",
            "-crf",
            "18",
            "-movflags",
            "+faststart",
        ]),
        OutputFormat::Webm => Ok(&[
            "-c:v",
            "libvpx-vp9",
            "-crf",
            "24",
            "-b:v",
            "0",
            "-row-mt",
            "1",
            "-cpu-used",
            "2",
        ]),
        other => Err(EngineError::Refused {
            code: "not_a_film",
            message: format!("{} is no film format", other.extension()),
            remedy: "use --format mp4 or --format webm".into(),
        }),
    }
}

fn spec(request: &FilmRequest, program: &Path, work: &WorkFolder, codec: &[&str], file: &str) -> SandboxSpec {
    let FrameRate { numerator, denominator } = request.frame_rate;
    let rate = format!("{}/{}", numerator.max(1), denominator.max(1));
    let threads = request.threads.clamp(1, 64).to_string();
    // 4:2:0 needs even sides, so an odd picture gets one more column or row. sRGB is told apart from video's own colours.
    let filter = "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p";
    let mut args = vec![
        "-hide_banner",
        "-nostdin",
        "-loglevel",
        "error",
        "-nostats",
        "-progress",
        "pipe:1",
    ];
    args.extend([
        "-f",
        "image2pipe",
        "-c:v",
        "png",
        "-framerate",
        &rate,
        "-i",
        "pipe:0",
        "-vf",
        filter,
    ]);
    args.extend(codec);
    args.extend([
        "-threads",
        &threads,
        "-colorspace",
        "bt709",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
    ]);
    let target = format!("{OUT}/{file}");
    args.extend(["-y", &target]);
    let mut spec = SandboxSpec::new(program);
    spec.args = args.into_iter().map(OsString::from).collect();
    spec.binds = vec![Bind::writable(&work.0, OUT)];
    if !program.starts_with("/usr") {
        spec.binds.push(Bind::read_only(program, program));
    }
    spec.limits = Limits {
        address_space: Some(ADDRESS_SPACE),
        file_size: FILM_BYTES_MAX,
        disk: FILM_BYTES_MAX,
        ..Limits::default()
    };
    spec
}

/// A folder beside the film, on the same file system, gone when the encoding is over. Its name is the film's, so that
/// what a killed node left is swept by the next attempt.
struct WorkFolder(PathBuf);

impl WorkFolder {
    fn beside(film: &Path) -> Result<Self, EngineError> {
        let name = film.file_name().unwrap_or_default().to_string_lossy();
        let work = Self(film.with_file_name(format!(".{name}.rayswarm")));
        work.remove();
        fs::create_dir(&work.0).map_err(EngineError::file("making", &work.0))?;
        Ok(work)
    }

    fn remove(&self) {
        // Not there is as good; a leftover is hidden and harmless.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        self.remove();
    }
}
