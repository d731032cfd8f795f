//! A whole node in this process, asked over HTTP.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    config::RawConfig,
    events::{Heard, Listener},
    traces::{
        Collector,
        tests::{TestCollector, holds},
    },
};
use rayswarm_api::upload::{NewUpload, UploadFile};
use rayswarm_model::UnixMillis;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

struct World {
    daemon: Daemon,
    client: reqwest::Client,
    root: String,
    folder: TempDir,
}

impl World {
    async fn new(traces: Option<Collector>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("node");
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let raw = RawConfig {
            data_dir: Some(data_dir.clone()),
            http: Some(any_port),
            listen: vec![any_port],
            traces,
            ..RawConfig::default()
        };
        Self {
            daemon: Daemon::start(raw.resolve().unwrap(), |_| ()).await.unwrap(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            root: std::fs::read_to_string(data_dir.join("token"))
                .unwrap()
                .trim()
                .to_owned(),
            folder,
        }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.daemon.http_address());
        self.client.request(method, url).bearer_auth(&self.root)
    }

    async fn answer(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        told(self.ask(method, path).json(body).send().await.unwrap()).await
    }

    /// Makes a job of a scene that cannot be rendered; gives its id once it has failed.
    async fn failed_job(&self, scene: Value) -> String {
        let mut heard = self.daemon.node.services.events.listen(None);
        let (status, made) = self.answer(Method::POST, "/v1/jobs", &json!({ "scene": scene })).await;
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap().to_owned();
        until_failed(&mut heard, &id).await;
        id
    }
}

async fn told(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn until_failed(heard: &mut Listener, id: &str) {
    while let Some(Heard::Event(told)) = heard.hear().await {
        let data: Value = serde_json::from_str(&told.data).unwrap();
        if told.name == "job" && data["id"] == id && data["state"] == "failed" {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_jobs_are_told_to_the_collector() {
    let mut collector = TestCollector::start().await;
    let world = World::new(Some(collector.collector.clone())).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let asked = world.ask(Method::GET, "/v1/providers?limit=7");
    let asked = asked.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let (status, _) = world.answer(Method::GET, "/v1/jobs/none", &Value::Null).await;
    assert_eq!(status, 404);
    let id = world
        .failed_job(json!({ "path": world.folder.path().join("none.pov") }))
        .await;
    let secret = world.root.clone();
    world.daemon.stop().await;

    let told = collector.told();
    let trace: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    assert!(holds(&told, &trace), "the caller's trace");
    for text in [
        "GET /v1/providers",
        "GET /v1/jobs/{id}",
        "POST /v1/jobs",
        "analysing",
        "none.pov",
        id.trim_start_matches("0x"),
    ] {
        assert!(holds(&told, text.as_bytes()), "{text}");
    }
    for text in ["limit=7", secret.as_str()] {
        assert!(!holds(&told, text.as_bytes()), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_ends_with_its_token() {
    let world = World::new(None).await;
    let wanted = json!({"name": "studio", "scopes": ["read"]});
    let (_, made) = world.answer(Method::POST, "/v1/tokens", &wanted).await;
    let streaming = world.ask(Method::GET, "/v1/events");
    let url = streaming.build().unwrap().url().clone();
    let with = |token: &str| world.client.get(url.clone()).bearer_auth(token).send();
    let mut stream = with(made["token"].as_str().unwrap()).await.unwrap();
    let mut other = with(&world.root).await.unwrap();
    assert_eq!((stream.status().as_u16(), other.status().as_u16()), (200, 200));
    let revoked = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
    let (status, _) = world.answer(Method::DELETE, &revoked, &Value::Null).await;
    assert_eq!(status, 204);
    while stream.chunk().await.unwrap().is_some() {}
    world.failed_job(json!({ "path": "/none.pov" })).await;
    assert!(other.chunk().await.unwrap().is_some(), "another token's stream goes on");
    assert_eq!(with(made["token"].as_str().unwrap()).await.unwrap().status(), 401);
    world.daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_by_their_address_are_answered_as_programs_of_the_web_expect() {
    let world = World::new(None).await;
    let url = format!("http://{}/render", world.daemon.http_address());
    let post = async |body: &str| {
        let asked = world.client.post(&url).header("content-type", "application/json");
        let (status, problem) = told(asked.body(body.to_owned()).send().await.unwrap()).await;
        (status, problem["type"].as_str().unwrap_or_default().to_owned())
    };
    for (body, status, kind) in [
        ("{", 400, "bad_json"),
        ("[]", 400, "bad_body"),
        (r#"{"image_url": "https://pictures.example/a.png"}"#, 400, "bad_body"),
        (r#"{"model": "mosaic"}"#, 400, "bad_body"),
        (r#"{"imageUrl": "a", "model": "m", "strength": 0}"#, 400, "bad_body"),
        (r#"{"imageUrl": "a", "model": "m", "wait": "long"}"#, 400, "bad_body"),
        // The model is looked for before anything is fetched.
        (
            r#"{"imageUrl": "https://pictures.example/a.png", "model": "upscale"}"#,
            422,
            "no_model",
        ),
    ] {
        assert_eq!(post(body).await, (status, kind.to_owned()), "{body}");
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = world.client.request(method.clone(), &url).send().await.unwrap();
        assert_eq!(answer.status(), 405, "{method}");
        assert_eq!(answer.headers()["allow"], "POST", "{method}");
    }

    let job = world.failed_job(json!({ "path": "/none.pov" })).await;
    for (path, kind) in [(job.as_str(), "no_such_picture"), ("0", "no_such_job")] {
        let with_token = world
            .answer(Method::GET, &format!("/render/{path}"), &Value::Null)
            .await;
        let without = told(world.client.get(format!("{url}/{path}")).send().await.unwrap()).await;
        for (status, problem) in [with_token, without] {
            assert_eq!((status, problem["type"].as_str()), (404, Some(kind)), "{problem}");
        }
    }

    let wanted = json!({"name": "no spender", "scopes": ["read", "jobs"]});
    let (_, made) = world.answer(Method::POST, "/v1/tokens", &wanted).await;
    let asked = world.client.post(&url).bearer_auth(made["token"].as_str().unwrap());
    let refused = told(
        asked
            .json(&json!({"image_url": "a", "model": "m"}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((refused.0, refused.1["type"].as_str()), (403, Some("scope_missing")));
    world.daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upload_of_a_job_that_has_ended_is_kept_and_missed_when_it_is_removed() {
    let world = World::new(None).await;
    let uploads = &world.daemon.node.uploads;
    let upload = |text: &str| {
        let sha256 = format!("{:x}", Sha256::digest(text));
        let list = NewUpload {
            files: vec![UploadFile {
                path: "a.pov".into(),
                bytes: text.len() as u64,
                chunks: vec![sha256.clone()],
            }],
            scene: "a.pov".into(),
        };
        let id = uploads.begin(list, clock::now()).unwrap().id;
        uploads.put_chunk(&id, &sha256, text.as_bytes()).unwrap();
        uploads.finish(&id).unwrap().id
    };
    let (used, unused) = (upload("#include \"gone.inc\""), upload("sphere"));
    let job = world.failed_job(json!({ "upload": used })).await;
    assert_eq!(world.daemon.node.sweep_uploads(UnixMillis(u64::MAX)).unwrap(), 1);
    assert!(uploads.view(&used).is_ok() && uploads.view(&unused).is_err());

    let (status, _) = world
        .answer(Method::DELETE, &format!("/v1/uploads/{used}"), &Value::Null)
        .await;
    assert_eq!(status, 204);
    for (path, body) in [("retry", Value::Null), ("duplicate", json!({"changes": {}}))] {
        let (status, problem) = world
            .answer(Method::POST, &format!("/v1/jobs/{job}/{path}"), &body)
            .await;
        assert_eq!(
            (status, problem["type"].as_str()),
            (409, Some("scene_gone")),
            "{problem}"
        );
        assert!(
            problem["next_step"]
                .as_str()
                .unwrap()
                .contains("upload the scene again"),
            "{problem}"
        );
    }
    world.daemon.stop().await;
}
