//! The terminal: taken, drawn on, and given back however the command ends.

use anyhow::Context;
use ratatui::{
    DefaultTerminal, Frame,
    crossterm::event::{self, Event},
};
use std::{io, time::Duration};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};

/// How long the reading thread waits for a key before it looks whether anybody still wants one.
const KEY_PATIENCE: Duration = Duration::from_millis(100);
/// Keys that may wait.
const KEYS_MAX: usize = 64;

/// A terminal in raw mode on its second screen. Dropping it gives the terminal back; so does a panic.
pub struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal.
    pub fn open() -> anyhow::Result<Self> {
        let opened = ratatui::try_init();
        if opened.is_err() {
            give_back();
        }
        Ok(Self(opened.context("the terminal cannot be drawn on")?))
    }

    /// Draws one frame.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> anyhow::Result<()> {
        self.0.draw(picture).context("the terminal cannot be drawn on")?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // A terminal that is gone needs nothing back.
    let _ = ratatui::try_restore();
}

/// Keys and changes of size, read on a thread of its own because reading from a terminal blocks.
pub struct Keyboard {
    events: Receiver<io::Result<Event>>,
    reading: JoinHandle<()>,
}

impl Keyboard {
    /// Starts reading.
    pub fn listen() -> Self {
        let (sender, events) = mpsc::channel(KEYS_MAX);
        Self {
            events,
            reading: tokio::task::spawn_blocking(move || read(&sender)),
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> anyhow::Result<Event> {
        let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let event = self.events.recv().await.unwrap_or_else(|| Err(gone()));
        event.context("the keyboard cannot be read")
    }

    /// Stops reading and waits for the thread's end.
    pub async fn stop(self) {
        drop(self.events);
        // It fails only by a panic, which has been told of by then.
        let _ = self.reading.await;
    }
}

fn read(sender: &Sender<io::Result<Event>>) {
    while !sender.is_closed() {
        let event = match event::poll(KEY_PATIENCE) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(error) => Err(error),
        };
        let failed = event.is_err();
        if sender.blocking_send(event).is_err() || failed {
            return;
        }
    }
}
