//! What the parent asks of an actor's process, and what it hears.

use rayswarm_model::{Address, Amount, B256, Caps, JobId, allocation::Cap, signed::SignedVoucher};
use rayswarm_settlement::{Contracts, Epochs, JobTerms, Payments};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a child process is; its parent tells it in an environment variable.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Part {
    /// One account of the network.
    Actor {
        /// Keystore and journal.
        folder: PathBuf,
        rpc_url: String,
        contracts: Contracts,
        /// Transactions are written down in memory only: the fault that these tests must see.
        forgetful: bool,
    },
    /// The embedded chain.
    Chain {
        folder: PathBuf,
        /// 0 at first; afterwards the same one again.
        port: u16,
    },
}

/// One step of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    Open {
        terms: JobTerms,
        salt: B256,
    },
    Allocate {
        job: JobId,
        caps: Lines,
        document: B256,
    },
    /// Until so much was deposited.
    TopUpTo {
        job: JobId,
        deposited: Amount,
    },
    Redeem {
        job: JobId,
        vouchers: Vec<SignedVoucher>,
        published: Vec<Lines>,
    },
    Settle {
        job: JobId,
        payments: Payments,
        published: Vec<Lines>,
    },
    Close {
        job: JobId,
        vouchers: Vec<SignedVoucher>,
        published: Vec<Lines>,
    },
    Cancel {
        job: JobId,
    },
    /// Writes down what a settlement at one stroke paid to the account.
    Record {
        job: JobId,
    },
    Claim {
        job: JobId,
        cumulative: Amount,
        published: Vec<Lines>,
    },
    PayClaim {
        job: JobId,
        provider: Address,
    },
    Refund {
        job: JobId,
    },
    Tend,
    /// Something else, ahead of which what was written down must be sent.
    Nudge,
    /// The process kills itself when it next touches its outbox for this many times.
    Fuse {
        touches: u32,
        when: Moment,
    },
}

impl Order {
    /// The job of a step that is taken under the caps in force, and all that were published.
    pub fn published(&self) -> Option<(JobId, &[Lines])> {
        match self {
            Self::Redeem { job, published, .. }
            | Self::Settle { job, published, .. }
            | Self::Close { job, published, .. }
            | Self::Claim { job, published, .. } => Some((*job, published)),
            _ => None,
        }
    }

    /// For the diary.
    pub fn word(&self) -> String {
        let vouchers = |all: &[SignedVoucher]| -> Vec<String> {
            let short = |signed: &SignedVoucher| {
                format!(
                    "{}:{}",
                    &signed.message.provider.to_string()[..6],
                    signed.message.cumulative.0
                )
            };
            all.iter().map(short).collect()
        };
        match self {
            Self::Open { terms, .. } => format!("open, {} base units", terms.budget.0),
            Self::Allocate { caps, .. } => {
                let caps: Vec<u128> = caps.0.iter().map(|line| line.cap.0).collect();
                format!("allocate {caps:?}")
            }
            Self::TopUpTo { deposited, .. } => format!("top up to {}", deposited.0),
            Self::Redeem { vouchers: all, .. } => format!("redeem {:?}", vouchers(all)),
            Self::Settle { payments, .. } => {
                format!("settle {:?}", payments.values().map(|it| it.0).collect::<Vec<_>>())
            }
            Self::Close { vouchers: all, .. } => format!("close with {:?}", vouchers(all)),
            Self::Cancel { .. } => "cancel".into(),
            Self::Record { .. } => "record".into(),
            Self::Claim { cumulative, .. } => format!("claim {}", cumulative.0),
            Self::PayClaim { provider, .. } => format!("pay the claim of {}", &provider.to_string()[..6]),
            Self::Refund { .. } => "refund".into(),
            Self::Tend => "tend".into(),
            Self::Nudge => "send something else".into(),
            Self::Fuse { touches, when } => format!("die {when:?} touch {touches} of the outbox"),
        }
    }
}

/// Before the outbox has done what it was told, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    Before,
    After,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// With what was sent for it.
    Done(Vec<B256>),
    /// There was nothing to do it with.
    Idle,
    /// Only time is missing.
    Early,
    /// The client says: call again.
    Again(String),
    /// A contract said no.
    Refused(String),
    /// What must not happen.
    Fault(String),
}

impl Answer {
    /// For the diary.
    pub fn word(&self) -> String {
        match self {
            Self::Done(sent) => format!("done with {} transactions", sent.len()),
            other => format!("{other:?}"),
        }
    }
}

/// Caps as they travel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines(pub Vec<Cap>);

impl Lines {
    pub fn caps(&self) -> Caps {
        Caps::new(self.0.clone()).unwrap()
    }
}

/// Of the caps that were published, those in force.
pub fn in_force(published: &[Lines], epochs: &Epochs) -> Option<Caps> {
    published.iter().map(Lines::caps).find(|caps| epochs.in_force(caps))
}
