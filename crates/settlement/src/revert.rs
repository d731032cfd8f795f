//! What a contract refused, as a sentence. Every custom error of our contracts and of the ERC-20 standard is named.

mod disputes;
mod escrow;
mod registry;
mod validators;

use crate::{
    bindings::{
        delegated::DelegatedValidators::DelegatedValidatorsErrors, disputes::Disputes::DisputesErrors,
        escrow::JobEscrow::JobEscrowErrors, registry::ProviderRegistry::ProviderRegistryErrors,
        token::DevToken::DevTokenErrors,
    },
    disputes::Phase,
};
use alloy::{
    primitives::{B256, Bytes, U256},
    sol_types::{Panic, PanicKind, Revert as RevertString, SolError, SolInterface},
};
use rayswarm_model::{Amount, JobId};
use std::fmt;

/// A contract's reason, decoded.
#[derive(Debug, PartialEq, Eq)]
pub struct Revert(Box<Reason>);

#[derive(Debug, PartialEq, Eq)]
enum Reason {
    Escrow(JobEscrowErrors),
    Registry(ProviderRegistryErrors),
    Disputes(DisputesErrors),
    Token(DevTokenErrors),
    /// Of both contracts that keep validators: those of the delegates are those of the stakes and more.
    Validators(DelegatedValidatorsErrors),
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
        } else if let Ok(error) = DisputesErrors::abi_decode(data) {
            Reason::Disputes(error)
        } else if let Ok(error) = DevTokenErrors::abi_decode(data) {
            Reason::Token(error)
        } else if let Ok(error) = DelegatedValidatorsErrors::abi_decode(data) {
            Reason::Validators(error)
        } else if let Ok(error) = RevertString::abi_decode(data) {
            Reason::Message(error.reason)
        } else if let Ok(error) = Panic::abi_decode(data) {
            Reason::Panic(error.code)
        } else {
            Reason::Unknown(data.clone())
        };
        Self(Box::new(reason))
    }

    /// The same call will succeed once time has passed.
    pub fn is_only_early(&self) -> bool {
        use DelegatedValidatorsErrors::ValidatorsStillJailed;
        use DisputesErrors::DisputeDrawNotDue;
        use JobEscrowErrors::{ClaimNotDue, EscrowClaimsOpen, EscrowRefundNotDue};
        use ProviderRegistryErrors::{StakeNotReleased, StakeStillJailed};
        matches!(
            *self.0,
            Reason::Escrow(EscrowRefundNotDue(_) | ClaimNotDue(_) | EscrowClaimsOpen(_))
                | Reason::Registry(StakeNotReleased(_) | StakeStillJailed(_))
                | Reason::Disputes(DisputeDrawNotDue(_))
                | Reason::Validators(ValidatorsStillJailed(_))
        )
    }

    /// The job id is in use, perhaps by an earlier transaction of ours.
    pub(crate) fn is_job_exists(&self) -> bool {
        matches!(*self.0, Reason::Escrow(JobEscrowErrors::EscrowJobExists(_)))
    }

    /// The job was closed or refunded meanwhile.
    pub(crate) fn is_job_no_longer_open(&self) -> bool {
        use JobEscrowErrors::{EscrowJobEnded, EscrowJobNotOpen};
        matches!(*self.0, Reason::Escrow(EscrowJobNotOpen(_) | EscrowJobEnded(_)))
    }

    /// Something was paid or claimed already, so that the job cannot be settled at one stroke any more.
    pub fn is_already_paid(&self) -> bool {
        matches!(*self.0, Reason::Escrow(JobEscrowErrors::EscrowAlreadyPaid(_)))
    }

    /// Other caps are in force than those that were shown: an epoch took force, or has not yet.
    pub fn is_other_epoch(&self) -> bool {
        use JobEscrowErrors::{EscrowAllocationMissing, EscrowAllocationWrong};
        matches!(
            *self.0,
            Reason::Escrow(EscrowAllocationWrong(_) | EscrowAllocationMissing(_))
        )
    }

    /// The job's deadline is past: no more caps, no more top-ups.
    pub fn is_deadline_passed(&self) -> bool {
        matches!(*self.0, Reason::Escrow(JobEscrowErrors::EscrowDeadlinePassed(_)))
    }

    /// A cooperative settlement paid, and the account has not written down what it got.
    pub fn is_payment_not_recorded(&self) -> bool {
        matches!(*self.0, Reason::Escrow(JobEscrowErrors::EscrowPaymentNotRecorded(_)))
    }

    /// A claim of the account in this job was found bad: it can claim no more there.
    pub fn is_claim_barred(&self) -> bool {
        matches!(*self.0, Reason::Escrow(JobEscrowErrors::ClaimBarred(_)))
    }

    /// The claim is disputed already.
    pub fn is_claim_disputed(&self) -> bool {
        // In the order of the contract's enum, which the ABI numbers.
        matches!(&*self.0, Reason::Escrow(JobEscrowErrors::ClaimStateWrong(wrong)) if wrong.state == 2)
    }

    /// The window in which the claim could be rejected is over.
    pub fn is_claim_window_over(&self) -> bool {
        matches!(*self.0, Reason::Escrow(JobEscrowErrors::ClaimWindowOver(_)))
    }

    /// Where a dispute stands in which a step came at the wrong time.
    pub fn phase(&self) -> Option<Phase> {
        match &*self.0 {
            Reason::Disputes(DisputesErrors::DisputePhaseWrong(wrong)) => Phase::from_number(wrong.phase),
            _ => None,
        }
    }

    /// The block whose randomness draws the committee is not past.
    pub(crate) fn is_draw_not_due(&self) -> bool {
        matches!(*self.0, Reason::Disputes(DisputesErrors::DisputeDrawNotDue(_)))
    }

    /// The juror has committed.
    pub(crate) fn is_already_committed(&self) -> bool {
        matches!(*self.0, Reason::Disputes(DisputesErrors::DisputeAlreadyCommitted(_)))
    }

    /// The juror has revealed.
    pub(crate) fn is_already_revealed(&self) -> bool {
        matches!(*self.0, Reason::Disputes(DisputesErrors::DisputeAlreadyRevealed(_)))
    }

    /// The juror has earned no fee, or has got it.
    pub(crate) fn is_no_fee(&self) -> bool {
        matches!(*self.0, Reason::Disputes(DisputesErrors::DisputeNoFee(_)))
    }

    /// Nothing waits for the account after disputes.
    pub(crate) fn is_nothing_to_withdraw(&self) -> bool {
        matches!(*self.0, Reason::Disputes(DisputesErrors::DisputeNothingToWithdraw(_)))
    }

    /// The stake is another than it was, or what was allowed for it is used.
    pub(crate) fn is_stake_elsewhere(&self) -> bool {
        matches!(
            *self.0,
            Reason::Registry(ProviderRegistryErrors::StakeTooSmall(_))
                | Reason::Token(DevTokenErrors::ERC20InsufficientAllowance(_))
        )
    }

    /// No stake can be fetched: there is none, or not yet.
    pub(crate) fn is_no_stake_due(&self) -> bool {
        use ProviderRegistryErrors::{StakeAmountZero, StakeNotReleased};
        matches!(*self.0, Reason::Registry(StakeAmountZero(_) | StakeNotReleased(_)))
    }

    /// The account is on, or off, the list of providers already.
    pub(crate) fn is_registration_state(&self) -> bool {
        use ProviderRegistryErrors::{RegistryAlreadyRegistered, RegistryNotRegistered};
        matches!(
            *self.0,
            Reason::Registry(RegistryAlreadyRegistered(_) | RegistryNotRegistered(_))
        )
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Reason::Escrow(error) => f.write_str(&escrow::sentence(error)),
            Reason::Registry(error) => f.write_str(&registry::sentence(error)),
            Reason::Disputes(error) => f.write_str(&disputes::sentence(error)),
            Reason::Token(error) => write_token(error, f),
            Reason::Validators(error) => f.write_str(&validators::sentence(error)),
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

/// An amount of a token whose decimals are those of all that we take.
fn tokens(value: U256) -> String {
    u128::try_from(value).map_or_else(|_| format!("{value} base units of"), |units| Amount(units).to_string())
}

/// A job as people know it.
fn job(id: B256) -> String {
    JobId::from(id).short()
}

/// Seconds from `now` to `then`.
fn wait(then: u64, now: U256) -> U256 {
    U256::from(then).saturating_sub(now)
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
    use alloy::primitives::Address;

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
    fn every_custom_error_is_a_sentence() {
        let mut seen = 0;
        for artifact in [
            include_str!("../../../contracts/artifacts/JobEscrow.json"),
            include_str!("../../../contracts/artifacts/ProviderRegistry.json"),
            include_str!("../../../contracts/artifacts/Disputes.json"),
            include_str!("../../../contracts/artifacts/DevToken.json"),
            include_str!("../../../contracts/artifacts/StakedValidators.json"),
            include_str!("../../../contracts/artifacts/DelegatedValidators.json"),
        ] {
            let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap_or_default();
            let abi: alloy::json_abi::JsonAbi = serde_json::from_value(artifact["abi"].clone()).unwrap_or_default();
            for error in abi.errors() {
                // Zeros are a value of every static type; a string needs a place and a length.
                let words = match error.name.as_str() {
                    "DisputeConfigZero" | "StringTooLong" | "ValidatorsParameter" => vec![U256::from(32), U256::ZERO],
                    _ => vec![U256::ZERO; error.inputs.len()],
                };
                let words = words.iter().flat_map(U256::to_be_bytes::<32>);
                let said = sentence(error.selector().into_iter().chain(words).collect());
                assert!(
                    !said.contains("do not know") && said.len() > 10,
                    "{}: {said}",
                    error.name
                );
                seen += 1;
            }
        }
        assert!(seen > 110, "{seen}");
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
