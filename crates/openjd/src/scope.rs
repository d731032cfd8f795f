//! The names that commands may use, and their values in one session.

use crate::{
    error::{OpenJdError, one_line},
    job::{Job, Task},
    paths::PathMap,
};
use openjd_expr::{
    ExprType, ExprValue, FormatString, FormatStringOptions, FunctionLibrary, HostContext, PathFormat, PathMappingRule,
    SerializedSymbolTable, SymbolTable, SymbolTableError,
};
use openjd_model::{
    JobParameterType, ModelError, TaskParameterType, build_symbol_table, evaluate_let_bindings, job::EmbeddedFile,
};
use std::sync::Arc;

/// Where one session's folders lie, as its commands see them.
#[derive(Clone, Debug)]
pub struct Place {
    /// `Session.WorkingDirectory`.
    pub work: String,
    /// The folder for embedded files; each script has one of its own in it.
    pub files: String,
    /// `Session.PathMappingRulesFile`.
    pub path_mapping: String,
    /// Where the job's files appear.
    pub paths: PathMap,
}

impl Place {
    /// What [`Self::path_mapping`] holds: one rule, from the submitting machine's folder to the session's.
    pub fn path_mapping_document(&self) -> String {
        let rules = serde_json::json!([{
            "source_path_format": "POSIX",
            "source_path": self.paths.root(),
            "destination_path": crate::paths::INSIDE,
        }]);
        serde_json::json!({"version": "pathmapping-1.0", "path_mapping_rules": rules}).to_string()
    }
}

/// The names of one action and their values.
pub(crate) struct Scope {
    symbols: SymbolTable,
    library: Arc<FunctionLibrary>,
    /// The step or environment, for messages.
    owner: String,
}

impl Scope {
    /// Names of the job and session. `known` is what expanding the template found out.
    pub(crate) fn new(
        job: &Job,
        place: &Place,
        owner: &str,
        known: Option<&SerializedSymbolTable>,
    ) -> Result<Self, OpenJdError> {
        let refused = |reason: String| unresolved(owner, "a name", &reason);
        let symbols = match known {
            Some(known) => known.to_symtab(PathFormat::Posix).map_err(refused)?,
            None => build_symbol_table(&job.values).map_err(|error| refused(error.to_string()))?,
        };
        let rule = PathMappingRule {
            source_path_format: PathFormat::Posix,
            source_path: place.paths.root().to_owned(),
            destination_path: crate::paths::INSIDE.to_owned(),
        };
        let profile = job.profile.to_expr_profile(HostContext::with_rules(vec![rule]));
        let mut scope = Self {
            symbols,
            library: FunctionLibrary::for_profile(&profile),
            owner: owner.to_owned(),
        };
        scope.add_paths(job, place)?;
        scope.set("Session.WorkingDirectory", path(&place.work))?;
        scope.set("Session.HasPathMappingRules", ExprValue::Bool(true))?;
        scope.set("Session.PathMappingRulesFile", path(&place.path_mapping))?;
        Ok(scope)
    }

    /// Values of path parameters are known only now: they are where the session has their files.
    fn add_paths(&mut self, job: &Job, place: &Place) -> Result<(), OpenJdError> {
        for (name, parameter) in &job.values {
            let key = format!("Param.{name}");
            match parameter.param_type {
                JobParameterType::Path => {
                    let host = parameter.value.to_display_string();
                    let is_moved = job
                        .paths
                        .iter()
                        .any(|one| one.name == *name && one.flow != crate::Flow::None);
                    let inside = place.paths.inside(&host).filter(|_| is_moved);
                    self.set(&key, path(&inside.unwrap_or(host)))?;
                }
                JobParameterType::ListPath => {
                    let hosts = parameter.value.list_elements().unwrap_or_default();
                    let paths = hosts.iter().map(|host| path(&host.to_display_string())).collect();
                    let list = ExprValue::make_list(paths, ExprType::PATH);
                    let list = list.map_err(|error| unresolved(&self.owner, "a list of paths", &error.to_string()))?;
                    self.set(&key, list)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds a task's values.
    pub(crate) fn add_task(&mut self, task: &Task<'_>) -> Result<(), OpenJdError> {
        for (name, parameter) in task.parameters() {
            let value = match parameter.param_type {
                TaskParameterType::Path => path(&parameter.value.to_display_string()),
                _ => parameter.value.clone(),
            };
            self.set(&format!("Task.RawParam.{name}"), parameter.value.clone())?;
            self.set(&format!("Task.Param.{name}"), value)?;
        }
        Ok(())
    }

    /// Names embedded files; their paths, in order.
    pub(crate) fn add_files(
        &mut self,
        kind: &str,
        folder: &str,
        files: &[EmbeddedFile],
    ) -> Result<Vec<String>, OpenJdError> {
        let mut paths = Vec::with_capacity(files.len());
        for file in files {
            let name = file.filename.as_deref().unwrap_or(&file.name);
            // The specification allows plain names only, and the model's crate has checked that.
            if name.is_empty() || name.contains(['/', '\0']) || matches!(name, "." | "..") {
                return Err(unresolved(
                    &self.owner,
                    "an embedded file's name",
                    "it is no plain file name",
                ));
            }
            let inside = format!("{folder}/{name}");
            self.set(&format!("{kind}.File.{}", file.name), path(&inside))?;
            paths.push(inside);
        }
        Ok(paths)
    }

    /// Evaluates `let` (extension `EXPR`).
    pub(crate) fn add_bindings(&mut self, bindings: Option<&Vec<String>>) -> Result<(), OpenJdError> {
        if let Some(bindings) = bindings {
            let found = evaluate_let_bindings(bindings, &self.symbols, Some(self.library.as_ref()), PathFormat::Posix);
            self.symbols = found.map_err(|error| self.refused("let", &error))?;
        }
        Ok(())
    }

    /// A text with every name in it resolved.
    pub(crate) fn text(&self, what: &'static str, text: &FormatString) -> Result<String, OpenJdError> {
        let found = text.resolve_string_with(&self.symbols, &self.options());
        found.map_err(|error| unresolved(&self.owner, what, &error.to_string()))
    }

    /// A text that may stand for several (extension `EXPR`): a list is all of its elements, nothing is none.
    pub(crate) fn texts(&self, what: &'static str, text: &FormatString) -> Result<Vec<String>, OpenJdError> {
        let found = text.resolve_with(&self.symbols, &self.options());
        let value = found.map_err(|error| unresolved(&self.owner, what, &error.to_string()))?;
        Ok(match value {
            ExprValue::Null => Vec::new(),
            list if list.is_list() => {
                let elements = list.list_elements().unwrap_or_default();
                elements.iter().map(ExprValue::to_display_string).collect()
            }
            one => vec![one.to_display_string()],
        })
    }

    /// A whole positive number; `None` where it resolves to nothing.
    pub(crate) fn number(&self, what: &'static str, text: &FormatString) -> Result<Option<u64>, OpenJdError> {
        let texts = self.texts(what, text)?;
        let Some(text) = texts.first() else { return Ok(None) };
        match text.trim().parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(unresolved(
                &self.owner,
                what,
                &format!("{text:?} is no whole number above zero"),
            )),
        }
    }

    /// For errors found by whoever uses the scope.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    fn options(&self) -> FormatStringOptions<'_> {
        FormatStringOptions::new()
            .with_library(self.library.as_ref())
            .with_path_format(PathFormat::Posix)
    }

    fn set(&mut self, name: &str, value: ExprValue) -> Result<(), OpenJdError> {
        let set = self.symbols.set(name, value);
        set.map_err(|error: SymbolTableError| unresolved(&self.owner, "a name", &error.to_string()))
    }

    fn refused(&self, what: &'static str, error: &ModelError) -> OpenJdError {
        unresolved(&self.owner, what, &error.to_string())
    }
}

pub(crate) fn unresolved(owner: &str, what: &'static str, reason: &str) -> OpenJdError {
    OpenJdError::Resolution {
        owner: owner.to_owned(),
        what,
        reason: one_line(reason),
    }
}

fn path(text: &str) -> ExprValue {
    ExprValue::new_path(text, PathFormat::Posix)
}
