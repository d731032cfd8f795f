//! Films with the real ffmpeg in the real sandbox. Needs Debian's `ffmpeg`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_engines::{
    EngineError, Sandbox,
    film::{FilmRequest, encode},
};
use rayswarm_model::{scene::FrameRate, settings::OutputFormat};
use std::{fs, path::Path, process::Command};

/// Writes `count` frames of a moving grey ramp and asks for a film of them.
fn request(folder: &Path, count: u8, (width, height): (u32, u32), format: OutputFormat) -> FilmRequest {
    let frames = (0..count).map(|frame| {
        let path = folder.join(format!("{frame:04}.png"));
        let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), width, height);
        encoder.set_color(png::ColorType::Rgb);
        let bytes: Vec<u8> = (0..width * height * 3)
            .map(|at| (at / 3 % width) as u8 * 3 + frame * 8)
            .collect();
        encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
        path
    });
    FilmRequest {
        sandbox: Sandbox::detect().unwrap(),
        frames: frames.collect(),
        frame_rate: FrameRate {
            numerator: 30_000,
            denominator: 1001,
        },
        format,
        output: folder.join(format!("film.{}", format.extension())),
        threads: 1,
    }
}

/// What ffprobe says of a film: codec, width, height, pixel format, rate, frames.
fn probe(film: &Path) -> String {
    let entries = "stream=codec_name,width,height,pix_fmt,r_frame_rate,nb_read_frames";
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            entries,
            "-of",
            "csv=p=0",
        ])
        .arg(film)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn films_have_every_frame_at_the_right_rate() {
    for (format, size, expected) in [
        (OutputFormat::Mp4, (64, 48), "h264,64,48,yuv420p,30000/1001,5"),
        (OutputFormat::Mp4, (33, 27), "h264,34,28,yuv420p,30000/1001,5"),
        (OutputFormat::Webm, (33, 27), "vp9,34,28,yuv420p,30000/1001,5"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path(), 5, size, format);
        let mut told = Vec::new();
        encode(&request, &mut |permille| told.push(permille)).await.unwrap();
        assert_eq!(probe(&request.output), expected);
        assert_eq!(told.last(), Some(&1000));
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            6,
            "something was left behind"
        );
    }
}

#[tokio::test]
async fn a_frame_that_is_no_picture_fails_with_ffmpegs_words() {
    let folder = tempfile::tempdir().unwrap();
    let request = request(folder.path(), 3, (32, 32), OutputFormat::Mp4);
    for frame in &request.frames {
        fs::write(frame, b"not a picture").unwrap();
    }
    fs::write(&request.output, b"the older film").unwrap();
    let failed = encode(&request, &mut |_| {}).await.unwrap_err();
    assert!(
        matches!(&failed, EngineError::Failed { log, .. } if !log.is_empty()),
        "{failed:?}"
    );
    assert_eq!(fs::read(&request.output).unwrap(), b"the older film");
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        4,
        "something was left behind"
    );
}

#[tokio::test]
async fn missing_frames_and_wrong_formats_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut request = request(folder.path(), 2, (32, 32), OutputFormat::Mp4);
    request.frames.push(folder.path().join("0009.png"));
    let failed = encode(&request, &mut |_| {}).await.unwrap_err().to_string();
    assert!(failed.contains("0009.png"), "{failed}");
    request.frames.pop();
    request.format = OutputFormat::Png;
    assert!(matches!(
        encode(&request, &mut |_| {}).await,
        Err(EngineError::Refused { code: "not_a_film", .. })
    ));
}
