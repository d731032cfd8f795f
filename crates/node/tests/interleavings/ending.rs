//! How everything comes to its end: providers are paid, jobs closed or left to time, claims paid, the rest sent back. Processes
//! are still killed while it does.

use crate::{
    actor,
    chains::{Kind, breath},
    jobs::{Job, WINDOW_S},
    orders::{Answer, Lines, Order},
    story::{Stage, Story, read},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rayswarm_model::{Address, Amount, allocation::Cap};
use rayswarm_settlement::{JobState, Outbox, Outgoing};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What has not come by then will not.
const COMES_WITHIN: Duration = Duration::from_secs(90);
/// Beyond all deadlines and windows.
const ALL_WINDOWS_S: u64 = 10 * 86_400;
const KILLS: u32 = 4;

/// Ends all jobs of a story.
pub async fn end(story: &mut Story) {
    let stage = story.stage.clone();
    come_home(&stage, &mut story.dice).await;
    let mut reaping = JoinSet::new();
    reaping.spawn(reap(stage.clone(), StdRng::seed_from_u64(story.dice.random())));
    for last in [false, true] {
        let mut ending = JoinSet::new();
        for (index, job) in story.jobs.drain(..).enumerate() {
            let (stage, dice) = (stage.clone(), StdRng::seed_from_u64(story.dice.random()));
            let mut end = End {
                stage,
                index,
                job,
                dice,
            };
            ending.spawn(async move {
                if last {
                    end.send_back().await;
                } else {
                    end.pay().await;
                }
                (index, end.job)
            });
        }
        let mut ended = Vec::new();
        while let Some(one) = ending.join_next().await {
            ended.push(one.unwrap());
        }
        ended.sort_by_key(|(index, _)| *index);
        story.jobs = ended.into_iter().map(|(_, job)| job).collect();
        if !last {
            stage.chain.pass(ALL_WINDOWS_S).await;
        }
    }
    while let Some(reaped) = reaping.join_next().await {
        reaped.unwrap();
    }
    // What somebody who was killed had only written down is sent before.
    come_home(&stage, &mut story.dice).await;
    stage.chain.finalize().await;
    be_forgotten(&stage).await;
    stage.diary.note("all transactions are forgotten");
}

/// Until every transaction that was written down is in a block, and none is left to be sent again.
async fn come_home(stage: &Arc<Stage>, dice: &mut StdRng) {
    let mut coming = JoinSet::new();
    for who in 0..stage.actors.len() {
        // By itself what was never sent comes home after ten seconds: here and there that is waited for.
        let nudged = dice.random_ratio(11, 12);
        let stage = stage.clone();
        coming.spawn(async move {
            let in_a_block = |one: &Outgoing| one.mined.is_some();
            if nudged && !outbox(&stage, who).await.iter().all(in_a_block) {
                insist(&stage, 0, who, &Order::Nudge).await;
            }
            tend_until(&stage, who, in_a_block).await;
        });
    }
    while let Some(home) = coming.join_next().await {
        home.unwrap();
    }
    stage.diary.note("all transactions are in blocks");
}

/// Until every transaction stays, and is forgotten.
async fn be_forgotten(stage: &Arc<Stage>) {
    let mut forgetting = JoinSet::new();
    for who in 0..stage.actors.len() {
        let stage = stage.clone();
        forgetting.spawn(async move { tend_until(&stage, who, |_| false).await });
    }
    while let Some(forgotten) = forgetting.join_next().await {
        forgotten.unwrap();
    }
}

/// Looks after an actor's transactions until all are as they should be.
async fn tend_until(stage: &Stage, who: usize, as_it_should: impl Fn(&Outgoing) -> bool) {
    let began = Instant::now();
    loop {
        let tended = stage.perform(who, &Order::Tend).await;
        assert!(!matches!(tended, Answer::Fault(_)), "{tended:?}");
        let waiting = outbox(stage, who).await;
        if matches!(tended, Answer::Done(_)) && waiting.iter().all(&as_it_should) {
            return;
        }
        let late = began.elapsed() > COMES_WITHIN;
        let waiting: Vec<_> = waiting.iter().map(|one| (one.nonce, &one.action, one.mined)).collect();
        assert!(!late, "actor {who} waits for {waiting:?}");
        breath(50).await;
    }
}

/// What an actor has written down.
async fn outbox(stage: &Stage, who: usize) -> Vec<Outgoing> {
    actor::outbox(&stage.folders[who], stage.chain.url())
        .await
        .load()
        .unwrap()
}

/// Kills a few more.
async fn reap(stage: Arc<Stage>, mut dice: StdRng) {
    for _ in 0..KILLS {
        breath(dice.random_range(0..400)).await;
        let who = dice.random_range(0..stage.actors.len());
        stage.actors[who].kill().await;
        stage.diary.note(format_args!("actor {who} was killed"));
    }
}

/// A job at its end.
struct End {
    stage: Arc<Stage>,
    index: usize,
    job: Job,
    dice: StdRng,
}

impl End {
    /// Everything that its requestor and its providers can still do for what is owed.
    async fn pay(&mut self) {
        let (owner, open) = self.job.open();
        self.must(owner, open).await;
        if self.state().await == JobState::Open {
            let (job, deposited) = (self.job.id, self.job.deposit);
            self.must(owner, Order::TopUpTo { job, deposited }).await;
            self.job.completed = true;
            if self.cancelled().await {
                return;
            }
            self.cover().await;
        }
        self.redeem().await;
        // A requestor may also never come back: then time closes the job.
        let silent = self.stage.kind == Kind::Anvil && self.dice.random_ratio(1, 3);
        if self.state().await == JobState::Open && !silent {
            let close = Order::Close {
                job: self.job.id,
                vouchers: self.job.best(&self.stage.cast),
                published: self.job.meant.published.clone(),
            };
            self.must(owner, close).await;
        }
    }

    /// A job without caps is cancelled, now and then.
    async fn cancelled(&mut self) -> bool {
        let epochs = read(|| self.stage.observer.epochs(self.job.id)).await;
        let cancels = epochs.epoch == 0 && self.dice.random();
        if cancels {
            self.must(self.job.owner, Order::Cancel { job: self.job.id }).await;
        }
        cancels
    }

    /// Caps for exactly what is owed, if the job has that much.
    async fn cover(&mut self) {
        let mut lines = Vec::new();
        for provider in self.stage.cast.providers.clone() {
            let paid = read(|| self.stage.observer.paid_to(self.job.id, provider)).await;
            let owed = self.job.meant.vouchered(provider).checked_minus(paid);
            lines.push(Cap {
                provider,
                cap: owed.unwrap_or_default(),
            });
        }
        let free = read(|| self.stage.observer.job(self.job.id)).await.free();
        let owed: Amount = lines.iter().map(|line| line.cap).sum();
        if owed > free {
            return;
        }
        let caps = self.job.publish(Lines(lines));
        let order = Order::Allocate {
            job: self.job.id,
            caps: caps.clone(),
            document: self.job.salt,
        };
        self.must(self.job.owner, order).await;
        self.stage.chain.pass(WINDOW_S + 1).await;
        let began = Instant::now();
        while !read(|| self.stage.observer.epochs(self.job.id))
            .await
            .in_force(&caps.caps())
        {
            assert!(began.elapsed() < COMES_WITHIN, "the last caps take no force");
            breath(50).await;
            self.stage.chain.seal().await;
        }
        self.job.covered = true;
    }

    /// All providers and a stranger come with the best vouchers at once.
    async fn redeem(&mut self) {
        let stage = self.stage.clone();
        let job = read(|| stage.observer.job(self.job.id)).await;
        let settled = !job.settlement_hash.is_zero();
        let mut hands: Vec<usize> = (0..stage.cast.providers.len())
            .map(|it| stage.cast.provider(it))
            .collect();
        if settled {
            for hand in &hands {
                self.must(*hand, Order::Record { job: self.job.id }).await;
            }
        }
        hands.push(stage.cast.stranger());
        let mut redeeming = JoinSet::new();
        for hand in hands {
            let order = Order::Redeem {
                job: self.job.id,
                vouchers: self.job.best(&stage.cast),
                published: self.job.meant.published.clone(),
            };
            let (stage, index) = (stage.clone(), self.index);
            redeeming.spawn(async move { insist(&stage, index, hand, &order).await });
        }
        while let Some(answer) = redeeming.join_next().await {
            let answer = answer.unwrap();
            // Without caps there is nothing to redeem by; a job that is over has nothing.
            let over = job.state == JobState::Refunded;
            assert!(matches!(answer, Answer::Done(_) | Answer::Idle) || over, "{answer:?}");
        }
    }

    /// Claims are paid and the rest goes back, by a stranger's hand.
    async fn send_back(&mut self) {
        let (stage, job) = (self.stage.clone(), self.job.id);
        let stranger = stage.cast.stranger();
        let refund = Order::Refund { job };
        // Caps whose notice is over by now may leave more room.
        self.redeem().await;
        if self.dice.random() {
            // As far as claims allow.
            stage.perform(stranger, &refund).await;
        }
        for provider in stage.cast.providers.clone() {
            if self.claims(provider).await {
                self.must(stranger, Order::PayClaim { job, provider }).await;
                assert!(!self.claims(provider).await, "a claim is paid and still there");
            }
        }
        self.must(stranger, refund).await;
        assert_eq!(self.state().await, JobState::Refunded);
    }

    async fn claims(&self, provider: Address) -> bool {
        read(|| self.stage.observer.claim_of(self.job.id, provider))
            .await
            .is_some()
    }

    async fn state(&self) -> JobState {
        read(|| self.stage.observer.job(self.job.id)).await.state
    }

    async fn must(&self, who: usize, order: Order) {
        let answer = insist(&self.stage, self.index, who, &order).await;
        let word = order.word();
        assert!(
            matches!(answer, Answer::Done(_) | Answer::Idle),
            "job {}, actor {who}: {word}: {answer:?}",
            self.index
        );
    }
}

/// Until it is done, or refused.
async fn insist(stage: &Stage, index: usize, who: usize, order: &Order) -> Answer {
    let began = Instant::now();
    stage
        .diary
        .note(format_args!("job {index}, actor {who} at the end: {}", order.word()));
    loop {
        let answer = stage.perform(who, order).await;
        let waits = matches!(answer, Answer::Early | Answer::Again(_));
        if !waits || began.elapsed() > COMES_WITHIN {
            let word = order.word();
            stage.diary.note(format_args!(
                "job {index}, actor {who} at the end: {word}: {}",
                answer.word()
            ));
            return answer;
        }
        breath(100).await;
    }
}
