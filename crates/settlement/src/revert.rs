//! What a contract refused, as a sentence. Every custom error of our contracts and of the ERC-20 standard is named.

use crate::bindings::{
    escrow::JobEscrow::JobEscrowErrors, registry::ProviderRegistry::ProviderRegistryErrors,
    token::DevToken::DevTokenErrors,
};
use alloy::{
    primitives::{Bytes, U256},
    sol_types::{Panic, PanicKind, Revert as RevertString, SolError, SolInterface},
};
use rayswarm_model::{Amount, JobId};
use std::fmt;

/// A contract's reason, decoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Revert(Reason);

#[derive(Debug, PartialEq, Eq)]
enum Reason {
    Escrow(JobEscrowErrors),
    Registry(ProviderRegistryErrors),
    Token(DevTokenErrors),
    Message(String),
    Panic(U256),
    Unknown(Bytes),
}

impl Revert {
    /// Decodes the data of a revert, whichever contract it came from.
    pub fn decode(data: &Bytes) -> Self {
        let reason = if let Ok(error) = JobEscrowErrors::abi_decode(data) {
            Reason::Escrow(error)
        } else if let Ok(error) = ProviderRegistryErrors::abi_decode(data) {
            Reason::Registry(error)
        } else if let Ok(error) = DevTokenErrors::abi_decode(data) {
            Reason::Token(error)
        } else if let Ok(error) = RevertString::abi_decode(data) {
            Reason::Message(error.reason)
        } else if let Ok(error) = Panic::abi_decode(data) {
            Reason::Panic(error.code)
        } else {
            Reason::Unknown(data.clone())
        };
        Self(reason)
    }

    /// The same call will succeed once time has passed.
    pub fn is_only_early(&self) -> bool {
        matches!(self.0, Reason::Escrow(JobEscrowErrors::EscrowRefundNotDue(_)))
    }

    /// The job id is in use, perhaps by an earlier transaction of ours.
    pub(crate) fn is_job_exists(&self) -> bool {
        matches!(self.0, Reason::Escrow(JobEscrowErrors::EscrowJobExists(_)))
    }

    /// The job was closed or refunded meanwhile.
    pub(crate) fn is_job_no_longer_open(&self) -> bool {
        use JobEscrowErrors::{EscrowJobEnded, EscrowJobNotOpen};
        matches!(self.0, Reason::Escrow(EscrowJobNotOpen(_) | EscrowJobEnded(_)))
    }

    /// The account is on, or off, the list of providers already.
    pub(crate) fn is_registration_state(&self) -> bool {
        use ProviderRegistryErrors::{RegistryAlreadyRegistered, RegistryNotRegistered};
        matches!(
            self.0,
            Reason::Registry(RegistryAlreadyRegistered(_) | RegistryNotRegistered(_))
        )
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Escrow(error) => write_escrow(error, f),
            Reason::Registry(error) => write_registry(error, f),
            Reason::Token(error) => write_token(error, f),
            Reason::Message(text) => write!(f, "the contract says {text:?}"),
            Reason::Panic(code) => match code.try_into().ok().and_then(PanicKind::from_number) {
                Some(kind) => write!(f, "the contract stopped at its own check ({})", kind.as_str()),
                None => write!(f, "the contract stopped at its own check (panic code {code})"),
            },
            Reason::Unknown(data) if data.is_empty() => {
                f.write_str("the contract gave no reason; is there a contract at this address?")
            }
            Reason::Unknown(data) => write!(f, "the contract gave a reason we do not know: {data}"),
        }
    }
}

fn tokens(value: U256) -> String {
    u128::try_from(value).map_or_else(|_| format!("{value} base units of"), |units| Amount(units).to_string())
}

fn write_escrow(error: &JobEscrowErrors, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use JobEscrowErrors as E;
    let job = |id| JobId::from(id).short();
    match error {
        E::EscrowJobUnknown(e) => write!(f, "job {} was never opened here", job(e.jobId)),
        E::EscrowJobExists(e) => write!(f, "job {} exists already; use a new salt", job(e.jobId)),
        E::EscrowJobNotOpen(e) => write!(f, "job {} is not open any more", job(e.jobId)),
        E::EscrowJobEnded(e) => write!(f, "job {} was refunded and holds nothing", job(e.jobId)),
        E::EscrowNotRequestor(e) => {
            write!(
                f,
                "job {} belongs to {}, not to {}; its owner must do this",
                job(e.jobId),
                e.requestor,
                e.caller
            )
        }
        E::EscrowAmountZero(e) => write!(f, "the amount for job {} is zero; lock some tokens", job(e.jobId)),
        E::EscrowDeadlinePassed(e) => {
            let (deadline, now) = (e.deadline, e.timestamp);
            write!(
                f,
                "the deadline of job {} ({deadline}) is past ({now} now); choose a later one",
                job(e.jobId)
            )
        }
        E::EscrowDeadlineTooFar(e) => {
            let (deadline, latest) = (e.deadline, e.latest);
            write!(
                f,
                "the deadline of job {} ({deadline}) is beyond {latest}; choose an earlier one",
                job(e.jobId)
            )
        }
        E::EscrowExitWindowTooLong(e) => {
            let (asked, most) = (e.exitWindowSeconds, e.maxSeconds);
            write!(
                f,
                "an exit window of {asked} s is too long; at most {most} s are allowed"
            )
        }
        E::EscrowRefundNotDue(e) => {
            let wait = U256::from(e.refundableAt).saturating_sub(e.timestamp);
            write!(
                f,
                "the rest of job {} cannot be refunded for another {wait} s; wait",
                job(e.jobId)
            )
        }
        E::EscrowVoucherNotSigned(e) => write!(
            f,
            "the voucher for {} in job {} is not signed by its requestor {} (its signature gives {}); leave it out",
            e.provider,
            job(e.jobId),
            e.requestor,
            e.recovered
        ),
        E::EscrowProviderInvalid(e) => write!(f, "a voucher names {}, which cannot be paid; leave it out", e.provider),
        E::EscrowTokenTookFee(e) => write!(
            f,
            "the token {} kept a part of the transfer ({} sent, {} arrived); choose a token without transfer fees",
            e.token,
            tokens(e.sent),
            tokens(e.received)
        ),
        E::SafeERC20FailedOperation(e) => {
            write!(
                f,
                "the token {} refused the transfer or is not an ERC-20 contract",
                e.token
            )
        }
        E::ReentrancyGuardReentrantCall(_) => {
            f.write_str("the token called back into the escrow; choose another token")
        }
        E::InvalidShortString(_) | E::StringTooLong(_) => f.write_str("the escrow's own name is malformed"),
    }
}

fn write_registry(error: &ProviderRegistryErrors, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use ProviderRegistryErrors as E;
    match error {
        E::RegistryAlreadyRegistered(e) => write!(f, "{} is registered already; update its offer", e.account),
        E::RegistryNotRegistered(e) => write!(f, "{} is not registered; register it first", e.account),
        E::RegistryEndpointMissing(e) => write!(f, "the offer of {} names no node", e.account),
        E::RegistryUriTooLong(e) => {
            write!(
                f,
                "the offer's address has {} bytes; at most {} are allowed",
                e.length, e.maxLength
            )
        }
    }
}

fn write_token(error: &DevTokenErrors, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use DevTokenErrors as E;
    match error {
        E::ERC20InsufficientBalance(e) => {
            let (balance, needed) = (tokens(e.balance), tokens(e.needed));
            write!(
                f,
                "{} holds {balance} tokens and {needed} are needed; lower the budget or add tokens",
                e.sender
            )
        }
        E::ERC20InsufficientAllowance(e) => {
            let (allowance, needed) = (tokens(e.allowance), tokens(e.needed));
            write!(
                f,
                "{} may take {allowance} tokens and {needed} are needed; approve more",
                e.spender
            )
        }
        E::ERC20InvalidApprover(e) => write!(f, "{} cannot approve a spender", e.approver),
        E::ERC20InvalidReceiver(e) => write!(f, "{} cannot receive tokens", e.receiver),
        E::ERC20InvalidSender(e) => write!(f, "{} cannot send tokens", e.sender),
        E::ERC20InvalidSpender(e) => write!(f, "{} cannot be approved as a spender", e.spender),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::{escrow::JobEscrow, token::DevToken};
    use alloy::primitives::{Address, B256};

    fn sentence(data: Vec<u8>) -> String {
        Revert::decode(&data.into()).to_string()
    }

    #[test]
    fn reasons_become_sentences() {
        let early = JobEscrow::EscrowRefundNotDue {
            jobId: B256::repeat_byte(0xab),
            refundableAt: 1_000,
            timestamp: U256::from(940),
        };
        assert!(Revert::decode(&early.abi_encode().into()).is_only_early());
        assert_eq!(
            sentence(early.abi_encode()),
            "the rest of job ababababab cannot be refunded for another 60 s; wait"
        );

        let poor = DevToken::ERC20InsufficientBalance {
            sender: Address::ZERO,
            balance: U256::from(5 * 10u128.pow(17)),
            needed: U256::from(2 * 10u128.pow(18)),
        };
        assert_eq!(
            sentence(poor.abi_encode()),
            "0x0000000000000000000000000000000000000000 holds 0.5 tokens and 2 are needed; lower the budget or add tokens"
        );
        assert_eq!(
            sentence(RevertString::from("blocked").abi_encode()),
            "the contract says \"blocked\""
        );
        assert!(sentence(Panic { code: U256::from(0x11) }.abi_encode()).contains("overflow"));
    }

    #[test]
    fn foreign_and_broken_reasons_are_shown_as_they_are() {
        assert_eq!(
            sentence(vec![]),
            "the contract gave no reason; is there a contract at this address?"
        );
        assert!(sentence(vec![1, 2, 3]).ends_with("0x010203"));
        let truncated = JobEscrow::EscrowJobUnknown { jobId: B256::ZERO }.abi_encode()[..20].to_vec();
        assert!(sentence(truncated).starts_with("the contract gave a reason we do not know"));
    }
}
