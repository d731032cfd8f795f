//! A command with every name in it resolved, and the files that belong to it.

use crate::{
    error::OpenJdError,
    job::{EnvironmentId, Job},
    limits,
    scope::{Scope, unresolved},
};
use openjd_model::{
    FormatString,
    job::{Action, CancelationMode, EmbeddedFile},
    types::EndOfLine,
};
use rayswarm_model::TaskId;
use std::time::Duration;

pub use crate::scope::Place;

/// How long leaving an environment may take when the template does not say.
const EXIT_TIME: Duration = Duration::from_secs(300);
/// Time between the word and the end: of a task, and of an environment's commands.
const TASK_GRACE: Duration = Duration::from_secs(120);
const ENVIRONMENT_GRACE: Duration = Duration::from_secs(30);
/// The longest that a template may ask for.
const GRACE_MAX: Duration = Duration::from_secs(600);

/// A command and the files it needs to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Files to write before.
    pub files: Vec<ScriptFile>,
    /// The command.
    pub call: Call,
}

/// A file that a template carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFile {
    /// Where it must be inside the session; a file in [`Place::files`].
    pub path: String,
    /// What it holds.
    pub data: String,
    /// Whether it is a program.
    pub runnable: bool,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How it is ended early.
    pub cancelation: Cancelation,
}

/// How a command is ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelation {
    /// At once.
    Terminate,
    /// It is told, and ended when this time has passed.
    NotifyThenTerminate(Duration),
}

/// Which of an environment's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Enter,
    Exit,
}

impl Job {
    /// A task's command. `folder` is the folder for its files.
    pub(crate) fn task_script(&self, id: TaskId, place: &Place, folder: &str) -> Result<Script, OpenJdError> {
        let gone = || unresolved(self.name(), "a task", &format!("the job has no task {id}"));
        let task = self.task(id).ok_or_else(gone)?;
        let step = self.step(task.step).ok_or_else(gone)?;
        let script = &step.model.script;
        let mut scope = Scope::new(self, place, step.name(), step.model.resolved_symtab.as_ref())?;
        scope.add_task(&task)?;
        let embedded = script.embedded_files.as_deref().unwrap_or_default();
        let paths = scope.add_files("Task", folder, embedded)?;
        scope.add_bindings(script.let_bindings.as_ref())?;
        Ok(Script {
            files: files(&scope, embedded, paths)?,
            call: call(&scope, &script.actions.on_run, None, TASK_GRACE)?,
        })
    }

    /// An environment's command on entering or leaving it, if it has one.
    pub(crate) fn environment_script(
        &self,
        id: EnvironmentId,
        way: Way,
        place: &Place,
        folder: &str,
    ) -> Result<Option<Script>, OpenJdError> {
        let Some(script) = self.environment(id).and_then(|found| found.script.as_ref()) else {
            return Ok(None);
        };
        let (action, time) = match way {
            Way::Enter => (&script.actions.on_enter, None),
            Way::Exit => (&script.actions.on_exit, Some(EXIT_TIME)),
        };
        let Some(action) = action else { return Ok(None) };
        let mut scope = self.environment_scope(id, place)?;
        let embedded = script.embedded_files.as_deref().unwrap_or_default();
        let paths = scope.add_files("Env", folder, embedded)?;
        scope.add_bindings(script.let_bindings.as_ref())?;
        Ok(Some(Script {
            files: files(&scope, embedded, paths)?,
            call: call(&scope, action, time, ENVIRONMENT_GRACE)?,
        }))
    }

    /// The variables that an environment sets by its template, in order of their names.
    pub(crate) fn environment_variables(
        &self,
        id: EnvironmentId,
        place: &Place,
    ) -> Result<Vec<(String, String)>, OpenJdError> {
        let Some(variables) = self.environment(id).and_then(|found| found.variables.as_ref()) else {
            return Ok(Vec::new());
        };
        let scope = self.environment_scope(id, place)?;
        let mut found = Vec::with_capacity(variables.len());
        for (name, text) in variables {
            found.push((
                name.clone(),
                checked(&scope, "a variable", scope.text("a variable", text)?)?,
            ));
        }
        found.sort();
        Ok(found)
    }

    /// An environment's name.
    pub fn environment_name(&self, id: EnvironmentId) -> &str {
        self.environment(id).map_or("", |found| &found.name)
    }

    fn environment_scope(&self, id: EnvironmentId, place: &Place) -> Result<Scope, OpenJdError> {
        let environment = self.environment(id);
        // A step's environments share what is known of their step.
        let known = match id {
            EnvironmentId::Step(step, _) => self.step(step).and_then(|step| step.model.resolved_symtab.as_ref()),
            EnvironmentId::Job(_) => environment.and_then(|found| found.resolved_symtab.as_ref()),
        };
        Scope::new(self, place, self.environment_name(id), known)
    }
}

fn call(scope: &Scope, action: &Action, time: Option<Duration>, grace: Duration) -> Result<Call, OpenJdError> {
    let program = scope.text("the command", &action.command)?;
    if program.is_empty() {
        return Err(unresolved(scope.owner(), "the command", "it is empty"));
    }
    let mut command = vec![checked(scope, "the command", program)?];
    for argument in action.args.iter().flatten() {
        for text in scope.texts("an argument", argument)? {
            command.push(checked(scope, "an argument", text)?);
        }
    }
    let asked = action.timeout.as_ref().map(|text| scope.number("timeout", text));
    let seconds = asked.transpose()?.flatten();
    Ok(Call {
        command,
        timeout: seconds.map(Duration::from_secs).or(time),
        cancelation: cancelation(scope, action.cancelation.as_ref(), grace)?,
    })
}

fn cancelation(scope: &Scope, asked: Option<&CancelationMode>, grace: Duration) -> Result<Cancelation, OpenJdError> {
    let notified = |period: &Option<FormatString>| -> Result<Cancelation, OpenJdError> {
        let asked = period.as_ref().map(|text| scope.number("notifyPeriodInSeconds", text));
        let seconds = asked.transpose()?.flatten();
        let time = seconds.map_or(grace, Duration::from_secs).min(GRACE_MAX);
        Ok(Cancelation::NotifyThenTerminate(time))
    };
    match asked {
        None | Some(CancelationMode::Terminate) => Ok(Cancelation::Terminate),
        Some(CancelationMode::NotifyThenTerminate {
            notify_period_in_seconds,
        }) => notified(notify_period_in_seconds),
        Some(CancelationMode::DeferredMode {
            mode,
            notify_period_in_seconds,
        }) => match scope
            .texts("the mode of cancelation", mode)?
            .first()
            .map(String::as_str)
        {
            Some("NOTIFY_THEN_TERMINATE") => notified(notify_period_in_seconds),
            Some("TERMINATE") | None => Ok(Cancelation::Terminate),
            Some(other) => {
                let reason = format!("{other:?} is neither TERMINATE nor NOTIFY_THEN_TERMINATE");
                Err(unresolved(scope.owner(), "the mode of cancelation", &reason))
            }
        },
    }
}

fn files(scope: &Scope, embedded: &[EmbeddedFile], paths: Vec<String>) -> Result<Vec<ScriptFile>, OpenJdError> {
    let mut files = Vec::with_capacity(embedded.len());
    for (file, path) in embedded.iter().zip(paths) {
        let data = file.data.as_ref().map(|text| scope.text("an embedded file", text));
        files.push(ScriptFile {
            path,
            data: with_ends(data.transpose()?.unwrap_or_default(), file.end_of_line),
            runnable: file.runnable.unwrap_or(false),
        });
    }
    Ok(files)
}

fn with_ends(data: String, end: Option<EndOfLine>) -> String {
    match end {
        None => data,
        Some(EndOfLine::Crlf) => data.replace("\r\n", "\n").replace('\n', "\r\n"),
        Some(EndOfLine::Lf | EndOfLine::Auto) => data.replace("\r\n", "\n"),
    }
}

/// Refuses what no process can be given.
fn checked(scope: &Scope, what: &'static str, text: String) -> Result<String, OpenJdError> {
    if text.contains('\0') {
        return Err(unresolved(scope.owner(), what, "it holds a NUL"));
    }
    if text.len() > limits::ARGUMENT_BYTES_MAX {
        let reason = format!(
            "{} bytes are more than the system takes; use an embedded file",
            text.len()
        );
        return Err(unresolved(scope.owner(), what, &reason));
    }
    Ok(text)
}
