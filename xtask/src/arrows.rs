//! Rejects a dependency that runs against `cli -> node -> shells -> pure -> model`.

use crate::{
    roles::{may_depend, role_of},
    workspace::Package,
};

/// One sentence per wrong arrow or package without a role. Tests and build scripts obey the same arrows.
pub fn check(packages: &[Package]) -> Vec<String> {
    let mut violations = Vec::new();
    for package in packages {
        let Some(role) = role_of(&package.name) else {
            violations.push(format!(
                "package {} has no place in the architecture; give it a role in xtask/src/roles.rs and an ADR",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(target) = role_of(&dependency.name) else {
                continue;
            };
            if !may_depend((&package.name, role), (&dependency.name, target)) {
                violations.push(format!(
                    "{} ({role:?}) depends on {} ({target:?}), which is against the arrows of docs/ARCHITECTURE.md; \
                     move what is needed down a layer or pass it in as an argument",
                    package.name, dependency.name
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::workspace::examples::{needs, package};

    fn violations_of(from: &str, to: &str) -> usize {
        check(&[package(from, vec![needs(to)])]).len()
    }

    #[test]
    fn every_allowed_arrow_passes() {
        for (from, to) in [
            ("rayswarm-cli", "rayswarm-node"),
            ("rayswarm-cli", "rayswarm-api"),
            ("rayswarm-cli", "rayswarm-model"),
            ("rayswarm-node", "rayswarm-network"),
            ("rayswarm-node", "rayswarm-scheduler"),
            ("rayswarm-engines", "rayswarm-sandbox"),
            ("rayswarm-network", "rayswarm-model"),
            ("rayswarm-settlement", "rayswarm-chain"),
            ("rayswarm-verifier", "rayswarm-imaging"),
            ("rayswarm-simulation", "rayswarm-scheduler"),
            ("rayswarm-tests", "rayswarm-node"),
            ("rayswarm-model", "serde"),
        ] {
            assert_eq!(violations_of(from, to), 0, "{from} -> {to}");
        }
    }

    #[test]
    fn every_wrong_arrow_is_rejected() {
        for (from, to) in [
            ("rayswarm-model", "rayswarm-imaging"),
            ("rayswarm-scheduler", "rayswarm-network"),
            ("rayswarm-chain", "rayswarm-node"),
            ("rayswarm-sandbox", "rayswarm-engines"),
            ("rayswarm-network", "rayswarm-settlement"),
            ("rayswarm-api", "rayswarm-node"),
            ("rayswarm-node", "rayswarm-cli"),
            ("rayswarm-cli", "rayswarm-engines"),
            ("rayswarm-cli", "rayswarm-scheduler"),
            ("rayswarm-simulation", "rayswarm-network"),
            ("rayswarm-node", "rayswarm-tests"),
            ("xtask", "rayswarm-model"),
        ] {
            assert_eq!(violations_of(from, to), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn tests_obey_the_arrows_too() {
        let mut dependency = needs("rayswarm-node");
        dependency.kind = Some("dev".to_owned());
        assert_eq!(check(&[package("rayswarm-planner", vec![dependency])]).len(), 1);
    }

    #[test]
    fn an_unknown_package_has_to_be_placed() {
        let violations = check(&[package("rayswarm-utils", vec![])]);
        assert!(
            violations
                .iter()
                .any(|violation| violation.contains("rayswarm-utils has no place"))
        );
    }
}
