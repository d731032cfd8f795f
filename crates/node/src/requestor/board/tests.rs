//! What a board says while a small job is rendered.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::bench_seed;
use rayswarm_model::UnixMillis;
use rayswarm_scheduler::{Event, Policy, step};

/// A board, and what is needed to let more happen on it.
struct Played {
    board: Board,
    farm: Farm,
    ledger: Ledger,
    left: std::vec::IntoIter<(UnixMillis, Event)>,
}

fn played() -> Option<Played> {
    let (plan, policy, events): (Plan, Policy, _) = bench_seed::small_history();
    Some(Played {
        board: Board::of(&plan),
        farm: Farm::new(&plan, policy).ok()?,
        ledger: Ledger::default(),
        left: events.into_iter(),
    })
}

impl Played {
    /// Lets one thing happen; the tasks that changed.
    fn goes_on(&mut self) -> Option<Vec<TaskRow>> {
        let (at, event) = self.left.next()?;
        let effects = step(&mut self.farm, event.clone(), at);
        self.ledger.observe(&event, &effects);
        Some(self.board.update(&self.farm, &self.ledger))
    }

    fn since(&self, rev: u64) -> Vec<TaskRow> {
        let since = Some(rev);
        let query = TasksQuery {
            since,
            ..TasksQuery::default()
        };
        self.board.tasks(&query).tasks
    }
}

#[test]
fn who_asks_what_has_changed_gets_that_and_nothing_else() {
    let mut played = played().expect("a job that is rendered");
    assert_eq!((played.since(0).len(), played.since(REV_FIRST).len()), (4, 0));
    let mut changes = 0;
    loop {
        let before = played.board.rev();
        let Some(mut changed) = played.goes_on() else { break };
        changed.sort_by_key(|row| row.id);
        assert_eq!(played.since(before), changed);
        changes += changed.len();
    }
    assert!(changes > 8, "{changes}");
    let all = played.since(REV_FIRST);
    assert!(all.iter().all(|row| row.state == TaskState::Verified));
    assert_eq!(all.iter().map(|row| row.id).collect::<Vec<_>>(), [0, 1, 2, 3]);
}

#[test]
fn pages_of_tasks_follow_one_another() {
    let mut played = played().expect("a job that is rendered");
    while played.goes_on().is_some() {}
    for since in [None, Some(REV_FIRST)] {
        let page = |cursor: Option<&str>| {
            let (limit, cursor) = (Some(3), cursor.map(Into::into));
            played.board.tasks(&TasksQuery { since, limit, cursor })
        };
        let (first, second) = (page(None), page(Some("3")));
        assert_eq!((first.tasks.len(), first.next_cursor.as_deref()), (3, Some("3")));
        assert_eq!((second.tasks.len(), second.next_cursor), (1, None));
        assert_eq!(page(Some("9")).tasks, []);
    }
}

#[test]
fn audits_are_added_up_again_when_there_are_more() {
    let mut played = played().expect("a job that is rendered");
    let mut seen = Vec::new();
    while played.goes_on().is_some() {
        let report = played.board.audits();
        assert_eq!(report, played.board.add_audits_up());
        seen.push(report.passed);
    }
    assert_eq!(seen.last(), Some(&4), "the first results of every provider are audited");
    assert!(seen.contains(&1));
}

#[test]
fn attempts_are_those_of_a_node() {
    let mut played = played().expect("a job that is rendered");
    while played.goes_on().is_some() {}
    let of = |node: Option<String>| {
        let query = AttemptsQuery {
            node,
            ..AttemptsQuery::default()
        };
        played.board.attempts(&query, 1000).items
    };
    let all = of(None);
    let node = all[0].node.clone();
    let own = of(Some(node.clone()));
    assert!(!own.is_empty() && own.len() < all.len());
    assert!(own.iter().all(|attempt| attempt.node == node));
    assert!(of(Some("nobody".into())).is_empty());
}

#[test]
fn results_are_not_needed_when_the_job_does_without_them() {
    let mut played = played().expect("a job that is rendered");
    let live = |played: &Played| -> Vec<Attempt> {
        let attempts = (0..).map_while(|id| played.farm.attempt(AttemptId(id)));
        attempts.filter(|attempt| attempt.state.is_live()).cloned().collect()
    };
    while live(&played).is_empty() {
        played.goes_on().expect("work is given out");
    }
    let given = live(&played);
    let is_not_needed = |played: &Played, node: NodeId| {
        let mut ids = given.iter().map(|attempt| attempt.id);
        ids.all(|id| played.board.is_not_needed(node, id))
    };
    let node = given.first().expect("one").node;
    assert!(!is_not_needed(&played, node), "it may still count");
    played.left = vec![(UnixMillis(u64::MAX / 2), Event::Cancel)].into_iter();
    played.goes_on();
    assert!(is_not_needed(&played, node));
    assert!(
        !is_not_needed(&played, NodeId::from_bytes([0xee; 32])),
        "it is not theirs"
    );
    assert!(!played.board.is_not_needed(node, AttemptId(1 << 40)), "it is unknown");
}
