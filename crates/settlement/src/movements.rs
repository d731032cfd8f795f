//! What moved the account's money, read from the escrow's events: budgets locked, providers paid, rests that came back,
//! and what it earned itself.

use crate::{
    bindings::{
        escrow::JobEscrow::{ClaimPaid, JobOpened, JobRefunded, JobSettled, JobToppedUp, VoucherRedeemed},
        token::DevToken::Transfer,
    },
    error::SettlementError,
    jobs::{JobEventKind, history},
    settlement::Settlement,
};
use alloy::{
    primitives::B256,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use rayswarm_model::{Amount, JobId, UnixMillis};
use std::collections::{BTreeMap, BTreeSet};

/// Ranges of blocks asked for in one update. Servers that allow only short ranges are read to the end over several.
const RANGES_PER_UPDATE: u32 = 64;
/// Jobs asked for at once; servers bound how many values a filter may have.
const JOBS_PER_QUESTION: usize = 100;
/// Blocks asked for at once.
const BLOCKS_PER_QUESTION: usize = 100;

/// What moved money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MovementKind {
    /// The account locked a budget, or added to one.
    Opened,
    /// Providers were paid from the budget of one of its jobs.
    Paid,
    /// The rest of one of its jobs came back.
    Refunded,
    /// It was paid as a provider.
    Earned,
}

/// One movement of the account's money. Payments of one job in one transaction are one movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// When its block was sealed.
    pub at: UnixMillis,
    /// What it was.
    pub kind: MovementKind,
    /// For which job.
    pub job: JobId,
    /// How much.
    pub amount: Amount,
    /// The transaction.
    pub tx: B256,
    /// Number of its block.
    pub block: u64,
}

/// All movements read so far. What is in blocks that may still be replaced is read anew each time.
#[derive(Clone, Debug, Default)]
pub struct Movements {
    stay: Known,
    recent: Vec<Movement>,
    /// The first block not in `stay`.
    next: u64,
    /// Blocks the server last allowed in one question; none when all were.
    span: Option<u64>,
}

/// What a range of blocks from the first on holds.
#[derive(Clone, Debug, Default)]
struct Known {
    movements: Vec<Movement>,
    /// The account's jobs from which somebody may still be paid.
    open: BTreeSet<JobId>,
}

impl Movements {
    /// All of them, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Movement> {
        self.stay.movements.iter().chain(&self.recent)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.stay.movements.len() + self.recent.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads what has happened since the last update.
    pub async fn update(&mut self, settlement: &Settlement) -> Result<(), SettlementError> {
        let newest = settlement.height().await?;
        let stays = settlement.finalized(newest).await?;
        for _ in 0..RANGES_PER_UPDATE {
            if self.next > stays {
                break;
            }
            self.read_on(settlement, stays).await?;
        }
        self.recent.clear();
        if self.next > stays && newest > stays {
            let mut known = Known {
                movements: Vec::new(),
                open: self.stay.open.clone(),
            };
            known.read(settlement, self.next, newest).await?;
            self.recent = known.movements;
        }
        Ok(())
    }

    /// Reads a range of blocks up to `last`, as long as the server allows. One that refuses is asked for half.
    async fn read_on(&mut self, settlement: &Settlement, last: u64) -> Result<(), SettlementError> {
        let end = self
            .span
            .map_or(last, |span| last.min(self.next.saturating_add(span - 1)));
        let asked = end - self.next + 1;
        match self.stay.read(settlement, self.next, end).await {
            Ok(()) => {
                self.next = end + 1;
                self.span = self.span.map(|span| span.saturating_mul(2));
                Ok(())
            }
            Err(SettlementError::Refused { message, .. }) if asked > 1 => {
                tracing::debug!(blocks = asked, message, "too many blocks were asked for at once");
                self.span = Some(asked / 2);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl Known {
    /// Adds what blocks `first..=last` hold, or nothing after an error.
    async fn read(&mut self, settlement: &Settlement, first: u64, last: u64) -> Result<(), SettlementError> {
        let escrow = Filter::new().address(settlement.contracts().escrow);
        let blocks = escrow.from_block(first).to_block(last);
        let ours = blocks
            .clone()
            .event_signature(vec![
                JobOpened::SIGNATURE_HASH,
                JobToppedUp::SIGNATURE_HASH,
                VoucherRedeemed::SIGNATURE_HASH,
                ClaimPaid::SIGNATURE_HASH,
                JobRefunded::SIGNATURE_HASH,
            ])
            .topic2(settlement.account().into_word());
        let ours = settlement.rpc.logs(&ours).await?;
        let mut open = self.open.clone();
        open.extend(jobs_of(&ours, JobOpened::SIGNATURE_HASH));
        let mut paid = Vec::new();
        let ids: Vec<B256> = open.iter().map(JobId::as_b256).collect();
        for ids in ids.chunks(JOBS_PER_QUESTION) {
            let payments = blocks.clone().event_signature(vec![
                VoucherRedeemed::SIGNATURE_HASH,
                ClaimPaid::SIGNATURE_HASH,
                JobSettled::SIGNATURE_HASH,
            ]);
            paid.extend(settlement.rpc.logs(&payments.topic1(ids.to_vec())).await?);
        }
        let settled = settled_to(settlement, &ours, first, last).await?;
        let times = times(
            settlement,
            ours.iter().chain(&paid).chain(settled.iter().map(|(log, _)| log)),
        )
        .await?;
        self.movements.extend(fold(&ours, &paid, &settled, &times)?);
        for job in jobs_of(&ours, JobRefunded::SIGNATURE_HASH) {
            open.remove(&job);
        }
        self.open = open;
        Ok(())
    }
}

/// What cooperative settlements paid to the account: such a settlement names no provider, so the token's transfers tell.
/// Those that another event of the escrow explains, which are among `ours`, are left out.
async fn settled_to(
    settlement: &Settlement,
    ours: &[Log],
    first: u64,
    last: u64,
) -> Result<Vec<(Log, Amount)>, SettlementError> {
    let contracts = settlement.contracts();
    let transfers = Filter::new()
        .address(contracts.token)
        .event_signature(Transfer::SIGNATURE_HASH)
        .topic1(contracts.escrow.into_word())
        .topic2(settlement.account().into_word())
        .from_block(first)
        .to_block(last);
    let explained: BTreeSet<_> = ours.iter().filter_map(|log| log.transaction_hash).collect();
    let mut unexplained: BTreeMap<B256, Amount> = BTreeMap::new();
    for log in settlement.rpc.logs(&transfers).await? {
        let Some(tx) = log.transaction_hash.filter(|tx| !explained.contains(tx)) else {
            continue;
        };
        if let Ok(transfer) = Transfer::decode_log(&log.inner) {
            let sum = unexplained.entry(tx).or_default();
            *sum = [*sum, Amount(transfer.value.saturating_to())].into_iter().sum();
        }
    }
    if unexplained.is_empty() {
        return Ok(Vec::new());
    }
    let settlements = Filter::new()
        .address(contracts.escrow)
        .event_signature(JobSettled::SIGNATURE_HASH)
        .from_block(first)
        .to_block(last);
    let settlements = settlement.rpc.logs(&settlements).await?;
    let known = |log: Log| {
        let amount = log.transaction_hash.and_then(|tx| unexplained.remove(&tx))?;
        Some((log, amount))
    };
    Ok(settlements.into_iter().filter_map(known).collect())
}

/// The jobs that events of one kind are about.
fn jobs_of(logs: &[Log], signature: B256) -> impl Iterator<Item = JobId> {
    let of_kind = logs.iter().filter(move |log| log.topic0() == Some(&signature));
    of_kind.filter_map(|log| log.topics().get(1).copied().map(JobId::from))
}

/// When the blocks of these events were sealed. Servers that do not say it with the event are asked once per block.
async fn times<'a>(
    settlement: &Settlement,
    logs: impl Iterator<Item = &'a Log>,
) -> Result<BTreeMap<u64, UnixMillis>, SettlementError> {
    let at = |seconds: u64| UnixMillis(seconds.saturating_mul(1_000));
    let (mut known, mut unknown) = (BTreeMap::new(), BTreeSet::new());
    for log in logs {
        match (log.block_number, log.block_timestamp) {
            (Some(number), Some(seconds)) => known.extend([(number, at(seconds))]),
            (Some(number), None) => unknown.extend([number]),
            (None, _) => {}
        }
    }
    let unknown: Vec<u64> = unknown.into_iter().collect();
    for numbers in unknown.chunks(BLOCKS_PER_QUESTION) {
        let blocks = settlement.blocks(numbers).await?;
        known.extend(blocks.into_iter().map(|block| (block.number, block.at)));
    }
    Ok(known)
}

/// Events as movements, oldest first. `ours` name the account, `paid` are payments of its jobs, `settled` are settlements
/// with what they paid to it; a payment to itself is in two.
fn fold(
    ours: &[Log],
    paid: &[Log],
    settled: &[(Log, Amount)],
    times: &BTreeMap<u64, UnixMillis>,
) -> Result<Vec<Movement>, SettlementError> {
    let mut folded: BTreeMap<(u64, B256, JobId, MovementKind), (u64, Amount)> = BTreeMap::new();
    let ours = ours.iter().map(|log| (log, MovementKind::Earned, None));
    let paid = paid.iter().map(|log| (log, MovementKind::Paid, None));
    let settled = settled.iter().map(|(log, got)| (log, MovementKind::Earned, Some(*got)));
    for (log, redeemed, got) in ours.chain(paid).chain(settled) {
        let Some(event) = history::decode(log).transpose()? else {
            continue;
        };
        let (kind, amount) = match event.kind {
            JobEventKind::Opened { budget } => (MovementKind::Opened, budget),
            JobEventKind::ToppedUp { amount } => (MovementKind::Opened, amount),
            JobEventKind::Redeemed { amount, .. } | JobEventKind::ClaimPaid { amount, .. } => (redeemed, amount),
            JobEventKind::Settled { amount } => (redeemed, got.unwrap_or(amount)),
            JobEventKind::Refunded { amount } => (MovementKind::Refunded, amount),
            _ => continue,
        };
        let Some(job) = log.topics().get(1).copied().map(JobId::from) else {
            continue;
        };
        let place = log.log_index.unwrap_or_default();
        let (first, sum) = folded
            .entry((event.block, event.tx, job, kind))
            .or_insert((place, Amount::ZERO));
        *first = place.min(*first);
        *sum = [*sum, amount].into_iter().sum();
    }
    let mut placed: Vec<(u64, Movement)> = folded
        .into_iter()
        .map(|((block, tx, job, kind), (place, amount))| {
            let at = times.get(&block).copied().unwrap_or_default();
            let movement = Movement {
                at,
                kind,
                job,
                amount,
                tx,
                block,
            };
            (place, movement)
        })
        .collect();
    placed.sort_by_key(|(place, movement)| (movement.block, *place, movement.kind));
    Ok(placed.into_iter().map(|(_, movement)| movement).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bindings::escrow::IJobEscrow::JobTerms;
    use alloy::primitives::{Address, Log as ChainLog, U256};

    const ME: Address = Address::repeat_byte(1);
    const OTHER: Address = Address::repeat_byte(2);
    const JOB: B256 = B256::repeat_byte(7);

    fn log(block: u64, place: u64, event: &impl SolEvent) -> Log {
        Log {
            inner: ChainLog {
                address: Address::ZERO,
                data: event.encode_log_data(),
            },
            block_number: Some(block),
            transaction_hash: Some(B256::with_last_byte(u8::try_from(block).unwrap())),
            log_index: Some(place),
            ..Log::default()
        }
    }

    fn redeemed(provider: Address, amount: u64) -> VoucherRedeemed {
        VoucherRedeemed {
            jobId: JOB,
            provider,
            amount: U256::from(amount),
            paid: U256::from(amount),
        }
    }

    fn opened(budget: u128) -> JobOpened {
        let terms = JobTerms {
            manifestHash: B256::ZERO,
            planHash: B256::ZERO,
            policyHash: B256::ZERO,
            comparisonClass: B256::ZERO,
            token: Address::ZERO,
            budget,
            providerStake: 0,
            deadline: 1,
            exitWindowSeconds: 1,
            noticeSeconds: 1,
            challengeSeconds: 1,
            trustTier: 0,
        };
        JobOpened {
            jobId: JOB,
            requestor: ME,
            terms,
        }
    }

    #[test]
    fn a_jobs_life_is_a_few_movements_in_order() {
        let refunded = JobRefunded {
            jobId: JOB,
            requestor: ME,
            amount: 60,
        };
        let (mine, theirs) = (log(2, 1, &redeemed(ME, 10)), log(2, 2, &redeemed(OTHER, 30)));
        let ours = [log(1, 0, &opened(100)), mine.clone(), log(3, 0, &refunded)];
        let times = BTreeMap::from([(1, UnixMillis(10)), (2, UnixMillis(20)), (3, UnixMillis(30))]);
        let movements = fold(&ours, &[mine, theirs], &[], &times).unwrap();
        let found: Vec<_> = movements
            .iter()
            .map(|one| (one.at.0, one.kind, one.amount.0, one.block))
            .collect();
        let expected = [
            (10, MovementKind::Opened, 100, 1),
            (20, MovementKind::Paid, 40, 2),
            (20, MovementKind::Earned, 10, 2),
            (30, MovementKind::Refunded, 60, 3),
        ];
        assert_eq!(found, expected);
        assert!(movements.iter().all(|one| one.job.as_b256() == JOB));
        assert_eq!(movements[1].tx, B256::with_last_byte(2));
    }

    #[test]
    fn a_settlement_at_one_stroke_pays_all_and_each_its_own() {
        let settled = log(
            2,
            0,
            &JobSettled {
                jobId: JOB,
                total: U256::from(40),
                settlementHash: B256::ZERO,
            },
        );
        let movements = fold(
            &[],
            std::slice::from_ref(&settled),
            &[(settled.clone(), Amount(10))],
            &BTreeMap::new(),
        );
        let found: Vec<_> = movements.unwrap().iter().map(|one| (one.kind, one.amount.0)).collect();
        assert_eq!(found, [(MovementKind::Paid, 40), (MovementKind::Earned, 10)]);
    }

    #[test]
    fn jobs_are_told_by_kind_of_event() {
        let logs = [log(1, 0, &opened(1)), log(2, 0, &redeemed(ME, 1))];
        let opened: Vec<_> = jobs_of(&logs, JobOpened::SIGNATURE_HASH).collect();
        assert_eq!(opened, [JobId::from(JOB)]);
        assert_eq!(jobs_of(&logs, JobRefunded::SIGNATURE_HASH).count(), 0);
    }
}
