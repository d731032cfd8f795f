//! What is shown, and what a key does to it. Nothing here touches a terminal or a daemon.

use super::link::News;
use crate::exit::ExitCode;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use rayswarm_api::{
    farm::{NodeView, ProviderView},
    job::JobSummary,
};
use rayswarm_model::JobId;

/// Rows that a page key moves by.
const PAGE: isize = 10;

/// The node, its jobs and its providers at one moment.
#[derive(Debug)]
pub struct Farm {
    /// The node.
    pub node: NodeView,
    /// Its jobs, newest first.
    pub jobs: Vec<JobSummary>,
    /// Providers it knows, best first.
    pub providers: Vec<ProviderView>,
}

/// Everything that is drawn.
#[derive(Debug, Default)]
pub struct State {
    /// What was seen last.
    pub farm: Option<Farm>,
    /// Why the node does not answer, while it does not.
    pub away: Option<String>,
    /// What became of the last key.
    pub said: Option<String>,
    /// The job whose cancellation waits for a `y`.
    pub asking: Option<JobId>,
    /// The chosen job; rows move under it.
    chosen: Option<JobId>,
    /// The chosen row, for when its job is gone.
    row: usize,
}

/// What a key asks of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Rest as a provider, or go on.
    RestProvider(bool),
    /// Pause a job.
    Pause(JobId),
    /// Let a paused job go on.
    Resume(JobId),
    /// End a job early.
    Cancel(JobId),
}

/// What comes of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing beyond what is drawn.
    Stay,
    /// The end.
    Leave(ExitCode),
    /// Something for the daemon.
    Ask(Wish),
}

impl Wish {
    /// What is said when it is done.
    pub fn done(self) -> String {
        match self {
            Self::RestProvider(true) => "this node rests as a provider once its tasks are finished".into(),
            Self::RestProvider(false) => "this node renders for others again".into(),
            Self::Pause(id) => format!("job {} rests; what is being rendered is finished", id.short()),
            Self::Resume(id) => format!("job {} goes on", id.short()),
            Self::Cancel(id) => format!("job {} is being cancelled", id.short()),
        }
    }
}

impl State {
    /// Takes in what came from the daemon.
    pub fn learn(&mut self, news: News) {
        match news {
            News::Said(said) => self.say(said),
            News::Away(why) => self.away = Some(why),
            News::Seen(farm) => {
                self.away = None;
                self.farm = Some(*farm);
                self.hold_on();
            }
        }
    }

    /// Shows a sentence until the next key.
    pub fn say(&mut self, said: impl Into<String>) {
        self.said = Some(said.into());
    }

    /// The jobs, none before the first look.
    pub fn jobs(&self) -> &[JobSummary] {
        self.farm.as_ref().map_or(&[], |farm| farm.jobs.as_slice())
    }

    /// The chosen row.
    pub const fn row(&self) -> usize {
        self.row
    }

    /// The chosen job.
    pub fn chosen(&self) -> Option<&JobSummary> {
        self.jobs().get(self.row)
    }

    /// Does what a key stands for.
    pub fn press(&mut self, key: KeyEvent) -> Next {
        if key.kind == KeyEventKind::Release {
            return Next::Stay;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Next::Leave(ExitCode::Interrupted);
        }
        self.said = None;
        if let Some(id) = self.asking.take() {
            return self.answer(id, key.code);
        }
        match key.code {
            KeyCode::Char('q') => return Next::Leave(ExitCode::Success),
            KeyCode::Char('p') => return self.rest_provider(),
            KeyCode::Char(' ') => return self.rest_job(),
            KeyCode::Char('c') => self.ask_to_cancel(),
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-PAGE),
            KeyCode::PageDown => self.step(PAGE),
            KeyCode::Home => self.step(isize::MIN),
            KeyCode::End => self.step(isize::MAX),
            _ => {}
        }
        Next::Stay
    }

    fn answer(&mut self, id: JobId, answer: KeyCode) -> Next {
        if matches!(answer, KeyCode::Char('y' | 'Y')) {
            return Next::Ask(Wish::Cancel(id));
        }
        self.say("not cancelled");
        Next::Stay
    }

    fn rest_provider(&mut self) -> Next {
        match &self.farm {
            Some(farm) if farm.node.provides => Next::Ask(Wish::RestProvider(!farm.node.provider_paused)),
            Some(_) => {
                self.say("this node renders for nobody; start it with `rayswarm up --provide`");
                Next::Stay
            }
            None => Next::Stay,
        }
    }

    fn rest_job(&mut self) -> Next {
        match self.unfinished() {
            Some(job) if job.paused => Next::Ask(Wish::Resume(job.id)),
            Some(job) => Next::Ask(Wish::Pause(job.id)),
            None => Next::Stay,
        }
    }

    fn ask_to_cancel(&mut self) {
        self.asking = self.unfinished().map(|job| job.id);
    }

    /// The chosen job, unless it is over; then that is said.
    fn unfinished(&mut self) -> Option<JobSummary> {
        let job = self.chosen()?.clone();
        if job.state.is_final() {
            self.say(format!("job {} is {}", job.id.short(), job.state.word()));
            return None;
        }
        Some(job)
    }

    fn step(&mut self, rows: isize) {
        self.row = self.row.saturating_add_signed(rows);
        self.keep_within();
        self.chosen = self.chosen().map(|job| job.id);
    }

    /// Follows the chosen job to its new row, or stays in place where it is gone.
    fn hold_on(&mut self) {
        let found = self
            .chosen
            .and_then(|id| self.jobs().iter().position(|job| job.id == id));
        self.row = found.unwrap_or(self.row);
        self.keep_within();
        self.chosen = self.chosen().map(|job| job.id);
    }

    fn keep_within(&mut self) {
        self.row = self.row.min(self.jobs().len().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{farm, job};
    use super::*;
    use rayswarm_api::job::JobState;

    fn seen(jobs: Vec<JobSummary>) -> State {
        let mut state = State::default();
        state.learn(News::Seen(Box::new(farm(jobs))));
        state
    }

    fn press(state: &mut State, code: KeyCode) -> Next {
        state.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn keys_before_the_first_look_do_nothing_but_leave() {
        let mut state = State::default();
        for code in [
            KeyCode::Char('p'),
            KeyCode::Char(' '),
            KeyCode::Char('c'),
            KeyCode::Down,
            KeyCode::End,
        ] {
            assert_eq!(press(&mut state, code), Next::Stay, "{code:?}");
        }
        assert_eq!(press(&mut state, KeyCode::Char('q')), Next::Leave(ExitCode::Success));
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(state.press(interrupt), Next::Leave(ExitCode::Interrupted));
    }

    #[test]
    fn the_choice_stays_with_its_job() {
        let mut state = seen(vec![job(3), job(2), job(1)]);
        press(&mut state, KeyCode::Down);
        assert_eq!(state.chosen().map(|job| job.id), Some(job(2).id));
        state.learn(News::Seen(Box::new(farm(vec![job(4), job(3), job(2), job(1)]))));
        assert_eq!((state.row(), state.chosen().map(|job| job.id)), (2, Some(job(2).id)));
        state.learn(News::Seen(Box::new(farm(vec![job(4)]))));
        assert_eq!(state.chosen().map(|job| job.id), Some(job(4).id));
        for (code, row) in [(KeyCode::End, 0), (KeyCode::PageUp, 0), (KeyCode::Home, 0)] {
            press(&mut state, code);
            assert_eq!(state.row(), row, "{code:?}");
        }
    }

    #[test]
    fn space_pauses_and_resumes_what_is_not_over() {
        let mut state = seen(vec![job(1)]);
        assert_eq!(press(&mut state, KeyCode::Char(' ')), Next::Ask(Wish::Pause(job(1).id)));
        let paused = JobSummary { paused: true, ..job(1) };
        let mut state = seen(vec![paused]);
        assert_eq!(
            press(&mut state, KeyCode::Char(' ')),
            Next::Ask(Wish::Resume(job(1).id))
        );
        let over = JobSummary {
            state: JobState::Done,
            ..job(1)
        };
        let mut state = seen(vec![over]);
        assert_eq!(press(&mut state, KeyCode::Char(' ')), Next::Stay);
        assert!(state.said.as_ref().is_some_and(|said| said.contains("is done")));
    }

    #[test]
    fn a_job_is_cancelled_only_after_a_yes() {
        let mut state = seen(vec![job(1)]);
        for (answer, next) in [
            (KeyCode::Char('n'), Next::Stay),
            (KeyCode::Esc, Next::Stay),
            (KeyCode::Char('y'), Next::Ask(Wish::Cancel(job(1).id))),
        ] {
            assert_eq!(press(&mut state, KeyCode::Char('c')), Next::Stay);
            assert_eq!(state.asking, Some(job(1).id));
            assert_eq!(press(&mut state, answer), next, "{answer:?}");
            assert_eq!(state.asking, None);
        }
    }

    #[test]
    fn the_provider_role_rests_only_where_there_is_one() {
        let mut state = seen(Vec::new());
        assert_eq!(
            press(&mut state, KeyCode::Char('p')),
            Next::Ask(Wish::RestProvider(true))
        );
        let mut none = farm(Vec::new());
        none.node.provides = false;
        state.learn(News::Seen(Box::new(none)));
        assert_eq!(press(&mut state, KeyCode::Char('p')), Next::Stay);
        assert!(state.said.as_ref().is_some_and(|said| said.contains("--provide")));
    }

    #[test]
    fn what_was_seen_stays_while_the_node_is_away() {
        let mut state = seen(vec![job(1)]);
        state.learn(News::Away("no daemon answers".into()));
        assert_eq!((state.jobs().len(), state.away.is_some()), (1, true));
        state.learn(News::Seen(Box::new(farm(Vec::new()))));
        assert_eq!((state.jobs().len(), state.away), (0, None));
    }
}
