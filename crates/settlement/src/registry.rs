//! The list of providers on the chain.

use crate::{
    bindings::registry::{IProviderRegistry, ProviderRegistry},
    error::SettlementError,
    sender::{Mined, REWEIGHING_GAS},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    sol_types::SolCall,
};
use rayswarm_model::{Amount, ComparisonClass, NodeId, WorkPrice};

/// Whose scenes a provider may be shown; a claim of the offer, which requestors check by their own means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrustTier {
    /// Anybody's.
    #[default]
    Open,
    /// Those of people who know it.
    Vetted,
    /// It proves what it runs.
    Attested,
    /// Its owner's.
    Private,
}

/// The part of an offer that the chain carries; the full document is served by the node and hashed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderOffer {
    /// What it asks.
    pub price: WorkPrice,
    /// Speed by its own benchmark, thousandths of WU per second; a prior, not a promise.
    pub benchmark_milli_wu: u64,
    /// Memory it lends to one render, in MiB.
    pub memory_mib: u32,
    /// Instruction-set class, by the table of `docs/protocol/settlement.md`; 0 says nothing.
    pub isa_class: u16,
    /// Whose scenes it may be shown.
    pub trust_tier: TrustTier,
    /// Whether it may be drawn as a juror.
    pub judges: bool,
    /// The comparison class of its first engine.
    pub comparison_class: ComparisonClass,
    /// keccak-256 of the canonical encoding of its list of engines.
    pub engines_hash: B256,
    /// keccak-256 of the full offer's canonical encoding.
    pub offer_hash: B256,
    /// Where the full offer can be read; empty when only the node serves it.
    pub uri: String,
}

/// The node's half of "this node works for this account": its ed25519 signature over
/// [`rayswarm_model::signed::endpoint_account_text`].
pub type EndpointSignature = [u8; 64];

/// One row of the list. Nothing in it is proven but that the account published it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The account that is paid.
    pub account: Address,
    /// The node it claims to be reachable as.
    pub node: NodeId,
    /// The node's half, which peers check.
    pub endpoint_signature: EndpointSignature,
    /// What it advertises.
    pub offer: ProviderOffer,
}

impl Settlement {
    /// Makes the account's row say exactly this: adds it, changes it, or sends nothing (`None`) when it does already.
    pub async fn register_provider(
        &self,
        node: NodeId,
        endpoint_signature: EndpointSignature,
        offer: &ProviderOffer,
    ) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        // A second look covers the case that an earlier transaction of ours is mined in between.
        for look in 0..2 {
            let current = self.provider(self.account()).await?;
            let same = |row: &Provider| {
                row.node == node && row.endpoint_signature == endpoint_signature && row.offer == *offer
            };
            if current.as_ref().is_some_and(same) {
                return Ok(None);
            }
            let (endpoint, offer) = (node.as_b256(), to_chain(offer));
            let (r, s) = endpoint_signature.split_at(32);
            let signature = [B256::from_slice(r), B256::from_slice(s)];
            let (action, input) = if current.is_some() {
                (
                    "updating the offer",
                    ProviderRegistry::updateCall {
                        endpointId: endpoint,
                        endpointSignature: signature,
                        offer,
                    }
                    .abi_encode(),
                )
            } else {
                (
                    "registering the provider",
                    ProviderRegistry::registerCall {
                        endpointId: endpoint,
                        endpointSignature: signature,
                        offer,
                    }
                    .abi_encode(),
                )
            };
            let registry = TxKind::Call(self.contracts().registry);
            match turn.send_with_room(action, registry, input, REWEIGHING_GAS).await {
                Err(SettlementError::Reverted { revert, .. }) if revert.is_registration_state() && look == 0 => {}
                other => return other.map(|receipt| Some(Mined::from(&receipt))),
            }
        }
        Ok(None)
    }

    /// Takes the account off the list; `None` when it was not on it.
    pub async fn deregister_provider(&self) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if self.provider(self.account()).await?.is_none() {
            return Ok(None);
        }
        let input = ProviderRegistry::deregisterCall {}.abi_encode();
        match turn
            .send_with_room(
                "deregistering the provider",
                TxKind::Call(self.contracts().registry),
                input,
                REWEIGHING_GAS,
            )
            .await
        {
            Err(SettlementError::Reverted { revert, .. }) if revert.is_registration_state() => Ok(None),
            other => other.map(|receipt| Some(Mined::from(&receipt))),
        }
    }

    /// The row of `account`, if it is on the list.
    pub async fn provider(&self, account: Address) -> Result<Option<Provider>, SettlementError> {
        let registry = self.contracts().registry;
        let ask = ProviderRegistry::providerCall { account };
        match self
            .rpc
            .read("reading the provider registry", self.account(), registry, ask)
            .await
        {
            Ok(row) => Ok(Some(from_chain(row))),
            Err(SettlementError::Reverted { revert, .. }) if revert.is_registration_state() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many providers are on the list.
    pub async fn provider_count(&self) -> Result<u64, SettlementError> {
        let ask = ProviderRegistry::providerCountCall {};
        let registry = self.contracts().registry;
        let count = self
            .rpc
            .read("reading the provider registry", self.account(), registry, ask)
            .await?;
        Ok(count.saturating_to())
    }

    /// At most `limit` rows from `offset` on. A deregistration between two pages may move a row, so whoever needs all
    /// of them compares [`Settlement::provider_count`] before and after.
    pub async fn providers(&self, offset: u64, limit: u64) -> Result<Vec<Provider>, SettlementError> {
        let ask = ProviderRegistry::providersCall {
            offset: U256::from(offset),
            limit: U256::from(limit),
        };
        let registry = self.contracts().registry;
        let rows = self
            .rpc
            .read("reading the provider registry", self.account(), registry, ask)
            .await?;
        Ok(rows.into_iter().map(from_chain).collect())
    }
}

fn to_chain(offer: &ProviderOffer) -> IProviderRegistry::Offer {
    IProviderRegistry::Offer {
        pricePerWuHour: offer.price.per_wu_hour.0,
        benchmarkMilliWu: offer.benchmark_milli_wu,
        memoryMiB: offer.memory_mib,
        isaClass: offer.isa_class,
        trustTier: offer.trust_tier as u8,
        judges: offer.judges,
        comparisonClass: offer.comparison_class.0,
        enginesHash: offer.engines_hash,
        offerHash: offer.offer_hash,
        uri: offer.uri.clone(),
    }
}

fn from_chain(row: IProviderRegistry::Provider) -> Provider {
    let mut endpoint_signature = [0; 64];
    endpoint_signature[..32].copy_from_slice(row.endpointSignature[0].as_slice());
    endpoint_signature[32..].copy_from_slice(row.endpointSignature[1].as_slice());
    let offer = row.offer;
    Provider {
        account: row.account,
        node: NodeId::from(row.endpointId),
        endpoint_signature,
        offer: ProviderOffer {
            price: WorkPrice {
                per_wu_hour: Amount(offer.pricePerWuHour),
            },
            benchmark_milli_wu: offer.benchmarkMilliWu,
            memory_mib: offer.memoryMiB,
            isa_class: offer.isaClass,
            // In the order of the contract's enum, which the ABI numbers and the contract checks.
            trust_tier: match offer.trustTier {
                0 => TrustTier::Open,
                1 => TrustTier::Vetted,
                2 => TrustTier::Attested,
                _ => TrustTier::Private,
            },
            judges: offer.judges,
            comparison_class: ComparisonClass(offer.comparisonClass),
            engines_hash: offer.enginesHash,
            offer_hash: offer.offerHash,
            uri: offer.uri,
        },
    }
}
