//! What the contracts refuse that keep the validators of a chain.

use super::tokens as coins;
use crate::bindings::delegated::DelegatedValidators::DelegatedValidatorsErrors;
use alloy::primitives::U256;

pub(super) fn sentence(error: &DelegatedValidatorsErrors) -> String {
    use DelegatedValidatorsErrors as E;
    match error {
        E::ValidatorsStakeTooSmall(e) => format!(
            "{} would have {} coins at stake and {} are the least; stake more, or take all of it out",
            e.account,
            coins(e.stake),
            coins(e.minStake)
        ),
        E::ValidatorsStakeExceeded(e) => format!(
            "{} coins of the stake of {} were asked for and {} are there; ask for less",
            coins(e.asked),
            e.account,
            coins(e.there)
        ),
        E::ValidatorsAlreadyStaked(e) => format!("{} has coins at stake already; add to them", e.account),
        E::ValidatorsNoStake(e) => format!("{} has nothing at stake; stake or register first", e.account),
        E::ValidatorsAmountZero(e) => format!(
            "there is nothing in it for {}: the amount is zero, or nothing is due yet",
            e.account
        ),
        E::ValidatorsTooManyExits(e) => format!(
            "{} has {} amounts on their way out, and no more are counted; withdraw what is due, or wait for the next epoch",
            e.account, e.exitsMax
        ),
        E::ValidatorsListFull(e) => format!(
            "all {} places for candidates are taken, the smallest by {} coins; stake more",
            e.places,
            coins(e.smallest)
        ),
        E::ValidatorsNotJailed(e) => format!("{} is not jailed", e.account),
        E::ValidatorsStillJailed(e) => format!(
            "{} is jailed for another {} blocks, until block {}; wait",
            e.account,
            U256::from(e.until).saturating_sub(e.height),
            e.until
        ),
        E::ValidatorsJailedForGood(e) => format!(
            "{} has signed what nobody may sign and is jailed for good; use another account",
            e.account
        ),
        E::DelegateCommission(e) => format!(
            "a commission of {} ten-thousandths is more than all; at most 10000 are possible",
            e.commissionBps
        ),
        E::DelegateNotListed(e) => format!("{} is no candidate; vote for one that is", e.delegate),
        E::VoterLockExceeded(e) => format!(
            "{} coins of {} were asked for and {} are locked and vote for nobody; lock more, or take votes back",
            coins(e.asked),
            e.voter,
            coins(e.free)
        ),
        E::VoterVotesExceeded(e) => format!(
            "{} votes of {} for {} were asked back and {} were given; ask for less",
            coins(e.asked),
            e.voter,
            e.delegate,
            coins(e.given)
        ),
        E::VoterTooManyDelegates(e) => format!(
            "{} votes for {} delegates, the most there may be; take votes back from one",
            e.voter, e.delegatesMax
        ),
        _ => of_the_chain(error),
    }
}

/// What only the chain itself, its genesis, or whoever reports evidence runs into.
fn of_the_chain(error: &DelegatedValidatorsErrors) -> String {
    use DelegatedValidatorsErrors as E;
    match error {
        E::ValidatorsOnlySystem(e) => format!("only the chain itself may do this, not {}", e.caller),
        E::ValidatorsAlreadyInitialized(_) => "the validators were set up at the genesis, once".into(),
        E::ValidatorsParameter(e) => format!("the parameter {:?} of the validators cannot be so", e.field),
        E::ValidatorsGenesis(e) => format!("{} first validators with {} stakes make no set", e.accounts, e.stakes),
        E::ValidatorsUnfunded(e) => format!(
            "the first stakes are {} coins and the contract has {}",
            coins(e.stakes),
            coins(e.balance)
        ),
        E::ValidatorsAccount(e) => format!("{} cannot be a first validator, or stands there twice", e.account),
        E::EvidenceNotAContradiction(_) => "the two signatures do not contradict each other".into(),
        E::EvidenceSignature(e) => format!(
            "the signatures are of {} and {}, not of one validator",
            e.first, e.second
        ),
        E::EvidenceTooOldOrNew(e) => format!(
            "evidence of height {} cannot be judged at height {} any more, or yet",
            e.height, e.present
        ),
        E::EvidenceNotAValidator(e) => format!("{} was no validator at height {}", e.account, e.height),
        E::EvidenceKnown(e) => format!("what {} did at height {} was reported before", e.account, e.height),
        E::FailedCall(_) => "the account that is to be paid refuses coins".into(),
        E::InsufficientBalance(e) => format!(
            "the contract holds {} coins and {} are needed; this is a fault of the chain",
            coins(e.balance),
            coins(e.needed)
        ),
        E::SafeCastOverflowedUintDowncast(e) => format!("{} is more than the validators can count", e.value),
        // Named in `sentence`.
        _ => "the contract of the validators refuses it".into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::{bindings::delegated::DelegatedValidators as Contract, revert::Revert};
    use alloy::{
        primitives::{Address, U256},
        sol_types::SolError,
    };

    #[test]
    fn what_a_voter_runs_into_says_what_to_do() {
        let jailed = Contract::ValidatorsStillJailed {
            account: Address::ZERO,
            until: 700,
            height: U256::from(640),
        };
        let revert = Revert::decode(&jailed.abi_encode().into());
        assert!(revert.is_only_early());
        assert!(
            revert
                .to_string()
                .ends_with("is jailed for another 60 blocks, until block 700; wait")
        );
        let locked = Contract::VoterLockExceeded {
            voter: Address::ZERO,
            asked: U256::from(3 * 10u128.pow(18)),
            free: U256::from(5 * 10u128.pow(17)),
        };
        let revert = Revert::decode(&locked.abi_encode().into());
        assert!(!revert.is_only_early());
        let said = revert.to_string();
        assert!(
            said.starts_with("3 coins of 0x") && said.contains("and 0.5 are locked"),
            "{said}"
        );
    }

    #[test]
    fn every_error_of_both_contracts_has_a_sentence_of_its_own() {
        let [staked, delegated] = [
            include_str!("../../../../contracts/artifacts/StakedValidators.json"),
            include_str!("../../../../contracts/artifacts/DelegatedValidators.json"),
        ]
        .map(|artifact| {
            let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap_or_default();
            serde_json::from_value::<alloy::json_abi::JsonAbi>(artifact["abi"].clone()).unwrap_or_default()
        });
        for error in staked.errors().chain(delegated.errors()) {
            let words = match error.name.as_str() {
                "ValidatorsParameter" => vec![U256::from(32), U256::ZERO],
                _ => vec![U256::ZERO; error.inputs.len()],
            };
            let words = words.iter().flat_map(U256::to_be_bytes::<32>);
            let data: Vec<u8> = error.selector().into_iter().chain(words).collect();
            let said = Revert::decode(&data.into()).to_string();
            assert!(
                !said.contains("do not know") && !said.ends_with("refuses it"),
                "{}: {said}",
                error.name
            );
        }
    }
}
