//! Recipes of fetched pictures, and what is left of them on the way.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    config::RawConfig,
    models::{Colours, Examined, Kind, Told, Values},
};
use rayswarm_imaging::{Look, Mosaic};
use rayswarm_model::Resolution;
use tempfile::TempDir;

fn opened(cap: u128) -> (TempDir, Pictures) {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("fetched/0");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("cat.png"), "half a cat").unwrap();
    let raw = RawConfig {
        data_dir: Some(folder.path().into()),
        render_cap: Some(Amount(cap)),
        ..RawConfig::default()
    };
    let pictures = Pictures::open(&raw.resolve().unwrap()).unwrap();
    (folder, pictures)
}

fn model(folder: &TempDir) -> Entry {
    let file = folder.path().join("some.onnx");
    fs::write(&file, "model").unwrap();
    let told = Told {
        name: "large".into(),
        kind: Kind::Upscale,
        licence: "ours".into(),
        values: None,
        colours: Colours::Rgb,
    };
    let examined = Examined {
        values: Values::Bytes,
        scale: 2,
        multiple: 1,
        around: 4,
        bytes_per_pixel: 100,
        statistics: 0,
    };
    models::shelf(folder.path()).add(&file, told, &examined).unwrap()
}

fn cat(bytes: Vec<u8>) -> Fetched {
    Fetched {
        name: "cat".into(),
        bytes,
    }
}

#[test]
fn what_an_earlier_process_left_on_its_way_is_removed() {
    let (folder, pictures) = opened(1);
    assert!(!folder.path().join("fetched").exists());
    assert!(pictures.are_for_everybody());
    assert!(!opened(0).1.are_for_everybody());
}

#[test]
fn a_recipe_lies_where_its_payer_shows_and_nothing_else_is_left() {
    let (folder, pictures) = opened(1);
    let model = model(&folder);
    let one = Resolution { width: 1, height: 1 };
    let png = Mosaic::new(one, 1, Look::default()).png().unwrap();
    let lay_out = |payer| pictures.lay_out(cat(png.clone()), &model, 100, payer).unwrap();
    for (payer, place) in [
        (Payer::TokenHolder, "pictures/with-token"),
        (Payer::Capped, "pictures/without-token"),
    ] {
        let scene = lay_out(payer);
        assert!(scene.starts_with(folder.path().join(place)), "{}", scene.display());
        assert_eq!(scene.file_name().unwrap(), "cat-large.recipe.json");
        assert_eq!(fs::read(scene.with_file_name("picture.png")).unwrap(), png);
    }
    let left = fs::read_dir(folder.path().join("fetched")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn what_is_no_picture_becomes_no_recipe() {
    let (folder, pictures) = opened(1);
    let refused = pictures.lay_out(cat(b"\xff\xd8\xff".to_vec()), &model(&folder), 100, Payer::Capped);
    assert_eq!(refused.unwrap_err().kind, "not_a_picture");
    assert!(!folder.path().join("pictures").exists());
}

#[test]
fn a_full_cap_is_told_before_anything_is_fetched() {
    let (_folder, pictures) = opened(5);
    assert!(room(&pictures).is_ok() && room(&pictures).is_ok());
    lock(&pictures.cap).take(Amount(5), clock::now()).unwrap();
    assert!(matches!(room(&pictures), Err(NotRendered::Capped(_))));
}

#[test]
fn what_came_back_has_cost_nothing() {
    let escrow = EscrowView {
        deposited: Amount(10),
        paid: Amount(3),
        refunded: Amount(7),
        locked: Amount(0),
    };
    assert_eq!(cost(escrow), Amount(3));
    assert_eq!(cost(EscrowView::default()), Amount(0));
}
