//! One account's view of the contracts: connecting, balances.

use crate::{
    bindings::{escrow::JobEscrow, token::DevToken},
    contracts::Contracts,
    error::SettlementError,
    outbox::{MemoryOutbox, Outbox},
    rpc::Rpc,
    sender::{Mined, Sender},
};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, TxKind, U256},
    sol_types::SolCall,
};
use rayswarm_model::{
    Amount,
    money::TOKEN_DECIMALS,
    signed::{AccountKey, Domain},
};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A token's name for itself is cut to this: it stands behind every amount.
const SYMBOL_LETTERS_MAX: usize = 16;

/// The contracts as one account uses them. Clones share the account's queue of transactions; use clones rather than a
/// second connection for the same key.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub(crate) rpc: Rpc,
    pub(crate) sender: Sender,
    contracts: Contracts,
    /// The contract that judges claims on this escrow.
    disputes: Address,
    domain: Domain,
    /// The payment token's own name for itself, once it was read.
    symbol: Arc<OnceCell<String>>,
    /// The token of stakes and bonds, once it was read.
    pub(crate) stake_token: Arc<OnceCell<Address>>,
}

/// How a connection remembers what it has sent, and what it takes to be settled.
#[derive(Clone, Debug)]
pub struct Chronicle {
    /// Where transactions are written down before they are sent: one for each account and chain.
    pub outbox: Arc<dyn Outbox>,
    /// On a chain that does not tell what stays, blocks this far below the newest are taken to.
    pub stays_below: u64,
}

impl Chronicle {
    /// Ethereum's two epochs.
    pub const STAYS_BELOW: u64 = 64;
}

impl Default for Chronicle {
    fn default() -> Self {
        Self {
            outbox: Arc::new(MemoryOutbox::default()),
            stays_below: Self::STAYS_BELOW,
        }
    }
}

impl Settlement {
    /// Connects `key`'s account to contracts that exist already, and makes sure that they are what they should be. Its
    /// transactions are forgotten with the process: see [`Settlement::connect_with`].
    pub async fn connect(rpc_url: &str, key: AccountKey, contracts: Contracts) -> Result<Self, SettlementError> {
        Self::connect_with(rpc_url, key, contracts, Chronicle::default()).await
    }

    /// The same with a place where transactions are written down, and the depth from which blocks are taken to stay on a
    /// chain that does not say.
    pub async fn connect_with(
        rpc_url: &str,
        key: AccountKey,
        contracts: Contracts,
        chronicle: Chronicle,
    ) -> Result<Self, SettlementError> {
        let rpc = Rpc::new(rpc_url)?.staying_below(chronicle.stays_below);
        let chain_id = rpc.chain_id().await?;
        let domain = Domain {
            chain_id,
            escrow: contracts.escrow,
        };
        let mut connected = Self {
            sender: Sender::new(rpc.clone(), chain_id, key, chronicle.outbox),
            rpc,
            contracts,
            disputes: Address::ZERO,
            domain,
            symbol: Arc::default(),
            stake_token: Arc::default(),
        };
        connected.disputes = connected.check_contracts().await?;
        Ok(connected)
    }

    /// Each of the three addresses answers as its contract would; gives the contract that judges.
    async fn check_contracts(&self) -> Result<Address, SettlementError> {
        let Contracts {
            registry,
            escrow,
            token,
        } = self.contracts;
        let (account, salt) = (self.account(), B256::ZERO);
        let ask = JobEscrow::jobIdOfCall {
            requestor: account,
            salt,
        };
        let id = self
            .present(
                "job escrow of Rayswarm",
                escrow,
                self.rpc.read("looking for the job escrow", account, escrow, ask),
            )
            .await?;
        // The id binds chain and escrow, so another contract's answer differs.
        if id != self.domain.job_id(account, salt).as_b256() {
            return Err(self.wrong_contract("job escrow of Rayswarm", escrow));
        }
        self.present("provider registry of Rayswarm", registry, self.provider_count())
            .await?;
        // Escrows of earlier versions have none.
        let stakes = self.read_escrow("looking for the stakes", JobEscrow::stakesCall {});
        let stakes = self
            .present("job escrow of this version of Rayswarm", escrow, stakes)
            .await?;
        if stakes != registry {
            return Err(SettlementError::OtherRegistry {
                escrow,
                registry,
                stakes,
            });
        }
        let ask = DevToken::decimalsCall {};
        let decimals = self
            .present(
                "ERC-20 token that tells its decimals",
                token,
                self.rpc.read("looking for the payment token", account, token, ask),
            )
            .await?;
        if u32::from(decimals) != TOKEN_DECIMALS {
            return Err(SettlementError::TokenDecimals { token, decimals });
        }
        self.read_escrow("looking for the disputes", JobEscrow::disputesCall {})
            .await
    }

    /// What a contract answered; an answer that makes no sense means that something else is at `address`.
    async fn present<T>(
        &self,
        what: &'static str,
        address: Address,
        answer: impl Future<Output = Result<T, SettlementError>>,
    ) -> Result<T, SettlementError> {
        match answer.await {
            Err(SettlementError::Nonsense { .. } | SettlementError::Reverted { .. }) => {
                Err(self.wrong_contract(what, address))
            }
            other => other,
        }
    }

    fn wrong_contract(&self, what: &'static str, address: Address) -> SettlementError {
        SettlementError::WrongContracts {
            what,
            address,
            chain_id: self.chain_id(),
        }
    }

    /// The same account with reads of the contracts from the newest block that stays, for what must not be taken back.
    pub async fn at_finalized(&self) -> Result<Self, SettlementError> {
        let stays = self.rpc.stays().await?;
        Ok(Self {
            rpc: self.rpc.reading_at(stays),
            ..self.clone()
        })
    }

    /// Looks once after every transaction on its way: what stays is forgotten, what a reorganisation took out is sent again,
    /// what is stuck is offered more. To be called now and then.
    pub async fn tend(&self) -> Result<(), SettlementError> {
        self.sender.turn().await.tend(None).await
    }

    /// The account that signs and pays.
    pub fn account(&self) -> Address {
        self.sender.account()
    }

    /// The contracts in use.
    pub const fn contracts(&self) -> Contracts {
        self.contracts
    }

    /// The contract that judges claims on this escrow.
    pub const fn disputes(&self) -> Address {
        self.disputes
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

    /// What the payment token calls itself; empty where it does not say. Read once.
    pub async fn token_symbol(&self) -> Result<&str, SettlementError> {
        let (account, token) = (self.account(), self.contracts.token);
        let read = || async {
            let ask = DevToken::symbolCall {};
            match self.rpc.read("reading the token's symbol", account, token, ask).await {
                // Whoever made the token chose the text.
                Ok(text) => Ok(text
                    .chars()
                    .filter(|letter| !letter.is_control())
                    .take(SYMBOL_LETTERS_MAX)
                    .collect()),
                // ERC-20 leaves it open whether a token has one.
                Err(SettlementError::Nonsense { .. } | SettlementError::Reverted { .. }) => Ok(String::new()),
                Err(error) => Err(error),
            }
        };
        self.symbol.get_or_try_init(read).await.map(String::as_str)
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

    /// Sends nothing to itself, so that a chain which seals only when there is a transaction makes a block: for whoever
    /// waits for one ([`SettlementError::DrawNotDue`]).
    pub async fn nudge(&self) -> Result<Mined, SettlementError> {
        let turn = self.sender.turn().await;
        let to = TxKind::Call(self.account());
        let receipt = turn.send("asking the chain for a block", to, Vec::new()).await?;
        Ok(Mined::from(&receipt))
    }

    /// Sends payment tokens to `to`.
    pub async fn send_tokens(&self, to: Address, amount: Amount) -> Result<Mined, SettlementError> {
        let call = DevToken::transferCall {
            to,
            value: U256::from(amount.0),
        };
        let turn = self.sender.turn().await;
        let token = TxKind::Call(self.contracts.token);
        let receipt = turn.send("sending tokens", token, call.abi_encode()).await?;
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
