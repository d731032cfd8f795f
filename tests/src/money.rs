//! What must be true of a finished job's money and tasks.

use anyhow::ensure;
use rayswarm_api::job::{JobState, JobView};
use rayswarm_model::Amount;

/// The job is done, every task was verified once and paid once, and the escrow's sums are exact.
///
/// # Errors
/// Names the sum that is not.
pub fn done_and_paid(view: &JobView) -> anyhow::Result<()> {
    ensure!(view.summary.state == JobState::Done, "{view:?}");
    ensure!(view.summary.tasks_verified == view.summary.tasks, "{view:?}");
    nothing_locked(view)
}

/// However the job ended: what was deposited was paid or came back, and who verified what was paid exactly that.
///
/// # Errors
/// Names the sum that is not.
pub fn nothing_locked(view: &JobView) -> anyhow::Result<()> {
    ensure!(view.summary.state.is_final(), "{view:?}");
    let (escrow, shares) = (view.escrow, &view.providers);
    ensure!(escrow.locked == Amount(0), "{escrow:?}");
    ensure!(escrow.deposited.0 == escrow.paid.0 + escrow.refunded.0, "{escrow:?}");
    let paid = shares.iter().map(|share| share.paid).sum::<Amount>();
    ensure!(paid == escrow.paid, "{escrow:?} {shares:?}");
    let tasks = shares.iter().map(|share| share.tasks).sum::<u64>();
    ensure!(tasks == view.summary.tasks_verified, "{shares:?} {view:?}");
    Ok(())
}
