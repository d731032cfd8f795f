//! What becomes of merged pictures.

use crate::{Farm, SIZE, task};
use rayswarm_engines::FinishRequest;
use rayswarm_model::settings::OutputFormat;
use std::{fs, path::Path};

#[tokio::test]
async fn merged_pictures_become_files() {
    let farm = Farm::with("", "");
    let mut session = farm.open("scratch", 1).await;
    let result = session.render(&task(1, SIZE.whole()), &mut |_| {}).await.unwrap();
    for (format, magic) in [
        (OutputFormat::Png, &b"\x89PNG\r\n"[..]),
        (OutputFormat::Jpeg, &b"\xff\xd8\xff"[..]),
        (OutputFormat::Exr, &b"\x76\x2f\x31\x01"[..]),
    ] {
        let output = farm.folder.path().join("done.0001");
        let request = FinishRequest {
            frame: 1,
            merged: result.picture.clone(),
            output,
            format,
        };
        let files = session.finish(&request).await.unwrap();
        assert_eq!(
            files,
            [farm.folder.path().join(format!("done.0001.{}", format.extension()))]
        );
        assert!(fs::read(&files[0]).unwrap().starts_with(magic), "{format:?}");
    }
}

/// The PNG of an opaque scene is what POV-Ray itself writes, give or take its dithering of nothing: rounding.
#[tokio::test]
async fn the_finished_png_is_povrays_own() {
    let farm = Farm::with("", "");
    let mut session = farm.open("scratch", 1).await;
    let result = session.render(&task(1, SIZE.whole()), &mut |_| {}).await.unwrap();
    let output = farm.folder.path().join("ours");
    let request = FinishRequest {
        frame: 1,
        merged: result.picture,
        output,
        format: OutputFormat::Png,
    };
    let ours = pixels(&session.finish(&request).await.unwrap()[0]);
    let scene = farm.folder.path().join("scene");
    let arguments = ["+Imain.pov", "+W61", "+H47", "-D", "-A", "+FN8", "+Otheirs.png", "-GA"];
    let status = std::process::Command::new("povray")
        .args(arguments)
        .current_dir(&scene)
        .output()
        .unwrap()
        .status;
    assert!(status.success());
    let theirs = pixels(&scene.join("theirs.png"));
    let far = ours
        .iter()
        .zip(&theirs)
        .filter(|(left, right)| left.abs_diff(**right) > 1)
        .count();
    assert_eq!((ours.len(), far), (theirs.len(), 0));
}

fn pixels(path: &Path) -> Vec<u8> {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    bytes
}
