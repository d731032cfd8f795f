//! Whether an invitation is accepted: can this machine do it, is it paid, and is the money really there.

use super::{
    account::Account,
    measure,
    pace::Pace,
    vouchers::{EXIT_WINDOW_MIN, EXIT_WINDOW_MIN_ELSEWHERE},
};
use crate::{contracts::is_development, journal::Journal, requestor::refusal::chain, services::Services};
use rayswarm_engines::{Engine, SessionLimits};
use rayswarm_model::{Address, Amount, B256, NodeId, UnixMillis, WorkPrice, canonical};
use rayswarm_network::work::JobInvite;
use rayswarm_settlement::{Job, JobState};
use std::{sync::Arc, time::Duration};

/// What the owner of this provider gives. What it asks may change: see [`ProviderSwitch`].
///
/// [`ProviderSwitch`]: super::switch::ProviderSwitch
#[derive(Clone, Debug)]
pub struct OwnTerms {
    /// Limits of each session.
    pub limits: SessionLimits,
    /// Verified tasks without a voucher, after which no more work is done for a requestor.
    pub unpaid_tasks: u64,
    /// What this node keeps at stake.
    pub stake: Amount,
}

/// The answer to an invitation.
pub enum Admission {
    /// Yes.
    Accepted(Box<Accepted>),
    /// No, and why.
    Refused(String),
}

/// What an accepted job is worked on with.
pub struct Accepted {
    /// The engine that will do it.
    pub engine: Arc<dyn Engine>,
    /// How fast this machine is with it.
    pub pace: Pace,
    /// What its requestor owes.
    pub account: Account,
    /// Keccak-256 of the manifest that the escrow pays for.
    pub manifest: B256,
    /// Keccak-256 of the plan that the escrow pays for.
    pub plan: B256,
}

/// Less time than this before the deadline is not enough to be paid.
const TIME_LEFT_MIN: Duration = Duration::from_secs(30);

impl OwnTerms {
    /// Judges an invitation of `from`. Looks at the escrow: an invitation without money behind it is refused.
    pub async fn judge(&self, services: &Services, from: NodeId, invite: &JobInvite) -> Admission {
        match self.admit(services, from, invite).await {
            Ok(accepted) => Admission::Accepted(Box::new(accepted)),
            Err(reason) => Admission::Refused(reason),
        }
    }

    async fn admit(&self, services: &Services, from: NodeId, invite: &JobInvite) -> Result<Accepted, String> {
        self.suits(services, invite)?;
        if !invite.is_signed() {
            return Err(format!(
                "the invitation is not signed by {}, whom it says pays; both sides need the same version",
                invite.requestor
            ));
        }
        let not_installed = || format!("{} {} is not installed here", invite.engine, invite.engine_version);
        let engine = services.engines.exact(&invite.engine, &invite.engine_version);
        let engine = engine.ok_or_else(not_installed)?;
        let escrow = services.settlement.job(invite.job).await;
        let escrow = escrow.map_err(|error| format!("the escrow cannot be read: {}", chain(&error)))?;
        covers(&escrow, invite, services.settlement.contracts().token, self.stake)?;
        let own_class = measure::own_class(services, &invite.engine, &invite.engine_version);
        if escrow.provider_stake > Amount::ZERO && escrow.comparison_class != own_class {
            return Err(
                "it wants a stake, and its jurors compare with another class of processors than this one's".into(),
            );
        }
        let measured = measure::kept(&services.engines, engine.as_ref(), self.limits.device);
        let pace = Pace::new(measured, self.limits.threads);
        let account = Account::new(
            services.journal.clone(),
            invite,
            escrow.deposited,
            pace,
            self.unpaid_tasks,
        );
        account.check().map_err(|debt| chain(&debt))?;
        let height = services.settlement.height().await;
        let height = height.map_err(|error| format!("the chain cannot be read: {}", chain(&error)))?;
        let (journal, now) = (&services.journal, crate::clock::now());
        let requestor = (invite.requestor, from);
        let noted = journal.accept_job(invite.job, requestor, invite.deadline, height, now);
        let noted = noted.and_then(|()| journal.worked_job(invite.job));
        let noted = noted.map_err(|error| format!("the job cannot be written down: {}", chain(&error)))?;
        if noted.is_none_or(|worked| worked.node != Some(from)) {
            return Err("results of this job were delivered to another node; invite from that one".into());
        }
        keeps_its_word(journal, invite)?;
        let kept = canonical::encode("invitation", invite).map_err(|error| chain(&error))?;
        let kept = journal.note_invite(invite.job, &kept);
        kept.map_err(|error| format!("the invitation cannot be written down: {}", chain(&error)))?;
        Ok(Accepted {
            engine,
            pace,
            account,
            manifest: escrow.manifest_hash,
            plan: escrow.plan_hash,
        })
    }

    fn suits(&self, services: &Services, invite: &JobInvite) -> Result<(), String> {
        let domain = services.domain;
        if invite.chain_id != domain.chain_id || invite.escrow != domain.escrow {
            return Err(format!(
                "it is paid on chain {} at {}, not here",
                invite.chain_id, invite.escrow
            ));
        }
        let asked = services.switch.price();
        if invite.price < asked {
            return Err(format!(
                "it pays {} per WU-hour, this node asks {}",
                invite.price.per_wu_hour, asked.per_wu_hour
            ));
        }
        if invite.memory > self.limits.memory {
            return Err(format!(
                "it needs {}, a session here may use {}",
                invite.memory, self.limits.memory
            ));
        }
        let now: UnixMillis = crate::clock::now();
        if invite.deadline < now.after(TIME_LEFT_MIN) {
            return Err("its deadline is too near".into());
        }
        Ok(())
    }
}

/// What was delivered is paid by the invitation that it was done by: a later one must say the same.
fn keeps_its_word(journal: &Journal, invite: &JobInvite) -> Result<(), String> {
    let unreadable = |error: &dyn std::error::Error| format!("the former invitation cannot be read: {}", chain(error));
    let delivered = journal.worked_job(invite.job).map_err(|error| unreadable(&error))?;
    if delivered.is_none_or(|worked| worked.delivered == Amount::ZERO) {
        return Ok(());
    }
    let Some(former) = journal.invite(invite.job).map_err(|error| unreadable(&error))? else {
        return Ok(());
    };
    let former: JobInvite = canonical::decode("invitation", &former).map_err(|error| unreadable(&error))?;
    let said = |invite: &JobInvite| JobInvite {
        signature: Vec::new(),
        ..invite.clone()
    };
    if said(&former) != said(invite) {
        return Err("results were delivered by another invitation to this job; repeat that one".into());
    }
    Ok(())
}

/// Whether an escrow is what the invitation says, and this node can get its pay out of it. How much it must hold is
/// judged with each lease, since only the tasks tell: small jobs lock little.
fn covers(escrow: &Job, invite: &JobInvite, token: Address, stake: Amount) -> Result<(), String> {
    if escrow.state != JobState::Open {
        return Err(format!(
            "the job has no open escrow on this chain: its state is {:?}, wanted is {:?}",
            escrow.state,
            JobState::Open
        ));
    }
    if escrow.requestor != invite.requestor {
        return Err(format!(
            "the escrow belongs to {}, not {}",
            escrow.requestor, invite.requestor
        ));
    }
    if escrow.token != token {
        return Err(format!(
            "the escrow pays in the token {}, this network's is {token}",
            escrow.token
        ));
    }
    if escrow.locked == Amount::ZERO && invite.price > WorkPrice::default() {
        return Err(format!(
            "the escrow is empty: all {} of it are paid out; top it up",
            escrow.deposited
        ));
    }
    // The chain counts whole seconds.
    let (on_chain, invited) = (escrow.deadline.seconds_floor(), invite.deadline.seconds_floor());
    if on_chain < invited {
        return Err(format!(
            "the escrow ends {} s before the invitation's deadline; it must not end before it",
            invited - on_chain
        ));
    }
    let window_min = if is_development(invite.chain_id) {
        EXIT_WINDOW_MIN
    } else {
        EXIT_WINDOW_MIN_ELSEWHERE
    };
    for (what, window) in [
        ("exit window", escrow.exit_window),
        ("notice of new caps", escrow.notice),
    ] {
        if window < window_min {
            return Err(format!(
                "the escrow's {what} is {} s; at least {} s are needed on this chain to redeem a voucher",
                window.as_secs_f64(),
                window_min.as_secs_f64()
            ));
        }
    }
    if escrow.provider_stake > stake {
        return Err(format!(
            "the escrow wants {} at stake from whoever claims, and this node stakes {stake}; raise it with --stake",
            escrow.provider_stake
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::chain::DEVELOPMENT_CHAIN_ID;
    use rayswarm_model::{BlobId, Bytes, ComparisonClass, JobId, RenderSettings, Resolution};

    const TOKEN: Address = Address::repeat_byte(3);

    fn invite(price: u128) -> JobInvite {
        JobInvite {
            job: JobId::from_bytes([1; 32]),
            requestor: Address::repeat_byte(1),
            chain_id: DEVELOPMENT_CHAIN_ID,
            escrow: Address::repeat_byte(2),
            manifest: BlobId::from_bytes([3; 32]),
            manifest_bytes: 1,
            plan: BlobId::from_bytes([4; 32]),
            plan_bytes: 1,
            engine: "povray".into(),
            engine_version: "3.7".into(),
            settings: RenderSettings {
                resolution: Resolution { width: 1, height: 1 },
                samples: 1,
                renderer_override: None,
                allowed_missing: Vec::new(),
                options: Vec::new(),
            },
            play_from: None,
            memory: Bytes(1),
            price: WorkPrice {
                per_wu_hour: Amount(price),
            },
            deadline: UnixMillis(2_000_999),
            signature: Vec::new(),
        }
    }

    fn escrow() -> Job {
        Job {
            state: JobState::Open,
            requestor: Address::repeat_byte(1),
            token: TOKEN,
            manifest_hash: B256::ZERO,
            plan_hash: B256::ZERO,
            policy_hash: B256::ZERO,
            comparison_class: ComparisonClass(B256::ZERO),
            provider_stake: Amount::ZERO,
            deadline: UnixMillis(2_000_000),
            exit_window: Duration::from_secs(2),
            notice: Duration::from_secs(3),
            challenge: Duration::from_secs(4),
            trust_tier: 0,
            refundable_at: UnixMillis(2_002_000),
            deposited: Amount(50),
            paid: Amount::ZERO,
            fees: Amount::ZERO,
            refunded: Amount::ZERO,
            locked: Amount(50),
            reserved: Amount::ZERO,
            settlement_hash: B256::ZERO,
        }
    }

    #[test]
    fn an_escrow_must_be_what_the_invitation_says() {
        type Change = fn(&mut Job);
        let refused: [(Change, &[&str]); 10] = [
            (|job| job.state = JobState::None, &["None", "Open"]),
            (|job| job.state = JobState::Closed, &["Closed", "Open"]),
            (|job| job.state = JobState::Refunded, &["Refunded", "Open"]),
            (
                |job| job.requestor = Address::repeat_byte(9),
                &["0x0909090909090909090909090909090909090909"],
            ),
            (
                |job| job.token = Address::repeat_byte(8),
                &["0x0808080808080808080808080808080808080808"],
            ),
            (|job| job.locked = Amount::ZERO, &["0.00000000000000005"]),
            (|job| job.deadline = UnixMillis(1_999_999), &["1 s before"]),
            (|job| job.exit_window = Duration::ZERO, &["exit window", "0 s", "1 s"]),
            (|job| job.notice = Duration::ZERO, &["notice", "0 s", "1 s"]),
            (
                |job| job.provider_stake = Amount(5),
                &["0.000000000000000005", "--stake"],
            ),
        ];
        assert_eq!(covers(&escrow(), &invite(5), TOKEN, Amount(4)), Ok(()));
        for (change, words) in refused {
            let mut job = escrow();
            change(&mut job);
            let reason = covers(&job, &invite(5), TOKEN, Amount(4)).unwrap_err();
            assert!(words.iter().all(|word| reason.contains(word)), "{reason}");
        }
        let elsewhere = JobInvite {
            chain_id: 1,
            ..invite(5)
        };
        let reason = covers(&escrow(), &elsewhere, TOKEN, Amount(4)).unwrap_err();
        assert!(reason.contains("at least 60 s"), "{reason}");
        let free = Job {
            locked: Amount::ZERO,
            ..escrow()
        };
        assert_eq!(
            covers(&free, &invite(0), TOKEN, Amount::ZERO),
            Ok(()),
            "a farm without prices"
        );
    }
}
