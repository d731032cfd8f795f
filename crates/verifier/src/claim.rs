//! A provider's claim before a juror: do its receipts carry it, and does the task that the rejection names hold?
//!
//! A claim counts each task once, with the tile that was delivered and the work that is paid for it. A juror first holds
//! the list against the claim ([`examine`]), then draws a crop of the named task ([`crop_to_render`]), renders it and
//! compares it with the hashes of the provider's cells ([`weigh`]). Jurors share the job's comparison class, so every bit
//! must be equal.

use crate::draw::{self, AuditSeed, Subject};
use crate::policy::{AuditPolicy, AuditSettings};
use alloy_primitives::B256;
use rayswarm_imaging::{Picture, PixelCells, PixelCommitment};
use rayswarm_model::{
    Address, Amount, JobId, Plan, Rect, TaskId, TaskSpec, Work, WorkPrice,
    allocation::result_commitment,
    signed::{Domain, SignedReceipt, TypedDocument},
};
use serde::{Deserialize, Serialize};

/// One result that a claim counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedResult {
    /// The provider's receipt for it.
    pub receipt: SignedReceipt,
    /// What was delivered, in the frame: the task's tile, or the crop of it that was audited.
    pub tile: Rect,
    /// The work that is paid for it.
    pub work: Work,
}

/// What a claim says, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The job.
    pub job: JobId,
    /// The plan that the escrow pays for.
    pub plan: &'a Plan,
    /// Who claims.
    pub provider: Address,
    /// What it was to be paid, by the published allocation.
    pub price: WorkPrice,
    /// What it says that it has earned in all.
    pub cumulative: Amount,
    /// What binds it to its results.
    pub commitment: B256,
    /// Where its signatures are valid.
    pub domain: &'a Domain,
}

/// Why a claim is bad, whatever the pixels are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The list is not the one it committed to.
    #[error("the receipts are not those that the claim committed to")]
    OtherReceipts,
    /// A task stands twice, or the order is another.
    #[error("task {0} does not stand once and in order among the receipts")]
    Order(TaskId),
    /// A receipt is for something else, or not the provider's.
    #[error("the receipt for task {0} is not the provider's word for this job")]
    Receipt(TaskId),
    /// There is no such task.
    #[error("the plan has no task {0}")]
    NoSuchTask(TaskId),
    /// The tile is not the task's.
    #[error("task {0} was not to deliver the tile that is counted for it")]
    Tile(TaskId),
    /// More work is counted than the plan has.
    #[error("more work is counted for task {0} than its plan and its tile give")]
    Work(TaskId),
    /// The results are worth less.
    #[error("the results are worth {worth}, and {claimed} is claimed")]
    Worth {
        /// All of them.
        worth: Amount,
        /// By the claim.
        claimed: Amount,
    },
    /// The cells are not those of the receipt.
    #[error("the hashes of the picture's cells are not what the receipt for task {0} commits to")]
    Cells(TaskId),
    /// Rendered again it is another picture.
    #[error("task {0} rendered again is another picture")]
    Pixels(TaskId),
}

/// What a claim of these results commits to.
pub fn commitment_of(results: &[ClaimedResult], domain: &Domain) -> B256 {
    let digest = |result: &ClaimedResult| result.receipt.message.digest(domain);
    result_commitment(&results.iter().map(digest).collect::<Vec<_>>())
}

/// Holds a claim against its receipts; gives the one for `named`, if it is among them.
///
/// # Errors
/// Why the claim is bad. A peer may send anything.
pub fn examine<'a>(
    claim: &Claim<'_>,
    results: &'a [ClaimedResult],
    named: TaskId,
) -> Result<Option<&'a ClaimedResult>, Flaw> {
    if commitment_of(results, claim.domain) != claim.commitment {
        return Err(Flaw::OtherReceipts);
    }
    let mut worth = Amount::ZERO;
    let mut former = None;
    for result in results {
        let task = result.receipt.message.task;
        if former.is_some_and(|former| former >= task) {
            return Err(Flaw::Order(task));
        }
        former = Some(task);
        check(claim, result)?;
        worth = [worth, claim.price.of_floor(result.work)].into_iter().sum();
    }
    if worth < claim.cumulative {
        return Err(Flaw::Worth {
            worth,
            claimed: claim.cumulative,
        });
    }
    Ok(results.iter().find(|result| result.receipt.message.task == named))
}

fn check(claim: &Claim<'_>, result: &ClaimedResult) -> Result<(), Flaw> {
    let receipt = &result.receipt.message;
    let is_theirs = receipt.job == claim.job
        && receipt.provider == claim.provider
        && result.receipt.signed_by(claim.domain, claim.provider).is_ok();
    if !is_theirs {
        return Err(Flaw::Receipt(receipt.task));
    }
    planned(claim.plan, receipt.task, result.tile, result.work)?;
    Ok(())
}

/// The task of a plan that has a tile and work: all of the task's, or a part of the tile and at most the work of that part.
///
/// # Errors
/// Why the plan has no such task.
pub fn planned(plan: &Plan, task: TaskId, tile: Rect, work: Work) -> Result<&TaskSpec, Flaw> {
    let spec = plan.task(task).ok_or(Flaw::NoSuchTask(task))?;
    let whole = spec.tile;
    let is_inside = tile.x >= whole.x
        && tile.y >= whole.y
        && tile.width > 0
        && tile.height > 0
        && tile.right() <= whole.right()
        && tile.bottom() <= whole.bottom();
    if !is_inside {
        return Err(Flaw::Tile(task));
    }
    if work > work_of(spec.work, tile, whole) {
        return Err(Flaw::Work(task));
    }
    Ok(spec)
}

/// The part of a task's work that a tile of it is, but at least one thousandth of a WU.
pub fn work_of(work: Work, tile: Rect, whole: Rect) -> Work {
    let share = u128::from(work.milli_wu) * u128::from(tile.pixels()) / u128::from(whole.pixels().max(1));
    Work {
        milli_wu: u64::try_from(share).unwrap_or(u64::MAX).max(1),
    }
}

/// The crop of a named result that a round's jurors render, in the frame: drawn by the round's seed, grown to whole cells.
///
/// # Errors
/// [`Flaw::Cells`] where the hashes are not those of the receipt.
pub fn crop_to_render(
    policy: &AuditPolicy,
    crop_seed: B256,
    result: &ClaimedResult,
    cells: &PixelCells,
) -> Result<Rect, Flaw> {
    let (receipt, tile) = (&result.receipt.message, result.tile);
    let size = cells.header.resolution;
    let is_committed = cells.commitment() == Some(PixelCommitment(receipt.pixel_commitment));
    if !is_committed || (size.width, size.height) != (tile.width, tile.height) {
        return Err(Flaw::Cells(receipt.task));
    }
    let subject = Subject {
        job: receipt.job,
        task: receipt.task,
        attempt: receipt.attempt,
        commitment: PixelCommitment(receipt.pixel_commitment),
        tile,
    };
    // Before a jury every result is audited.
    let always = AuditPolicy::new(AuditSettings {
        first_tasks: 1,
        ..*policy.settings()
    });
    let always = always.unwrap_or(*policy);
    let drawn = draw::draw(&always, &AuditSeed::from_bytes(crop_seed.0), &subject, 0, None);
    let crop = drawn.crop.unwrap_or(tile);
    let inside = Rect {
        x: crop.x - tile.x,
        y: crop.y - tile.y,
        ..crop
    };
    let whole = cells.whole_cells(inside);
    Ok(Rect {
        x: tile.x + whole.x,
        y: tile.y + whole.y,
        ..whole
    })
}

/// Compares what a juror rendered of `crop` with what the provider delivered there.
///
/// # Errors
/// [`Flaw::Pixels`] where any bit differs.
pub fn weigh(result: &ClaimedResult, cells: &PixelCells, crop: Rect, again: &Picture) -> Result<(), Flaw> {
    let inside = Rect {
        x: crop.x.saturating_sub(result.tile.x),
        y: crop.y.saturating_sub(result.tile.y),
        ..crop
    };
    if cells.agree_with(again, inside) {
        Ok(())
    } else {
        Err(Flaw::Pixels(result.receipt.message.task))
    }
}

#[cfg(test)]
mod tests;
