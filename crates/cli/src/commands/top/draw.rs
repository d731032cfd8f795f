//! The picture: a function of the state and of nothing else.

use super::state::{Farm, State};
use crate::show;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Cell, Paragraph, Row, Table},
};
use rayswarm_api::{
    farm::{NodeView, ProviderView},
    job::{JobState, JobSummary},
};
use std::ops::Range;

/// Lines that a table needs for its title and its header.
const HEADING: u16 = 2;
/// From this width on, progress bars are longer.
const WIDE: u16 = 120;
/// Decimals of an amount.
const DECIMALS: usize = 4;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    let providers = state.farm.as_ref().map_or(0, |farm| farm.providers.len());
    let [head, jobs, farm, said, keys] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Fill(1),
        Constraint::Length(providers_height(providers, area.height)),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(heading(state)), head);
    draw_jobs(frame, jobs, state);
    draw_providers(frame, farm, state.farm.as_ref());
    frame.render_widget(Paragraph::new(last_words(state)), said);
    frame.render_widget(Paragraph::new(keys_line(state)).style(dim()), keys);
}

/// Room for every provider, but never more than a third of the screen.
fn providers_height(providers: usize, height: u16) -> u16 {
    let wanted = u16::try_from(providers.max(1))
        .unwrap_or(u16::MAX)
        .saturating_add(HEADING);
    wanted.min(height / 3)
}

fn heading(state: &State) -> Vec<Line<'static>> {
    let Some(farm) = &state.farm else {
        let waiting = Line::from("Rayswarm");
        return vec![waiting, away(state).unwrap_or_else(|| Line::from("asking the node…"))];
    };
    let node = &farm.node;
    let id: String = node.id.chars().take(10).collect();
    let unfinished = farm.jobs.iter().filter(|job| !job.state.is_final()).count();
    let about = format!(
        "   node {id}   up {}   {unfinished} jobs unfinished",
        show::span(node.uptime_s as f64)
    );
    let name = Span::styled(format!("Rayswarm {}", node.version), bold());
    vec![
        Line::from(vec![name, Span::raw(about)]),
        away(state).unwrap_or_else(|| Line::from(provider_role(node))),
    ]
}

fn away(state: &State) -> Option<Line<'static>> {
    let why = state.away.as_ref()?;
    let word = Span::styled(
        " OFFLINE ",
        Style::new().fg(Color::Red).add_modifier(Modifier::REVERSED),
    );
    Some(Line::from(vec![word, Span::raw(format!(" {why}"))]))
}

/// What the node does for others.
fn provider_role(node: &NodeView) -> String {
    let asks = node.settings.price_per_wu_hour.map_or_else(String::new, |price| {
        format!(", asks {} tokens per WU-hour", show::tokens_to(price, DECIMALS))
    });
    match (node.provides, node.provider_paused, node.provider_ready) {
        (false, ..) => "provider: off".into(),
        (true, true, _) => "provider: paused, takes no tasks".into(),
        (true, false, false) => "provider: measures this machine".into(),
        (true, false, true) => format!("provider: on{asks}"),
    }
}

fn draw_jobs(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let jobs = state.jobs();
    let place = if jobs.is_empty() { 0 } else { state.row() + 1 };
    let block = titled(format!(" Jobs {place}/{} ", jobs.len()));
    if jobs.is_empty() {
        let empty = if state.farm.is_some() {
            "no jobs yet; `rayswarm render SCENE` makes one"
        } else {
            ""
        };
        frame.render_widget(Paragraph::new(empty).block(block), area);
        return;
    }
    let shown = window(
        jobs.len(),
        state.row(),
        usize::from(area.height.saturating_sub(HEADING)),
    );
    let bar = if area.width < WIDE { 8 } else { 24 };
    let rows = shown.map(|row| job_row(&jobs[row], row == state.row(), bar));
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(9),
        Constraint::Length(bar + 5),
        Constraint::Length(11),
        Constraint::Length(8),
        Constraint::Length(15),
    ];
    let header = headings(["  job", "state", "progress"], ["tasks", "to go", "paid/budget"]);
    let table = Table::new(rows, widths).header(header).block(block);
    frame.render_widget(table, area);
}

fn job_row(job: &JobSummary, chosen: bool, bar: u16) -> Row<'static> {
    let marker = if chosen { "> " } else { "  " };
    let to_go = job
        .eta_s
        .filter(|_| !job.state.is_final())
        .map_or_else(String::new, show::span);
    let money = format!(
        "{}/{}",
        show::tokens_to(job.paid, DECIMALS),
        show::tokens_to(job.budget, DECIMALS)
    );
    let row = Row::new([
        Cell::from(format!("{marker}{}", job.name)),
        Cell::from(Span::styled(show::state(job), Style::new().fg(colour(job)))),
        Cell::from(progress(job.progress_permille, usize::from(bar))),
        number(format!("{}/{}", job.tasks_verified, job.tasks)),
        number(to_go),
        number(money),
    ]);
    if chosen { row.style(bold()) } else { row }
}

fn draw_providers(frame: &mut Frame<'_>, area: Rect, farm: Option<&Farm>) {
    let providers: &[ProviderView] = farm.map_or(&[], |farm| farm.providers.as_slice());
    let block = titled(format!(" Providers {} ", providers.len()));
    if providers.is_empty() {
        let empty = farm.map_or(
            "",
            |_| "none known yet; `rayswarm invite` prints a ticket for another machine",
        );
        frame.render_widget(Paragraph::new(empty).block(block), area);
        return;
    }
    let room = usize::from(area.height.saturating_sub(HEADING));
    let rows = providers.iter().take(room).map(provider_row);
    let widths = [
        Constraint::Length(10),
        Constraint::Fill(1),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(4),
        Constraint::Length(8),
        Constraint::Length(8),
    ];
    let header = headings(
        ["  id", "engines"],
        ["WU/s", "price", "rtt", "busy", "verified", "rejected"],
    );
    let table = Table::new(rows, widths).header(header).block(block);
    frame.render_widget(table, area);
}

fn provider_row(provider: &ProviderView) -> Row<'static> {
    let id: String = provider.id.chars().take(8).collect();
    let round_trip = provider.rtt_ms.map_or_else(String::new, |rtt| format!("{rtt:.1} ms"));
    Row::new([
        Cell::from(format!("  {id}")),
        Cell::from(provider.engines.join(", ")),
        number(format!("{:.2}", provider.wu_per_second)),
        number(show::tokens_to(provider.price_per_wu_hour, DECIMALS)),
        number(round_trip),
        number(if provider.busy { "yes" } else { "no" }.into()),
        number(provider.tasks_verified.to_string()),
        number(provider.tasks_rejected.to_string()),
    ])
}

/// The question that waits for an answer, or what became of the last key.
fn last_words(state: &State) -> Line<'static> {
    if let Some(id) = state.asking {
        let question = format!(
            "cancel job {}? finished work is paid, the rest comes back [y/N]",
            id.short()
        );
        return Line::from(Span::styled(question, bold()));
    }
    Line::from(state.said.clone().unwrap_or_default())
}

fn keys_line(state: &State) -> String {
    let rests = state.farm.as_ref().is_some_and(|farm| farm.node.provider_paused);
    let provider = if rests { "resume" } else { "pause" };
    let job = if state.chosen().is_some_and(|job| job.paused) {
        "resume"
    } else {
        "pause"
    };
    format!("q quit   p {provider} provider   ↑↓ choose   space {job} job   c cancel job")
}

/// The rows to show of a list, the chosen one in the middle where there is room on both sides.
fn window(rows: usize, chosen: usize, height: usize) -> Range<usize> {
    let last_start = rows.saturating_sub(height);
    let start = chosen.saturating_sub(height / 2).min(last_start);
    start..(start + height).min(rows)
}

/// `█████░░░  62%`
fn progress(permille: u32, cells: usize) -> String {
    let permille = permille.min(1000) as usize;
    let full = permille * cells / 1000;
    format!("{}{} {:>3}%", "█".repeat(full), "░".repeat(cells - full), permille / 10)
}

/// Texts on the left, numbers on the right, as in the rows below.
fn headings<const TEXTS: usize, const NUMBERS: usize>(
    texts: [&'static str; TEXTS],
    numbers: [&'static str; NUMBERS],
) -> Row<'static> {
    let texts = texts.into_iter().map(Cell::from);
    let numbers = numbers.into_iter().map(|name| number(name.into()));
    Row::new(texts.chain(numbers)).style(dim())
}

fn number(text: String) -> Cell<'static> {
    Cell::from(Line::from(text).right_aligned())
}

fn titled(title: String) -> Block<'static> {
    Block::new().borders(Borders::TOP).title(title)
}

const fn colour(job: &JobSummary) -> Color {
    match job.state {
        _ if job.paused && !job.state.is_final() => Color::Yellow,
        JobState::Done => Color::Green,
        JobState::Failed | JobState::Cancelled => Color::Red,
        JobState::Quoted => Color::Yellow,
        _ => Color::Cyan,
    }
}

const fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

const fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

#[cfg(test)]
mod tests;
