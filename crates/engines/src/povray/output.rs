//! From POV-Ray's OpenEXR file to a task's picture.

use super::{NAME, command::WorkFolder};
use crate::error::EngineError;
use rayswarm_imaging::{Compression, DecodeLimits, crop, decode, encode};
use rayswarm_model::{Rect, Resolution};
use rayswarm_sandbox::claim_file;
use std::{fs, path::Path};

/// A picture of 65536 × 65536 half floats is beyond what POV-Ray writes; this is beyond what we read.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// Takes the one picture a process left, which is as large as the whole and black outside `rect`, and keeps `rect` of it.
pub(crate) fn take(work: &WorkFolder, resolution: Resolution, rect: Rect, to: &Path) -> Result<(), EngineError> {
    let out = work.out();
    // The number of digits in its name depends on the range.
    let entries = fs::read_dir(&out)
        .map_err(EngineError::file("reading", &out))?
        .flatten();
    let names: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let picture = names
        .iter()
        .find(|name| name.starts_with("frame") && name.ends_with(".exr"));
    let name = picture.ok_or_else(|| no_picture("it ended well and wrote no picture"))?;
    claim_file(&out, name, to, FILE_BYTES_MAX)?;
    let bytes = fs::read(to).map_err(EngineError::file("reading", to))?;
    let whole = decode(&bytes, &DecodeLimits::exactly(resolution)).map_err(no_picture)?;
    let part = crop(&whole, rect).map_err(no_picture)?;
    let bytes = encode(&part, Compression::Zip).map_err(no_picture)?;
    fs::write(to, bytes).map_err(EngineError::file("writing", to))
}

fn no_picture(why: impl std::fmt::Display) -> EngineError {
    EngineError::Failed {
        engine: NAME,
        what: "make a picture".into(),
        message: why.to_string(),
        log: String::new(),
    }
}
