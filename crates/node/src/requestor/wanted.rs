//! What a job is asked with.

use super::record::AskedWith;
use rayswarm_api::job::{JobRequest, JobSettings};
use rayswarm_model::JobId;
use std::path::PathBuf;

/// A job to be taken on.
pub struct Wanted {
    /// The scene file.
    pub scene: PathBuf,
    /// Folder for the finished files; one of this node's own by default.
    pub output: Option<PathBuf>,
    /// Files outside the scene's folder that may travel.
    pub include: Vec<PathBuf>,
    /// The job it goes on with.
    pub continues: Option<JobId>,
    /// How it is to be rendered.
    pub settings: JobSettings,
    /// The key and body it is asked with.
    pub asked_with: Option<AskedWith>,
}

impl From<JobRequest> for Wanted {
    fn from(request: JobRequest) -> Self {
        Self {
            scene: request.scene,
            output: Some(request.output),
            include: request.include,
            continues: request.continues,
            settings: request.settings,
            asked_with: None,
        }
    }
}
