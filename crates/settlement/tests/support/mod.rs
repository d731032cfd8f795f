//! A private anvil for one test, found among the contracts' npm packages.

// Each test program uses a part of it.
#![allow(dead_code)]

pub mod court;
pub mod world;

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

/// A running anvil; stopped when dropped.
pub struct Anvil {
    child: Child,
    /// Where its JSON-RPC answers.
    pub url: String,
}

impl Anvil {
    /// Starts one on a free port of the loopback interface, or says why it cannot.
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[])
    }

    /// The same, with arguments of one's own.
    pub fn start_with(arguments: &[&str]) -> Result<Self, String> {
        let binary = binary()?;
        let mut child = Command::new(&binary)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("{} does not start: {error}", binary.display()))?;
        let mut output = BufReader::new(child.stdout.take().ok_or("anvil has no output")?);
        // It prints this line once its socket listens.
        let mut address = None;
        let mut line = String::new();
        while address.is_none() {
            line.clear();
            match output.read_line(&mut line) {
                Ok(count) if count > 0 => address = line.strip_prefix("Listening on ").map(|it| it.trim().to_owned()),
                _ => break,
            }
        }
        // It logs every call and would stop at a full pipe.
        std::thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let running = Self {
            child,
            url: format!("http://{}", address.clone().unwrap_or_default()),
        };
        address
            .map(|_| running)
            .ok_or_else(|| "anvil ended before it listened".into())
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn binary() -> Result<PathBuf, String> {
    let path = std::env::var_os("RAYSWARM_ANVIL").map_or_else(
        || {
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("../../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
        },
        PathBuf::from,
    );
    if path.is_file() {
        return Ok(path);
    }
    Err(format!(
        "there is no anvil at {}; run: npm ci --prefix contracts",
        path.display()
    ))
}
