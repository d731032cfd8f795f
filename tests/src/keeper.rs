//! One process that keeps a chain: start, look, kill, start again.

use crate::{Farm, lan::Machine, until, web};
use anyhow::{Context, bail};
use rayswarm_model::Address;
use rayswarm_settlement::keystore;
use serde_json::{Value, json};
use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// How long a node may take to answer; it executes again what its crash took back.
const START: Duration = Duration::from_secs(60);
/// Where nodes listen that have a machine of their own: for peers, and for JSON-RPC.
const PORTS: [u16; 2] = [7_100, 8_545];

/// A `rayswarm chain run` in a data folder of its own. Dropping it kills it.
pub struct Keeper {
    program: PathBuf,
    folder: PathBuf,
    arguments: Vec<String>,
    listen: SocketAddr,
    door: Door,
    child: Option<Child>,
}

/// Where a keeper's JSON-RPC is: the same after each start, and whether it runs or not.
#[derive(Clone, Debug)]
pub struct Door {
    rpc: SocketAddr,
    /// Where that address means it; this machine if `None`.
    machine: Option<Machine>,
}

/// A block as JSON-RPC shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSeen {
    /// Its height.
    pub number: u64,
    /// Its hash.
    pub hash: String,
    /// Root of the state after it.
    pub state_root: String,
}

impl Keeper {
    /// A node that has not started, in a folder called `name`.
    ///
    /// # Errors
    /// When there are no free ports.
    pub fn new(farm: &Farm, name: &str) -> anyhow::Result<Self> {
        // Ports that were free a moment ago: whoever is killed must come back where others look for it.
        let listen = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
        let rpc = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Self::at(farm, name, listen, Door { rpc, machine: None })
    }

    /// The same on a machine of its own.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn on(machine: Machine, farm: &Farm, name: &str) -> anyhow::Result<Self> {
        let [peers, rpc] = PORTS;
        let listen = (machine.address, peers).into();
        let door = Door {
            rpc: (Ipv4Addr::LOCALHOST, rpc).into(),
            machine: Some(machine),
        };
        Self::at(farm, name, listen, door)
    }

    fn at(farm: &Farm, name: &str, listen: SocketAddr, door: Door) -> anyhow::Result<Self> {
        let folder = farm.scratch().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            program: farm.program().to_path_buf(),
            folder,
            arguments: Vec::new(),
            listen,
            door,
            child: None,
        })
    }

    /// The account of its data folder, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn account(&self) -> anyhow::Result<Address> {
        Ok(keystore::load_or_create(&self.folder, None)?.address())
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its JSON-RPC is.
    pub const fn door(&self) -> &Door {
        &self.door
    }

    /// The URL of its JSON-RPC.
    pub fn rpc_url(&self) -> String {
        self.door.url()
    }

    /// Starts it with these options besides its addresses, and waits until it answers.
    ///
    /// # Errors
    /// When it ends or does not answer; the end of its log is in the message.
    pub fn start(&mut self, options: &[&str]) -> anyhow::Result<()> {
        self.arguments = options.iter().map(ToString::to_string).collect();
        self.start_again()
    }

    /// Starts it again after [`Keeper::kill`], as before.
    ///
    /// # Errors
    /// As [`Keeper::start`].
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        until("a keeper answers", START, || {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("a keeper ended with {status}: {}", self.log_end());
            }
            Ok(self.head().ok())
        })
        .with_context(|| self.log_end())?;
        Ok(())
    }

    /// Starts it without waiting.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        let (listen, rpc) = (self.listen.to_string(), self.door.rpc.to_string());
        let mut command = match &self.door.machine {
            Some(machine) => machine.command(&self.program),
            None => Command::new(&self.program),
        };
        let child = command
            .arg("--data-dir")
            .arg(&self.folder)
            .args(["chain", "run", "--listen", &listen, "--rpc-listen", &rpc])
            .args(&self.arguments)
            .env("RAYSWARM_LOG", "info,rayswarm_node::chain=debug")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// What others give to `--peer`, once it has started.
    ///
    /// # Errors
    /// When it has not said so.
    pub fn peer(&self) -> anyhow::Result<String> {
        let log = std::fs::read_to_string(self.folder.join("log"))?;
        let line = log.lines().rev().find_map(|line| line.strip_prefix("peer      "));
        Ok(line.context("a keeper names itself")?.trim().to_owned())
    }

    /// Kills it with `kill -9`.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Asks its JSON-RPC.
    ///
    /// # Errors
    /// As [`Door::ask`].
    pub fn ask(&self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.door.ask(method, params)
    }

    /// The block at a height or tag.
    ///
    /// # Errors
    /// As [`Door::block`].
    pub fn block(&self, at: &str) -> anyhow::Result<BlockSeen> {
        self.door.block(at)
    }

    /// The block at a height.
    ///
    /// # Errors
    /// When there is none.
    pub fn block_at(&self, number: u64) -> anyhow::Result<BlockSeen> {
        self.block(&format!("{number:#x}"))
    }

    /// The head.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn head(&self) -> anyhow::Result<BlockSeen> {
        self.block("latest")
    }

    /// The last final block.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn finalized(&self) -> anyhow::Result<BlockSeen> {
        self.block("finalized")
    }

    /// The end of its log.
    pub fn log_end(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Door {
    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.rpc)
    }

    /// Asks.
    ///
    /// # Errors
    /// When nobody answers, or with an error.
    pub fn ask(&self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let asking = || web::ask(&self.rpc.to_string(), "POST", "/", None, Some(&question));
        let reply = match &self.machine {
            Some(machine) => machine.inside(asking)?,
            None => asking(),
        };
        let answer = reply?.json();
        if !answer["error"].is_null() {
            bail!("{method}: {}", answer["error"]);
        }
        Ok(answer["result"].clone())
    }

    /// The block at a height or tag.
    ///
    /// # Errors
    /// When there is none.
    pub fn block(&self, at: &str) -> anyhow::Result<BlockSeen> {
        let block = self.ask("eth_getBlockByNumber", &json!([at, false]))?;
        let text = |field: &str| Ok::<_, anyhow::Error>(block[field].as_str().context("a block")?.to_owned());
        let number = text("number")?;
        Ok(BlockSeen {
            number: u64::from_str_radix(number.trim_start_matches("0x"), 16)?,
            hash: text("hash")?,
            state_root: text("stateRoot")?,
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.kill();
    }
}
