//! An image model as a job of whole nodes: added, rendered in tiles by two providers, checked, paid, and finished.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::job::{JobState, JobView};
use rayswarm_model::Resolution;
use rayswarm_models::sample::Layers;
use rayswarm_tests::{Farm, Node};
use std::path::Path;

const BAD_INPUT: i32 = 2;
/// Wider than a cell, so that two providers have something to share.
const SIZE: Resolution = Resolution {
    width: 700,
    height: 300,
};

/// Colours that change slowly, and edges.
fn write_picture(path: &Path) -> anyhow::Result<()> {
    let pixel = |x: u32, y: u32| [x * 255 / SIZE.width, y * 255 / SIZE.height, (x / 30 + y / 30) % 2 * 200];
    let pixels = (0..SIZE.height).flat_map(|y| (0..SIZE.width).flat_map(move |x| pixel(x, y)));
    let pixels: Vec<u8> = pixels.map(|level| u8::try_from(level).unwrap_or(255)).collect();
    let mut encoder = png::Encoder::new(std::fs::File::create(path)?, SIZE.width, SIZE.height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    Ok(writer.finish()?)
}

fn size_of(path: &Path) -> anyhow::Result<(u32, u32)> {
    let reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(path)?)).read_info()?;
    Ok((reader.info().width, reader.info().height))
}

#[test]
fn a_model_is_added_rendered_and_paid() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let (model, picture) = (farm.scratch().join("net.onnx"), farm.scratch().join("cat.png"));
    let layers = Layers::new()
        .convolution(8, 3, 1)
        .normalise()
        .rectify()
        .convolution(12, 3, 1);
    std::fs::write(&model, layers.spread_out(2).file())?;
    write_picture(&picture)?;
    let out = farm.scratch().join("out");
    let [model, picture_text, out_text] = [&model, &picture, &out].map(|path| path.to_string_lossy());

    let node = Node::start(&farm, "requestor", &[])?;
    node.funded_wallet()?;
    let render = [
        "render",
        &picture_text,
        "--model",
        "upscale",
        "--yes",
        "--json",
        "--tiles",
        "2x1",
        "--out",
        &out_text,
    ];
    let refused = node.run(&render)?;
    assert_eq!(refused.code, BAD_INPUT, "{}", refused.stderr);
    assert!(refused.stderr.contains("models add"), "{}", refused.stderr);

    let add = [
        "models",
        "add",
        &model,
        "--name",
        "twice",
        "--kind",
        "upscale",
        "--licence",
        "made here",
    ];
    let added = node.run(&add)?;
    assert_eq!(added.code, 0, "{}", added.stderr);
    let no_model = node.run(&[
        "models",
        "add",
        &picture_text,
        "--name",
        "no",
        "--kind",
        "denoise",
        "--licence",
        "none",
    ])?;
    assert_eq!(no_model.code, BAD_INPUT, "{}", no_model.stderr);
    assert!(no_model.stderr.contains("no ONNX model"), "{}", no_model.stderr);

    let ticket = node.ticket()?;
    let provide = |name| Node::start(&farm, name, &["--provide", "--threads", "1", "--join", &ticket]);
    let providers = [provide("first")?, provide("second")?];
    node.wait_for_providers(2)?;
    let rendered = node.run(&render)?;
    assert_eq!(rendered.code, 0, "{}", rendered.stderr);
    let job: JobView = rendered.json()?;
    assert_eq!(job.summary.state, JobState::Done, "{job:?}");
    let finished = out.join("cat-twice.png");
    assert_eq!(size_of(&finished)?, (2 * SIZE.width, 2 * SIZE.height));

    for provider in providers {
        provider.stop()?;
    }
    node.stop()
}
