//! A job's plan beside its record: written once, whole or not at all, since the money is counted by it.

use super::refusal::{chain, failed};
use crate::services::Services;
use rayswarm_api::Problem;
use rayswarm_model::{B256, JobId, Plan, canonical, keccak256};
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

const NAME: &str = "plan.bin";

fn path(jobs: &Path, job: JobId) -> PathBuf {
    jobs.join(job.to_string()).join(NAME)
}

/// A job's plan, once there is one.
pub fn read(services: &Services, job: JobId) -> Option<Plan> {
    let bytes = std::fs::read(path(&services.folder("jobs"), job)).ok()?;
    canonical::decode("plan", &bytes).ok()
}

/// Writes the plan down; its hash goes into the escrow.
pub fn store(services: &Services, job: JobId, plan: &Plan) -> Result<B256, Problem> {
    store_in(&services.folder("jobs"), job, plan)
}

/// The same in a folder of jobs whose node does not run.
pub fn store_in(jobs: &Path, job: JobId, plan: &Plan) -> Result<B256, Problem> {
    let unstorable = |error: &dyn std::error::Error| failed("plan_not_stored", chain(error));
    let bytes = canonical::encode("plan", plan).map_err(|error| unstorable(&error))?;
    write_whole(&path(jobs, job), &bytes).map_err(|error| unstorable(&error))?;
    Ok(keccak256(bytes))
}

/// A crash leaves the old file or the new one, never half of one.
fn write_whole(target: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = target.with_extension("part");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, target)
}
