//! Where a node can be found, as it travels in tickets, hellos and invitations.

use crate::error::NetworkError;
use iroh::{EndpointAddr, EndpointId, RelayUrl, TransportAddr, endpoint::Connection};
use rayswarm_model::NodeId;
use serde::{Deserialize, Serialize};
use std::{fmt, net::SocketAddr};

/// The most socket addresses one node may list.
pub const SOCKETS_MAX: usize = 16;
/// The longest URL in a message.
pub const URL_BYTES_MAX: usize = 256;

/// A node and the ways to it. Wrong ways harm nobody: whoever answers must prove to own the node's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAddr {
    /// The node: its ed25519 public key.
    pub node: NodeId,
    /// UDP sockets it may be reached at, at most 16.
    pub sockets: Vec<SocketAddr>,
    /// A relay it keeps a connection to.
    pub relay: Option<String>,
}

impl PeerAddr {
    /// Whether the lists keep their limits.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.sockets.len() > SOCKETS_MAX {
            return Err("an address lists more than 16 sockets");
        }
        if self.relay.as_ref().is_some_and(|url| url.len() > URL_BYTES_MAX) {
            return Err("a relay URL is longer than 256 bytes");
        }
        Ok(())
    }

    /// As iroh wants it.
    pub(crate) fn to_iroh(&self) -> Result<EndpointAddr, NetworkError> {
        let sockets = self.sockets.iter().copied().map(TransportAddr::Ip);
        let address = EndpointAddr::from_parts(endpoint_id(self.node)?, sockets);
        match &self.relay {
            Some(url) => Ok(address.with_relay_url(relay_url(url)?)),
            None => Ok(address),
        }
    }

    /// Adds the socket a connection really goes to. A node behind an address translator does not know its own address, but
    /// its packets show it.
    pub(crate) fn add_observed(&mut self, connection: &Connection) {
        let paths = connection.paths();
        let observed = paths
            .iter()
            .filter(|path| path.is_selected())
            .find_map(|path| match path.remote_addr() {
                TransportAddr::Ip(socket) => Some(*socket),
                _ => None,
            });
        if let Some(socket) = observed.filter(|socket| !self.sockets.contains(socket)) {
            self.sockets.truncate(SOCKETS_MAX - 1);
            self.sockets.push(socket);
        }
    }

    /// From what iroh found.
    pub(crate) fn from_iroh(address: &EndpointAddr) -> Self {
        Self {
            node: node_id(address.id),
            sockets: address.ip_addrs().copied().take(SOCKETS_MAX).collect(),
            relay: address.relay_urls().next().map(ToString::to_string),
        }
    }
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sockets.is_empty() && self.relay.is_none() {
            return f.write_str("no known address");
        }
        let sockets = self.sockets.iter().map(ToString::to_string);
        let ways: Vec<String> = sockets.chain(self.relay.clone()).collect();
        f.write_str(&ways.join(", "))
    }
}

/// The node behind an iroh endpoint: the same 32 bytes.
pub(crate) fn node_id(id: EndpointId) -> NodeId {
    NodeId::from_bytes(*id.as_bytes())
}

/// The iroh endpoint of a node.
pub(crate) fn endpoint_id(node: NodeId) -> Result<EndpointId, NetworkError> {
    EndpointId::from_bytes(node.as_bytes()).map_err(|_| NetworkError::NoSuchNode { node })
}

/// Reads a relay URL.
pub(crate) fn relay_url(text: &str) -> Result<RelayUrl, NetworkError> {
    text.parse().map_err(|_| NetworkError::RelayUrl { text: text.into() })
}
