//! The ports of the last start. Tickets name them, so a restarted node takes the same ones again if it can.

use serde::{Deserialize, Serialize};
use std::{
    io,
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
};

/// Port numbers; 0 means any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// JSON-RPC of the embedded chain.
    pub rpc: u16,
    /// The requestor's endpoint.
    pub requestor: u16,
    /// The provider's endpoint.
    pub provider: u16,
}

impl Ports {
    /// Those of the last start; none at the first.
    pub fn load(data_dir: &Path) -> Self {
        std::fs::read(file(data_dir))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Keeps them for the next start.
    pub fn save(&self, data_dir: &Path) -> io::Result<()> {
        std::fs::write(file(data_dir), serde_json::to_vec(self)?)
    }

    /// Where the chain should listen: as typed, with the last port where any would do and that one is free.
    pub fn prefer_rpc(&self, typed: SocketAddr) -> SocketAddr {
        let last = SocketAddr::new(typed.ip(), self.rpc);
        let free = typed.port() == 0 && std::net::TcpListener::bind(last).is_ok();
        if free { last } else { typed }
    }
}

/// Where peers should find this node: as typed, with the last port where any would do and that one is free.
pub fn prefer_peers(last_port: u16, typed: &[SocketAddr]) -> Vec<SocketAddr> {
    let typed = if typed.is_empty() {
        &[SocketAddr::from(([0, 0, 0, 0], 0))]
    } else {
        typed
    };
    let preferred = |address: &SocketAddr| {
        let last = SocketAddr::new(address.ip(), last_port);
        if address.port() == 0 && UdpSocket::bind(last).is_ok() {
            last
        } else {
            *address
        }
    };
    typed.iter().map(preferred).collect()
}

/// Where the provider's endpoint listens: on the ports after those that were typed, which the requestor's has.
pub fn next_to(typed: &[SocketAddr]) -> Vec<SocketAddr> {
    let clash = |one: &SocketAddr, other: &SocketAddr| {
        let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
        one.port() == other.port() && (one.ip() == other.ip() || everywhere)
    };
    let mut chosen = Vec::new();
    for address in typed {
        let after = match address.port() {
            0 => None,
            port => (port..=u16::MAX)
                .skip(1)
                .map(|port| SocketAddr::new(address.ip(), port))
                .find(|next| {
                    let mut others = typed.iter().chain(&chosen);
                    !others.any(|other| clash(next, other))
                }),
        };
        // Any, where any was typed or none is left after it.
        chosen.push(after.unwrap_or(SocketAddr::new(address.ip(), 0)));
    }
    chosen
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("ports.json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_typed_port_is_never_replaced() {
        let ports = Ports {
            rpc: 1,
            ..Ports::default()
        };
        let typed = SocketAddr::from(([127, 0, 0, 1], 8545));
        assert_eq!(ports.prefer_rpc(typed), typed);
        assert_eq!(prefer_peers(1, &[typed]), [typed]);
    }

    #[test]
    fn the_two_endpoints_never_want_the_same_port() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(next_to(&[at(7_000), at(0), at(65_535)]), [at(7_001), at(0), at(0)]);
        assert_eq!(next_to(&[at(7_000), at(7_001)]), [at(7_002), at(7_003)]);
        let of = |ip: [u8; 4], port| SocketAddr::from((ip, port));
        let (elsewhere, everywhere) = ([10, 0, 0, 1], [0; 4]);
        assert_eq!(
            next_to(&[at(7_000), of(elsewhere, 7_000)]),
            [at(7_001), of(elsewhere, 7_001)]
        );
        assert_eq!(
            next_to(&[at(7_000), of(everywhere, 7_001)]),
            [at(7_002), of(everywhere, 7_003)]
        );
    }

    #[test]
    fn the_last_port_is_taken_again_when_it_is_free() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let taken = std::net::TcpListener::bind(any).unwrap();
        let port = taken.local_addr().unwrap().port();
        let ports = Ports {
            rpc: port,
            ..Ports::default()
        };
        assert_eq!(ports.prefer_rpc(any), any);
        drop(taken);
        assert_eq!(ports.prefer_rpc(any).port(), port);
    }
}
