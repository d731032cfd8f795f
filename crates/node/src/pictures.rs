//! Pictures by their address, rendered by an image model: fetched, laid out as a recipe, made a job.
//!
//! Whose jobs they are shows in where their recipes lie: `pictures/with-token` and `pictures/without-token` of the data
//! folder. Callers without a token spend within a [`cap`], and see the pictures of such callers only.

pub mod cap;
#[cfg(test)]
mod tests;

use crate::{
    clock,
    config::Config,
    events::Heard,
    fetch::{Fetched, Fetcher},
    models::{self, Entry},
    node::Node,
    requestor::{
        Wanted,
        refusal::{bad_input, chain, failed},
    },
};
use cap::{Cap, Reached};
use rayswarm_api::{
    Problem,
    job::{EscrowView, JobSettings, JobState, JobView},
};
use rayswarm_engines::EngineError;
use rayswarm_imaging::{PhotoError, photo};
use rayswarm_model::{Amount, JobId, settings::OutputFormat};
use std::{
    collections::VecDeque,
    fs, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Semaphore;

/// Jobs remembered that the cap has stopped.
const STOPPED_MAX: usize = 1000;
/// Photographs decoded at a time: a large one takes most of a gigabyte.
const DECODED_AT_A_TIME: usize = 1;
/// Below the data folder: recipes.
const RECIPES: &str = "pictures";
/// Below the data folder: pictures on their way into a recipe.
const FETCHED: &str = "fetched";

/// Who pays for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payer {
    /// Somebody whose token may spend.
    TokenHolder,
    /// Somebody on this machine without a token, within the cap.
    Capped,
}

impl Payer {
    const fn folder(self) -> &'static str {
        match self {
            Self::TokenHolder => "with-token",
            Self::Capped => "without-token",
        }
    }
}

/// A picture that is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where it is.
    pub url: String,
    /// The model's name, first digits of its hash, or kind.
    pub model: String,
    /// Per cent of the result that are the model's.
    pub strength: u8,
    /// Who pays.
    pub payer: Payer,
}

/// A picture is not rendered.
#[derive(Clone, Debug)]
pub enum NotRendered {
    /// It would cost more than callers without a token may spend.
    Capped(Reached),
    /// Something else.
    Problem(Problem),
}

impl From<Problem> for NotRendered {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Pictures cannot be rendered by their address.
#[derive(Debug, thiserror::Error)]
pub enum PicturesError {
    /// A folder.
    #[error("{} is not usable; check its permissions", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing can be fetched.
    #[error("pictures cannot be fetched; check that the system's CA certificates are installed")]
    Client(#[source] reqwest::Error),
}

/// What it takes to render pictures by their address.
pub struct Pictures {
    data_dir: PathBuf,
    fetcher: Fetcher,
    turns: Arc<Semaphore>,
    /// Pictures that were on their way so far.
    on_their_way: AtomicU64,
    cap: Mutex<Cap>,
    /// Jobs that the cap has stopped, and why, newest last.
    stopped: Mutex<VecDeque<(JobId, Reached)>>,
}

impl Pictures {
    /// Gets ready. What an earlier process left on its way is removed.
    pub fn open(config: &Config) -> Result<Self, PicturesError> {
        let unusable = |folder: PathBuf| move |source: io::Error| PicturesError::Folder { folder, source };
        let data_dir = std::path::absolute(&config.data_dir);
        let data_dir = data_dir.map_err(unusable(config.data_dir.clone()))?;
        let left = data_dir.join(FETCHED);
        if left.exists() {
            fs::remove_dir_all(&left).map_err(unusable(left))?;
        }
        Ok(Self {
            data_dir,
            fetcher: Fetcher::new(config.fetch_allow.clone()).map_err(PicturesError::Client)?,
            turns: Arc::new(Semaphore::new(DECODED_AT_A_TIME)),
            on_their_way: AtomicU64::new(0),
            cap: Mutex::new(Cap::new(config.render_cap)),
            stopped: Mutex::default(),
        })
    }

    /// Whether callers without a token may have pictures at all.
    pub fn are_for_everybody(&self) -> bool {
        lock(&self.cap).is_open()
    }

    /// Whether a job is a picture that who pays like this may see. Token holders may see all.
    pub fn is_shown(&self, job: &JobView, to: Payer) -> bool {
        let recipes = self.data_dir.join(RECIPES);
        let folder = match to {
            Payer::TokenHolder => recipes,
            Payer::Capped => recipes.join(to.folder()),
        };
        job.scene.starts_with(folder)
    }

    /// Why a job has no picture, or not yet.
    pub fn why_not(&self, job: &JobView) -> NotRendered {
        let summary = &job.summary;
        let stopped = lock(&self.stopped);
        let by_cap = stopped.iter().find(|(id, _)| *id == summary.id);
        if let Some((_, reached)) = by_cap {
            return NotRendered::Capped(*reached);
        }
        let state = summary.state;
        let problem = match (&summary.problem, state) {
            (Some(problem), JobState::Failed) => problem.clone(),
            _ if state.is_final() => {
                let detail = format!("job {} was {} and has no picture", summary.id.short(), state.word());
                Problem::new(409, "no_picture", detail).next("ask for the picture again")
            }
            _ => {
                let detail = format!("job {} is still {}", summary.id.short(), state.word());
                Problem::new(409, "not_finished", detail).next("ask again in a few seconds")
            }
        };
        NotRendered::Problem(problem)
    }

    /// Lays out a recipe of a fetched picture. Blocking.
    fn lay_out(&self, fetched: Fetched, model: &Entry, strength: u8, payer: Payer) -> Result<PathBuf, Problem> {
        let png = photo::as_png(fetched.bytes).map_err(|error| unusable_photo(&error))?;
        let number = self.on_their_way.fetch_add(1, Ordering::Relaxed);
        let folder = Removed(self.data_dir.join(FETCHED).join(number.to_string()));
        let picture = folder.0.join(fetched.name).with_extension("png");
        let written = fs::create_dir_all(&folder.0).and_then(|()| fs::write(&picture, png));
        written.map_err(|error| failed("picture_not_kept", format!("{}: {error}", picture.display())))?;
        let recipes = self.data_dir.join(RECIPES).join(payer.folder());
        let laid_out = models::shelf(&self.data_dir).lay_out(model, &picture, strength, &recipes);
        laid_out.map_err(|error| no_recipe(&error))
    }

    fn stop(&self, job: JobId, reached: Reached) {
        let mut stopped = lock(&self.stopped);
        if stopped.len() == STOPPED_MAX {
            stopped.pop_front();
        }
        stopped.push_back((job, reached));
    }
}

/// A folder that is removed with this value.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "cannot be removed");
        }
    }
}

/// Makes a job of a picture. It goes on whether or not anybody waits for it.
pub async fn begin(node: &Arc<Node>, asked: Asked) -> Result<JobId, NotRendered> {
    let Asked { strength, payer, .. } = asked;
    if payer == Payer::Capped {
        room(&node.pictures)?;
    }
    // First what costs nobody anything.
    let model = blocking(node, move |pictures| {
        let found = models::shelf(&pictures.data_dir).find(&asked.model);
        found.map_err(|error| no_recipe(&error))
    });
    let model = model.await?;
    let fetched = node.pictures.fetcher.photo(&asked.url).await;
    let fetched = fetched.map_err(|error| error.problem())?;
    let name = format!("{} · {}", fetched.name, model.name);
    // Never closed. Kept by the work itself, which goes on when nobody waits for it any more.
    let turn = node.pictures.turns.clone().acquire_owned().await.ok();
    let scene = blocking(node, move |pictures| {
        let laid_out = pictures.lay_out(fetched, &model, strength, payer);
        drop(turn);
        laid_out
    });
    let job = node.requestor.create(Wanted {
        scene: scene.await?,
        output: None,
        include: Vec::new(),
        continues: None,
        settings: JobSettings {
            name: Some(name),
            format: Some(OutputFormat::Png),
            auto_start: payer == Payer::TokenHolder,
            ..JobSettings::default()
        },
        asked_with: None,
    });
    let job = job?.id;
    if payer == Payer::Capped {
        node.services.tracker.spawn(start_within_cap(node.clone(), job));
    }
    Ok(job)
}

/// Waits until a job is final; `None` when the node stops before.
pub async fn ended(node: &Node, job: JobId) -> Option<Arc<JobView>> {
    until(node, job, JobState::is_final).await
}

/// Starts a job once it is quoted, if its quote is within the cap, and counts what it has cost in the end. What is set
/// aside is the quote's price and not all that is left, so that several can run at a time. After a restart of the node
/// nobody knows what was spent: such a job then waits, quoted, for the node's owner.
async fn start_within_cap(node: Arc<Node>, job: JobId) {
    let is_quoted = |state| !matches!(state, JobState::Analysing | JobState::Probing);
    let Some(view) = until(&node, job, is_quoted).await else {
        return;
    };
    if view.summary.state != JobState::Quoted {
        return;
    }
    let taken = lock(&node.pictures.cap).take(view.summary.budget, clock::now());
    let started = match taken {
        Ok(_) => node.requestor.start_job(job, None).await,
        Err(reached) => {
            node.pictures.stop(job, reached);
            node.requestor.cancel(job).await
        }
    };
    if let Err(problem) = started {
        // Somebody else has started or cancelled it in this moment.
        tracing::debug!(job = %job.short(), problem = problem.detail, "a picture's job goes its own way");
    }
    let (Ok(charge), Some(view)) = (taken, ended(&node, job).await) else {
        return;
    };
    lock(&node.pictures.cap).settle(charge, cost(view.escrow), clock::now());
}

/// What has not come back.
fn cost(escrow: EscrowView) -> Amount {
    escrow.deposited.checked_minus(escrow.refunded).unwrap_or_default()
}

/// Refuses at once when nothing is left to spend: before anything is fetched.
fn room(pictures: &Pictures) -> Result<(), NotRendered> {
    let (mut cap, now) = (lock(&pictures.cap), clock::now());
    // The least that an escrow locks.
    let charge = cap.take(Amount(1), now).map_err(NotRendered::Capped)?;
    cap.settle(charge, Amount::ZERO, now);
    Ok(())
}

/// Waits until a job's state is one that is looked for; `None` when the node stops before.
async fn until(node: &Node, job: JobId, is_it: impl Fn(JobState) -> bool) -> Option<Arc<JobView>> {
    let mut events = node.services.events.listen(None);
    loop {
        // After listening has begun: what changes from now on is heard.
        let view = node.requestor.view(job).ok()?;
        if is_it(view.summary.state) {
            return Some(view);
        }
        let about_it = async {
            loop {
                match events.hear().await? {
                    Heard::Event(told) if told.job != Some(job) || told.name != "job" => {}
                    Heard::Event(_) | Heard::Missed(_) => return Some(()),
                }
            }
        };
        tokio::select! {
            () = node.services.stop.cancelled() => return None,
            heard = about_it => heard?,
        }
    }
}

/// Runs what blocks on a thread of its own. A decoder that panics refuses one picture.
async fn blocking<T: Send + 'static>(
    node: &Arc<Node>,
    work: impl FnOnce(&Pictures) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let pictures = node.pictures.clone();
    let done = tokio::task::spawn_blocking(move || work(&pictures)).await;
    done.map_err(|error| failed("picture_not_read", error.to_string()))?
}

fn unusable_photo(error: &PhotoError) -> Problem {
    match error {
        PhotoError::TooLarge(_) => Problem::new(413, "picture_too_large", chain(error)),
        _ => bad_input("not_a_picture", chain(error)),
    }
}

fn no_recipe(error: &EngineError) -> Problem {
    match error {
        EngineError::Refused { code, message, remedy } => bad_input(code, message.as_str()).next(remedy.as_str()),
        other => failed("recipe_not_made", chain(other)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is whole before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
