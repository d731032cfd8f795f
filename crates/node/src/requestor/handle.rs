//! How the rest of the node reaches a job.

use super::shown::Shown;
use rayswarm_api::job::{JobChange, JobState, JobView};
use rayswarm_model::{Amount, NodeId};
use rayswarm_network::{CloseCode, NetworkError, RequestorEvent};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What the artist may tell a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Accept the quote, or a cheaper point of its curve.
    Start(Option<Amount>),
    /// End it early.
    Cancel,
    /// Give nothing new out.
    Pause,
    /// Go on.
    Resume,
    /// Another name or priority.
    Change(JobChange),
}

/// How the rest of the node reaches a job.
#[derive(Clone)]
pub struct JobHandle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) events: mpsc::Sender<RequestorEvent>,
    pub(super) shown: Arc<Shown>,
}

impl JobHandle {
    /// The job as it is now.
    pub fn view(&self) -> Arc<JobView> {
        self.shown.view()
    }
    /// Its tasks and log.
    pub const fn shown(&self) -> &Arc<Shown> {
        &self.shown
    }
    /// Whether providers have business with it: in other states nobody reads what they ask.
    pub fn renders(&self) -> bool {
        self.view().summary.state == JobState::Rendering
    }
    /// Where commands go.
    pub fn commands(&self) -> mpsc::Sender<Command> {
        self.commands.clone()
    }
    /// Where providers' events go.
    pub fn events(&self) -> mpsc::Sender<RequestorEvent> {
        self.events.clone()
    }
    /// The link to a provider ended; of interest while rendering only.
    pub async fn link_closed(&self, from: NodeId) {
        if self.renders() {
            let error = NetworkError::Closed {
                node: from,
                code: CloseCode::Done,
                reason: String::new(),
            };
            // A job that ends at this moment has no use for it.
            let _ = self.events.send(RequestorEvent::LinkClosed { from, error }).await;
        }
    }
}
