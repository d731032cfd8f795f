//! Uploads: files cut into chunks named by their SHA-256, of which only those are sent that the node lacks.

use crate::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes of every chunk but a file's last.
pub const CHUNK_BYTES: u64 = 4 << 20;

/// The name of a chunk.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Sha256(#[allow(dead_code)] String);

/// One file of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadFile {
    /// Where it belongs beside the others: relative, separated by `/`, without `..`.
    #[schema(min_length = 1, max_length = 1024)]
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of each chunk of 4 MiB in order, as lower-case hexadecimal digits.
    #[schema(value_type = Vec<Sha256>)]
    pub chunks: Vec<String>,
}

/// What is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewUpload {
    /// The files.
    #[schema(min_items = 1, max_items = 10_000)]
    pub files: Vec<UploadFile>,
    /// Which of them is the scene; empty for one `.zip`, in which it is looked for.
    pub scene: String,
}

/// An upload as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadView {
    /// Its id. The same list of files has the same id.
    pub id: String,
    /// The scene's path among the files.
    pub scene: String,
    /// How many files.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Chunks the node lacks, at most 10,000 of them.
    pub missing: Vec<String>,
    /// Whether the files are put together, so that jobs may name it.
    pub complete: bool,
    /// When it is forgotten unless a job uses it.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
}
