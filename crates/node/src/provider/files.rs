//! A job's files: fetched as blobs, put together under the job's folder, shown to the session where the scene expects
//! them.

use crate::services::Services;
use rayswarm_engines::SceneFile;
use rayswarm_model::{
    B256, BlobId, Manifest, canonical, keccak256,
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
    /// The transfer failed.
    #[error("a transfer failed")]
    Network(#[from] NetworkError),
    /// The manifest does not read.
    #[error("the manifest does not read")]
    Unreadable(#[from] canonical::CanonicalError),
    /// The manifest is not acceptable.
    #[error("the manifest is refused")]
    Refused(#[from] ManifestError),
    /// The escrow pays for other files.
    #[error(
        "the manifest is not the one the escrow pays for (expected {expected}, got {found}); the requestor must submit \
         the job again"
    )]
    NotPaidFor {
        /// Its keccak-256 by the escrow.
        expected: B256,
        /// That of what came.
        found: B256,
    },
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

/// The most a manifest may weigh: 100,000 files with long names.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

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
    let wanted = Want {
        blob: invite.manifest,
        bytes_max: invite.manifest_bytes.min(MANIFEST_BYTES_MAX),
    };
    services.network.fetch(invite.job, &peers, &[wanted], |_| {}).await?;
    let bytes = blobs.read(invite.manifest, MANIFEST_BYTES_MAX).await?;
    let manifest = read_manifest(&bytes, paid_for)?;
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

fn read_manifest(bytes: &[u8], paid_for: B256) -> Result<Manifest, FilesError> {
    let found = keccak256(bytes);
    if found != paid_for {
        return Err(FilesError::NotPaidFor {
            expected: paid_for,
            found,
        });
    }
    let manifest: Manifest = canonical::decode("manifest", bytes)?;
    manifest.check()?;
    Ok(manifest)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::manifest::{Cipher, ManifestFile};

    #[test]
    fn only_the_manifest_that_the_escrow_pays_for_is_worked_on() {
        let manifest = |path: &str| Manifest {
            scene: path.into(),
            files: vec![ManifestFile {
                path: path.into(),
                size: 1,
                plain: BlobId::from_bytes([1; 32]),
                cipher: Cipher::None,
                chunks: vec![BlobId::from_bytes([2; 32])],
            }],
        };
        let (paid, other) = (manifest("/scene/a.pov"), manifest("/scene/b.pov"));
        let hash = canonical::document_hash("manifest", &paid).unwrap();
        let encode = |manifest: &Manifest| canonical::encode("manifest", manifest).unwrap();
        assert_eq!(read_manifest(&encode(&paid), hash).unwrap(), paid);
        let refused = read_manifest(&encode(&other), hash);
        assert!(matches!(refused, Err(FilesError::NotPaidFor { expected, .. }) if expected == hash));
    }
}
