//! Which frames of a scene: `7`, `1-48`, `1,5,9-20x2` (OpenJD range expressions with Blender's dash).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The most frames one job may have; a range beyond it is a typing error more often than a film.
pub const FRAMES_MAX: usize = 1_000_000;

/// A non-empty, ascending list of frame numbers without repeats.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<i32>", into = "Vec<i32>")]
pub struct Frames(Vec<i32>);

/// A text or list does not name frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramesError {
    /// Not of the form `1-48` or `1,5,9-20x2`.
    #[error("{0:?} does not name frames; write for example 1-48 or 1,5,9-20x2")]
    Syntax(String),
    /// The end lies before the start.
    #[error("the range {0:?} ends before it starts; write the smaller frame first")]
    Backwards(String),
    /// Nothing was named.
    #[error("no frame is named; give at least one, for example --frames 1")]
    Empty,
    /// More than [`FRAMES_MAX`].
    #[error("more than {FRAMES_MAX} frames are named; split the film into several jobs")]
    TooMany,
}

impl Frames {
    /// One frame.
    pub fn single(frame: i32) -> Self {
        Self(vec![frame])
    }

    /// Every `step`-th frame from `start` to `end` inclusive.
    pub fn range(start: i32, end: i32, step: u32) -> Result<Self, FramesError> {
        if end < start {
            return Err(FramesError::Backwards(format!("{start}-{end}")));
        }
        let count = (i64::from(end) - i64::from(start)) / i64::from(step.max(1)) + 1;
        if count > FRAMES_MAX as i64 {
            return Err(FramesError::TooMany);
        }
        Ok(Self((start..=end).step_by(step.max(1) as usize).collect()))
    }

    /// The frames, ascending.
    pub fn as_slice(&self) -> &[i32] {
        &self.0
    }

    /// How many; never zero.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The first frame.
    pub fn first(&self) -> i32 {
        self.0[0]
    }
}

impl TryFrom<Vec<i32>> for Frames {
    type Error = FramesError;
    fn try_from(mut frames: Vec<i32>) -> Result<Self, Self::Error> {
        frames.sort_unstable();
        frames.dedup();
        match frames.len() {
            0 => Err(FramesError::Empty),
            count if count > FRAMES_MAX => Err(FramesError::TooMany),
            _ => Ok(Self(frames)),
        }
    }
}

impl From<Frames> for Vec<i32> {
    fn from(frames: Frames) -> Self {
        frames.0
    }
}

impl FromStr for Frames {
    type Err = FramesError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut frames = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let part = parse_part(part)?;
            if frames.len() + part.0.len() > FRAMES_MAX {
                return Err(FramesError::TooMany);
            }
            frames.extend(part.0);
        }
        Self::try_from(frames)
    }
}

/// Reads `7`, `-3`, `1-48`, `-5--1` or `9-20x2`.
fn parse_part(part: &str) -> Result<Frames, FramesError> {
    let syntax = || FramesError::Syntax(part.into());
    let (range, step) = match part.split_once('x') {
        Some((range, step)) => (
            range,
            step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(syntax)?,
        ),
        None => (part, 1),
    };
    // A dash after the first character separates; one at the start is a sign.
    let dash = range
        .char_indices()
        .skip(1)
        .find(|(_, letter)| *letter == '-')
        .map(|(at, _)| at);
    let number = |text: &str| text.trim().parse::<i32>().map_err(|_| syntax());
    match dash {
        Some(at) => Frames::range(number(&range[..at])?, number(&range[at + 1..])?, step),
        None => Ok(Frames::single(number(range)?)),
    }
}

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(i32, i32)> = Vec::new();
        for &frame in &self.0 {
            match runs.last_mut() {
                Some((_, end)) if i64::from(*end) + 1 == i64::from(frame) => *end = frame,
                _ => runs.push((frame, frame)),
            }
        }
        for (index, (start, end)) in runs.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if start == end {
                write!(f, "{comma}{start}")?
            } else {
                write!(f, "{comma}{start}-{end}")?
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_are_read_as_typed() {
        let cases: &[(&str, &[i32])] = &[
            ("7", &[7]),
            ("1-4", &[1, 2, 3, 4]),
            ("1,5,9-13x2", &[1, 5, 9, 11, 13]),
            ("5,1,5", &[1, 5]),
            ("-3--1", &[-3, -2, -1]),
            (" 2 , 3 ", &[2, 3]),
        ];
        for (text, frames) in cases {
            assert_eq!(text.parse::<Frames>().unwrap().as_slice(), *frames, "{text}");
        }
        for text in ["", ",", "a", "1-", "4-1", "1-9x0", "1-2-3", "0-99999999"] {
            assert!(text.parse::<Frames>().is_err(), "{text}");
        }
    }

    #[test]
    fn they_print_as_runs() {
        assert_eq!("1,2,3,7,9-10".parse::<Frames>().unwrap().to_string(), "1-3,7,9-10");
    }
}
