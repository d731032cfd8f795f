//! What asks a command to end: Ctrl-C, SIGTERM, the SIGHUP of a closed terminal, and the end of whoever started it.

use std::{
    io::{self, ErrorKind, Read},
    time::Duration,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from the moment it is made, so that a signal which comes while nobody waits is not lost. Without it these
/// signals end the process at once; with it they do nothing but what the command makes of them.
pub struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
    /// `None` where the process was started to outlive its terminal, as `nohup` does.
    hangup: Option<Signal>,
}

impl Interrupt {
    /// Starts listening.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: (!hangup_is_ignored())
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
        })
    }

    /// Waits for the next signal.
    pub async fn received(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }

    /// What `work` gives, or `None` when a signal comes first; `work` is dropped then.
    pub async fn unless<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.received() => None,
            done = work => Some(done),
        }
    }
}

/// Waits until the command that holds the other end of standard input ends; for ever where there is none. The system
/// closes a pipe also for a process that was killed, and no other process can be mistaken for it later, as with an id.
pub async fn parent_gone(with_parent: bool) {
    if !with_parent {
        return std::future::pending().await;
    }
    let closed = tokio::task::spawn_blocking(|| {
        let mut stdin = io::stdin().lock();
        loop {
            match stdin.read(&mut [0]) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    });
    // Fails only when this process ends, and then nobody waits.
    let _ = closed.await;
}

/// Waits for so long; for ever without a span.
pub async fn after(patience: Option<Duration>) {
    match patience {
        Some(patience) => tokio::time::sleep(patience).await,
        None => std::future::pending().await,
    }
}

/// Whether this process was told to ignore SIGHUP. Listening would undo that.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_signals(&status) & (1 << (SignalKind::hangup().as_raw_value() - 1)) != 0
}

/// The mask of ignored signals in the text of `/proc/PID/status`; signal 1 is its lowest bit.
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rustix::process::{Signal as Number, getpid, kill_process};

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        assert_eq!(
            ignored_signals("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t1\n"),
            0x1001
        );
        assert_eq!(ignored_signals("Name:\tx\n"), 0);
    }

    #[tokio::test]
    async fn a_signal_that_comes_while_nobody_waits_is_kept() {
        let mut interrupt = Interrupt::listen().unwrap();
        kill_process(getpid(), Number::TERM).unwrap();
        assert_eq!(interrupt.unless(std::future::pending::<()>()).await, None);
        assert_eq!(interrupt.unless(async { 7 }).await, Some(7));
    }
}
