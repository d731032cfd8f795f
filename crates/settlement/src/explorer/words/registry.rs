//! What the registry makes known, in words.

use super::{Words, short};
use crate::bindings::registry::ProviderRegistry::ProviderRegistryEvents;
use alloy::{
    primitives::{B256, Log, U256},
    sol_types::SolEventInterface,
};
use rayswarm_model::NodeId;

impl Words<'_> {
    pub(super) fn registry(&self, topic: B256, log: &Log) -> Option<(&'static str, String)> {
        use ProviderRegistryEvents as E;
        let node = |id: B256| NodeId::from(id).short();
        let price = |units: u128| format!("{} per WU-hour", self.tokens(U256::from(units)));
        let text = match ProviderRegistryEvents::decode_log(log).ok()?.data {
            E::ProviderRegistered(e) => {
                let (account, price) = (short(e.account), price(e.offer.pricePerWuHour));
                format!("{account} offers node {} for {price}", node(e.endpointId))
            }
            E::ProviderUpdated(e) => {
                let (account, price) = (short(e.account), price(e.offer.pricePerWuHour));
                format!("{account} now offers node {} for {price}", node(e.endpointId))
            }
            E::ProviderDeregistered(e) => {
                format!("{} offers node {} no more", short(e.account), node(e.endpointId))
            }
            E::StakeBonded(e) => format!(
                "{} put {} at stake, {} in all",
                short(e.account),
                Self::stake(e.amount),
                Self::stake(e.bonded)
            ),
            E::StakeUnbonding(e) => format!(
                "{} takes {} out of its stake, after a delay",
                short(e.account),
                Self::stake(e.amount)
            ),
            E::StakeWithdrawn(e) => format!("{} got {} of its stake back", short(e.account), Self::stake(e.amount)),
            E::StakeFrozen(e) => format!(
                "{} of the stake of {} are held for a dispute",
                Self::stake(e.amount),
                short(e.account)
            ),
            E::StakeReleased(e) => format!(
                "{} of the stake of {} are held no more",
                Self::stake(e.amount),
                short(e.account)
            ),
            E::StakeSlashed(e) => format!("{} lost {} of its stake", short(e.account), Self::stake(e.amount)),
            E::ProviderJailed(e) => format!("{} is drawn for no committee for a while", short(e.account)),
            E::JurorWeightChanged(e) => format!(
                "{} weighs {} among the jurors of its class",
                short(e.account),
                Self::stake(e.weight)
            ),
        };
        Some((ProviderRegistryEvents::name_by_selector(topic.0)?, text))
    }
}
