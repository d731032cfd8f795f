//! The order of a session: every environment is entered once, then tasks run one after another, then all that was entered
//! is left in reverse. Whoever runs the commands asks for the next one, hands in their lines, and says how each ended.
//!
//! An environment counts as entered from the moment its command starts: one that fails on entering is left like any other.

use crate::{
    action::{Place, Script, Way},
    error::OpenJdError,
    job::{EnvironmentId, Job, StepId},
    limits,
    message::{self, Message, Redactor},
};
use rayswarm_model::TaskId;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// One session of one step.
#[derive(Debug)]
pub struct Session {
    job: Arc<Job>,
    place: Place,
    /// What every command has, whatever environments say.
    base: BTreeMap<String, String>,
    waiting: VecDeque<EnvironmentId>,
    entered: Vec<Entered>,
    scripts: u64,
    redactor: Redactor,
    running: Option<Running>,
}

/// An environment that was entered and what it changed.
#[derive(Debug)]
struct Entered {
    id: EnvironmentId,
    /// `None` takes a variable away.
    changes: BTreeMap<String, Option<String>>,
}

/// The command that runs.
#[derive(Debug, Default)]
struct Running {
    /// The environment whose variables it may change.
    of: Option<EnvironmentId>,
    /// What it gave as the reason, last, should it fail.
    reason: Option<String>,
    /// A change of variables that was not understood: it fails whatever it does.
    broken: Option<String>,
}

/// The next command, with what it runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// What it is, for people: `entering Tools`, `Render Frame=7`.
    pub title: String,
    /// The command and its files.
    pub script: Script,
    /// Its whole environment, in order of the names.
    pub variables: Vec<(String, String)>,
}

/// What a line of output means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The line as it may be shown.
    pub line: String,
    /// Thousandths done.
    pub progress: Option<u32>,
    /// What is being done.
    pub status: Option<String>,
    /// The command must be ended: it changed variables in a way that cannot be understood.
    pub end: bool,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(i32),
    /// It took longer than it may.
    TimedOut,
    /// It was ended because somebody wanted it.
    Cancelled,
    /// Its process is gone, or was never there: why.
    Lost(String),
}

impl Session {
    /// A session of `step` in which nothing has run. `base` are variables of the machine: a path to programs, for one.
    pub fn new(job: Arc<Job>, step: StepId, place: Place, base: BTreeMap<String, String>) -> Self {
        Self {
            waiting: job.environments_of(step).into(),
            job,
            place,
            base,
            entered: Vec::new(),
            scripts: 0,
            redactor: Redactor::default(),
            running: None,
        }
    }

    /// Where its folders lie.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The next environment's command on entering; `None` when all are entered.
    pub fn enter(&mut self) -> Result<Option<Next>, OpenJdError> {
        while let Some(id) = self.waiting.pop_front() {
            let variables = self.job.environment_variables(id, &self.place)?;
            self.entered.push(Entered {
                id,
                changes: variables.into_iter().map(|(name, value)| (name, Some(value))).collect(),
            });
            let folder = self.folder();
            if let Some(script) = self.job.environment_script(id, Way::Enter, &self.place, &folder)? {
                let title = format!("entering {}", self.job.environment_name(id));
                return Ok(Some(self.start(Some(id), title, script)));
            }
        }
        Ok(None)
    }

    /// A task's command.
    pub fn task(&mut self, id: TaskId) -> Result<Next, OpenJdError> {
        let folder = self.folder();
        let script = self.job.task_script(id, &self.place, &folder)?;
        Ok(self.start(None, title(&self.job, id), script))
    }

    /// The command on leaving the environment that was entered last; `None` when all are left. After an error the next
    /// call goes on with the environment around it.
    pub fn exit(&mut self) -> Result<Option<Next>, OpenJdError> {
        self.waiting.clear();
        while let Some(entered) = self.entered.last() {
            let id = entered.id;
            let folder = self.folder();
            let script = self.job.environment_script(id, Way::Exit, &self.place, &folder);
            let Ok(Some(script)) = script else {
                self.entered.pop();
                script?;
                continue;
            };
            let title = format!("leaving {}", self.job.environment_name(id));
            let next = self.start(Some(id), title, script);
            // Its variables are there for its own last command and for none after it.
            self.entered.pop();
            return Ok(Some(next));
        }
        Ok(None)
    }

    /// What a line of the running command's output means.
    pub fn hear(&mut self, line: &str) -> Heard {
        let message = message::parse(line);
        if let Some(Message::Set {
            value, hidden: true, ..
        }) = &message
        {
            self.redactor.hide(value);
        }
        let mut heard = Heard {
            line: self.redactor.shown(line),
            ..Heard::default()
        };
        match message {
            None => {}
            Some(Message::Progress(permille)) => heard.progress = Some(permille),
            Some(Message::Status(text)) => heard.status = Some(self.redactor.shown(&text)),
            Some(Message::Fail(text)) => {
                let text = self.redactor.shown(&text);
                self.running.get_or_insert_default().reason = Some(text);
            }
            Some(Message::Unusable(why)) => heard.line.push_str(&format!(" (of no effect: {why})")),
            Some(Message::Broken(why)) => {
                heard.end = true;
                let why = self.redactor.shown(&format!("{line:?} changes no variable: {why}"));
                self.running.get_or_insert_default().broken.get_or_insert(why);
            }
            Some(Message::Set { name, value, hidden }) => {
                if hidden && !self.job.hides_variables() {
                    heard
                        .line
                        .push_str(" (of no effect: the template does not name the extension REDACTED_ENV_VARS)");
                } else {
                    self.change(&name, Some(value), &mut heard);
                }
            }
            Some(Message::Unset(name)) => self.change(&name, None, &mut heard),
        }
        heard
    }

    /// The running command has ended. Says why it failed, if it did.
    pub fn ended(&mut self, how: &Ended) -> Result<(), String> {
        let Running { reason, broken, .. } = self.running.take().unwrap_or_default();
        match how {
            Ended::Lost(why) => Err(self.redactor.shown(why)),
            _ if broken.is_some() => Err(broken.unwrap_or_default()),
            Ended::Exited(0) => Ok(()),
            Ended::Exited(code) => Err(reason.unwrap_or_else(|| reason_of(*code))),
            Ended::TimedOut => Err("it took longer than its timeout allows".into()),
            Ended::Cancelled => Err(reason.unwrap_or_else(|| "it was cancelled".into())),
        }
    }

    /// The variables of the next command, in order of their names.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut all = self.base.clone();
        for (name, value) in self.entered.iter().flat_map(|entered| &entered.changes) {
            match value {
                Some(value) => all.insert(name.clone(), value.clone()),
                None => all.remove(name),
            };
        }
        all.into_iter().collect()
    }

    fn start(&mut self, of: Option<EnvironmentId>, title: String, script: Script) -> Next {
        self.running = Some(Running {
            of,
            ..Running::default()
        });
        Next {
            title,
            script,
            variables: self.variables(),
        }
    }

    /// A folder for one script's files that no other has.
    fn folder(&mut self) -> String {
        self.scripts += 1;
        format!("{}/{}", self.place.files, self.scripts)
    }

    /// A variable changes for as long as the environment lives whose command runs. Tasks cannot change any.
    fn change(&mut self, name: &str, value: Option<String>, heard: &mut Heard) {
        let of = self.running.as_ref().and_then(|running| running.of);
        let known: usize = self.entered.iter().map(|entered| entered.changes.len()).sum();
        let entered = self.entered.last_mut().filter(|entered| Some(entered.id) == of);
        match entered {
            None => heard
                .line
                .push_str(" (of no effect: only a command that enters an environment changes variables)"),
            Some(_) if known >= limits::VARIABLES_MAX => heard.line.push_str(" (of no effect: there are too many)"),
            Some(entered) => {
                entered.changes.insert(name.to_owned(), value);
            }
        }
    }
}

/// A task as people see it: its step and its values.
pub fn title(job: &Job, id: TaskId) -> String {
    let Some(task) = job.task(id) else {
        return id.to_string();
    };
    let step = job.step(task.step).map_or("", |step| step.name());
    format!("{step} {task}").trim_end().to_owned()
}

fn reason_of(code: i32) -> String {
    match code {
        126 => "its program cannot be run (exit code 126)".into(),
        127 => "its program is not on this machine (exit code 127)".into(),
        129..=192 => format!("it was ended by signal {}", code - 128),
        code => format!("it ended with exit code {code}"),
    }
}

#[cfg(test)]
mod tests;
