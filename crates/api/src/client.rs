//! The typed client. Every call carries the node's bearer token.

use crate::{
    access::{MadeToken, NewToken},
    farm::{InviteView, NodeChange, NodeView, ProviderView, WalletView},
    job::{Inspection, JobRequest, JobSummary, JobView, NewJob, RetryRequest},
    page::{List, Page, PageQuery},
    problem::Problem,
    task::Explanation,
};
use rayswarm_model::{JobId, SceneFacts};
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// A client of one daemon.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// A call to the daemon failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers.
    #[error("no daemon answers at {base}; start one with `rayswarm up`")]
    Unreachable {
        /// Where it was looked for.
        base: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The daemon refused.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// The answer could not be read.
    #[error("the daemon at {base} gave an answer that this version cannot read; use the same version on both sides")]
    Unreadable {
        /// The daemon.
        base: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

/// Inspecting opens the scene in an engine; a heavy one takes minutes.
const PATIENCE: Duration = Duration::from_secs(900);

impl Client {
    /// A client of the daemon at `address` (`127.0.0.1:3000`) with its bearer token.
    pub fn new(address: impl std::fmt::Display, token: impl Into<String>) -> Self {
        // Built without a TLS provider of its own (iroh's choice for the whole program); an error means one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap_or_default();
        Self {
            http,
            base: format!("http://{address}"),
            token: token.into(),
        }
    }

    /// The node.
    pub async fn node(&self) -> Result<NodeView, ClientError> {
        self.get("/v1/node").await
    }
    /// What a scene is and needs.
    pub async fn inspect(&self, request: &JobRequest) -> Result<SceneFacts, ClientError> {
        self.post("/v1/inspect", &Inspection::of(request)).await
    }
    /// Makes a job of an Open Job Description template; it begins at once.
    pub async fn create_commands(&self, job: &NewJob) -> Result<JobSummary, ClientError> {
        self.post("/v1/jobs", job).await
    }
    /// Creates a job; it is analysed, probed and then waits as `quoted`, unless it is to start by itself.
    pub async fn create_job(&self, request: &JobRequest) -> Result<JobSummary, ClientError> {
        self.post("/v1/jobs", &NewJob::from(request.clone())).await
    }
    /// Accepts the quote.
    pub async fn start_job(&self, id: JobId) -> Result<JobSummary, ClientError> {
        self.post(&format!("/v1/jobs/{id}/start"), &()).await
    }
    /// Ends a job early.
    pub async fn cancel_job(&self, id: JobId) -> Result<JobSummary, ClientError> {
        self.post(&format!("/v1/jobs/{id}/cancel"), &()).await
    }
    /// Makes a new job of what a failed or cancelled one left open.
    pub async fn retry_job(&self, id: JobId, retry: RetryRequest) -> Result<JobSummary, ClientError> {
        self.post(&format!("/v1/jobs/{id}/retry"), &retry).await
    }
    /// Pauses a job: nothing new is given out.
    pub async fn pause_job(&self, id: JobId) -> Result<JobSummary, ClientError> {
        self.post(&format!("/v1/jobs/{id}/pause"), &()).await
    }
    /// Lets a paused job go on.
    pub async fn resume_job(&self, id: JobId) -> Result<JobSummary, ClientError> {
        self.post(&format!("/v1/jobs/{id}/resume"), &()).await
    }
    /// All jobs, newest first.
    pub async fn jobs(&self) -> Result<Vec<JobSummary>, ClientError> {
        self.all("/v1/jobs").await
    }
    /// One job.
    pub async fn job(&self, id: JobId) -> Result<JobView, ClientError> {
        self.get(&format!("/v1/jobs/{id}")).await
    }
    /// Why each task went where it went.
    pub async fn explain(&self, id: JobId) -> Result<Vec<Explanation>, ClientError> {
        self.all(&format!("/v1/jobs/{id}/explain")).await
    }
    /// Known providers, best first.
    pub async fn providers(&self) -> Result<Vec<ProviderView>, ClientError> {
        Ok(self.get::<List<ProviderView>>("/v1/providers").await?.items)
    }
    /// Changes what may be changed while the node runs.
    pub async fn change_node(&self, change: &NodeChange) -> Result<NodeView, ClientError> {
        self.send(
            self.http
                .request(Method::PATCH, format!("{}/v1/node", self.base))
                .json(change),
        )
        .await
    }
    /// Makes a token.
    pub async fn make_token(&self, token: &NewToken) -> Result<MadeToken, ClientError> {
        self.post("/v1/tokens", token).await
    }
    /// Balances and addresses.
    pub async fn wallet(&self) -> Result<WalletView, ClientError> {
        self.get("/v1/wallet").await
    }
    /// Test money, on the development chain only.
    pub async fn faucet(&self) -> Result<WalletView, ClientError> {
        self.post("/v1/wallet/faucet", &()).await
    }
    /// A ticket with which another machine joins.
    pub async fn invite(&self) -> Result<InviteView, ClientError> {
        self.get("/v1/invite").await
    }

    /// All items of a list that comes in pages.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ClientError> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let limit = PageQuery::LIMIT_MAX;
            let page: Page<T> = self.get(&format!("{path}?limit={limit}{cursor}")).await?;
            items.extend(page.items);
            let Some(next) = page.next_cursor else { return Ok(items) };
            cursor = format!("&cursor={next}");
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.send(self.http.request(Method::GET, format!("{}{path}", self.base)))
            .await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.send(
            self.http
                .request(Method::POST, format!("{}{path}", self.base))
                .json(body),
        )
        .await
    }

    async fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ClientError> {
        let unreachable = |source| ClientError::Unreachable {
            base: self.base.clone(),
            source,
        };
        let unreadable = |source| ClientError::Unreadable {
            base: self.base.clone(),
            source,
        };
        let answer = request.bearer_auth(&self.token).send().await.map_err(unreachable)?;
        if answer.status().is_success() {
            return answer.json().await.map_err(unreadable);
        }
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(unreadable)?;
        let problem = serde_json::from_str(&text).unwrap_or_else(|_| Problem::new(status, "unknown", text));
        Err(ClientError::Refused(problem))
    }
}
