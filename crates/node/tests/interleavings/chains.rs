//! The two chains of these tests, and what can befall them.

use crate::{
    orders::Part,
    processes::{Process, Words, serve},
    support::Anvil,
};
use alloy::providers::{Provider, ProviderBuilder, RootProvider};
use rayswarm_model::{Address, B256, UnixMillis, signed::AccountKey};
use rayswarm_node::{
    chain::{ChainConfig, DEVELOPMENT_CHAIN_ID, EmbeddedChain, development_genesis, stored_chain},
    clock,
};
use rayswarm_settlement::{SettlementError, ask_faucet};
use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Blocks below which anvil calls a block finalized.
const FINALIZED_BELOW: u64 = 64;
/// Blocks between the contracts and the first step, so that no reorganisation reaches them.
pub const DEEPEST: u64 = 12;
/// The first account that anvil endows; its secret is in its manual.
const ANVIL_ACCOUNT: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
/// A coin, in hexadecimal wei.
const COINS: &str = "0x56bc75e2d63100000";

/// Which chain a run is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Anvil,
    Embedded,
}

/// A running chain.
pub enum Chain {
    Anvil(Anvil),
    /// In a process of its own, with its URL.
    Embedded(Box<Process>, String),
}

impl Chain {
    /// Starts one, or says why it cannot.
    pub async fn start(kind: Kind, folder: &Path) -> Result<Self, String> {
        if kind == Kind::Anvil {
            return Anvil::start().map(Self::Anvil);
        }
        let folder = folder.join("chain");
        std::fs::create_dir_all(&folder).unwrap();
        let part = |port| Part::Chain {
            folder: folder.clone(),
            port,
        };
        let process = Process::new(folder.clone(), part(0));
        let port: u16 = process.ask(&()).await;
        process.becomes(part(port)).await;
        Ok(Self::Embedded(Box::new(process), format!("http://127.0.0.1:{port}")))
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Anvil(anvil) => &anvil.url,
            Self::Embedded(_, url) => url,
        }
    }

    /// Who puts the contracts there.
    pub fn deployer(&self) -> AccountKey {
        match self {
            Self::Anvil(_) => AccountKey::from_bytes(&ANVIL_ACCOUNT.parse::<B256>().unwrap().0).unwrap(),
            Self::Embedded(..) => AccountKey::from_bytes(&[1; 32]).unwrap(),
        }
    }

    /// Coins for gas.
    pub async fn endow(&self, account: Address) {
        match self {
            Self::Anvil(_) => drop(self.order("anvil_setBalance", json!([account, COINS])).await),
            Self::Embedded(_, url) => ask_faucet(url, account).await.unwrap(),
        }
    }

    /// Seconds since 1970 by the chain's clock.
    pub async fn now(&self) -> u64 {
        match self {
            Self::Embedded(..) => clock::now().seconds_floor(),
            Self::Anvil(_) => self.newest("timestamp").await,
        }
    }

    /// Number of the newest block of anvil.
    pub async fn height(&self) -> u64 {
        self.newest("number").await
    }

    async fn newest(&self, field: &str) -> u64 {
        let block = self.newest_block().await;
        let text = block[field].as_str().unwrap().trim_start_matches("0x");
        u64::from_str_radix(text, 16).unwrap()
    }

    /// The newest block of anvil.
    pub async fn newest_block(&self) -> Value {
        self.order("eth_getBlockByNumber", json!(["latest", false])).await
    }

    /// Blocks without transactions, so that nothing reaches what is below them.
    pub async fn bury(&self, blocks: u64) {
        if let Self::Anvil(_) = self {
            self.order("anvil_mine", json!([format!("{blocks:#x}")])).await;
        }
    }

    /// What is mined by now stays.
    pub async fn finalize(&self) {
        self.bury(FINALIZED_BELOW + 1).await;
    }

    /// Its JSON-RPC.
    pub fn provider(&self) -> RootProvider {
        ProviderBuilder::default().connect_http(self.url().parse().unwrap())
    }

    /// Anvil's own methods.
    async fn order(&self, method: &'static str, params: Value) -> Value {
        self.provider().raw_request(method.into(), params).await.unwrap()
    }

    /// Time passes on anvil; on the embedded chain it does so by itself.
    pub async fn pass(&self, seconds: u64) {
        if let Self::Anvil(_) = self {
            self.order("evm_increaseTime", json!([seconds])).await;
            self.order("evm_mine", json!([])).await;
        }
    }

    /// The newest blocks are replaced by empty ones, and their transactions forgotten.
    pub async fn reorganise(&self, depth: u64) {
        self.order("anvil_reorg", json!([depth, []])).await;
    }

    /// The newest blocks are gone, as on a server that lags behind.
    pub async fn fall_back(&self, depth: u64) {
        self.order("anvil_rollback", json!([depth])).await;
    }

    /// No block comes until [`Chain::seal`].
    pub async fn hold(&self) {
        if let Self::Anvil(_) = self {
            self.order("evm_setAutomine", json!([false])).await;
        }
    }

    /// A block comes with each transaction.
    pub async fn seal_at_once(&self) {
        if let Self::Anvil(_) = self {
            self.order("evm_setAutomine", json!([true])).await;
            self.order("evm_mine", json!([])).await;
        }
    }

    /// One block of what waits.
    pub async fn seal(&self) {
        if let Self::Anvil(_) = self {
            self.order("evm_mine", json!([])).await;
        }
    }
}

/// The embedded chain's process.
pub async fn live(socket: &Path, folder: PathBuf, port: u16) {
    let folder = folder.join("blocks");
    let genesis = stored_chain(&folder).unwrap().map_or_else(
        || development_genesis(DEVELOPMENT_CHAIN_ID, clock::now().seconds_floor()),
        |stored| stored.genesis,
    );
    let config = ChainConfig {
        dir: folder,
        genesis,
        rpc_bind: (Ipv4Addr::LOCALHOST, port).into(),
    };
    let chain = Arc::new(EmbeddedChain::start(config).await.unwrap());
    serve(socket, move |mut words: Words| {
        let chain = chain.clone();
        async move {
            words.hear::<()>().await?;
            words.say(&chain.rpc_addr().port()).await
        }
    })
    .await;
}

/// The chain is away for a moment: it was killed, or anvil looked for a block that it had just taken out.
pub fn is_away(error: &SettlementError) -> bool {
    match error {
        SettlementError::Unreachable { .. } => true,
        SettlementError::Refused { message, .. } => message.contains("BlockOutOfRangeError"),
        _ => false,
    }
}

/// A moment of the chain as job terms have it.
pub const fn moment(seconds: u64) -> UnixMillis {
    UnixMillis(seconds * 1_000)
}

/// A pause until somebody else has acted.
pub async fn breath(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
