//! One run: a seed chooses steps and faults; then everything comes to its end and is audited.

use crate::{
    audit,
    chains::{Chain, DEEPEST, Kind, breath, is_away},
    ending,
    faults::Faults,
    jobs::{Cast, Job},
    orders::{Answer, Order, Part},
    processes::Process,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rayswarm_model::{Amount, B256, signed::AccountKey};
use rayswarm_settlement::{Settlement, SettlementError, keystore};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinSet;

const REQUESTORS: usize = 2;
const PROVIDERS: usize = 3;
const ROUNDS: usize = 8;
const JOBS_MAX: usize = 4;
/// Each requestor's, in base units; far more than its jobs lock.
pub const TOKENS: Amount = Amount(1_000_000_000);
/// How often the client may say "call again" before a step is given up; the end does it again.
const TRIES: u32 = 4;

/// One run and what was meant in it so far.
pub struct Story {
    pub stage: Arc<Stage>,
    pub jobs: Vec<Job>,
    pub dice: StdRng,
    under_way: JoinSet<(usize, Order, Answer)>,
}

/// Where a run plays, and who plays.
pub struct Stage {
    pub kind: Kind,
    pub chain: Chain,
    pub cast: Cast,
    /// Requestors, providers, the stranger.
    pub actors: Vec<Process>,
    pub folders: Vec<PathBuf>,
    pub observer: Settlement,
    pub diary: Diary,
    /// What the client said is in a block, and for whose step.
    pub mined: Mutex<Vec<(B256, String)>>,
    /// The height that no reorganisation reaches.
    pub floor: u64,
    _folder: TempDir,
}

/// What happened, printed when a run does not come to its end.
pub struct Diary {
    title: String,
    began: Instant,
    lines: Mutex<Vec<String>>,
}

impl Diary {
    pub fn note(&self, line: impl std::fmt::Display) {
        let line = format!("{:>6} ms  {line}", self.began.elapsed().as_millis());
        self.lines.lock().unwrap().push(line);
    }

    /// It ended well: nobody need read it, unless asked for.
    pub fn close(&self) {
        if std::env::var_os("RAYSWARM_DIARY").is_none() {
            self.lines.lock().unwrap().clear();
        }
    }
}

impl Drop for Diary {
    fn drop(&mut self) {
        let lines = self.lines.get_mut().unwrap();
        if !lines.is_empty() {
            eprintln!("{}\n{}", self.title, lines.join("\n"));
        }
    }
}

/// Runs the story of a seed; says what there was to it.
pub async fn run(kind: Kind, seed: u64) -> String {
    let mut story = Story::new(kind, seed).await;
    let began = Instant::now();
    for _ in 0..ROUNDS {
        story.round().await;
        if story.dice.random_ratio(1, 3) {
            audit::in_between(&story).await;
        }
    }
    story.settle_down().await;
    let steps = began.elapsed();
    ending::end(&mut story).await;
    let paid = audit::at_the_end(&story).await;
    story.stage.diary.close();
    let lives = story
        .stage
        .actors
        .iter()
        .map(|actor| actor.lives.load(Ordering::Relaxed) - 1);
    format!(
        "{} jobs, {} base units paid, {} actors killed, {:.1} s of steps, {:.1} s in all",
        story.jobs.len(),
        paid,
        lives.sum::<u32>(),
        steps.as_secs_f64(),
        story.stage.diary.began.elapsed().as_secs_f64(),
    )
}

impl Story {
    async fn new(kind: Kind, seed: u64) -> Self {
        let diary = Diary {
            title: format!("{kind:?}, seed {seed}:"),
            began: Instant::now(),
            lines: Mutex::default(),
        };
        diary.note("begins");
        let folder = tempfile::tempdir().unwrap();
        let chain = Chain::start(kind, folder.path()).await.unwrap();
        let deployer = chain.deployer();
        chain.endow(deployer.address()).await;
        let contracts = Settlement::deploy(chain.url(), deployer.clone()).await.unwrap();
        let observer = Settlement::connect(chain.url(), deployer, contracts).await.unwrap();

        let (mut actors, mut folders, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
        for index in 0..=REQUESTORS + PROVIDERS {
            let folder = folder.path().join(index.to_string());
            std::fs::create_dir(&folder).unwrap();
            let key = keystore::load_or_create(&folder, None).unwrap();
            chain.endow(key.address()).await;
            if index < REQUESTORS {
                observer.mint_dev_tokens(key.address(), TOKENS).await.unwrap();
            }
            let part = Part::Actor {
                folder: folder.clone(),
                rpc_url: chain.url().into(),
                contracts,
                forgetful: std::env::var_os("RAYSWARM_FORGETFUL").is_some(),
            };
            actors.push(Process::new(folder.clone(), part));
            folders.push(folder);
            accounts.push(key);
        }
        diary.note("all have accounts");
        let floor = observer.height().await.unwrap();
        chain.bury(DEEPEST).await;
        let providers = accounts[REQUESTORS..REQUESTORS + PROVIDERS].iter();
        let cast = Cast {
            requestors: accounts[..REQUESTORS].to_vec(),
            providers: providers.map(AccountKey::address).collect(),
            domain: observer.domain(),
            token: contracts.token,
        };
        let stage = Stage {
            kind,
            chain,
            cast,
            actors,
            folders,
            observer,
            diary,
            mined: Mutex::default(),
            floor,
            _folder: folder,
        };
        Self {
            stage: Arc::new(stage),
            jobs: Vec::new(),
            dice: StdRng::seed_from_u64(seed),
            under_way: JoinSet::new(),
        }
    }

    /// Some steps at once, and what befalls them.
    async fn round(&mut self) {
        let stage = self.stage.clone();
        if self.jobs.len() < JOBS_MAX && (self.jobs.is_empty() || self.dice.random_ratio(2, 5)) {
            let number = u8::try_from(self.jobs.len()).unwrap() + 1;
            let mut job = Job::new(&stage.cast, &mut self.dice, stage.kind, stage.chain.now().await, number);
            let first = job.first_steps(&stage.cast, &mut self.dice);
            self.jobs.push(job);
            for (who, order) in first {
                self.start(self.jobs.len() - 1, who, order);
            }
        }
        let faults = Faults::draw(&mut self.dice, stage.actors.len());
        faults.prepare(&stage).await;
        for _ in 0..self.dice.random_range(2..=5) {
            let index = self.dice.random_range(0..self.jobs.len());
            for (who, order) in self.jobs[index].steps(&stage.cast, &mut self.dice) {
                self.start(index, who, order);
            }
        }
        // Whoever is slow goes on in the next round.
        let patience = Duration::from_millis(self.dice.random_range(100..1_200));
        let (_, ()) = tokio::join!(tokio::time::timeout(patience, self.answers()), faults.befall(&stage));
        stage.chain.seal_at_once().await;
    }

    fn start(&mut self, index: usize, who: usize, order: Order) {
        let stage = self.stage.clone();
        stage
            .diary
            .note(format_args!("job {index}, actor {who}: {}", order.word()));
        self.under_way.spawn(async move {
            let answer = stage.perform(who, &order).await;
            let word = order.word();
            stage
                .diary
                .note(format_args!("job {index}, actor {who}: {word}: {}", answer.word()));
            (index, order, answer)
        });
    }

    /// Until none is under way.
    async fn answers(&mut self) {
        while let Some(ended) = self.under_way.join_next().await {
            let (index, order, answer) = ended.unwrap();
            assert!(!matches!(answer, Answer::Fault(_)), "{}: {answer:?}", order.word());
            self.jobs[index].answered(&order);
        }
    }

    /// No more faults; what is under way ends.
    async fn settle_down(&mut self) {
        self.stage.chain.seal_at_once().await;
        self.answers().await;
    }
}

impl Stage {
    /// Asks until the answer is one, and notes what was sent.
    pub async fn perform(&self, who: usize, order: &Order) -> Answer {
        let mut tries = 0;
        loop {
            tries += 1;
            let answer: Answer = self.actors[who].ask(order).await;
            if let Answer::Done(sent) = &answer {
                let word = format!("actor {who}: {}", order.word());
                self.mined
                    .lock()
                    .unwrap()
                    .extend(sent.iter().map(|tx| (*tx, word.clone())));
            }
            if tries == TRIES || !matches!(answer, Answer::Again(_)) {
                return answer;
            }
            breath(100).await;
        }
    }
}

/// What a reader is told, whatever happens to the chain meanwhile.
pub async fn read<T, F>(ask: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, SettlementError>>,
{
    loop {
        match ask().await {
            Ok(told) => return told,
            Err(error) if is_away(&error) => breath(20).await,
            Err(error) => panic!("{error}"),
        }
    }
}
