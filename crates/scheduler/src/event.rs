//! What can happen to a job. Closed: whoever adds an event decides what every state does with it.

use rayswarm_model::Address;
use rayswarm_model::{
    AttemptId, Bytes, CpuTime, FailureKind, NodeId, Rect, Work, WorkPrice, offer::ComparisonClass, settings::Device,
};
use serde::{Deserialize, Serialize};

/// Something that happened. Events may come late, twice or out of order; a step then changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An admitted provider is connected, or its offer, price or round-trip time was measured anew.
    ProviderJoined(ProviderInfo),
    /// A provider is gone: what it held goes to others.
    ProviderLeft {
        /// Who.
        node: NodeId,
        /// Why.
        why: Departure,
    },
    /// A provider asks for work, as soon as nothing waits behind what it renders.
    Pulled {
        /// Who.
        node: NodeId,
        /// Whether a session there has the scene in memory.
        warm: bool,
        /// The frame that session rendered last.
        warm_frame: Option<i32>,
        /// Every attempt it works on or still has to deliver. What it should hold but does not name is given to others.
        held: Vec<AttemptId>,
    },
    /// A pull was answered with "wait" for good: no lease can reach this provider until it pulls again.
    PullClosed {
        /// Who.
        node: NodeId,
    },
    /// An attempt is under way.
    Progress {
        /// Who says so.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
        /// Thousandths done.
        permille: u16,
    },
    /// A provider has rendered and committed to the pixels; the bytes have yet to come.
    Committed {
        /// Who.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
        /// What its receipt says.
        receipt: ReceiptSummary,
    },
    /// The bytes of an attempt are stored here and match its commitment.
    Delivered {
        /// Who.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
    },
    /// The draw for a delivered attempt fell: this crop is rendered again by somebody else.
    AuditDrawn {
        /// The attempt to audit.
        attempt: AttemptId,
        /// The pixels to render again.
        crop: Rect,
        /// Their work.
        work: Work,
    },
    /// The draw for a delivered attempt fell: no audit.
    NoAudit {
        /// The attempt.
        attempt: AttemptId,
    },
    /// A delivered audit was compared with what it audits.
    AuditJudged {
        /// The auditing attempt.
        attempt: AttemptId,
        /// What the comparison found.
        verdict: AuditVerdict,
    },
    /// An attempt gave no usable result.
    Failed {
        /// Who.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
        /// What follows from it.
        kind: FailureKind,
        /// What happened, with the engine's last lines.
        message: String,
    },
    /// This daemon starts again from its journal: nobody is connected, leases live on.
    RequestorRestarted,
    /// Time passes; about once a second.
    Tick,
    /// Give nothing new out; what is under way goes on.
    Pause,
    /// Go on.
    Resume,
    /// The owner ends the job.
    Cancel,
    /// The owner wants failed tasks tried again.
    RetryFailed,
    /// The escrow's deadline has come.
    DeadlineReached,
}

/// What is known about a provider when it joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderInfo {
    /// The node.
    pub node: NodeId,
    /// The account that is paid.
    pub account: Address,
    /// What it may do in this job.
    pub role: Role,
    /// Its measured comparison class for the job's engine.
    pub class: ComparisonClass,
    /// The device it renders on; GPUs are compared only within one class.
    pub device: Device,
    /// Sessions that render at the same time.
    pub slots: u32,
    /// Threads of one session: its CPU time divided by this is about its wall time.
    pub threads: u32,
    /// Benchmark in milli-WU per second, all sessions together; zero if unknown. Only a prior: rates are learned.
    pub rate_milli_wu: u64,
    /// Its price.
    pub price: WorkPrice,
    /// Measured round-trip time in milliseconds.
    pub rtt_ms: u32,
    /// Tasks of earlier jobs that were verified, since a result was last found wrong: audits of a newcomer are dense.
    #[serde(default)]
    pub verified_before: u64,
}

/// What a node may do in a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Renders, and audits others.
    Provider,
    /// The requestor's own machine: audits what no other provider can, renders nothing, and is believed.
    OwnAuditor,
}

/// Why a provider is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Departure {
    /// It said goodbye.
    Drained,
    /// The connection broke.
    ConnectionLost,
    /// Its offer no longer suits the job.
    OfferWithdrawn,
}

/// The part of a receipt that scheduling reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSummary {
    /// CPU time the provider states.
    pub cpu: CpuTime,
    /// Length of the result.
    pub bytes: Bytes,
}

/// What comparing an audit with a result found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditVerdict {
    /// The pixels agree as they must.
    Passed,
    /// They do not.
    Failed,
    /// The two cannot be compared.
    Inconclusive,
}

impl Event {
    /// A word for logs and journals.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ProviderJoined(_) => "provider_joined",
            Self::ProviderLeft { .. } => "provider_left",
            Self::Pulled { .. } => "pulled",
            Self::PullClosed { .. } => "pull_closed",
            Self::Progress { .. } => "progress",
            Self::Committed { .. } => "committed",
            Self::Delivered { .. } => "delivered",
            Self::AuditDrawn { .. } => "audit_drawn",
            Self::NoAudit { .. } => "no_audit",
            Self::AuditJudged { .. } => "audit_judged",
            Self::Failed { .. } => "failed",
            Self::RequestorRestarted => "requestor_restarted",
            Self::Tick => "tick",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::RetryFailed => "retry_failed",
            Self::DeadlineReached => "deadline_reached",
        }
    }
}
