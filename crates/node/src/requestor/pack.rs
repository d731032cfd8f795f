//! The files of a scene become content-addressed blobs and a manifest that says where each appears in a session.

use crate::services::Services;
use rayswarm_engines::{SceneFile, layout};
use rayswarm_model::{
    BlobId, JobId, Manifest, SceneFacts, canonical,
    manifest::{Cipher, ManifestError, ManifestFile},
};
use rayswarm_network::NetworkError;
use std::path::Path;

/// A scene's files could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file cannot be read or stored.
    #[error("{file} cannot be packed; check that it can be read and that the disk has room")]
    File {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: NetworkError,
    },
    /// The scene's layout is not one that sessions can show.
    #[error("the scene's files cannot be laid out for a session; move them below the scene's folder")]
    Layout(#[from] ManifestError),
    /// The manifest cannot be encoded or stored.
    #[error("the manifest cannot be stored")]
    Manifest(#[source] NetworkError),
    /// The manifest cannot be encoded.
    #[error("the manifest cannot be encoded")]
    Encoding(#[from] canonical::CanonicalError),
}

/// A packed scene.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The manifest.
    pub manifest: Manifest,
    /// The blob that holds it.
    pub blob: BlobId,
    /// Its size.
    pub blob_bytes: u64,
    /// keccak-256 of it, for the escrow.
    pub hash: rayswarm_model::B256,
}

/// Stores every file of the scene. What an earlier job stored is not stored again.
pub async fn pack(services: &Services, job: JobId, scene: &Path, facts: &SceneFacts) -> Result<Packed, PackError> {
    let blobs = services.network.blobs();
    blobs.pin(job);
    let view = layout::session_view(scene, facts);
    let mut files = Vec::with_capacity(view.files.len());
    for SceneFile { host, inside } in &view.files {
        let imported = blobs.import_file(job, host).await;
        let imported = imported.map_err(|source| PackError::File {
            file: host.display().to_string(),
            source,
        })?;
        files.push(ManifestFile {
            path: inside.clone(),
            size: imported.bytes,
            plain: imported.plain,
            cipher: Cipher::None,
            chunks: imported.chunks,
        });
    }
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files.dedup_by(|left, right| left.path == right.path);
    let manifest = Manifest {
        scene: view.scene,
        files,
    };
    manifest.check()?;
    let bytes = canonical::encode("manifest", &manifest)?;
    let hash = canonical::document_hash("manifest", &manifest)?;
    let blob_bytes = bytes.len() as u64;
    let blob = blobs.import_bytes(job, bytes).await.map_err(PackError::Manifest)?;
    blobs.keep(job).await.map_err(PackError::Manifest)?;
    Ok(Packed {
        manifest,
        blob,
        blob_bytes,
        hash,
    })
}
