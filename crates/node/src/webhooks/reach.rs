//! Which machines a webhook may reach: the public internet's, or this one if the address says so itself. Else who may
//! make webhooks could have the node call what only the node can call.
//!
//! A name is resolved once for each delivery, and what it resolves to is both checked and connected to: a name that
//! changes its mind in between gains nothing.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A name leads where a webhook may not go.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReachError {
    /// Into a private network, or to this machine.
    #[error("{host} is at {address}, which is no address of the public internet; webhooks are not sent there")]
    Private {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
    /// `localhost` is elsewhere.
    #[error("{host} is at {address}, which is not this machine; correct the system's hosts file")]
    Elsewhere {
        /// The name.
        host: String,
        /// Where it leads.
        address: IpAddr,
    },
}

/// Resolves names of webhooks. Addresses written as such never come here: they are checked when a webhook is made.
pub struct Checked;

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str();
            // The client puts the URL's port in place of 0.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            for address in &found {
                check(host, address.ip())?;
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

fn check(host: &str, address: IpAddr) -> Result<(), ReachError> {
    let host = host.to_owned();
    match (is_loopback(&host), address.to_canonical().is_loopback()) {
        (true, true) => Ok(()),
        (true, false) => Err(ReachError::Elsewhere { host, address }),
        (false, _) if is_public(address) => Ok(()),
        (false, _) => Err(ReachError::Private { host, address }),
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
    fn names_lead_where_they_say() {
        let verdict = |host: &str, address: &str| check(host, address.parse().unwrap()).is_ok();
        assert!(verdict("farm.example", "1.1.1.1"));
        assert!(!verdict("farm.example", "127.0.0.1"));
        assert!(!verdict("farm.example", "10.0.0.1"));
        assert!(!verdict("localhost.", "127.0.0.1"));
        assert!(verdict("localhost", "127.0.0.1"));
        assert!(verdict("localhost", "::1"));
        assert!(!verdict("localhost", "10.0.0.1"));
        assert!(!verdict("localhost", "1.1.1.1"));
    }
}
