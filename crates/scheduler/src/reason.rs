//! Why: every decision can explain itself, as data for programs and as a sentence for people.

use crate::admit::Refusal;
use rayswarm_model::{AttemptId, NodeId, TaskId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why something was decided. `Display` is what `rayswarm jobs explain` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Reason {
    /// Granted: a share of the remaining tasks that fits the provider's speed.
    Share {
        /// Speed in milli-WU per second.
        rate_milli_wu: u64,
        /// Milliseconds the share should take it.
        span_ms: u64,
    },
    /// Granted: the provider has this frame in memory.
    WarmFrame {
        /// The frame.
        frame: i32,
    },
    /// Granted: next in the plan.
    NextInOrder,
    /// Granted: a dear task for a fast provider.
    HeavyToFast,
    /// Granted: a cheap task for a slow provider.
    LightToSlow,
    /// Granted: it failed elsewhere.
    TriedElsewhere {
        /// How often.
        failures: u32,
    },
    /// Granted: frames must be rendered in order by one session.
    InOrderByOne,
    /// Granted: it waited in the queue of a provider that would have finished it later.
    Stolen {
        /// From whom.
        from: NodeId,
        /// Milliseconds sooner.
        sooner_ms: u64,
    },
    /// Granted a second time: the provider that renders it is expected to finish later than a fresh try would.
    Copied {
        /// The slow attempt.
        of: AttemptId,
        /// Milliseconds sooner.
        sooner_ms: u64,
    },
    /// Audit granted: same comparison class, so pixels must be equal.
    AuditWithinClass,
    /// Audit granted: no provider of the same class was there in time; pixels may differ within the documented bounds.
    AuditAcrossClasses,
    /// Audit granted to the requestor's own machine: no other provider could.
    AuditByRequestor,
    /// Audit granted: another auditor found a difference, and one word is not enough.
    SecondOpinion {
        /// Who found the difference.
        after: NodeId,
    },

    /// Waits: all tasks are given out and none would be finished sooner by this provider.
    AllGivenOut,
    /// Waits: what is left will be finished sooner by faster providers.
    LeftToFaster {
        /// What this provider would need.
        would_take_ms: u64,
        /// What the others are expected to need.
        others_ms: u64,
    },
    /// Waits: it holds enough.
    HoldsEnough,
    /// Waits: it is late with what it holds.
    IsLate,
    /// Waits: frames are rendered in order by another provider.
    AnotherRendersInOrder,
    /// Waits: nothing to audit.
    NothingToAudit,
    /// Waits: the job is paused.
    Paused,
    /// Waits: rests after failures in a row.
    Rests {
        /// How many.
        failures: u32,
    },
    /// Waits: it has not joined this job.
    NotJoined,

    /// Wanted: the task has no verified result yet.
    ResultWanted,
    /// Not wanted: the task has a verified result.
    AlreadyVerified {
        /// The attempt that was first.
        winner: AttemptId,
    },
    /// Not wanted: nobody granted it to this provider.
    NeverGranted,
    /// Not wanted: it was judged already.
    AlreadyJudged,
    /// Not wanted: another result of this task has arrived.
    AnotherArrived {
        /// Which attempt.
        by: AttemptId,
    },
    /// Drawn or judged because the bytes arrived and match their commitment.
    BytesArrived,
    /// Verified.
    Verified {
        /// What the audit said.
        audit: AuditOutcome,
    },
    /// Paid: the audit decided a verdict.
    AuditServed,
    /// Not paid: pixels differ from what auditors rendered.
    AuditFailed {
        /// Who found it last.
        auditor: NodeId,
        /// Whether a second auditor, or the requestor itself, agreed.
        confirmed: bool,
    },

    /// Taken away: the provider is gone.
    ProviderGone,
    /// Taken away: the lease ran out.
    LeaseExpired,
    /// Taken away: the provider no longer holds it.
    NotHeld,
    /// Taken away: another provider will finish it sooner.
    TakenOver {
        /// Who.
        by: NodeId,
    },
    /// Taken away: the result it was to audit is no longer needed.
    AuditNotNeeded,
    /// The engine or provider failed.
    AttemptFailed {
        /// What it said.
        message: String,
    },
    /// The provider broke the protocol.
    BrokeProtocol {
        /// How.
        message: String,
    },
    /// Two of its audits were contradicted by others.
    FalseAlarms {
        /// How many.
        count: u32,
    },
    /// Its offer does not suit the job.
    Refused(Refusal),
    /// It was excluded before.
    Excluded,

    /// Every task is verified.
    AllVerified,
    /// A task failed as often as it may.
    TaskFailedTooOften {
        /// Which.
        task: TaskId,
        /// How often.
        failures: u32,
        /// What was said last.
        message: String,
    },
    /// A task hung in too many leases.
    TaskHangs {
        /// Which.
        task: TaskId,
        /// In how many leases.
        leases: u32,
    },
    /// A task failed on every provider there is, and no other came.
    NobodyElse {
        /// Which.
        task: TaskId,
        /// What was said last.
        message: String,
    },
    /// The owner ended the job.
    Cancelled,
    /// The deadline passed.
    DeadlinePassed,
}

/// What is recorded about the audit of a verified result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// The draw spared it.
    NotDrawn,
    /// It was audited and agreed.
    Passed,
    /// It was drawn, but nobody could judge it: no auditor, or none that can be compared.
    Inconclusive,
}

impl fmt::Display for AuditOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDrawn => "not drawn for an audit",
            Self::Passed => "audit passed",
            Self::Inconclusive => "audit inconclusive",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share { rate_milli_wu, span_ms } => {
                write!(
                    f,
                    "about {} s of work at {}.{:03} WU/s",
                    seconds(*span_ms),
                    rate_milli_wu / 1000,
                    rate_milli_wu % 1000
                )
            }
            Self::WarmFrame { frame } => write!(f, "has frame {frame} in memory"),
            Self::NextInOrder => write!(f, "next in order"),
            Self::HeavyToFast => write!(f, "a dear task for a fast provider"),
            Self::LightToSlow => write!(f, "a cheap task for a slow provider"),
            Self::TriedElsewhere { failures } => write!(f, "tried elsewhere after {failures} failures"),
            Self::InOrderByOne => write!(f, "frames are rendered in order by one provider"),
            Self::Stolen { from, sooner_ms } => {
                write!(
                    f,
                    "taken from {}, finished {} s sooner",
                    from.short(),
                    seconds(*sooner_ms)
                )
            }
            Self::Copied { of, sooner_ms } => write!(f, "copy of {of}, expected {} s sooner", seconds(*sooner_ms)),
            Self::AuditWithinClass => write!(f, "audit by a provider of the same comparison class"),
            Self::AuditAcrossClasses => write!(f, "audit by a provider of another comparison class"),
            Self::AuditByRequestor => write!(f, "audit by the requestor's own machine, since no other provider can"),
            Self::SecondOpinion { after } => write!(f, "second opinion after {} found a difference", after.short()),
            Self::AllGivenOut => write!(f, "all tasks are given out"),
            Self::LeftToFaster {
                would_take_ms,
                others_ms,
            } => write!(
                f,
                "left to faster providers: it would take {} s here, {} s there",
                seconds(*would_take_ms),
                seconds(*others_ms)
            ),
            Self::HoldsEnough => write!(f, "holds enough work"),
            Self::IsLate => write!(f, "is late with what it holds"),
            Self::AnotherRendersInOrder => write!(f, "another provider renders the frames in order"),
            Self::NothingToAudit => write!(f, "nothing to audit"),
            Self::Paused => write!(f, "the job is paused"),
            Self::Rests { failures } => write!(f, "rests after {failures} failures in a row"),
            Self::NotJoined => write!(f, "has not joined this job"),
            Self::ResultWanted => write!(f, "the task has no verified result yet"),
            Self::AlreadyVerified { winner } => write!(f, "{winner} was verified first"),
            Self::NeverGranted => write!(f, "this attempt was never granted to this provider"),
            Self::AlreadyJudged => write!(f, "this attempt was judged before"),
            Self::AnotherArrived { by } => write!(f, "the result of {by} has arrived"),
            Self::BytesArrived => write!(f, "the bytes arrived and match their commitment"),
            Self::Verified { audit } => write!(f, "verified: {audit}"),
            Self::AuditServed => write!(f, "the audit decided a verdict"),
            Self::AuditFailed { auditor, confirmed } => {
                let word = if *confirmed {
                    "confirmed"
                } else {
                    "with nobody to confirm it"
                };
                write!(f, "pixels differ from the audit of {}, {word}", auditor.short())
            }
            Self::ProviderGone => write!(f, "the provider is gone"),
            Self::LeaseExpired => write!(f, "the lease ran out"),
            Self::NotHeld => write!(f, "the provider does not hold it"),
            Self::TakenOver { by } => write!(f, "{} will finish it sooner", by.short()),
            Self::AuditNotNeeded => write!(f, "the audited result is no longer needed"),
            Self::AttemptFailed { message } => write!(f, "failed: {message}"),
            Self::BrokeProtocol { message } => write!(f, "broke the protocol: {message}"),
            Self::FalseAlarms { count } => write!(f, "{count} of its audits were contradicted by others"),
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Excluded => write!(f, "excluded from this job"),
            Self::AllVerified => write!(f, "every task is verified"),
            Self::TaskFailedTooOften {
                task,
                failures,
                message,
            } => {
                write!(f, "{task} failed {failures} times, the last time with: {message}")
            }
            Self::TaskHangs { task, leases } => write!(f, "{task} was not finished in {leases} leases"),
            Self::NobodyElse { task, message } => {
                write!(
                    f,
                    "{task} failed on every provider there is, the last time with: {message}"
                )
            }
            Self::Cancelled => write!(f, "cancelled by its owner"),
            Self::DeadlinePassed => write!(f, "the deadline has passed"),
        }
    }
}

/// Seconds with one decimal.
fn seconds(ms: u64) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
}
