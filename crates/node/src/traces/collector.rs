//! Which collector traces go to, as OpenTelemetry's environment variables say it. Without them nothing is sent.

use reqwest::Url;

/// Its address for everything, to which the path of traces is added.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Its address for traces, as it stands.
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// What is spoken there.
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const PROTOCOL: &str = "http/protobuf";

/// A collector of traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// Where spans are posted.
    pub url: Url,
    /// What this node is called there, if not by its program's name.
    pub service: Option<String>,
}

/// The environment names a collector that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectorError {
    /// Its address is none.
    #[error("{variable} is no http or https address; set it to one like http://127.0.0.1:4318")]
    Address {
        /// Where it is written.
        variable: &'static str,
    },
    /// It speaks something else.
    #[error("{variable} is {protocol:?}; only {PROTOCOL} is spoken, as a rule at port 4318")]
    Protocol {
        /// Where it is written.
        variable: &'static str,
        /// What is written.
        protocol: String,
    },
}

impl Collector {
    /// The one of this process' environment. One that cannot be used is told of, and is none.
    pub fn from_env() -> Option<Self> {
        Self::read(|variable| std::env::var(variable).ok()).unwrap_or_else(|error| {
            tracing::warn!(%error, "no traces are sent");
            None
        })
    }

    fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, CollectorError> {
        // As everywhere in OpenTelemetry, an empty variable is one that is not set.
        let set = |variable| environment(variable).filter(|value| !value.trim().is_empty());
        let says = |variable, word: &str| set(variable).is_some_and(|value| value.trim().eq_ignore_ascii_case(word));
        if says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let url = match (set(TRACES_ENDPOINT), set(ENDPOINT)) {
            (Some(own), _) => address(TRACES_ENDPOINT, &own)?,
            (None, Some(base)) => {
                let mut url = address(ENDPOINT, &base)?;
                url.set_path(&format!("{}/v1/traces", url.path().trim_end_matches('/')));
                url
            }
            (None, None) => return Ok(None),
        };
        let spoken = PROTOCOLS
            .into_iter()
            .find_map(|variable| Some((variable, set(variable)?)));
        if let Some((variable, protocol)) = spoken.filter(|(_, protocol)| protocol.trim() != PROTOCOL) {
            return Err(CollectorError::Protocol { variable, protocol });
        }
        Ok(Some(Self {
            url,
            service: set("OTEL_SERVICE_NAME"),
        }))
    }
}

/// An address may hold a password, so it is not repeated.
fn address(variable: &'static str, text: &str) -> Result<Url, CollectorError> {
    let url = text.trim().parse::<Url>().ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or(CollectorError::Address { variable })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Collector>, CollectorError> {
        Collector::read(|wanted| {
            let found = variables.iter().find(|(variable, _)| *variable == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn url(variables: &[(&str, &str)]) -> Option<String> {
        read(variables).unwrap().map(|collector| collector.url.to_string())
    }

    #[test]
    fn nothing_is_sent_unless_an_address_is_set() {
        for variables in [
            &[][..],
            &[(ENDPOINT, "")],
            &[("OTEL_SERVICE_NAME", "farm"), (PROTOCOLS[1], "http/protobuf")],
            &[(ENDPOINT, "http://c:4318"), ("OTEL_SDK_DISABLED", "true")],
            &[(ENDPOINT, "http://c:4318"), ("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert_eq!(read(variables), Ok(None), "{variables:?}");
        }
    }

    #[test]
    fn the_address_for_everything_gets_a_path_and_the_one_for_traces_does_not() {
        let everything = (ENDPOINT, "http://c:4318");
        assert_eq!(url(&[everything]).unwrap(), "http://c:4318/v1/traces");
        assert_eq!(
            url(&[(ENDPOINT, "https://c/otlp/")]).unwrap(),
            "https://c/otlp/v1/traces"
        );
        let traces = (TRACES_ENDPOINT, "http://d/x");
        assert_eq!(url(&[everything, traces]).unwrap(), "http://d/x");
        let named = read(&[everything, ("OTEL_SERVICE_NAME", "farm")]).unwrap().unwrap();
        assert_eq!(named.service.as_deref(), Some("farm"));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_secrets() {
        for text in ["c:4318", "ftp://c", "grpc://user:secret@c"] {
            let error = read(&[(ENDPOINT, text)]).unwrap_err();
            assert_eq!(error, CollectorError::Address { variable: ENDPOINT });
            assert!(!error.to_string().contains("secret"));
        }
        let error = read(&[(ENDPOINT, "http://c:4317"), (PROTOCOLS[1], "grpc")]).unwrap_err();
        assert!(
            error.to_string().contains("OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\""),
            "{error}"
        );
        let both = [(ENDPOINT, "http://c"), (PROTOCOLS[1], "grpc"), (PROTOCOLS[0], PROTOCOL)];
        assert!(read(&both).unwrap().is_some());
    }
}
