//! What a farm knows about one provider.

use crate::{event::ProviderInfo, rate::Rate};
use rayswarm_model::{Amount, AttemptId, CpuTime, LeaseId, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A provider of this job, past ones included: what was learned about it stays when it comes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) info: ProviderInfo,
    pub(crate) state: NodeState,
    pub(crate) rate: Rate,
    /// What the farm's sum of rates counts for it.
    pub(crate) counted_rate: u64,
    /// Whether a session there has the scene in memory.
    pub(crate) warm: bool,
    /// The frame of the last task given to it, else the one its session has in memory.
    pub(crate) frame: Option<i32>,
    /// Attempts it has yet to render, in the order given. The first ones, one per slot, are being rendered.
    pub(crate) queue: Vec<AttemptId>,
    /// Its leases that are not done.
    pub(crate) leases: BTreeSet<LeaseId>,
    /// It gets nothing before this.
    pub(crate) rests_until: UnixMillis,
    /// How often it was sent to rest.
    pub(crate) rests: u32,
    pub(crate) failures_in_row: u32,
    /// Results rejected on one auditor's word.
    pub(crate) strikes: u32,
    /// Its audits that others contradicted.
    pub(crate) false_alarms: u32,
    /// Results delivered.
    pub(crate) results: u64,
    pub(crate) verified: u64,
    /// Audits it rendered that decided a verdict.
    pub(crate) audits: u64,
    /// Its results that were audited and passed.
    pub(crate) audited: u64,
    pub(crate) cpu: CpuTime,
    pub(crate) paid: Amount,
}

/// Where a provider stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Reachable.
    Connected,
    /// Gone, perhaps for a moment.
    Away,
    /// Shut out of this job.
    Excluded,
}

impl Node {
    pub(crate) fn new(info: ProviderInfo) -> Self {
        Self {
            rate: Rate::new(info.rate_milli_wu),
            results: info.verified_before,
            info,
            state: NodeState::Connected,
            counted_rate: 0,
            warm: false,
            frame: None,
            queue: Vec::new(),
            leases: BTreeSet::new(),
            rests_until: UnixMillis(0),
            rests: 0,
            failures_in_row: 0,
            strikes: 0,
            false_alarms: 0,
            verified: 0,
            audits: 0,
            audited: 0,
            cpu: CpuTime::default(),
            paid: Amount::ZERO,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.state == NodeState::Connected
    }

    pub(crate) fn slots(&self) -> usize {
        self.info.slots.max(1) as usize
    }
}
