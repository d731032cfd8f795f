//! Pictures fetched from a real server on this machine, under names that lead where the test says.

#![allow(clippy::unwrap_used)]

use super::*;
use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Redirect},
    routing::get,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio_util::task::TaskTracker;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 and the rest of it";
const LIMITS: Limits = Limits {
    bytes: Bytes(1000),
    time: Duration::from_secs(60),
    redirects: 2,
};

/// A server that ends with this value, and the names that were looked up.
struct World {
    server: SocketAddr,
    names: Arc<Mutex<Vec<String>>>,
    _tasks: TaskTracker,
}

/// Sends `count` pieces of 100 bytes without saying how many there are.
fn pieces(count: usize) -> Body {
    let pieces = n0_future::stream::iter((0..count).map(|at| {
        let mut piece = [0; 100];
        if at == 0 {
            piece[..3].copy_from_slice(&JPEG[..3]);
        }
        Ok::<_, std::io::Error>(piece.to_vec())
    }));
    Body::from_stream(pieces)
}

fn routes(server: SocketAddr) -> Router {
    let to = |url: String| get(move || async move { Redirect::temporary(&url) });
    Router::new()
        .route("/cats/{cat}", get(async || JPEG))
        .route("/photos/", get(async || JPEG))
        .route("/page", get(async || "<!doctype html>"))
        .route("/short", get(async || &JPEG[..2]))
        .route("/large", get(async || vec![0xff_u8; 1001]))
        .route("/many", get(async || pieces(11)))
        .route("/enough", get(async || pieces(10)))
        .route("/never", get(async || std::future::pending::<()>().await))
        .route("/twice", to("/once".into()))
        .route("/once", to("/photos/".into()))
        .route("/round", to("/round".into()))
        .route("/nowhere", get(async || (StatusCode::FOUND, "").into_response()))
        .route("/to-address", to(format!("http://{server}/photos/")))
        .route("/to-name", to(format!("http://inside.test:{}/photos/", server.port())))
        .route("/to-metadata", to("http://169.254.169.254/latest/".into()))
        .route("/to-file", to("file:///etc/passwd".into()))
        .route("/to-user", to(format!("http://me:secret@{server}/")))
}

impl World {
    async fn new() -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = socket.local_addr().unwrap();
        let tasks = TaskTracker::new();
        tasks.spawn(async move { axum::serve(socket, routes(server)).await });
        Self {
            server,
            names: Arc::default(),
            _tasks: tasks,
        }
    }

    /// Every name leads to the server; `split.test` to the public internet as well. A name that is asked for again
    /// leads to another address of this machine, where nobody answers.
    fn lookup(&self) -> Lookup {
        let names = self.names.clone();
        Arc::new(move |name: String| -> reach::Looking {
            let mut names = names.lock().unwrap();
            let last = if names.contains(&name) { 2 } else { 1 };
            let mut found = vec![SocketAddr::from(([127, 0, 0, last], 0))];
            if name == "split.test" {
                found.insert(0, SocketAddr::from(([203, 0, 114, 1], 0)));
            }
            names.push(name);
            Box::pin(async move { Ok(found) })
        })
    }

    async fn fetch(&self, allowed: &str, limits: Limits, url: &str) -> Result<Fetched, FetchError> {
        let allowed = allowed.split_whitespace().map(|host| host.parse().unwrap()).collect();
        let fetcher = Fetcher::with(allowed, limits, &self.lookup()).unwrap();
        fetcher.photo(url).await
    }

    /// From the server's own address, which is allowed.
    async fn here(&self, path: &str) -> Result<Fetched, FetchError> {
        let server = self.server;
        self.fetch(&server.to_string(), LIMITS, &format!("http://{server}{path}"))
            .await
    }

    /// The kind of problem.
    async fn refused(&self, path: &str) -> String {
        self.here(path).await.unwrap_err().problem().kind
    }
}

#[tokio::test]
async fn a_picture_comes_with_a_name_for_people() {
    let world = World::new().await;
    for (path, name) in [
        ("/cats/a%20cat.final.jpg?size=large#top", "a_20cat_final"),
        ("/photos/", "picture"),
        ("/once", "once"),
        ("/twice", "twice"),
    ] {
        let expected = Fetched {
            name: name.into(),
            bytes: JPEG.into(),
        };
        assert_eq!(world.here(path).await.unwrap(), expected, "{path}");
    }
    assert_eq!(world.here("/enough").await.unwrap().bytes.len(), 1000);
}

#[tokio::test]
async fn what_is_no_picture_is_refused() {
    let world = World::new().await;
    for (path, kind) in [
        ("/page", "not_a_picture"),
        ("/short", "not_a_picture"),
        ("/large", "picture_too_large"),
        ("/many", "picture_too_large"),
        ("/missing", "no_picture"),
        ("/round", "picture_unreachable"),
        ("/nowhere", "picture_unreachable"),
    ] {
        assert_eq!(world.refused(path).await, kind, "{path}");
    }
    let page = world.here("/page").await.unwrap_err().problem().detail;
    assert!(page.contains("<!doctyp"), "{page}");
    let limits = Limits {
        time: Duration::from_millis(50),
        ..LIMITS
    };
    let never = format!("http://{}/never", world.server);
    let slow = world.fetch(&world.server.to_string(), limits, &never).await;
    assert_eq!(slow.unwrap_err().problem().kind, "picture_slow");
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let world = World::new().await;
    let port = world.server.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[fd00:ec2::254]",
        "localhost",
        "inside.test",
        "split.test",
    ] {
        // Another host is allowed, and this one at another port.
        let allowed = format!("elsewhere.test {}:1", world.server.ip());
        let refused = world
            .fetch(&allowed, LIMITS, &format!("http://{host}:{port}/photos/"))
            .await;
        let problem = refused.unwrap_err().problem();
        assert_eq!(problem.kind, "private_address", "{host}: {}", problem.detail);
        assert!(problem.detail.contains("--fetch-allow"), "{}", problem.detail);
    }
}

#[tokio::test]
async fn redirects_lead_no_further_than_the_first_address() {
    let world = World::new().await;
    let port = world.server.port();
    for (path, kind) in [
        ("/to-address", "private_address"),
        ("/to-name", "private_address"),
        ("/to-metadata", "private_address"),
        ("/to-file", "bad_image_url"),
        ("/to-user", "bad_image_url"),
    ] {
        let url = format!("http://pictures-{}.test:{port}{path}", path.trim_start_matches('/'));
        let host = url.parse::<Url>().unwrap().host_str().unwrap().to_owned();
        let refused = world.fetch(&host, LIMITS, &url).await.unwrap_err();
        assert_eq!(refused.problem().kind, kind, "{path}: {refused}");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}

#[tokio::test]
async fn a_name_is_resolved_once_for_each_hop() {
    let world = World::new().await;
    let url = format!("http://pictures.test:{}/photos/", world.server.port());
    let allowed = "pictures.test";
    assert_eq!(world.fetch(allowed, LIMITS, &url).await.unwrap().bytes, JPEG);
    assert_eq!(*world.names.lock().unwrap(), ["pictures.test"]);
    // Were a name resolved again between check and connection, the first would have failed like this.
    let again = world.fetch(allowed, LIMITS, &url).await;
    assert!(matches!(again, Err(FetchError::Unreachable { .. })), "{again:?}");
    assert_eq!(world.names.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_no_address_of_the_web_is_refused() {
    let world = World::new().await;
    let long = format!("https://pictures.example/{}", "x".repeat(2000));
    for url in [
        "",
        "image.jpg",
        "//pictures.example/image.jpg",
        "file:///etc/passwd",
        "ftp://pictures.example/image.jpg",
        "data:image/png;base64,AAAA",
        "https://user@pictures.example/",
        "https://:secret@pictures.example/",
        &long,
    ] {
        let problem = world.fetch("", LIMITS, url).await.unwrap_err().problem();
        assert_eq!(problem.kind, "bad_image_url", "{url}");
        assert!(!problem.detail.contains("secret"), "{}", problem.detail);
    }
    assert!(world.names.lock().unwrap().is_empty());
}
