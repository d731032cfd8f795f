//! The client of the project's brief, as it stands there, against a real node: a picture of the web, an image model, the
//! finished picture. And what the endpoint refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::{Context, ensure};
use rayswarm_tests::{
    Farm, Node, until,
    web::{Page, Reply, ask, serve},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A small picture takes seconds, and minutes where other things are built at the same time.
const PATIENCE: Duration = Duration::from_secs(300);
const PICTURE: (u16, u16) = (96, 64);
/// What the client asks for, where it asks, and with what module, as the brief has them.
const ITS_PICTURE: &str = "https://example.com/image.jpg";
const ITS_NODE: &str = "http://localhost:3000/";

/// A folder of files that nobody here made: below `$RAYSWARM_TESTDATA`, or `../shared` beside the repository.
fn testdata(name: &str) -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    std::env::var_os("RAYSWARM_TESTDATA")
        .map_or(beside, PathBuf::from)
        .join(name)
}

/// The brief's client, and a model; `None` after saying what is missing.
#[allow(clippy::print_stderr)]
fn client_and_model() -> Option<(String, PathBuf)> {
    let missing = |what: &str| {
        eprintln!("skipped: {what}; set RAYSWARM_TESTDATA to the folder that holds brief/ and models/");
        None
    };
    let model = testdata("models/mosaic.onnx");
    if !model.is_file() {
        return missing(&format!("there is no {}", model.display()));
    }
    if !Command::new("node")
        .arg("--version")
        .output()
        .is_ok_and(|said| said.status.success())
    {
        return missing("there is no node");
    }
    let texts = std::fs::read_dir(testdata("brief")).into_iter().flatten().flatten();
    let mut texts = texts.filter_map(|text| std::fs::read_to_string(text.path()).ok());
    match texts.find_map(|text| client_in(&text)) {
        Some(client) => Some((client, model)),
        None => missing("no text in brief/ has a render-client.js"),
    }
}

/// The block of JavaScript that calls itself `render-client.js`.
fn client_in(text: &str) -> Option<String> {
    let mut blocks = text
        .split("```javascript\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"));
    let (client, _) = blocks.find(|(block, _)| block.starts_with("// render-client.js"))?;
    Some(client.to_owned())
}

/// Colours that run over the whole picture, as JPEG.
fn picture() -> anyhow::Result<Vec<u8>> {
    let (width, height) = PICTURE;
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [(2 * x) as u8, (4 * y) as u8, (x + y) as u8]));
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 90).encode(
        &pixels.collect::<Vec<u8>>(),
        width,
        height,
        jpeg_encoder::ColorType::Rgb,
    )?;
    Ok(bytes)
}

/// A server with a picture, and with addresses that lead elsewhere: `port` is another one of this machine.
fn serve_pictures(port: u16) -> anyhow::Result<SocketAddr> {
    let pages = [
        ("/image.jpg", Page::File("image/jpeg", picture()?)),
        ("/page", Page::File("text/html", b"<!doctype html>".to_vec())),
        (
            "/to-loopback",
            Page::Elsewhere(format!("http://127.0.0.1:{port}/image.jpg")),
        ),
        (
            "/to-name",
            Page::Elsewhere(format!("http://localhost:{port}/image.jpg")),
        ),
        ("/to-picture", Page::Elsewhere("/image.jpg".into())),
    ];
    serve(BTreeMap::from(pages.map(|(path, page)| (path.to_owned(), page))))
}

/// Where a node answers.
fn address(farm: &Farm) -> anyhow::Result<String> {
    let file = std::fs::read(farm.scratch().join("node/daemon.json"))?;
    let file: Value = serde_json::from_slice(&file)?;
    Ok(file["http"].as_str().context("an address")?.to_owned())
}

/// Runs the client in a folder of its own, with the picture's address and the node's port in the place of its own.
fn run_client(farm: &Farm, client: &str, picture: &str, node: &str) -> anyhow::Result<String> {
    let (_, port) = node.rsplit_once(':').context("a port")?;
    let ours = client.replace(ITS_PICTURE, picture);
    let ours = ours.replace(ITS_NODE, &ITS_NODE.replace("3000", port));
    ensure!(
        ours.contains(picture) && ours.contains(port),
        "not the client that is known:\n{client}"
    );
    let folder = farm.scratch().join("client");
    let module = folder.join("node_modules/node-fetch");
    std::fs::create_dir_all(&module)?;
    std::fs::write(module.join("index.js"), "module.exports = fetch;\n")?;
    std::fs::write(folder.join("render-client.js"), ours)?;
    let ran = Command::new("node")
        .arg("render-client.js")
        .current_dir(&folder)
        .output()?;
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(ran.status.success(), "{said}");
    Ok(said)
}

/// The value of a field in what Node.js prints of an object.
fn printed<'a>(said: &'a str, field: &str) -> anyhow::Result<&'a str> {
    let (_, rest) = said
        .split_once(&format!("{field}: '"))
        .with_context(|| said.to_owned())?;
    Ok(rest.split('\'').next().unwrap_or_default())
}

/// Whether an answer is a finished picture of the size of ours.
fn is_picture(reply: &Reply) -> bool {
    let side = |at: usize| {
        let bytes = reply.body.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    reply.status == 200
        && reply.head.contains("content-type: image/png")
        && reply.body.starts_with(b"\x89PNG\r\n\x1a\n")
        && (side(16), side(20)) == (Some(PICTURE.0.into()), Some(PICTURE.1.into()))
}

#[test]
fn the_clients_of_the_brief_get_their_picture_and_others_what_they_may() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let Some((client, model)) = client_and_model() else {
        return Ok(());
    };
    let elsewhere = serve_pictures(0)?;
    let pictures = serve_pictures(elsewhere.port())?;
    let node = Node::start(&farm, "node", &["--provide", "--fetch-allow", &pictures.to_string()])?;
    let model = model.to_string_lossy();
    let naming = [
        "--name",
        "mosaic",
        "--kind",
        "style-transfer",
        "--licence",
        "of its makers",
    ];
    let added = node.run(&[["models", "add", &*model].as_slice(), &naming].concat())?;
    ensure!(added.code == 0, "{added:?}");
    node.funded_wallet()?;
    node.wait_for_providers(1)?;
    let host = address(&farm)?;
    let root = std::fs::read_to_string(farm.scratch().join("node/token"))?;
    let root = root.trim();

    the_clients_way(&farm, &client, &host, &format!("http://{pictures}/image.jpg"))
        .with_context(|| format!("the node's log ends with\n{}", node.log_end()))?;
    the_way_with_a_token(&host, root, &format!("http://{pictures}/to-picture"))?;
    faulty_calls(&host)?;
    addresses_that_are_refused(&host, pictures, elsewhere)?;
    node.stop()
}

/// As the brief has it: no token, and one answer when all is done.
fn the_clients_way(farm: &Farm, client: &str, host: &str, picture: &str) -> anyhow::Result<()> {
    let said = run_client(farm, client, picture, host)?;
    assert_eq!(printed(&said, "status")?, "success", "{said}");
    assert_eq!(printed(&said, "message")?, "Rendered image using model: style-transfer");
    let job = printed(&said, "job_id")?;
    let path = format!("/render/{job}");
    assert!(printed(&said, "output_url")?.ends_with(&path), "{said}");
    let reply = ask(host, "GET", &path, None, None)?;
    assert!(is_picture(&reply), "{}", reply.head);
    Ok(())
}

/// At once an answer, later the picture, and for holders of tokens only.
fn the_way_with_a_token(host: &str, token: &str, picture: &str) -> anyhow::Result<()> {
    let body = json!({"image_url": picture, "model": "mosaic", "strength": 50, "wait": false}).to_string();
    let accepted = ask(host, "POST", "/render", Some(token), Some(&body))?;
    assert_eq!((accepted.status, &accepted.json()["status"]), (202, &json!("accepted")));
    let url = accepted.json()["output_url"].as_str().context("output_url")?.to_owned();
    let path = url
        .strip_prefix(&format!("http://{host}"))
        .context("an address of the node")?;
    let finished = until("the picture is there", PATIENCE, || {
        let reply = ask(host, "GET", path, Some(token), None)?;
        ensure!(
            reply.status == 200 || reply.problem() == "not_finished",
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        Ok((reply.status == 200).then_some(reply))
    })?;
    assert!(is_picture(&finished), "{}", finished.head);
    let without = ask(host, "GET", path, None, None)?;
    assert_eq!((without.status, without.problem().as_str()), (404, "no_such_picture"));
    Ok(())
}

fn faulty_calls(host: &str) -> anyhow::Result<()> {
    let wrong = ask(host, "GET", "/render", None, None)?;
    assert_eq!(wrong.status, 405);
    assert!(wrong.head.contains("allow: post"), "{}", wrong.head);
    for body in ["{", r#"{"image_url": "http://127.0.0.1/"}"#, r#"{"model": "mosaic"}"#] {
        assert_eq!(ask(host, "POST", "/render", None, Some(body))?.status, 400, "{body}");
    }
    Ok(())
}

fn addresses_that_are_refused(host: &str, pictures: SocketAddr, elsewhere: SocketAddr) -> anyhow::Result<()> {
    let urls = [
        (format!("http://{elsewhere}/image.jpg"), "private_address"),
        (
            format!("http://localhost:{}/image.jpg", pictures.port()),
            "private_address",
        ),
        ("http://10.0.0.1/image.jpg".into(), "private_address"),
        ("http://169.254.169.254/latest/meta-data/".into(), "private_address"),
        ("http://[::1]/image.jpg".into(), "private_address"),
        (format!("http://{pictures}/to-loopback"), "private_address"),
        (format!("http://{pictures}/to-name"), "private_address"),
        (format!("http://{pictures}/page"), "not_a_picture"),
        (format!("http://{pictures}/missing"), "no_picture"),
        ("file:///etc/passwd".into(), "bad_image_url"),
    ];
    for (url, kind) in urls {
        let body = json!({"image_url": url, "model": "mosaic"}).to_string();
        let reply = ask(host, "POST", "/render", None, Some(&body))?;
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (422, kind),
            "{url}: {}",
            reply.json()
        );
    }
    Ok(())
}
