//! Which frames an animation has and which clock each gets.
//!
//! POV-Ray computes the clock from the declared range, so every task is given the whole range of the job and told to
//! render one frame of it. The clock of a frame then never depends on which other frames a job asks for.

use crate::error::EngineError;

/// The declared range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Animation {
    pub(crate) initial_frame: Option<i32>,
    pub(crate) final_frame: Option<i32>,
    /// Clocks stay as text: they are handed on digit by digit.
    pub(crate) initial_clock: String,
    pub(crate) final_clock: String,
    pub(crate) cyclic: bool,
    /// The clock of a still.
    pub(crate) clock: String,
}

impl Default for Animation {
    fn default() -> Self {
        let clock = |value: &str| value.to_owned();
        let (initial_clock, final_clock) = (clock("0.0"), clock("1.0"));
        Self {
            initial_frame: None,
            final_frame: None,
            initial_clock,
            final_clock,
            cyclic: false,
            clock: clock("0.0"),
        }
    }
}

impl Animation {
    /// First and last frame; a still is frame 1.
    pub(crate) fn range(&self) -> (i32, i32) {
        let initial = self.initial_frame.unwrap_or(1);
        (initial, self.final_frame.unwrap_or(initial))
    }

    /// Whether a range was declared at all.
    pub(crate) fn is_declared(&self) -> bool {
        self.final_frame.is_some()
    }

    /// Refuses a range that ends before it starts or holds what POV-Ray cannot count.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let (first, last) = self.range();
        if first >= 0 && first <= last {
            return Ok(());
        }
        Err(EngineError::Refused {
            code: "bad_frames",
            message: format!("the animation runs from frame {first} to frame {last}"),
            remedy: "set initial_frame and final_frame so that 0 ≤ initial ≤ final".into(),
        })
    }

    /// Arguments that render `frame` of the declared range.
    pub(crate) fn arguments(&self, frame: i32) -> Result<Vec<String>, EngineError> {
        let (first, last) = self.range();
        if !(first..=last).contains(&frame) {
            return Err(EngineError::Refused {
                code: "frame_outside_range",
                message: format!("frame {frame} lies outside the declared range {first}-{last}, so it has no clock"),
                remedy: format!("declare the range: --option initial_frame={first} --option final_frame={frame}"),
            });
        }
        if !self.is_declared() {
            return Ok(vec![format!("+K{}", self.clock)]);
        }
        let mut arguments = vec![
            format!("+KFI{first}"),
            format!("+KFF{last}"),
            format!("+KI{}", self.initial_clock),
            format!("+KF{}", self.final_clock),
            format!("+SF{frame}"),
            format!("+EF{frame}"),
        ];
        arguments.push(if self.cyclic { "+KC" } else { "-KC" }.into());
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_frame_is_rendered_within_the_whole_range() {
        let animation = Animation {
            final_frame: Some(20),
            final_clock: "0.1666".into(),
            cyclic: true,
            ..Animation::default()
        };
        let arguments = animation.arguments(5).unwrap().join(" ");
        assert_eq!(arguments, "+KFI1 +KFF20 +KI0.0 +KF0.1666 +SF5 +EF5 +KC");
        assert!(animation.arguments(21).is_err());
        assert!(animation.arguments(0).is_err());
    }

    #[test]
    fn a_still_has_one_frame_and_its_own_clock() {
        let still = Animation {
            clock: "0.4".into(),
            ..Animation::default()
        };
        assert_eq!(still.arguments(1).unwrap(), ["+K0.4"]);
        let refused = still.arguments(2).unwrap_err().to_string();
        assert!(refused.contains("final_frame=2"), "{refused}");
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_refused() {
        assert!(
            Animation {
                initial_frame: Some(5),
                final_frame: Some(4),
                ..Animation::default()
            }
            .check()
            .is_err()
        );
        assert!(
            Animation {
                initial_frame: Some(-5),
                ..Animation::default()
            }
            .check()
            .is_err()
        );
    }
}
