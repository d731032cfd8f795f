//! Price and time of a plan with error bars, and whether a budget and a deadline can hold.
//!
//! What is paid for a task is fixed by the plan, so the price ranges only with who renders: all of it at the cheapest
//! offer, or at the dearest. Time ranges with the cost map's error.

use rayswarm_model::{Amount, Bytes, Offer, Plan, Work, WorkPrice};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// How much of the work is rendered again to check it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRate {
    /// Every provider's first tasks are all audited.
    pub first_tasks: u32,
    /// Thousandths of the later tasks that are.
    pub later_permille: u32,
    /// Thousandths of a task's cost one audit crop has.
    pub crop_permille: u32,
}

impl Default for AuditRate {
    /// DESIGN §8: the first ten tasks, then a quarter, with a crop of 5 %: about 1.25 % of the work.
    fn default() -> Self {
        Self {
            first_tasks: 10,
            later_permille: 250,
            crop_permille: 50,
        }
    }
}

/// What to quote.
#[derive(Clone, Copy, Debug)]
pub struct QuoteRequest<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Relative error of its work, in thousandths ([`crate::CostMap::relative_error_permille`]).
    pub error_permille: u32,
    /// Offers of the providers that may render it, already admitted.
    pub offers: &'a [Offer],
    /// Float channels of one raw result: all passes that outputs, denoiser or compositor read.
    pub channels: u32,
    /// Bytes every provider fetches before it starts.
    pub scene: Bytes,
    /// Time a provider needs until its first pixel: fetching and opening the scene.
    pub setup: Duration,
    /// How much is audited.
    pub audits: AuditRate,
    /// Whether sampling adapts to noise; then the cost is an upper estimate.
    pub adaptive_sampling: bool,
}

/// What a job will cost and how long it will take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Work of the plan.
    pub work: Work,
    /// Work of audits on top.
    pub audit_work: Work,
    /// Tasks.
    pub tasks: u64,
    /// Providers it was quoted for.
    pub providers: u64,
    /// Expected price, audits included.
    pub price: Amount,
    /// Price if the cheapest provider did everything.
    pub price_low: Amount,
    /// Price if the dearest provider did everything: what to lock in escrow.
    pub price_high: Amount,
    /// The dearest offer quoted: the cap no lease may exceed.
    pub price_cap: WorkPrice,
    /// Expected time from start to the last verified task, in milliseconds.
    pub time_ms: u64,
    /// Shortest time within the error.
    pub time_low_ms: u64,
    /// Longest time within the error.
    pub time_high_ms: u64,
    /// Bytes of raw results that travel to the requestor, before compression.
    pub result_bytes: Bytes,
    /// Bytes of the scene that travel to all providers together.
    pub scene_bytes: Bytes,
    /// What the numbers rest on.
    pub assumptions: Vec<Assumption>,
}

/// Something the numbers of a quote rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "assumption")]
pub enum Assumption {
    /// The cost was measured on a few crops.
    CostError {
        /// Relative error in thousandths.
        error_permille: u32,
    },
    /// Providers stay and run at their benchmark.
    Providers {
        /// How many.
        count: u64,
        /// Their speed together, milli-WU per second.
        milli_wu_per_second: u64,
    },
    /// Fewer tasks than providers: the slower ones have nothing to do.
    FewTasks {
        /// How many providers can work at once.
        useful: u64,
    },
    /// Audits.
    Audits {
        /// Thousandths of the work rendered again.
        share_permille: u64,
    },
    /// Adaptive sampling stops early, so the job may be quicker.
    AdaptiveUpperBound,
    /// One session renders everything.
    OneAfterAnother,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CostError { error_permille } => {
                write!(
                    f,
                    "cost measured on a few crops, within about ±{} %",
                    error_permille.div_ceil(10)
                )
            }
            Self::Providers {
                count,
                milli_wu_per_second,
            } => {
                let rate = Work {
                    milli_wu: milli_wu_per_second,
                };
                match count {
                    1 => write!(f, "one provider stays to the end and does {rate} per second"),
                    _ => write!(f, "{count} providers stay to the end and do {rate} per second together"),
                }
            }
            Self::FewTasks { useful } => write!(f, "only {useful} providers can work at once; the fastest are counted"),
            Self::Audits { share_permille } => {
                write!(
                    f,
                    "{}.{} % of the work is rendered again to check it",
                    share_permille / 10,
                    share_permille % 10
                )
            }
            Self::AdaptiveUpperBound => write!(f, "adaptive sampling may stop early, so it may be quicker"),
            Self::OneAfterAnother => write!(f, "frames are rendered in order by one provider"),
        }
    }
}

/// Why there is no quote, or why it does not fit what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// Nobody offers.
    #[error(
        "no provider that can render this job is known; start one with `rayswarm up --provide`, join a network with \
         `rayswarm up --join TICKET`, or raise the price"
    )]
    NoProviders,
    /// The budget is too small.
    #[error(
        "the budget {budget} is below the price {price}; give --budget {price} or more, or lower --samples, --resolution \
         or the number of frames"
    )]
    BudgetTooSmall {
        /// What was offered.
        budget: Amount,
        /// What must be locked.
        price: Amount,
    },
    /// The deadline is too early.
    #[error(
        "the deadline of {} is earlier than the job can be done, about {}; allow more time, or lower --samples, \
         --resolution or the number of frames",
        span(*.deadline_ms),
        span(*.time_ms)
    )]
    DeadlineTooEarly {
        /// What was asked, milliseconds from now.
        deadline_ms: u64,
        /// What is expected.
        time_ms: u64,
    },
}

/// Quotes a plan over the admitted offers.
pub fn quote(request: &QuoteRequest<'_>) -> Result<Quote, QuoteError> {
    let plan = request.plan;
    let mut offers: Vec<&Offer> = request.offers.iter().collect();
    // Fastest first; those of equal speed by price, then by name, so that the quote does not depend on who spoke first.
    offers.sort_by_key(|offer| (std::cmp::Reverse(offer.benchmark_milli_wu), offer.price, offer.node));
    let tasks = plan.tasks.len() as u64;
    let useful = if plan.sequential {
        1
    } else {
        offers.len().min(plan.tasks.len()).max(1)
    };
    let working = offers.get(..useful.min(offers.len())).unwrap_or_default();
    let (Some(cheapest), Some(dearest)) = (
        working.iter().map(|offer| offer.price).min(),
        working.iter().map(|offer| offer.price).max(),
    ) else {
        return Err(QuoteError::NoProviders);
    };
    let work = plan.total_work();
    let audit_work = audit_work(work, tasks, working.len() as u64, request.audits);
    let payable = work.plus(audit_work);
    let time = Time::of(request, working, payable);
    let mut assumptions = vec![
        Assumption::CostError {
            error_permille: request.error_permille,
        },
        Assumption::Providers {
            count: working.len() as u64,
            milli_wu_per_second: time.rate,
        },
        Assumption::Audits {
            share_permille: permille(audit_work.milli_wu, work.milli_wu),
        },
    ];
    if plan.sequential {
        assumptions.push(Assumption::OneAfterAnother);
    } else if useful < offers.len() {
        assumptions.push(Assumption::FewTasks { useful: useful as u64 });
    }
    if request.adaptive_sampling {
        assumptions.push(Assumption::AdaptiveUpperBound);
    }
    Ok(Quote {
        work,
        audit_work,
        tasks,
        providers: working.len() as u64,
        price: mean_price(working, payable),
        price_low: cheapest.of_floor(payable),
        price_high: dearest.of_floor(payable),
        price_cap: dearest,
        time_ms: time.expected_ms,
        time_low_ms: time.low_ms,
        time_high_ms: time.high_ms,
        result_bytes: result_bytes(plan, request.channels),
        scene_bytes: Bytes(request.scene.0.saturating_mul(working.len() as u64)),
        assumptions,
    })
}

/// Quotes a plan over as many of the admitted offers as `budget` covers, the cheapest first; without one over all.
///
/// # Errors
/// As [`quote`], and [`QuoteError::BudgetTooSmall`] when it does not cover the cheapest alone.
pub fn quote_within(request: &QuoteRequest<'_>, budget: Option<Amount>) -> Result<Quote, QuoteError> {
    let mut found = quote(request)?;
    let Some(budget) = budget else {
        return Ok(found);
    };
    let mut offers = request.offers.to_vec();
    offers.sort_by_key(|offer| offer.price);
    while let Err(too_small) = found.check_budget(budget) {
        let dearest = offers.last().map(|offer| offer.price);
        offers.retain(|offer| Some(offer.price) != dearest);
        if offers.is_empty() {
            return Err(too_small);
        }
        found = quote(&QuoteRequest {
            offers: &offers,
            ..*request
        })?;
    }
    Ok(found)
}

impl Quote {
    /// Whether `budget` covers the job at its dearest.
    pub fn check_budget(&self, budget: Amount) -> Result<(), QuoteError> {
        if budget < self.price_high {
            return Err(QuoteError::BudgetTooSmall {
                budget,
                price: self.price_high,
            });
        }
        Ok(())
    }

    /// Whether the job is expected to be done within `deadline` from now.
    pub fn check_deadline(&self, deadline: Duration) -> Result<(), QuoteError> {
        let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        if deadline_ms < self.time_ms {
            return Err(QuoteError::DeadlineTooEarly {
                deadline_ms,
                time_ms: self.time_ms,
            });
        }
        Ok(())
    }
}

/// The expected span and its error bar.
struct Time {
    rate: u64,
    expected_ms: u64,
    low_ms: u64,
    high_ms: u64,
}

impl Time {
    /// The bound of DESIGN §7 with equal setup everywhere, `S + W/ΣC`, and half a task for the uneven end; never less
    /// than the largest task takes on the fastest provider.
    fn of(request: &QuoteRequest<'_>, working: &[&Offer], work: Work) -> Self {
        let rate = working
            .iter()
            .fold(0u64, |sum, offer| sum.saturating_add(offer.benchmark_milli_wu))
            .max(1);
        let fastest = working.first().map_or(1, |offer| offer.benchmark_milli_wu).max(1);
        let median = working
            .get(working.len() / 2)
            .map_or(1, |offer| offer.benchmark_milli_wu)
            .max(1);
        let largest = request
            .plan
            .tasks
            .iter()
            .map(|task| task.work.milli_wu)
            .max()
            .unwrap_or(0);
        let tail = if request.plan.sequential {
            0
        } else {
            span_ms(largest, median) / 2
        };
        let render = span_ms(work.milli_wu, rate)
            .saturating_add(tail)
            .max(span_ms(largest, fastest));
        let setup = u64::try_from(request.setup.as_millis()).unwrap_or(u64::MAX);
        let error = u64::from(request.error_permille.min(1000));
        let part = |permille: u64| scale(render, permille).saturating_add(setup);
        Self {
            rate,
            expected_ms: part(1000),
            low_ms: part(1000 - error),
            high_ms: part(1000 + error),
        }
    }
}

fn scale(value: u64, permille: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(permille) / 1000).unwrap_or(u64::MAX)
}

fn permille(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 1000 / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

/// Milliseconds `milli_wu` take at `rate` milli-WU per second.
fn span_ms(milli_wu: u64, rate: u64) -> u64 {
    u64::try_from(u128::from(milli_wu) * 1000 / u128::from(rate.max(1))).unwrap_or(u64::MAX)
}

/// Work of the audits expected: all of everyone's first tasks, a part of the rest, each a crop of an average task.
fn audit_work(work: Work, tasks: u64, providers: u64, audits: AuditRate) -> Work {
    let first = tasks.min(providers.saturating_mul(u64::from(audits.first_tasks)));
    let audited_milli = first * 1000 + (tasks - first) * u64::from(audits.later_permille.min(1000));
    let share = u128::from(work.milli_wu) * u128::from(audited_milli) * u128::from(audits.crop_permille.min(1000));
    let milli_wu = share.div_ceil(u128::from(tasks.max(1)) * 1_000_000);
    Work {
        milli_wu: u64::try_from(milli_wu).unwrap_or(u64::MAX),
    }
}

/// What the work costs when everyone does a part that is proportional to speed; rounded down per provider, as payments
/// are.
fn mean_price(working: &[&Offer], work: Work) -> Amount {
    let rates: Vec<u64> = working.iter().map(|offer| offer.benchmark_milli_wu).collect();
    let shares = crate::grid::apportion(work.milli_wu, &rates);
    working
        .iter()
        .zip(shares)
        .map(|(offer, milli_wu)| offer.price.of_floor(Work { milli_wu }))
        .sum()
}

/// Four bytes for each channel of each pixel delivered, padding and every slice included.
fn result_bytes(plan: &Plan, channels: u32) -> Bytes {
    let pixels: u64 = plan
        .tiles
        .iter()
        .map(|tile| tile.padded(plan.tile_padding, plan.settings.resolution).pixels())
        .sum();
    let per_frame = pixels
        .saturating_mul(4 * u64::from(channels))
        .saturating_mul(plan.slices.len() as u64);
    Bytes(per_frame.saturating_mul(plan.frames.len() as u64))
}

/// A span for people: `2 d 3 h`, `3 h 10 min`, `4 min 5 s`, `12 s`.
fn span(ms: u64) -> String {
    let seconds = ms.div_ceil(1000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests;
