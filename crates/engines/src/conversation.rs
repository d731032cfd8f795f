//! One request to a session process and its answer (`docs/protocol/session.md`), with time-outs and progress. Shared by
//! the adapters whose sessions are processes that stay.

use crate::{engine::ProgressSink, error::EngineError, process::LineProcess};
use rayswarm_model::{Bytes, CpuTime};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The protocol's version; both sides come from one binary, so a mismatch is a mistake in packaging.
pub(crate) const PROTOCOL: u32 = 1;

/// How long a session that was asked to end may take.
const QUIT_GRACE: Duration = Duration::from_secs(2);

/// Whose sessions these are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speaker {
    /// The adapter's name, for errors.
    pub(crate) engine: &'static str,
    /// Its sessions' words for what they refuse.
    pub(crate) codes: &'static [&'static str],
}

/// A session process and its place in the protocol. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Conversation {
    speaker: Speaker,
    /// `None` once the process is gone: a request that is given up half way takes it along.
    process: Option<LineProcess>,
    silence: Duration,
    last_id: u64,
    /// What the process printed before it went.
    last_words: String,
}

/// A good answer.
pub(crate) struct Answer<T> {
    pub result: T,
    pub cpu: CpuTime,
}

impl Conversation {
    /// Waits until the session says that it is there.
    pub(crate) async fn begin(
        speaker: Speaker,
        mut process: LineProcess,
        silence: Duration,
        engine_version: &str,
    ) -> Result<Self, EngineError> {
        let hello = loop {
            // Blender's own program greets on standard output before any script can take it over.
            let Some(line) = process.next_line(silence).await? else {
                return Err(process.died().await);
            };
            if let Ok(event) = serde_json::from_str::<Event>(&line) {
                break event;
            }
        };
        match hello {
            Event::Hello {
                protocol: PROTOCOL,
                engine_version: found,
            } if found == engine_version => Ok(Self {
                speaker,
                process: Some(process),
                silence,
                last_id: 0,
                last_words: String::new(),
            }),
            other => Err(EngineError::Protocol {
                engine: speaker.engine,
                what: format!("expected protocol {PROTOCOL} of engine {engine_version}"),
                line: format!("{other:?}"),
            }),
        }
    }

    /// Sends `request` and waits for its answer. `what` names it in errors, for example `render frame 7`. When the
    /// future is dropped, or the process breaks the protocol, the process is killed.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &mut self,
        what: &str,
        request: &impl Serialize,
        progress: ProgressSink<'_>,
    ) -> Result<Answer<T>, EngineError> {
        let Some(mut process) = self.process.take() else {
            return Err(self.gone(what));
        };
        self.last_id += 1;
        let id = self.last_id;
        let request = Numbered { id, request };
        let answered = exchange(self.speaker.engine, &mut process, request, self.silence, progress).await;
        self.last_words = process.log_tail();
        let answer = match answered? {
            Event::Ok { result, cpu_millis, .. } => {
                let result = serde_json::from_value(result).map_err(|error| EngineError::Protocol {
                    engine: self.speaker.engine,
                    what: error.to_string(),
                    line: what.to_owned(),
                })?;
                Ok(Answer {
                    result,
                    cpu: CpuTime { millis: cpu_millis },
                })
            }
            Event::Error {
                kind: ErrorKind::Permanent,
                code,
                message,
                remedy,
                ..
            } => Err(EngineError::Refused {
                code: self.speaker.known_code(&code),
                message,
                remedy,
            }),
            Event::Error { message, .. } => Err(EngineError::Failed {
                engine: self.speaker.engine,
                what: what.to_owned(),
                message,
                log: self.last_words.clone(),
            }),
            other @ (Event::Hello { .. } | Event::Progress { .. }) => Err(EngineError::Protocol {
                engine: self.speaker.engine,
                what: "no answer".into(),
                line: format!("{other:?}"),
            }),
        };
        self.process = Some(process);
        answer
    }

    /// Resident memory now; zero once the process is gone.
    pub(crate) fn resident(&self) -> Bytes {
        self.process.as_ref().map_or(Bytes(0), LineProcess::resident)
    }

    /// The most resident memory so far.
    pub(crate) fn peak_resident(&self) -> Bytes {
        self.process.as_ref().map_or(Bytes(0), LineProcess::peak_resident)
    }

    /// Asks the process to end and makes sure that it does.
    pub(crate) async fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            // A process that cannot be asked any more is killed by `wait`.
            let asked = process
                .send(&Numbered {
                    id: self.last_id + 1,
                    request: &Quit { op: "quit" },
                })
                .await;
            process
                .wait(if asked.is_ok() { QUIT_GRACE } else { Duration::ZERO })
                .await;
        }
    }

    fn gone(&self, what: &str) -> EngineError {
        EngineError::Failed {
            engine: self.speaker.engine,
            what: what.to_owned(),
            message: "its session has ended; open another".into(),
            log: self.last_words.clone(),
        }
    }
}

/// What a session says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// First of all.
    Hello { protocol: u32, engine_version: String },
    /// Work goes on; thousandths done.
    Progress { id: u64, milli: u32 },
    /// Done.
    Ok {
        id: u64,
        result: serde_json::Value,
        cpu_millis: u64,
    },
    /// Not done.
    Error {
        id: u64,
        kind: ErrorKind,
        code: String,
        message: String,
        remedy: String,
    },
}

/// Whether the same request may succeed another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorKind {
    Permanent,
    Transient,
}

/// A request with its number.
#[derive(Serialize)]
struct Numbered<'a, R> {
    id: u64,
    #[serde(flatten)]
    request: &'a R,
}

/// The request to end.
#[derive(Serialize)]
struct Quit {
    op: &'static str,
}

impl Speaker {
    fn known_code(&self, code: &str) -> &'static str {
        self.codes
            .iter()
            .find(|known| **known == code)
            .copied()
            .unwrap_or("refused")
    }
}

/// Sends one request and reads events until one answers it.
async fn exchange<R: Serialize>(
    engine: &'static str,
    process: &mut LineProcess,
    request: Numbered<'_, R>,
    silence: Duration,
    progress: ProgressSink<'_>,
) -> Result<Event, EngineError> {
    process.send(&request).await?;
    loop {
        match process.receive::<Event>(silence).await? {
            Event::Progress { id, milli } if id == request.id => progress(milli.min(1000)),
            event @ (Event::Ok { id, .. } | Event::Error { id, .. }) if id == request.id => return Ok(event),
            other => {
                process.kill().await;
                return Err(EngineError::Protocol {
                    engine,
                    what: format!("expected an answer to request {}", request.id),
                    line: format!("{other:?}"),
                });
            }
        }
    }
}
