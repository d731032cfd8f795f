//! Reading what was typed into the choices it stands for.

use crate::exit::BadInput;
use rayswarm_api::job::{Positive, ResolutionChoice, SliceChoice, TileChoice};
use rayswarm_model::{Address, Amount, JobId, Resolution, units::parse_span};
use rayswarm_node::keeper::PeerAddr;
use std::{net::SocketAddr, time::Duration};

/// A picture of ten times the file's size is a typing error more often than a poster.
const PERCENT_MAX: u32 = 1000;
/// All, in ten-thousandths.
const ALL_BPS: u16 = 10_000;
/// Blocks further apart than a day are a typing error.
const BLOCK_TIME_MAX: Duration = Duration::from_secs(86_400);

pub fn parse_resolution(text: &str) -> Result<ResolutionChoice, String> {
    if let Some(percent) = text.trim().strip_suffix('%') {
        let percent: Option<u32> = percent.trim().parse().ok().filter(|percent| *percent <= PERCENT_MAX);
        let wrong = || format!("{text:?} is not a share of the file's size; write 1% to {PERCENT_MAX}%");
        return percent
            .and_then(Positive::new)
            .map(ResolutionChoice::Percent)
            .ok_or_else(wrong);
    }
    text.parse::<Resolution>()
        .map(ResolutionChoice::Exact)
        .map_err(|error| error.to_string())
}

pub fn parse_tiles(text: &str) -> Result<TileChoice, String> {
    if text == "auto" {
        return Ok(TileChoice::Auto);
    }
    let sides = text
        .split_once('x')
        .and_then(|(columns, rows)| Some((positive(columns)?, positive(rows)?)));
    match sides {
        Some((columns, rows)) => Ok(TileChoice::Grid([columns, rows])),
        None => Err(format!(
            "{text:?} is not a grid of tiles; write for example 4x3, or auto"
        )),
    }
}

pub fn parse_slices(text: &str) -> Result<SliceChoice, String> {
    match (text, positive(text)) {
        ("auto", _) => Ok(SliceChoice::Auto),
        (_, Some(count)) => Ok(SliceChoice::Count(count)),
        _ => Err(format!(
            "{text:?} is not a number of slices; write for example 4, or auto"
        )),
    }
}

fn positive(text: &str) -> Option<Positive> {
    Positive::new(text.parse().ok()?)
}

pub fn parse_option(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or_else(|| format!("{text:?} is not of the form NAME=VALUE"))?;
    Ok((name.into(), value.into()))
}

/// `ACCOUNT` or `ACCOUNT=COINS`.
pub fn parse_account_coins(text: &str) -> Result<(Address, Option<Amount>), String> {
    let (account, coins) = match text.trim().split_once('=') {
        Some((account, coins)) => (account, Some(coins)),
        None => (text.trim(), None),
    };
    let account = account
        .trim()
        .parse()
        .map_err(|_| format!("{account:?} is not an account; write 0x and 40 hexadecimal digits"))?;
    let coins = coins
        .map(str::parse::<Amount>)
        .transpose()
        .map_err(|error| format!("{error}"))?;
    Ok((account, coins))
}

/// `NODE@IP:PORT`, with further addresses after commas.
pub fn parse_peer(text: &str) -> Result<PeerAddr, String> {
    let wrong =
        || format!("{text:?} is not a node and where it is; write NODE@IP:PORT as `rayswarm chain run` prints it");
    let (node, sockets) = text.trim().split_once('@').ok_or_else(wrong)?;
    let sockets: Result<Vec<SocketAddr>, _> = sockets.split(',').map(|socket| socket.trim().parse()).collect();
    Ok(PeerAddr {
        node: node.parse().map_err(|_| wrong())?,
        sockets: sockets.map_err(|_| wrong())?,
        relay: None,
    })
}

/// A node and where it is, as [`parse_peer`] reads it; `None` where no address is known.
pub fn peer_text(address: &PeerAddr) -> Option<String> {
    let sockets: Vec<String> = address.sockets.iter().map(ToString::to_string).collect();
    (!sockets.is_empty()).then(|| format!("{}@{}", address.node, sockets.join(",")))
}

/// A part of a whole in percent with at most two decimals, as ten-thousandths.
pub fn parse_percent(text: &str) -> Result<u16, String> {
    let digits = text.trim().trim_end_matches('%');
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = [whole, decimals].concat().bytes().all(|byte| byte.is_ascii_digit());
    let bps = (are_digits && !whole.is_empty() && decimals.len() <= 2)
        .then(|| format!("{whole}{decimals:0<2}").parse::<u16>().ok())
        .flatten();
    bps.filter(|bps| *bps <= ALL_BPS)
        .ok_or_else(|| format!("{text:?} is not a part in percent; write 0 to 100 with at most two decimals"))
}

/// A span that may be shorter than a second: `500ms`, `2s`.
pub fn parse_block_time(text: &str) -> Result<Duration, String> {
    let span = match text.trim().strip_suffix("ms") {
        Some(millis) => millis.trim().parse().ok().map(Duration::from_millis),
        None => parse_span(text).ok(),
    };
    span.filter(|span| !span.is_zero() && *span <= BLOCK_TIME_MAX)
        .ok_or_else(|| format!("{text:?} is not a time between blocks; write for example 2s or 500ms, at most 24h"))
}

/// A job id, or as many of its first digits as tell it apart.
pub fn match_job(prefix: &str, known: impl Iterator<Item = JobId>) -> Result<JobId, BadInput> {
    let digits = prefix.strip_prefix("0x").unwrap_or(prefix).to_lowercase();
    let found: Vec<JobId> = known.filter(|id| id.to_string().starts_with(&digits)).collect();
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(BadInput(format!(
            "no job's id begins with {prefix:?}; `rayswarm jobs list` shows them"
        ))),
        _ => Err(BadInput(format!(
            "{} jobs' ids begin with {prefix:?}; give more digits",
            found.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn choices_are_read_as_typed() {
        assert_eq!(
            parse_tiles("4x3").unwrap(),
            TileChoice::Grid([positive("4").unwrap(), positive("3").unwrap()])
        );
        assert_eq!(
            parse_resolution("50%").unwrap(),
            ResolutionChoice::Percent(positive("50").unwrap())
        );
        assert_eq!(parse_option("declare=fp=0").unwrap(), ("declare".into(), "fp=0".into()));
        for wrong in ["0x3", "4", "x", ""] {
            assert!(parse_tiles(wrong).is_err(), "{wrong}");
        }
        assert!(parse_slices("0").is_err());
        assert!(parse_resolution("0%").is_err());
    }

    #[test]
    fn accounts_and_coins_are_read_as_typed() {
        let account = Address::repeat_byte(7);
        assert_eq!(parse_account_coins(&account.to_string()).unwrap(), (account, None));
        let typed = format!("{account}=2.5");
        let coins = parse_account_coins(&typed).unwrap().1.map(|coins| coins.to_string());
        assert_eq!(coins.as_deref(), Some("2.5"));
        for wrong in ["", "=1", "0x07=1", &format!("{account}="), &format!("{account}=-1")] {
            assert!(parse_account_coins(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn peers_are_read_as_they_are_printed() {
        let node = "0a".repeat(32);
        let peer = parse_peer(&format!("{node}@127.0.0.1:7000,[::1]:7001")).unwrap();
        assert_eq!(peer.node.to_string(), node);
        assert_eq!(peer.sockets.len(), 2);
        for wrong in [
            node.clone(),
            format!("{node}@"),
            format!("{node}@host:1"),
            "x@127.0.0.1:1".into(),
        ] {
            assert!(parse_peer(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn percents_have_two_decimals() {
        for (text, expected) in [("0", 0), ("5", 500), ("2.5%", 250), ("12.34", 1_234), ("100", 10_000)] {
            assert_eq!(parse_percent(text), Ok(expected), "{text}");
        }
        for wrong in ["", ".5", "100.01", "1.234", "-1", "five", "1e2"] {
            assert!(parse_percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn blocks_may_be_less_than_a_second_apart() {
        for (text, millis) in [("500ms", 500), ("2s", 2_000), ("1m", 60_000)] {
            assert_eq!(parse_block_time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["0ms", "0s", "2", "ms", "48h", "1.5s"] {
            assert!(parse_block_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_job_is_found_by_its_first_digits() {
        let ids = [JobId::from_bytes([0xab; 32]), JobId::from_bytes([0xac; 32])];
        assert_eq!(match_job("ab", ids.into_iter()).unwrap(), ids[0]);
        assert!(match_job("a", ids.into_iter()).is_err());
        assert!(match_job("ff", ids.into_iter()).is_err());
    }
}
