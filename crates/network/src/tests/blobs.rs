//! Files of jobs: fetched once, shown only to those who may, kept as long as needed.

use super::support::{Node, bare, config, job, soon};
use crate::{BlobOptions, BlobStore, CloseCode, NetworkError, Want, address::node_id, blobs};
use iroh::endpoint::Connection;
use iroh_blobs::{
    Hash,
    hashseq::HashSeq,
    protocol::{ChunkRangesSeq, GetManyRequest, GetRequest, ObserveRequest, PushRequest},
    store::mem::MemStore,
};
use n0_future::StreamExt;
use rayswarm_model::{
    BlobId, Bytes, FailureKind, Manifest,
    manifest::{CHUNK_BYTES, Cipher, ManifestFile},
};
use std::time::Duration;

fn bytes(seed: u8, length: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new_derive_key("test").update(&[seed]).finalize_xof();
    let mut bytes = vec![0; length];
    reader.fill(&mut bytes);
    bytes
}

async fn store_with(node: &Node, n: u8, blobs: &[Vec<u8>]) -> Vec<Want> {
    let mut wants = Vec::new();
    for blob in blobs {
        let id = node.network.blobs().import_bytes(job(n), blob.clone()).await.unwrap();
        wants.push(Want {
            blob: id,
            bytes_max: blob.len() as u64,
        });
    }
    wants
}

fn no_progress(_: crate::FetchProgress) {}

#[tokio::test]
async fn what_is_here_already_does_not_travel_again() {
    let (owner, reader) = (Node::start(1).await, Node::start(2).await);
    let (texture, first, second) = (bytes(1, 900_000), bytes(2, 300_000), bytes(3, 200_000));
    let old = store_with(&owner, 1, &[texture.clone(), first]).await;
    let new = store_with(&owner, 2, &[texture, second]).await;
    for n in [1, 2] {
        owner.network.blobs().grant(reader.network.node_id(), job(n));
    }
    let peers = [owner.network.addr()];
    let report = reader.network.fetch(job(1), &peers, &old, no_progress).await.unwrap();
    assert_eq!((report.bytes_fetched, report.blobs_present), (1_200_000, 0));

    let report = reader.network.fetch(job(2), &peers, &new, no_progress).await.unwrap();
    assert_eq!(
        (report.bytes_fetched, report.blobs_present),
        (200_000, 1),
        "only the changed file travels"
    );
    let report = reader.network.fetch(job(2), &peers, &new, no_progress).await.unwrap();
    assert_eq!((report.bytes_fetched, report.blobs_present), (0, 2));
}

#[tokio::test]
async fn a_manifest_gives_every_chunk_its_length() {
    let id = |n: u8| BlobId::from_bytes([n; 32]);
    let file = |path: &str, size, chunks: Vec<BlobId>| ManifestFile {
        path: path.into(),
        size,
        plain: id(0),
        cipher: Cipher::None,
        chunks,
    };
    let files = vec![
        file("/scene/a", 0, vec![]),
        file("/scene/b", 5, vec![id(1)]),
        file("/scene/c", CHUNK_BYTES + 7, vec![id(2), id(3)]),
        // A hostile one never asks for more than its stated size.
        file("/scene/d", 1, vec![id(4), id(5)]),
    ];
    let wants = Want::all(&Manifest {
        scene: "/scene/b".into(),
        files,
    });
    let lengths: Vec<u64> = wants.iter().map(|want| want.bytes_max).collect();
    assert_eq!(lengths, [5, CHUNK_BYTES, 7, 1, 0]);

    // The cache counts what came, not what might have come.
    let (owner, reader) = (Node::start(1).await, Node::start(2).await);
    let mut wants = store_with(&owner, 1, &[bytes(1, 50_000)]).await;
    wants[0].bytes_max = CHUNK_BYTES;
    owner.network.blobs().grant(reader.network.node_id(), job(1));
    reader
        .network
        .fetch(job(1), &[owner.network.addr()], &wants, no_progress)
        .await
        .unwrap();
    assert_eq!(reader.network.blobs().total(), Bytes(50_000));
}

#[tokio::test]
async fn files_are_cut_and_put_together_again() {
    let node = Node::start(1).await;
    let (source, target) = (node.folder.path().join("a.vdb"), node.folder.path().join("deep/b.vdb"));
    let content = bytes(1, CHUNK_BYTES as usize + 5);
    std::fs::write(&source, &content).unwrap();
    let store = node.network.blobs();
    let file = store.import_file(job(1), &source).await.unwrap();
    assert_eq!((file.bytes, file.chunks.len()), (content.len() as u64, 2));
    assert_eq!(file.plain, BlobId::from_bytes(*blake3::hash(&content).as_bytes()));
    assert_eq!(store.import_file(job(2), &source).await.unwrap(), file);
    store.export_file(&file.chunks, &target).await.unwrap();
    assert!(std::fs::read(&target).unwrap() == content);

    let empty = node.folder.path().join("empty");
    std::fs::write(&empty, []).unwrap();
    assert_eq!(store.import_file(job(1), &empty).await.unwrap().chunks, []);
    store.export_file(&[], &target).await.unwrap();
    assert!(std::fs::read(&target).unwrap().is_empty());

    let missing = [BlobId::from_bytes([7; 32])];
    let error = store
        .export_file(&missing, &node.folder.path().join("c"))
        .await
        .unwrap_err();
    assert!(matches!(error, NetworkError::Missing { .. }), "{error}");
    let leftovers = std::fs::read_dir(node.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        leftovers
            .into_iter()
            .all(|name| !name.to_string_lossy().starts_with('c')),
        "no half file appears"
    );
}

#[tokio::test]
async fn strangers_and_other_jobs_are_denied() {
    let (owner, reader) = (Node::start(1).await, Node::start(2).await);
    let secret = store_with(&owner, 1, &[bytes(1, 50_000)]).await;
    store_with(&owner, 2, &[bytes(2, 50_000)]).await;
    let peers = [owner.network.addr()];

    let error = reader
        .network
        .fetch(job(1), &peers, &secret, no_progress)
        .await
        .unwrap_err();
    assert!(matches!(error, NetworkError::Denied { .. }), "a stranger: {error}");

    owner.network.blobs().grant(reader.network.node_id(), job(2));
    let error = reader
        .network
        .fetch(job(1), &peers, &secret, no_progress)
        .await
        .unwrap_err();
    assert!(
        matches!(error, NetworkError::Denied { .. }),
        "the right to another job: {error}"
    );
    assert_eq!(error.kind(), FailureKind::Permanent);

    owner.network.blobs().grant(reader.network.node_id(), job(1));
    reader
        .network
        .fetch(job(1), &peers, &secret, no_progress)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_right_taken_back_cuts_the_connection() {
    let (owner, reader) = (Node::start(1).await, bare(&[]).await);
    let id = node_id(reader.id());
    owner.network.blobs().grant(id, job(1));
    let connection = crate::endpoint::connect(&reader, &owner.network.addr(), blobs::ALPN)
        .await
        .unwrap();
    // One request, so that the connection is known to be served.
    assert_eq!(get(&connection, GetRequest::blob(Hash::new([1]))).await, Err("denied"));
    owner.network.blobs().revoke(id, job(1));
    match soon("the cut", connection.closed()).await {
        iroh::endpoint::ConnectionError::ApplicationClosed(close) => {
            assert_eq!(CloseCode::from_wire(close.error_code), CloseCode::Denied);
        }
        other => panic!("unexpected {other:?}"),
    }
}

/// Whether a request by hand is served.
async fn get(connection: &Connection, request: GetRequest) -> Result<(), &'static str> {
    let store = MemStore::new();
    let got = store.remote().execute_get(connection.clone(), request).complete().await;
    got.map(drop).map_err(|error| {
        if error.iroh_error_code() == Some(1u32.into()) {
            "denied"
        } else {
            "failed"
        }
    })
}

#[tokio::test]
async fn only_whole_granted_blobs_are_served() {
    let (owner, reader) = (Node::start(1).await, bare(&[]).await);
    let secret = store_with(&owner, 1, &[bytes(1, 5_000)]).await[0].blob;
    // A granted blob whose bytes happen to be the secret's hash: read as a list, it would lead there.
    let list: HashSeq = [Hash::from_bytes(*secret.as_bytes())].into_iter().collect();
    let list = store_with(&owner, 2, &[list.into_inner().to_vec()]).await[0].blob;
    let list = Hash::from_bytes(*list.as_bytes());
    owner.network.blobs().grant(node_id(reader.id()), job(2));
    let connection = crate::endpoint::connect(&reader, &owner.network.addr(), blobs::ALPN)
        .await
        .unwrap();

    assert_eq!(get(&connection, GetRequest::blob(list)).await, Ok(()));
    assert_eq!(get(&connection, GetRequest::all(list)).await, Err("denied"));
    let store = MemStore::new();
    let many = GetManyRequest::new(vec![list], ChunkRangesSeq::all());
    assert!(
        store
            .remote()
            .execute_get_many(connection.clone(), many)
            .complete()
            .await
            .is_err()
    );

    let mut observed = std::pin::pin!(store.remote().observe(connection.clone(), ObserveRequest::new(list)));
    assert!(!matches!(soon("an observation", observed.next()).await, Some(Ok(_))));

    let pushed = store.add_slice(b"unasked").await.unwrap().hash;
    let push = PushRequest::new(pushed, ChunkRangesSeq::root());
    // The sender of a push is not told; what counts is that nothing is stored.
    let _ = store.remote().execute_push(connection.clone(), push).complete().await;
    assert_eq!(get(&connection, GetRequest::blob(list)).await, Ok(()));
    assert!(!owner.network.blobs().has(id_of(pushed)).await.unwrap());
}

fn id_of(hash: Hash) -> BlobId {
    BlobId::from_bytes(*hash.as_bytes())
}

#[tokio::test]
async fn another_peer_helps_where_one_fails() {
    let (full, poor, reader) = (Node::start(1).await, Node::start(2).await, Node::start(3).await);
    let content: Vec<Vec<u8>> = (0..20).map(|seed| bytes(seed, 40_000)).collect();
    let wants = store_with(&full, 1, &content).await;
    store_with(&poor, 1, &content[..3]).await;
    for peer in [&full, &poor] {
        peer.network.blobs().grant(reader.network.node_id(), job(1));
    }
    let dead = { Node::start(4).await.network.addr() };
    let peers = [dead, poor.network.addr(), full.network.addr()];
    let report = reader.network.fetch(job(1), &peers, &wants, no_progress).await.unwrap();
    assert!(report.bytes_fetched >= 800_000);

    let nowhere = [Want {
        blob: BlobId::from_bytes([9; 32]),
        bytes_max: 1,
    }];
    let error = reader.network.fetch(job(2), &[], &nowhere, no_progress).await;
    assert!(matches!(error, Err(NetworkError::NoSource { missing: 1, .. })));
}

#[tokio::test]
async fn a_blob_larger_than_its_manifest_says_is_refused() {
    let (owner, reader) = (Node::start(1).await, Node::start(2).await);
    let mut wants = store_with(&owner, 1, &[bytes(1, 2_000_000)]).await;
    wants[0].bytes_max = 1_000_000;
    owner.network.blobs().grant(reader.network.node_id(), job(1));
    let error = reader
        .network
        .fetch(job(1), &[owner.network.addr()], &wants, no_progress)
        .await
        .unwrap_err();
    assert!(matches!(error, NetworkError::Oversized { .. }), "{error}");
    assert_eq!(error.kind(), FailureKind::Malicious);
}

#[tokio::test]
async fn the_longest_unused_job_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let options = BlobOptions {
        cache_bytes_max: Some(Bytes(250_000)),
        collect_every: Duration::from_millis(20),
    };
    let store = BlobStore::open(folder.path().into(), options).await.unwrap();
    let first = store.import_bytes(job(1), bytes(1, 100_000)).await.unwrap();
    store.keep(job(1)).await.unwrap();
    let second = store.import_bytes(job(2), bytes(2, 100_000)).await.unwrap();
    store.keep(job(2)).await.unwrap();
    store.pin(job(1));
    let third = store.import_bytes(job(3), bytes(3, 100_000)).await.unwrap();
    store.keep(job(3)).await.unwrap();
    soon("a collection", store.collected()).await;
    let here = [
        store.has(first).await.unwrap(),
        store.has(second).await.unwrap(),
        store.has(third).await.unwrap(),
    ];
    assert_eq!(here, [true, false, true], "the pinned and the new stay");
    assert_eq!(store.total(), Bytes(200_000));

    store.pin(job(3));
    let error = store.import_bytes(job(4), bytes(4, 100_000)).await.unwrap_err();
    assert!(matches!(error, NetworkError::CacheFull { .. }), "{error}");
    store.shutdown().await;
}

#[tokio::test]
async fn kept_blobs_survive_a_restart_and_forgotten_ones_go() {
    let folder = tempfile::tempdir().unwrap();
    let options = BlobOptions {
        cache_bytes_max: None,
        collect_every: Duration::from_millis(20),
    };
    let store = BlobStore::open(folder.path().into(), options).await.unwrap();
    let kept = store.import_bytes(job(1), bytes(1, 100_000)).await.unwrap();
    let shared = store.import_bytes(job(1), bytes(2, 100)).await.unwrap();
    store.import_bytes(job(2), bytes(2, 100)).await.unwrap();
    let lost = store.import_bytes(job(3), bytes(3, 100_000)).await.unwrap();
    store.keep(job(1)).await.unwrap();
    store.keep(job(1)).await.unwrap();
    store.keep(job(2)).await.unwrap();
    soon("a collection", store.collected()).await;
    assert!(
        store.has(lost).await.unwrap(),
        "protected while the program runs, noted down or not"
    );
    store.shutdown().await;
    drop(store);

    let store = BlobStore::open(folder.path().into(), options).await.unwrap();
    assert_eq!(store.total(), Bytes(100_100));
    soon("a collection", store.collected()).await;
    assert!(store.has(kept).await.unwrap() && !store.has(lost).await.unwrap());
    store.forget(job(1)).await.unwrap();
    soon("a collection", store.collected()).await;
    assert!(!store.has(kept).await.unwrap());
    assert!(store.has(shared).await.unwrap(), "another job needs it");
    store.shutdown().await;
}

#[tokio::test]
async fn two_programs_cannot_share_a_folder() {
    let node = Node::start(1).await;
    let again = crate::Network::start(config(2, node.folder.path().into())).await;
    assert!(matches!(again, Err(NetworkError::Store { .. })));
}
