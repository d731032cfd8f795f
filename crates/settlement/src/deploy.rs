//! Putting the contracts of this version on a chain, with settings out of a book such as `contracts/addresses.json`.
//!
//! Where the chain has the deterministic deployer, addresses follow from bytecode and settings alone, and what is there
//! already is left alone; elsewhere an ordinary creation serves, whose addresses are in no book.

mod settings;

pub use settings::DeploySettings;

use crate::{
    bindings::{disputes::Disputes, escrow::JobEscrow, token::DevToken},
    contracts::Contracts,
    error::SettlementError,
    outbox::MemoryOutbox,
    rpc::Rpc,
    sender::{Sender, Turn},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, TxKind, keccak256},
    sol_types::{SolCall, SolConstructor},
};
use rayswarm_model::signed::AccountKey;
use std::sync::Arc;

impl Settlement {
    /// Deploys disputes, registry, escrow and development token, paid by `key`, with the settings that the book of this
    /// version has for the chain; what is there already is used. Anyone may mint that token: elsewhere than on a development
    /// chain, go on with [`Settlement::connect`] and a token of value.
    ///
    /// # Errors
    /// [`SettlementError::NoSettings`] on a chain that is not in the book.
    pub async fn deploy(rpc_url: &str, key: AccountKey) -> Result<Contracts, SettlementError> {
        let chain_id = Rpc::new(rpc_url)?.chain_id().await?;
        Self::deploy_with(rpc_url, key, DeploySettings::of_chain(chain_id)?).await
    }

    /// The same with settings of one's own. Without a stake token among them it is the development token; the token of the
    /// contracts that are returned is that of the stakes.
    pub async fn deploy_with(
        rpc_url: &str,
        key: AccountKey,
        settings: DeploySettings,
    ) -> Result<Contracts, SettlementError> {
        let rpc = Rpc::new(rpc_url)?;
        let chain_id = rpc.chain_id().await?;
        let sender = Sender::new(rpc.clone(), chain_id, key, Arc::new(MemoryOutbox::default()));
        let turn = sender.turn().await;
        let place = Place { settings, rpc, turn };
        place.all().await
    }
}

struct Place<'a> {
    settings: DeploySettings,
    rpc: Rpc,
    turn: Turn<'a>,
}

impl Place<'_> {
    async fn all(&self) -> Result<Contracts, SettlementError> {
        let token = match self.settings.stake_token {
            Some(token) => token,
            None => {
                self.create("deploying the development token", DevToken::BYTECODE.to_vec())
                    .await?
            }
        };
        let config = self.settings.with(token);
        let code = [
            &Disputes::BYTECODE[..],
            &Disputes::constructorCall::new((config,)).abi_encode(),
        ]
        .concat();
        let disputes = self.create("deploying the disputes and the registry", code).await?;
        let account = self.turn.account();
        let read = "reading the deployment";
        let registry = self
            .rpc
            .read(read, account, disputes, Disputes::registryCall {})
            .await?;
        let escrow = self.rpc.read(read, account, disputes, Disputes::escrowCall {}).await?;
        let call = Disputes::createEscrowCall {
            creationCode: JobEscrow::BYTECODE.clone(),
        };
        self.put("deploying the job escrow", escrow, disputes, call.abi_encode())
            .await?;
        Ok(Contracts {
            registry,
            escrow,
            token,
        })
    }

    async fn create(&self, action: &'static str, code: Vec<u8>) -> Result<Address, SettlementError> {
        let DeploySettings { deployer, salt, .. } = &self.settings;
        if !self.rpc.has_code(*deployer).await? {
            let receipt = self.turn.send(action, TxKind::Create, code).await?;
            return receipt.contract_address.ok_or_else(|| SettlementError::Nonsense {
                method: "eth_getTransactionReceipt",
                reason: "a creation without a contract address".into(),
            });
        }
        let salt = keccak256(salt);
        let address = deployer.create2(salt, keccak256(&code));
        let input = [salt.as_slice(), &code].concat();
        self.put(action, address, *deployer, input).await?;
        Ok(address)
    }

    /// Has a contract made at an address that is known before. Others may be about it at the same time: who comes second is
    /// refused, and has what it wants.
    async fn put(
        &self,
        action: &'static str,
        address: Address,
        by: Address,
        input: Vec<u8>,
    ) -> Result<(), SettlementError> {
        if self.rpc.has_code(address).await? {
            return Ok(());
        }
        match self.turn.send(action, TxKind::Call(by), input).await {
            Err(SettlementError::Reverted { .. }) if self.rpc.has_code(address).await? => Ok(()),
            made => made.map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    use settings::BOOK;

    /// What `contracts/tools/addresses` computed, and forge deploys to.
    #[test]
    fn addresses_are_those_of_the_book() {
        let noted: serde_json::Value = serde_json::from_str(BOOK).unwrap();
        for chain_id in [31_337, 21_075] {
            let settings = DeploySettings::of_chain(chain_id).unwrap();
            assert_eq!(settings.stake_token, None);
            let chain = &noted["chains"][chain_id.to_string()];
            let address = |value: &serde_json::Value| value.as_str().unwrap().parse::<Address>().unwrap();
            let salt = keccak256(&settings.salt);
            let token = settings.deployer.create2(salt, keccak256(&DevToken::BYTECODE));
            assert_eq!(token, address(&chain["settings"]["stakeToken"]));
            let code = [
                &Disputes::BYTECODE[..],
                &Disputes::constructorCall::new((settings.with(token),)).abi_encode(),
            ]
            .concat();
            let disputes = settings.deployer.create2(salt, keccak256(code));
            assert_eq!(disputes, address(&chain["addresses"]["disputes"]));
            assert_eq!(disputes.create(1), address(&chain["addresses"]["registry"]));
        }
    }

    #[test]
    fn a_chain_that_is_in_no_book_gets_no_settings() {
        let error = DeploySettings::of_chain(1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no settings are known for contracts on chain 1; write them as in contracts/addresses.json and name that file with \
             --deploy-book"
        );
        assert_eq!(
            DeploySettings::of_chain(1_337).unwrap(),
            DeploySettings::of_chain(31_337).unwrap(),
            "development chains of other makers"
        );
    }

    #[test]
    fn a_book_of_ones_own_names_what_it_wants_otherwise() {
        let mut book: serde_json::Value = serde_json::from_str(BOOK).unwrap();
        let mut entry = book["chains"]["31337"].take();
        let token = Address::repeat_byte(7);
        entry["developmentToken"] = false.into();
        entry["settings"]["stakeToken"] = token.to_string().into();
        entry["settings"]["commitSeconds"] = 5.into();
        entry["settings"]["jurorFee"] = "3".into();
        let own = serde_json::json!({ "chains": { "777": entry } });
        let settings = DeploySettings::read(&own.to_string(), 777).unwrap();
        let expected = DeploySettings {
            stake_token: Some(token),
            commit_seconds: 5,
            juror_fee: rayswarm_model::Amount(3),
            ..DeploySettings::of_chain(31_337).unwrap()
        };
        assert_eq!(settings, expected);

        let read = |book: &serde_json::Value| DeploySettings::read(&book.to_string(), 777).unwrap_err().to_string();
        for (field, value, said) in [
            ("jurorFee", serde_json::json!("1.5"), "\"1.5\" is not a decimal number"),
            ("stakeToken", serde_json::Value::Null, "has neither a stakeToken nor"),
            ("apealSeconds", serde_json::json!(5), "unknown field `apealSeconds`"),
        ] {
            let mut wrong = own.clone();
            wrong["chains"]["777"]["settings"][field] = value;
            let error = read(&wrong);
            assert!(error.contains(said), "{error}");
        }
    }
}
