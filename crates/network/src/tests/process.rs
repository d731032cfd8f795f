//! Processes that are killed. The child is this test binary, started again with a role in its environment.

use super::support::{Node, config, job, soon};
use crate::{Network, NetworkError, PeerAddr, RequestorEvent, Want};
use rayswarm_model::{BlobId, manifest::CHUNK_BYTES};
use std::{
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// A process that dies with its owner.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a child in `role` and returns it with the lines it prints for us.
fn child(role: &str, folder: &Path, argument: &str) -> (Killed, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["tests::process::the_child", "--exact", "--ignored", "--nocapture"])
        .env("NETWORK_TEST_ROLE", role)
        .env("NETWORK_TEST_FOLDER", folder)
        .env("NETWORK_TEST_ARGUMENT", argument)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (Killed(child), lines)
}

/// The next line that starts with `word`, without it.
fn expect(lines: &mut Lines<BufReader<ChildStdout>>, word: &str) -> String {
    let line = lines
        .map(Result::unwrap)
        .find_map(|line| line.split_once(word).map(|(_, rest)| rest.to_owned()));
    line.expect("the child ended early")
}

fn say(line: &str) {
    // Straight to the pipe: the test harness captures `println!` of other threads.
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

fn address_text(address: &PeerAddr) -> String {
    data_encoding::HEXLOWER.encode(&postcard::to_stdvec(address).unwrap())
}

fn read_address(text: &str) -> PeerAddr {
    postcard::from_bytes(&data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
#[ignore = "the child of other tests"]
async fn the_child() {
    let Ok(role) = std::env::var("NETWORK_TEST_ROLE") else {
        return;
    };
    let folder = std::env::var("NETWORK_TEST_FOLDER").unwrap();
    let (network, _inbox) = Network::start(config(9, folder.into())).await.unwrap();
    say(&format!("NODE {}", address_text(&network.addr())));
    match role.as_str() {
        "idle" => std::future::pending().await,
        "fetch" => fetch_and_hang(&network, &std::env::var("NETWORK_TEST_ARGUMENT").unwrap()).await,
        other => panic!("no role {other}"),
    }
}

const CHUNKS: u64 = 8;
const TOTAL: u64 = CHUNKS * CHUNK_BYTES;

/// Fetches until most has come, then stands still to be killed.
async fn fetch_and_hang(network: &Network, owner: &str) {
    let hang = |progress: crate::FetchProgress| {
        if progress.bytes_fetched > TOTAL / 8 * 7 {
            say("MOST");
            loop {
                std::thread::park();
            }
        }
    };
    network
        .fetch(job(1), &[read_address(owner)], &wants(), hang)
        .await
        .unwrap();
}

fn chunk(n: u64) -> Vec<u8> {
    let mut bytes = vec![0; CHUNK_BYTES as usize];
    blake3::Hasher::new()
        .update(&n.to_le_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    bytes
}

fn wants() -> Vec<Want> {
    let id = |n| BlobId::from_bytes(*blake3::hash(&chunk(n)).as_bytes());
    (0..CHUNKS)
        .map(|n| Want {
            blob: id(n),
            bytes_max: CHUNK_BYTES,
        })
        .collect()
}

#[tokio::test]
async fn a_killed_peer_is_noticed() {
    // Short, so that the test is. Whether it is kept to the second is the transport's business.
    let mut node = Node::start_with(1, |config| config.idle_timeout = Duration::from_secs(2)).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut process, mut lines) = child("idle", folder.path(), "");
    let peer = read_address(expect(&mut lines, "NODE ").trim());
    let link = node.network.provider_link(&peer).await.unwrap();
    assert!(link.is_open());
    process.0.kill().unwrap();
    // Nobody asks the dead peer anything: that it is gone must show by itself.
    match node.asked().await {
        RequestorEvent::LinkClosed { from, error } => {
            assert_eq!(from, peer.node);
            assert!(matches!(error, NetworkError::Lost { .. }), "{error}");
        }
        other => panic!("unexpected {other:?}"),
    }
    assert!(!link.is_open());
}

#[tokio::test]
async fn a_killed_download_resumes() {
    let (owner, folder) = (Node::start(1).await, tempfile::tempdir().unwrap());
    for n in 0..CHUNKS {
        owner.network.blobs().import_bytes(job(1), chunk(n)).await.unwrap();
    }
    let reader = rayswarm_model::NodeId::from_bytes(*iroh::SecretKey::from_bytes(&[9; 32]).public().as_bytes());
    owner.network.blobs().grant(reader, job(1));
    let address = owner.network.addr();
    let (process, mut lines) = child("fetch", folder.path(), &address_text(&address));
    tokio::task::spawn_blocking(move || expect(&mut lines, "MOST"))
        .await
        .unwrap();
    drop(process);

    let (network, _inbox) = Network::start(config(9, folder.path().into())).await.unwrap();
    let report = soon("the rest", network.fetch(job(1), &[address], &wants(), |_| {}))
        .await
        .unwrap();
    println!("of {TOTAL} bytes {} came again or late", report.bytes_fetched);
    assert!(report.bytes_fetched < TOTAL / 2, "{report:?}");
    for want in wants() {
        assert!(network.blobs().has(want.blob).await.unwrap());
    }
    network.shutdown().await;
}
