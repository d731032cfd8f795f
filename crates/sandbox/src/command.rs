//! From a specification to bubblewrap's command line.
//!
//! Two kinds of walls. Run by root: real namespaces and then a user id of the sandbox's own, because root's processes are
//! not counted by the process limit whatever a user namespace calls them. Run by anyone else: a user namespace.

use crate::{
    detect::metadata,
    error::SandboxError,
    spec::{Bind, SandboxSpec},
};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Component, Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// User ids from here on are nobody's: above every range that distributions and systemd hand out to containers.
const PRIVATE_USER_FIRST: u32 = 0x7000_0000;

/// How many sandboxes of one program may live at a time before a user id is used twice.
const PRIVATE_USERS_PER_PROGRAM: u32 = 64;

/// `nobody` and `nogroup`: what the process sees itself as in a user namespace.
const NOBODY: &str = "65534";

/// Of `/etc` only what programs need to start and to draw letters. Missing ones are left out.
const ETC: [&str; 5] = [
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/glvnd",
];

/// System folders that are links into `/usr` on most machines and folders on others.
const SYSTEM: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// The programs the walls are built with.
#[derive(Clone, Debug)]
pub(crate) struct Walls {
    bwrap: PathBuf,
    prlimit: PathBuf,
    /// Present when each sandbox becomes a user of its own.
    setpriv: Option<PathBuf>,
}

/// Whether every user id this module may pick exists here; in a container with few ids it does not.
pub(crate) fn private_users_possible() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let mut numbers = map.split_whitespace().map(str::parse::<u64>);
    matches!((numbers.next(), numbers.next(), numbers.next()), (Some(Ok(0)), Some(Ok(0)), Some(Ok(count))) if count > 0x7fff_ffff)
}

impl Walls {
    /// Each sandbox is a user of its own; needs root.
    pub(crate) fn private_user(bwrap: PathBuf, prlimit: PathBuf, setpriv: PathBuf) -> Self {
        Self {
            bwrap,
            prlimit,
            setpriv: Some(setpriv),
        }
    }

    /// Each sandbox is a user namespace.
    pub(crate) fn user_namespace(bwrap: PathBuf, prlimit: PathBuf) -> Self {
        Self {
            bwrap,
            prlimit,
            setpriv: None,
        }
    }

    /// bubblewrap's path.
    pub(crate) fn bwrap(&self) -> &Path {
        &self.bwrap
    }

    /// The command that runs `spec`. Gives writable binds to the sandbox's user where it has one.
    pub(crate) fn command(&self, spec: &SandboxSpec) -> Result<Command, SandboxError> {
        let user = self.setpriv.as_ref().map(|_| next_private_user());
        for bind in &spec.binds {
            check(bind, user)?;
        }
        let mut command = Command::new(&self.bwrap);
        command.env_clear();
        command.args([
            "--unshare-ipc",
            "--unshare-pid",
            "--unshare-net",
            "--unshare-uts",
            "--unshare-cgroup-try",
        ]);
        command.args([
            "--new-session",
            "--die-with-parent",
            "--hostname",
            "sandbox",
            "--cap-drop",
            "ALL",
        ]);
        match user {
            // Both are given up again by the change of user, one step later.
            Some(_) => command.args(["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]),
            None => command.args(["--unshare-user", "--disable-userns", "--uid", NOBODY, "--gid", NOBODY]),
        };
        environment(&mut command, spec);
        mounts(&mut command, spec);
        command.arg("--chdir").arg(&spec.work_dir).arg("--");
        if let (Some(setpriv), Some(user)) = (&self.setpriv, user) {
            let user = user.to_string();
            command.arg(setpriv).args([
                "--reuid",
                &user,
                "--regid",
                &user,
                "--clear-groups",
                "--inh-caps=-all",
                "--",
            ]);
        }
        command.arg(&self.prlimit).args(resource_limits(spec)).arg("--");
        command.args(["/usr/bin/nice", "-n", &spec.limits.nice.clamp(0, 19).to_string(), "--"]);
        command.arg(&spec.program).args(&spec.args);
        Ok(command)
    }
}

/// A user id that no other living sandbox on this machine has: this program's id and a counter.
fn next_private_user() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let counter = NEXT.fetch_add(1, Ordering::Relaxed) % PRIVATE_USERS_PER_PROGRAM;
    // Process ids have at most 22 bits on Linux, so the sum stays below 0x8000_0000.
    PRIVATE_USER_FIRST + (std::process::id() & 0x3f_ffff) * PRIVATE_USERS_PER_PROGRAM + counter
}

/// Refuses binds that bubblewrap would stumble over, and hands writable ones to `user`.
fn check(bind: &Bind, user: Option<u32>) -> Result<(), SandboxError> {
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    if !bind.inside.is_absolute() || !bind.inside.components().all(plain) {
        return Err(SandboxError::Inside {
            path: bind.inside.clone(),
        });
    }
    let found = metadata(&bind.host)?;
    let Some(user) = user else { return Ok(()) };
    if bind.writable {
        return give(&bind.host, user).map_err(|source| SandboxError::Bind {
            path: bind.host.clone(),
            source,
        });
    }
    let needed = if found.is_dir() { 0o005 } else { 0o004 };
    if found.permissions().mode() & needed != needed && found.uid() != user {
        return Err(SandboxError::Unreadable {
            path: bind.host.clone(),
        });
    }
    Ok(())
}

/// Makes `user` the owner of `path` and everything below, never following a link.
fn give(path: &Path, user: u32) -> std::io::Result<()> {
    std::os::unix::fs::lchown(path, Some(user), Some(user))?;
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// Nothing of ours, a few harmless defaults, then what the specification says.
fn environment(command: &mut Command, spec: &SandboxSpec) {
    command.arg("--clearenv");
    for (name, value) in [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/tmp"),
        ("TMPDIR", "/tmp"),
        ("LANG", "C.UTF-8"),
    ] {
        command.args(["--setenv", name, value]);
    }
    for (name, value) in &spec.env {
        command.arg("--setenv").arg(name).arg(value);
    }
}

/// The file system inside: system folders, devices, private temporary folders, binds; then the root becomes read-only.
fn mounts(command: &mut Command, spec: &SandboxSpec) {
    let mut tree = Tree {
        command,
        made: BTreeSet::new(),
        bound: ["/tmp", "/dev", "/proc"].map(PathBuf::from).into(),
    };
    tree.show("--ro-bind", Path::new("/usr"), Path::new("/usr"));
    for folder in SYSTEM.map(Path::new) {
        match fs::read_link(folder) {
            Ok(target) => {
                tree.command.arg("--symlink").arg(target).arg(folder);
            }
            Err(_) if folder.is_dir() => tree.show("--ro-bind", folder, folder),
            Err(_) => {}
        }
    }
    for path in ETC.map(Path::new).into_iter().filter(|path| path.exists()) {
        tree.show("--ro-bind", path, path);
    }
    let size = spec.limits.temporary.max(4096).to_string();
    tree.command.args(["--proc", "/proc", "--dev", "/dev"]);
    for device in &spec.devices {
        tree.command.arg("--dev-bind-try").arg(device).arg(device);
    }
    tree.command.args([
        "--perms",
        "1777",
        "--size",
        &size,
        "--tmpfs",
        "/dev/shm",
        "--remount-ro",
        "/dev",
    ]);
    tree.command
        .args(["--perms", "1777", "--size", &size, "--tmpfs", "/tmp"]);
    for bind in &spec.binds {
        tree.show(
            if bind.writable { "--bind" } else { "--ro-bind" },
            &bind.host,
            &bind.inside,
        );
    }
    tree.command.args(["--remount-ro", "/"]);
}

/// Mount points in the order they are made.
struct Tree<'a> {
    command: &'a mut Command,
    /// Folders made so far.
    made: BTreeSet<PathBuf>,
    /// Mounts so far; folders within them are not ours to make.
    bound: Vec<PathBuf>,
}

impl Tree<'_> {
    /// Binds `host` to `inside`, after the folders above it: bubblewrap would make them unreadable to others.
    fn show(&mut self, how: &str, host: &Path, inside: &Path) {
        let mut above: Vec<&Path> = inside
            .ancestors()
            .skip(1)
            .filter(|path| path.parent().is_some())
            .collect();
        above.reverse();
        for folder in above {
            let within_a_mount = self.bound.iter().any(|mount| folder.starts_with(mount));
            if !within_a_mount && self.made.insert(folder.to_owned()) {
                self.command.args(["--perms", "0755", "--dir"]).arg(folder);
            }
        }
        self.bound.push(inside.to_owned());
        self.command.arg(how).arg(host).arg(inside);
    }
}

/// Arguments of `prlimit`. Set inside the walls, so that the process count is the sandbox's own.
fn resource_limits(spec: &SandboxSpec) -> Vec<OsString> {
    let limits = &spec.limits;
    let mut args = vec!["--core=0".to_owned()];
    args.push(format!("--fsize={}", limits.file_size));
    args.push(format!("--nofile={}", limits.open_files));
    args.push(format!("--nproc={}", limits.processes));
    args.extend(limits.address_space.map(|bytes| format!("--as={bytes}")));
    // A second more until the kernel stops asking politely.
    args.extend(
        limits
            .cpu
            .map(|time| format!("--cpu={}:{}", time.as_secs().max(1), time.as_secs().max(1) + 1)),
    );
    args.into_iter().map(OsString::from).collect()
}
