//! Keeps sockets, files, clocks and entropy out of pure packages: in their manifests and in their source.

use crate::{
    roles::{Role, role_of},
    sources::{Source, product_lines},
    workspace::{Dependency, Package},
};

/// Packages that open sockets or files, read clocks, draw entropy or run tasks.
const WORLDLY: [&str; 37] = [
    "async-std",
    "axum",
    "chrono",
    "dirs",
    "fastrand",
    "fs-err",
    "fs2",
    "getrandom",
    "hyper",
    "iroh",
    "iroh-blobs",
    "iroh-gossip",
    "jsonrpsee",
    "libc",
    "memmap2",
    "mio",
    "n0-future",
    "nix",
    "notify",
    "quinn",
    "redb",
    "reqwest",
    "rusqlite",
    "rustix",
    "sled",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "tokio-stream",
    "tokio-util",
    "tower",
    "tower-http",
    "ureq",
    "walkdir",
    "web-time",
];

/// Features that bring the operating system's entropy into a package that is pure without them.
const ENTROPY_FEATURES: [&str; 5] = ["getrandom", "os_rng", "rand", "std_rng", "thread_rng"];

/// Paths of the standard library that touch the world, and what to do instead.
const WORLDLY_PATHS: [(&str, &str); 9] = [
    ("std::env", "pass the value in as an argument"),
    ("std::fs", "take bytes as an argument; files belong to `node`"),
    ("std::net", "sockets belong to `network`"),
    ("std::os", "the operating system belongs to the shells"),
    ("std::process", "processes belong to `sandbox`"),
    ("SystemTime", "take `now: UnixMillis` as an argument"),
    ("Instant::now", "take the time as an argument"),
    ("thread::spawn", "return data; whoever calls decides where it runs"),
    ("rand::rng", "take a seed as an argument"),
];

/// One sentence per worldly package or entropy feature in a pure package's manifest. Tests may use them.
pub fn check_dependencies(packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages.iter().filter(|package| is_pure(&package.name)) {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.is_dev()) {
            if let Some(fault) = fault_of(dependency) {
                violations.push(format!("{} is pure, but lists {fault}", package.name));
            }
        }
    }
    violations
}

fn fault_of(dependency: &Dependency) -> Option<String> {
    if WORLDLY.contains(&dependency.name.as_str()) {
        return Some(format!(
            "{}; use it in a shell and hand over what it says",
            dependency.name
        ));
    }
    if dependency.name == "rand" && dependency.uses_default_features {
        return Some("rand with its default features, which draw entropy; switch them off and pass a seed".to_owned());
    }
    let feature = dependency
        .features
        .iter()
        .find(|feature| ENTROPY_FEATURES.contains(&feature.as_str()))?;
    Some(format!(
        "{} with the feature {feature}, which draws entropy; pass a seed",
        dependency.name
    ))
}

/// One sentence per use of a worldly path in a pure package's own code, its tests left out.
pub fn check_sources(packages: &[Package], files: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages.iter().filter(|package| is_pure(&package.name)) {
        let folder = format!("crates/{}/src/", package.name.trim_start_matches("rayswarm-"));
        for file in files
            .iter()
            .filter(|file| file.path.starts_with(&folder) && file.extension() == "rs")
        {
            for (number, path) in worldly_lines(file) {
                let remedy = WORLDLY_PATHS
                    .iter()
                    .find(|(name, _)| *name == path)
                    .map_or("", |(_, remedy)| remedy);
                violations.push(format!(
                    "{}:{number} is pure code, but uses {path}; {remedy}",
                    file.path
                ));
            }
        }
    }
    violations
}

fn is_pure(name: &str) -> bool {
    matches!(role_of(name), Some(Role::Pure | Role::Model))
}

fn worldly_lines(file: &Source) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut grouped_import = false;
    for (number, line) in product_lines(file) {
        let code = line.trim_start();
        grouped_import |= code.starts_with("use std::{") || code.starts_with("pub use std::{");
        for (path, _) in WORLDLY_PATHS {
            let module = path.strip_prefix("std::").filter(|_| grouped_import);
            if has_word(code, path) || module.is_some_and(|module| imports(code, module)) {
                found.push((number, path));
            }
        }
        if code.contains(';') {
            grouped_import = false;
        }
    }
    found
}

/// Whether `line`, inside `use std::{…}`, names `module` as an entry of the group.
fn imports(line: &str, module: &str) -> bool {
    line.split(['{', ',', '}', ';']).map(str::trim).any(|entry| {
        entry == module
            || entry
                .strip_prefix(module)
                .is_some_and(|rest| rest.starts_with("::") || rest == " as _")
    })
}

/// Whether `path` stands in `line` as a whole path and not as a part of a longer name.
fn has_word(line: &str, path: &str) -> bool {
    let part_of_name = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(path).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + path.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::{check_dependencies, check_sources};
    use crate::{
        sources::Source,
        workspace::examples::{needs, package},
    };

    fn source_violations(text: &str) -> Vec<String> {
        let file = Source {
            path: "crates/planner/src/plan.rs".to_owned(),
            text: text.to_owned(),
        };
        check_sources(&[package("rayswarm-planner", vec![])], &[file])
    }

    #[test]
    fn a_pure_package_lists_no_runtime() {
        let violations = check_dependencies(&[package("rayswarm-chain", vec![needs("tokio"), needs("serde")])]);
        assert_eq!(violations.len(), 1);
        assert!(violations.iter().all(|violation| violation.contains("tokio")));
    }

    #[test]
    fn a_shell_may_list_a_runtime() {
        assert!(check_dependencies(&[package("rayswarm-network", vec![needs("tokio")])]).is_empty());
    }

    #[test]
    fn tests_of_a_pure_package_may_write_files() {
        let mut dependency = needs("tempfile");
        dependency.kind = Some("dev".to_owned());
        assert!(check_dependencies(&[package("rayswarm-chain", vec![dependency])]).is_empty());
    }

    #[test]
    fn entropy_features_are_rejected_and_seeded_generators_pass() {
        let mut seeded = needs("rand");
        assert!(check_dependencies(&[package("rayswarm-scheduler", vec![seeded.clone()])]).is_empty());
        seeded.features = vec!["os_rng".to_owned()];
        assert_eq!(
            check_dependencies(&[package("rayswarm-scheduler", vec![seeded.clone()])]).len(),
            1
        );
        seeded.features.clear();
        seeded.uses_default_features = true;
        assert_eq!(
            check_dependencies(&[package("rayswarm-scheduler", vec![seeded])]).len(),
            1
        );
    }

    #[test]
    fn worldly_paths_are_found_in_code() {
        for line in [
            "use std::fs;",
            "use std::{collections::BTreeMap, fs};",
            "use std::{\n    fs::File,\n};",
            "let now = std::time::SystemTime::now();",
            "let started = Instant::now();",
            "let handle = thread::spawn(work);",
            "let home = std::env::var(name);",
        ] {
            assert_eq!(source_violations(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn comments_tests_and_lookalikes_pass() {
        for text in [
            "// std::fs would be wrong here",
            "let span = Duration::ZERO; // not Instant::now\n",
            "use std::{collections::BTreeMap, fmt};",
            "struct MySystemTimes;",
            "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n",
        ] {
            assert_eq!(source_violations(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn code_after_the_tests_is_read_again() {
        let text = "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\nuse std::net::TcpStream;\n";
        assert_eq!(source_violations(text).len(), 1);
    }
}
