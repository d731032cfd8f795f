//! A job's files: fetched as blobs, put together under the job's folder, shown to the session where the scene expects
//! them.

use super::documents::{Document, DocumentError};
use crate::services::Services;
use rayswarm_engines::SceneFile;
use rayswarm_model::{
    B256, BlobId, Manifest,
    manifest::{ManifestError, SCENE_ROOT},
};
use rayswarm_network::{NetworkError, PeerAddr, Want, work::JobInvite};
use std::path::Path;

/// What a session of the job sees.
#[derive(Clone, Debug)]
pub struct JobFiles {
    /// The scene file inside the session.
    pub scene: String,
    /// What is visible inside, and where it lies here.
    pub visible: Vec<SceneFile>,
}

/// A job's files could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The manifest could not be had.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The transfer failed.
    #[error("a transfer failed")]
    Network(#[from] NetworkError),
    /// The manifest is not acceptable.
    #[error("the manifest is refused")]
    Refused(#[from] ManifestError),
    /// A file put together from its chunks is not the one the manifest names.
    #[error(
        "{path} is not the file the manifest names (expected {expected}, got {found}); the requestor must pack it again"
    )]
    Different {
        /// Its path inside the session.
        path: String,
        /// BLAKE3 by the manifest.
        expected: BlobId,
        /// BLAKE3 of what came.
        found: BlobId,
    },
}

/// Fetches what is missing of a job's files and puts them together in `folder`. `paid_for` is the manifest's keccak-256
/// by the escrow.
pub async fn fetch(
    services: &Services,
    from: &PeerAddr,
    invite: &JobInvite,
    paid_for: B256,
    folder: &Path,
) -> Result<JobFiles, FilesError> {
    let blobs = services.network.blobs();
    let peers = [from.clone()];
    blobs.pin(invite.job);
    let document = Document {
        name: "manifest",
        blob: invite.manifest,
        bytes: invite.manifest_bytes,
        paid_for,
    };
    let manifest: Manifest = document.fetch(services, from, invite.job).await?;
    manifest.check()?;
    let wants = Want::all(&manifest);
    services.network.fetch(invite.job, &peers, &wants, |_| {}).await?;
    blobs.keep(invite.job).await?;
    for file in &manifest.files {
        let target = folder.join(file.path.trim_start_matches('/'));
        let found = blobs.export_file(&file.chunks, &target).await?;
        if found != file.plain {
            return Err(FilesError::Different {
                path: file.path.clone(),
                expected: file.plain,
                found,
            });
        }
    }
    Ok(JobFiles {
        visible: visible(&manifest, folder),
        scene: manifest.scene,
    })
}

/// The scene's folder as a whole; files elsewhere one by one.
fn visible(manifest: &Manifest, folder: &Path) -> Vec<SceneFile> {
    let host = |inside: &str| folder.join(inside.trim_start_matches('/'));
    let inside_root = |path: &str| path.strip_prefix(SCENE_ROOT).is_some_and(|rest| rest.starts_with('/'));
    let mut visible = Vec::new();
    if manifest.files.iter().any(|file| inside_root(&file.path)) {
        visible.push(SceneFile {
            host: host(SCENE_ROOT),
            inside: SCENE_ROOT.into(),
        });
    }
    let elsewhere = manifest.files.iter().filter(|file| !inside_root(&file.path));
    visible.extend(elsewhere.map(|file| SceneFile {
        host: host(&file.path),
        inside: file.path.clone(),
    }));
    visible
}
