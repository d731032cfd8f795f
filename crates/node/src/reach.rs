//! Which machines this node reaches for somebody else: those of the public internet, and others only where somebody who
//! may say so has named them. Else who may make webhooks, or name a picture, could have the node call what only the
//! node can call.
//!
//! A name is resolved once for each connection, and what it resolves to is both checked and connected to: a name that
//! changes its mind in between gains nothing.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

/// Where a host may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// On the public internet.
    Public,
    /// On the public internet, or this machine if the host says so itself.
    PublicOrNamedSelf,
    /// Anywhere: somebody has named the host.
    Anywhere,
}

/// A host is where it may not be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReachError {
    /// In a private network, or this machine.
    #[error("{host} is at {address}, which is no address of the public internet; nothing is sent there")]
    Private {
        /// The host.
        host: String,
        /// Where it is.
        address: IpAddr,
    },
    /// `localhost` is elsewhere.
    #[error("{host} is at {address}, which is not this machine; correct the system's hosts file")]
    Elsewhere {
        /// The host.
        host: String,
        /// Where it is.
        address: IpAddr,
    },
}

impl Reach {
    /// Refuses a host that is where it may not be.
    pub fn check(self, host: &str, address: IpAddr) -> Result<(), ReachError> {
        let named = || host.to_owned();
        if self == Self::PublicOrNamedSelf && is_loopback(host) {
            let is_here = address.to_canonical().is_loopback();
            return is_here
                .then_some(())
                .ok_or_else(|| ReachError::Elsewhere { host: named(), address });
        }
        if self == Self::Anywhere || is_public(address) {
            return Ok(());
        }
        Err(ReachError::Private { host: named(), address })
    }
}

/// Addresses that are being looked up.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
/// Looks up a name. Ports are of no account.
pub type Lookup = Arc<dyn Fn(String) -> Looking + Send + Sync>;

/// Looks names up as every program of this machine does.
pub fn lookup_of_system() -> Lookup {
    Arc::new(|name: String| -> Looking {
        // The client puts the URL's port in place of 0.
        Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
    })
}

/// Resolves names to addresses that are checked. Addresses written as such never come here: whoever takes a URL checks
/// them.
pub struct Checked {
    reach: Reach,
    lookup: Lookup,
}

impl Checked {
    /// Lets names lead as far as `reach`.
    pub fn new(reach: Reach, lookup: Lookup) -> Self {
        Self { reach, lookup }
    }
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, looking) = (self.reach, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = looking.await?;
            for address in &found {
                reach.check(name.as_str(), address.ip())?;
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether the host of a URL says itself that it is this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|address| address.to_canonical().is_loopback())
}

/// The address that the host of a URL is, if it is none that must be resolved.
pub fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// Whether an address is one of the public internet (RFC 6890 and its registries).
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network; shared by carriers; protocol assignments; benchmarks; reserved, with broadcast.
        [0, ..] | [192, 0, 0, _] | [240..=255, ..] => true,
        [100, second, ..] => second & 0xc0 == 64,
        [198, second, ..] => second & 0xfe == 18,
        _ => false,
    };
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Translators to IPv4 reach what stands in the last four bytes.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([first, second], [third, fourth]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(first, second, third, fourth))
        }
        // Teredo and other protocol assignments; documentation; 6to4.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        // Global unicast as far as it is given out.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let rows = [
            ("1.1.1.1", true),
            ("100.63.0.1", true),
            ("198.20.0.1", true),
            ("2606:4700::1111", true),
            ("::ffff:1.1.1.1", true),
            ("64:ff9b::101:101", true),
            ("0.1.2.3", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("100.127.0.1", false),
            ("127.8.8.8", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.19.0.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            ("ff02::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
        ];
        for (address, expected) in rows {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn names_lead_where_they_may() {
        let rows = [
            // Host, address, and whether it may be there: anywhere public, there or named as this machine.
            ("farm.example", "1.1.1.1", true, true),
            ("farm.example", "127.0.0.1", false, false),
            ("farm.example", "10.0.0.1", false, false),
            ("farm.example", "::ffff:10.0.0.1", false, false),
            ("localhost.", "127.0.0.1", false, false),
            ("localhost", "127.0.0.1", false, true),
            ("localhost", "::1", false, true),
            ("127.0.0.1", "127.0.0.1", false, true),
            ("localhost", "10.0.0.1", false, false),
            ("localhost", "1.1.1.1", true, false),
        ];
        for (host, address, public, public_or_named_self) in rows {
            let address = address.parse().unwrap();
            let may = |reach: Reach| reach.check(host, address).is_ok();
            assert_eq!(may(Reach::Public), public, "{host} {address}");
            assert_eq!(may(Reach::PublicOrNamedSelf), public_or_named_self, "{host} {address}");
            assert!(may(Reach::Anywhere), "{host} {address}");
        }
    }
}
