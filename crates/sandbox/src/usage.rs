//! CPU time and memory of a process tree, read from `/proc`.
//!
//! bubblewrap's own resource usage leaves out what it runs, so the tree is walked from outside.

use std::{collections::HashMap, fs, path::Path, time::Duration};

/// More processes than this are not looked at in one walk; the process limit is far below.
const TREE_MAX: usize = 4096;

/// What a tree of processes uses at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// User and system CPU time of living processes and of those they have waited for.
    pub cpu: Duration,
    /// Resident memory of all processes together, in bytes. Shared pages count once per process.
    pub resident: u64,
    /// The largest resident memory each living process has had, summed, in bytes.
    pub peak_resident: u64,
    /// Living processes.
    pub processes: usize,
}

impl Usage {
    /// Usage of the processes below `root`, without `root` itself. Processes that end meanwhile are left out.
    pub fn below(root: u32) -> Self {
        descendants(root)
            .into_iter()
            .filter_map(of_process)
            .fold(Self::default(), |sum, one| Self {
                cpu: sum.cpu + one.cpu,
                resident: sum.resident + one.resident,
                peak_resident: sum.peak_resident + one.peak_resident,
                processes: sum.processes + 1,
            })
    }
}

/// Follows the CPU time of processes and of all below them, also of those that end with nobody waiting for them.
#[derive(Debug)]
pub struct CpuMeter {
    roots: Vec<u32>,
    seen: HashMap<u32, Duration>,
}

impl CpuMeter {
    /// Counts `roots` and what runs below them, with what the living processes have used so far.
    pub fn of(roots: Vec<u32>) -> Self {
        let mut meter = Self {
            roots,
            seen: HashMap::new(),
        };
        meter.look();
        meter
    }

    /// Reads all processes. What one uses between the last look and its end is not counted: look often.
    pub fn look(&mut self) {
        let below = self.roots.iter().flat_map(|root| descendants(*root));
        for process in self.roots.iter().copied().chain(below) {
            let stat = fs::read_to_string(format!("/proc/{process}/stat"));
            if let Some(cpu) = stat.ok().and_then(|stat| parse_cpu(&stat, OWN_TIMES)) {
                self.seen.insert(process, cpu);
            }
        }
    }

    /// CPU time of all processes seen, as of the last look.
    pub fn total(&self) -> Duration {
        self.seen.values().sum()
    }
}

/// The direct children of `process`.
pub fn children(process: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
        return Vec::new();
    };
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// Everything below `root`, parents first.
fn descendants(root: u32) -> Vec<u32> {
    let mut found = children(root);
    let mut next = 0;
    while next < found.len() && found.len() < TREE_MAX {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

/// Usage of one process; `None` once it is gone.
fn of_process(process: u32) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(Usage {
        cpu: parse_cpu(&stat, OWN_AND_WAITED_TIMES)?,
        resident: parse_kib(&status, "VmRSS:"),
        peak_resident: parse_kib(&status, "VmHWM:"),
        processes: 1,
    })
}

/// utime and stime of `/proc/PID/stat` (proc(5), fields 14 and 15).
const OWN_TIMES: usize = 2;
/// Also cutime and cstime (fields 16 and 17): of children that ended and were waited for.
const OWN_AND_WAITED_TIMES: usize = 4;

/// The sum of the first `times` CPU times of `/proc/PID/stat`.
fn parse_cpu(stat: &str, times: usize) -> Option<Duration> {
    // The name in parentheses may itself hold spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(times)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Some(Duration::from_millis(
        ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1),
    ))
}

/// The value of `name` in `/proc/PID/status`, in bytes; zero for a process that is ending.
fn parse_kib(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// Bytes of the files in `folder` and below; links are not followed, what cannot be read counts nothing.
pub(crate) fn folder_size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => folder_size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cpu_time_is_read_past_any_process_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 25 75 20 0 1 0 100 0 0";
        let ticks = rustix::param::clock_ticks_per_second();
        assert_eq!(
            parse_cpu(stat, OWN_TIMES).unwrap(),
            Duration::from_millis(300 * 1000 / ticks)
        );
        assert_eq!(
            parse_cpu(stat, OWN_AND_WAITED_TIMES).unwrap(),
            Duration::from_millis(400 * 1000 / ticks)
        );
        assert_eq!(parse_cpu("nonsense", OWN_TIMES), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(
            parse_kib("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t  12 kB\n", "VmHWM:"),
            2048 * 1024
        );
        assert_eq!(parse_kib("Name:\tx\n", "VmRSS:"), 0);
    }
}
