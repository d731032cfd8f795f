//! What is on the screen, as text.
#![allow(clippy::unwrap_used)]

use super::super::{
    link::News,
    testing::{farm, job, provider},
};
use super::*;
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};

fn screen(state: &State, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let cells = terminal.backend().buffer().content();
    let lines = cells.chunks(usize::from(width));
    lines
        .map(|line| {
            line.iter()
                .map(|cell| cell.symbol())
                .collect::<String>()
                .trim_end()
                .to_owned()
        })
        .collect()
}

fn seen(farm: Farm) -> State {
    let mut state = State::default();
    state.learn(News::Seen(Box::new(farm)));
    state
}

fn press(state: &mut State, code: KeyCode) {
    state.press(KeyEvent::new(code, KeyModifiers::NONE));
}

#[test]
fn a_small_terminal_shows_everything() {
    let lines = screen(&seen(farm(vec![job(2), job(1)])), 80, 24);
    assert_eq!(
        lines[0],
        "Rayswarm 0.1.0   node 1a2b3c4d5e   up 1:02:03   2 jobs unfinished"
    );
    assert_eq!(lines[1], "provider: on, asks 1 tokens per WU-hour");
    assert!(lines[2].starts_with(" Jobs 1/2 ─"), "{lines:#?}");
    for (line, words) in [
        (3, vec!["  job", "state", "progress", "tasks", "to go", "paid/budget"]),
        (
            4,
            vec!["> shot-2.blend", "rendering", "█████░░░  62%", "60/96", "4:05", "0.5/3"],
        ),
        (5, vec!["  shot-1.blend", "rendering"]),
        (19, vec![" Providers 1 ─"]),
        (
            20,
            vec![
                "  id", "engines", "WU/s", "price", "rtt", "busy", "verified", "rejected",
            ],
        ),
        (
            21,
            vec![
                "  00000001",
                "blender 4.5.15",
                "1.50",
                "1",
                "12.3 ms",
                "yes",
                "1234",
                "5",
            ],
        ),
    ] {
        let mut rest = lines[line].as_str();
        for word in words {
            let found = rest.split_once(word);
            assert!(
                found.is_some(),
                "{word:?} is not in its place in line {line} of {lines:#?}"
            );
            rest = found.unwrap().1;
        }
    }
    assert_eq!(
        lines[23],
        "q quit   p pause provider   ↑↓ choose   space pause job   c cancel job"
    );
}

#[test]
fn a_large_terminal_has_longer_bars_and_room_for_more() {
    let mut much = farm((1..=20).rev().map(job).collect());
    much.providers = (1..=40).map(provider).collect();
    let lines = screen(&seen(much), 200, 50);
    let text = lines.join("\n");
    assert!(
        text.contains(&format!("{}{}  62%", "█".repeat(15), "░".repeat(9))),
        "{text}"
    );
    assert!(
        text.contains("shot-20.blend") && text.contains("shot-1.blend"),
        "{text}"
    );
    // A third of the screen, title and header among it.
    assert!(text.contains("00000014") && !text.contains("00000015"), "{text}");
    assert!(text.contains(" Providers 40 "), "{text}");
    assert!(text.contains("blender 4.5.15, povray 3.7"), "{text}");
}

#[test]
fn empty_lists_say_what_to_do() {
    let mut nothing = farm(Vec::new());
    nothing.providers.clear();
    let text = screen(&seen(nothing), 80, 24).join("\n");
    for sentence in [
        "Jobs 0/0",
        "`rayswarm render SCENE`",
        "Providers 0",
        "`rayswarm invite`",
    ] {
        assert!(text.contains(sentence), "{sentence} is not in\n{text}");
    }
}

#[test]
fn ten_thousand_jobs_are_walked_through() {
    let mut state = seen(farm((1..=10_000).rev().map(job).collect()));
    let first = screen(&state, 80, 24).join("\n");
    assert!(
        first.contains("Jobs 1/10000") && first.contains("> shot-10000.blend"),
        "{first}"
    );
    press(&mut state, KeyCode::PageDown);
    let page = screen(&state, 80, 24).join("\n");
    assert!(
        page.contains("Jobs 11/10000") && page.contains("> shot-9990.blend"),
        "{page}"
    );
    press(&mut state, KeyCode::End);
    let last = screen(&state, 80, 24).join("\n");
    assert!(
        last.contains("Jobs 10000/10000") && last.contains("> shot-1.blend"),
        "{last}"
    );
}

#[test]
fn a_node_that_is_away_leaves_what_was_seen() {
    let away = || News::Away("no daemon answers at http://127.0.0.1:3000".into());
    let mut state = seen(farm(vec![job(1)]));
    state.learn(away());
    let text = screen(&state, 80, 24).join("\n");
    assert!(text.contains("OFFLINE  no daemon answers at"), "{text}");
    assert!(text.contains("shot-1.blend"), "{text}");

    let mut never = State::default();
    assert!(screen(&never, 80, 24).join("\n").contains("asking the node"));
    never.learn(away());
    assert!(screen(&never, 80, 24).join("\n").contains("OFFLINE"));
}

#[test]
fn questions_and_answers_stand_above_the_keys() {
    let mut state = seen(farm(vec![job(1)]));
    press(&mut state, KeyCode::Char('c'));
    let asked = screen(&state, 80, 24);
    assert_eq!(
        asked[22],
        "cancel job 0000000100? finished work is paid, the rest comes back [y/N]"
    );
    press(&mut state, KeyCode::Char('n'));
    assert_eq!(screen(&state, 80, 24)[22], "not cancelled");
}

#[test]
fn what_rests_is_called_so_and_can_be_resumed() {
    let mut resting = farm(vec![JobSummary { paused: true, ..job(1) }]);
    resting.node.provider_paused = true;
    let text = screen(&seen(resting), 80, 24).join("\n");
    for words in ["provider: paused", "paused", "p resume provider", "space resume job"] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
}

#[test]
fn no_terminal_is_too_small() {
    let mut much = farm((1..=50).map(job).collect());
    much.providers = (1..=9).map(provider).collect();
    let state = seen(much);
    for (width, height) in [(1, 1), (20, 5), (40, 8), (500, 3), (7, 100)] {
        assert_eq!(screen(&state, width, height).len(), usize::from(height));
    }
}

#[test]
fn the_window_holds_the_chosen_row() {
    for (rows, chosen, height, expected) in [
        (3, 0, 10, 0..3),
        (100, 0, 10, 0..10),
        (100, 50, 10, 45..55),
        (100, 99, 10, 90..100),
        (100, 7, 0, 7..7),
        (1, 0, 1, 0..1),
    ] {
        assert_eq!(window(rows, chosen, height), expected, "{rows} {chosen} {height}");
    }
}

#[test]
fn bars_are_as_long_as_they_say() {
    for (permille, bar) in [
        (0, "░░░░   0%"),
        (999, "███░  99%"),
        (1000, "████ 100%"),
        (4000, "████ 100%"),
    ] {
        assert_eq!(progress(permille, 4), bar);
    }
}
