//! Why a template, its values or a command of it cannot be used.

use std::fmt;

/// What is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenJdError {
    /// A document breaks the rules of its kind.
    #[error("{document} cannot be used:{}", lines(faults))]
    Document {
        /// Its name.
        document: String,
        /// What is wrong in it; never empty.
        faults: Vec<Fault>,
    },
    /// A document is larger than anyone writes by hand.
    #[error("{document} has {found} bytes, and at most {most} are read; move data out of it into files of the job")]
    TooLarge {
        /// Its name.
        document: String,
        /// Its length.
        found: usize,
        /// What is allowed.
        most: usize,
    },
    /// The values do not fit the parameters.
    #[error("the parameters' values cannot be used: {reason}; give values with -p NAME=VALUE")]
    Values {
        /// Every fault, separated by semicolons.
        reason: String,
    },
    /// A value was not given as a name and a value.
    #[error("{text:?} is no parameter value; write NAME=VALUE")]
    NoAssignment {
        /// What was given.
        text: String,
    },
    /// With these values the template makes no job.
    #[error("no job can be made of {name:?} with these values: {reason}")]
    Expansion {
        /// The template's name.
        name: String,
        /// Why.
        reason: String,
    },
    /// Steps wait for one another.
    #[error("the steps {steps} wait for one another; take one of their dependencies away")]
    Cycle {
        /// Their names.
        steps: String,
    },
    /// A step wants something of its machine that is not known here.
    #[error("step {step:?} requires {what}, which no node of Rayswarm has or tells; take it out of hostRequirements")]
    UnknownRequirement {
        /// The step.
        step: String,
        /// The requirement.
        what: String,
    },
    /// A command cannot be completed: a name in it has no value.
    #[error("{what} of {owner:?} cannot be resolved: {reason}")]
    Resolution {
        /// The step or environment.
        owner: String,
        /// The field.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A path of a job lies where a session's own files are, or is none.
    #[error("{path:?} cannot be shown to a job: {reason}")]
    Path {
        /// The path.
        path: String,
        /// Why not.
        reason: &'static str,
    },
}

/// One thing that is wrong in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its line, counted from one, where it is known.
    pub line: Option<usize>,
    /// Its place in the document: `steps[0].script`; empty for the whole.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.what)
    }
}

/// One fault stays on the line of its document; more get a line each.
fn lines(faults: &[Fault]) -> String {
    match faults {
        [one] => format!(" {one}"),
        many => many.iter().map(|fault| format!("\n  {fault}")).collect(),
    }
}

/// A message of the model's crate as one line.
pub(crate) fn one_line(text: &str) -> String {
    let parts: Vec<&str> = text.lines().map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.join("; ").trim_end_matches(['.', ' ']).to_owned()
}
