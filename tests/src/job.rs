//! One job that a command follows: submitted, watched, waited for.

use crate::{Answer, Node, wait::until};
use anyhow::{Context, bail, ensure};
use rayswarm_api::{job::JobView, task::Explanation};
use std::{collections::BTreeSet, process::Child, time::Duration};

/// Longest wait for a state of a job. Renders take seconds; leases, retries and sessions opened anew take most of it.
const PATIENCE: Duration = Duration::from_secs(300);

/// A picture as small as a test needs: a few kilobytes, rendered in a fraction of a second.
pub const TINY: [&str; 4] = ["--resolution", "64x36", "--samples", "4"];

/// A job and the command that follows it.
#[derive(Debug)]
pub struct Job {
    /// Its id.
    pub id: String,
    client: Child,
}

impl Job {
    /// Starts a command that submits a job, and waits until the node knows it.
    ///
    /// # Errors
    /// When the command ends without submitting one; what it said is in the message.
    pub fn submit(node: &Node<'_>, arguments: &[&str]) -> anyhow::Result<Self> {
        let known: BTreeSet<String> = node.jobs()?.iter().map(|job| job.id.to_string()).collect();
        let mut client = node.spawn(arguments)?;
        let id = until("the job is known", PATIENCE, || {
            let mut ids = node.jobs()?.into_iter().map(|job| job.id.to_string());
            let new = ids.find(|id| !known.contains(id));
            let ended = new.is_none() && client.try_wait()?.is_some();
            ensure!(!ended, "the command ended without a job");
            Ok(new)
        });
        match id {
            Ok(id) => Ok(Self { id, client }),
            Err(error) => {
                let _ended_already = client.kill();
                Err(error.context(format!("{:?}", Answer::of(client)?)))
            }
        }
    }

    /// Waits until `look` finds something in the job while it still runs.
    ///
    /// # Errors
    /// When it does not, or the job ends before.
    pub fn wait_for<T>(
        &self,
        node: &Node<'_>,
        what: &str,
        mut look: impl FnMut(&JobView) -> Option<T>,
    ) -> anyhow::Result<T> {
        let found = until(what, PATIENCE, || {
            let view = node.job(&self.id)?;
            let found = look(&view);
            if found.is_none() && view.summary.state.is_final() {
                bail!("the job ended before {what}: {view:?}");
            }
            Ok(found)
        });
        found.with_context(|| format!("the node's log ends with\n{}", node.log_end()))
    }

    /// Waits until the job and the command that followed it have ended, calling `meanwhile` between looks.
    ///
    /// # Errors
    /// When the job does not end, or `meanwhile` fails.
    pub fn end_while(
        self,
        node: &Node<'_>,
        mut meanwhile: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<(JobView, Answer)> {
        let ended = until("the job ends", PATIENCE, || {
            meanwhile()?;
            let view = node.job(&self.id)?;
            Ok(view.summary.state.is_final().then_some(view))
        });
        let view = ended.with_context(|| format!("{:?}\n{}", node.job(&self.id), node.log_end()))?;
        Ok((view, Answer::of(self.client)?))
    }

    /// Waits until the job and the command that followed it have ended.
    ///
    /// # Errors
    /// When the job does not end.
    pub fn end(self, node: &Node<'_>) -> anyhow::Result<(JobView, Answer)> {
        self.end_while(node, || Ok(()))
    }
}

/// Leases of tasks that were verified before, in the order in which the farm decided: work done twice for nothing. An
/// audit is no such work.
///
/// # Errors
/// When the decisions name no lease or no verified task, and so cannot be what they are taken for.
pub fn rendered_after_verified(decisions: &[Explanation]) -> anyhow::Result<Vec<String>> {
    let (mut verified, mut leases, mut again) = (BTreeSet::new(), 0, Vec::new());
    for Explanation { decision, .. } in decisions {
        if let Some(accepted) = decision.strip_prefix("accept ") {
            verified.extend(accepted.split_whitespace().next());
        }
        // `  a12=t7`, where an audit reads `  a13=audit a5 …`.
        let granted = decision.strip_prefix("  a").and_then(|grant| grant.split_once('='));
        let Some((_, task)) = granted.filter(|(_, what)| what.starts_with('t')) else {
            continue;
        };
        leases += 1;
        if verified.contains(task) {
            again.push(decision.trim().to_owned());
        }
    }
    ensure!(
        leases > 0 && !verified.is_empty(),
        "no lease and no verified task in {decisions:#?}"
    );
    Ok(again)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn again(decisions: &[&str]) -> anyhow::Result<Vec<String>> {
        let told = decisions.iter().map(|decision| Explanation {
            at: rayswarm_api::Time::default(),
            decision: (*decision).to_owned(),
            reason: String::new(),
        });
        rendered_after_verified(&told.collect::<Vec<_>>())
    }

    #[test]
    fn a_lease_after_the_verification_is_found() {
        let (first, accepted) = ("  a0=t7", "accept t7 by a0, pay 5 to abcdef");
        assert!(again(&[first, "  a1=t7", accepted, "  a2=t8"]).unwrap().is_empty());
        assert!(again(&[first, accepted, "  a1=audit a0 8x8+0+0"]).unwrap().is_empty());
        assert_eq!(again(&[first, accepted, "  a1=t7"]).unwrap(), ["a1=t7"]);
        assert!(again(&["something else"]).is_err());
    }
}
