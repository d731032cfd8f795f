//! Webhooks: addresses outside that are told what happens, signed, in order, and again until they have taken it.
//!
//! | module | holds |
//! |---|---|
//! | [`hook`] | one webhook: what it wants, how it goes |
//! | [`states`] | which news about jobs it has had |
//! | [`target`] | which addresses are taken; [`crate::reach`] says which are connected to |
//! | [`message`], [`post`], [`schedule`] | one delivery: what is sent, how, and when again |
//! | [`worker`] | all deliveries of one webhook |
//!
//! Deliveries are at least once. Events are kept in memory only: what happened while a webhook could not be reached is
//! told later as far as [`Events`] still has it, and not after a restart.

mod hook;
mod message;
mod post;
mod schedule;
mod states;
mod target;
#[cfg(test)]
mod tests;
mod worker;

use crate::{
    events::{Events, Listener},
    private_list::{PrivateList, PrivateListError},
    requestor::refusal::{bad_input, chain, failed},
};
use hook::Hook;
use post::Poster;
use rayswarm_api::{
    Problem,
    access::{MadeWebhook, NewWebhook, WebhookView},
};
use rayswarm_model::UnixMillis;
use schedule::Schedule;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::interval};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Webhooks of one node at most: each has a connection at a time.
const HOOKS_MAX: usize = 100;
/// How often the course of deliveries is written down. After a crash a webhook may hear the same again.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Webhooks cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// Their file.
    #[error(transparent)]
    Store(#[from] PrivateListError),
    /// Nothing can be sent.
    #[error("webhooks cannot be sent; check that the system's CA certificates are installed")]
    Client(#[source] reqwest::Error),
}

/// The webhooks of one node.
pub struct Webhooks {
    /// Held while webhooks come or go. Taken before the others.
    store: Mutex<PrivateList<Hook>>,
    kept: Mutex<Kept>,
    /// What webhooks listen with that were made since [`Self::run`] looked last.
    fresh: Mutex<HashMap<String, Listener>>,
    poster: Poster,
    schedule: Schedule,
    /// Webhooks have come or gone.
    changed: Notify,
}

struct Kept {
    hooks: Vec<Hook>,
    unsaved: bool,
}

impl Webhooks {
    /// Those kept in `data_dir`. May block for as long as the disk takes.
    pub fn open(data_dir: &Path) -> Result<Self, WebhooksError> {
        Self::with_schedule(data_dir, Schedule::STANDARD)
    }

    fn with_schedule(data_dir: &Path, schedule: Schedule) -> Result<Self, WebhooksError> {
        let store = PrivateList::in_folder(data_dir, "webhooks");
        Ok(Self {
            kept: Mutex::new(Kept {
                hooks: store.read()?,
                unsaved: false,
            }),
            store: Mutex::new(store),
            fresh: Mutex::default(),
            poster: Poster::new().map_err(WebhooksError::Client)?,
            schedule,
            changed: Notify::new(),
        })
    }

    /// All of them, oldest first.
    pub fn list(&self) -> Vec<WebhookView> {
        lock(&self.kept).hooks.iter().map(Hook::view).collect()
    }

    /// Makes one that is told what happens from now on. May block for as long as the disk takes.
    pub fn add(&self, wanted: NewWebhook, events: &Arc<Events>, now: UnixMillis) -> Result<MadeWebhook, Problem> {
        let hook = Hook::new(wanted, now)?;
        let made = hook.made();
        lock(&self.fresh).insert(hook.id.clone(), events.listen(None));
        let added = self.change(|hooks| {
            if hooks.len() == HOOKS_MAX {
                let detail = format!("there are {HOOKS_MAX} webhooks, the most a node has");
                return Err(bad_input("too_many_webhooks", detail).next("remove one that is not needed"));
            }
            hooks.push(hook.clone());
            Ok(())
        });
        if added.is_err() {
            lock(&self.fresh).remove(&hook.id);
        }
        added.map(|()| made)
    }

    /// Removes one; nothing more is sent to it. May block for as long as the disk takes.
    pub fn remove(&self, id: &str) -> Result<(), Problem> {
        self.change(|hooks| {
            let place = hooks.iter().position(|hook| hook.id == id);
            let unknown = || Problem::new(404, "no_such_webhook", format!("there is no webhook {id:?}"));
            hooks.remove(place.ok_or_else(unknown)?);
            Ok(())
        })?;
        lock(&self.fresh).remove(id);
        Ok(())
    }

    /// Delivers until `stop`; then writes down how far it came.
    pub async fn run(self: Arc<Self>, events: Arc<Events>, stop: CancellationToken) {
        let workers = TaskTracker::new();
        let mut stops = HashMap::new();
        let mut save = interval(SAVE_EVERY);
        loop {
            self.match_workers(&events, &workers, &mut stops, &stop);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changed.notified() => {}
                _ = save.tick() => self.save_course().await,
            }
        }
        workers.close();
        workers.wait().await;
        self.save_course().await;
    }

    /// Starts a worker for each webhook without one, and stops those of webhooks that are gone.
    fn match_workers(
        self: &Arc<Self>,
        events: &Arc<Events>,
        workers: &TaskTracker,
        stops: &mut HashMap<String, CancellationToken>,
        stop: &CancellationToken,
    ) {
        let hooks = lock(&self.kept).hooks.clone();
        stops.retain(|id, stop| {
            let stays = hooks.iter().any(|hook| hook.id == *id);
            if !stays {
                stop.cancel();
            }
            stays
        });
        for hook in hooks {
            if hook.is_off() || stops.contains_key(&hook.id) {
                continue;
            }
            let stop = stop.child_token();
            stops.insert(hook.id.clone(), stop.clone());
            let fresh = lock(&self.fresh).remove(&hook.id);
            let listener = fresh.unwrap_or_else(|| events.listen(Some(hook.last_event.unwrap_or_default())));
            let working = worker::work(self.clone(), hook, listener);
            workers.spawn(async move { stop.run_until_cancelled(working).await });
        }
    }

    /// Writes down how deliveries went since it was last written.
    async fn save_course(self: &Arc<Self>) {
        let this = self.clone();
        let saved = tokio::task::spawn_blocking(move || {
            let store = lock(&this.store);
            let hooks = {
                let mut kept = lock(&this.kept);
                if !std::mem::take(&mut kept.unsaved) {
                    return Ok(());
                }
                kept.hooks.clone()
            };
            let written = store.write(&hooks);
            if written.is_err() {
                lock(&this.kept).unsaved = true;
            }
            written
        });
        if let Ok(Err(error)) = saved.await {
            tracing::warn!("{}", chain(&error));
        }
    }

    /// Changes the list on disk, then in memory: what was answered is kept, and what is refused is not.
    fn change(&self, change: impl Fn(&mut Vec<Hook>) -> Result<(), Problem>) -> Result<(), Problem> {
        let store = lock(&self.store);
        let mut changed = lock(&self.kept).hooks.clone();
        change(&mut changed)?;
        let unwritten = |error: PrivateListError| {
            failed("webhook_not_stored", chain(&error)).next("check free space and permissions of the data folder")
        };
        store.write(&changed).map_err(unwritten)?;
        // Only the course of deliveries can be another one now.
        change(&mut lock(&self.kept).hooks)?;
        self.changed.notify_one();
        Ok(())
    }

    /// Looks at a webhook; `None` when it is gone.
    fn look<T>(&self, id: &str, look: impl FnOnce(&Hook) -> T) -> Option<T> {
        lock(&self.kept).hooks.iter().find(|hook| hook.id == id).map(look)
    }

    /// Notes how a delivery went; `None` when the webhook is gone.
    fn note<T>(&self, id: &str, note: impl FnOnce(&mut Hook) -> T) -> Option<T> {
        let mut kept = lock(&self.kept);
        kept.unsaved = true;
        kept.hooks.iter_mut().find(|hook| hook.id == id).map(note)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one assignment: a panic elsewhere leaves it whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
