//! Running one POV-Ray process and reading what it says while it works.

use super::{
    NAME, PovRay,
    command::{Job, WorkFolder},
};
use crate::{engine::ProgressSink, error::EngineError, process::LineProcess};
use rayswarm_model::{Bytes, CpuTime, Rect};
use std::{collections::VecDeque, time::Duration};

/// Lines kept for error messages.
const LOG_LINES_MAX: usize = 40;

/// How long a process that has said its last may take to end.
const EXIT_LIMIT: Duration = Duration::from_secs(10);

/// What a process that ended well has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) cpu: CpuTime,
    pub(crate) peak_memory: Bytes,
}

/// Renders `rect` of `frame` into `work`.
pub(crate) async fn render(
    engine: &PovRay,
    job: &Job,
    work: &WorkFolder,
    frame: i32,
    rect: Rect,
    progress: ProgressSink<'_>,
) -> Result<Used, EngineError> {
    let spec = job.spec(engine, work, frame, rect)?;
    let mut process = LineProcess::start(NAME, &engine.sandbox, spec).await?;
    process.close_input();
    let mut told = Told::default();
    while let Some(line) = process.next_line(job.limits.silence).await? {
        if let Some(permille) = told.read(&line) {
            progress(permille);
        }
    }
    let (cpu, peak_memory) = (process.cpu_time(), process.peak_resident());
    let ended = process.wait(EXIT_LIMIT).await;
    // A process shorter than the watch's first look is known by its own account only.
    let cpu = cpu.max(told.cpu);
    match (ended.success(), told.error()) {
        (true, _) => Ok(Used { cpu, peak_memory }),
        (false, Some(message)) => Err(EngineError::Failed {
            engine: NAME,
            what: format!("render frame {frame}"),
            message,
            log: String::new(),
        }),
        (false, None) => Err(EngineError::Died {
            engine: NAME,
            ended,
            log: told.log(),
        }),
    }
}

/// What a process has told so far.
#[derive(Debug, Default)]
struct Told {
    cpu: CpuTime,
    log: VecDeque<String>,
}

impl Told {
    /// Takes a line; returns thousandths done if it says so.
    fn read(&mut self, line: &str) -> Option<u32> {
        if let Some(permille) = permille(line) {
            return Some(permille);
        }
        self.cpu = self.cpu.plus(cpu_seconds(line).unwrap_or_default());
        let line = line.trim_end();
        if !line.is_empty() {
            // Messages are wrapped at 80 columns; what continues one begins with a space.
            match self.log.back_mut() {
                Some(last) if line.starts_with(' ') && last.starts_with("File ") => last.push_str(line),
                _ => self.log.push_back(line.to_owned()),
            }
        }
        if self.log.len() > LOG_LINES_MAX {
            self.log.pop_front();
        }
        None
    }

    /// The error in the scene, as POV-Ray words it.
    fn error(&self) -> Option<String> {
        let is_error = |line: &&String| line.starts_with("File ") && line.contains("Error:");
        let errors: Vec<_> = self.log.iter().filter(is_error).map(String::as_str).collect();
        (!errors.is_empty()).then(|| errors.join(" "))
    }

    fn log(&self) -> String {
        self.log.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// `Rendered 1024 of 76800 pixels (1%)` in thousandths.
fn permille(line: &str) -> Option<u32> {
    let (done, rest) = line.trim_start().strip_prefix("Rendered ")?.split_once(" of ")?;
    let (done, total) = (done.parse::<u64>().ok()?, rest.split_once(' ')?.0.parse::<u64>().ok()?);
    u32::try_from((done.min(total) * 1000).checked_div(total)?).ok()
}

/// `using 2 thread(s) with 0.246 CPU-seconds total`.
fn cpu_seconds(line: &str) -> Option<CpuTime> {
    let (before, _) = line.split_once(" CPU-seconds")?;
    let seconds: f64 = before.rsplit(' ').next()?.parse().ok()?;
    // Saturates on nonsense, and rounds down as a clock does.
    Some(CpuTime {
        millis: (seconds * 1e3) as u64,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        engine::{SceneFile, SessionLimits},
        povray::settings::Settings,
    };
    use rayswarm_model::{Resolution, settings::Device};
    use rayswarm_sandbox::{Ended, Sandbox, StopReason};
    use std::collections::BTreeSet;

    #[tokio::test]
    async fn a_scene_that_talks_without_end_outlives_its_silence_but_not_its_lifetime() {
        let Some(engine) = PovRay::detect(&Sandbox::detect().unwrap()) else {
            panic!("POV-Ray 3.7 is not installed; run: apt-get install povray povray-includes")
        };
        let folder = tempfile::tempdir().unwrap();
        let scene = folder.path().join("main.pov");
        std::fs::write(&scene, "#while(1) #debug \"working\\n\" #end").unwrap();
        let resolution = Resolution { width: 8, height: 8 };
        let lifetime = Duration::from_secs(1);
        let job = Job {
            scene: "/scene/main.pov".into(),
            files: vec![SceneFile {
                host: scene,
                inside: "/scene/main.pov".into(),
            }],
            settings: Settings::resolve("", &[]).unwrap(),
            resolution,
            features: BTreeSet::new(),
            limits: SessionLimits {
                threads: 1,
                memory: Bytes(2 << 30),
                nice: 0,
                device: Device::Cpu,
                silence: Duration::from_secs(900),
            },
            lifetime: Some(lifetime),
        };
        let work = WorkFolder::make(folder.path()).unwrap();
        let used = render(&engine, &job, &work, 1, resolution.whole(), &mut |_| {}).await;
        let Err(EngineError::Died { ended, log, .. }) = used else {
            panic!("{used:?}")
        };
        assert_eq!(ended, Ended::Stopped(StopReason::Lifetime(lifetime)));
        assert!(log.contains("working"), "{log}");
    }

    #[test]
    fn progress_and_times_are_read_as_printed() {
        let mut told = Told::default();
        assert_eq!(told.read("Rendered 1024 of 76800 pixels (1%)"), Some(13));
        assert_eq!(told.read("Rendered 76800 of 76800 pixels (100%)"), Some(1000));
        assert_eq!(told.read("Rendered x of 0 pixels"), None);
        assert_eq!(told.read("Rendered 0 of 0 pixels"), None);
        told.read("              using 1 thread(s) with 0.005 CPU-seconds total");
        told.read("              using 2 thread(s) with 1.250 CPU-seconds total");
        assert_eq!(told.cpu, CpuTime { millis: 1255 });
    }

    #[test]
    fn a_wrapped_error_is_one_message() {
        let mut told = Told::default();
        told.read("==== [Parsing...] ====");
        told.read("File 'bad.pov' line 1: Parse Error: Cannot open include");
        told.read(" file nope.inc.");
        told.read("Fatal error in parser: Cannot parse input.");
        assert_eq!(
            told.error().as_deref(),
            Some("File 'bad.pov' line 1: Parse Error: Cannot open include file nope.inc.")
        );
    }
}
