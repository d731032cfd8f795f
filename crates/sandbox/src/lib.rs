//! Runs one untrusted process under limits; has never heard of rendering.
//!
//! | module | holds |
//! |---|---|
//! | [`spec`] | what to run, what it may see, what it may use |
//! | [`detect`] | whether bubblewrap works on this machine, and the command that mends it |
//! | [`child`] | the running process: pipes, CPU time, memory, kill, wait |
//! | [`usage`] | CPU time and memory of a process tree, read from `/proc` |
//! | [`claim`] | taking a file out of a folder the process could write |
//!
//! ```no_run
//! # async fn example() -> Result<(), rayswarm_sandbox::SandboxError> {
//! use rayswarm_sandbox::{Bind, Sandbox, SandboxSpec};
//! let sandbox = Sandbox::detect()?;
//! let mut spec = SandboxSpec::new("/usr/bin/wc");
//! spec.args = vec!["/scene/text".into()];
//! spec.binds.push(Bind::read_only("scene.txt", "/scene/text"));
//! let mut child = sandbox.spawn(spec).await?;
//! let ended = child.wait().await;
//! # Ok(()) }
//! ```
//!
//! The walls are bubblewrap's: own PID, network, IPC, UTS and cgroup namespaces, a root made of read-only system folders
//! and the binds of the job, a cleared environment, no capabilities, no new privileges. Run by root, the process becomes a
//! user that exists for this one sandbox; run by anyone else, it lives in a user namespace of its own. Limits are
//! resource limits set inside the walls, so a process count is per sandbox, plus a watch from outside for what resource
//! limits cannot express: lifetime, resident memory of all processes together, disk.
//!
//! Nothing survives: a sandbox dies when its handle is dropped, and with the program that started it, `kill -9` included.
//!
//! Deliberately missing: a way to run without the walls. Where bubblewrap cannot run, [`Sandbox::detect`] says why and
//! how to mend it, and no stranger's process is started. Also missing: a system call filter (the kernel's own surface is
//! narrowed by namespaces and by having no capabilities, not by seccomp) and cgroup limits (delegation of cgroups to an
//! ordinary user differs between distributions; the outside watch does the same work a little later).

pub mod child;
pub mod claim;
mod command;
pub mod detect;
mod error;
pub mod spec;
pub mod usage;
mod watch;

pub use child::{Ended, SandboxedChild, StopReason};
pub use claim::claim_file;
pub use detect::Sandbox;
pub use error::SandboxError;
pub use spec::{Bind, Limits, SandboxSpec};
pub use usage::{CpuMeter, Usage};
