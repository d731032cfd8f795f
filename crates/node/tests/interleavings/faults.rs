//! What befalls a round: killed processes, slow blocks, reorganisations, jumps of time.

use crate::{
    chains::{Chain, DEEPEST, breath},
    jobs::WINDOW_S,
    orders::{Answer, Moment, Order},
    story::Stage,
};
use rand::{Rng, rngs::StdRng};

/// The faults of one round.
#[derive(Clone, Debug)]
pub struct Faults {
    /// Somebody dies at its outbox.
    fuse: Option<(usize, Order)>,
    /// Somebody is killed after so many milliseconds.
    kill: Option<(usize, u64)>,
    /// Blocks come only so many milliseconds apart.
    slow: Option<u64>,
    /// Seconds that pass at once.
    jump: Option<u64>,
    /// The chain is struck after so many milliseconds.
    strike: Option<(u64, Strike)>,
}

/// What happens to the newest blocks of anvil; the embedded chain is killed instead.
#[derive(Clone, Copy, Debug)]
struct Strike {
    depth: u64,
    /// They are gone; else others are there.
    shorter: bool,
}

impl Faults {
    pub fn draw(dice: &mut StdRng, actors: usize) -> Self {
        let fuse = dice.random_ratio(1, 3).then(|| {
            let when = if dice.random() { Moment::Before } else { Moment::After };
            let touches = dice.random_range(0..5);
            (dice.random_range(0..actors), Order::Fuse { touches, when })
        });
        let kill = dice
            .random_ratio(1, 2)
            .then(|| (dice.random_range(0..actors), dice.random_range(0..400)));
        let slow = dice.random_ratio(1, 3).then(|| dice.random_range(20..200));
        let jump = dice.random_ratio(1, 4).then(|| dice.random_range(1..WINDOW_S));
        let strike = dice.random_ratio(2, 5).then(|| {
            let strike = Strike {
                depth: dice.random_range(1..=DEEPEST),
                shorter: dice.random_ratio(1, 3),
            };
            (dice.random_range(0..500), strike)
        });
        Self {
            fuse,
            kill,
            slow,
            jump,
            strike,
        }
    }

    /// Before the round's steps begin.
    pub async fn prepare(&self, stage: &Stage) {
        if let Some((who, fuse)) = &self.fuse {
            stage.diary.note(format_args!("actor {who} is to {}", fuse.word()));
            let _: Answer = stage.actors[*who].ask(fuse).await;
        }
        if let Some(seconds) = self.jump {
            stage.chain.pass(seconds).await;
        }
    }

    /// While they are under way.
    pub async fn befall(&self, stage: &Stage) {
        tokio::join!(self.killing(stage), self.sealing(&stage.chain), self.striking(stage));
    }

    async fn killing(&self, stage: &Stage) {
        if let Some((who, after)) = self.kill {
            breath(after).await;
            stage.actors[who].kill().await;
            stage.diary.note(format_args!("actor {who} was killed"));
        }
    }

    async fn sealing(&self, chain: &Chain) {
        if let Some(every) = self.slow {
            chain.hold().await;
            for _ in 0..5 {
                breath(every).await;
                chain.seal().await;
            }
        }
    }

    async fn striking(&self, stage: &Stage) {
        let Some((after, Strike { depth, shorter })) = self.strike else {
            return;
        };
        breath(after).await;
        match &stage.chain {
            Chain::Embedded(process, _) => {
                process.kill().await;
                let _: u16 = process.ask(&()).await;
                stage.diary.note("the chain was killed");
            }
            chain @ Chain::Anvil(_) => {
                let depth = depth.min(chain.height().await.saturating_sub(stage.floor));
                if depth == 0 {
                    return;
                }
                if shorter {
                    chain.fall_back(depth).await;
                } else {
                    chain.reorganise(depth).await;
                }
                stage.diary.note(format_args!("{depth} blocks were taken out"));
            }
        }
    }
}
