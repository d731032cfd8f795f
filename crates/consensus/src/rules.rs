//! Rules in a genesis by which no chain could run.

/// A number that is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be between {least} and {most}, and is {got}")]
pub struct RulesError {
    /// Which field.
    pub field: &'static str,
    /// The smallest number that it may be.
    pub least: u64,
    /// The largest.
    pub most: u64,
    /// What it says.
    pub got: u64,
}

impl RulesError {
    /// Whether a field is within bounds.
    ///
    /// # Errors
    /// The field, where it is not.
    pub(crate) const fn check(field: &'static str, got: u64, (least, most): (u64, u64)) -> Result<(), Self> {
        if least <= got && got <= most {
            Ok(())
        } else {
            Err(Self {
                field,
                least,
                most,
                got,
            })
        }
    }
}
