//! What our contracts' calls and events mean, for people.

mod disputes;
mod escrow;
mod registry;

use super::ChainEvent;
use crate::{
    bindings::{
        disputes::Disputes::DisputesCalls,
        escrow::JobEscrow::JobEscrowCalls,
        registry::ProviderRegistry::ProviderRegistryCalls,
        token::DevToken::{DevTokenCalls, DevTokenEvents},
    },
    contracts::Contracts,
};
use alloy::{
    primitives::{Address, B256, Log, U256},
    sol_types::SolEventInterface,
};
use rayswarm_model::Amount;

/// The name of the function that `input` calls, or its selector; `None` when nothing is called.
pub(super) fn method(input: &[u8]) -> Option<String> {
    let selector: [u8; 4] = input.get(..4)?.try_into().ok()?;
    let name = JobEscrowCalls::name_by_selector(selector)
        .or_else(|| ProviderRegistryCalls::name_by_selector(selector))
        .or_else(|| DisputesCalls::name_by_selector(selector))
        .or_else(|| DevTokenCalls::name_by_selector(selector));
    Some(name.map_or_else(|| format!("0x{}", hex::encode(selector)), str::to_owned))
}

/// Knows the contracts of one network.
pub(super) struct Words<'a> {
    pub(super) contracts: Contracts,
    /// The contract that judges claims.
    pub(super) disputes: Address,
    /// What the payment token calls itself.
    pub(super) symbol: &'a str,
}

impl Words<'_> {
    pub(super) fn event(&self, log: &Log) -> ChainEvent {
        let Some(topic) = log.topics().first().copied() else {
            let name = "without a name".into();
            return ChainEvent {
                name,
                text: unread(log),
            };
        };
        let known = if log.address == self.contracts.escrow {
            self.escrow(topic, log)
        } else if log.address == self.contracts.registry {
            self.registry(topic, log)
        } else if log.address == self.disputes {
            self.disputes(topic, log)
        } else {
            self.token(topic, log)
        };
        known.map_or_else(
            || ChainEvent {
                name: topic.to_string(),
                text: unread(log),
            },
            |(name, text)| ChainEvent {
                name: name.into(),
                text,
            },
        )
    }

    /// Every ERC-20 token says it alike.
    fn token(&self, topic: B256, log: &Log) -> Option<(&'static str, String)> {
        use DevTokenEvents as E;
        let amount = |units| self.amount(log.address, units);
        let text = match DevTokenEvents::decode_log(log).ok()?.data {
            E::Transfer(e) if e.from.is_zero() => format!("{} were made for {}", amount(e.value), short(e.to)),
            E::Transfer(e) => format!("{} sent {} to {}", short(e.from), amount(e.value), short(e.to)),
            E::Approval(e) => {
                let (owner, spender) = (short(e.owner), short(e.spender));
                format!("{owner} lets {spender} take {}", amount(e.value))
            }
        };
        Some((DevTokenEvents::name_by_selector(topic.0)?, text))
    }

    /// An amount of the payment token.
    fn tokens(&self, units: U256) -> String {
        match (u128::try_from(units), self.symbol) {
            (Ok(units), "") => format!("{} tokens", Amount(units)),
            (Ok(units), symbol) => format!("{} {symbol}", Amount(units)),
            // Wallets write it for "without limit".
            (Err(_), _) => "any amount".into(),
        }
    }

    /// An amount of the stake token, which may be another than the payment token.
    fn stake(units: U256) -> String {
        u128::try_from(units).map_or_else(
            |_| "any amount".into(),
            |units| format!("{} stake tokens", Amount(units)),
        )
    }

    /// An amount of whatever token.
    fn amount(&self, token: Address, units: U256) -> String {
        if token == self.contracts.token {
            return self.tokens(units);
        }
        format!("{units} base units of token {}", short(token))
    }
}

/// The ends of an address, which is how people compare them.
fn short(address: Address) -> String {
    let text = address.to_string();
    let (first, last) = (text.get(..6), text.get(text.len().saturating_sub(4)..));
    format!("{}…{}", first.unwrap_or_default(), last.unwrap_or_default())
}

fn unread(log: &Log) -> String {
    format!("{} bytes of {}", log.data.data.len(), short(log.address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::bindings::{
        escrow::{IJobEscrow, JobEscrow},
        registry::{IProviderRegistry, ProviderRegistry},
        token::DevToken,
    };
    use alloy::{
        primitives::{Bytes, LogData},
        sol_types::{SolCall, SolEvent},
    };

    const TOKEN: u128 = 1_000_000_000_000_000_000;
    const ALICE: Address = Address::repeat_byte(0xa1);
    const BOB: Address = Address::repeat_byte(0xb0);
    const CONTRACTS: Contracts = Contracts {
        registry: Address::repeat_byte(1),
        escrow: Address::repeat_byte(2),
        token: Address::repeat_byte(3),
    };

    fn said(address: Address, data: LogData) -> (String, String) {
        let words = Words {
            contracts: CONTRACTS,
            disputes: Address::repeat_byte(4),
            symbol: "RSD",
        };
        let ChainEvent { name, text } = words.event(&Log { address, data });
        (name, text)
    }

    fn is(found: (String, String), name: &str, text: &str) {
        assert_eq!((found.0.as_str(), found.1.as_str()), (name, text));
    }

    #[test]
    fn events_of_the_escrow_are_sentences() {
        let job = B256::repeat_byte(0xcd);
        let opened = JobEscrow::JobOpened {
            jobId: job,
            requestor: ALICE,
            terms: IJobEscrow::JobTerms {
                manifestHash: B256::ZERO,
                planHash: B256::ZERO,
                policyHash: B256::ZERO,
                comparisonClass: B256::ZERO,
                token: CONTRACTS.token,
                budget: 5 * TOKEN / 2,
                providerStake: 0,
                deadline: 1,
                exitWindowSeconds: 1,
                noticeSeconds: 1,
                challengeSeconds: 1,
                trustTier: 0,
            },
        };
        let text = format!("{} locked 2.5 RSD for job cdcdcdcdcd", short(ALICE));
        is(said(CONTRACTS.escrow, opened.encode_log_data()), "JobOpened", &text);
        let redeemed = JobEscrow::VoucherRedeemed {
            jobId: job,
            provider: BOB,
            amount: U256::from(TOKEN),
            paid: U256::from(3 * TOKEN),
        };
        let text = format!(
            "job cdcdcdcdcd paid 1 RSD to {}, which has got 3 RSD from it in all",
            short(BOB)
        );
        is(
            said(CONTRACTS.escrow, redeemed.encode_log_data()),
            "VoucherRedeemed",
            &text,
        );
        assert_eq!(short(BOB).to_lowercase(), "0xb0b0…b0b0");
    }

    #[test]
    fn events_of_registry_and_tokens_are_sentences() {
        let registered = ProviderRegistry::ProviderRegistered {
            account: ALICE,
            endpointId: B256::repeat_byte(0xee),
            endpointSignature: [B256::ZERO; 2],
            offer: IProviderRegistry::Offer {
                pricePerWuHour: TOKEN,
                benchmarkMilliWu: 1,
                memoryMiB: 1,
                isaClass: 0,
                trustTier: 0,
                judges: false,
                comparisonClass: B256::ZERO,
                enginesHash: B256::ZERO,
                offerHash: B256::ZERO,
                uri: String::new(),
            },
        };
        let (name, text) = said(CONTRACTS.registry, registered.encode_log_data());
        assert_eq!(name, "ProviderRegistered");
        assert!(text.ends_with("offers node eeeeeeeeee for 1 RSD per WU-hour"), "{text}");
        let settled = JobEscrow::JobSettled {
            jobId: B256::repeat_byte(0xcd),
            total: U256::from(TOKEN),
            settlementHash: B256::ZERO,
        };
        is(
            said(CONTRACTS.escrow, settled.encode_log_data()),
            "JobSettled",
            "job cdcdcdcdcd paid all its providers 1 RSD at one stroke",
        );
        let transfer = |from, value| DevToken::Transfer { from, to: BOB, value }.encode_log_data();
        let (name, text) = said(CONTRACTS.token, transfer(Address::ZERO, U256::from(TOKEN)));
        assert!(name == "Transfer" && text.starts_with("1 RSD were made for "), "{text}");
        let (_, text) = said(ALICE, transfer(ALICE, U256::from(7)));
        assert!(text.contains(" sent 7 base units of token "), "{text}");
        let approval = DevToken::Approval {
            owner: ALICE,
            spender: BOB,
            value: U256::MAX,
        };
        let (_, text) = said(CONTRACTS.token, approval.encode_log_data());
        assert!(text.ends_with(" take any amount"), "{text}");
    }

    #[test]
    fn what_is_not_ours_is_shown_by_its_topic() {
        let topic = B256::repeat_byte(9);
        let (name, text) = said(BOB, LogData::new_unchecked(vec![topic], Bytes::from_static(&[1, 2])));
        assert_eq!(name, topic.to_string());
        assert!(text.starts_with("2 bytes of 0x"), "{text}");
        // An event of ours from elsewhere may mean anything.
        let closed = JobEscrow::JobClosed {
            jobId: B256::ZERO,
            refundableAt: 1,
        };
        assert_eq!(
            said(BOB, closed.encode_log_data()).0,
            JobEscrow::JobClosed::SIGNATURE_HASH.to_string()
        );
        assert_eq!(
            said(BOB, LogData::new_unchecked(vec![], Bytes::new())).0,
            "without a name"
        );
    }

    #[test]
    fn calls_are_named_or_shown_by_their_selector() {
        let close = JobEscrow::closeJobCall {
            jobId: B256::ZERO,
            shares: Vec::new(),
        };
        assert_eq!(method(&close.abi_encode()).as_deref(), Some("closeJob"));
        let approve = DevToken::approveCall {
            spender: ALICE,
            value: U256::ZERO,
        };
        assert_eq!(method(&approve.abi_encode()).as_deref(), Some("approve"));
        assert_eq!(method(&[1, 2, 3, 4, 5]).as_deref(), Some("0x01020304"));
        assert_eq!(method(&[]), None);
    }
}
