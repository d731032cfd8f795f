//! `rayswarm audit`: a job's money recomputed from the chain and the published documents.

use crate::{
    args::{AuditArgs, match_job},
    daemon,
    exit::ExitCode,
    show,
};
use anyhow::Context;
use rayswarm_model::{Address, JobId};
use rayswarm_node::{
    audit::{self, Audit, Books},
    config::Contracts,
};
use std::path::Path;

pub async fn run(data_dir: Option<&Path>, args: AuditArgs) -> anyhow::Result<ExitCode> {
    let folder = daemon::data_dir(data_dir)?;
    let client = daemon::client(&folder)?;
    let job = match args.job.parse::<JobId>() {
        Ok(job) => job,
        Err(_) => match_job(&args.job, client.jobs().await?.iter().map(|job| job.id))?,
    };
    let wallet = client.wallet().await?;
    let address = |text: &str| {
        text.parse::<Address>()
            .context("the node tells an address that is none")
    };
    let own = folder.join("jobs").join(job.to_string()).join("allocations");
    let books = Books {
        rpc_url: &wallet.rpc,
        contracts: Contracts {
            registry: address(&wallet.registry)?,
            escrow: address(&wallet.escrow)?,
            token: address(&wallet.token)?,
        },
        from_block: args.from_block,
        documents: args.documents.as_deref().unwrap_or(&own),
    };
    let audit = audit::audit(job, books).await?;
    if args.json {
        show::json(&audit)?;
    } else {
        print(&audit);
    }
    Ok(if audit.differences.is_empty() {
        ExitCode::Success
    } else {
        ExitCode::Failure
    })
}

fn print(audit: &Audit) {
    for epoch in &audit.epochs {
        show::line(format_args!("epoch {} caps {}", epoch.epoch, epoch.total));
        for share in &epoch.shares {
            show::line(format_args!(
                "  {} at most {} (owed {}, in hand {}, headroom {}, speed {} milli-WU/s)",
                share.provider, share.cap, share.owed, share.in_flight, share.headroom, share.rate_milli_wu
            ));
        }
    }
    for (provider, paid) in &audit.paid {
        show::line(format_args!("paid {paid} to {provider}"));
    }
    for difference in &audit.differences {
        show::line(format_args!("difference: {difference}"));
    }
    if audit.differences.is_empty() {
        show::line(format_args!("all sums hold"));
    }
}
