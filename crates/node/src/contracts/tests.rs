//! Contracts of a chain that this node does not seal: a second embedded chain stands for it, under ids of both kinds.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::chain::{ChainConfig, EmbeddedChain, development_genesis};
use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use rayswarm_model::{Address, B256};
use rayswarm_settlement::DeploySettings;
use std::net::Ipv4Addr;
use tempfile::TempDir;

/// No chain whose coins are known to be worth nothing.
const VALUABLE: u64 = 777;

/// A contract that answers every call with the number 6: EVM code that returns it, and before that the code which
/// installs those eight bytes.
const ANSWERS_SIX: [u8; 16] = [
    0x67, 0x60, 0x06, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3, 0x5f, 0x52, 0x60, 0x08, 0x60, 0x18, 0xf3,
];

struct World {
    chain: EmbeddedChain,
    url: String,
    key: AccountKey,
    folder: TempDir,
}

impl World {
    async fn new(chain_id: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = EmbeddedChain::start(ChainConfig {
            dir: folder.path().join("chain"),
            genesis: development_genesis(chain_id, 1_700_000_000),
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        })
        .await
        .unwrap();
        let url = chain.rpc_url();
        let key = AccountKey::from_bytes(&[7; 32]).unwrap();
        ask_faucet(&url, key.address()).await.unwrap();
        Self {
            chain,
            url,
            key,
            folder,
        }
    }

    async fn open(&self, choice: ContractChoice) -> anyhow::Result<Settlement> {
        self.open_by(choice, None).await
    }

    async fn open_by(&self, choice: ContractChoice, book: Option<&Path>) -> anyhow::Result<Settlement> {
        let site = Site {
            rpc_url: &self.url,
            embedded: false,
            shared: None,
            ticket: None,
            confirmations: Chronicle::STAYS_BELOW,
            deploy_book: book,
        };
        let journal = Journal::open(&self.folder.path().join("journal.sqlite")).unwrap();
        open(self.folder.path(), choice, &self.key, site, &journal).await
    }

    async fn refusal(&self, choice: ContractChoice) -> ConfigError {
        let error = self.open(choice).await.unwrap_err();
        error.downcast().unwrap()
    }

    async fn transactions(&self) -> u64 {
        let provider = ProviderBuilder::new().connect_http(self.url.parse().unwrap());
        provider.get_transaction_count(self.key.address()).await.unwrap()
    }

    /// The address of a new contract that answers 6.
    async fn answers_six(&self) -> Address {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
        let provider = ProviderBuilder::new()
            .wallet(EthereumWallet::from(signer))
            .connect_http(self.url.parse().unwrap());
        let request = TransactionRequest::default().with_deploy_code(ANSWERS_SIX.to_vec());
        let sent = provider.send_transaction(request).await.unwrap();
        sent.get_receipt().await.unwrap().contract_address.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deployed_unasked_where_coins_have_value() {
    let world = World::new(VALUABLE).await;
    let refusal = world.refusal(ContractChoice::Noted).await;
    let text = refusal.to_string();
    assert!(
        matches!(refusal, ConfigError::NoContracts { chain_id: VALUABLE, .. }),
        "{text}"
    );
    assert!(
        text.contains("--contracts REGISTRY,ESCROW,TOKEN") && text.contains("--deploy"),
        "{text}"
    );
    assert_eq!(world.transactions().await, 0);

    // Asked for, they need settings that were chosen for that chain.
    let refusal = world.open(ContractChoice::Deploy).await.unwrap_err().to_string();
    assert!(
        refusal.contains("on chain 777") && refusal.contains("--deploy-book"),
        "{refusal}"
    );
    assert_eq!(world.transactions().await, 0);
    let own = include_str!("../../../../contracts/addresses.json").replace("\"31337\"", "\"777\"");
    let book = world.folder.path().join("book.json");
    std::fs::write(&book, own).unwrap();
    world.open_by(ContractChoice::Deploy, Some(&book)).await.unwrap();
    assert_eq!(world.transactions().await, 3);
    world.chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_development_chain_gets_contracts_unasked() {
    let world = World::new(31_337).await;
    let deployed = world.open(ContractChoice::Noted).await.unwrap().contracts();
    assert_eq!(world.transactions().await, 3);
    // Every later start finds them, with and without the flag.
    for choice in [ContractChoice::Deploy, ContractChoice::Noted] {
        assert_eq!(world.open(choice).await.unwrap().contracts(), deployed);
    }
    assert_eq!(world.transactions().await, 3);
    world.chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_deploy_at_once_end_with_the_same_contracts() {
    let world = World::new(31_337).await;
    let other = AccountKey::from_bytes(&[8; 32]).unwrap();
    ask_faucet(&world.url, other.address()).await.unwrap();
    let [one, two] = [world.key.clone(), other].map(|key| Settlement::deploy(&world.url, key));
    let (one, two) = tokio::join!(one, two);
    assert_eq!(one.unwrap(), two.unwrap());
    world.chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn named_contracts_are_used_and_checked() {
    let world = World::new(VALUABLE).await;
    let settings = DeploySettings::of_chain(31_337).unwrap();
    let right = Settlement::deploy_with(&world.url, world.key.clone(), settings)
        .await
        .unwrap();
    let connected = world.open(ContractChoice::Named(right)).await.unwrap();
    assert_eq!(connected.contracts(), right);
    // Nothing is noted: what was named once need not be meant for ever.
    assert!(matches!(
        world.refusal(ContractChoice::Noted).await,
        ConfigError::NoContracts { .. }
    ));

    let swapped = Contracts {
        registry: right.escrow,
        escrow: right.registry,
        ..right
    };
    let six_decimals = Contracts {
        token: world.answers_six().await,
        ..right
    };
    for (wrong, expected) in [
        (swapped, "there is no job escrow of Rayswarm"),
        (six_decimals, "counts in 6 decimals"),
    ] {
        let refusal = world.refusal(ContractChoice::Named(wrong)).await;
        let ConfigError::WrongContracts(source) = refusal else {
            panic!("{refusal}");
        };
        assert!(source.to_string().contains(expected), "{source}");
    }
    world.chain.shutdown().await;
}

#[test]
fn a_chain_is_waited_for_while_it_comes_closer() {
    let begin = Instant::now();
    let mut progress = Progress::to_stay_for(Duration::from_secs(5));
    for (height, behind, seconds, over) in [
        (5, 900, 0, false),
        (6, 800, 50, false),
        (6, 850, 100, false),
        (900, 40, 105, false),
        // A clock that is fast: blocks come, and none is young.
        (950, 41, 160, false),
        (955, 41, 165, true),
        (956, 30, 166, false),
        (990, 2, 170, false),
        (991, 2, 171, true),
    ] {
        let now = begin + Duration::from_secs(seconds);
        assert_eq!(progress.sees(height, behind, now), over, "{height} {behind} {seconds}");
    }
    // A chain that was just made and has no block yet is not the latest of anything.
    assert!(!Progress::to_stay_for(Duration::ZERO).sees(0, 0, begin));
}
