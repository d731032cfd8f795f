//! Ways to decoders of this crate that nobody outside of it needs, for `crates/fuzzing`.

use std::path::Path;

use alloy_primitives::{B256, Bytes};
use jsonrpsee::server::{HttpBody, HttpRequest, ServerBuilder, ServerHandle, TowerService, stop_channel};
use rayswarm_chain::Genesis;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tower::{Service as _, layer::util::Identity};

use super::{
    open,
    rpc::{self, Rpc},
    transfer,
};

/// More than any answer.
const ANSWER_BYTES_MAX: usize = 128 << 20;

/// JSON-RPC as a node serves it, without a socket.
#[derive(Debug)]
pub struct RpcServer {
    runtime: Runtime,
    service: TowerService<Identity, Identity>,
    /// The server ends without it.
    _handle: ServerHandle,
}

impl RpcServer {
    /// A server over a chain of two blocks, of which the second holds `transaction`. The folder is needed only until it is
    /// there.
    ///
    /// # Errors
    /// When there can be no such chain, or no server.
    pub fn start(folder: &Path, genesis: Genesis, transaction: &[u8]) -> anyhow::Result<Self> {
        let ledger = open(folder, genesis)?;
        ledger.submit_raw(transaction)?;
        ledger.seal(false)?;
        let rpc = Rpc::new(ledger.into(), None, None, ("solo", None), CancellationToken::new());
        let (stop, handle) = stop_channel();
        let server = ServerBuilder::new().set_config(rpc::config()).to_service_builder();
        Ok(Self {
            runtime: Builder::new_current_thread().build()?,
            service: server.build(rpc::methods(rpc)?, stop),
            _handle: handle,
        })
    }

    /// The body of the answer to a request with this body.
    ///
    /// # Errors
    /// When the server does not answer at all.
    pub fn answer(&mut self, body: &[u8]) -> anyhow::Result<Bytes> {
        let request = HttpRequest::builder()
            .method("POST")
            .header("content-type", "application/json")
            .header("content-length", body.len())
            .body(HttpBody::from(body.to_vec()))?;
        let answering = self.service.call(request);
        self.runtime.block_on(async {
            let response = answering.await.map_err(anyhow::Error::from_boxed)?;
            let body = axum::body::Body::new(response.into_body());
            Ok(axum::body::to_bytes(body, ANSWER_BYTES_MAX).await?.into())
        })
    }
}

/// Reads a whole file of `chain export` and writes it again. None where it does not read.
pub fn rewrite_file(bytes: &[u8], genesis: B256) -> Option<Vec<u8>> {
    transfer::rewrite(bytes, genesis)
}
