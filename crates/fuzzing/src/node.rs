//! What a node reads besides: requests to its JSON-RPC server, files of whole chains, genesis files.

use crate::samples::chain as samples;
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::B256;
use rayswarm_node::chain::{
    ChainSpec,
    fuzzing::{RpcServer, rewrite_file},
};
use serde_json::Value;
use std::{
    path::Path,
    sync::{LazyLock, Mutex, PoisonError},
};

/// The chain whose file is read.
pub const FILE_OF: B256 = B256::repeat_byte(0x67);

/// What a server answers when a method did not come to its end.
const INTERNAL_ERROR: &[u8] = b"\"code\":-32603";

/// One server for all requests: making one takes longer than answering a thousand.
static SERVER: LazyLock<Mutex<Result<RpcServer, String>>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().map_err(|error| error.to_string());
    let server = folder.and_then(|folder| {
        let transaction = samples::call().encoded_2718();
        RpcServer::start(folder.path(), samples::genesis(), &transaction).map_err(|error| format!("{error:#}"))
    });
    Mutex::new(server)
});

/// The body of a request to JSON-RPC, answered by a node with two blocks. Nearly all of it is written by strangers' programs, and
/// whatever it is it gets an answer. Taken is what is not refused as a whole.
pub fn rpc_request(bytes: &[u8]) -> bool {
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = match server.as_mut() {
        Ok(server) => server.answer(bytes).map_err(|error| format!("{error:#}")),
        Err(error) => Err(error.clone()),
    };
    drop(server);
    assert!(answer.is_ok(), "{answer:?}");
    let answer = answer.unwrap_or_default();
    let text = String::from_utf8_lossy(&answer);
    let has_panicked = answer
        .windows(INTERNAL_ERROR.len())
        .any(|window| window == INTERNAL_ERROR);
    assert!(!has_panicked, "{text}");
    // It would not read, was no request, or names no method.
    !["-32700", "-32600", "-32601"].iter().any(|code| text.contains(code))
}

/// A file of `chain export`. There is one for the same blocks.
pub fn block_file(bytes: &[u8]) -> bool {
    let Some(again) = rewrite_file(bytes, FILE_OF) else {
        return false;
    };
    assert!(again == bytes, "a second file of the same blocks");
    true
}

/// The file that a chain begins with, its first block included.
pub fn genesis_file(bytes: &[u8]) -> bool {
    let path = Path::new("genesis.json");
    let Ok(spec) = ChainSpec::parse(path, bytes) else {
        return false;
    };
    let text = spec.to_text().unwrap_or_default();
    assert_eq!(ChainSpec::parse(path, &text).ok(), Some(spec.clone()));
    assert!(serde_json::from_slice::<Value>(&text).is_ok());
    spec.chain_genesis().is_ok_and(|genesis| genesis.check().is_ok())
}
