//! Evidence of a fraud as files that outlive the job: the delivered picture, the provider's signed receipt for it, and
//! what speaks against them.
//!
//! ```text
//! jobs/<ID>/evidence/<ATTEMPT>/delivered.exr, receipt.json      what came, and what was signed for it
//!                              audit-<N>.exr, audit-<N>.receipt.json, audit-<N>.verdict.json
//!                              reason.txt                       why a delivery was not accepted at all
//! ```
//!
//! Nobody is made to read it: people do, and a dispute could.

use rayswarm_model::{AttemptId, Bytes, signed::SignedReceipt};
use rayswarm_verifier::Verdict;
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Attempts of one job of which evidence is kept. A provider is shut out after one or two, so more are the work of one
/// cheat under many names, and say nothing new.
const CASES_MAX: usize = 64;
/// Bytes of pictures kept as evidence of one job: two 8K results of thirty float channels, or some hundred tiles. Beyond
/// it receipts and verdicts are kept alone; they hold the hashes of the pictures.
const PICTURES_MAX: Bytes = Bytes(8 << 30);

/// The evidence of one job.
#[derive(Clone, Debug)]
pub struct Evidence {
    folder: PathBuf,
    cases_max: usize,
    pictures_max: Bytes,
}

/// A result and the receipt its provider signed for it; the requestor's own audits have none.
#[derive(Clone, Copy, Debug)]
pub struct Exhibit<'a> {
    /// The file.
    pub picture: &'a Path,
    /// What was signed for it.
    pub receipt: Option<&'a SignedReceipt>,
}

/// Evidence could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// There is enough of it.
    #[error("evidence of {0} attempts is kept already; no more of this job is")]
    Full(usize),
    /// The disk does not take it.
    #[error("evidence cannot be written to {path}; check free space and permissions")]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Evidence {
    /// The evidence of the job in this folder.
    pub fn of(job_folder: &Path) -> Self {
        Self {
            folder: job_folder.join("evidence"),
            cases_max: CASES_MAX,
            pictures_max: PICTURES_MAX,
        }
    }

    /// Keeps an audit that found `attempt` wrong: both pictures, both receipts, the verdict. Returns where. Blocking, but
    /// quick: pictures are linked, and copied only where the file system has no links.
    pub fn keep_audit(
        &self,
        attempt: AttemptId,
        delivered: Exhibit<'_>,
        audit: (AttemptId, Exhibit<'_>),
        verdict: &Verdict,
    ) -> Result<PathBuf, EvidenceError> {
        let case = self.open_case(attempt)?;
        let (audit, audited) = audit;
        let named = |suffix: &str| case.join(format!("audit-{}.{suffix}", audit.0));
        self.link(delivered.picture, &case.join("delivered.exr"))?;
        self.link(audited.picture, &named("exr"))?;
        for (path, receipt) in [
            (case.join("receipt.json"), delivered.receipt),
            (named("receipt.json"), audited.receipt),
        ] {
            receipt.map_or(Ok(()), |receipt| document(&path, receipt))?;
        }
        document(&named("verdict.json"), verdict)?;
        Ok(case)
    }

    /// Keeps a delivery that was not accepted, with the receipt it does not match and the reason. The file is moved.
    /// Returns where. Blocking, but quick.
    pub fn keep_delivery(
        &self,
        attempt: AttemptId,
        delivered: Exhibit<'_>,
        reason: &str,
    ) -> Result<PathBuf, EvidenceError> {
        let case = self.open_case(attempt)?;
        let target = case.join("delivered.exr");
        if self.has_room(delivered.picture)? {
            std::fs::rename(delivered.picture, &target).map_err(disk(&target))?;
        }
        if let Some(receipt) = delivered.receipt {
            document(&case.join("receipt.json"), receipt)?;
        }
        let target = case.join("reason.txt");
        std::fs::write(&target, reason).map_err(disk(&target))?;
        Ok(case)
    }

    fn open_case(&self, attempt: AttemptId) -> Result<PathBuf, EvidenceError> {
        let case = self.folder.join(attempt.0.to_string());
        if !case.is_dir() {
            if self.cases()?.len() >= self.cases_max {
                return Err(EvidenceError::Full(self.cases_max));
            }
            std::fs::create_dir_all(&case).map_err(disk(&case))?;
        }
        Ok(case)
    }

    /// A second name for `picture`, unless it has it already or there is no room.
    fn link(&self, picture: &Path, target: &Path) -> Result<(), EvidenceError> {
        if target.exists() || !self.has_room(picture)? {
            return Ok(());
        }
        let linked = std::fs::hard_link(picture, target).or_else(|_| std::fs::copy(picture, target).map(drop));
        linked.map_err(disk(target))
    }

    fn has_room(&self, picture: &Path) -> Result<bool, EvidenceError> {
        let more = length(picture)?;
        let mut kept = 0u64;
        for case in self.cases()? {
            for file in entries(&case)? {
                kept = kept.saturating_add(length(&file)?);
            }
        }
        Ok(kept.saturating_add(more) <= self.pictures_max.0)
    }

    fn cases(&self) -> Result<Vec<PathBuf>, EvidenceError> {
        if self.folder.is_dir() {
            entries(&self.folder)
        } else {
            Ok(Vec::new())
        }
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> EvidenceError {
    let path = path.to_owned();
    move |source| EvidenceError::Disk { path, source }
}

fn length(file: &Path) -> Result<u64, EvidenceError> {
    Ok(std::fs::metadata(file).map_err(disk(file))?.len())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, EvidenceError> {
    let entries = std::fs::read_dir(folder).and_then(|list| list.map(|entry| Ok(entry?.path())).collect());
    entries.map_err(disk(folder))
}

/// Writes a document for people and programs.
fn document(path: &Path, document: &impl Serialize) -> Result<(), EvidenceError> {
    let text = serde_json::to_vec_pretty(document).map_err(io::Error::other);
    text.and_then(|text| std::fs::write(path, text)).map_err(disk(path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_imaging::{Channel, Picture, PixelCommitment, Samples};
    use rayswarm_model::{
        B256, CpuTime, JobId, NodeId, Rect, Resolution, TaskId,
        signed::{AccountKey, Domain, Receipt, Signed},
    };
    use rayswarm_verifier::{Audit, AuditPolicy, Case, ComparisonKind, judge};

    const TILE: Rect = Rect {
        x: 0,
        y: 0,
        width: 2,
        height: 1,
    };

    fn receipt(attempt: u64) -> SignedReceipt {
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        let domain = Domain {
            chain_id: 1,
            escrow: Default::default(),
        };
        let message = Receipt {
            job: JobId::from_bytes([1; 32]),
            task: TaskId(3),
            attempt: AttemptId(attempt),
            provider: key.address(),
            bytes_hash: B256::ZERO,
            pixel_commitment: B256::ZERO,
            cpu: CpuTime { millis: 1 },
        };
        Signed::sign(message, &domain, &key)
    }

    fn rejection() -> Verdict {
        let size = Resolution { width: 2, height: 1 };
        let picture = |value| Picture::new(size, vec![Channel::new("R", Samples::F32(vec![value; 2]))]).unwrap();
        let (delivered, again) = (picture(0.5), picture(0.25));
        let case = Case {
            job: JobId::from_bytes([1; 32]),
            task: TaskId(3),
            attempt: AttemptId(5),
            provider: NodeId::from_bytes([1; 32]),
            committed: PixelCommitment::of(&delivered),
            tile: TILE,
            channels: None,
            delivered: &delivered,
        };
        let audit = Audit {
            auditor: NodeId::from_bytes([2; 32]),
            crop: TILE,
            picture: &again,
            comparison: ComparisonKind::SameClass,
        };
        judge(&AuditPolicy::default(), &case, Some(&audit))
    }

    fn result(folder: &Path, name: &str, bytes: usize) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, vec![9; bytes]).unwrap();
        path
    }

    #[test]
    fn both_sides_of_a_failed_audit_outlive_the_results() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("results");
        std::fs::create_dir(&results).unwrap();
        let (delivered, again) = (result(&results, "5.exr", 30), result(&results, "8.exr", 20));
        let verdict = rejection();
        let keep = || {
            let (of, by) = (receipt(5), receipt(8));
            let side = |picture, receipt| Exhibit {
                picture,
                receipt: Some(receipt),
            };
            let audit = (AttemptId(8), side(&again, &by));
            Evidence::of(folder.path()).keep_audit(AttemptId(5), side(&delivered, &of), audit, &verdict)
        };
        let case = keep().unwrap();
        // After a crash the audit is judged again.
        assert_eq!(keep().unwrap(), case);
        std::fs::remove_dir_all(&results).unwrap();
        assert_eq!(std::fs::read(case.join("delivered.exr")).unwrap().len(), 30);
        assert_eq!(std::fs::read(case.join("audit-8.exr")).unwrap().len(), 20);
        let read = |name: &str| std::fs::read(case.join(name)).unwrap();
        let signed: SignedReceipt = serde_json::from_slice(&read("receipt.json")).unwrap();
        assert_eq!(signed, receipt(5));
        let kept: Verdict = serde_json::from_slice(&read("audit-8.verdict.json")).unwrap();
        assert_eq!(kept, verdict);
    }

    #[test]
    fn evidence_is_bounded_in_count_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let evidence = Evidence {
            cases_max: 3,
            pictures_max: Bytes(5_000),
            ..Evidence::of(folder.path())
        };
        let deliver = |attempt: u64, bytes: usize| {
            let file = result(folder.path(), &format!("{attempt}.part"), bytes);
            let delivered = Exhibit {
                picture: &file,
                receipt: Some(&receipt(attempt)),
            };
            let kept = evidence.keep_delivery(AttemptId(attempt), delivered, "not the committed pixels");
            (kept, file.exists())
        };
        let (first, left) = deliver(1, 4_000);
        assert!(first.unwrap().join("delivered.exr").is_file() && !left);
        // Too large for what is left: the signed words alone.
        let (second, left) = deliver(2, 4_000);
        let second = second.unwrap();
        assert!(!second.join("delivered.exr").exists() && left);
        assert!(second.join("receipt.json").is_file() && second.join("reason.txt").is_file());
        assert!(deliver(3, 10).0.is_ok());
        assert!(matches!(deliver(4, 10).0, Err(EvidenceError::Full(3))));
        assert!(deliver(3, 10).0.is_ok(), "a case that is open stays open");
    }
}
