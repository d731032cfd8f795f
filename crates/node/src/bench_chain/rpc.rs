//! JSON-RPC over HTTP, as few steps as there can be between the clock and the socket.

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::time::Duration;

/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one server, which keeps its connection.
#[derive(Clone, Debug)]
pub struct Rpc {
    http: reqwest::Client,
    url: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    /// Answers of a batch come in any order.
    #[serde(default)]
    id: u64,
    result: Option<T>,
    error: Option<Value>,
}

impl<T: DeserializeOwned> Answer<T> {
    fn into_result(self, of: &str) -> anyhow::Result<T> {
        match (self.result, self.error) {
            (Some(result), None) => Ok(result),
            (_, Some(error)) => bail!("{of}: {error}"),
            // Null is an answer for whoever wants none.
            (None, None) => serde_json::from_value(Value::Null).with_context(|| format!("{of}: nothing is there")),
        }
    }
}

impl Rpc {
    /// A client of the server at `url`.
    ///
    /// # Errors
    /// If HTTP cannot be had.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        // Built without a TLS provider of its own (iroh's choice for the whole program); an error means one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        Ok(Self {
            http: builder.pool_max_idle_per_host(1).build()?,
            url: url.into(),
        })
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// If there is no answer, or one that says no.
    pub async fn ask<T: DeserializeOwned>(&self, method: &str, params: Value) -> anyhow::Result<T> {
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params });
        let answer: Answer<T> = self.post(body.to_string()).await?;
        answer.into_result(method)
    }

    /// Asks the same thing of many, in one request. The answers are in the order of `params`.
    ///
    /// # Errors
    /// As [`Rpc::ask`].
    pub async fn ask_each<T: DeserializeOwned>(&self, method: &str, params: &[Value]) -> anyhow::Result<Vec<T>> {
        if params.is_empty() {
            return Ok(Vec::new());
        }
        let call =
            |(id, params): (u64, &Value)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        let body = Value::Array((0..).zip(params).map(call).collect());
        let mut answers: Vec<Answer<T>> = self.post(body.to_string()).await?;
        ensure!(
            answers.len() == params.len(),
            "{method}: {} answers to {} calls",
            answers.len(),
            params.len()
        );
        answers.sort_by_key(|answer| answer.id);
        answers.into_iter().map(|answer| answer.into_result(method)).collect()
    }

    /// Sends a batch of calls that are JSON already; each must be answered with something.
    pub(super) async fn send(&self, batch: String, calls: usize) -> anyhow::Result<()> {
        let answers: Vec<Answer<String>> = self.post(batch).await?;
        ensure!(answers.len() == calls, "{} answers to {calls} transfers", answers.len());
        for answer in answers {
            answer.into_result("a transfer was refused")?;
        }
        Ok(())
    }

    async fn post<T: DeserializeOwned>(&self, body: String) -> anyhow::Result<T> {
        let request = self.http.post(&self.url).header("content-type", "application/json");
        let asking = async { request.body(body).send().await?.bytes().await };
        let bytes = asking.await.with_context(|| format!("{} does not answer", self.url))?;
        serde_json::from_slice(&bytes).with_context(|| {
            let text = String::from_utf8_lossy(&bytes);
            let beginning: String = text.chars().take(200).collect();
            format!("{} answers something else: {beginning}", self.url)
        })
    }
}
