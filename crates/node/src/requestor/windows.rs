//! How long the parties of a job have for what they may do: what the owner of this node chose, or else what suits the chain.

use crate::config::{ChainChoice, Config};
use crate::contracts::is_development;
use crate::provider::vouchers::EXIT_WINDOW_MIN;
use std::time::Duration;

/// How long a provider can still redeem a voucher after the requestor has closed the job, and how long its former cap
/// stays after another was published. The settlement pays every voucher that was ever signed, so both are for a requestor
/// that leaves one out. On the embedded development chain short: it seals at once, and the artist waits for the refund.
const EXIT_EMBEDDED: Duration = Duration::from_secs(2);
/// The notice there: the shortest in which providers redeem for certain.
const NOTICE_EMBEDDED: Duration = EXIT_WINDOW_MIN;
/// The exit window on any other chain: a provider must notice the close and get its payment into a block, and blocks of
/// twelve seconds may be full.
const EXIT: Duration = Duration::from_secs(120);
/// The notice on any other chain. Half of the exit window, so that caps published at the deadline still take force in it.
const NOTICE: Duration = Duration::from_secs(60);
/// The exit window on a chain that nodes keep together: a few of its blocks, which are rarely full.
const EXIT_SHARED: Duration = Duration::from_secs(60);
/// The notice there.
const NOTICE_SHARED: Duration = Duration::from_secs(30);
/// The exit window where nodes keep a development chain together, to try it out.
const EXIT_TRIED: Duration = Duration::from_secs(10);
/// The notice there.
const NOTICE_TRIED: Duration = Duration::from_secs(5);
/// How long blocks may be waited for there.
const MINING_TRIED: Duration = Duration::from_secs(20);
/// How long it may take on any other such chain until the last caps and the close are in blocks.
const MINING_SHARED: Duration = Duration::from_secs(60);
/// How long a requestor that was away may come back and reject a claim.
const CHALLENGE: Duration = Duration::from_secs(24 * 3_600);
/// The same on the embedded chain, which its only node takes with it.
const CHALLENGE_EMBEDDED: Duration = Duration::from_secs(60);
/// How long a job runs before its first epoch, which is in force at once: a shorter one gets exact caps at its end and waits
/// for no notice. Far less than providers work on credit.
const FIRST_CAPS_AFTER: Duration = Duration::from_secs(60);
/// The same on the embedded chain.
const FIRST_CAPS_AFTER_EMBEDDED: Duration = Duration::from_secs(10);
/// Before the deadline everything must be settled: results drain, and the last caps' notice runs.
const SETTLING: Duration = Duration::from_secs(20);
/// How long it may take elsewhere until the last caps and the close are in blocks.
const MINING: Duration = Duration::from_secs(120);
/// Notices from one epoch to the next: each costs a fee.
const NOTICES_PER_EPOCH: u32 = 5;

/// How long caps, exits and claims wait.
pub struct Windows {
    /// How long providers can redeem and claim after the close.
    pub exit: Duration,
    /// How long caps stay in force after the next were published.
    pub notice: Duration,
    /// How long a claim can be rejected.
    pub challenge: Duration,
    /// How long a job runs before its first epoch.
    pub first_caps_after: Duration,
    mining: Duration,
}

impl Windows {
    /// Those of this node's jobs.
    pub fn of(config: &Config) -> Self {
        let by_chain = match &config.chain {
            ChainChoice::Embedded(_) => Self {
                exit: EXIT_EMBEDDED,
                notice: NOTICE_EMBEDDED,
                challenge: CHALLENGE_EMBEDDED,
                first_caps_after: FIRST_CAPS_AFTER_EMBEDDED,
                mining: Duration::ZERO,
            },
            ChainChoice::Shared(_, spec) if is_development(spec.genesis.chain_id) => Self {
                exit: EXIT_TRIED,
                notice: NOTICE_TRIED,
                challenge: CHALLENGE_EMBEDDED,
                first_caps_after: FIRST_CAPS_AFTER_EMBEDDED,
                mining: MINING_TRIED,
            },
            ChainChoice::Shared(..) => Self {
                exit: EXIT_SHARED,
                notice: NOTICE_SHARED,
                challenge: CHALLENGE,
                first_caps_after: FIRST_CAPS_AFTER,
                mining: MINING_SHARED,
            },
            ChainChoice::Remote(_) | ChainChoice::FromTicket => Self {
                exit: EXIT,
                notice: NOTICE,
                challenge: CHALLENGE,
                first_caps_after: FIRST_CAPS_AFTER,
                mining: MINING,
            },
        };
        let chosen = &config.job_terms;
        let notice = chosen.notice.unwrap_or(by_chain.notice);
        Self {
            exit: chosen.exit.unwrap_or(by_chain.exit),
            notice,
            challenge: chosen.challenge.unwrap_or(by_chain.challenge),
            // Whoever shortens the notice knows a chain that is quick.
            first_caps_after: by_chain.first_caps_after.min(notice.saturating_mul(10)),
            mining: by_chain.mining.min(notice.saturating_mul(2)),
        }
    }

    /// The pause between two epochs of one job.
    pub fn epoch_pause(&self) -> Duration {
        self.notice * NOTICES_PER_EPOCH
    }

    /// How long it takes until caps that were just published can have been followed by others in force.
    pub fn next_caps_within(&self) -> Duration {
        self.epoch_pause() + self.notice
    }

    /// How long before its deadline a job begins to end.
    pub fn deadline_margin(&self) -> Duration {
        SETTLING + self.notice + self.mining
    }
}
