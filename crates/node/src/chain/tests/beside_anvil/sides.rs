//! Both chains, from the same genesis: chain id, hardfork, gas limit, base fee, coinbase and accounts.

use alloy::transports::http::reqwest;
use alloy_primitives::{Address, Bytes, U256, address};
use rayswarm_chain::GenesisAccount;
use serde_json::{Value, json};
use tokio::time::interval;

use super::{
    super::{super::*, genesis},
    recording::{Ask, Kept, Step, first_account},
    socket::Socket,
    support,
};

/// Anvil's second account, which has delegated itself to the token in the recording.
const SECOND_ACCOUNT: Address = address!("70997970c51812dc3a010c7d01b50e0d17dc79c8");

/// Where anvil has a contract that each block writes the hash of the one before into (EIP-2935). This chain has none, so it is
/// replaced by one that does nothing on both: all that follows can have the same state root.
const HISTORY: Address = address!("0000f90827f1c53a10cb7a02335b175320002935");
const STOP: [u8; 1] = [0];

fn shared_genesis() -> Genesis {
    let mut genesis = genesis();
    let coins = |count: u64| GenesisAccount {
        balance: COIN * U256::from(count),
        ..GenesisAccount::default()
    };
    genesis.alloc.insert(first_account().address(), coins(10_000));
    genesis.alloc.insert(SECOND_ACCOUNT, coins(1));
    let inert = GenesisAccount {
        code: STOP.into(),
        ..GenesisAccount::default()
    };
    genesis.alloc.insert(HISTORY, inert);
    genesis
}

/// The genesis as other nodes read it.
fn common_form(genesis: &Genesis) -> Value {
    let account_form = |(address, account): (&Address, &GenesisAccount)| {
        let account = json!({
            "balance": account.balance,
            "nonce": format!("{:#x}", account.nonce),
            "code": account.code,
        });
        (address.to_string(), account)
    };
    let accounts: serde_json::Map<_, _> = genesis.alloc.iter().map(account_form).collect();
    json!({
        "config": {"chainId": genesis.chain_id},
        "gasLimit": format!("{:#x}", genesis.gas_limit),
        "baseFeePerGas": format!("{:#x}", genesis.base_fee),
        "difficulty": "0x0",
        "coinbase": genesis.sealer,
        "alloc": accounts,
    })
}

/// What a side is asked by, and what it answered.
struct Line {
    http: reqwest::Client,
    url: String,
    socket: Socket,
    kept: Kept,
}

impl Line {
    async fn to(url: String) -> Self {
        Self {
            http: reqwest::Client::new(),
            socket: Socket::connect(url.trim_start_matches("http://")).await,
            url,
            kept: Kept::default(),
        }
    }

    async fn post(&self, body: String) -> Value {
        let request = self.http.post(&self.url).header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post(request.to_string()).await
    }

    async fn answer(&mut self, step: &Step) -> Value {
        let answer = match &step.ask {
            Ask::Method { method, params, socket } => {
                let params = self.kept.fill(params).await.into();
                if *socket {
                    self.socket.ask(method, params).await
                } else {
                    self.call(method, params).await
                }
            }
            Ask::Body { body } => self.post(body.to_string()).await,
            Ask::Text { text } => self.post(text.clone()).await,
            Ask::Hear { hear } => self.socket.hear(&self.kept.find(hear)).await,
        };
        if let Some(name) = &step.keep {
            self.kept.keep(name, &answer["result"]);
        }
        answer
    }

    async fn is_in_a_block(&self, transaction: &Value) -> bool {
        let receipt = self.call("eth_getTransactionReceipt", json!([transaction])).await;
        !receipt["result"].is_null()
    }
}

/// The transaction that a step put into the pool, to be in a block before the next one.
fn sent<'a>(step: &Step, answer: &'a Value) -> Option<&'a Value> {
    let is_sending = matches!(&step.ask, Ask::Method { method, .. } if method == "eth_sendRawTransaction");
    answer.get("result").filter(|_| is_sending && !step.waits)
}

/// This chain.
pub(super) struct Ours {
    chain: EmbeddedChain,
    line: Line,
}

impl Ours {
    pub(super) async fn start(dir: &Path) -> Self {
        let config = ChainConfig {
            dir: dir.to_owned(),
            genesis: shared_genesis(),
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        };
        let chain = EmbeddedChain::start(config).await.unwrap();
        Self {
            line: Line::to(chain.rpc_url()).await,
            chain,
        }
    }

    pub(super) async fn stop(self) {
        drop(self.line);
        self.chain.shutdown().await;
    }

    /// Plays a step and says what was answered.
    pub(super) async fn play(&mut self, step: &Step) -> Value {
        let answer = self.line.answer(step).await;
        if let Some(transaction) = sent(step, &answer) {
            // The runner ends a test whose condition never comes.
            let mut looks = interval(Duration::from_millis(5));
            while !self.line.is_in_a_block(transaction).await {
                looks.tick().await;
            }
        }
        answer
    }
}

/// Anvil, which makes a block when it is told to.
pub(super) struct Anvil {
    _process: support::Anvil,
    line: Line,
}

impl Anvil {
    pub(super) async fn start(dir: &Path) -> Result<Self, String> {
        let genesis = shared_genesis();
        let file = dir.join("anvil.json");
        fs::write(&file, common_form(&genesis).to_string()).unwrap();
        let process = support::Anvil::start_with(&[
            "--init",
            file.to_str().unwrap(),
            "--hardfork",
            "osaka",
            "--gas-limit",
            &genesis.gas_limit.to_string(),
            "--block-base-fee-per-gas",
            &genesis.base_fee.to_string(),
            "--enable-tx-gas-limit",
            "--disable-default-create2-deployer",
            "--accounts",
            "0",
            "--no-mining",
            // The newest block is final.
            "--slots-in-an-epoch",
            "0",
        ])?;
        let line = Line::to(process.url.clone()).await;
        line.call("anvil_setCode", json!([HISTORY, Bytes::from(STOP)])).await;
        Ok(Self {
            _process: process,
            line,
        })
    }

    /// Plays a step and says what was answered.
    pub(super) async fn play(&mut self, step: &Step) -> Value {
        let answer = self.line.answer(step).await;
        if let Some(transaction) = sent(step, &answer) {
            self.line.call("evm_mine", json!([])).await;
            // One that it took and cannot execute stays in its pool.
            self.line.is_in_a_block(transaction).await;
        }
        answer
    }
}

/// The names of all methods of this chain.
pub(super) fn methods(dir: &Path) -> Vec<&'static str> {
    let ledger = Arc::new(open(dir, genesis()).unwrap());
    let rpc = Rpc::new(ledger, None, None, ("solo", None), CancellationToken::new());
    rpc::methods(rpc).unwrap().method_names().collect()
}
