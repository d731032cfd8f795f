//! Results and policy in, a verdict with evidence out.
//!
//! | module | does |
//! |---|---|
//! | [`policy`] | how often and how closely results are looked at; never not at all |
//! | [`mod@draw`] | whether a committed result is audited, and which crop of it; recomputable from a secret seed |
//! | [`mod@judge`] | commitment, delivered picture and audited crop → [`Verdict`] |
//! | [`chance`] | how likely an edit is caught, for `explain` |
//! | [`claim`] | a provider's claim before a juror |
//!
//! The order is: the provider signs its pixel commitment; *then* [`draw()`] decides with a seed nobody else knows; another
//! provider that has the scene warm renders the crop; [`judge()`] compares. The seed's own commitment is published with the
//! job and the seed with the verdicts, so anyone can recompute that draws were honest.
//!
//! A mismatch costs the provider the task and nothing more: one auditor's word never slashes. An edit smaller than a crop
//! is caught only by luck ([`chance`] says how much of it).
//!
//! Deliberately missing: entropy (the seed is an argument), rendering the crop, choosing the auditor, reputation, and
//! statistical comparison of different GPUs.

pub mod chance;
pub mod claim;
pub mod draw;
pub mod judge;
pub mod policy;

pub use chance::{Cheat, chance_caught};
pub use draw::{AuditSeed, Draw, DrawReason, Subject, draw};
pub use judge::{
    Audit, AuditEvidence, Case, ComparisonKind, Evidence, Outcome, Reason, Verdict, channel_difference, judge,
};
pub use policy::{AuditPolicy, AuditSettings, PolicyError};
