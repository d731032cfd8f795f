//! Uploads from the first list to the forgotten file, on a real disk.

#![allow(clippy::unwrap_used)]

mod archives;

use super::*;
use rayswarm_api::upload::{CHUNK_BYTES, UploadFile};
use rayswarm_engines::layout::Consent;
use tempfile::TempDir;

const NOW: UnixMillis = UnixMillis(1_000_000);
const NEVER: UnixMillis = UnixMillis(u64::MAX);
const LARGE: Bytes = Bytes(64 << 20);

/// Contents by path.
type Contents<'a> = [(&'a str, Vec<u8>)];

fn store() -> (TempDir, Uploads) {
    let folder = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(folder.path().join("uploads"), LARGE).unwrap();
    (folder, uploads)
}

fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn chunks_of(content: &[u8]) -> std::slice::Chunks<'_, u8> {
    content.chunks(CHUNK_BYTES as usize)
}

fn listed(contents: &Contents, scene: &str) -> NewUpload {
    let file = |(path, content): &(&str, Vec<u8>)| UploadFile {
        path: (*path).into(),
        bytes: content.len() as u64,
        chunks: chunks_of(content).map(sha256).collect(),
    };
    NewUpload {
        files: contents.iter().map(file).collect(),
        scene: scene.into(),
    }
}

/// Sends what is missing and nothing else; gives how many chunks that were.
fn send(uploads: &Uploads, view: &UploadView, contents: &Contents) -> usize {
    for missing in &view.missing {
        let mut pieces = contents.iter().flat_map(|(_, content)| chunks_of(content));
        let piece = pieces.find(|piece| sha256(piece) == *missing).unwrap();
        uploads.put_chunk(&view.id, missing, piece).unwrap();
    }
    view.missing.len()
}

fn whole(uploads: &Uploads, contents: &Contents, scene: &str) -> Result<UploadView, Problem> {
    let view = uploads.begin(listed(contents, scene), NOW)?;
    send(uploads, &view, contents);
    uploads.finish(&view.id)
}

fn kind<T: std::fmt::Debug>(result: Result<T, Problem>) -> (u16, String) {
    let problem = result.unwrap_err();
    (problem.status, problem.kind)
}

fn refused(status: u16, kind: &str) -> (u16, String) {
    (status, kind.into())
}

fn chunks_kept(uploads: &Uploads) -> usize {
    let shelves = fs::read_dir(uploads.folder.join("chunks")).unwrap();
    shelves
        .map(|shelf| fs::read_dir(shelf.unwrap().path()).unwrap().count())
        .sum()
}

fn project() -> Vec<(&'static str, Vec<u8>)> {
    let mut large = vec![1; CHUNK_BYTES as usize];
    large.extend(b"the rest");
    vec![
        ("shot/a.blend", large),
        ("textures/wood.png", b"wood".to_vec()),
        ("textures/copy.png", b"wood".to_vec()),
        ("empty", Vec::new()),
    ]
}

#[test]
fn a_resumed_upload_sends_nothing_twice() {
    let (_folder, uploads) = store();
    let project = project();
    let list = listed(&project, "shot/a.blend");
    let begun = uploads.begin(list.clone(), NOW).unwrap();
    assert_eq!(begun.missing.len(), 3);
    assert_eq!((begun.files, begun.bytes), (4, CHUNK_BYTES + 16));
    assert_eq!(begun.expires_at.0, NOW.after(UNUSED));
    let first = &begun.missing[0];
    uploads
        .put_chunk(&begun.id, first, &project[0].1[..CHUNK_BYTES as usize])
        .unwrap();
    let incomplete = uploads.finish(&begun.id);
    assert_eq!(kind(incomplete), refused(409, "upload_incomplete"));
    assert_eq!(kind(uploads.scene_path(&begun.id)), refused(409, "upload_incomplete"));

    let mut reversed = list;
    reversed.files.reverse();
    let resumed = uploads.begin(reversed, NOW).unwrap();
    assert_eq!(resumed.id, begun.id);
    assert!(!resumed.missing.contains(first));
    assert_eq!(send(&uploads, &resumed, &project), 2);
    assert!(!resumed.complete);
    let done = uploads.finish(&begun.id).unwrap();
    assert!(done.complete && done.missing.is_empty());
    assert_eq!(done.scene, "shot/a.blend");
    let scene = uploads.scene_path(&begun.id).unwrap();
    for (path, content) in &project {
        assert_eq!(
            fs::read(uploads.files(&begun.id).join(path)).unwrap(),
            *content,
            "{path}"
        );
    }
    assert!(scene.ends_with("files/shot/a.blend") && uploads.is_part(&begun.id, &scene));
    assert!(!uploads.is_part(&"0".repeat(32), &scene) && !uploads.is_part("..", &scene));
    let again = uploads.finish(&begun.id).unwrap();
    assert_eq!((again.id, again.complete, again.scene), (done.id, true, done.scene));
}

#[test]
fn a_scene_in_a_subfolder_may_read_all_that_was_sent_with_it() {
    let (_folder, uploads) = store();
    let done = whole(&uploads, &project(), "shot/a.blend").unwrap();
    let other = whole(&uploads, &[("a.blend", b"another".to_vec())], "a.blend").unwrap();
    let scene = uploads.scene_path(&done.id).unwrap();
    let texture = uploads.files(&done.id).join("textures/wood.png");
    assert!(
        !Consent::new(&scene, &[]).covers(&texture),
        "the scene's own folder is not enough"
    );
    let consent = Consent::new(&scene, &[uploads.files(&done.id)]);
    assert!(consent.covers(&texture) && consent.covers(&scene));
    assert!(!consent.covers(&uploads.scene_path(&other.id).unwrap()));
    assert!(!consent.covers(&uploads.list_file(&done.id)));
}

#[test]
fn another_upload_sends_only_what_is_new() {
    let (_folder, uploads) = store();
    let mut project = project();
    whole(&uploads, &project, "shot/a.blend").unwrap();
    project.push(("textures/rug.png", b"rug".to_vec()));
    let second = uploads.begin(listed(&project, "shot/a.blend"), NOW).unwrap();
    assert_eq!(second.missing, [sha256(b"rug")]);
    send(&uploads, &second, &project);
    assert!(uploads.finish(&second.id).unwrap().complete);
}

#[test]
fn only_wanted_chunks_are_taken() {
    let (_folder, uploads) = store();
    let contents = [("a.blend", b"abc".to_vec())];
    let id = uploads.begin(listed(&contents, "a.blend"), NOW).unwrap().id;
    let name = sha256(b"abc");
    for (chunk, bytes, expected) in [
        (name.as_str(), b"abd".as_slice(), "wrong_hash"),
        (&name, b"ab", "wrong_length"),
        (&name, b"abcd", "wrong_length"),
        (&sha256(b"abd"), b"abd", "unwanted_chunk"),
        ("../../../upload.json", b"abc", "unwanted_chunk"),
        ("", b"abc", "unwanted_chunk"),
    ] {
        assert_eq!(
            kind(uploads.put_chunk(&id, chunk, bytes)),
            refused(422, expected),
            "{chunk}"
        );
    }
    assert_eq!(chunks_kept(&uploads), 0);
    for id in ["..", "", "chunks", "../uploads", &"0".repeat(32)] {
        let unknown = refused(404, "no_such_upload");
        assert_eq!(kind(uploads.put_chunk(id, &name, b"abc")), unknown, "{id}");
        assert_eq!(kind(uploads.view(id)), unknown, "{id}");
        assert_eq!(kind(uploads.finish(id)), unknown, "{id}");
        assert_eq!(kind(uploads.scene_path(id)), unknown, "{id}");
        assert_eq!(kind(uploads.touch(id)), unknown, "{id}");
        assert_eq!(kind(uploads.remove(id)), unknown, "{id}");
    }
    uploads.put_chunk(&id, &name, b"abc").unwrap();
    uploads.put_chunk(&id, &name, b"abc").unwrap();
    assert_eq!(chunks_kept(&uploads), 1);
}

#[test]
fn lists_that_do_not_fit_are_refused_before_a_chunk_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(folder.path().into(), Bytes(3)).unwrap();
    let begin = |contents: &Contents| uploads.begin(listed(contents, contents[0].0), NOW);
    assert_eq!(
        kind(begin(&[("a.blend", b"abcd".to_vec())])),
        refused(413, "upload_too_large")
    );
    assert_eq!(kind(begin(&[("../a.blend", b"a".to_vec())])), refused(422, "bad_path"));
    assert_eq!(uploads.ids().unwrap(), Vec::<String>::new());
    assert!(begin(&[("a.blend", b"abc".to_vec())]).is_ok());
}

#[test]
fn a_restart_keeps_what_was_sent_and_finishes_what_was_not() {
    let (folder, uploads) = store();
    let project = project();
    let begun = uploads.begin(listed(&project, "shot/a.blend"), NOW).unwrap();
    send(&uploads, &begun, &project);
    // As if the process had ended in the middle of writing.
    fs::write(uploads.folder.join("incoming/7"), b"half").unwrap();
    let parts = uploads.folder.join(&begun.id).join("files.part/shot");
    fs::create_dir_all(&parts).unwrap();
    fs::write(parts.join("a.blend"), b"half").unwrap();
    drop(uploads);

    let uploads = Uploads::open(folder.path().join("uploads"), LARGE).unwrap();
    assert_eq!(fs::read_dir(uploads.folder.join("incoming")).unwrap().count(), 0);
    let kept = uploads.view(&begun.id).unwrap();
    assert_eq!((kept.missing.len(), kept.complete), (0, false));
    let done = uploads.finish(&begun.id).unwrap();
    drop(uploads);

    let uploads = Uploads::open(folder.path().join("uploads"), LARGE).unwrap();
    let kept = uploads.view(&begun.id).unwrap();
    assert_eq!((kept.complete, kept.expires_at), (true, done.expires_at));
    let scene = uploads.scene_path(&begun.id).unwrap();
    assert_eq!(fs::read(scene).unwrap(), project[0].1);
}

#[test]
fn a_list_that_the_disk_spoiled_is_mended_by_uploading_again() {
    let (_folder, uploads) = store();
    let project = project();
    let list = listed(&project, "shot/a.blend");
    let begun = uploads.begin(list.clone(), NOW).unwrap();
    send(&uploads, &begun, &project);
    fs::write(uploads.list_file(&begun.id), b"{").unwrap();
    assert_eq!(kind(uploads.view(&begun.id)), refused(404, "no_such_upload"));
    assert_eq!(uploads.begin(list, NOW).unwrap().missing, Vec::<String>::new());
    assert!(uploads.finish(&begun.id).unwrap().complete);
}

#[test]
fn what_nobody_uses_is_forgotten() {
    let (_folder, uploads) = store();
    let begin = |content: &str| {
        let shared = ("shared.png", b"shared".to_vec());
        let contents = [("a.blend", content.as_bytes().to_vec()), shared];
        let view = uploads.begin(listed(&contents, "a.blend"), NOW).unwrap();
        for (_, content) in &contents {
            let chunk = sha256(content);
            uploads.chunks.put(&uploads.incoming, &chunk, content).unwrap();
        }
        view.id
    };
    let (idle, rendering, touched) = (begin("idle"), begin("rendering"), begin("touched"));
    assert_eq!(chunks_kept(&uploads), 4);
    let almost = UnixMillis(NOW.after(UNUSED).0 - 1);
    assert_eq!(uploads.sweep(almost, |_| false).unwrap(), 0);
    uploads.touch(&touched).unwrap();
    let expired = NOW.after(UNUSED);
    assert_eq!(uploads.sweep(expired, |id| id == rendering).unwrap(), 1);
    assert_eq!(kind(uploads.view(&idle)), refused(404, "no_such_upload"));
    assert_eq!(uploads.view(&rendering).unwrap().expires_at.0, expired.after(UNUSED));
    assert!(uploads.view(&touched).is_ok());
    assert_eq!(chunks_kept(&uploads), 3);

    uploads.remove(&touched).unwrap();
    assert_eq!(chunks_kept(&uploads), 2);
    let held = uploads.busy.hold(&rendering);
    assert_eq!(uploads.sweep(NEVER, |_| false).unwrap(), 0);
    drop(held);
    assert_eq!(uploads.sweep(NEVER, |_| false).unwrap(), 1);
    assert_eq!(chunks_kept(&uploads), 0);
    assert_eq!(uploads.ids().unwrap(), Vec::<String>::new());
}

#[test]
fn an_upload_finished_by_two_at_once_is_put_together_once() {
    let (_folder, uploads) = store();
    let project = project();
    let begun = uploads.begin(listed(&project, "shot/a.blend"), NOW).unwrap();
    send(&uploads, &begun, &project);
    std::thread::scope(|scope| {
        let hands: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| uploads.finish(&begun.id).unwrap()))
            .collect();
        for hand in hands {
            assert!(hand.join().unwrap().complete);
        }
    });
    assert_eq!(fs::read(uploads.scene_path(&begun.id).unwrap()).unwrap(), project[0].1);
}
