//! Who did what and earned what in a job: derived from the farm's events and effects, so a replay gives the same sums.

use super::money::Earnings;
use rayswarm_api::job::ProviderShare;
use rayswarm_model::{Amount, AttemptId, CpuTime, NodeId, TaskId};
use rayswarm_scheduler::{AuditVerdict, Effect, Event, Grant};
use std::collections::{BTreeMap, HashMap};

/// What an attempt was granted for.
#[derive(Clone, Debug)]
pub struct Granted {
    /// To whom.
    pub node: NodeId,
    /// What.
    pub grant: Grant,
}

/// The sums of one job.
#[derive(Default)]
pub struct Ledger {
    /// What each account has earned.
    pub earnings: Earnings,
    /// The attempt whose pixels count, by task.
    pub accepted: BTreeMap<TaskId, AttemptId>,
    /// Every attempt ever granted.
    pub granted: HashMap<AttemptId, Granted>,
    /// Results drawn for an audit.
    pub audits_drawn: u64,
    verdicts: HashMap<AttemptId, AuditVerdict>,
    shares: BTreeMap<NodeId, ProviderShare>,
    cpu: HashMap<AttemptId, CpuTime>,
}

impl Ledger {
    /// Takes one step of the farm into account.
    pub fn observe(&mut self, event: &Event, effects: &[Effect]) {
        match event {
            Event::ProviderJoined(info) => {
                self.share(info.node).account = info.account.to_string();
            }
            Event::Committed { attempt, receipt, .. } => {
                self.cpu.insert(*attempt, receipt.cpu);
            }
            Event::AuditJudged { attempt, verdict } => {
                self.verdicts.insert(*attempt, *verdict);
            }
            Event::AuditDrawn { attempt, .. } => {
                self.audits_drawn += 1;
                if let Some(node) = self.granted.get(attempt).map(|granted| granted.node) {
                    self.share(node).audited += 1;
                }
            }
            _ => {}
        }
        for effect in effects {
            self.note(effect);
        }
    }

    /// What an attempt was granted for, if it was granted to `node`.
    pub fn granted_to(&self, attempt: AttemptId, node: NodeId) -> Option<&Granted> {
        self.granted.get(&attempt).filter(|granted| granted.node == node)
    }

    /// Whether an attempt was granted to `node`.
    pub fn is_granted_to(&self, attempt: AttemptId, node: NodeId) -> bool {
        self.granted_to(attempt, node).is_some()
    }

    /// The CPU time an attempt's receipt says.
    pub fn cpu(&self, attempt: AttemptId) -> Option<CpuTime> {
        self.cpu.get(&attempt).copied()
    }

    /// What an auditing attempt found.
    pub fn verdict(&self, audit: AttemptId) -> Option<AuditVerdict> {
        self.verdicts.get(&audit).copied()
    }

    /// Attempts granted so far.
    pub fn attempts(&self) -> u64 {
        self.granted.len() as u64
    }

    /// Providers that did something, by node.
    pub fn shares(&self) -> Vec<ProviderShare> {
        let active = |share: &&ProviderShare| share.tasks > 0 || share.audits_rendered > 0 || share.audited > 0;
        self.shares.values().filter(active).cloned().collect()
    }

    /// Tasks verified, by provider.
    pub fn verified(&self) -> impl Iterator<Item = (NodeId, u64)> {
        let tasks = self.shares.iter().map(|(node, share)| (*node, share.tasks));
        tasks.filter(|(_, tasks)| *tasks > 0)
    }

    /// What each provider has earned.
    pub fn earned(&self) -> impl Iterator<Item = (NodeId, Amount)> {
        let earned = self.shares.iter().map(|(node, share)| (*node, share.paid));
        earned.filter(|(_, amount)| *amount > Amount::ZERO)
    }

    fn note(&mut self, effect: &Effect) {
        match effect {
            Effect::Lease { node, tasks, .. } => {
                let granted = tasks.iter().map(|grant| {
                    (
                        grant.attempt,
                        Granted {
                            node: *node,
                            grant: grant.clone(),
                        },
                    )
                });
                self.granted.extend(granted);
            }
            Effect::AcceptTask {
                task,
                attempt,
                node,
                account,
                amount,
                ..
            } => {
                self.accepted.insert(*task, *attempt);
                let cpu = self.cpu_of(*attempt);
                let share = self.share(*node);
                share.tasks += 1;
                share.cpu_ms += cpu;
                share.paid = add(share.paid, *amount);
                self.earn(*account, *amount);
            }
            Effect::PayAudit {
                attempt,
                node,
                account,
                amount,
                ..
            } => {
                let cpu = self.cpu_of(*attempt);
                let share = self.share(*node);
                share.audits_rendered += 1;
                share.audit_cpu_ms += cpu;
                share.paid = add(share.paid, *amount);
                self.earn(*account, *amount);
            }
            _ => {}
        }
    }

    fn cpu_of(&self, attempt: AttemptId) -> u64 {
        self.cpu.get(&attempt).map_or(0, |cpu| cpu.millis)
    }

    fn earn(&mut self, account: rayswarm_model::Address, amount: Amount) {
        let earned = self.earnings.entry(account).or_default();
        *earned = add(*earned, amount);
    }

    fn share(&mut self, node: NodeId) -> &mut ProviderShare {
        self.shares.entry(node).or_insert_with(|| ProviderShare {
            id: node.to_string(),
            account: String::new(),
            tasks: 0,
            audited: 0,
            audits_rendered: 0,
            cpu_ms: 0,
            audit_cpu_ms: 0,
            paid: Amount::ZERO,
        })
    }
}

fn add(left: Amount, right: Amount) -> Amount {
    [left, right].into_iter().sum()
}
