//! Reading what was typed into the choices it stands for.

use crate::exit::BadInput;
use rayswarm_api::job::{Positive, ResolutionChoice, SliceChoice, TileChoice};
use rayswarm_model::{JobId, Resolution};

/// A picture of ten times the file's size is a typing error more often than a poster.
const PERCENT_MAX: u32 = 1000;

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
    fn a_job_is_found_by_its_first_digits() {
        let ids = [JobId::from_bytes([0xab; 32]), JobId::from_bytes([0xac; 32])];
        assert_eq!(match_job("ab", ids.into_iter()).unwrap(), ids[0]);
        assert!(match_job("a", ids.into_iter()).is_err());
        assert!(match_job("ff", ids.into_iter()).is_err());
    }
}
