//! Who is asked: known providers whose offers suit the job, the genuine ones only.

use super::refusal::missing;
use crate::{peers, services::Services};
use rayswarm_api::Problem;
use rayswarm_model::{Amount, Offer, SceneFacts, WorkPrice, settings::Device};
use rayswarm_network::{
    PeerInfo, RequestorLink,
    work::{InviteAnswer, JobInvite},
};
use rayswarm_scheduler::{Needs, admit};
use std::sync::Arc;

/// What a job demands, and the device it must be rendered on.
#[derive(Clone, Debug)]
pub struct JobNeeds {
    /// What the scheduler checks.
    pub needs: Needs,
    /// The device; `Auto` takes any.
    pub device: Device,
}

/// Any price: before the quote, which settles it.
pub const ANY_PRICE: WorkPrice = WorkPrice {
    per_wu_hour: Amount(u128::MAX),
};

/// What a job demands of providers.
pub fn needs(engine: &str, version: &str, facts: &SceneFacts, device: Device, price_cap: WorkPrice) -> JobNeeds {
    let needs = Needs {
        engine: engine.into(),
        engine_version: version.into(),
        memory: facts.memory_estimate,
        price_cap,
        sandbox: true,
    };
    JobNeeds { needs, device }
}

/// The peers that may render the job, with their offers.
pub fn suitable(services: &Services, needs: &JobNeeds) -> Vec<(PeerInfo, Offer)> {
    let peers = services.network.peers().into_iter();
    peers
        .filter_map(|peer| {
            let signed = peer.card.offer.clone()?;
            let fits = admit(&signed.offer, &needs.needs).is_ok()
                && (needs.device == Device::Auto || signed.offer.device == needs.device)
                && peers::is_genuine(&signed);
            fits.then_some((peer, signed.offer))
        })
        .collect()
}

/// The offers alone.
pub fn suitable_offers(services: &Services, needs: &JobNeeds) -> Vec<Offer> {
    suitable(services, needs).into_iter().map(|(_, offer)| offer).collect()
}

/// Says why nobody can be asked: nobody is known, or what is amiss with those who are.
pub fn nobody(services: &Services, needs: &JobNeeds) -> Problem {
    let offers: Vec<Offer> = services
        .network
        .peers()
        .into_iter()
        .filter_map(|peer| Some(peer.card.offer?.offer))
        .collect();
    if offers.is_empty() {
        return missing(
            "no_providers",
            "no provider is known; start one with `rayswarm up --provide`, or on another machine with \
             `rayswarm up --provide --join TICKET` (`rayswarm invite` prints the ticket)",
        );
    }
    let amiss: Vec<String> = offers
        .iter()
        .map(|offer| match admit(offer, &needs.needs) {
            Err(refusal) => format!("{}: the job {refusal}", offer.node.short()),
            Ok(()) => format!(
                "{}: renders on {:?}, the job asks for {:?}",
                offer.node.short(),
                offer.device,
                needs.device
            ),
        })
        .collect();
    missing(
        "no_providers",
        format!(
            "none of the {} known providers can render this job ({})",
            offers.len(),
            amiss.join("; ")
        ),
    )
}

/// Dials a provider and offers it the job; `None` when it refuses or cannot be reached.
pub async fn invite(services: Arc<Services>, peer: PeerInfo, invite: JobInvite) -> Option<RequestorLink> {
    let node = peer.card.address.node;
    services.network.blobs().grant(node, invite.job);
    let link = match services.network.provider_link(&peer.card.address).await {
        Ok(link) => link,
        Err(error) => {
            tracing::debug!(node = %node.short(), %error, "a provider cannot be reached");
            return None;
        }
    };
    match link.invite(invite).await {
        Ok(InviteAnswer::Accepted) => Some(link),
        Ok(InviteAnswer::Refused { reason }) => {
            tracing::debug!(node = %node.short(), reason, "a provider refused");
            None
        }
        Err(error) => {
            tracing::debug!(node = %node.short(), %error, "an invitation went unanswered");
            None
        }
    }
}
