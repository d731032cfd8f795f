//! Pictures of the web, fetched for whoever may ask: from the public internet, and from hosts that the node's owner has
//! named.
//!
//! Redirects are followed here, each hop checked as the first: who leads on may lead astray.

mod allow;
#[cfg(test)]
mod tests;

pub use allow::{AllowedHost, ParseHostError};

use crate::{
    reach::{self, Checked, Lookup, Reach, ReachError, lookup_of_system},
    requestor::refusal::{bad_input, chain},
};
use rayswarm_api::Problem;
use rayswarm_imaging::{PhotoError, PhotoKind};
use rayswarm_model::Bytes;
use reqwest::{Client, Response, StatusCode, Url, header, redirect::Policy};
use std::{error::Error, net::IpAddr, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

/// Bytes of an address at most, as the API says.
const URL_BYTES_MAX: usize = 2000;
/// Pictures fetched at a time: each may take its limit of memory.
const AT_A_TIME: usize = 4;
/// Characters of a picture's name.
const NAME_CHARS_MAX: usize = 40;
/// What it is called where its address does not say.
const NAMELESS: &str = "picture";

/// How much and how far.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a picture.
    pub bytes: Bytes,
    /// Time for all of it, waiting for others included.
    pub time: Duration,
    /// Redirects one after another.
    pub redirects: usize,
}

impl Limits {
    /// Those of a node.
    pub const STANDARD: Self = Self {
        bytes: Bytes(64 << 20),
        time: Duration::from_secs(60),
        redirects: 5,
    };
}

/// A picture that was fetched: PNG or JPEG by its first bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// What people may call it: letters, digits, `-` and `_` of its address.
    pub name: String,
    /// Its file.
    pub bytes: Vec<u8>,
}

/// A picture could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No address at all.
    #[error("the picture's address is no URL ({0}); give one that begins with https:// or http://")]
    NotAUrl(String),
    /// An endless address.
    #[error("the picture's address has {0} bytes, and {URL_BYTES_MAX} is the most; give a shorter one")]
    TooLong(usize),
    /// Not of the web.
    #[error("the picture's address begins with {0}: and is not of the web; give one with https:// or http://")]
    Scheme(String),
    /// A secret in the address.
    #[error("the address at {0} has a user name or a password, which the node does not use; leave it out")]
    Credentials(String),
    /// Not where pictures may come from.
    #[error(
        "{host} is at {address}, which is no address of the public internet; the node's owner can allow it: \
         rayswarm up --fetch-allow {host}"
    )]
    Private {
        /// The host.
        host: String,
        /// Where it is.
        address: IpAddr,
    },
    /// Nobody answers.
    #[error("{host} cannot be reached; check the address")]
    Unreachable {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It leads on and on.
    #[error("more than {most} redirects, the last from {host}; give the address that the picture has in the end")]
    Redirects {
        /// The host.
        host: String,
        /// How many are followed.
        most: usize,
    },
    /// It leads nowhere.
    #[error("{host} leads on to {to:?}, which is no address; give the address that the picture has in the end")]
    BadRedirect {
        /// The host.
        host: String,
        /// Where to.
        to: String,
    },
    /// Something else than a picture.
    #[error("{host} answers {status} instead of a picture; check the address")]
    Status {
        /// The host.
        host: String,
        /// Its answer.
        status: StatusCode,
    },
    /// Too much of it.
    #[error("the picture at {host} has more than {most}; make it smaller")]
    TooLarge {
        /// The host.
        host: String,
        /// Bytes of a picture at most.
        most: Bytes,
    },
    /// Only a part has come.
    #[error("the picture of {host} broke off; try again")]
    BrokeOff {
        /// The host.
        host: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// Another kind of file.
    #[error("what {host} sends is no picture that is taken")]
    NotAPhoto {
        /// The host.
        host: String,
        /// What it is.
        #[source]
        source: PhotoError,
    },
    /// It takes too long.
    #[error("the picture of {host} did not come within {} s; try again, or keep it where it is faster", most.as_secs())]
    Slow {
        /// The host.
        host: String,
        /// How long it was waited for.
        most: Duration,
    },
}

impl FetchError {
    /// As callers are told. What others than the caller have to mend is a bad gateway.
    pub fn problem(&self) -> Problem {
        let detail = chain(self);
        match self {
            Self::NotAUrl(_) | Self::TooLong(_) | Self::Scheme(_) | Self::Credentials(_) => {
                bad_input("bad_image_url", detail)
            }
            Self::Private { .. } => bad_input("private_address", detail),
            Self::NotAPhoto { .. } => bad_input("not_a_picture", detail),
            Self::TooLarge { .. } => Problem::new(413, "picture_too_large", detail),
            Self::Status { status, .. } if status.is_client_error() => bad_input("no_picture", detail),
            Self::Slow { .. } => Problem::new(504, "picture_slow", detail),
            Self::Unreachable { .. }
            | Self::Redirects { .. }
            | Self::BadRedirect { .. }
            | Self::Status { .. }
            | Self::BrokeOff { .. } => Problem::new(502, "picture_unreachable", detail),
        }
    }
}

/// Fetches pictures.
pub struct Fetcher {
    /// For hosts of the public internet.
    public: Client,
    /// For hosts that may be anywhere.
    anywhere: Client,
    allowed: Vec<AllowedHost>,
    turns: Semaphore,
    limits: Limits,
}

impl Fetcher {
    /// Gets ready. `allowed` are the hosts that may be elsewhere than on the public internet.
    pub fn new(allowed: Vec<AllowedHost>) -> Result<Self, reqwest::Error> {
        Self::with(allowed, Limits::STANDARD, &lookup_of_system())
    }

    fn with(allowed: Vec<AllowedHost>, limits: Limits, lookup: &Lookup) -> Result<Self, reqwest::Error> {
        Ok(Self {
            public: client(Checked::new(Reach::Public, lookup.clone()))?,
            anywhere: client(Checked::new(Reach::Anywhere, lookup.clone()))?,
            allowed,
            turns: Semaphore::new(AT_A_TIME),
            limits,
        })
    }

    /// Fetches the picture at an address.
    pub async fn photo(&self, address: &str) -> Result<Fetched, FetchError> {
        if address.len() > URL_BYTES_MAX {
            return Err(FetchError::TooLong(address.len()));
        }
        let parsed = address.parse::<Url>();
        let url = parsed.map_err(|error| FetchError::NotAUrl(error.to_string()))?;
        let host = host_of(&url);
        let fetching = async {
            // Never closed.
            let _turn = self.turns.acquire().await.ok();
            self.follow(url).await
        };
        let most = self.limits.time;
        let fetched = timeout(most, fetching).await;
        fetched.unwrap_or_else(|_| Err(FetchError::Slow { host, most }))
    }

    async fn follow(&self, mut url: Url) -> Result<Fetched, FetchError> {
        let name = name_of(&url);
        for _ in 0..=self.limits.redirects {
            let answer = self.ask(&url).await?;
            match onward(&url, &answer)? {
                Some(next) => url = next,
                None => {
                    let bytes = self.body(host_of(&url), answer).await?;
                    return Ok(Fetched { name, bytes });
                }
            }
        }
        Err(FetchError::Redirects {
            host: host_of(&url),
            most: self.limits.redirects,
        })
    }

    async fn ask(&self, url: &Url) -> Result<Response, FetchError> {
        let asked = self.client_for(url)?.get(url.clone());
        let answer = asked.header(header::ACCEPT, "image/png, image/jpeg").send().await;
        answer.map_err(|error| unreached(url, error))
    }

    /// Checks an address as far as it can be before its name is resolved, and gives the client that checks the rest.
    fn client_for(&self, url: &Url) -> Result<&Client, FetchError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme(url.scheme().into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials(host_of(url)));
        }
        let (host, port) = (host_of(url), url.port_or_known_default());
        if self.allowed.iter().any(|allowed| allowed.covers(&host, port)) {
            return Ok(&self.anywhere);
        }
        if let Some(address) = reach::address(&host) {
            Reach::Public.check(&host, address).map_err(|error| not_there(&error))?;
        }
        Ok(&self.public)
    }

    async fn body(&self, host: String, mut answer: Response) -> Result<Vec<u8>, FetchError> {
        let status = answer.status();
        if !status.is_success() {
            return Err(FetchError::Status { host, status });
        }
        let most = self.limits.bytes;
        let fits = |length: u64| length <= most.0;
        if answer.content_length().is_some_and(|length| !fits(length)) {
            return Err(FetchError::TooLarge { host, most });
        }
        let mut bytes = Vec::new();
        loop {
            let piece = match answer.chunk().await {
                Ok(piece) => piece,
                Err(error) => {
                    let source = error.without_url();
                    return Err(FetchError::BrokeOff { host, source });
                }
            };
            let is_whole = piece.is_none();
            bytes.extend_from_slice(piece.as_deref().unwrap_or_default());
            if !fits(bytes.len() as u64) {
                return Err(FetchError::TooLarge { host, most });
            }
            let is_known = is_whole || bytes.len() >= PhotoKind::BYTES_NEEDED;
            if is_known && PhotoKind::of(&bytes).is_none() {
                let source = PhotoError::unknown(&bytes);
                return Err(FetchError::NotAPhoto { host, source });
            }
            if is_whole {
                return Ok(bytes);
            }
        }
    }
}

/// No proxy and no redirect: both would go where nobody has looked. No connection is kept: each hop checks anew where
/// its name leads.
fn client(resolver: Checked) -> Result<Client, reqwest::Error> {
    // Built without a TLS provider of its own (iroh's choice for the whole program); an error means one is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .dns_resolver(resolver)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("rayswarm/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Where an answer leads on to.
fn onward(url: &Url, answer: &Response) -> Result<Option<Url>, FetchError> {
    if !matches!(answer.status().as_u16(), 301..=303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer.headers().get(header::LOCATION);
    let to = location.map_or_else(String::new, |to| String::from_utf8_lossy(to.as_bytes()).into_owned());
    let next = Some(to.as_str()).filter(|to| !to.is_empty() && to.len() <= URL_BYTES_MAX);
    match next.and_then(|to| url.join(to).ok()) {
        Some(next) => Ok(Some(next)),
        None => Err(FetchError::BadRedirect {
            host: host_of(url),
            to: to.chars().take(NAME_CHARS_MAX).collect(),
        }),
    }
}

/// Why nobody answers.
fn unreached(url: &Url, error: reqwest::Error) -> FetchError {
    match astray(&error) {
        Some(astray) => not_there(astray),
        None => FetchError::Unreachable {
            host: host_of(url),
            source: error.without_url(),
        },
    }
}

/// That a name leads where it may not stands among the causes.
fn astray(error: &reqwest::Error) -> Option<&ReachError> {
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(astray) = found.downcast_ref() {
            return Some(astray);
        }
        cause = found.source();
    }
    None
}

fn not_there(error: &ReachError) -> FetchError {
    match error {
        ReachError::Private { host, address } | ReachError::Elsewhere { host, address } => FetchError::Private {
            host: host.clone(),
            address: *address,
        },
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The last part of an address without its extension, as a name that any file system takes.
fn name_of(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut parts| parts.next_back());
    let last = last.unwrap_or_default();
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let name: String = stem
        .chars()
        .take(NAME_CHARS_MAX)
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    if name.is_empty() { NAMELESS.into() } else { name }
}
