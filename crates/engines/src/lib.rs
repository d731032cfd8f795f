//! One file per renderer: find or install a version, talk to a warm session, read results.
//!
//! | module | holds |
//! |---|---|
//! | [`blender`] | Blender with Cycles |
//! | [`choice`] | which of the installed engines opens a scene |
//! | [`commands`] | no renderer: the commands of Open Job Description jobs |
//! | [`engine`] | the [`Engine`] and [`Session`] traits: all that the rest of Rayswarm knows of a renderer |
//! | [`doctor`] | what this machine lacks, and the command that mends it |
//! | [`film`] | finished frames become a film |
//! | [`onnx`] | image models |
//! | [`povray`] | POV-Ray 3.7 |
//! | [`conversation`] | requests and answers of session processes that stay |
//! | [`display`] | merged pixels become a finished file, where the sRGB curve is all they need |
//! | [`layout`] | where a scene's files appear inside a session |
//! | [`probe`] | the published probe scene of each engine |
//! | [`process`] | a sandboxed child that speaks lines, shared by the adapters |
//! | [`store`] | which versions are on this machine; installing and removing them |

pub mod blender;
pub mod choice;
pub mod commands;
mod conversation;
mod display;
pub mod doctor;
pub mod engine;
mod error;
pub mod film;
pub mod layout;
pub mod onnx;
pub mod povray;
pub mod probe;
pub mod process;
pub mod store;
mod work_folder;

pub use blender::Blender;
pub use engine::{
    Engine, FinishRequest, InspectRequest, ProgressSink, RawResult, RenderRequest, SceneFile, Session, SessionLimits,
    SessionPurpose, SessionRequest,
};
pub use error::EngineError;
pub use onnx::Onnx;
pub use povray::PovRay;
pub use probe::ProbeScene;
pub use rayswarm_sandbox::{Sandbox, SandboxError};
pub use store::Store;
