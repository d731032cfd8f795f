//! Who is asked: providers that have spoken for themselves, whose offers suit the job and are genuine, and whose results
//! somebody independent can audit.

use super::refusal::missing;
use crate::{peers, provider::measure, services::Services};
use rayswarm_api::Problem;
use rayswarm_model::{Amount, B256, NodeId, Offer, SceneFacts, WorkPrice, offer::ComparisonClass, settings::Device};
use rayswarm_network::{
    Network, PeerInfo, RequestorLink,
    work::{InviteAnswer, JobInvite},
};
use rayswarm_scheduler::{Needs, Refusal, admit};
use std::time::Duration;

/// Taken for the round trip to a provider that answers no ping: farther than any continent. Were it near, it would rank
/// before those that were measured.
const UNMEASURED_ROUND_TRIP: Duration = Duration::from_millis(500);

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

/// Why a known provider is not asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// Its offer lacks something.
    #[error("the job {0}")]
    Refused(Refusal),
    /// It renders on another device than the job asks for.
    #[error("renders on {offered:?}, the job asks for {asked:?}")]
    Device {
        /// By the provider.
        offered: Device,
        /// By the job.
        asked: Device,
    },
    /// Its offer is not signed by the account it names.
    #[error("its offer is not signed by the account that would be paid")]
    Forged,
    /// Others told of it; what they say may be made up.
    #[error("only others have told of it, it has not answered itself yet")]
    Hearsay,
    /// Nobody could say whether its results are right.
    #[error(
        "renders on {0:?} in a comparison class that no other provider has, so nobody could audit it; start a second one \
         with the same device, or ask for --device cpu"
    )]
    Unauditable(Device),
}

/// The peers that may render the job, with their offers.
pub fn suitable(services: &Services, needs: &JobNeeds) -> Vec<(PeerInfo, Offer)> {
    let judged = judge(services.network.peers(), needs, own_class(services, needs)).into_iter();
    judged.filter_map(Result::ok).collect()
}

/// The offers alone.
pub fn suitable_offers(services: &Services, needs: &JobNeeds) -> Vec<Offer> {
    suitable(services, needs).into_iter().map(|(_, offer)| offer).collect()
}

fn own_class(services: &Services, needs: &JobNeeds) -> ComparisonClass {
    measure::own_class(services, &needs.needs.engine, &needs.needs.engine_version)
}

/// Every peer that offers anything: suitable, or why not. `own` is the comparison class of this machine.
fn judge(
    peers: Vec<PeerInfo>,
    needs: &JobNeeds,
    own: ComparisonClass,
) -> Vec<Result<(PeerInfo, Offer), (NodeId, Unsuitable)>> {
    let alone: Vec<Result<(PeerInfo, Offer), (NodeId, Unsuitable)>> = peers
        .into_iter()
        .filter_map(|peer| Some(judge_alone(peer.clone(), peer.card.offer?.offer, needs)))
        .collect();
    let fit: Vec<Offer> = alone.iter().flatten().map(|(_, offer)| offer.clone()).collect();
    let engine = (&*needs.needs.engine, &*needs.needs.engine_version);
    let auditable = |(peer, offer): (PeerInfo, Offer)| {
        // Processors are compared across classes too; other devices only within one.
        if offer.device == Device::Cpu || is_class_shared(&offer, engine, own, &fit) {
            Ok((peer, offer))
        } else {
            Err((offer.node, Unsuitable::Unauditable(offer.device)))
        }
    };
    alone.into_iter().map(|judged| judged.and_then(auditable)).collect()
}

/// Judges a peer by its own offer.
fn judge_alone(peer: PeerInfo, offer: Offer, needs: &JobNeeds) -> Result<(PeerInfo, Offer), (NodeId, Unsuitable)> {
    let unsuitable = if let Err(refusal) = admit(&offer, &needs.needs) {
        Unsuitable::Refused(refusal)
    } else if needs.device != Device::Auto && offer.device != needs.device {
        Unsuitable::Device {
            offered: offer.device,
            asked: needs.device,
        }
    } else if !peer.card.offer.as_ref().is_some_and(peers::is_genuine) {
        Unsuitable::Forged
    } else if !peer.first_hand {
        // An account may sign an offer for anybody's node; only the node itself can bring it.
        Unsuitable::Hearsay
    } else {
        return Ok((peer, offer));
    };
    Err((offer.node, unsuitable))
}

/// Whether somebody independent has the comparison class of `offer` for an engine: this machine, whose class is `own`, or
/// a provider of another account.
pub fn is_class_shared<'a>(
    offer: &Offer,
    (engine, version): (&str, &str),
    own: ComparisonClass,
    others: impl IntoIterator<Item = &'a Offer>,
) -> bool {
    let class_of = |offer: &Offer| Some(offer.engine(engine, version)?.class);
    let Some(class) = class_of(offer) else { return false };
    let measured = own.0 != B256::ZERO;
    (measured && class == own)
        || others
            .into_iter()
            .any(|other| other.account != offer.account && class_of(other) == Some(class))
}

/// Says why nobody can be asked: nobody is known, or what is amiss with those who are.
pub fn nobody(services: &Services, needs: &JobNeeds) -> Problem {
    let judged = judge(services.network.peers(), needs, own_class(services, needs));
    let amiss: Vec<String> = judged
        .into_iter()
        .filter_map(Result::err)
        .map(|(node, unsuitable)| format!("{}: {unsuitable}", node.short()))
        .collect();
    if amiss.is_empty() {
        return missing(
            "no_providers",
            "no provider is known; start one with `rayswarm up --provide`, or on another machine with \
             `rayswarm up --provide --join TICKET` (`rayswarm invite` prints the ticket)",
        );
    }
    missing(
        "no_providers",
        format!(
            "none of the {} known providers can render this job ({})",
            amiss.len(),
            amiss.join("; ")
        ),
    )
}

/// The round trip to a provider in milliseconds: as measured, or measured now.
pub async fn round_trip_ms(network: &Network, peer: &PeerInfo) -> u32 {
    let measured = match peer.round_trip {
        Some(span) => Ok(span),
        None => network.ping(&peer.card.address).await,
    };
    let span = measured.unwrap_or_else(|error| {
        tracing::debug!(node = %peer.card.address.node.short(), %error, "a round trip was not measured");
        UNMEASURED_ROUND_TRIP
    });
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

/// How a provider took an invitation.
pub enum Invited {
    /// It will pull over this link.
    Accepted(RequestorLink),
    /// It does not want the job, and says why.
    Refused(String),
    /// It did not answer.
    Unreachable,
}

/// Dials a provider and offers it the job. It may read the job's files while it decides, and then only if it accepts: one
/// that accepts fetches at once.
pub async fn invite(network: &Network, peer: &PeerInfo, invite: JobInvite) -> Invited {
    let (node, job) = (peer.card.address.node, invite.job);
    network.blobs().grant(node, job);
    let invited = offer_job(network, peer, invite).await;
    if !matches!(invited, Invited::Accepted(_)) {
        network.blobs().withdraw(node, job);
    }
    invited
}

async fn offer_job(network: &Network, peer: &PeerInfo, invite: JobInvite) -> Invited {
    let node = peer.card.address.node;
    let link = match network.provider_link(&peer.card.address).await {
        Ok(link) => link,
        Err(error) => {
            tracing::debug!(node = %node.short(), %error, "a provider cannot be reached");
            return Invited::Unreachable;
        }
    };
    match link.invite(invite).await {
        Ok(InviteAnswer::Accepted) => Invited::Accepted(link),
        Ok(InviteAnswer::Refused { reason }) => Invited::Refused(reason),
        Err(error) => {
            tracing::debug!(node = %node.short(), %error, "an invitation went unanswered");
            Invited::Unreachable
        }
    }
}

#[cfg(test)]
mod tests;
