//! Deliveries to a real receiver on this machine. A delivery that is not answered yet holds its webhook still.

#![allow(clippy::unwrap_used)]

use super::*;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use hmac::{Hmac, Mac};
use rayswarm_api::{
    access::WebhookEvent,
    event::{BlockSealed, NodeEvent, Nothing},
};
use rayswarm_model::{Amount, JobId};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

const STARTED: UnixMillis = UnixMillis(7);
/// Number of the first event of a node that started then.
const FIRST: u64 = 7000;
const TWO_TRIES: Schedule = Schedule::of(&[Duration::ZERO]);

/// A delivery as it arrived, and the way to answer it.
struct Call {
    path: String,
    headers: HeaderMap,
    body: String,
    answer: oneshot::Sender<u16>,
}

impl Call {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    fn id(&self) -> u64 {
        let id: u64 = self.header("rayswarm-delivery").parse().unwrap();
        assert_eq!(self.json()["id"], id);
        id
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn is_signed_with(&self, secret: &str) -> bool {
        let (time, sum) = self.header("rayswarm-signature").split_once(",v1=").unwrap();
        let seconds = time.strip_prefix("t=").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{seconds}.{}", self.body).as_bytes());
        hook::hex(&mac.finalize().into_bytes()) == sum
    }

    /// Answers it and gives its number.
    fn answer(self, status: u16) -> u64 {
        let id = self.id();
        assert_eq!(self.path, "/told");
        self.answer.send(status).unwrap();
        id
    }
}

async fn take(State(calls): State<mpsc::Sender<Call>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let (answer, answered) = oneshot::channel();
    let call = Call {
        path: parts.uri.path().into(),
        headers: parts.headers,
        body: String::from_utf8(body.into()).unwrap(),
        answer,
    };
    let elsewhere = [(header::LOCATION, "/elsewhere")];
    calls.send(call).await.unwrap();
    let status = answered.await.unwrap_or(500);
    (StatusCode::from_u16(status).unwrap(), elsewhere).into_response()
}

/// A node with webhooks, and a receiver.
struct Farm {
    folder: tempfile::TempDir,
    events: Arc<Events>,
    webhooks: Arc<Webhooks>,
    url: String,
    calls: mpsc::Receiver<Call>,
    stop: CancellationToken,
    running: JoinHandle<()>,
    tasks: TaskTracker,
}

impl Farm {
    async fn new() -> Self {
        let (sender, calls) = mpsc::channel(1);
        let router = Router::new().fallback(take).with_state(sender);
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", socket.local_addr().unwrap());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(async move { axum::serve(socket, router).await });
        let folder = tempfile::tempdir().unwrap();
        let webhooks = Arc::new(Webhooks::with_schedule(folder.path(), TWO_TRIES).unwrap());
        let events = Events::new(STARTED);
        Self {
            running: tasks.spawn(webhooks.clone().run(events.clone(), stop.clone())),
            folder,
            events,
            webhooks,
            url,
            calls,
            stop,
            tasks,
        }
    }

    fn add(&self, event: WebhookEvent) -> MadeWebhook {
        let wanted = NewWebhook {
            url: self.url.clone(),
            events: vec![event],
        };
        self.webhooks.add(wanted, &self.events, STARTED).unwrap()
    }

    fn tell_blocks(&self, count: u64) {
        for number in 1..=count {
            self.events.tell(&NodeEvent::Block(BlockSealed {
                number,
                hash: "0x00".into(),
                transactions: 0,
                at: STARTED.into(),
            }));
        }
    }

    async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    /// Stops delivering and goes on with what is on disk.
    async fn restart(self) -> Self {
        self.stop.cancel();
        self.running.await.unwrap();
        let webhooks = Arc::new(Webhooks::with_schedule(self.folder.path(), TWO_TRIES).unwrap());
        let stop = CancellationToken::new();
        Self {
            running: self
                .tasks
                .spawn(webhooks.clone().run(self.events.clone(), stop.clone())),
            webhooks,
            stop,
            ..self
        }
    }
}

fn job(state: &str, progress: u32) -> NodeEvent {
    let summary = json!({
        "id": JobId::from_bytes([1; 32]), "name": "kitchen", "state": state, "paused": false, "priority": 0,
        "problem": null, "created_at": "2026-01-01T00:00:00.000Z", "started_at": null, "finished_at": null,
        "tasks": 4, "tasks_verified": 0, "frames": 1, "frames_finished": 0, "progress_permille": progress,
        "eta_s": null, "budget": Amount(0), "paid": Amount(0),
    });
    NodeEvent::Job(serde_json::from_value(summary).unwrap())
}

#[tokio::test]
async fn deliveries_are_signed_repeated_and_in_order() {
    let mut farm = Farm::new().await;
    let made = farm.add(WebhookEvent::Block);
    farm.tell_blocks(3);
    // The first is answered with 500 and comes again before the second.
    for (number, status) in [(1, 500), (1, 200), (2, 204), (3, 200)] {
        let call = farm.call().await;
        assert_eq!(call.header("rayswarm-event"), "block");
        assert_eq!(call.header("content-type"), "application/json");
        assert_eq!(call.json()["event"], "block");
        assert_eq!(call.json()["data"]["number"], number);
        assert!(call.is_signed_with(&made.secret));
        assert!(!call.is_signed_with("a guess"));
        assert_eq!(call.answer(status), FIRST + number - 1);
    }
}

#[tokio::test]
async fn only_changes_of_state_and_asked_events_are_delivered() {
    let mut farm = Farm::new().await;
    farm.add(WebhookEvent::Job);
    farm.events.tell(&job("rendering", 1));
    farm.events.tell(&job("rendering", 2));
    farm.events.tell(&NodeEvent::Providers(Nothing {}));
    farm.events.tell(&job("done", 1000));
    let first = farm.call().await;
    assert_eq!(first.json()["data"]["state"], "rendering");
    assert_eq!(first.answer(200), FIRST);
    let second = farm.call().await;
    assert_eq!(second.json()["data"]["state"], "done");
    assert_eq!(second.answer(200), FIRST + 3);
}

#[tokio::test]
async fn what_is_never_taken_is_given_up_and_counted() {
    let mut farm = Farm::new().await;
    farm.add(WebhookEvent::Block);
    farm.tell_blocks(4);
    // A redirect is not followed: it is an answer like any other that is not 2xx.
    for (expected, status) in [(FIRST, 500), (FIRST, 307), (FIRST + 1, 400), (FIRST + 1, 404)] {
        assert_eq!(farm.call().await.answer(status), expected);
    }
    let third = farm.call().await;
    let view = farm.webhooks.list().remove(0);
    assert_eq!((view.failures, view.last_status), (2, Some(404)));
    assert_eq!(third.answer(202), FIRST + 2);
    let fourth = farm.call().await;
    let view = farm.webhooks.list().remove(0);
    assert_eq!((view.failures, view.last_status), (0, Some(202)));
    assert_eq!(fourth.answer(200), FIRST + 3);
}

#[tokio::test]
async fn a_restart_goes_on_after_what_was_delivered() {
    let mut farm = Farm::new().await;
    let made = farm.add(WebhookEvent::Block);
    farm.tell_blocks(2);
    assert_eq!(farm.call().await.answer(201), FIRST);
    // Under way when the node stops, so it is delivered again.
    let second = farm.call().await;
    assert_eq!(second.id(), FIRST + 1);
    let mut farm = farm.restart().await;
    let view = farm.webhooks.list().remove(0);
    assert_eq!((view.id, view.last_status), (made.view.id, Some(201)));
    let again = farm.call().await;
    assert!(again.is_signed_with(&made.secret));
    assert_eq!(again.answer(200), FIRST + 1);
}

#[tokio::test]
async fn removed_webhooks_are_told_nothing_more_and_new_ones_nothing_old() {
    let mut farm = Farm::new().await;
    let first = farm.add(WebhookEvent::Block);
    farm.tell_blocks(1);
    assert_eq!(farm.call().await.answer(200), FIRST);
    farm.webhooks.remove(&first.view.id).unwrap();
    let problem = farm.webhooks.remove(&first.view.id).unwrap_err();
    assert_eq!((problem.status, problem.kind.as_str()), (404, "no_such_webhook"));
    farm.tell_blocks(1);
    let second = farm.add(WebhookEvent::Block);
    farm.tell_blocks(1);
    let call = farm.call().await;
    assert!(call.is_signed_with(&second.secret));
    assert_eq!(call.answer(200), FIRST + 2);
    assert_eq!(farm.webhooks.list().len(), 1);
}

#[test]
fn a_node_has_a_hundred_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let webhooks = Webhooks::open(folder.path()).unwrap();
    let events = Events::new(STARTED);
    let add = || {
        let wanted = NewWebhook {
            url: "https://farm.example/told".into(),
            events: vec![WebhookEvent::Job],
        };
        webhooks.add(wanted, &events, STARTED)
    };
    for _ in 0..HOOKS_MAX {
        add().unwrap();
    }
    assert_eq!(add().unwrap_err().kind, "too_many_webhooks");
    assert_eq!(Webhooks::open(folder.path()).unwrap().list(), webhooks.list());
    assert_eq!(lock(&webhooks.fresh).len(), HOOKS_MAX);
}
