//! The process inside the sandbox: one JSON document per line in, one per line out, until it is told to end.

use super::{
    VERSION,
    scene::{Files, Scene, SceneError, network},
    wire::{Asked, Examined, Inspected, Request},
};
use crate::{
    conversation::{ErrorKind, Event, PROTOCOL},
    process::LINE_MAX,
};
use rayswarm_models::NetworkError;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::{
    fs,
    io::{self, BufRead, Read, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    sync::{Mutex, PoisonError},
};

/// Answers requests on standard input until it closes or says so. Everything it reads may be a stranger's.
pub fn serve() -> ExitCode {
    let voice = Voice(Mutex::new(io::stdout()));
    voice.say(&Event::Hello {
        protocol: PROTOCOL,
        engine_version: VERSION.into(),
    });
    let mut session = Session {
        voice: &voice,
        scene: None,
    };
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.by_ref().take(LINE_MAX as u64).read_until(b'\n', &mut line) {
            Ok(1..) => {}
            Ok(0) | Err(_) => return ExitCode::SUCCESS,
        }
        // Whoever started this process speaks the protocol; anything else is the end of it.
        let Ok(asked) = serde_json::from_slice::<Asked>(&line) else {
            return ExitCode::FAILURE;
        };
        if matches!(asked.request, Request::Quit) {
            return ExitCode::SUCCESS;
        }
        session.answer(asked);
    }
}

/// Standard output. Threads that compute tell their progress too.
struct Voice(Mutex<io::Stdout>);

impl Voice {
    fn say(&self, event: &Event) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(mut line) = serde_json::to_vec(event) else {
            return;
        };
        line.push(b'\n');
        // A parent that has gone takes this process along; there is nobody to tell.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

struct Session<'a> {
    voice: &'a Voice,
    scene: Option<Scene>,
}

/// Why a request is not answered.
struct Refusal {
    kind: ErrorKind,
    code: &'static str,
    text: String,
}

impl Session<'_> {
    fn answer(&mut self, asked: Asked) {
        let (id, before) = (asked.id, cpu_millis());
        // The library that runs networks was not made for files that mean ill.
        let answered = catch_unwind(AssertUnwindSafe(|| self.act(id, asked.request)));
        let answered = answered.unwrap_or_else(|_| {
            self.scene = None;
            Err(Refusal {
                kind: ErrorKind::Permanent,
                code: "model",
                text: "the model breaks the library that runs it; use another".into(),
            })
        });
        let event = match answered {
            Ok(result) => Event::Ok {
                id,
                result,
                cpu_millis: cpu_millis().saturating_sub(before),
            },
            Err(Refusal { kind, code, text }) => {
                let (message, remedy) = text.rsplit_once("; ").unwrap_or((&text, "mend the recipe"));
                Event::Error {
                    id,
                    kind,
                    code: code.into(),
                    message: message.into(),
                    remedy: remedy.into(),
                }
            }
        };
        self.voice.say(&event);
    }

    fn act(&mut self, id: u64, request: Request) -> Result<serde_json::Value, Refusal> {
        match request {
            Request::Examine { model } => told(&examined(Path::new(&model))?),
            Request::Inspect { scene } => told(&inspected(Path::new(&scene))?),
            Request::Open {
                scene,
                resolution,
                threads,
            } => {
                self.scene = None;
                self.scene = Some(Scene::open(Files::read(Path::new(&scene))?, resolution, threads)?);
                told(&())
            }
            Request::Render { rect, output } => {
                let scene = self.scene.as_ref().ok_or_else(|| Refusal {
                    kind: ErrorKind::Transient,
                    code: "not_open",
                    text: "no recipe is open; open one first".into(),
                })?;
                let progress = |milli| self.voice.say(&Event::Progress { id, milli });
                let bytes = scene.render(rect, &progress)?;
                fs::write(&output, bytes).map_err(|source| SceneError::File { path: output, source })?;
                told(&())
            }
            Request::Quit => told(&()),
        }
    }
}

fn examined(path: &Path) -> Result<Examined, SceneError> {
    let network = network(path)?;
    let reach = network.reach();
    Ok(Examined {
        values: network.guess_values()?,
        scale: reach.scale,
        multiple: reach.multiple,
        around: reach.around() + reach.margin,
        bytes_per_pixel: network.bytes_per_pixel(),
        statistics: network.statistics(),
    })
}

fn inspected(path: &Path) -> Result<Inspected, SceneError> {
    let files = Files::read(path)?;
    let outlook = files.outlook()?;
    Ok(Inspected {
        picture: files.picture.colours.resolution(),
        result: outlook.result,
        step: outlook.step,
        alpha: files.picture.alpha.is_some(),
        bytes: outlook.bytes,
        statistics: if outlook.from_thumbnail {
            files.network.statistics()
        } else {
            0
        },
    })
}

fn told(result: &impl Serialize) -> Result<serde_json::Value, Refusal> {
    serde_json::to_value(result).map_err(|error| Refusal {
        kind: ErrorKind::Transient,
        code: "no_file",
        text: error.to_string(),
    })
}

impl From<SceneError> for Refusal {
    fn from(error: SceneError) -> Self {
        let (kind, code) = match &error {
            SceneError::Recipe(_) | SceneError::Painter(_) => (ErrorKind::Permanent, "recipe"),
            SceneError::Network(NetworkError::Statistics(_)) => (ErrorKind::Transient, "model"),
            SceneError::Network(_) => (ErrorKind::Permanent, "model"),
            SceneError::Png(_) => (ErrorKind::Permanent, "picture"),
            SceneError::Resolution { .. } => (ErrorKind::Permanent, "resolution"),
            _ => (ErrorKind::Transient, "no_file"),
        };
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        Self { kind, code, text }
    }
}

/// CPU time of this process so far, all threads together.
fn cpu_millis() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let millis = time
        .tv_sec
        .saturating_mul(1_000)
        .saturating_add(time.tv_nsec / 1_000_000);
    u64::try_from(millis).unwrap_or(0)
}
