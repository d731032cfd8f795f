//! The web studio's files, for whoever asks: they hold no secret, and all they show comes over the API with a token.

use super::Refusal;
use axum::{
    body::Body,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
};
use rayswarm_api::Problem;
use rayswarm_studio::{File, INDEX};

/// What the studio's pages may load and run: files of this node alone. Inline styles are what React writes for sizes and
/// places; pictures come as blobs, because they are fetched with a token.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sent with every file of the studio.
const SAFETY: [(&str, &str); 4] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
];

/// For files that are named by their content: a year, which is as long as anybody may say.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For all others: asked for each time, and not sent again while they are the same.
const ASK_EACH_TIME: &str = "no-cache";

/// In place of the studio where the program was built without it.
const NOT_BUILT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Rayswarm</title>
<h1>The studio is not part of this program</h1>
<p>The node runs, and the command line works. To have the studio too, run <code>make web-build</code> in the \
repository, then build the program again and start it.</p>
</html>
";

/// Answers what no route of the API takes: a file of the studio, its page for the address of a view, or a problem.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "v1" || path.starts_with("v1/") {
        return Refusal(no_such_call(&method, uri.path())).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        let allowed = [(header::ALLOW, "GET, HEAD")];
        return (allowed, Refusal(not_for_changing(&method, uri.path()))).into_response();
    }
    let response = match rayswarm_studio::file(path) {
        Some(file) => answer(file, &method, &headers),
        None if is_view(path) => page(path, &method, &headers),
        None => return Refusal(no_such_file(uri.path())).into_response(),
    };
    (SAFETY, response).into_response()
}

/// Whether a path is an address within the studio rather than a file: its last part has no extension.
fn is_view(path: &str) -> bool {
    !path.rsplit('/').next().is_some_and(|name| name.contains('.'))
}

/// The studio's page. It names its files relative to where it lies, so that deeper addresses lead up to it.
fn page(path: &str, method: &Method, headers: &HeaderMap) -> Response {
    let depth = path.matches('/').count();
    match rayswarm_studio::file(INDEX) {
        _ if depth > 0 => Redirect::temporary(&"../".repeat(depth)).into_response(),
        Some(index) => answer(index, method, headers),
        None => not_built(),
    }
}

fn answer(file: File, method: &Method, headers: &HeaderMap) -> Response {
    let keep = if file.immutable { FOR_EVER } else { ASK_EACH_TIME };
    let known_by = [
        (header::CACHE_CONTROL, keep.to_owned()),
        (header::ETAG, file.etag.clone()),
    ];
    if has_it(headers, &file.etag) {
        return (StatusCode::NOT_MODIFIED, known_by).into_response();
    }
    let kind = [(header::CONTENT_TYPE, file.media_type)];
    if method == Method::HEAD {
        let length = [(header::CONTENT_LENGTH, file.bytes.len().to_string())];
        return (known_by, kind, length, Body::empty()).into_response();
    }
    (known_by, kind, file.bytes).into_response()
}

/// Whether the caller holds the file already. Weak tags are compared, as RFC 9110 wants it for `If-None-Match`.
fn has_it(headers: &HeaderMap, etag: &str) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let held = headers.get_all(header::IF_NONE_MATCH).iter();
    held.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || weak(tag) == weak(etag))
}

fn not_built() -> Response {
    let about = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, ASK_EACH_TIME),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, about, NOT_BUILT).into_response()
}

fn no_such_call(method: &Method, path: &str) -> Problem {
    Problem::new(404, "no_such_call", format!("{method} {path} is no call of this API"))
        .next("look it up in /v1/openapi.json; a client of another version may know other calls")
}

fn no_such_file(path: &str) -> Problem {
    Problem::new(404, "no_such_file", format!("{path} is no file of the studio")).next("open the studio at /")
}

fn not_for_changing(method: &Method, path: &str) -> Problem {
    Problem::new(
        405,
        "method_not_allowed",
        format!("{path} can be read, and {method} does something else"),
    )
    .next("use GET")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn ask(method: Method, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = serve(method, path.parse().unwrap(), HeaderMap::new()).await;
        let (head, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (head.status, head.headers, bytes.to_vec())
    }

    fn says<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn every_view_has_the_page_and_every_page_its_policy() {
        for path in ["/", "/jobs"] {
            let (status, headers, body) = ask(Method::GET, path).await;
            let expected = if rayswarm_studio::is_built() { 200 } else { 503 };
            assert_eq!(status.as_u16(), expected, "{path}");
            assert_eq!(says(&headers, "content-type"), "text/html; charset=utf-8", "{path}");
            assert_eq!(says(&headers, "cache-control"), "no-cache", "{path}");
            assert_eq!(
                says(&headers, "content-security-policy"),
                CONTENT_SECURITY_POLICY,
                "{path}"
            );
            assert_eq!(says(&headers, "x-content-type-options"), "nosniff", "{path}");
            assert_eq!(says(&headers, "referrer-policy"), "no-referrer", "{path}");
            assert_eq!(says(&headers, "cross-origin-opener-policy"), "same-origin", "{path}");
            assert!(!body.is_empty(), "{path}");
        }
    }

    #[tokio::test]
    async fn deeper_addresses_lead_to_the_page() {
        for (path, target) in [("/jobs/", "../"), ("/jobs/ab12", "../"), ("/a/b/c", "../../")] {
            let (status, headers, _) = ask(Method::GET, path).await;
            assert_eq!(status, StatusCode::TEMPORARY_REDIRECT, "{path}");
            assert_eq!(says(&headers, "location"), target, "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_problem() {
        for (method, path, status) in [
            (Method::GET, "/assets/none-1a2b.js", 404),
            (Method::GET, "/../Cargo.toml", 404),
            (Method::GET, "/v1", 404),
            (Method::GET, "/v1/nothing", 404),
            (Method::DELETE, "/v1/nothing", 404),
            (Method::POST, "/", 405),
        ] {
            let (found, headers, body) = ask(method.clone(), path).await;
            assert_eq!(found.as_u16(), status, "{method} {path}");
            assert_eq!(says(&headers, "content-type"), "application/problem+json", "{path}");
            let problem: Problem = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem.status, status, "{path}");
            assert!(problem.next_step.is_some(), "{path}");
        }
        assert_eq!(says(&ask(Method::PUT, "/").await.1, "allow"), "GET, HEAD");
    }

    #[test]
    fn files_that_never_change_are_kept_and_not_sent_twice() {
        let file = File {
            bytes: b"one".as_slice().into(),
            media_type: "text/javascript; charset=utf-8",
            etag: "W/\"1a\"".into(),
            immutable: true,
        };
        let asked = |method: &Method, held: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, held.parse().unwrap());
            let response = answer(file.clone(), method, &headers);
            (response.status(), response.headers().clone())
        };
        for held in ["W/\"1a\"", "\"1a\"", "\"0\", W/\"1a\"", "*"] {
            let (status, headers) = asked(&Method::GET, held);
            assert_eq!(status, StatusCode::NOT_MODIFIED, "{held}");
            assert_eq!(says(&headers, "etag"), file.etag);
        }
        let (status, headers) = asked(&Method::HEAD, "\"2b\"");
        assert_eq!(status, StatusCode::OK);
        assert_eq!(says(&headers, "content-length"), "3");
        assert!(says(&headers, "cache-control").ends_with("immutable"));
    }
}
