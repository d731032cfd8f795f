//! What happens on this node, in order, for whoever listens: the event stream and webhooks.
//!
//! The last events are kept in memory under numbers that grow by one, also over a restart: the first number comes from
//! the clock. A listener names the last number it has seen and goes on from there, or hears that it has missed some.

use rayswarm_api::event::NodeEvent;
use rayswarm_model::{JobId, UnixMillis};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Events kept for those who come back.
const KEPT_MAX: usize = 1 << 14;
/// Numbers set aside for each millisecond since 1970: a node that starts again begins above all it has told before.
const NUMBERS_PER_MILLI: u64 = 1000;

/// One event as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// The job it is about.
    pub job: Option<JobId>,
    /// Its data as JSON.
    pub data: String,
}

/// Tells events to any number of listeners.
#[derive(Debug)]
pub struct Events {
    kept: Mutex<Kept>,
    /// The number that comes next.
    next: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    told: VecDeque<Arc<Told>>,
    next: u64,
}

/// What a listener gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The next event.
    Event(Arc<Told>),
    /// Events between are gone; the next one has at least this number.
    Missed(u64),
}

impl Events {
    /// Numbers begin with the time of the start.
    pub fn new(started_at: UnixMillis) -> Arc<Self> {
        let next = started_at.0.saturating_mul(NUMBERS_PER_MILLI);
        Arc::new(Self {
            kept: Mutex::new(Kept {
                told: VecDeque::new(),
                next,
            }),
            next: watch::Sender::new(next),
        })
    }

    /// Tells an event.
    pub fn tell(&self, event: &NodeEvent) {
        let mut kept = self.kept();
        let id = kept.next;
        kept.next += 1;
        if kept.told.len() == KEPT_MAX {
            kept.told.pop_front();
        }
        kept.told.push_back(Arc::new(Told {
            id,
            name: event.name(),
            job: event.job(),
            data: event.data(),
        }));
        // Under the lock, so that numbers are announced in order.
        self.next.send_replace(id + 1);
    }

    /// Listens from after `last` on; from now on without it. A number this node has never told is one it has lost.
    pub fn listen(self: &Arc<Self>, last: Option<u64>) -> Listener {
        let now = self.kept().next;
        let (next, missed) = match last {
            None => (now, false),
            Some(last) if last < now => (last + 1, false),
            Some(_) => (now, true),
        };
        Listener {
            events: self.clone(),
            announced: self.next.subscribe(),
            next,
            missed,
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change is one insertion: a panic elsewhere leaves it whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears events in order.
#[derive(Debug)]
pub struct Listener {
    events: Arc<Events>,
    announced: watch::Receiver<u64>,
    next: u64,
    missed: bool,
}

impl Listener {
    /// Waits for the next event; `None` when the node stops. Cancellation safe.
    pub async fn hear(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.kept() {
                return Some(heard);
            }
            let next = self.next;
            self.announced.wait_for(|announced| *announced > next).await.ok()?;
        }
    }

    fn kept(&mut self) -> Option<Heard> {
        let kept = self.events.kept();
        let oldest = kept.told.front().map_or(kept.next, |told| told.id);
        if self.missed || self.next < oldest {
            self.missed = false;
            self.next = self.next.max(oldest);
            return Some(Heard::Missed(self.next));
        }
        let at = usize::try_from(self.next - oldest).ok()?;
        let told = kept.told.get(at)?.clone();
        self.next += 1;
        Some(Heard::Event(told))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_api::event::Nothing;

    const STARTED: UnixMillis = UnixMillis(7);

    fn tell(events: &Events, count: usize) {
        for _ in 0..count {
            events.tell(&NodeEvent::Providers(Nothing {}));
        }
    }

    async fn id(listener: &mut Listener) -> Option<u64> {
        match listener.hear().await.unwrap() {
            Heard::Event(told) => Some(told.id),
            Heard::Missed(_) => None,
        }
    }

    #[tokio::test]
    async fn listeners_hear_every_event_in_order_and_go_on_where_they_were() {
        let events = Events::new(STARTED);
        let mut listener = events.listen(None);
        tell(&events, 3);
        for expected in 7000..7003 {
            assert_eq!(id(&mut listener).await, Some(expected));
        }
        drop(listener);
        tell(&events, 1);
        let mut again = events.listen(Some(7001));
        assert_eq!(id(&mut again).await, Some(7002));
        assert_eq!(id(&mut again).await, Some(7003));
        let (heard, ()) = tokio::join!(id(&mut again), async { tell(&events, 1) });
        assert_eq!(heard, Some(7004));
    }

    #[tokio::test]
    async fn who_has_missed_events_is_told_once() {
        let events = Events::new(STARTED);
        // From before a restart.
        let mut old = events.listen(Some(5));
        tell(&events, KEPT_MAX + 10);
        assert_eq!(old.hear().await, Some(Heard::Missed(7010)));
        assert_eq!(id(&mut old).await, Some(7010));
        // A number that was never told.
        let mut foreign = events.listen(Some(u64::MAX - 1));
        assert!(matches!(foreign.hear().await, Some(Heard::Missed(_))));
    }
}
