//! From scene facts and settings to a task graph and a quote. Pure.
//!
//! | module | does |
//! |---|---|
//! | [`cost`] | what a picture costs and where: a map fitted to a few cheap probe renders |
//! | [`grid`] | cuts pictures into tiles, samples into slices, work into exact shares |
//! | [`mod@plan`] | frame × tile × slice tasks of a sensible size, or a sentence that says why not |
//! | [`mod@quote`] | price and time with error bars, and whether a budget and a deadline can hold |
//!
//! Deliberately missing: sockets, files, clocks, entropy. Floats stay inside the cost map; whatever leaves it is an
//! integer, since plans are hashed into contracts.

pub mod cost;
pub mod grid;
pub mod plan;
pub mod quote;

pub use cost::{CostError, CostMap, Probe, ProbeSample};
pub use plan::{ExpectedProviders, PlanError, PlanRequest, SliceChoice, TileChoice, plan};
pub use quote::{AuditRate, Quote, QuoteError, QuoteRequest, quote, quote_within};
