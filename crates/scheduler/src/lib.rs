//! Farm state and an event in, effects with reasons out. Pure.
//!
//! One [`Farm`] is the state of one job. The node journals every [`Event`] with its time, calls [`step()`], performs the
//! [`Effect`]s and feeds their outcomes back as events. The same events give the same farm and the same effects, so
//! replaying the journal rebuilds everything.
//!
//! | module | holds |
//! |---|---|
//! | [`event`], [`effect`], [`reason`] | what comes in, what goes out, and why |
//! | [`farm`], [`view`] | the state: tasks, attempts, leases, providers; and what faces read of it |
//! | [`policy`] | every number a decision depends on |
//! | [`caps`] | how a job's budget is divided among its providers |
//! | [`admit`](mod@admit) | whether an offer suits a job at all |
//! | [`objective`] | the objectives and bounds a schedule is measured against |
//! | `step` | one event, one step |
//! | `membership` | providers in and out, resting and excluded |
//! | `lifecycle`, `lease`, `ending` | the way of an attempt, of a lease, and the end of a job |
//! | `grant`, `pool`, `tail`, `estimate` | who gets what: factoring on pull, stealing, replication |
//! | `audit` | who checks whom, and what a verdict leads to |
//! | `rate` | learned speeds; integers, so that a replay agrees to the last bit |
//! | `resume` | what a restarted requestor is asked again |
//!
//! ```
//! use rayswarm_scheduler::{Event, Farm, Policy, step};
//! # use rayswarm_model::*;
//! # fn run(plan: &Plan) -> Result<(), rayswarm_scheduler::FarmError> {
//! let mut farm = Farm::new(plan, Policy::default())?;
//! for effect in step(&mut farm, Event::Tick, UnixMillis(0)) {
//!     println!("{effect}"); // for example: "lease l0 to 3f2a… (t0, t1): next in order"
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Deliberately missing: sockets, files, clocks, entropy. Which crop is audited is drawn by the node, since the draw must
//! be secret until the provider has committed. Several jobs are several farms; a provider arbitrates among them by what
//! it pulls.

pub mod admit;
mod attempt;
mod audit;
pub mod caps;
pub mod effect;
mod ending;
mod estimate;
pub mod event;
pub mod farm;
mod grant;
mod lease;
mod lifecycle;
mod membership;
mod node;
pub mod objective;
pub mod policy;
mod pool;
mod rate;
pub mod reason;
mod resume;
mod step;
mod tail;
pub mod view;

pub use admit::{Needs, Refusal, admit};
pub use attempt::{Attempt, AttemptState, Purpose};
pub use effect::{Effect, Grant};
pub use event::{AuditVerdict, Departure, Event, ProviderInfo, ReceiptSummary, Role};
pub use farm::{Farm, FarmError, Phase};
pub use node::NodeState;
pub use policy::Policy;
pub use reason::{AuditOutcome, Reason};
pub use step::step;
pub use view::{NodeSummary, TaskSummary};
