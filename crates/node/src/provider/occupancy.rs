//! What this machine is taken by. A render wants the whole of it; sessions of commands share it, but not with a render.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who has the machine.
#[derive(Debug, Default)]
pub struct Occupancy(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    renders: usize,
    sessions: usize,
}

/// A share of the machine; given back when dropped.
#[derive(Debug)]
pub struct Occupied {
    of: Arc<Occupancy>,
    by: Work,
}

#[derive(Clone, Copy, Debug)]
enum Work {
    Render,
    Session,
}

impl Occupancy {
    /// For a render, unless sessions of commands are run.
    pub fn render(self: &Arc<Self>) -> Option<Occupied> {
        let mut taken = self.taken();
        (taken.sessions == 0).then(|| {
            taken.renders += 1;
            self.occupied(Work::Render)
        })
    }

    /// For a session of commands, unless a job is rendered.
    pub fn session(self: &Arc<Self>) -> Option<Occupied> {
        let mut taken = self.taken();
        (taken.renders == 0).then(|| {
            taken.sessions += 1;
            self.occupied(Work::Session)
        })
    }

    fn occupied(self: &Arc<Self>, by: Work) -> Occupied {
        Occupied { of: self.clone(), by }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Every change is one step: a panic elsewhere leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
        match self.by {
            Work::Render => taken.renders -= 1,
            Work::Session => taken.sessions -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_renders_or_runs_commands() {
        let machine = Arc::new(Occupancy::default());
        let sessions = (machine.session(), machine.session());
        assert!(sessions.0.is_some() && sessions.1.is_some());
        assert!(machine.render().is_none());
        drop(sessions);
        let render = machine.render();
        assert!(render.is_some() && machine.session().is_none());
        drop(render);
        assert!(machine.session().is_some());
    }
}
