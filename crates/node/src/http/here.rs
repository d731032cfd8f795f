//! Programs of this machine that may call without a token: for pictures alone, and only as far as the cap lets them.

use super::{
    Refusal,
    auth::{Caller, host_name, no_token},
};
use crate::pictures::Payer;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use rayswarm_api::{Problem, access::Scope};
use std::net::IpAddr;

/// What a proxy adds: it says that somebody else calls, perhaps on another machine.
const OF_PROXIES: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Whether a path, or one as described, is one of pictures by their address.
pub fn is_for_pictures(path: &str) -> bool {
    path == "/render" || path.starts_with("/render/")
}

/// Whether a call comes from a program of this machine that knows it as such: on loopback, by a name of loopback, not
/// through a proxy, and from no page of another site.
pub fn is_from_here(peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    let host = text(header::HOST).map(host_name);
    let knows_it = host.is_some_and(|name| name == "localhost" || name.parse().is_ok_and(is_loopback));
    let is_passed_on = OF_PROXIES.iter().any(|name| headers.contains_key(*name));
    // Not every call of a page has an origin, but browsers say this with each.
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    let is_own_site = site.is_none_or(|site| site == b"same-origin" || site == b"none");
    headers.get(header::AUTHORIZATION).is_none()
        && peer.is_some_and(is_loopback)
        && knows_it
        && !is_passed_on
        && is_own_site
}

/// Said by the guard of a call that it let through without a token.
#[derive(Clone, Copy, Debug)]
pub struct FromHere;

/// Said by the guard of each call: by which scheme it came.
#[derive(Clone, Copy, Debug)]
pub struct By(pub &'static str);

/// Who asks for a picture.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The holder of a token; `None` for a program of this machine without one.
    caller: Option<Caller>,
    /// How this node was called, as in `http://localhost:3000`.
    pub origin: String,
}

impl Asker {
    /// Who pays for the picture, if the caller may have one made.
    pub fn may_begin(&self) -> Result<Payer, Problem> {
        if let Some(caller) = &self.caller {
            caller.require(Scope::Jobs)?;
            caller.require(Scope::Spend)?;
        }
        Ok(self.payer())
    }

    /// By whom pictures are paid that the caller has asked for.
    pub const fn payer(&self) -> Payer {
        match self.caller {
            Some(_) => Payer::TokenHolder,
            None => Payer::Capped,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Caller>().cloned();
        if caller.is_none() && parts.extensions.get::<FromHere>().is_none() {
            return Err(no_token().into());
        }
        let By(scheme) = parts.extensions.get::<By>().copied().unwrap_or(By("http"));
        let host = parts.headers.get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        Ok(Self {
            caller,
            origin: format!("{scheme}://{host}"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn may(peer: &str, host: &str, more: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for (name, value) in more {
            headers.insert(*name, value.parse().unwrap());
        }
        is_from_here(peer.parse().ok(), &headers)
    }

    #[test]
    fn only_loopback_calls_as_such() {
        for (peer, host, expected) in [
            ("127.0.0.1", "localhost:3000", true),
            ("127.0.0.1", "127.0.0.1:3000", true),
            ("::1", "[::1]:3000", true),
            ("::ffff:127.0.0.1", "localhost", true),
            ("10.0.0.7", "localhost:3000", false),
            ("::ffff:10.0.0.7", "localhost:3000", false),
            ("", "localhost:3000", false),
            // As a proxy of this machine asks for others.
            ("127.0.0.1", "farm.studio", false),
            ("127.0.0.1", "10.0.0.7:3000", false),
        ] {
            assert_eq!(may(peer, host, &[]), expected, "{peer} {host}");
        }
        assert!(!is_from_here(Some(HERE), &HeaderMap::new()));
    }

    #[test]
    fn neither_proxies_nor_foreign_pages_nor_wrong_tokens_count_as_this_machine() {
        let peer = HERE.to_string();
        let with = |name: &'static str, value: &str| may(&peer, "localhost:3000", &[(name, value)]);
        for name in OF_PROXIES {
            assert!(!with(name, "10.0.0.7"), "{name}");
        }
        for (site, expected) in [
            ("same-origin", true),
            ("none", true),
            ("cross-site", false),
            ("same-site", false),
        ] {
            assert_eq!(with("sec-fetch-site", site), expected, "{site}");
        }
        // What programs send.
        assert!(with("sec-fetch-mode", "cors"));
        assert!(!with("authorization", "Basic secret"));
    }

    #[test]
    fn pictures_have_paths_of_their_own() {
        for (path, expected) in [
            ("/render", true),
            ("/render/{job_id}", true),
            ("/renders", false),
            ("/v1/render", false),
            ("/", false),
        ] {
            assert_eq!(is_for_pictures(path), expected, "{path}");
        }
    }
}
