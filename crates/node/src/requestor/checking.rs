//! Receipts and delivered pictures: is it what was granted, what was committed to, what another provider sees?

use super::ledger::Granted;
use crate::pixels::{self, Channels, PixelsError};
use rayswarm_imaging::PixelCommitment;
use rayswarm_model::{
    Address, AttemptId, Bytes, JobId, NodeId, Plan, Rect, TaskSpec, canonical,
    signed::{Domain, ExpectedReceipt, ReceiptError, SignatureError, SignedReceipt},
};
use rayswarm_network::work::{Purpose as WirePurpose, TaskGrant};
use rayswarm_scheduler::{Grant, Purpose};
use rayswarm_verifier::{Audit, AuditPolicy, Case, ComparisonKind, Verdict, channel_difference, judge};
use std::path::{Path, PathBuf};

/// A delivered result is not what was committed to.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The receipt does not read.
    #[error("the receipt does not read")]
    Unreadable(#[from] canonical::CanonicalError),
    /// The receipt is not the provider's.
    #[error("the receipt is not acceptable")]
    Signature(#[from] SignatureError),
    /// The receipt is for something else, or something else came.
    #[error("the result is not acceptable")]
    Receipt(#[from] ReceiptError),
    /// The picture is not one.
    #[error("the result is not a picture of the task")]
    Pixels(#[from] PixelsError),
    /// The picture has not the channels that this scene gives here.
    #[error("the result has {found} where this scene gives {expected}")]
    Channels {
        /// The first that differs.
        expected: String,
        /// As delivered.
        found: String,
    },
    /// The provider has signed two results of one attempt.
    #[error("another receipt for attempt {0} was signed before; only one can be true")]
    AnotherReceipt(AttemptId),
    /// The result is larger than any picture of its pixels.
    #[error("the result has {found}; {held} of this scene's frames take at most {limit}")]
    TooLarge {
        /// Announced.
        found: Bytes,
        /// The pixels.
        held: Rect,
        /// The most.
        limit: Bytes,
    },
}

/// What a commitment is held against.
pub struct Awaited<'a> {
    /// The job's plan.
    pub plan: &'a Plan,
    /// What was granted, to the provider that commits.
    pub granted: &'a Granted,
    /// The account its offer names.
    pub account: Address,
    /// The job.
    pub job: JobId,
    /// Where signatures are valid.
    pub domain: &'a Domain,
    /// The receipt that is held for the attempt, if it committed before.
    pub receipt: Option<&'a SignedReceipt>,
    /// The channels of the job's pictures, if they are known.
    pub channels: Option<&'a Channels>,
}

/// What a grant asks a provider to render: the plan's task, or a crop of it.
pub fn task_of(plan: &Plan, grant: &Grant) -> Option<TaskSpec> {
    let task = *plan.task(grant.task)?;
    Some(match grant.purpose {
        Purpose::Render => task,
        Purpose::Audit { crop, .. } => TaskSpec {
            tile: crop,
            work: grant.work,
            ..task
        },
    })
}

/// The grant as it travels.
pub fn wire_grant(plan: &Plan, grant: &Grant) -> Option<TaskGrant> {
    let purpose = match grant.purpose {
        Purpose::Render => WirePurpose::Render,
        Purpose::Audit { .. } => WirePurpose::Audit,
    };
    Some(TaskGrant {
        attempt: grant.attempt,
        task: task_of(plan, grant)?,
        padding: plan.tile_padding,
        purpose,
    })
}

/// The pixels that the result file of a task holds.
pub fn held(plan: &Plan, task: &TaskSpec) -> Rect {
    task.tile.padded(plan.tile_padding, plan.settings.resolution)
}

impl Awaited<'_> {
    /// Reads the receipt of a commitment to `bytes` and checks that it is the granted provider's word, its only one, for
    /// this attempt at this task. The pixels are checked when they are here.
    pub fn admit(&self, receipt: &[u8], bytes: Bytes) -> Result<SignedReceipt, CheckError> {
        let signed: SignedReceipt = canonical::decode("receipt", receipt)?;
        signed.signed_by(self.domain, self.account)?;
        let (stated, grant) = (&signed.message, &self.granted.grant);
        let fields = [
            ("job", self.job.to_string(), stated.job.to_string()),
            ("task", grant.task.to_string(), stated.task.to_string()),
            ("attempt", grant.attempt.to_string(), stated.attempt.to_string()),
        ];
        if let Some((field, expected, actual)) = fields.into_iter().find(|(_, expected, actual)| expected != actual) {
            return Err(ReceiptError::Mismatch {
                field,
                expected,
                actual,
            }
            .into());
        }
        if self.receipt.is_some_and(|held| held.message != *stated) {
            return Err(CheckError::AnotherReceipt(grant.attempt));
        }
        self.check_size(bytes)?;
        Ok(signed)
    }

    fn check_size(&self, found: Bytes) -> Result<(), CheckError> {
        let Some(task) = task_of(self.plan, &self.granted.grant) else {
            return Ok(());
        };
        let held = held(self.plan, &task);
        let limit = pixels::file_bytes_max(held, self.channels.map(Vec::as_slice));
        if found > limit {
            return Err(CheckError::TooLarge { found, held, limit });
        }
        Ok(())
    }
}

/// Checks a delivered file against its receipt, and against the job's channels where they are known. Blocking.
pub fn check_delivery(
    file: &Path,
    held: Rect,
    task: &TaskSpec,
    receipt: &SignedReceipt,
    provider: Address,
    domain: &Domain,
    channels: Option<&Channels>,
) -> Result<(), CheckError> {
    let measured = pixels::measure_file(file, held, task.tile)?;
    let expected = ExpectedReceipt {
        job: receipt.message.job,
        task: task.id,
        attempt: receipt.message.attempt,
        provider,
        bytes_hash: measured.bytes_hash,
        pixel_commitment: measured.commitment,
    };
    receipt.check(domain, &expected)?;
    match channels.and_then(|known| channel_difference(known, measured.channels())) {
        Some((expected, found)) => Err(CheckError::Channels { expected, found }),
        None => Ok(()),
    }
}

/// Where a job keeps the channels of its pictures, as the probe of this machine found them.
fn channels_file(job_folder: &Path) -> PathBuf {
    job_folder.join("channels.json")
}

/// Writes down what channels this scene's pictures have: this machine's own word, which no provider can bend.
pub fn store_channels(job_folder: &Path, channels: &Channels) -> std::io::Result<()> {
    let text = serde_json::to_vec(channels).map_err(std::io::Error::other)?;
    std::fs::write(channels_file(job_folder), text)
}

/// The channels of a job's pictures, if its probe has shown them.
pub fn known_channels(job_folder: &Path) -> Option<Channels> {
    let text = std::fs::read(channels_file(job_folder)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// A result and the audit of a crop of it, as files.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The job.
    pub job: JobId,
    /// The audited task, its tile whole.
    pub task: TaskSpec,
    /// The audited attempt.
    pub attempt: AttemptId,
    /// Who delivered it.
    pub provider: NodeId,
    /// What it committed to.
    pub committed: PixelCommitment,
    /// Its file.
    pub delivered: PathBuf,
    /// Who audited.
    pub auditor: NodeId,
    /// The crop.
    pub crop: Rect,
    /// The audit's file.
    pub audit: PathBuf,
    /// How the two compare.
    pub kind: ComparisonKind,
    /// The channels of the job's pictures, if they are known.
    pub channels: Option<Channels>,
}

/// Compares. Blocking.
pub fn compare(plan: &Plan, comparison: &Comparison) -> Result<Verdict, CheckError> {
    let Comparison { task, crop, .. } = comparison;
    let delivered = pixels::read_tile(&comparison.delivered, held(plan, task), task.tile)?;
    let crop_held = crop.padded(plan.tile_padding, plan.settings.resolution);
    let picture = pixels::read_tile(&comparison.audit, crop_held, *crop)?;
    let case = Case {
        job: comparison.job,
        task: task.id,
        attempt: comparison.attempt,
        provider: comparison.provider,
        committed: comparison.committed,
        tile: task.tile,
        channels: comparison.channels.as_deref(),
        delivered: &delivered,
    };
    let audit = Audit {
        auditor: comparison.auditor,
        crop: *crop,
        picture: &picture,
        comparison: comparison.kind,
    };
    Ok(judge(&AuditPolicy::default(), &case, Some(&audit)))
}

#[cfg(test)]
mod tests;
