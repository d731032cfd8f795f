//! The workspace as Cargo sees it: packages, and what each one asks for.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::{path::Path, process::Command};

/// One package of the workspace.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Its Cargo name.
    pub name: String,
    /// What its manifest lists.
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependency tables.
#[derive(Clone, Debug, Deserialize)]
pub struct Dependency {
    /// The package asked for.
    pub name: String,
    /// `None` for normal dependencies, else `dev` or `build`.
    pub kind: Option<String>,
    /// Features asked for.
    pub features: Vec<String>,
    /// Whether default features come along.
    pub uses_default_features: bool,
}

impl Dependency {
    /// Whether only tests and examples see it.
    pub fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// Asks Cargo for the workspace at `root`; resolves nothing and needs no network.
pub fn read(root: &Path) -> Result<Vec<Package>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).context("cargo metadata is not the expected JSON")?;
    Ok(metadata.packages)
}

#[cfg(test)]
pub mod examples {
    //! Packages for the rules' tests.

    use super::{Dependency, Package};

    /// A package that asks for `dependencies`.
    pub fn package(name: &str, dependencies: Vec<Dependency>) -> Package {
        Package {
            name: name.to_owned(),
            dependencies,
        }
    }

    /// A normal dependency without features.
    pub fn needs(name: &str) -> Dependency {
        Dependency {
            name: name.to_owned(),
            kind: None,
            features: Vec::new(),
            uses_default_features: false,
        }
    }
}
