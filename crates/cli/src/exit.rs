//! Exit codes, the same for every command, and how an error is printed.

use crate::show;
use rayswarm_api::{ClientError, Problem};
use rayswarm_node::{chain::client::SettlementError, config::ConfigError, local::EngineError};

/// What a command's end means to a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Success = 0,
    /// It was tried and failed.
    Failure = 1,
    /// The input cannot be used: arguments, scene, budget, folder.
    BadInput = 2,
    /// Something that is needed is not there: an engine, providers, a daemon.
    Missing = 3,
    /// The job was cancelled.
    Cancelled = 4,
    /// Interrupted from the keyboard; a job goes on in its daemon.
    Interrupted = 130,
}

/// Printed by `rayswarm --help`.
pub const HELP: &str = "Exit codes:
  0    done
  1    tried and failed
  2    the input cannot be used (arguments, scene, budget, folder)
  3    something needed is missing (engine, providers, daemon)
  4    the job was cancelled
  130  interrupted; a job goes on in its daemon, or waits there for your answer";

/// An input that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadInput(pub String);

/// Something needed that is not there.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Missing(pub String);

/// Prints the whole chain of an error and chooses its exit code.
pub fn report(error: &anyhow::Error) -> std::process::ExitCode {
    show::note(format_args!("error: {error}"));
    for cause in error.chain().skip(1) {
        show::note(format_args!("  because: {cause}"));
    }
    if let Some(step) = refusal(error).and_then(|problem| problem.next_step.as_ref()) {
        note_next(step);
    }
    code_of(error).into()
}

/// Prints a problem as an error, and what to do next.
pub fn report_problem(problem: &Problem) {
    show::note(format_args!("error: {}", problem.detail));
    if let Some(step) = &problem.next_step {
        note_next(step);
    }
}

/// A problem and what to do next, as one sentence.
pub fn in_full(problem: &Problem) -> String {
    match &problem.next_step {
        Some(step) => format!("{}; {step}", problem.detail),
        None => problem.detail.clone(),
    }
}

fn note_next(step: &str) {
    show::note(format_args!("  next: {step}"));
}

/// The daemon's refusal among the causes of an error.
fn refusal(error: &anyhow::Error) -> Option<&Problem> {
    error.chain().find_map(|cause| match cause.downcast_ref() {
        Some(ClientError::Refused(problem)) => Some(problem),
        _ => None,
    })
}

/// The exit code of an error, found anywhere in its chain.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    // What was added as context is not among the causes.
    if error.downcast_ref::<BadInput>().is_some() {
        return ExitCode::BadInput;
    }
    if error.downcast_ref::<Missing>().is_some() {
        return ExitCode::Missing;
    }
    for cause in error.chain() {
        if cause.is::<BadInput>() || cause.is::<ConfigError>() {
            return ExitCode::BadInput;
        }
        if cause.is::<Missing>() {
            return ExitCode::Missing;
        }
        if let Some(error) = cause.downcast_ref::<EngineError>() {
            return code_of_engine(error);
        }
        match cause.downcast_ref::<SettlementError>() {
            Some(SettlementError::Unreachable { .. }) => return ExitCode::Missing,
            Some(
                SettlementError::Url { .. }
                | SettlementError::NoValidators { .. }
                | SettlementError::NoDelegates { .. },
            ) => return ExitCode::BadInput,
            _ => {}
        }
        match cause.downcast_ref::<ClientError>() {
            Some(ClientError::Unreachable { .. }) => return ExitCode::Missing,
            Some(ClientError::Refused(problem)) => return code_of_status(problem.status),
            _ => {}
        }
    }
    ExitCode::Failure
}

/// The exit code of an engine that could not be had or would not do what was asked.
fn code_of_engine(error: &EngineError) -> ExitCode {
    match error {
        EngineError::UnknownVersion { .. } | EngineError::Refused { .. } => ExitCode::BadInput,
        EngineError::NotInstalled { .. } => ExitCode::Missing,
        _ => ExitCode::Failure,
    }
}

/// The exit code that a problem's HTTP status stands for.
pub fn code_of_status(status: u16) -> ExitCode {
    match status {
        400..=403 | 405..=499 => ExitCode::BadInput,
        404 | 503 => ExitCode::Missing,
        _ => ExitCode::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn the_code_is_found_below_context() {
        let error = Err::<(), _>(BadInput("x".into())).context("while reading").unwrap_err();
        assert_eq!(code_of(&error), ExitCode::BadInput);
        assert_eq!(code_of(&anyhow::anyhow!("other")), ExitCode::Failure);
    }

    #[test]
    fn engines_that_cannot_be_had_have_documented_codes() {
        let unknown = EngineError::UnknownVersion {
            engine: "blender",
            version: "9.9".into(),
            known: "4.5.15".into(),
        };
        let absent = EngineError::NotInstalled {
            engine: "blender",
            version: "9.9".into(),
            remedy: "rayswarm engines list".into(),
        };
        let failed = EngineError::Install {
            command: "pip".into(),
            log: String::new(),
        };
        for (error, code) in [
            (unknown, ExitCode::BadInput),
            (absent, ExitCode::Missing),
            (failed, ExitCode::Failure),
        ] {
            assert_eq!(code_of(&anyhow::Error::new(error)), code);
        }
    }

    #[test]
    fn a_chain_that_is_the_wrong_one_has_a_documented_code() {
        let elsewhere = SettlementError::NoValidators { chain_id: 7 };
        let error = Err::<(), _>(elsewhere).context("while staking").unwrap_err();
        assert_eq!(code_of(&error), ExitCode::BadInput);
        let other = SettlementError::Overtaken { action: "staking" };
        assert_eq!(code_of(&anyhow::Error::new(other)), ExitCode::Failure);
    }

    #[test]
    fn what_to_do_next_is_found_below_context() {
        let problem = Problem::new(422, "budget_too_small", "the budget 1 is below the price").next("give --budget 2");
        assert_eq!(in_full(&problem), "the budget 1 is below the price; give --budget 2");
        let error = Err::<(), _>(ClientError::Refused(problem.clone())).context("while starting");
        assert_eq!(refusal(&error.unwrap_err()), Some(&problem));
        assert_eq!(refusal(&anyhow::anyhow!("other")), None);
    }

    #[test]
    fn statuses_map_to_documented_codes() {
        for (status, code) in [
            (422, ExitCode::BadInput),
            (503, ExitCode::Missing),
            (500, ExitCode::Failure),
        ] {
            assert_eq!(code_of_status(status), code, "{status}");
        }
    }
}
