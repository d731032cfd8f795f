//! Caps while the job renders: published when it has run a while and providers near their caps, once more for exactly what
//! was earned before providers are let go, and told to everyone they name.

use super::{Background, Rendering};
use crate::{
    clock,
    requestor::{
        caps::{self, Chosen, MoneyError, Published},
        money,
        refusal::chain,
        windows::Windows,
    },
    rounds::SaidOnce,
};
use rayswarm_model::{Address, Amount, Caps, FailureKind, NodeId, Work};
use rayswarm_network::work::Allocation as WireAllocation;
use rayswarm_scheduler::caps::{Need, headroom};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Pause before the chain is asked again which caps it knows.
const RECALL_RETRY: Duration = Duration::from_secs(2);
/// How much of its work a provider is taken to do on credit: less than the twenty minutes of this node's own provider role.
const CREDIT: Duration = Duration::from_secs(600);

/// What is known of a job's epochs while it renders.
#[derive(Default)]
pub(super) struct Epochs {
    /// The newest caps published, or about to be, and their document.
    newest: Option<Chosen>,
    /// Whether the chain is being asked which of the kept caps it knows.
    recalling: bool,
    /// When the last publication began, and whether it has not ended.
    last: Option<Instant>,
    publishing: bool,
    last_caps: LastCaps,
    said: SaidOnce,
}

/// The caps for exactly what was earned, when the job is over.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum LastCaps {
    /// The job is not over.
    #[default]
    NotYet,
    /// On their way to providers and chain.
    UnderWay,
    /// Published, or left to the settlement.
    Done,
}

impl Rendering<'_> {
    /// Publishes new caps if somebody needs them and the last are old enough.
    pub(super) fn publish_caps_if_short(&mut self) {
        let pause = Windows::of(&self.services.config).epoch_pause();
        let now = Instant::now();
        let rests = self.epochs.last.is_some_and(|last| now - last < pause);
        if self.epochs.publishing || self.epochs.recalling || rests || self.end.is_some() {
            return;
        }
        let needs = self.needs_of_providers();
        let known = self.epochs.newest.as_ref().map(|chosen| chosen.caps.clone());
        if known.is_none() && !self.first_caps_are_due(&needs) {
            return;
        }
        let free = self.job.record.escrow.locked;
        if !caps::are_short(&known.unwrap_or_default(), free, &needs) {
            return;
        }
        (self.epochs.publishing, self.epochs.last) = (true, Some(now));
        let (services, background) = (self.services.clone(), self.background.clone());
        let id = self.job.record.id;
        self.services.tracker.spawn(async move {
            let folder = caps::folder(&services, id);
            let publishing = async {
                let chosen = caps::choose(&services.settlement, &folder, id, needs).await?;
                // Told before it is on the chain, so that nobody takes a notice for a robbery.
                let _ = background.send(Background::CapsChosen(chosen.clone())).await;
                caps::publish(&services.settlement, id, &chosen).await
            };
            let outcome = publishing.await;
            let _ = background.send(Background::CapsPublished(outcome.map(Some))).await;
        });
    }

    /// A job that is over before gets exact caps at its end, which are then the first and in force at once.
    fn first_caps_are_due(&self, needs: &[Need]) -> bool {
        let delay = Windows::of(&self.services.config).first_caps_after;
        let started_at = self.job.record.started_at.unwrap_or(self.job.record.created_at);
        let credit_of = |account: Address| -> Amount {
            let offers = self.offers.values().filter(|offer| offer.account == account);
            let worth = |milli_wu_per_s: u64| Work {
                milli_wu: milli_wu_per_s.saturating_mul(CREDIT.as_secs()),
            };
            let credit: Amount = offers
                .map(|offer| offer.price.of_floor(worth(offer.benchmark_milli_wu)))
                .sum();
            // Of who has gone, or offers no benchmark, nothing is known.
            if credit == Amount::ZERO {
                Amount(u128::MAX)
            } else {
                credit
            }
        };
        clock::now().since(started_at) >= delay || caps::credit_is_near(&Caps::default(), needs, credit_of)
    }

    /// Whether providers and chain have the caps for exactly what was earned, or nothing more is tried here. Providers get
    /// them while they are connected: who does not know its cap could prove none.
    pub(super) fn last_caps_are_published(&mut self) -> bool {
        match self.epochs.last_caps {
            LastCaps::Done => return true,
            LastCaps::NotYet if !self.epochs.publishing => {}
            LastCaps::NotYet | LastCaps::UnderWay => return false,
        }
        (self.epochs.publishing, self.epochs.last_caps) = (true, LastCaps::UnderWay);
        let (services, background) = (self.services.clone(), self.background.clone());
        let (id, earnings) = (self.job.record.id, self.ledger.earnings.clone());
        let links: Vec<_> = self.links.values().cloned().collect();
        self.services.tracker.spawn(async move {
            let publishing = async {
                let Some(chosen) = money::last_caps(&services, id, &earnings).await? else {
                    return Ok(None);
                };
                let told = links.into_iter().map(|link| {
                    let document = chosen.document.clone();
                    let telling = async move { link.allocation(WireAllocation { job: id, document }).await };
                    services.tracker.spawn(telling)
                });
                for told in told.collect::<Vec<_>>() {
                    if let Ok(Err(error)) = told.await {
                        tracing::debug!(%error, "a provider was not told its last cap");
                    }
                }
                caps::publish(&services.settlement, id, &chosen).await.map(Some)
            };
            let outcome = publishing.await;
            let _ = background.send(Background::CapsPublished(outcome)).await;
        });
        false
    }

    /// Whether the job is over but for its last caps.
    pub(super) fn is_letting_go(&self) -> bool {
        self.epochs.last_caps != LastCaps::NotYet
    }

    /// Caps that the chain knows from before a restart, or from a publication that failed here, are known again.
    pub(super) fn recall_caps(&mut self) {
        self.epochs.recalling = true;
        let (services, background) = (self.services.clone(), self.background.clone());
        let id = self.job.record.id;
        self.services.tracker.spawn(async move {
            let folder = caps::folder(&services, id);
            loop {
                match caps::recall(&services.settlement, &folder, id).await {
                    Ok(known) => {
                        let _ = background.send(Background::CapsRecalled(known)).await;
                        return;
                    }
                    Err(error) => tracing::debug!(error = %chain(&error), "the caps cannot be recalled yet"),
                }
                tokio::select! {
                    () = services.stop.cancelled() => return,
                    () = background.closed() => return,
                    () = tokio::time::sleep(RECALL_RETRY) => {}
                }
            }
        });
    }

    pub(super) fn caps_recalled(&mut self, known: Option<Chosen>) {
        self.epochs.recalling = false;
        if let Some(chosen) = known {
            self.caps_chosen(chosen);
        }
    }

    pub(super) fn caps_chosen(&mut self, chosen: Chosen) {
        self.epochs.newest = Some(chosen);
        let nodes: Vec<NodeId> = self.links.keys().copied().collect();
        for node in nodes {
            self.tell_caps(node);
        }
    }

    pub(super) fn caps_published(&mut self, outcome: Result<Option<Published>, MoneyError>) {
        self.epochs.publishing = false;
        let was_last = self.epochs.last_caps == LastCaps::UnderWay;
        if was_last {
            self.epochs.last_caps = LastCaps::Done;
        }
        if let Some(error) = self.epochs.said.hear(&outcome) {
            self.job
                .say(format!("the providers' caps are not published yet: {error}"));
        }
        match outcome {
            Ok(published) => {
                let transaction = published.and_then(|published| published.transaction);
                money::note(&mut self.job.record, transaction.as_slice());
                // Forgotten in a crash, it is read from the chain when the job settles.
                let _ = self.job.save();
            }
            Err(error) => {
                if error.kind() == FailureKind::Transient {
                    self.epochs.last = None;
                }
                if !was_last {
                    // What was not published counts for nobody; it is tried again.
                    self.epochs.newest = None;
                    self.recall_caps();
                }
            }
        }
    }

    /// Hands a provider the caps, if they name it.
    pub(super) fn tell_caps(&self, node: NodeId) {
        let (Some(link), Some(offer)) = (self.links.get(&node).cloned(), self.offers.get(&node)) else {
            return;
        };
        let named = |chosen: &&Chosen| chosen.caps.proof(offer.account).is_some();
        let Some(chosen) = self.epochs.newest.as_ref().filter(named) else {
            return;
        };
        let allocation = WireAllocation {
            job: self.job.record.id,
            document: chosen.document.clone(),
        };
        self.send(async move { link.allocation(allocation).await });
    }

    /// What is known of everybody who has earned something or has something in hand. The rest need no cap: nobody gets one
    /// for what it says of itself.
    fn needs_of_providers(&self) -> Vec<Need> {
        let mut needs: BTreeMap<Address, Need> = BTreeMap::new();
        let mut of = |provider: Address| {
            needs.entry(provider).or_insert(Need {
                provider,
                owed: Amount::ZERO,
                in_flight: Amount::ZERO,
                headroom: Amount::ZERO,
                rate_milli_wu: 0,
            });
        };
        let earnings = &self.ledger.earnings;
        let in_flight = self.farm.in_flight();
        earnings.keys().chain(in_flight.keys()).copied().for_each(&mut of);
        for need in needs.values_mut() {
            need.owed = earnings.get(&need.provider).copied().unwrap_or_default();
            need.in_flight = in_flight.get(&need.provider).copied().unwrap_or_default();
        }
        let verified_rates = self.farm.verified_rates();
        let until_next = Windows::of(&self.services.config).next_caps_within();
        for node in self.links.keys().filter(|node| !self.excluded.contains(*node)) {
            let offer = self.offers.get(node);
            let (Some(offer), Some(rate)) = (offer, verified_rates.get(node).copied()) else {
                continue;
            };
            // Who has something verified has earned something, unless it asks for nothing and needs no cap.
            let Some(need) = needs.get_mut(&offer.account) else {
                continue;
            };
            need.rate_milli_wu = need.rate_milli_wu.saturating_add(rate);
            need.headroom = headroom(need.owed, offer.price, need.rate_milli_wu, until_next);
        }
        let idle = |need: &Need| need.rate_milli_wu == 0 && need.owed == Amount::ZERO && need.in_flight == Amount::ZERO;
        needs.into_values().filter(|need| !idle(need)).collect()
    }
}
