//! Commitment, delivered picture and audited crop → [`Verdict`].
//!
//! Within one comparison class every bit must be equal. Across classes the share of pixels off by more than 1e-3 must
//! not exceed the policy's. Channels and attributes must be the same everywhere: they follow from scene, settings and
//! engine, whatever the processor. Devices that cannot be compared, and audits of other pixels than the drawn ones, are
//! inconclusive: ask another auditor.
//!
//! A rejection costs the provider the task. Only where the provider's own signed words contradict one another
//! ([`Verdict::stands_alone`]) could more follow: an auditor may lie too.

use crate::policy::AuditPolicy;
use rayswarm_imaging::{
    BasisPoints, Comparison, LayoutDifference, Picture, PixelCommitment, SampleType, commitment::PixelHeader, compare,
    crop,
};
use rayswarm_model::{AttemptId, ComparisonClass, JobId, NodeId, Rect, Resolution, TaskId, settings::Device};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How closely two providers' pixels must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparisonKind {
    /// Bit for bit.
    SameClass,
    /// Up to the policy's share of pixels apart.
    CrossClass,
    /// Not at all: GPUs of different classes.
    NotComparable,
}

/// A result to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The job.
    pub job: JobId,
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Who delivered.
    pub provider: NodeId,
    /// The commitment in the receipt.
    pub committed: PixelCommitment,
    /// The task's tile, in the frame.
    pub tile: Rect,
    /// The channels the job's pictures have, where they are known.
    pub channels: Option<&'a [(String, SampleType)]>,
    /// The decoded picture: the tile without padding.
    pub delivered: &'a Picture,
}

/// A crop rendered again.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a> {
    /// Who rendered it.
    pub auditor: NodeId,
    /// The drawn crop, in the frame.
    pub crop: Rect,
    /// The decoded crop, without padding.
    pub picture: &'a Picture,
    /// How the two providers compare.
    pub comparison: ComparisonKind,
}

/// The judgement of a receipt; a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What follows.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// On what.
    pub evidence: Evidence,
}

/// What follows from a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The task is verified and payable.
    Accepted,
    /// The task is not paid and is rendered elsewhere.
    Rejected,
    /// Another audit is needed.
    Inconclusive,
}

/// Why a verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Reason {
    /// Complete, as committed, and no audit was drawn for it.
    NotDrawn,
    /// The audited crop is equal bit for bit.
    Exact,
    /// The audited crop of another class agrees well enough.
    Agrees {
        /// Pixels apart.
        apart: BasisPoints,
        /// Tolerated.
        limit: BasisPoints,
    },
    /// The delivered pixels are not the committed ones.
    NotAsCommitted,
    /// The delivered picture is not of the task's tile.
    WrongSize {
        /// Delivered.
        found: Resolution,
    },
    /// The delivered channels are not the job's.
    WrongChannels {
        /// The first that differs, expected and found.
        expected: String,
        /// As delivered.
        found: String,
    },
    /// The audited crop of the same class differs.
    Differs {
        /// Pixels with any bit different.
        differing: BasisPoints,
    },
    /// The audited crop of another class differs too much.
    TooFarApart {
        /// Pixels apart.
        apart: BasisPoints,
        /// Tolerated.
        limit: BasisPoints,
    },
    /// The audited crop has other channels or attributes than the delivered picture.
    OtherLayout {
        /// The first that differs, as the auditor has it.
        expected: String,
        /// As delivered.
        found: String,
    },
    /// The two providers' pixels cannot be compared.
    NotComparable,
    /// The audit itself is of no use.
    AuditUnusable {
        /// Why.
        why: String,
    },
}

/// What a verdict rests on: hashes, places and counts that anyone with the pictures can recompute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The job.
    pub job: JobId,
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Who delivered.
    pub provider: NodeId,
    /// The task's tile, in the frame.
    pub tile: Rect,
    /// The commitment in the receipt.
    pub committed: PixelCommitment,
    /// The commitment of what was delivered.
    pub delivered: PixelCommitment,
    /// The audit, if there was one.
    pub audit: Option<AuditEvidence>,
}

/// What an audit showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvidence {
    /// Who rendered the crop again.
    pub auditor: NodeId,
    /// The crop, in the frame.
    pub crop: Rect,
    /// How the two were compared.
    pub comparison: ComparisonKind,
    /// The commitment of the delivered picture's crop, if it could be cut out.
    pub delivered_crop: Option<PixelCommitment>,
    /// The commitment of the auditor's crop.
    pub audited_crop: PixelCommitment,
    /// The differences, if the two could be compared. The auditor's crop is the reference; places count from the crop's
    /// top left.
    pub result: Option<Comparison>,
    /// The cell of the delivered picture that holds the worst difference: what a dispute would show.
    pub worst_cell: Option<u64>,
}

impl ComparisonKind {
    /// How pixels of class `left` and `right`, rendered on the given devices, are compared. Classes of processors differ
    /// by instruction set and stay close; how close GPUs stay is not known.
    pub fn between(left: (ComparisonClass, Device), right: (ComparisonClass, Device)) -> Self {
        match (left.0 == right.0, left.1, right.1) {
            (true, ..) => Self::SameClass,
            (false, Device::Cpu, Device::Cpu) => Self::CrossClass,
            (false, ..) => Self::NotComparable,
        }
    }
}

/// Judges `case` by its own commitment and, where one was drawn, by an audit.
pub fn judge(policy: &AuditPolicy, case: &Case<'_>, audit: Option<&Audit<'_>>) -> Verdict {
    let evidence = Evidence {
        job: case.job,
        task: case.task,
        attempt: case.attempt,
        provider: case.provider,
        tile: case.tile,
        committed: case.committed,
        delivered: PixelCommitment::of(case.delivered),
        audit: None,
    };
    if let Some(reason) = refuse_delivery(case, evidence.delivered) {
        return Verdict {
            outcome: Outcome::Rejected,
            reason,
            evidence,
        };
    }
    let Some(audit) = audit else {
        return Verdict {
            outcome: Outcome::Accepted,
            reason: Reason::NotDrawn,
            evidence,
        };
    };
    let (outcome, reason, shown) = weigh(policy, case, audit);
    Verdict {
        outcome,
        reason,
        evidence: Evidence {
            audit: Some(shown),
            ..evidence
        },
    }
}

/// What is wrong with a delivery by itself.
fn refuse_delivery(case: &Case<'_>, delivered: PixelCommitment) -> Option<Reason> {
    if delivered != case.committed {
        return Some(Reason::NotAsCommitted);
    }
    let found = case.delivered.resolution();
    if (found.width, found.height) != (case.tile.width, case.tile.height) {
        return Some(Reason::WrongSize { found });
    }
    let found = PixelHeader::of(case.delivered).channels;
    let (expected, found) = channel_difference(case.channels?, &found)?;
    Some(Reason::WrongChannels { expected, found })
}

/// The first channel that is not as `expected`, as `(expected, found)` in words. Both are sorted by name, as
/// [`PixelHeader`] has them.
pub fn channel_difference(
    expected: &[(String, SampleType)],
    found: &[(String, SampleType)],
) -> Option<(String, String)> {
    let text =
        |side: Option<&(String, SampleType)>| side.map_or("nothing".into(), |(name, kind)| format!("{name} ({kind})"));
    (0..expected.len().max(found.len()))
        .find(|at| expected.get(*at) != found.get(*at))
        .map(|at| (text(expected.get(at)), text(found.get(at))))
}

/// Compares the delivered crop with the auditor's.
fn weigh(policy: &AuditPolicy, case: &Case<'_>, audit: &Audit<'_>) -> (Outcome, Reason, AuditEvidence) {
    let mut shown = AuditEvidence {
        auditor: audit.auditor,
        crop: audit.crop,
        comparison: audit.comparison,
        delivered_crop: None,
        audited_crop: PixelCommitment::of(audit.picture),
        result: None,
        worst_cell: None,
    };
    let inconclusive = |why: String, shown| (Outcome::Inconclusive, Reason::AuditUnusable { why }, shown);
    if audit.auditor == case.provider {
        return inconclusive("nobody audits itself".into(), shown);
    }
    let (Some(x), Some(y)) = (
        audit.crop.x.checked_sub(case.tile.x),
        audit.crop.y.checked_sub(case.tile.y),
    ) else {
        return inconclusive(
            format!("the crop {} is not inside the tile {}", audit.crop, case.tile),
            shown,
        );
    };
    let delivered = match crop(case.delivered, Rect { x, y, ..audit.crop }) {
        Ok(delivered) => delivered,
        Err(error) => return inconclusive(error.to_string(), shown),
    };
    shown.delivered_crop = Some(PixelCommitment::of(&delivered));
    let result = match compare(audit.picture, &delivered) {
        Ok(result) => result,
        // Were this no verdict, one channel too many would make any picture pass.
        Err(LayoutDifference::Channels { expected, found }) => {
            return (Outcome::Rejected, Reason::OtherLayout { expected, found }, shown);
        }
        Err(error @ LayoutDifference::Resolution { .. }) => return inconclusive(error.to_string(), shown),
    };
    let header = PixelHeader::of(case.delivered);
    shown.worst_cell = result
        .worst
        .as_ref()
        .map(|worst| header.cell_at(x + worst.x, y + worst.y));
    let (apart, limit) = (result.apart_share(), policy.settings().apart_max);
    let (outcome, reason) = match audit.comparison {
        _ if result.is_exact() => (Outcome::Accepted, Reason::Exact),
        ComparisonKind::SameClass => (
            Outcome::Rejected,
            Reason::Differs {
                differing: result.differing_share(),
            },
        ),
        ComparisonKind::CrossClass if apart <= limit => (Outcome::Accepted, Reason::Agrees { apart, limit }),
        ComparisonKind::CrossClass => (Outcome::Rejected, Reason::TooFarApart { apart, limit }),
        ComparisonKind::NotComparable => (Outcome::Inconclusive, Reason::NotComparable),
    };
    shown.result = Some(result);
    (outcome, reason, shown)
}

impl Verdict {
    /// Whether the provider's own signed receipt and bytes prove this rejection, without any auditor's word.
    pub const fn stands_alone(&self) -> bool {
        matches!(self.outcome, Outcome::Rejected)
            && matches!(
                self.reason,
                Reason::NotAsCommitted | Reason::WrongSize { .. } | Reason::WrongChannels { .. }
            )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDrawn => f.write_str("as committed; no audit was drawn"),
            Self::Exact => f.write_str("the audited crop is equal bit for bit"),
            Self::Agrees { apart, limit } => write!(
                f,
                "{apart} of the audited crop differ by more than 1e-3, up to {limit} may"
            ),
            Self::NotAsCommitted => f.write_str("the delivered pixels are not the committed ones"),
            Self::WrongSize { found } => write!(f, "the delivered picture is {found}"),
            Self::WrongChannels { expected, found } => write!(f, "delivered {found} where {expected} was due"),
            Self::Differs { differing } => {
                write!(f, "{differing} of the audited crop differ within one comparison class")
            }
            Self::TooFarApart { apart, limit } => {
                write!(
                    f,
                    "{apart} of the audited crop differ by more than 1e-3, at most {limit} may"
                )
            }
            Self::OtherLayout { expected, found } => {
                write!(f, "delivered {found} where the audited crop has {expected}")
            }
            Self::NotComparable => {
                f.write_str("the provider's and the auditor's devices cannot be compared; audit within one class")
            }
            Self::AuditUnusable { why } => write!(f, "the audit is of no use ({why}); ask another auditor"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Accepted => "accepted",
            Outcome::Rejected => "rejected",
            Outcome::Inconclusive => "inconclusive",
        };
        let Evidence {
            task,
            attempt,
            tile,
            audit,
            ..
        } = &self.evidence;
        write!(f, "{task} {attempt} ({tile}) {outcome}: {}", self.reason)?;
        let worst = audit
            .as_ref()
            .and_then(|audit| Some((audit, audit.result.as_ref()?.worst.as_ref()?)));
        match worst {
            Some((audit, worst)) => write!(f, "; worst in crop {}: {worst}", audit.crop),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
