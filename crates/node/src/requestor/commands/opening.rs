//! From files on disk to a job of commands.

use super::{
    super::refusal::{bad_input, chain},
    record::CommandSource,
};
use rayswarm_api::Problem;
use rayswarm_engines::{
    commands::{CommandsError, JobFiles},
    onnx::is_recipe,
};
use rayswarm_openjd::{
    Asked, Bundle, EnvironmentTemplate, Job, OpenJdError, ParameterKind, Template,
    bundle::{ASSETS_NAMES, Documents, FarmValues, TEMPLATE_NAMES, VALUES_NAMES},
    limits,
    paths::{moved, normal},
};
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// Values typed for a template and where relative ones are.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// Values by name; they go before those of a bundle.
    pub values: BTreeMap<String, String>,
    /// Files of environment templates, outermost first.
    pub environments: Vec<PathBuf>,
}

/// Whether a file is a template by its name. Recipes of image models are JSON too.
pub fn is_template(file: &Path) -> bool {
    let extension = file.extension().map(|end| end.to_string_lossy().to_lowercase());
    matches!(extension.as_deref(), Some("yaml" | "yml" | "json")) && !is_recipe(file)
}

/// The template of a bundle's folder, or the file itself.
pub fn template_at(path: &Path) -> Result<PathBuf, Problem> {
    let found = if path.is_dir() {
        TEMPLATE_NAMES
            .iter()
            .map(|name| path.join(name))
            .find(|file| file.is_file())
    } else {
        path.is_file().then(|| path.to_owned())
    };
    let detail = || {
        let names = TEMPLATE_NAMES.join(", ");
        format!("{} is no template and no folder with one ({names})", path.display())
    };
    found.ok_or_else(|| bad_input("no_template", detail()).next("name a job template or a bundle's folder"))
}

/// Reads a template, and what else is in its bundle if it is the template of one.
pub fn read(template: &Path, typed: Typed) -> Result<(CommandSource, FarmValues), Problem> {
    let name = |path: &Path| {
        path.file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    let text = read_text(template)?;
    let in_bundle = TEMPLATE_NAMES.contains(&name(template).as_str());
    let folder = template.parent().unwrap_or(Path::new("/"));
    let beside = |names: [&str; 3]| -> Result<Option<(String, String)>, Problem> {
        let file = names
            .iter()
            .map(|name| folder.join(name))
            .find(|file| in_bundle && file.is_file());
        file.map(|file| Ok((name(&file), read_text(&file)?))).transpose()
    };
    let (values, assets) = (beside(VALUES_NAMES)?, beside(ASSETS_NAMES)?);
    let bundle = Bundle::parse(&Documents {
        template: (&name(template), &text),
        values: values.as_ref().map(|(name, text)| (name.as_str(), text.as_str())),
        assets: assets.as_ref().map(|(name, text)| (name.as_str(), text.as_str())),
    })
    .map_err(|error| refused(&error))?;
    let mut values = bundle.values;
    values.extend(typed.values);
    let environments = typed.environments.iter().map(|file| Ok((name(file), read_text(file)?)));
    let source = CommandSource {
        template: template.to_owned(),
        text,
        values,
        environments: environments.collect::<Result<_, Problem>>()?,
        assets: bundle.assets,
    };
    Ok((source, bundle.farm))
}

/// The template of a source.
pub fn template(source: &CommandSource) -> Result<Template, OpenJdError> {
    let name = source.template.file_name().unwrap_or_default().to_string_lossy();
    Template::parse(&name, &source.text)
}

/// The job that a source makes.
pub fn job(source: &CommandSource) -> Result<Job, OpenJdError> {
    let folder = source.template.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let environments = source.environments.iter();
    let environments = environments.map(|(name, text)| EnvironmentTemplate::parse(name, text));
    template(source)?.expand(&Asked {
        values: source.values.clone(),
        environments: environments.collect::<Result<_, _>>()?,
        ..Asked::in_folder(&folder)
    })
}

/// The job's files.
pub fn files(source: &CommandSource, job: &Job, output: Option<PathBuf>) -> Result<JobFiles, CommandsError> {
    let folder = source.template.parent().unwrap_or(Path::new("/"));
    Ok(JobFiles::of(job, &source.assets, folder)?.gathered_in(output))
}

/// Makes relative values of path parameters absolute: who types them means the folder it is in.
pub fn absolute(template: &Path, values: &mut BTreeMap<String, String>, folder: &Path) -> Result<(), Problem> {
    let name = template.file_name().unwrap_or_default().to_string_lossy();
    let parsed = Template::parse(&name, &read_text(template)?).map_err(|error| refused(&error))?;
    for parameter in parsed.parameters() {
        if let (ParameterKind::Path { .. }, Some(value)) = (&parameter.kind, values.get_mut(&parameter.name))
            && !value.is_empty()
            && let Some(path) = folder.join(value.as_str()).to_str().and_then(normal)
        {
            *value = path;
        }
    }
    Ok(())
}

/// Every path that a job reads or writes must lie in `folder`: who may not name files of this machine has uploaded it.
/// Nothing is looked at on the disk, so nothing is told of what is there.
pub fn check_within(source: &CommandSource, job: &Job, folder: &Path) -> Result<(), Problem> {
    let beside = source.template.parent().unwrap_or(Path::new("/"));
    let assets = [
        &source.assets.files,
        &source.assets.folders,
        &source.assets.output_folders,
    ];
    let assets = assets.into_iter().flatten().map(|path| beside.join(path));
    let named = moved(job.paths()).map(|value| PathBuf::from(&value.path));
    let is_within = |path: &PathBuf| {
        path.to_str()
            .and_then(normal)
            .is_some_and(|path| Path::new(&path).starts_with(folder))
    };
    match named.chain(assets).find(|path| !is_within(path)) {
        None => Ok(()),
        Some(path) => {
            let detail = format!("{} is not in the upload", path.display());
            Err(Problem::new(403, "path_outside_upload", detail)
                .next("give paths relative to the template, or use a token with the scope paths"))
        }
    }
}

/// A template's fault as a problem document.
pub fn refused(error: &OpenJdError) -> Problem {
    bad_input("bad_template", chain(error))
}

fn read_text(path: &Path) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| bad_input("cannot_read", format!("{}: {error}", path.display()));
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // One more than is allowed, so that what is too long is told as such.
    let limit = limits::DOCUMENT_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEMPLATE: &str = "specificationVersion: jobtemplate-2023-09\nname: x\nparameterDefinitions:\n\
        - {name: Out, type: PATH, objectType: DIRECTORY, dataFlow: OUT, default: out}\n- {name: Word, type: STRING, default: a}\n\
        steps:\n- name: a\n  script: {actions: {onRun: {command: ls}}}\n";

    #[test]
    fn a_bundle_s_values_are_read_and_typed_ones_go_before() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::write(root.join("template.yaml"), TEMPLATE).unwrap();
        fs::write(root.join("other.yaml"), TEMPLATE).unwrap();
        let values = "parameterValues:\n- {name: Word, value: b}\n- {name: 'deadline:priority', value: 80}\n";
        fs::write(root.join("parameter_values.yaml"), values).unwrap();
        let template = template_at(&root).unwrap();
        let (source, farm) = read(&template, Typed::default()).unwrap();
        assert_eq!((source.values["Word"].as_str(), farm.priority), ("b", Some(80)));
        let typed = Typed {
            values: BTreeMap::from([("Word".to_owned(), "c".to_owned())]),
            ..Typed::default()
        };
        assert_eq!(read(&template, typed).unwrap().0.values["Word"], "c");
        // A template of another name is none of the bundle's.
        assert!(
            read(&root.join("other.yaml"), Typed::default())
                .unwrap()
                .0
                .values
                .is_empty()
        );
        let job = job(&source).unwrap();
        assert_eq!(job.paths()[0].path, root.join("out").display().to_string());
        files(&source, &job, None).unwrap();
        check_within(&source, &job, &root).unwrap();
        assert_eq!(
            check_within(&source, &job, &root.join("deeper")).unwrap_err().kind,
            "path_outside_upload"
        );
        assert_eq!(template_at(&root.join("nothing")).unwrap_err().kind, "no_template");
    }

    #[test]
    fn typed_paths_are_where_they_are_typed() {
        let folder = tempfile::tempdir().unwrap();
        let template = folder.path().join("t.yaml");
        fs::write(&template, TEMPLATE).unwrap();
        let mut values = BTreeMap::from([("Out", "../x"), ("Word", "y")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        absolute(&template, &mut values, Path::new("/home/a")).unwrap();
        assert_eq!((values["Out"].as_str(), values["Word"].as_str()), ("/home/x", "y"));
    }
}
