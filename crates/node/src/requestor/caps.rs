//! The caps of a job: what its providers can be paid at most, chosen, kept, and published as an epoch on the chain.
//!
//! The document of each choice is a file in the job's folder before the chain hears of it, so that a crash forgets none that
//! may be in force.

use super::refusal::chain;
use crate::services::Services;
use rayswarm_model::{
    Address, Allocation, Amount, Caps, FailureKind, JobId, UnixMillis,
    allocation::CapsError,
    canonical::{self, CanonicalError},
    keccak256,
};
use rayswarm_scheduler::caps::{Need, divide};
use rayswarm_settlement::{Epochs, Job, Mined, Settlement, SettlementError};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Part of a cap that may be earned or in hand before the next epoch is published.
const USED_PERMILLE_MAX: u128 = 750;
/// Where the documents are in a job's folder.
const FOLDER: &str = "allocations";

/// A step of a job's money did not happen.
#[derive(Debug, thiserror::Error)]
pub enum MoneyError {
    /// The chain.
    #[error(transparent)]
    Settlement(#[from] SettlementError),
    /// The document of a choice cannot be written down; without it nobody could be paid.
    #[error("the caps cannot be written to {}; free space", path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The caps are none that a contract would take.
    #[error(transparent)]
    Caps(#[from] CapsError),
    /// The document cannot be encoded.
    #[error(transparent)]
    Encoding(#[from] CanonicalError),
}

impl MoneyError {
    /// Whether the same call may succeed later.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Settlement(error) => error.kind(),
            Self::Disk { .. } => FailureKind::Transient,
            Self::Caps(_) | Self::Encoding(_) => FailureKind::Permanent,
        }
    }
}

/// A choice, with the document that providers get.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The number of their epoch.
    pub epoch: u32,
    /// The caps.
    pub caps: Caps,
    /// The canonical encoding of the [`Allocation`].
    pub document: Vec<u8>,
}

/// What became of a choice.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The transaction; `None` when the same caps were there already.
    pub transaction: Option<Mined>,
    /// When they are in force; `None` when they are.
    pub force_at: Option<UnixMillis>,
}

/// Divides what the escrow has free among `needs`, whose `owed` is all that was earned so far, and keeps the document.
pub async fn choose(
    settlement: &Settlement,
    folder: &Path,
    job: JobId,
    needs: Vec<Need>,
) -> Result<Chosen, MoneyError> {
    let escrow = settlement.job(job).await?;
    let epochs = settlement.epochs(job).await?;
    let needs = outstanding(settlement, job, &escrow, needs).await?;
    let allocation = divide(job, epochs.epoch + 1, escrow.free(), &needs);
    let chosen = Chosen {
        epoch: allocation.epoch,
        caps: allocation.caps()?,
        document: canonical::encode("allocation", &allocation)?,
    };
    keep(folder, &chosen)?;
    Ok(chosen)
}

/// Makes a choice known to the chain. Repeating it changes nothing.
pub async fn publish(settlement: &Settlement, job: JobId, chosen: &Chosen) -> Result<Published, MoneyError> {
    let allocated = settlement
        .allocate(job, &chosen.caps, keccak256(&chosen.document))
        .await?;
    Ok(Published {
        transaction: allocated.transaction,
        force_at: allocated.force_at,
    })
}

/// The caps of this job that a transaction sent now would find in force, if there are any: a chain that stands still shows a
/// notice that is over as if it still ran. An epoch that is due lapses where it does not fit into what is `free`.
pub fn in_force(folder: &Path, epochs: &Epochs, free: Amount, now: UnixMillis) -> Option<Caps> {
    let due = |caps: &Caps| epochs.waits(caps).is_some_and(|force_at| force_at <= now) && caps.total() <= free;
    kept(folder)
        .into_iter()
        .map(|chosen| chosen.caps)
        .filter(|caps| due(caps) || epochs.in_force(caps))
        .max_by_key(due)
}

/// The caps that wait for their notice and will take force after `now`, as far as what is `free` stays, and when.
pub fn pending(folder: &Path, epochs: &Epochs, free: Amount, now: UnixMillis) -> Option<(Caps, UnixMillis)> {
    let waiting = |chosen: Chosen| Some((epochs.waits(&chosen.caps)?, chosen.caps));
    let mut waiting = kept(folder).into_iter().filter_map(waiting);
    let (force_at, caps) = waiting.find(|(force_at, caps)| *force_at > now && caps.total() <= free)?;
    Some((caps, force_at))
}

/// The newest choice that the chain knows: what is kept may never have been published.
pub async fn recall(settlement: &Settlement, folder: &Path, job: JobId) -> Result<Option<Chosen>, SettlementError> {
    let kept = kept(folder);
    if kept.is_empty() {
        return Ok(None);
    }
    Ok(newest_known(kept, &settlement.epochs(job).await?))
}

fn newest_known(kept: Vec<Chosen>, epochs: &Epochs) -> Option<Chosen> {
    let waits = |chosen: &Chosen| epochs.waits(&chosen.caps).is_some();
    kept.into_iter()
        .filter(|chosen| waits(chosen) || epochs.in_force(&chosen.caps))
        .max_by_key(waits)
}

/// Every choice of this job that was kept. Files that do not read are passed over.
pub fn kept(folder: &Path) -> Vec<Chosen> {
    let files = fs::read_dir(folder.join(FOLDER)).into_iter().flatten().flatten();
    let read = |file: fs::DirEntry| {
        let document = fs::read(file.path()).ok()?;
        let allocation: Allocation = canonical::decode("allocation", &document).ok()?;
        match allocation.caps() {
            Ok(caps) => Some(Chosen {
                epoch: allocation.epoch,
                caps,
                document,
            }),
            Err(error) => {
                tracing::warn!(file = %file.path().display(), error = %chain(&error), "caps cannot be used");
                None
            }
        }
    };
    files.filter_map(read).collect()
}

/// Whether these caps are short for somebody, and a new division of `free` would help.
pub fn are_short(caps: &Caps, free: Amount, needs: &[Need]) -> bool {
    let better = divide(JobId::from_bytes([0; 32]), 0, free, needs);
    let short = needs.iter().filter(|need| {
        let cap = caps.of(need.provider).0;
        let used = need.owed.0.saturating_add(need.in_flight.0);
        let works_without = cap == 0 && need.rate_milli_wu > 0;
        works_without || used.saturating_mul(1_000) > cap.saturating_mul(USED_PERMILLE_MAX)
    });
    let mut short = short.peekable();
    let gains = |provider: Address| {
        let share = better.shares.iter().find(|share| share.provider == provider);
        share.is_some_and(|share| share.cap > caps.of(provider))
    };
    short.any(|need| gains(need.provider))
}

/// Whether what somebody has earned and in hand beyond its cap is more than half of the credit it gives.
pub fn credit_is_near(caps: &Caps, needs: &[Need], credit_of: impl Fn(Address) -> Amount) -> bool {
    needs.iter().any(|need| {
        let used: Amount = [need.owed, need.in_flight].into_iter().sum();
        let beyond = used.checked_minus(caps.of(need.provider)).unwrap_or_default();
        beyond.0 > credit_of(need.provider).0 / 2
    })
}

/// A voucher counts from the job's beginning, a cap from its epoch's: what is paid or claimed already needs no cap.
async fn outstanding(
    settlement: &Settlement,
    job: JobId,
    escrow: &Job,
    mut needs: Vec<Need>,
) -> Result<Vec<Need>, SettlementError> {
    if escrow.free() == escrow.deposited {
        return Ok(needs);
    }
    for need in &mut needs {
        let paid = settlement.paid_to(job, need.provider).await?;
        let claimed = settlement.claim_of(job, need.provider).await?;
        let claimed = claimed.map_or(Amount::ZERO, |claim| claim.amount);
        let had = [paid, claimed].into_iter().sum();
        need.owed = need.owed.checked_minus(had).unwrap_or_default();
    }
    Ok(needs)
}

fn keep(folder: &Path, chosen: &Chosen) -> Result<(), MoneyError> {
    let folder = folder.join(FOLDER);
    // By the hash that the chain carries: the same caps may have been chosen for other reasons before.
    let hash = keccak256(&chosen.document);
    let path = folder.join(format!("{hash}.bin"));
    let draft = folder.join(format!("{hash}.new"));
    let written = fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&draft, &chosen.document))
        .and_then(|()| fs::File::open(&draft)?.sync_all())
        .and_then(|()| fs::rename(&draft, &path))
        .and_then(|()| fs::File::open(&folder)?.sync_all());
    written.map_err(|source| MoneyError::Disk { path, source })
}

/// Folder of a job's documents.
pub fn folder(services: &Services, job: JobId) -> PathBuf {
    services.folder("jobs").join(job.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::B256;
    use rayswarm_settlement::PendingEpoch;

    fn need(byte: u8, owed: u128, in_flight: u128, rate: u64) -> Need {
        Need {
            provider: Address::repeat_byte(byte),
            owed: Amount(owed),
            in_flight: Amount(in_flight),
            headroom: Amount(1_000),
            rate_milli_wu: rate,
        }
    }

    fn caps(free: u128, needs: &[Need]) -> Caps {
        divide(JobId::from_bytes([1; 32]), 1, Amount(free), needs)
            .caps()
            .unwrap()
    }

    #[test]
    fn caps_are_short_when_somebody_works_without_or_nears_its_own() {
        let free = Amount(100);
        let one = [need(1, 0, 0, 1)];
        assert!(are_short(&Caps::default(), free, &one), "the first epoch");
        let alone = caps(100, &one);
        assert!(!are_short(&alone, free, &one));
        assert!(!are_short(&alone, free, &[need(1, 90, 10, 1)]), "it has all there is");
        let both = [need(1, 0, 0, 1), need(2, 0, 0, 1)];
        assert!(are_short(&alone, free, &both), "another has joined");
        let halves = caps(100, &both);
        assert!(!are_short(&halves, free, &[need(1, 30, 7, 1), need(2, 0, 0, 1)]));
        assert!(are_short(&halves, free, &[need(1, 30, 8, 1), need(2, 0, 0, 1)]));
        assert!(
            !are_short(&halves, free, &[need(1, 40, 10, 1), need(2, 40, 10, 1)]),
            "no more is there"
        );
    }

    #[test]
    fn caps_are_not_short_for_who_has_shown_nothing_and_has_nothing_in_hand() {
        let newcomer = |in_flight, rate| Need {
            headroom: Amount::ZERO,
            ..need(1, 0, in_flight, rate)
        };
        let free = Amount(100);
        assert!(!are_short(&Caps::default(), free, &[newcomer(0, 1)]));
        assert!(
            are_short(&Caps::default(), free, &[newcomer(20, 0)]),
            "it works without"
        );
        let caps = caps(100, &[newcomer(20, 0)]);
        assert_eq!(caps.total(), Amount(20));
        assert!(!are_short(&caps, free, &[newcomer(20, 0)]), "no more is meant for it");
        assert!(are_short(&caps, free, &[newcomer(30, 0)]));
    }

    #[test]
    fn credit_is_neared_where_half_of_it_lies_beyond_the_cap() {
        let credit = |_: Address| Amount(100);
        for (owed, in_flight, cap, expected) in [(20, 30, 0, false), (20, 31, 0, true), (20, 31, 10, false)] {
            let capped = caps(cap, &[need(1, 0, 0, 1)]);
            let near = credit_is_near(&capped, &[need(1, owed, in_flight, 1)], credit);
            assert_eq!(near, expected, "{owed} {in_flight} {cap}");
        }
    }

    fn chosen(allocation: &Allocation) -> Chosen {
        Chosen {
            epoch: allocation.epoch,
            caps: allocation.caps().unwrap(),
            document: canonical::encode("allocation", allocation).unwrap(),
        }
    }

    #[test]
    fn what_was_never_published_is_not_recalled() {
        let job = JobId::from_bytes([1; 32]);
        let choice = |epoch, byte| chosen(&divide(job, epoch, Amount(100), &[need(byte, 0, 0, 1)]));
        let kept = vec![choice(1, 1), choice(2, 2), choice(3, 3)];
        let seal = |index: usize| kept[index].caps.seal();
        let pending = |index| PendingEpoch {
            caps: seal(index),
            total: Amount(100),
            force_at: UnixMillis(7_000),
        };
        for (in_force, pending, expected) in [
            (B256::ZERO, None, None),
            (seal(0), None, Some(1)),
            (seal(0), Some(pending(1)), Some(2)),
            (seal(1), None, Some(2)),
        ] {
            let epochs = Epochs {
                caps: in_force,
                pending,
                ..Epochs::default()
            };
            let newest = newest_known(kept.clone(), &epochs);
            assert_eq!(newest.map(|chosen| chosen.epoch), expected, "{epochs:?}");
        }
    }

    #[test]
    fn kept_choices_are_found_again_and_broken_files_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert!(kept(folder.path()).is_empty());
        let allocation = divide(JobId::from_bytes([1; 32]), 1, Amount(100), &[need(1, 0, 0, 1)]);
        let chosen = chosen(&allocation);
        keep(folder.path(), &chosen).unwrap();
        fs::write(folder.path().join(FOLDER).join("broken.bin"), [1, 2, 3]).unwrap();
        let found = kept(folder.path());
        assert_eq!((found.len(), &found[0].caps), (1, &chosen.caps));
        let epochs = |caps| Epochs {
            caps,
            ..Epochs::default()
        };
        let (free, now) = (Amount(100), UnixMillis(7_000));
        let seal = chosen.caps.seal();
        assert_eq!(
            in_force(folder.path(), &epochs(seal), Amount::ZERO, now),
            Some(chosen.caps.clone())
        );
        assert_eq!(in_force(folder.path(), &epochs(B256::ZERO), free, now), None);
        for (force_at, free, expected, waits) in [
            (7_000, 100, true, false),
            (7_000, 99, false, false),
            (7_001, 100, false, true),
            (7_001, 99, false, false),
        ] {
            let (free, force_at) = (Amount(free), UnixMillis(force_at));
            let epochs = Epochs {
                pending: Some(PendingEpoch {
                    caps: seal,
                    total: Amount(100),
                    force_at,
                }),
                ..Epochs::default()
            };
            let expected = expected.then(|| chosen.caps.clone());
            assert_eq!(
                in_force(folder.path(), &epochs, free, now),
                expected,
                "{force_at:?} {free}"
            );
            let waiting = waits.then(|| (chosen.caps.clone(), force_at));
            assert_eq!(
                pending(folder.path(), &epochs, free, now),
                waiting,
                "{force_at:?} {free}"
            );
        }
    }
}
