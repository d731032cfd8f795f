//! What a job on the local farm loses to people who look at it: the same job with and without open studios, in turn.

use super::{
    endpoints::of_studio,
    latency::{Answers, Figures},
    wire::{Connection, EventStream, Target, Told},
};
use crate::{commands::bench::farm::rayswarm, local_network::LocalNetwork};
use rayswarm_api::job::JobRequest;
use serde::Serialize;
use std::time::Duration;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval_at},
};

/// Studios that are open.
pub const STUDIOS: u32 = 20;
/// How often each of them reads.
const EVERY: Duration = Duration::from_secs(1);

/// The two ways.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rendering {
    /// The rounds in order.
    pub rounds: Vec<Round>,
    /// How quickly the studios were answered while the farm rendered.
    pub reads: Option<Figures>,
}

/// The same job with and without open studios.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// Seconds of rendering with nobody looking.
    pub quiet_s: f64,
    /// Seconds of rendering with open studios.
    pub looked_at_s: f64,
    /// CPU seconds of all nodes with nobody looking.
    pub quiet_cpu_s: f64,
    /// CPU seconds of all nodes with open studios.
    pub looked_at_cpu_s: f64,
}

impl Rendering {
    /// How much longer it takes: the median of the rounds' ratios, since neighbours in time are alike.
    pub fn ratio(&self) -> f64 {
        let mut ratios: Vec<f64> = self
            .rounds
            .iter()
            .map(|round| round.looked_at_s / round.quiet_s)
            .collect();
        ratios.sort_by(f64::total_cmp);
        let middle = ratios.len() / 2;
        match ratios.len() {
            0 => f64::NAN,
            even if even % 2 == 0 => f64::midpoint(ratios[middle - 1], ratios[middle]),
            _ => ratios[middle],
        }
    }
}

/// Renders `rounds` times both ways; what comes first changes from round to round. `job` makes the request of a run by
/// its name, so that each has a folder of its own.
pub async fn measure(
    network: &LocalNetwork,
    target: &Target,
    rounds: u32,
    job: impl Fn(&str) -> anyhow::Result<JobRequest>,
    say: impl Fn(String),
) -> anyhow::Result<Rendering> {
    say("warming up".into());
    rayswarm::measure(network, &job("warm-up")?).await?;
    let mut all = Rendering::default();
    let mut answers = Answers::default();
    let mut span = Duration::ZERO;
    for number in 1..=rounds {
        let (mut quiet, mut looked_at) = (None, None);
        for is_looked_at in [number % 2 == 0, number % 2 == 1] {
            if is_looked_at {
                say(format!(
                    "round {number} of {rounds}: rendering with {STUDIOS} open studios"
                ));
                let studios = Studios::open(target).await?;
                let request = job(&format!("looked-at-{number}"))?;
                let (run, _) = rayswarm::measure(network, &request).await?;
                let (read, lasted) = studios.close().await?;
                answers.add(read);
                span += lasted;
                looked_at = Some(run);
            } else {
                say(format!("round {number} of {rounds}: rendering with nobody looking"));
                quiet = Some(rayswarm::measure(network, &job(&format!("quiet-{number}"))?).await?.0);
            }
        }
        if let (Some(quiet), Some(looked_at)) = (quiet, looked_at) {
            all.rounds.push(Round {
                quiet_s: quiet.rendering_s,
                looked_at_s: looked_at.rendering_s,
                quiet_cpu_s: quiet.cpu_s,
                looked_at_cpu_s: looked_at.cpu_s,
            });
        }
    }
    // The nodes' CPU time goes into rendering too.
    let daemon_cpu_ms = f64::NAN;
    let figures = answers.figures(span, Duration::ZERO);
    all.reads = Some(Figures {
        daemon_cpu_ms,
        ..figures
    });
    Ok(all)
}

/// Open studios.
struct Studios {
    running: JoinSet<Answers>,
    closing: watch::Sender<bool>,
    opened: Instant,
}

impl Studios {
    async fn open(target: &Target) -> anyhow::Result<Self> {
        let (closing, closed) = watch::channel(false);
        let mut running = JoinSet::new();
        for number in 0..STUDIOS {
            let stream = Connection::open(target)
                .await?
                .listen(&target.events_after(None))
                .await?;
            let studio = Studio {
                target: target.clone(),
                connection: Connection::open(target).await?,
                closed: closed.clone(),
                number,
            };
            running.spawn(studio.run(stream));
        }
        Ok(Self {
            running,
            closing,
            opened: Instant::now(),
        })
    }

    async fn close(mut self) -> anyhow::Result<(Answers, Duration)> {
        self.closing.send_replace(true);
        let mut all = Answers::default();
        while let Some(answers) = self.running.join_next().await {
            all.add(answers?);
        }
        Ok((all, self.opened.elapsed()))
    }
}

/// A page in a browser: it listens, and reads something about the job it has heard of last.
struct Studio {
    target: Target,
    connection: Connection,
    closed: watch::Receiver<bool>,
    number: u32,
}

impl Studio {
    async fn run(mut self, mut stream: EventStream) -> Answers {
        let (heard, job) = watch::channel(None);
        let hearing = async {
            while let Ok(Some(told)) = stream.next().await {
                if let Some(id) = job_in(&told) {
                    heard.send_replace(Some(id));
                }
            }
        };
        let mut closed = self.closed.clone();
        // A sender that has gone closes the page too.
        let closing = async { drop(closed.wait_for(|closed| *closed).await) };
        let mut answers = Answers::default();
        let looking = async { tokio::join!(hearing, self.look(job, &mut answers)) };
        tokio::select! {
            _ = looking => {}
            () = closing => {}
        }
        answers
    }

    async fn look(&mut self, job: watch::Receiver<Option<String>>, answers: &mut Answers) {
        let mut ticks = interval_at(Instant::now() + EVERY * self.number / STUDIOS, EVERY);
        for turn in self.number as usize.. {
            let due = ticks.tick().await;
            let Some(job) = job.borrow().clone() else { continue };
            let requests = of_studio(&self.target, &job);
            match self.connection.ask(&requests[turn % requests.len()]).await {
                Ok(status) => answers.count(status, due.elapsed(), self.connection.body().len()),
                Err(_) => return answers.broke(),
            }
        }
    }
}

/// The job that an event is about: the first thing its data says.
fn job_in(told: &Told) -> Option<String> {
    let rest = told
        .data
        .strip_prefix("{\"id\":\"")
        .or_else(|| told.data.strip_prefix("{\"job\":\""))?;
    rest.split('"').next().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_the_rounds() {
        let round = |quiet_s: f64, looked_at_s: f64| Round {
            quiet_s,
            looked_at_s,
            quiet_cpu_s: 0.0,
            looked_at_cpu_s: 0.0,
        };
        let of = |rounds: Vec<Round>| Rendering { rounds, reads: None }.ratio();
        let three = of(vec![round(10.0, 30.0), round(10.0, 10.0), round(20.0, 21.0)]);
        assert!((three - 1.05).abs() < 1e-9, "{three}");
        assert!((of(vec![round(10.0, 10.0), round(10.0, 12.0)]) - 1.1).abs() < 1e-9);
        assert!(of(Vec::new()).is_nan());
    }

    #[test]
    fn a_page_knows_which_job_an_event_is_about() {
        let told = |data: &str| Told {
            data: data.into(),
            ..Told::default()
        };
        assert_eq!(
            job_in(&told("{\"id\":\"0xab\",\"name\":\"x\"}")).as_deref(),
            Some("0xab")
        );
        assert_eq!(job_in(&told("{\"job\":\"0xcd\",\"rev\":2}")).as_deref(), Some("0xcd"));
        assert_eq!(job_in(&told("{}")), None);
    }
}
