//! One request and its answer, with time-outs and progress.

use super::{
    NAME,
    wire::{ErrorKind, Event, Numbered, PROTOCOL, Request},
};
use crate::{engine::ProgressSink, error::EngineError, process::LineProcess};
use rayswarm_model::{Bytes, CpuTime};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long a session that was asked to end may take.
const QUIT_GRACE: Duration = Duration::from_secs(2);

/// A session process and its place in the protocol. Dropping it kills the process.
#[derive(Debug)]
pub(super) struct Conversation {
    /// `None` once the process is gone: a request that is given up half way takes it along.
    process: Option<LineProcess>,
    silence: Duration,
    last_id: u64,
    /// What the process printed before it went.
    last_words: String,
}

/// A good answer.
pub(super) struct Answer<T> {
    pub result: T,
    pub cpu: CpuTime,
}

impl Conversation {
    /// Waits until the session says that it is there.
    pub(super) async fn begin(
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
                process: Some(process),
                silence,
                last_id: 0,
                last_words: String::new(),
            }),
            other => Err(EngineError::Protocol {
                engine: NAME,
                what: format!("expected protocol {PROTOCOL} of engine {engine_version}"),
                line: format!("{other:?}"),
            }),
        }
    }

    /// Sends `request` and waits for its answer. `what` names it in errors, for example `render frame 7`. When the future
    /// is dropped, or the process breaks the protocol, the process is killed.
    pub(super) async fn ask<T: DeserializeOwned>(
        &mut self,
        what: &str,
        request: &Request<'_>,
        progress: ProgressSink<'_>,
    ) -> Result<Answer<T>, EngineError> {
        let Some(mut process) = self.process.take() else {
            return Err(self.gone(what));
        };
        self.last_id += 1;
        let id = self.last_id;
        let answered = exchange(&mut process, Numbered { id, request }, self.silence, progress).await;
        self.last_words = process.log_tail();
        let answer = match answered? {
            Event::Ok { result, cpu_millis, .. } => {
                let result = serde_json::from_value(result).map_err(|error| EngineError::Protocol {
                    engine: NAME,
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
                code: known_code(&code),
                message,
                remedy,
            }),
            Event::Error { message, .. } => Err(EngineError::Failed {
                engine: NAME,
                what: what.to_owned(),
                message,
                log: self.last_words.clone(),
            }),
            other @ (Event::Hello { .. } | Event::Progress { .. }) => Err(EngineError::Protocol {
                engine: NAME,
                what: "no answer".into(),
                line: format!("{other:?}"),
            }),
        };
        self.process = Some(process);
        answer
    }

    /// Resident memory now; zero once the process is gone.
    pub(super) fn resident(&self) -> Bytes {
        self.process.as_ref().map_or(Bytes(0), LineProcess::resident)
    }

    /// The most resident memory so far.
    pub(super) fn peak_resident(&self) -> Bytes {
        self.process.as_ref().map_or(Bytes(0), LineProcess::peak_resident)
    }

    /// Asks the process to end and makes sure that it does.
    pub(super) async fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            // A process that cannot be asked any more is killed by `wait`.
            let asked = process
                .send(&Numbered {
                    id: self.last_id + 1,
                    request: &Request::Quit,
                })
                .await;
            process
                .wait(if asked.is_ok() { QUIT_GRACE } else { Duration::ZERO })
                .await;
        }
    }

    fn gone(&self, what: &str) -> EngineError {
        EngineError::Failed {
            engine: NAME,
            what: what.to_owned(),
            message: "its session has ended; open another".into(),
            log: self.last_words.clone(),
        }
    }
}

/// Sends one request and reads events until one answers it.
async fn exchange(
    process: &mut LineProcess,
    request: Numbered<'_>,
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
                    engine: NAME,
                    what: format!("expected an answer to request {}", request.id),
                    line: format!("{other:?}"),
                });
            }
        }
    }
}

/// The session's words for what it refuses (`engines/blender`), as words of this program.
const CODES: [&str; 13] = [
    "not_found",
    "not_a_blend",
    "truncated",
    "newer_file",
    "unreadable",
    "renderer",
    "no_camera",
    "no_device",
    "missing_files",
    "not_open",
    "unknown_op",
    "format",
    "finish_failed",
];

fn known_code(code: &str) -> &'static str {
    CODES.into_iter().find(|known| *known == code).unwrap_or("refused")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_the_session_refuses_with_is_known() {
        let sources = concat!(
            include_str!("../../../../engines/blender/header.py"),
            include_str!("../../../../engines/blender/load.py"),
            include_str!("../../../../engines/blender/settings.py"),
            include_str!("../../../../engines/blender/session.py"),
            include_str!("../../../../engines/blender/tile.py"),
            include_str!("../../../../engines/blender/finish.py"),
            include_str!("../../../../engines/blender/formats.py"),
        );
        let words: Vec<_> = sources
            .split("Refused(")
            .skip(1)
            .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
            .filter(|(_, rest)| !rest[..rest.find("\n\n").unwrap_or(rest.len())].contains("\"transient\""))
            .map(|(word, _)| word)
            .collect();
        assert!(words.len() > 8, "{words:?}");
        for word in words {
            assert_eq!(known_code(word), word);
        }
    }
}
