//! A folder to run jobs in, and what they said and did there.

use rayswarm_engines::{
    Sandbox, Store,
    commands::{CommandLimits, JobFiles, Ledger, Tools, Witness, Workshop, drive},
};
use rayswarm_model::{Bytes, TaskId};
use rayswarm_openjd::{
    Asked, Bundle, EnvironmentTemplate, Job, Run, RunEvent,
    bundle::Documents,
    run::{RunPolicy, Verdict, WrittenFile},
    session::title,
};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::sync::Semaphore;

pub struct Yard {
    pub folder: tempfile::TempDir,
    pub tools: Tools,
    pub sessions: usize,
    pub failures_max: u32,
}

/// What became of a job.
pub struct Outcome {
    pub verdict: Verdict,
    pub seen: Arc<Seen>,
    pub run: Run,
}

/// Everything that was told.
#[derive(Default)]
pub struct Seen {
    job: Mutex<Option<Arc<Job>>>,
    pub events: Mutex<Vec<RunEvent>>,
    pub lines: Mutex<Vec<String>>,
    pub progress: Mutex<Vec<u32>>,
    pub statuses: Mutex<Vec<String>>,
    pub written: Mutex<Vec<PathBuf>>,
    /// Called with each line.
    pub on_line: Mutex<Option<Hook>>,
}

type Hook = Box<dyn Fn(&str) + Send>;

impl Witness for Seen {
    fn record(&self, event: &RunEvent) -> Result<(), String> {
        self.events.lock().unwrap().push(event.clone());
        Ok(())
    }

    fn line(&self, task: TaskId, text: &str) {
        if let Some(hook) = self.on_line.lock().unwrap().as_ref() {
            hook(text);
        }
        let job = self.job.lock().unwrap().clone().unwrap();
        self.lines
            .lock()
            .unwrap()
            .push(format!("[{}] {text}", title(&job, task)));
    }

    fn progress(&self, _task: TaskId, permille: u32) {
        self.progress.lock().unwrap().push(permille);
    }

    fn status(&self, _task: TaskId, text: &str) {
        self.statuses.lock().unwrap().push(text.to_owned());
    }

    fn wrote(&self, path: PathBuf, _file: &WrittenFile) {
        self.written.lock().unwrap().push(path);
    }
}

impl Seen {
    pub fn said(&self, part: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(part))
    }

    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl Yard {
    /// An empty yard, not in `/tmp`: sandboxes have one of their own.
    pub fn new() -> Self {
        let folder = tempfile::tempdir_in("/var/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            folder,
            tools: Tools::default(),
            sessions: 1,
            failures_max: 1,
        }
    }

    /// With the Blender of this machine's store, or `None` and a word about it.
    pub fn with_blender() -> Option<Self> {
        let store = Store::open_default().unwrap();
        let tools = Tools::of(&store);
        if tools.blender().is_none() {
            eprintln!(
                "skipped: no Blender in {}; run: rayswarm engines install blender",
                store.folder().display()
            );
            return None;
        }
        Some(Self { tools, ..Self::new() })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Copies a folder of the repository here.
    pub fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.path(name);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten() {
            if entry.path().is_dir() {
                self.copy(
                    &entry.path(),
                    &format!("{name}/{}", entry.file_name().to_str().unwrap()),
                );
            } else {
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
        to
    }

    /// An example of the repository as a bundle here.
    pub fn example(&self, name: &str) -> PathBuf {
        self.copy(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../examples/openjd")
                .join(name),
            name,
        )
    }

    /// A bundle here with this template.
    pub fn bundle(&self, template: &str) -> PathBuf {
        let folder = self.path("bundle");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("template.yaml"), template).unwrap();
        folder
    }

    /// The job of a bundle.
    pub fn job(
        &self,
        bundle: &Path,
        values: &[(&str, &str)],
        environments: Vec<EnvironmentTemplate>,
    ) -> (Job, JobFiles) {
        let read = |name: &str| fs::read_to_string(bundle.join(name)).ok();
        let (template, own) = (read("template.yaml").unwrap(), read("parameter_values.yaml"));
        let parsed = Bundle::parse(&Documents {
            template: ("template.yaml", &template),
            values: own.as_deref().map(|text| ("parameter_values.yaml", text)),
            assets: None,
        });
        let parsed = parsed.unwrap();
        let mut all: BTreeMap<String, String> = parsed.values.clone();
        all.extend(
            values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let job = parsed.template.expand(&Asked {
            values: all,
            environments,
            ..Asked::in_folder(bundle.to_str().unwrap())
        });
        let job = job.unwrap();
        let files = JobFiles::of(&job, &parsed.assets, bundle).unwrap();
        (job, files)
    }

    /// Runs a bundle to its end.
    pub async fn run(&self, bundle: &Path, values: &[(&str, &str)]) -> Outcome {
        let (job, files) = self.job(bundle, values, Vec::new());
        let (ledger, seen) = self.ledger(job);
        self.drive(ledger, files, seen).await
    }

    pub fn ledger(&self, job: Job) -> (Arc<Ledger>, Arc<Seen>) {
        let (job, seen) = (Arc::new(job), Arc::new(Seen::default()));
        *seen.job.lock().unwrap() = Some(job.clone());
        let policy = RunPolicy {
            failures_max: self.failures_max,
        };
        let run = Run::new(&job, policy);
        (Ledger::new(job, run, seen.clone()), seen)
    }

    pub async fn drive(&self, ledger: Arc<Ledger>, files: JobFiles, seen: Arc<Seen>) -> Outcome {
        let verdict = drive(
            ledger.clone(),
            Arc::new(files),
            self.path("job"),
            Arc::new(self.workshop()),
        )
        .await
        .unwrap();
        assert_eq!(
            self.leftovers(),
            Vec::<PathBuf>::new(),
            "folders of sessions are removed"
        );
        let run = ledger.run().clone();
        Outcome { verdict, seen, run }
    }

    pub fn workshop(&self) -> Workshop {
        Workshop {
            sandbox: Sandbox::detect().unwrap(),
            tools: self.tools.clone(),
            limits: CommandLimits {
                processors: 2,
                memory: Bytes(4 << 30),
                disk: Bytes(1 << 30),
                nice: 0,
            },
            turns: Arc::new(Semaphore::new(self.sessions)),
            sessions: self.sessions,
        }
    }

    fn leftovers(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("job/sessions")).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }
}
