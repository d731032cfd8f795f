//! A template with values: steps, their tasks, and the environments around them.

use crate::{
    parameter::PathValue,
    requirement::{Host, Requirements},
};
use openjd_model::{
    JobParameterValues, ModelProfile, TaskParameterSet,
    job::{self as model},
};
use rayswarm_model::TaskId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A job: everything is decided but where its sessions will lie.
#[derive(Clone, Debug)]
pub struct Job {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) environments: Vec<model::Environment>,
    pub(crate) paths: Vec<PathValue>,
    pub(crate) values: JobParameterValues,
    pub(crate) profile: ModelProfile,
}

/// A step's place in its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub usize);

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) model: model::Step,
    pub(crate) first_task: u64,
    pub(crate) tasks: Vec<TaskParameterSet>,
    pub(crate) depends_on: Vec<StepId>,
    pub(crate) requirements: Requirements,
}

/// One task: a command with its values.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Its number in the job, counted over all steps.
    pub id: TaskId,
    /// Its step.
    pub step: StepId,
    values: &'a TaskParameterSet,
}

/// An environment's place in its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvironmentId {
    /// Around every step.
    Job(usize),
    /// Around one step.
    Step(StepId, usize),
}

impl Job {
    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is for.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Its steps in the template's order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// One step.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0)
    }

    /// The values of its path parameters.
    pub fn paths(&self) -> &[PathValue] {
        &self.paths
    }

    /// Its values by parameter, as texts, in order of their names.
    pub fn values(&self) -> Vec<(String, String)> {
        let text = |(name, value): (&String, &openjd_model::JobParameterValue)| {
            (name.clone(), value.value.to_display_string())
        };
        let mut values: Vec<_> = self.values.iter().map(text).collect();
        values.sort();
        values
    }

    /// How many tasks all steps have.
    pub fn task_count(&self) -> u64 {
        self.steps.iter().map(|step| step.tasks.len() as u64).sum()
    }

    /// A step that none of these machines can run, and what the first of them lacks, as a sentence.
    pub fn unmet(&self, hosts: &[Host]) -> Option<String> {
        self.steps.iter().find_map(|step| {
            let lacks = hosts.iter().map(|host| step.requirements().unmet(host));
            let why = lacks.collect::<Option<Vec<_>>>()?.into_iter().next()?;
            Some(format!("step {:?} {why}", step.name()))
        })
    }

    /// A task by its number.
    pub fn task(&self, id: TaskId) -> Option<Task<'_>> {
        let after = self.steps.partition_point(|step| step.first_task <= id.0);
        let at = after.checked_sub(1)?;
        let step = self.steps.get(at)?;
        let index = usize::try_from(id.0 - step.first_task).ok()?;
        Some(Task {
            id,
            step: StepId(at),
            values: step.tasks.get(index)?,
        })
    }

    /// The steps that a step waits for, and those that they wait for.
    pub fn all_dependencies(&self, step: StepId) -> Vec<StepId> {
        let mut found: Vec<StepId> = Vec::new();
        let mut open = vec![step];
        while let Some(next) = open.pop() {
            for &before in self.step(next).map(Step::depends_on).unwrap_or_default() {
                if !found.contains(&before) {
                    found.push(before);
                    open.push(before);
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// The environments to enter for a step, outermost first.
    pub fn environments_of(&self, step: StepId) -> Vec<EnvironmentId> {
        let of_job = (0..self.environments.len()).map(EnvironmentId::Job);
        let count = self
            .step(step)
            .and_then(|step| step.model.step_environments.as_ref())
            .map_or(0, Vec::len);
        of_job
            .chain((0..count).map(|at| EnvironmentId::Step(step, at)))
            .collect()
    }

    pub(crate) fn environment(&self, id: EnvironmentId) -> Option<&model::Environment> {
        match id {
            EnvironmentId::Job(at) => self.environments.get(at),
            EnvironmentId::Step(step, at) => self.step(step)?.model.step_environments.as_ref()?.get(at),
        }
    }

    /// Whether variables may be set without being shown.
    pub(crate) fn hides_variables(&self) -> bool {
        self.profile
            .has_extension(openjd_model::ModelExtension::RedactedEnvVars)
    }
}

impl Step {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.model.name
    }

    /// The numbers of its tasks.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = TaskId> + use<> {
        let first = self.first_task;
        (0..self.tasks.len()).map(move |at| TaskId(first + at as u64))
    }

    /// The steps that must be done before it.
    pub fn depends_on(&self) -> &[StepId] {
        &self.depends_on
    }

    /// What it wants of a machine.
    pub const fn requirements(&self) -> &Requirements {
        &self.requirements
    }
}

impl<'a> Task<'a> {
    pub(crate) const fn parameters(&self) -> &'a TaskParameterSet {
        self.values
    }

    /// Its values by parameter, as texts.
    pub fn values(&self) -> impl Iterator<Item = (&'a str, String)> + use<'a> {
        let text = |(name, value): (&'a String, &'a openjd_model::TaskParameterValue)| {
            (name.as_str(), value.value.to_display_string())
        };
        self.values.iter().map(text)
    }
}

impl fmt::Display for Task<'_> {
    /// `Frame=7 Layer=sky`; nothing for the only task of a step without parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.values().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}
