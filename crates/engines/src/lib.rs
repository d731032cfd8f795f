//! One file per renderer: find or install a version, talk to a warm session, read results.
//!
//! | module | holds |
//! |---|---|
//! | [`engine`] | the [`Engine`] and [`Session`] traits: all that the rest of Rayswarm knows of a renderer |
//! | [`process`] | a sandboxed child that speaks lines, shared by the adapters |
//! | [`store`] | which versions are on this machine; installing and removing them |

pub mod engine;
mod error;
pub mod process;
pub mod store;

pub use engine::{Engine, FinishRequest, InspectRequest, RawResult, RenderRequest, Session, SessionRequest};
pub use error::EngineError;
pub use store::EngineStore;
