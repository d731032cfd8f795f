//! Archives, honest and hostile.

use super::*;
use std::io::{Cursor, Write};
use zip::{ZipWriter, write::SimpleFileOptions};

fn zip_of(contents: &Contents) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in contents {
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn upload_zip(uploads: &Uploads, archive: Vec<u8>, scene: &str) -> Result<UploadView, Problem> {
    let done = whole(uploads, &[("scene.blend.zip", archive)], scene);
    // Nothing half done stays, whatever became of it.
    for id in uploads.ids().unwrap() {
        for part in ["files.part", "archive.part"] {
            assert!(!uploads.folder.join(&id).join(part).exists(), "{part}");
        }
        assert_eq!(uploads.files(&id).exists(), uploads.view(&id).unwrap().complete);
    }
    done
}

#[test]
fn an_archive_is_unpacked_and_its_scene_found() {
    let (_folder, uploads) = store();
    let archive = zip_of(&[
        ("shot/a.blend", vec![5; 100_000]),
        ("shot/a.blend1", b"backup".to_vec()),
        ("textures/", Vec::new()),
        ("textures/wood.png", b"wood".to_vec()),
        ("__MACOSX/shot/._a.blend", b"mac".to_vec()),
    ]);
    let done = upload_zip(&uploads, archive, "").unwrap();
    assert_eq!((done.scene.as_str(), done.complete), ("shot/a.blend", true));
    let scene = uploads.scene_path(&done.id).unwrap();
    assert_eq!(fs::read(scene).unwrap(), vec![5; 100_000]);
    let files = uploads.files(&done.id);
    assert_eq!(fs::read(files.join("textures/wood.png")).unwrap(), b"wood");
    assert!(!files.join("__MACOSX").exists());
    let bundle = [("job/template.yaml", b"x".to_vec()), ("job/a.blend", b"y".to_vec())];
    assert_eq!(
        upload_zip(&uploads, zip_of(&bundle), "").unwrap().scene,
        "job/template.yaml"
    );
    let bundles = [("a/template.yaml", b"x".to_vec()), ("b/template.json", b"y".to_vec())];
    let several = upload_zip(&uploads, zip_of(&bundles), "").unwrap_err();
    assert_eq!(several.detail, "the archive holds a/template.yaml, b/template.json");
    let povray = zip_of(&[("a.POV", b"sphere".to_vec()), ("a.inc", b"x".to_vec())]);
    assert_eq!(upload_zip(&uploads, povray, "").unwrap().scene, "a.POV");
}

#[test]
fn of_several_scenes_one_is_named_and_the_archive_not_sent_again() {
    let (_folder, uploads) = store();
    let archive = zip_of(&[("b.blend", b"b".to_vec()), ("shot/a.blend", b"a".to_vec())]);
    let several = upload_zip(&uploads, archive.clone(), "").unwrap_err();
    assert_eq!((several.status, several.kind.as_str()), (422, "several_scenes"));
    assert_eq!(several.detail, "the archive holds b.blend, shot/a.blend");
    let contents = [("scene.blend.zip", archive.clone())];
    let named = uploads.begin(listed(&contents, "shot/a.blend"), NOW).unwrap();
    assert_eq!(named.missing, Vec::<String>::new());
    assert_eq!(uploads.finish(&named.id).unwrap().scene, "shot/a.blend");
    assert_eq!(fs::read(uploads.scene_path(&named.id).unwrap()).unwrap(), b"a");
    assert_eq!(kind(upload_zip(&uploads, archive, "c.blend")), refused(422, "no_scene"));
    let none = zip_of(&[("a.blend1", b"backup".to_vec()), ("a.png", b"a".to_vec())]);
    assert_eq!(kind(upload_zip(&uploads, none, "")), refused(422, "no_scene"));
}

#[test]
fn archives_that_lead_elsewhere_or_hide_something_are_refused() {
    let (_folder, uploads) = store();
    for path in ["../a.blend", "/a.blend", "b/../../a.blend", "b\\a.blend", "c:a.blend"] {
        let archive = zip_of(&[(path, b"a".to_vec())]);
        assert_eq!(
            kind(upload_zip(&uploads, archive, "")),
            refused(422, "bad_path"),
            "{path}"
        );
    }
    let both = zip_of(&[("a.blend", b"a".to_vec()), ("a.blend/b", b"b".to_vec())]);
    assert_eq!(kind(upload_zip(&uploads, both, "")), refused(422, "bad_path"));

    let mut link = ZipWriter::new(Cursor::new(Vec::new()));
    link.start_file("a.blend", SimpleFileOptions::default()).unwrap();
    link.add_symlink("wood.png", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    let link = link.finish().unwrap().into_inner();
    let locked = patched(zip_of(&[("a.blend", b"a".to_vec())]), |bytes, header, flags| {
        bytes[header + flags] |= 1;
    });
    let many: Vec<String> = (0..=list::FILES_MAX).map(|at| format!("{at}.png")).collect();
    let many: Vec<(&str, Vec<u8>)> = many.iter().map(|path| (path.as_str(), Vec::new())).collect();
    let mut cut = zip_of(&[("a.blend", vec![7; 1000])]);
    cut.truncate(60);
    for (archive, what) in [
        (link, "link"),
        (locked, "encrypted"),
        (zip_of(&many), "10001"),
        (cut, "unpacked"),
        (b"no archive".to_vec(), "unpacked"),
        (Vec::new(), "unpacked"),
    ] {
        let problem = upload_zip(&uploads, archive, "").unwrap_err();
        assert_eq!((problem.status, problem.kind.as_str()), (422, "bad_archive"), "{what}");
        assert!(problem.detail.contains(what), "{}", problem.detail);
    }
}

/// Changes both headers of each entry; `change` is told where a header begins and where its flags are.
fn patched(mut archive: Vec<u8>, change: impl Fn(&mut [u8], usize, usize)) -> Vec<u8> {
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let headers: Vec<usize> = (0..archive.len())
            .filter(|at| archive[*at..].starts_with(signature))
            .collect();
        headers
            .into_iter()
            .for_each(|header| change(&mut archive, header, flags));
    }
    archive
}

#[test]
fn archives_that_swell_are_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(folder.path().into(), Bytes(1 << 20)).unwrap();
    let bomb = zip_of(&[("a.blend", b"a".to_vec()), ("b.png", vec![0; 2 << 20])]);
    assert!(bomb.len() < 1 << 16);
    assert_eq!(
        kind(upload_zip(&uploads, bomb.clone(), "")),
        refused(413, "upload_too_large")
    );
    // What its headers say about lengths is of no use to it.
    let lying = patched(bomb, |bytes, header, flags| {
        let length = header + flags + 16;
        bytes[length..length + 4].fill(0);
    });
    assert!(upload_zip(&uploads, lying, "").is_err());
    let (_folder, roomy) = store();
    let growing = zip_of(&[("a.blend", b"a".to_vec()), ("b.png", vec![0; 2 << 20])]);
    assert!(upload_zip(&roomy, growing, "").unwrap().complete);
}
