//! Hosts that the node's owner has named: pictures may be fetched from them wherever they are.

use crate::reach;
use rustls::pki_types::ServerName;
use std::{fmt, net::IpAddr, str::FromStr};

/// A host, at one port or at any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHost {
    /// A name, or an address without brackets.
    host: String,
    port: Option<u16>,
}

/// A text names no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no host; give a name or an address, with a port or without, as in pictures.example or 10.0.0.7:8080")]
pub struct ParseHostError(String);

impl AllowedHost {
    /// Whether it is the host of a URL. A name is not the address that it leads to, nor the other way round.
    pub fn covers(&self, host: &str, port: Option<u16>) -> bool {
        let is_same = match (reach::address(&self.host), reach::address(host)) {
            (Some(own), Some(other)) => own.to_canonical() == other.to_canonical(),
            (None, None) => self.host.eq_ignore_ascii_case(host),
            _ => false,
        };
        is_same && self.port.is_none_or(|own| port == Some(own))
    }
}

impl FromStr for AllowedHost {
    type Err = ParseHostError;

    fn from_str(text: &str) -> Result<Self, ParseHostError> {
        let bad = || ParseHostError(text.into());
        let (host, port) = parts(text).ok_or_else(bad)?;
        let port = port.map(|port| port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(bad));
        ServerName::try_from(host).map_err(|_| bad())?;
        Ok(Self {
            host: host.into(),
            port: port.transpose()?,
        })
    }
}

/// An address of IPv6 stands in brackets where a port follows.
fn parts(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = (!rest.is_empty()).then(|| rest.strip_prefix(':'));
        return match port {
            Some(port) => Some((host, Some(port?))),
            None => Some((host, None)),
        };
    }
    if text.parse::<IpAddr>().is_ok() {
        return Some((text, None));
    }
    Some(match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    })
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => f.write_str(&self.host),
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hosts_are_read_and_shown_alike() {
        for text in [
            "pictures.example",
            "nas:8080",
            "10.0.0.7",
            "10.0.0.7:80",
            "fd00::7",
            "[fd00::7]:8080",
        ] {
            assert_eq!(text.parse::<AllowedHost>().unwrap().to_string(), text);
        }
        assert_eq!("[fd00::7]".parse::<AllowedHost>().unwrap().to_string(), "fd00::7");
        for text in [
            "",
            ":80",
            "nas:",
            "nas:0",
            "nas:65536",
            "nas:http",
            "http://nas",
            "nas/",
            "*.example",
            "a b",
            "[fd00::7",
            "[fd00::7]80",
            "[fd00::7]:",
        ] {
            let error = text.parse::<AllowedHost>().unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?} is no host")), "{error}");
        }
    }

    #[test]
    fn a_host_is_covered_by_its_own_name_at_its_own_port() {
        let rows = [
            ("nas", "nas", 80, true),
            ("nas", "NAS", 8080, true),
            ("nas:8080", "nas", 8080, true),
            ("nas:8080", "nas", 80, false),
            ("nas", "nas.example", 80, false),
            ("nas.example", "evil-nas.example", 80, false),
            ("10.0.0.7", "10.0.0.7", 443, true),
            ("10.0.0.7", "[::ffff:a00:7]", 443, true),
            ("10.0.0.7", "10.0.0.70", 443, false),
            ("fd00::7", "[fd00::7]", 80, true),
            ("[fd00:0::7]:80", "[fd00::7]", 80, true),
            ("localhost", "127.0.0.1", 80, false),
        ];
        for (allowed, host, port, expected) in rows {
            let allowed: AllowedHost = allowed.parse().unwrap();
            assert_eq!(allowed.covers(host, Some(port)), expected, "{allowed} {host} {port}");
        }
    }
}
