//! Jobs of commands: what was asked for. Their events are appended like those of renders.

use super::{Journal, Result, failed, from_json, to_json};
use crate::requestor::commands::record::CommandRecord;
use rusqlite::params;

impl Journal {
    /// Writes a job of commands down.
    pub fn save_command_job(&self, record: &CommandRecord) -> Result<()> {
        let text = to_json("job of commands", record)?;
        let sql = "INSERT INTO command_jobs (id, created_at, record) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET record = excluded.record";
        let row = params![record.id.to_string(), record.created_at.0.cast_signed(), text];
        self.lock()
            .execute(sql, row)
            .map(drop)
            .map_err(failed("save a job of commands"))
    }

    /// All jobs of commands.
    pub fn command_jobs(&self) -> Result<Vec<CommandRecord>> {
        let connection = self.lock();
        let mut query = connection
            .prepare_cached("SELECT record FROM command_jobs ORDER BY created_at, id")
            .map_err(failed("list jobs of commands"))?;
        let texts = query
            .query_map([], |row| row.get::<_, String>(0))
            .map_err(failed("list jobs of commands"))?;
        texts
            .map(|text| from_json("job of commands", &text.map_err(failed("read a job of commands"))?))
            .collect()
    }
}
