//! From a template and values to a job.

use crate::{
    document::caller_limits,
    error::{OpenJdError, one_line},
    job::{Job, Step, StepId},
    parameter::{PathValue, flow_of, object_of},
    requirement::Requirements,
    template::{Asked, Template},
};
use openjd_expr::{ExprValue, PathFormat};
use openjd_model::{
    JobParameterInputValues, JobParameterType, JobParameterValues, MergedParameterDefinition, ModelError,
    PathParameterOptions, StepParameterSpaceIterator, TaskParameterSet, ValidationContext, build_symbol_table,
    convert_environment_with_symtab, create_job, job as model, merge_job_parameter_definitions,
    preprocess_job_parameters, template::EnvironmentTemplate,
};

/// The job that `template` makes of what was asked.
pub(crate) fn expand(template: &Template, asked: &Asked<'_>) -> Result<Job, OpenJdError> {
    let around: Vec<EnvironmentTemplate> = asked.environments.iter().map(|one| one.model.clone()).collect();
    let values = values(template, asked, &around)?;
    let refused = |error: ModelError| OpenJdError::Expansion {
        name: template.name().to_owned(),
        reason: one_line(&error.to_string()),
    };
    let mut profile = template.model.profile();
    let context = ValidationContext::from_profile(profile.clone()).with_caller_limits(caller_limits());
    let made = create_job(&template.model, &values, &context).map_err(refused)?;
    let symbols = build_symbol_table(&values).map_err(refused)?;
    let mut environments = Vec::new();
    for template in &around {
        environments.push(convert_environment_with_symtab(&template.environment, Some(&symbols)));
        // An environment may use an extension that the job's template does not name.
        let names = template
            .extensions
            .iter()
            .flatten()
            .filter_map(|name| name.as_str().parse().ok());
        let extensions = profile.extensions().iter().copied().chain(names).collect();
        profile = profile.with_extensions(extensions);
    }
    environments.extend(made.job_environments.iter().flatten().cloned());
    let merged = merge_job_parameter_definitions(&template.model, &around).map_err(refused)?;
    Ok(Job {
        paths: merged
            .iter()
            .filter_map(|definition| path_value(definition, &values))
            .collect(),
        steps: steps(made.steps).map_err(|error| error.or_model(refused))?,
        name: made.name,
        description: made.description,
        environments,
        values,
        profile,
    })
}

fn values(
    template: &Template,
    asked: &Asked<'_>,
    around: &[EnvironmentTemplate],
) -> Result<JobParameterValues, OpenJdError> {
    let typed = |(name, value): (&String, &String)| (name.clone(), ExprValue::String(value.clone()));
    let input: JobParameterInputValues = asked.values.iter().map(typed).collect();
    let mut options = PathParameterOptions::new(asked.template_folder, asked.folder);
    options.path_format = PathFormat::Posix;
    let found = preprocess_job_parameters(&template.model, &input, around, &options);
    found.map_err(|error| OpenJdError::Values {
        reason: match &error {
            ModelError::DecodeValidation(reason) | ModelError::Compatibility(reason) => one_line(reason),
            other => one_line(&other.to_string()),
        },
    })
}

fn path_value(definition: &MergedParameterDefinition, values: &JobParameterValues) -> Option<PathValue> {
    if definition.param_type != JobParameterType::Path {
        return None;
    }
    let path = values.get(&definition.name)?.value.to_display_string();
    // No path at all, which templates take for "not given".
    (!path.is_empty()).then(|| PathValue {
        name: definition.name.clone(),
        path,
        object: object_of(definition.object_type),
        flow: flow_of(definition.data_flow),
    })
}

/// Ours, or the model's.
enum StepError {
    Ours(OpenJdError),
    Model(ModelError),
}

impl StepError {
    fn or_model(self, refused: impl FnOnce(ModelError) -> OpenJdError) -> OpenJdError {
        match self {
            Self::Ours(error) => error,
            Self::Model(error) => refused(error),
        }
    }
}

fn steps(made: Vec<model::Step>) -> Result<Vec<Step>, StepError> {
    let names: Vec<String> = made.iter().map(|step| step.name.clone()).collect();
    let place = |name: &str| names.iter().position(|known| known == name).map(StepId);
    let mut first_task = 0;
    let mut steps = Vec::with_capacity(made.len());
    for step in made {
        let requirements = Requirements::of(&step.name, step.host_requirements.as_ref()).map_err(StepError::Ours)?;
        let tasks = tasks(&step).map_err(StepError::Model)?;
        let before = step.dependencies.iter().flatten();
        let depends_on = before.filter_map(|before| place(&before.depends_on)).collect();
        let count = tasks.len() as u64;
        steps.push(Step {
            model: step,
            first_task,
            tasks,
            depends_on,
            requirements,
        });
        first_task += count;
    }
    Ok(steps)
}

/// Every task of a step. Chunks have the size that the template starts with: how long a task will take is not known, so
/// `targetRuntimeSeconds` changes nothing.
fn tasks(step: &model::Step) -> Result<Vec<TaskParameterSet>, ModelError> {
    let Some(space) = &step.parameter_space else {
        return Ok(vec![TaskParameterSet::new()]);
    };
    let size = StepParameterSpaceIterator::new(space)?.chunks_default_task_count();
    Ok(StepParameterSpaceIterator::new_with_chunk_override(space, size)?.collect())
}
