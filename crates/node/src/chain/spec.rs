//! What a chain is, in one readable file: its consensus, and the genesis that it starts from.

use std::path::Path;

use alloy::sol_types::SolCall;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use rayswarm_chain::{Genesis, GenesisAccount, SystemContract};
use rayswarm_consensus::{bft::BftRules, pow::PowRules};
use rayswarm_settlement::validators::{DELEGATED_VALIDATORS, STAKED_VALIDATORS, calls};
use serde::{Deserialize, Serialize};

use super::ChainError;

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainSpec {
    /// Who may make blocks, and which are final.
    pub consensus: ConsensusRules,
    /// What it starts from, the code of the contract that keeps the validators included. What follows from the consensus (the
    /// first stakes, the rules' hash) is added to it: see [`ChainSpec::chain_genesis`].
    pub genesis: Genesis,
}

/// Consensus and its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum ConsensusRules {
    /// One node seals blocks as transactions come: for development.
    Solo,
    /// Proof of work.
    Pow {
        /// Its rules.
        rules: PowRules,
    },
    /// Proof of stake.
    Pos {
        /// How long things may take.
        timing: BftRules,
        /// How validators come and go.
        params: ValidatorParams,
        /// Who votes first, with what at stake.
        validators: Vec<FirstValidator>,
    },
    /// Delegated proof of stake.
    Dpos {
        /// How long things may take.
        timing: BftRules,
        /// How delegates are elected.
        params: ValidatorParams,
        /// The first delegates, with what they have at stake.
        validators: Vec<FirstValidator>,
    },
}

/// How validators come and go; docs/protocol/validators.md has the exact rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ValidatorParams {
    /// Blocks of an epoch. The set changes only between epochs.
    pub epoch_blocks: u64,
    /// How many blocks after a signature was given it can still be reported.
    pub evidence_blocks: u64,
    /// How long stake stays after it stopped to count; longer than `evidence_blocks`.
    pub unbonding_blocks: u64,
    /// How long one that was absent stays out at least.
    pub jail_blocks: u64,
    /// Whoever misses more turns than these in an epoch, and more than half of its turns, is jailed.
    pub missed_turns_max: u32,
    /// The most that vote.
    pub validators_max: u16,
    /// What a double signature costs, in ten-thousandths of all that its signer has at risk.
    pub slash_bps: u16,
    /// What the reporter gets, in ten-thousandths of what was slashed.
    pub reporter_bps: u16,
    /// The least that a validator puts at risk itself, in wei.
    pub min_stake: U256,
}

/// A validator of block 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FirstValidator {
    /// Its account, whose key signs votes.
    pub account: Address,
    /// What it has at stake, in wei. It is made with the chain.
    pub stake: U256,
}

/// What a contract's artifact says that a chain needs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    deployed_bytecode: Bytes,
}

const STAKED_ARTIFACT: &str = include_str!("../../../../contracts/artifacts/StakedValidators.json");
const DELEGATED_ARTIFACT: &str = include_str!("../../../../contracts/artifacts/DelegatedValidators.json");

impl ConsensusRules {
    /// Its name, as in the file and on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Solo => "solo",
            Self::Pow { .. } => "pow",
            Self::Pos { .. } => "pos",
            Self::Dpos { .. } => "dpos",
        }
    }

    /// The code that a new chain has at [`ConsensusRules::contract`]: that of this version of the program. A chain keeps the
    /// code that it was made with, which is in its file.
    pub(super) fn contract_code(&self) -> Option<Bytes> {
        let artifact = match self {
            Self::Solo | Self::Pow { .. } => return None,
            Self::Pos { .. } => STAKED_ARTIFACT,
            Self::Dpos { .. } => DELEGATED_ARTIFACT,
        };
        let artifact: Artifact = serde_json::from_str(artifact).ok()?;
        Some(artifact.deployed_bytecode)
    }

    /// The contract that keeps the validators, where there are any.
    pub const fn contract(&self) -> Option<Address> {
        match self {
            Self::Solo | Self::Pow { .. } => None,
            Self::Pos { .. } => Some(STAKED_VALIDATORS),
            Self::Dpos { .. } => Some(DELEGATED_VALIDATORS),
        }
    }
}

impl ChainSpec {
    /// A chain that one node seals.
    pub const fn solo(genesis: Genesis) -> Self {
        Self {
            consensus: ConsensusRules::Solo,
            genesis,
        }
    }

    /// The genesis with what follows from the consensus. Block 0 carries the keccak-256 of the rules as extra data, so that
    /// nodes with other rules have another chain.
    ///
    /// # Errors
    /// When no chain can start from it.
    pub fn chain_genesis(&self) -> Result<Genesis, ChainError> {
        let mut genesis = self.genesis.clone();
        if self.consensus == ConsensusRules::Solo {
            return Ok(genesis);
        }
        let rules = serde_json::to_vec(&self.consensus).map_err(ChainError::Rules)?;
        genesis.extra_data = Bytes::copy_from_slice(keccak256(rules).as_slice());
        match &self.consensus {
            ConsensusRules::Solo => {}
            ConsensusRules::Pow { rules } => rules.check().map_err(ChainError::Numbers)?,
            ConsensusRules::Pos {
                timing,
                params,
                validators,
            } => {
                timing.check().map_err(ChainError::Numbers)?;
                keep_validators(&mut genesis, STAKED_VALIDATORS, params, validators)?;
            }
            ConsensusRules::Dpos {
                timing,
                params,
                validators,
            } => {
                timing.check().map_err(ChainError::Numbers)?;
                keep_validators(&mut genesis, DELEGATED_VALIDATORS, params, validators)?;
            }
        }
        genesis.check()?;
        Ok(genesis)
    }

    /// Reads the file at `path`: see [`ChainSpec::parse`].
    ///
    /// # Errors
    /// [`ChainError::Files`], [`ChainError::Genesis`].
    pub fn read(path: &Path) -> Result<Self, ChainError> {
        let text = std::fs::read(path).map_err(|source| ChainError::Files {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Reads a file's text: a chain, or the genesis alone of one that a node seals.
    ///
    /// # Errors
    /// [`ChainError::Genesis`].
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self, ChainError> {
        let unreadable = |source| ChainError::Genesis {
            path: path.to_owned(),
            source,
        };
        let value: serde_json::Value = serde_json::from_slice(text).map_err(unreadable)?;
        if value.get("consensus").is_some() {
            return serde_json::from_value(value).map_err(unreadable);
        }
        serde_json::from_value(value).map(Self::solo).map_err(unreadable)
    }

    /// The file's text. A chain that a node seals is its genesis alone, as it always was.
    ///
    /// # Errors
    /// [`ChainError::Rules`], for what cannot be written.
    pub fn to_text(&self) -> Result<Vec<u8>, ChainError> {
        let text = if self.consensus == ConsensusRules::Solo {
            serde_json::to_vec_pretty(&self.genesis)
        } else {
            serde_json::to_vec_pretty(self)
        };
        text.map_err(ChainError::Rules)
    }
}

fn keep_validators(
    genesis: &mut Genesis,
    contract: Address,
    params: &ValidatorParams,
    validators: &[FirstValidator],
) -> Result<(), ChainError> {
    let code = genesis.alloc.get(&contract).map(|account| account.code.clone());
    let code = code
        .filter(|code| !code.is_empty())
        .ok_or(ChainError::NoContract(contract))?;
    let call = calls::initializeCall {
        params: calls::ValidatorParams {
            epochBlocks: params.epoch_blocks,
            evidenceBlocks: params.evidence_blocks,
            unbondingBlocks: params.unbonding_blocks,
            jailBlocks: params.jail_blocks,
            missedTurnsMax: params.missed_turns_max,
            validatorsMax: params.validators_max,
            slashBps: params.slash_bps,
            reporterBps: params.reporter_bps,
            minStake: params.min_stake.saturating_to(),
        },
        accounts: validators.iter().map(|validator| validator.account).collect(),
        stakes: validators.iter().map(|validator| validator.stake).collect(),
    };
    let staked = validators
        .iter()
        .try_fold(U256::ZERO, |sum, validator| sum.checked_add(validator.stake));
    let account = GenesisAccount {
        balance: staked.ok_or(rayswarm_chain::GenesisError::Supply)?,
        nonce: 1,
        code,
        ..GenesisAccount::default()
    };
    genesis.alloc.insert(contract, account);
    genesis.system = Some(SystemContract {
        address: contract,
        init: call.abi_encode().into(),
    });
    Ok(())
}
