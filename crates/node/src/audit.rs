//! A job's money recomputed from the chain and the published documents alone: who was allocated what and why, what was paid,
//! and whether the sums hold.

use rayswarm_model::{
    Address, Allocation, Amount, B256, JobId, allocation::Share, canonical, keccak256, signed::AccountKey,
};
use rayswarm_scheduler::caps::is_as_divided;
use rayswarm_settlement::{Contracts, Job, JobEvent, JobEventKind, JobState, Settlement, SettlementError};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io, mem,
    path::Path,
};

/// A key of no account: reading needs none, but a connection has one.
const READER: [u8; 32] = [1; 32];

/// Where a job's money is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Books<'a> {
    /// The chain's JSON-RPC.
    pub rpc_url: &'a str,
    /// The contracts on it.
    pub contracts: Contracts,
    /// The block from which on events are read: that of the opening, or any before.
    pub from_block: u64,
    /// The folder of the published documents of caps.
    pub documents: &'a Path,
}

/// Books cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The chain.
    #[error("the chain cannot be read")]
    Chain(#[from] SettlementError),
    /// The documents.
    #[error("the documents in {folder} cannot be read")]
    Documents {
        /// The folder.
        folder: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody opened it.
    #[error("job {0} was never opened on this chain; name the chain and contracts that it was paid with")]
    Unknown(JobId),
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Each published epoch, in order.
    pub epochs: Vec<AuditedEpoch>,
    /// What each provider was paid, fee included.
    pub paid: BTreeMap<Address, Amount>,
    /// What does not agree; nothing in good books.
    pub differences: Vec<String>,
}

/// One published epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedEpoch {
    /// Its number.
    pub epoch: u32,
    /// Whether it took force.
    pub in_force: bool,
    /// Sum of its caps.
    pub total: Amount,
    /// What was free when the caps were chosen, if its document is here.
    pub free: Option<Amount>,
    /// Who was given what and why, if its document is here.
    pub shares: Vec<Share>,
}

/// Reads chain and documents, and audits.
///
/// # Errors
/// See [`AuditError`]. What does not agree is no error but a difference.
pub async fn audit(job: JobId, books: Books<'_>) -> Result<Audit, AuditError> {
    let documents = documents(books.documents)?;
    let reader = AccountKey::from_bytes(&READER).map_err(|_| AuditError::Unknown(job))?;
    let settlement = Settlement::connect(books.rpc_url, reader, books.contracts).await?;
    let escrow = settlement.job(job).await?;
    if escrow.state == JobState::None {
        return Err(AuditError::Unknown(job));
    }
    let events = settlement.job_history(job, books.from_block).await?;
    let settled = settlement.settled_shares(job, books.from_block).await?;
    let settled: Vec<_> = settled.iter().flat_map(|settled| settled.all()).collect();
    let mut audit = check(job, &escrow, &events, &settled, &documents);
    for (provider, paid) in audit.paid.clone() {
        let noted = settlement.paid_to(job, provider).await?;
        // What a settlement at one stroke paid is noted when somebody needs it.
        if noted != paid && (noted > Amount::ZERO || settled.is_empty()) {
            audit.differ(format!(
                "the escrow says that {provider} was paid {noted}, its events say {paid}"
            ));
        }
    }
    Ok(audit)
}

/// Every file of a folder; none where there is no folder.
fn documents(folder: &Path) -> Result<Vec<Vec<u8>>, AuditError> {
    let failed = |source| AuditError::Documents {
        folder: folder.display().to_string(),
        source,
    };
    let files = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.map_err(failed)?,
    };
    files
        .map(|file| fs::read(file?.path()))
        .collect::<io::Result<_>>()
        .map_err(failed)
}

/// Pure: what the escrow says against its events and the documents.
fn check(job: JobId, escrow: &Job, events: &[JobEvent], settled: &[(Address, Amount)], documents: &[Vec<u8>]) -> Audit {
    let mut audit = Audit::default();
    let by_hash: BTreeMap<B256, &Vec<u8>> = documents
        .iter()
        .map(|document| (keccak256(document), document))
        .collect();
    let mut sums = Sums::default();
    // What was free since the last publication: others may be paid between the choice of caps and their publication.
    let mut frees = BTreeSet::new();
    for event in events {
        sums.add(&event.kind, &mut audit);
        frees.insert(sums.free());
        match event.kind {
            JobEventKind::Allocated {
                epoch,
                root,
                total,
                document,
                ..
            } => {
                let found = by_hash.get(&document).copied();
                let published = Published {
                    epoch,
                    root,
                    total,
                    document,
                    free: sums.free(),
                    frees: mem::replace(&mut frees, BTreeSet::from([sums.free()])),
                };
                let epoch = audit.epoch(job, &published, found);
                audit.epochs.push(epoch);
            }
            JobEventKind::InForce { epoch } => {
                // A later publication replaces one that waits, under the same number.
                let of = audit.epochs.iter_mut().rev().find(|one| one.epoch == epoch);
                match of {
                    Some(epoch) => epoch.in_force = true,
                    None => audit.differ(format!("epoch {epoch} took force, and nobody published it")),
                }
            }
            _ => {}
        }
    }
    for (provider, amount) in settled {
        audit.pay(*provider, *amount);
    }
    let settled: Amount = settled.iter().map(|(_, amount)| *amount).sum();
    for (what, found, expected) in [
        ("locked in all", sums.locked, escrow.deposited),
        ("paid", sums.paid, plus(escrow.paid, escrow.fees)),
        ("refunded", sums.refunded, escrow.refunded),
        ("settled at one stroke", settled, sums.settled),
        (
            "in the escrow's books",
            [escrow.paid, escrow.fees, escrow.refunded, escrow.locked]
                .into_iter()
                .sum(),
            escrow.deposited,
        ),
    ] {
        if found != expected {
            audit.differ(format!("{found} were {what}, and it should be {expected}"));
        }
    }
    audit.check_caps();
    audit
}

/// What the chain says of a published epoch.
struct Published {
    epoch: u32,
    root: B256,
    total: Amount,
    document: B256,
    /// What the events before left free.
    free: Amount,
    /// All that was free at some time since the publication before.
    frees: BTreeSet<Amount>,
}

impl Audit {
    /// One published epoch, its document held against it.
    fn epoch(&mut self, job: JobId, published: &Published, document: Option<&Vec<u8>>) -> AuditedEpoch {
        let &Published {
            epoch,
            root,
            total,
            document: hash,
            free,
            ref frees,
        } = published;
        let mut audited = AuditedEpoch {
            epoch,
            in_force: false,
            total,
            free: None,
            shares: Vec::new(),
        };
        if total > free {
            self.differ(format!("epoch {epoch} caps {total}, and only {free} were free"));
        }
        let Some(document) = document else {
            self.differ(format!("the document {hash} of epoch {epoch} is not here"));
            return audited;
        };
        let Ok(allocation) = canonical::decode::<Allocation>("allocation", document) else {
            self.differ(format!("the document of epoch {epoch} does not read"));
            return audited;
        };
        if (allocation.job, allocation.epoch) != (job, epoch) {
            self.differ(format!(
                "the document of epoch {epoch} is that of epoch {} of job {}",
                allocation.epoch,
                allocation.job.short()
            ));
        }
        if !is_as_divided(&allocation) {
            self.differ(format!(
                "the caps of epoch {epoch} do not follow from what its document says"
            ));
        }
        if !frees.contains(&allocation.free) {
            self.differ(format!(
                "the document of epoch {epoch} divides {}, and {free} were free",
                allocation.free
            ));
        }
        match allocation.caps() {
            Ok(caps) if caps.total() != total => self.differ(format!(
                "the document of epoch {epoch} caps {}, the chain says {total}",
                caps.total()
            )),
            Ok(caps) if caps.root() != root => self.differ(format!(
                "the caps in the document of epoch {epoch} are not those on the chain"
            )),
            Ok(_) => {}
            Err(error) => self.differ(format!("the document of epoch {epoch} cannot be used: {error}")),
        }
        audited.free = Some(allocation.free);
        audited.shares = allocation.shares;
        audited
    }

    /// Nobody was paid more than its caps in force together, as far as their documents are here.
    fn check_caps(&mut self) {
        let in_force = || self.epochs.iter().filter(|epoch| epoch.in_force);
        if in_force().any(|epoch| epoch.free.is_none()) {
            return;
        }
        let mut caps: BTreeMap<Address, Amount> = BTreeMap::new();
        for share in in_force().flat_map(|epoch| &epoch.shares) {
            let sum = caps.entry(share.provider).or_default();
            *sum = plus(*sum, share.cap);
        }
        for (provider, paid) in self.paid.clone() {
            let cap = caps.get(&provider).copied().unwrap_or_default();
            if paid > cap {
                self.differ(format!("{provider} was paid {paid} with caps of {cap} in all"));
            }
        }
    }

    fn pay(&mut self, provider: Address, amount: Amount) {
        if amount > Amount::ZERO {
            let paid = self.paid.entry(provider).or_default();
            *paid = plus(*paid, amount);
        }
    }

    fn differ(&mut self, difference: String) {
        self.differences.push(difference);
    }
}

/// What the events so far add up to.
#[derive(Default)]
struct Sums {
    locked: Amount,
    paid: Amount,
    settled: Amount,
    refunded: Amount,
    held: BTreeMap<Address, Amount>,
}

impl Sums {
    fn add(&mut self, event: &JobEventKind, audit: &mut Audit) {
        match *event {
            JobEventKind::Opened { budget: amount } | JobEventKind::ToppedUp { amount } => {
                self.locked = plus(self.locked, amount);
            }
            JobEventKind::Redeemed { provider, amount, paid } | JobEventKind::ClaimPaid { provider, amount, paid } => {
                self.paid = plus(self.paid, amount);
                audit.pay(provider, amount);
                // A voucher is paid out of what a claim holds back first.
                let held = self.held.entry(provider).or_default();
                *held = held.checked_minus(amount).unwrap_or_default();
                let known = audit.paid.get(&provider).copied().unwrap_or_default();
                if known > paid {
                    audit.differ(format!("{provider} was paid {known}, and an event says {paid} in all"));
                }
            }
            JobEventKind::Settled { amount } => {
                self.paid = plus(self.paid, amount);
                self.settled = plus(self.settled, amount);
            }
            JobEventKind::Refunded { amount } => self.refunded = plus(self.refunded, amount),
            JobEventKind::Claimed { provider, amount, .. } => {
                self.held.insert(provider, amount);
            }
            JobEventKind::Released { provider, .. } => {
                self.held.remove(&provider);
            }
            _ => {}
        }
    }

    fn free(&self) -> Amount {
        let held = self.held.values().copied();
        let gone: Amount = held.chain([self.paid, self.refunded]).sum();
        self.locked.checked_minus(gone).unwrap_or_default()
    }
}

fn plus(left: Amount, right: Amount) -> Amount {
    [left, right].into_iter().sum()
}

#[cfg(test)]
mod tests;
