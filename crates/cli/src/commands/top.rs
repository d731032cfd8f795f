//! `rayswarm top`: jobs and providers of the node, drawn again each second, and keys that pause, resume and cancel.

mod draw;
mod link;
mod screen;
mod state;
#[cfg(test)]
mod testing;

use crate::{
    daemon,
    exit::{BadInput, ExitCode},
    interrupt::Interrupt,
};
use draw::draw;
use link::News;
use ratatui::crossterm::event::Event;
use screen::{Keyboard, Screen};
use state::{Next, State, Wish};
use std::{
    io::{IsTerminal, stdin, stdout},
    path::Path,
};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Wishes that may wait for the daemon; whoever types more is not heard.
const WISHES_MAX: usize = 8;
/// News that may wait to be drawn.
const NEWS_MAX: usize = 4;

pub async fn run(data_dir: Option<&Path>) -> anyhow::Result<ExitCode> {
    let data_dir = daemon::data_dir(data_dir)?;
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        return Err(BadInput(
            "`rayswarm top` draws on a terminal, and this is none; use `rayswarm jobs list` and `rayswarm providers`"
                .into(),
        )
        .into());
    }
    // Where no daemon has ever been there is nothing to wait for.
    let client = daemon::client(&data_dir)?;
    let interrupt = Interrupt::listen()?;
    let (wishes, wished) = mpsc::channel(WISHES_MAX);
    let (tell, news) = mpsc::channel(NEWS_MAX);
    // What was asked for last is still done after the terminal is given back.
    let (outcome, ()) = tokio::join!(
        on_a_screen(wishes, news, interrupt),
        link::talk(&data_dir, client, wished, tell)
    );
    outcome
}

async fn on_a_screen(
    wishes: Sender<Wish>,
    mut news: Receiver<News>,
    mut interrupt: Interrupt,
) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::open()?;
    let mut keyboard = Keyboard::listen();
    let outcome = watch(&mut screen, &mut keyboard, &wishes, &mut news, &mut interrupt).await;
    keyboard.stop().await;
    outcome
}

/// Draws until somebody wants to leave.
async fn watch(
    screen: &mut Screen,
    keyboard: &mut Keyboard,
    wishes: &Sender<Wish>,
    news: &mut Receiver<News>,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let mut state = State::default();
    loop {
        screen.draw(|frame| draw(frame, &state))?;
        tokio::select! {
            () = interrupt.received() => return Ok(ExitCode::Interrupted),
            // A new size is seen when drawing.
            event = keyboard.next() => if let Event::Key(key) = event? {
                match state.press(key) {
                    Next::Stay => {}
                    Next::Leave(code) => return Ok(code),
                    Next::Ask(wish) => ask(&mut state, wishes, wish),
                }
            },
            Some(news) = news.recv() => state.learn(news),
        }
    }
}

fn ask(state: &mut State, wishes: &Sender<Wish>, wish: Wish) {
    if wishes.try_send(wish).is_err() {
        state.say("the node has not yet done what was asked for before; try again");
    }
}
