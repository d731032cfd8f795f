//! CPU seconds of the living processes below this one, read from `/proc`.

use std::fs;

/// User and system seconds of every process below this one and of all they have waited for. What this process has
/// waited for itself is not in it.
pub fn children_seconds() -> f64 {
    let mut waiting = children(std::process::id());
    let mut ticks = 0;
    while let Some(process) = waiting.pop() {
        waiting.extend(children(process));
        ticks += ticks_of(process);
    }
    ticks as f64 / rustix::param::clock_ticks_per_second().max(1) as f64
}

fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let mut found = Vec::new();
    for list in lists {
        found.extend(list.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
    }
    found
}

/// utime, stime, cutime and cstime of proc(5), fields 14 to 17. A process that has ended counts in its parent.
fn ticks_of(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses may itself hold spaces and parentheses.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let fields = fields.split_whitespace().skip(11).take(4);
    fields.filter_map(|field| field.parse::<u64>().ok()).sum()
}
