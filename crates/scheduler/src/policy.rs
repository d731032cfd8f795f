//! Every number a decision depends on, with the reason for its value.

use rayswarm_model::{Amount, UnixMillis, WorkPrice};
use serde::{Deserialize, Serialize};

/// How a farm decides. Part of its state: changing a default never changes a job under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// No lease is given above this price.
    pub price_cap: WorkPrice,
    /// What escrow holds for this job; payments never exceed it. `None` where nothing is paid.
    pub budget: Option<Amount>,
    /// When the job ends whatever its state.
    pub deadline: Option<UnixMillis>,
    /// The longest a lease should take its provider: a lost node costs at most this.
    pub chunk_ms_max: u64,
    /// The same for a provider of whom only a benchmark is known, which lies by a quarter as a rule.
    pub unproven_chunk_ms_max: u64,
    /// The most tasks in a lease, so that messages stay small.
    pub lease_tasks_max: usize,
    /// Every lease lasts at least this, whatever the estimate: machines sleep, links stall.
    pub lease_floor_ms: u64,
    /// A lease lasts this many times its estimate: costs are off by half and machines by a factor.
    pub lease_factor: u64,
    /// Upload speed a provider is trusted to have at least, bytes per second; leases last longer by what a result needs.
    pub upload_bytes_per_second_min: u64,
    /// Copies of one task in the tail at most.
    pub copies_max: usize,
    /// Tries at a task that may fail: the first, and twice elsewhere.
    pub failures_max: u32,
    /// Time a task may hang in all its tries together: after so many expired leases the job ends.
    pub expiries_max: u32,
    /// Failures in a row after which a provider rests.
    pub failures_in_row_max: u32,
    /// First rest of a failing provider; doubles each time.
    pub rest_ms: u64,
    /// How long an audit waits for a provider of the renderer's own comparison class while there is other work. Longer
    /// than a lease, after which that provider asks again.
    pub audit_patience_ms: u64,
    /// The same once all tasks are given out, when waiting delays the job.
    pub audit_patience_tail_ms: u64,
    /// After this an audit that nobody took is inconclusive.
    pub audit_wait_ms_max: u64,
    /// Whether auditors are paid for the crops they render.
    pub pay_audits: bool,
    /// How long an ending job waits for results that are already committed.
    pub drain_ms: u64,
    /// How long a task that no connected provider may try, or an audit that none may judge, waits for another provider.
    pub stall_ms: u64,
    /// Time a provider is taken to need for fetching and opening the scene, until one has shown it.
    pub setup_ms: u64,
    /// How long a provider without work waits before it asks again.
    pub retry_ms: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            price_cap: WorkPrice {
                per_wu_hour: Amount(u128::MAX),
            },
            budget: None,
            deadline: None,
            chunk_ms_max: 120_000,
            unproven_chunk_ms_max: 30_000,
            lease_tasks_max: 256,
            lease_floor_ms: 60_000,
            lease_factor: 4,
            upload_bytes_per_second_min: 250_000,
            copies_max: 3,
            failures_max: 3,
            expiries_max: 10,
            failures_in_row_max: 3,
            rest_ms: 60_000,
            audit_patience_ms: 150_000,
            audit_patience_tail_ms: 5_000,
            audit_wait_ms_max: 600_000,
            pay_audits: true,
            drain_ms: 120_000,
            stall_ms: 60_000,
            setup_ms: 5_000,
            retry_ms: 1_000,
        }
    }
}
