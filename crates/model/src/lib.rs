//! The nouns of Rayswarm: what a job, a task, a scene, an offer and a payment are, and how each is encoded.
//!
//! | module | holds |
//! |---|---|
//! | [`allocation`] | how a budget is divided into caps, as a tree of sums |
//! | [`ids`] | `JobId`, `TaskId`, `AttemptId`, `LeaseId`, `DisputeId`, `NodeId`, `BlobId` |
//! | [`units`] | bytes, work units, CPU time, wall-clock instants |
//! | [`money`] | integer amounts and prices, checked |
//! | [`frames`] | which frames: `1-48`, `1,5,9-20x2` |
//! | [`picture`] | resolution, rectangles, samples and slices |
//! | [`scene`] | what inspecting a scene file found |
//! | [`settings`] | what the artist asked for |
//! | [`manifest`] | the files of a job, by content |
//! | [`plan`] | the task graph of a job |
//! | [`offer`] | what a provider advertises |
//! | [`signed`] | the documents a contract may judge (EIP-712) |
//! | [`canonical`] | the one byte encoding that is hashed |
//!
//! Deliberately missing: sockets, files, clocks, entropy, and any float in something that is hashed or signed.

pub mod allocation;
pub mod canonical;
pub mod failure;
pub mod frames;
pub mod ids;
pub mod manifest;
pub mod money;
pub mod offer;
pub mod picture;
pub mod plan;
pub mod scene;
pub mod settings;
pub mod signed;
pub mod units;

pub use allocation::{Allocation, Caps};
pub use alloy_primitives::{Address, B256, U256, keccak256};
pub use failure::FailureKind;
pub use frames::Frames;
pub use ids::{AttemptId, BlobId, DisputeId, JobId, LeaseId, NodeId, TaskId};
pub use manifest::Manifest;
pub use money::{Amount, WorkPrice};
pub use offer::{ComparisonClass, Offer};
pub use picture::{Rect, Resolution, Slice};
pub use plan::{Plan, TaskSpec};
pub use scene::SceneFacts;
pub use settings::RenderSettings;
pub use units::{Bytes, CpuTime, UnixMillis, Work};
