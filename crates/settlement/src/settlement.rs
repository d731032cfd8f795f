//! One account's view of the contracts: connecting, deploying, balances.

use crate::{
    bindings::{escrow::JobEscrow, registry::ProviderRegistry, token::DevToken},
    error::SettlementError,
    rpc::Rpc,
    sender::{Mined, Sender, Turn},
};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, TxKind, U256},
    sol_types::SolCall,
};
use rayswarm_model::{
    Amount,
    signed::{AccountKey, Domain},
};
use serde::{Deserialize, Serialize};

/// Where the contracts of one network live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contracts {
    /// `ProviderRegistry`.
    pub registry: Address,
    /// `JobEscrow`.
    pub escrow: Address,
    /// The payment token; on development chains our `DevToken`, which anyone may mint.
    pub token: Address,
}

/// The contracts as one account uses them. Clones share the account's queue of transactions; use clones rather than a
/// second connection for the same key.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub(crate) rpc: Rpc,
    pub(crate) sender: Sender,
    contracts: Contracts,
    domain: Domain,
}

impl Settlement {
    /// Deploys registry, escrow and development token, paid by `key`. For development chains.
    pub async fn deploy(rpc_url: &str, key: AccountKey) -> Result<Contracts, SettlementError> {
        let rpc = Rpc::new(rpc_url)?;
        let sender = Sender::new(rpc.clone(), rpc.chain_id().await?, key);
        let turn = sender.turn().await;
        let registry = create(&turn, "deploying the provider registry", &ProviderRegistry::BYTECODE).await?;
        let escrow = create(&turn, "deploying the job escrow", &JobEscrow::BYTECODE).await?;
        let token = create(&turn, "deploying the development token", &DevToken::BYTECODE).await?;
        Ok(Contracts {
            registry,
            escrow,
            token,
        })
    }

    /// Connects `key`'s account to contracts that exist already, and makes sure that the escrow is ours.
    pub async fn connect(rpc_url: &str, key: AccountKey, contracts: Contracts) -> Result<Self, SettlementError> {
        let rpc = Rpc::new(rpc_url)?;
        let chain_id = rpc.chain_id().await?;
        let domain = Domain {
            chain_id,
            escrow: contracts.escrow,
        };
        let sender = Sender::new(rpc.clone(), chain_id, key);
        let account = sender.account();

        let ask = JobEscrow::jobIdOfCall {
            requestor: account,
            salt: B256::ZERO,
        };
        let answer = rpc
            .read("looking for the job escrow", account, contracts.escrow, ask)
            .await;
        let matches = match answer {
            Ok(id) => id == domain.job_id(account, B256::ZERO).as_b256(),
            Err(SettlementError::Nonsense { .. } | SettlementError::Reverted { .. }) => false,
            Err(error) => return Err(error),
        };
        if !matches {
            return Err(SettlementError::WrongContracts {
                escrow: contracts.escrow,
                chain_id,
            });
        }
        Ok(Self {
            rpc,
            sender,
            contracts,
            domain,
        })
    }

    /// The account that signs and pays.
    pub fn account(&self) -> Address {
        self.sender.account()
    }

    /// The contracts in use.
    pub const fn contracts(&self) -> Contracts {
        self.contracts
    }

    /// Where vouchers and receipts are valid.
    pub const fn domain(&self) -> Domain {
        self.domain
    }

    /// EIP-155 chain id.
    pub const fn chain_id(&self) -> u64 {
        self.domain.chain_id
    }

    /// Hash of block zero: two chains with one id differ in it.
    pub async fn genesis_hash(&self) -> Result<B256, SettlementError> {
        Ok(self.rpc.block(BlockNumberOrTag::Number(0)).await?.hash)
    }

    /// Number of the latest block.
    pub async fn height(&self) -> Result<u64, SettlementError> {
        Ok(self.rpc.block(BlockNumberOrTag::Latest).await?.number)
    }

    /// What `account` has of the chain's own currency, in wei; gas is paid from it.
    pub async fn native_balance(&self, account: Address) -> Result<U256, SettlementError> {
        self.rpc.native_balance(account).await
    }

    /// What `account` holds of the payment token.
    pub async fn token_balance(&self, account: Address) -> Result<Amount, SettlementError> {
        self.balance_of(self.contracts.token, account).await
    }

    /// Creates development tokens for `to`. Only our `DevToken` allows it.
    pub async fn mint_dev_tokens(&self, to: Address, amount: Amount) -> Result<Mined, SettlementError> {
        let call = DevToken::mintCall {
            to,
            amount: U256::from(amount.0),
        };
        let turn = self.sender.turn().await;
        let receipt = turn
            .send(
                "minting development tokens",
                TxKind::Call(self.contracts.token),
                call.abi_encode(),
            )
            .await?;
        Ok(Mined::from(&receipt))
    }

    pub(crate) async fn balance_of(&self, token: Address, account: Address) -> Result<Amount, SettlementError> {
        let call = DevToken::balanceOfCall { account };
        let balance = self
            .rpc
            .read("reading a token balance", self.account(), token, call)
            .await?;
        // A test token may have minted more than fits; for every comparison "at least this much" is as good.
        Ok(Amount(balance.saturating_to()))
    }
}

async fn create(turn: &Turn<'_>, action: &'static str, bytecode: &[u8]) -> Result<Address, SettlementError> {
    let receipt = turn.send(action, TxKind::Create, bytecode.to_vec()).await?;
    receipt.contract_address.ok_or_else(|| SettlementError::Nonsense {
        method: "eth_getTransactionReceipt",
        reason: "a creation without a contract address".into(),
    })
}
