//! What the registry refuses: rows and stakes.

use super::{tokens, wait};
use crate::bindings::registry::ProviderRegistry::ProviderRegistryErrors;

pub(super) fn sentence(error: &ProviderRegistryErrors) -> String {
    use ProviderRegistryErrors as E;
    match error {
        E::RegistryAlreadyRegistered(e) => format!("{} is registered already; update its offer", e.account),
        E::RegistryNotRegistered(e) => format!("{} is not registered; register it first", e.account),
        E::RegistryEndpointMissing(e) => format!("the offer of {} names no node", e.account),
        E::RegistryUriTooLong(e) => format!(
            "the offer's address has {} bytes; at most {} are allowed",
            e.length, e.maxLength
        ),
        E::StakeAmountZero(_) => "the stake is zero; name some tokens".into(),
        E::StakeTokenTookFee(e) => format!(
            "the token {} kept a part of the stake ({} sent, {} arrived); this network's stake token must not",
            e.token,
            tokens(e.sent),
            tokens(e.received)
        ),
        E::StakeTooSmall(e) => format!(
            "{} tokens of the stake of {} were asked for and {} are there; ask for less",
            tokens(e.asked),
            e.account,
            tokens(e.there)
        ),
        E::StakeNotReleased(e) => format!(
            "the stake of {} stays for another {} s; wait",
            e.account,
            wait(e.releaseAt, e.timestamp)
        ),
        E::StakeOnlyDisputes(e) => format!("only {} holds and takes stake here, not {}", e.disputes, e.caller),
        E::StakeStillJailed(e) => format!(
            "{} is drawn for no committee for another {} s; wait",
            e.account,
            wait(e.until, e.timestamp)
        ),
        E::SafeERC20FailedOperation(e) => {
            format!(
                "the stake token {} refused the transfer or is not an ERC-20 contract",
                e.token
            )
        }
        E::ReentrancyGuardReentrantCall(_) => "the stake token called back into the registry".into(),
        E::CheckpointUnorderedInsertion(_) => "the chain's clock ran backwards; this is a fault of the chain".into(),
        E::SafeCastOverflowedUintDowncast(e) => format!("{} is more than the registry can count", e.value),
    }
}
