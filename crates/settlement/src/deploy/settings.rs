//! The settings of a deployment, out of a book in the shape of `contracts/addresses.json`.

use crate::{
    bindings::{disputes::Disputes::DisputeConfig, escrow::JobEscrow},
    chain_id::{DEVELOPMENT_CHAIN_ID, is_own_chain_id},
    error::SettlementError,
};
use alloy::primitives::{Address, keccak256};
use rayswarm_model::Amount;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::BTreeMap, path::Path};

/// The book of settings and addresses by chain id that comes with this version.
pub(super) const BOOK: &str = include_str!("../../../../contracts/addresses.json");
/// Whose settings a chain has that is not in a book itself: geth's and Ganache's development chain those of anvil's, and all whose id was
/// made here those of our development chains.
const fn same_as(chain_id: u64) -> Option<u64> {
    match chain_id {
        1_337 => Some(31_337),
        _ if is_own_chain_id(chain_id) => Some(DEVELOPMENT_CHAIN_ID),
        _ => None,
    }
}

/// What a deployment fixes for ever. `docs/adr/0016-settlement-state-machine.md` explains the choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploySettings {
    /// The contract that deploys to addresses which follow from bytecode and settings; where it is not, an ordinary
    /// creation serves.
    pub deployer: Address,
    /// Another salt is another set of contracts.
    pub salt: String,
    /// The token of stakes, bonds and fees, which jobs are paid in too where nobody names another. `None`: our development
    /// token, which anyone may mint.
    pub stake_token: Option<Address>,
    /// What a juror earns by a verdict that stands.
    pub juror_fee: Amount,
    /// Bond of round 0; doubles with each round.
    pub first_bond: Amount,
    /// Less than this is not drawn.
    pub min_juror_stake: Amount,
    /// How far ahead the randomness of a draw lies.
    pub draw_delay_blocks: u32,
    /// How long a committee can be drawn.
    pub draw_seconds: u32,
    /// How long jurors can commit.
    pub commit_seconds: u32,
    /// How long they can reveal.
    pub reveal_seconds: u32,
    /// How long the loser can appeal.
    pub appeal_seconds: u32,
    /// Longest window that a job may give its requestor to reject a claim.
    pub max_challenge_seconds: u32,
    /// How long stake takes to come out.
    pub unbonding_seconds: u32,
    /// How long a provider that lost is drawn for no committee.
    pub jail_seconds: u32,
    /// Of what jobs pay, in hundredths of a percent.
    pub fee_bps: u16,
    /// Who gets that.
    pub fee_recipient: Address,
    /// Where randomness comes from: 0 is a block's hash, 1 its `prevRandao`.
    pub entropy: u8,
    /// Seats by round, odd and growing.
    pub committees: Vec<u16>,
}

#[derive(Deserialize)]
struct Book {
    #[serde(default)]
    deployer: Option<Address>,
    #[serde(default)]
    salt: Option<String>,
    chains: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    development_token: bool,
    settings: RawSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSettings {
    #[serde(default)]
    stake_token: Option<Address>,
    #[serde(deserialize_with = "decimal")]
    juror_fee: Amount,
    #[serde(deserialize_with = "decimal")]
    first_bond: Amount,
    #[serde(deserialize_with = "decimal")]
    min_juror_stake: Amount,
    draw_delay_blocks: u32,
    draw_seconds: u32,
    commit_seconds: u32,
    reveal_seconds: u32,
    appeal_seconds: u32,
    max_challenge_seconds: u32,
    unbonding_seconds: u32,
    jail_seconds: u32,
    fee_bps: u16,
    fee_recipient: Address,
    entropy: u8,
    committees: Vec<u16>,
}

impl DeploySettings {
    /// Those of a chain in the book of this version.
    ///
    /// # Errors
    /// [`SettlementError::NoSettings`] when the chain is not in it.
    pub fn of_chain(chain_id: u64) -> Result<Self, SettlementError> {
        Self::read(BOOK, chain_id)
    }

    /// Those of a chain in a book of one's own, in the shape of `contracts/addresses.json`; deployer and salt may be left out,
    /// and addresses are not read.
    ///
    /// # Errors
    /// When the file cannot be read, is no such book, or does not have the chain.
    pub fn from_file(path: &Path, chain_id: u64) -> Result<Self, SettlementError> {
        let text = std::fs::read_to_string(path).map_err(|error| SettlementError::Book {
            reason: format!("{}: {error}", path.display()),
        })?;
        Self::read(&text, chain_id)
    }

    /// The same out of the text of a book.
    ///
    /// # Errors
    /// When it is no such book or does not have the chain.
    pub fn read(book: &str, chain_id: u64) -> Result<Self, SettlementError> {
        let fault = |reason: String| SettlementError::Book { reason };
        let mut book: Book = serde_json::from_str(book).map_err(|error| fault(error.to_string()))?;
        let entry = book
            .chains
            .remove(&chain_id.to_string())
            .or_else(|| same_as(chain_id).and_then(|other| book.chains.remove(&other.to_string())))
            .ok_or(SettlementError::NoSettings { chain_id })?;
        let stake_token = match (entry.development_token, entry.settings.stake_token) {
            (true, _) => None,
            (false, Some(token)) => Some(token),
            (false, None) => {
                return Err(fault(format!(
                    "chain {chain_id} has neither a stakeToken nor a developmentToken"
                )));
            }
        };
        let (deployer, salt) = match (book.deployer, book.salt) {
            (Some(deployer), Some(salt)) => (deployer, salt),
            (deployer, salt) => {
                let ours: Book = serde_json::from_str(BOOK).map_err(|error| fault(error.to_string()))?;
                (
                    deployer.or(ours.deployer).unwrap_or_default(),
                    salt.or(ours.salt).unwrap_or_default(),
                )
            }
        };
        Ok(Self::resolved(deployer, salt, stake_token, entry.settings))
    }

    fn resolved(deployer: Address, salt: String, stake_token: Option<Address>, raw: RawSettings) -> Self {
        Self {
            deployer,
            salt,
            stake_token,
            juror_fee: raw.juror_fee,
            first_bond: raw.first_bond,
            min_juror_stake: raw.min_juror_stake,
            draw_delay_blocks: raw.draw_delay_blocks,
            draw_seconds: raw.draw_seconds,
            commit_seconds: raw.commit_seconds,
            reveal_seconds: raw.reveal_seconds,
            appeal_seconds: raw.appeal_seconds,
            max_challenge_seconds: raw.max_challenge_seconds,
            unbonding_seconds: raw.unbonding_seconds,
            jail_seconds: raw.jail_seconds,
            fee_bps: raw.fee_bps,
            fee_recipient: raw.fee_recipient,
            entropy: raw.entropy,
            committees: raw.committees,
        }
    }

    /// As the contract takes them.
    pub(super) fn with(&self, stake_token: Address) -> DisputeConfig {
        DisputeConfig {
            stakeToken: stake_token,
            jurorFee: self.juror_fee.0,
            firstBond: self.first_bond.0,
            minJurorStake: self.min_juror_stake.0,
            drawDelayBlocks: self.draw_delay_blocks,
            drawSeconds: self.draw_seconds,
            commitSeconds: self.commit_seconds,
            revealSeconds: self.reveal_seconds,
            appealSeconds: self.appeal_seconds,
            maxChallengeSeconds: self.max_challenge_seconds,
            unbondingSeconds: self.unbonding_seconds,
            jailSeconds: self.jail_seconds,
            feeBps: self.fee_bps,
            feeRecipient: self.fee_recipient,
            entropy: self.entropy,
            escrowCodeHash: keccak256(&JobEscrow::BYTECODE),
            committees: self.committees.clone(),
        }
    }
}

/// A decimal number of base units as text: JavaScript's numbers cannot hold it.
fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map(Amount)
        .map_err(|_| D::Error::custom(format!("{text:?} is not a decimal number")))
}
