//! What to run, what it may see, and what it may use.

use std::{ffi::OsString, path::PathBuf, time::Duration};

/// One untrusted process. Everything not named here is out of its reach.
#[derive(Clone, Debug)]
pub struct SandboxSpec {
    /// The program, as a path inside the sandbox (`/usr` is there, read-only).
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment; nothing is inherited. `HOME`, `TMPDIR` and `PATH` have harmless defaults.
    pub env: Vec<(String, OsString)>,
    /// Files and folders of this machine that appear inside.
    pub binds: Vec<Bind>,
    /// Device nodes, or folders of them, that it may use beside `/dev/null` and its kind. Those that are not there are
    /// left out.
    pub devices: Vec<PathBuf>,
    /// What it may use.
    pub limits: Limits,
    /// Its working directory inside; must exist there. `/tmp` by default.
    pub work_dir: PathBuf,
}

/// A file or folder of this machine that appears inside a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bind {
    /// On this machine.
    pub host: PathBuf,
    /// Absolute path inside. Folders above it are made.
    pub inside: PathBuf,
    /// Whether the process may write there. Run by root, the folder and what is in it is given to the sandbox's user.
    pub writable: bool,
}

/// What one sandbox may use. `None` means that only the machine limits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of address space of each process. Programs reserve far more than they touch.
    pub address_space: Option<u64>,
    /// Bytes of resident memory of all processes together, watched from outside.
    pub resident: Option<u64>,
    /// CPU time of each process.
    pub cpu: Option<Duration>,
    /// Bytes of each file written.
    pub file_size: u64,
    /// Bytes in all writable binds together, watched from outside.
    pub disk: u64,
    /// Bytes in `/tmp` and as many in `/dev/shm`; both live in memory.
    pub temporary: u64,
    /// Open files of each process.
    pub open_files: u64,
    /// Processes and threads in all.
    pub processes: u64,
    /// Scheduling priority: 0 is ordinary, 19 yields to everything.
    pub nice: i32,
    /// Wall-clock time until the sandbox is ended.
    pub lifetime: Option<Duration>,
}

impl SandboxSpec {
    /// `program` with nothing but the defaults.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            binds: Vec::new(),
            devices: Vec::new(),
            limits: Limits::default(),
            work_dir: PathBuf::from("/tmp"),
        }
    }
}

impl Bind {
    /// `host` appears as `inside` and cannot be changed there.
    pub fn read_only(host: impl Into<PathBuf>, inside: impl Into<PathBuf>) -> Self {
        Self {
            host: host.into(),
            inside: inside.into(),
            writable: false,
        }
    }

    /// `host` appears as `inside` and may be written.
    pub fn writable(host: impl Into<PathBuf>, inside: impl Into<PathBuf>) -> Self {
        Self {
            host: host.into(),
            inside: inside.into(),
            writable: true,
        }
    }
}

impl Default for Limits {
    /// Enough for a small tool, too little to hurt: 4 GiB of address space, 1 GiB of output, 256 processes.
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            address_space: Some(4 * GIB),
            resident: None,
            cpu: None,
            file_size: GIB,
            disk: 4 * GIB,
            temporary: 256 << 20,
            open_files: 1024,
            processes: 256,
            nice: 0,
            lifetime: None,
        }
    }
}
