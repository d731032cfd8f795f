//! Where webhooks may lead.

use crate::{reach, requestor::refusal::bad_input};
use rayswarm_api::Problem;
use reqwest::Url;

/// Bytes of an address at most, as the API says.
const URL_BYTES_MAX: usize = 2000;

/// The address, if events may be posted there: https, or http on this machine. Where names lead is checked at each
/// delivery.
pub fn check_url(text: &str) -> Result<Url, Problem> {
    let bad = |detail: String| {
        bad_input("bad_webhook_url", detail).next("give an https:// address, or an http:// address of this machine")
    };
    if text.len() > URL_BYTES_MAX {
        return Err(bad(format!(
            "the address has {} bytes; {URL_BYTES_MAX} is the most",
            text.len()
        )));
    }
    let mut url: Url = text
        .parse()
        .map_err(|error| bad(format!("the address is not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        let detail = "the address has a user name or a password, which would be kept and shown".into();
        return Err(bad(detail).next("leave it out; deliveries are signed with the webhook's secret"));
    }
    let host = url.host_str().unwrap_or_default();
    let local = reach::is_loopback(host);
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return Err(bad(format!("{host} is not this machine, and http is not encrypted"))),
        other => return Err(bad(format!("the address begins with {other}:"))),
    }
    if !local && reach::address(host).is_some_and(|address| !reach::is_public(address)) {
        let detail = format!("{host} is not an address of the public internet");
        return Err(bad_input("private_address", detail).next(
            "give an address of the internet, or http://127.0.0.1 for a program of this machine that passes it on",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn verdict(url: &str) -> String {
        match check_url(url) {
            Ok(_) => "ok".into(),
            Err(problem) => problem.kind,
        }
    }

    #[test]
    fn addresses_are_encrypted_and_public_or_of_this_machine() {
        let rows = [
            ("https://farm.example/hook?key=1", "ok"),
            ("https://203.0.114.1:8443/", "ok"),
            ("https://[2606:4700::1111]/", "ok"),
            ("http://127.0.0.1:9000/hook", "ok"),
            ("http://localhost/hook", "ok"),
            ("http://[::1]:9000/", "ok"),
            ("https://localhost/", "ok"),
            ("http://2130706433/", "ok"),
            ("http://farm.example/hook", "bad_webhook_url"),
            ("http://localhost.farm.example/", "bad_webhook_url"),
            ("http://10.0.0.1/", "bad_webhook_url"),
            ("ftp://127.0.0.1/", "bad_webhook_url"),
            ("file:///etc/passwd", "bad_webhook_url"),
            ("https://user@farm.example/", "bad_webhook_url"),
            ("https://:word@farm.example/", "bad_webhook_url"),
            ("farm.example", "bad_webhook_url"),
            ("", "bad_webhook_url"),
            ("https://10.0.0.1/", "private_address"),
            ("https://0x0a000001/", "private_address"),
            ("https://169.254.169.254/latest", "private_address"),
            ("https://[fd00::1]/", "private_address"),
            ("https://[::ffff:192.168.0.1]/", "private_address"),
            ("https://0.0.0.0/", "private_address"),
        ];
        for (url, expected) in rows {
            assert_eq!(verdict(url), expected, "{url}");
        }
        assert_eq!(
            verdict(&format!("https://farm.example/{}", "x".repeat(2000))),
            "bad_webhook_url"
        );
    }

    #[test]
    fn refusals_do_not_repeat_passwords() {
        let problem = check_url("https://user:hunter2@farm.example/").unwrap_err();
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
}
