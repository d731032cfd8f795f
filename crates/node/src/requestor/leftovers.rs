//! What a final job leaves behind and nobody needs: results are merged into files by then; evidence and the journal stay.

use super::{assembly, record::JobRecord};
use crate::{journal::QuarrelRole, services::Services};
use rayswarm_api::job::JobState;
use std::path::Path;

/// Removes it. What jurors still fetch is taken back by the end of their quarrel.
pub async fn clear(services: &Services, record: &JobRecord, job_folder: &Path) {
    let quarrels = services.journal.quarrels(services.court, QuarrelRole::Requestor);
    let quarrels = quarrels.unwrap_or_default();
    if !quarrels.iter().any(|quarrel| quarrel.job == record.id) {
        services.network.blobs().revoke_all(record.id);
        services.network.blobs().unpin(record.id);
    }
    if let Err(error) = services.network.clear_uploads(record.id) {
        tracing::debug!(%error, "partial uploads were not removed");
    }
    let film_frames = (record.state == JobState::Done).then_some(assembly::FILM_FRAMES);
    // The frames of a film that was not made are worth keeping: a retry goes on with them.
    for name in ["results", "merged", "scratch"].into_iter().chain(film_frames) {
        let folder = job_folder.join(name);
        if folder.exists()
            && let Err(error) = tokio::fs::remove_dir_all(&folder).await
        {
            tracing::warn!(folder = %folder.display(), %error, "cannot be removed");
        }
    }
}
