//! Which layer of the architecture each package belongs to, and what a layer may stand on (docs/ARCHITECTURE.md).

/// A layer of `cli -> node -> shells -> pure -> model`, or something outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The nouns; stands on nothing of ours.
    Model,
    /// Decides without sockets, files, clocks or entropy.
    Pure,
    /// Touches one part of the world: processes, network, chain endpoint, HTTP.
    Shell,
    /// The only place that wires.
    Node,
    /// The terminal face.
    Cli,
    /// Drives pure packages in a seeded world.
    Simulation,
    /// End-to-end tests and fuzzing may use everything.
    Tests,
    /// Repository chores stand on nothing of ours.
    Chores,
}

/// Shells that may use another shell: the reason is that renderers run as sandboxed processes.
pub const SHELL_ARROWS: [(&str, &str); 1] = [("rayswarm-engines", "rayswarm-sandbox")];

/// The layer of the package called `name`; `None` means that somebody added a package and has to say here what it is.
pub fn role_of(name: &str) -> Option<Role> {
    let role = match name {
        "rayswarm-model" => Role::Model,
        "rayswarm-imaging" | "rayswarm-models" | "rayswarm-planner" | "rayswarm-scheduler" | "rayswarm-verifier"
        | "rayswarm-consensus" | "rayswarm-chain" | "rayswarm-openjd" => Role::Pure,
        "rayswarm-sandbox"
        | "rayswarm-engines"
        | "rayswarm-network"
        | "rayswarm-settlement"
        | "rayswarm-api"
        | "rayswarm-studio" => Role::Shell,
        "rayswarm-node" => Role::Node,
        "rayswarm-cli" => Role::Cli,
        "rayswarm-simulation" => Role::Simulation,
        "rayswarm-tests" | "rayswarm-fuzzing" => Role::Tests,
        "xtask" => Role::Chores,
        _ => return None,
    };
    Some(role)
}

/// Whether a package called `from` may depend on one called `to`.
pub fn may_depend(from: (&str, Role), to: (&str, Role)) -> bool {
    match from.1 {
        Role::Model | Role::Chores => false,
        Role::Pure | Role::Simulation => matches!(to.1, Role::Pure | Role::Model),
        Role::Shell => matches!(to.1, Role::Pure | Role::Model) || SHELL_ARROWS.contains(&(from.0, to.0)),
        Role::Node => matches!(to.1, Role::Shell | Role::Pure | Role::Model),
        Role::Cli => matches!(to.1, Role::Node | Role::Model) || to.0 == "rayswarm-api",
        Role::Tests => !matches!(to.1, Role::Tests | Role::Chores),
    }
}
