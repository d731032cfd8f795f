//! A world with jurors: a requestor, a provider with a stake and a claim, and accounts that judge.

use super::{
    Anvil,
    world::{STRANGER, TOKEN, World, caps_of},
};
use alloy::{
    primitives::U256,
    providers::{Provider, ProviderBuilder, RootProvider},
};
use rayswarm_model::{
    Address, Amount, B256, ComparisonClass, DisputeId, JobId, NodeId, TaskId, UnixMillis, WorkPrice,
    signed::{AccountKey, Verdict},
};
use rayswarm_settlement::{
    DeploySettings, DrawOutcome, JobTerms, ProviderOffer, Seat, Settlement, SettlementError, TrustTier,
};
use serde_json::{Value, json};
use std::time::Duration;

pub const CLASS: ComparisonClass = ComparisonClass(B256::repeat_byte(4));
/// What the provider has at stake, and each juror.
pub const PROVIDERS_STAKE: u128 = 40 * TOKEN;
pub const JURORS_STAKE: u128 = 20 * TOKEN;
/// What the provider claims.
pub const CLAIMED: u128 = 30 * TOKEN;
pub const EVIDENCE: B256 = B256::repeat_byte(0xe1);
pub const TASK: TaskId = TaskId(41);
pub const CROP: B256 = B256::repeat_byte(0xc0);

pub struct Court {
    pub world: World,
    pub jurors: Vec<Settlement>,
    /// For what only a test may do.
    pub rpc: RootProvider,
}

impl Court {
    pub async fn new(jurors: u8) -> Option<Self> {
        Self::with(jurors, |_| {}).await
    }

    /// With other settings than those of the book.
    pub async fn with(jurors: u8, change: impl FnOnce(&mut DeploySettings)) -> Option<Self> {
        let anvil = match Anvil::start() {
            Ok(anvil) => anvil,
            Err(reason) => {
                eprintln!("skipped: {reason}");
                return None;
            }
        };
        let mut settings = DeploySettings::of_chain(31_337).unwrap();
        change(&mut settings);
        let world = World::on(anvil, &settings).await;
        let rpc = ProviderBuilder::default().connect_http(world.anvil.url.parse().unwrap());
        let mut court = Self {
            world,
            jurors: Vec::new(),
            rpc,
        };
        court.put_at_stake(&court.world.stranger, PROVIDERS_STAKE).await;
        for index in 1..=jurors {
            let juror = court.juror(index).await;
            court.jurors.push(juror);
        }
        // Stakes count from the next second on.
        court.pass(2).await;
        Some(court)
    }

    async fn juror(&self, index: u8) -> Settlement {
        let key = AccountKey::from_bytes(&[0x70 + index; 32]).unwrap();
        let juror = Settlement::connect(&self.world.anvil.url, key, self.world.contracts)
            .await
            .unwrap();
        let balance = json!([juror.account(), U256::from(TOKEN)]);
        self.ask("anvil_setBalance", balance).await;
        let offer = offer_to_judge();
        juror
            .register_provider(NodeId::from_bytes([index; 32]), [0; 64], &offer)
            .await
            .unwrap();
        self.put_at_stake(&juror, JURORS_STAKE).await;
        juror
    }

    async fn put_at_stake(&self, account: &Settlement, amount: u128) {
        account
            .mint_dev_tokens(account.account(), Amount(amount))
            .await
            .unwrap();
        account.bring_stake_to(Amount(amount)).await.unwrap();
    }

    /// What anvil alone does.
    pub async fn ask(&self, method: &'static str, params: Value) {
        self.answer(method, params).await;
    }

    pub async fn answer(&self, method: &'static str, params: Value) -> Value {
        self.rpc.raw_request(method.into(), params).await.unwrap()
    }

    /// Lets time pass, and a block show it.
    pub async fn pass(&self, seconds: u64) {
        self.ask("evm_increaseTime", json!([seconds])).await;
        self.ask("evm_mine", json!([])).await;
    }

    pub fn provider(&self) -> &Settlement {
        &self.world.stranger
    }

    pub fn requestor(&self) -> &Settlement {
        &self.world.requestor
    }

    /// A job in which the provider has claimed.
    pub async fn claimed(&self) -> JobId {
        let terms = self.world.terms(3_600);
        let terms = JobTerms {
            deadline: terms.deadline.after(Duration::from_secs(7 * 86_400)),
            comparison_class: CLASS,
            provider_stake: Amount(PROVIDERS_STAKE),
            challenge: Duration::from_secs(86_400),
            ..terms
        };
        let job = self.requestor().open_job(&terms, B256::ZERO).await.unwrap().job_id;
        let caps = caps_of([(self.provider().account(), 50 * TOKEN)]);
        self.requestor().allocate(job, &caps, B256::ZERO).await.unwrap();
        let claim = self
            .provider()
            .claim(job, Amount(CLAIMED), B256::repeat_byte(6), &caps)
            .await
            .unwrap();
        assert!(claim.is_some());
        job
    }

    /// A job whose claim is rejected.
    pub async fn rejected(&self) -> (JobId, DisputeId) {
        let job = self.claimed().await;
        let provider = self.provider().account();
        let rejected = self
            .requestor()
            .reject_claim(job, provider, TASK, EVIDENCE)
            .await
            .unwrap();
        (job, rejected.dispute)
    }

    /// Draws the present committee, with as many blocks as that takes: the accounts that judge.
    pub async fn seated(&self, id: DisputeId) -> Vec<Settlement> {
        let DrawOutcome::Seated { jurors } = self.drawn(id).await else {
            panic!("nobody was drawn")
        };
        jurors.iter().map(|account| self.of(*account)).collect()
    }

    pub async fn drawn(&self, id: DisputeId) -> DrawOutcome {
        for _ in 0..20 {
            match self.provider().draw_jurors(id).await {
                Ok(drawn) => return drawn.unwrap().outcome,
                Err(SettlementError::DrawNotDue { .. }) => {
                    self.provider().nudge().await.unwrap();
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("nothing was drawn in 20 blocks")
    }

    fn of(&self, account: Address) -> Settlement {
        let mut jurors = self.jurors.iter();
        jurors.find(|juror| juror.account() == account).unwrap().clone()
    }

    /// All jurors commit and reveal, those of `good` first.
    pub async fn judged(&self, seat: Seat, good: &[Settlement], bad: &[Settlement]) {
        let votes: Vec<_> = good
            .iter()
            .map(|juror| (juror, Verdict::Good))
            .chain(bad.iter().map(|juror| (juror, Verdict::Bad)))
            .collect();
        for (juror, verdict) in &votes {
            let commitment = juror.verdict_commitment(seat, *verdict, CROP, salt(juror));
            assert!(juror.commit_verdict(seat, commitment).await.unwrap().is_some());
        }
        for (juror, verdict) in votes {
            let revealed = juror.reveal_verdict(seat, verdict, CROP, salt(juror)).await;
            assert!(revealed.unwrap().is_some());
        }
    }

    /// Jurors that commit and reveal alike, while others have not revealed.
    pub async fn judged_by(&self, seat: Seat, jurors: &[Settlement], verdict: Verdict) {
        match verdict {
            Verdict::Good => self.judged(seat, jurors, &[]).await,
            Verdict::Bad => self.judged(seat, &[], jurors).await,
        }
    }

    /// The time of the newest block.
    pub async fn now(&self) -> UnixMillis {
        self.requestor().newest_block().await.unwrap().at
    }

    /// What a party holds and what waits for it.
    pub async fn tokens(&self, party: &Settlement) -> u128 {
        let held = party.token_balance(party.account()).await.unwrap();
        let waits = party.credit_of(party.account()).await.unwrap();
        held.0 + waits.0
    }

    /// Everything that waits for anybody was fetched: then the contract holds nothing.
    pub async fn nothing_is_left_with_the_judge(&self) {
        let parties = [self.requestor(), self.provider()];
        for party in parties.into_iter().chain(&self.jurors) {
            party.withdraw_credit().await.unwrap();
            assert_eq!(party.withdraw_credit().await.unwrap(), None);
        }
        let left = self.requestor().token_balance(self.requestor().disputes()).await;
        assert_eq!(left.unwrap(), Amount::ZERO);
    }
}

pub fn salt(juror: &Settlement) -> B256 {
    juror.account().into_word()
}

pub fn offer_to_judge() -> ProviderOffer {
    ProviderOffer {
        price: WorkPrice {
            per_wu_hour: Amount(TOKEN),
        },
        benchmark_milli_wu: 1,
        memory_mib: 1,
        isa_class: 0,
        trust_tier: TrustTier::Open,
        judges: true,
        comparison_class: CLASS,
        engines_hash: B256::ZERO,
        offer_hash: B256::ZERO,
        uri: String::new(),
    }
}

/// Another connection of the provider's account: its former life.
pub async fn other_life(court: &Court) -> Settlement {
    Settlement::connect(
        &court.world.anvil.url,
        super::world::key(STRANGER),
        court.world.contracts,
    )
    .await
    .unwrap()
}
