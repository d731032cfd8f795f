//! Receipts and delivered pictures: is it what was granted, what was committed to, what another provider sees?

use crate::pixels::{self, PixelsError};
use rayswarm_imaging::PixelCommitment;
use rayswarm_model::{
    Address, AttemptId, JobId, NodeId, Plan, Rect, TaskSpec, canonical,
    signed::{Domain, ExpectedReceipt, ReceiptError, SignatureError, SignedReceipt},
};
use rayswarm_network::work::{Purpose as WirePurpose, TaskGrant};
use rayswarm_scheduler::{Grant, Purpose};
use rayswarm_verifier::{Audit, AuditPolicy, Case, ComparisonKind, Verdict, judge};
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

/// Reads a receipt and checks that `provider` signed it for this attempt. The pixels are checked when they are here.
pub fn read_receipt(
    bytes: &[u8],
    domain: &Domain,
    provider: Address,
    job: JobId,
    attempt: AttemptId,
) -> Result<SignedReceipt, CheckError> {
    let signed: SignedReceipt = canonical::decode("receipt", bytes)?;
    signed.signed_by(domain, provider)?;
    let mismatch = |field, expected: String, actual: String| {
        Err(ReceiptError::Mismatch {
            field,
            expected,
            actual,
        }
        .into())
    };
    if signed.message.job != job {
        return mismatch("job", job.to_string(), signed.message.job.to_string());
    }
    if signed.message.attempt != attempt {
        return mismatch("attempt", attempt.to_string(), signed.message.attempt.to_string());
    }
    Ok(signed)
}

/// Checks a delivered file against its receipt. Blocking.
pub fn check_delivery(
    file: &Path,
    held: Rect,
    task: &TaskSpec,
    receipt: &SignedReceipt,
    provider: Address,
    domain: &Domain,
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
    Ok(())
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
        channels: None,
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
