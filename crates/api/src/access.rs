//! Who may do what: scoped tokens, and webhooks that are told what happens.

use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything that only reads.
    Read,
    /// Jobs up to the quote: upload, inspect, create, pause, cancel, change.
    Jobs,
    /// What moves money: starting jobs, the faucet.
    Spend,
    /// The node's own settings, invitations and webhooks.
    Node,
    /// Tokens.
    Tokens,
    /// Naming files and folders of the node's machine.
    Paths,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Read,
        Self::Jobs,
        Self::Spend,
        Self::Node,
        Self::Tokens,
        Self::Paths,
    ];
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Jobs => "jobs",
            Self::Spend => "spend",
            Self::Node => "node",
            Self::Tokens => "tokens",
            Self::Paths => "paths",
        })
    }
}

/// A token to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it opens; no more than the token that makes it.
    #[schema(min_items = 1)]
    pub scopes: Vec<Scope>,
    /// Seconds until it expires; never by default.
    #[schema(minimum = 1, maximum = 3_155_760_000u64)]
    pub expires_in_s: Option<u64>,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it opens.
    pub scopes: Vec<Scope>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    /// When it was last used, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Time>,
    /// When it expires.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Time>,
}

/// A token just made: the only time its secret is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// The token.
    #[serde(flatten)]
    pub view: TokenView,
    /// Its secret, for `Authorization: Bearer …`.
    pub token: String,
}

/// An event that webhooks can be told. The others come by the thousand and are for the event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEvent {
    /// A job is in another state.
    Job,
    /// A file is finished.
    Output,
    /// Providers came or went.
    Providers,
    /// The chain has another block.
    Block,
}

impl fmt::Display for WebhookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Job => "job",
            Self::Output => "output",
            Self::Providers => "providers",
            Self::Block => "block",
        })
    }
}

/// A webhook to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewWebhook {
    /// Where events are posted: https, or http on this machine.
    #[schema(max_length = 2000, pattern = "^https?://[^/?#@ ]")]
    pub url: String,
    /// Which events.
    #[schema(min_items = 1)]
    pub events: Vec<WebhookEvent>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookView {
    /// Its id.
    pub id: String,
    /// Where events are posted.
    pub url: String,
    /// Which events.
    pub events: Vec<WebhookEvent>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    /// HTTP status of the last delivery.
    pub last_status: Option<u16>,
    /// Deliveries in a row that failed.
    pub failures: u32,
}

/// A webhook just made: the only time its secret is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub view: WebhookView,
    /// The key of its signatures: `Rayswarm-Signature: t=<seconds>,v1=<hex of HMAC-SHA256 over "<seconds>.<body>">`.
    pub secret: String,
}
