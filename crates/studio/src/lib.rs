//! The web studio's files, built into the program: what `npm run build` had written to `web/dist` by then.
//!
//! [`file()`] finds one by its path, [`is_built`] says whether there are any. How they are served is the node's matter.
//!
//! ```
//! let index = rayswarm_studio::file("index.html");
//! assert_eq!(index.is_some(), rayswarm_studio::is_built());
//! ```

use rust_embed::RustEmbed;
use std::borrow::Cow;

/// Everything below `web/dist`, also in debug builds: the program finds its studio wherever it is copied to.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Dist;

/// The page that all views of the studio live on.
pub const INDEX: &str = "index.html";

/// Folder whose files are named by their content.
const HASHED: &str = "assets/";

/// Bytes of a file's SHA-256 that tell it from its other versions.
const ETAG_BYTES: usize = 16;

/// One file of the studio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// What it holds.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type, with the character set of texts.
    pub media_type: &'static str,
    /// Names its content, quotes included. Weak, because it is the same for the compressed form.
    pub etag: String,
    /// Whether its name changes with its content, so that it may be kept for ever.
    pub immutable: bool,
}

/// The file at `path`, which is relative to the studio's root: `index.html`, `assets/index-1a2b.js`.
pub fn file(path: &str) -> Option<File> {
    let found = Dist::get(path)?;
    Some(File {
        bytes: found.data,
        media_type: media_type(path),
        etag: etag(&found.metadata.sha256_hash()),
        immutable: path.starts_with(HASHED),
    })
}

/// Whether the studio was built before the program was.
pub fn is_built() -> bool {
    Dist::get(INDEX).is_some()
}

fn etag(hash: &[u8]) -> String {
    let digits: String = hash.iter().take(ETAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{digits}\"")
}

/// The media type of what Vite writes.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        _ => UNKNOWN,
    }
}

/// What browsers save instead of showing it.
const UNKNOWN: &str = "application/octet-stream";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_embedded_file_is_found_and_known() {
        for path in Dist::iter() {
            let file = file(&path).unwrap();
            assert_ne!(file.media_type, UNKNOWN, "{path}");
            assert!(!file.bytes.is_empty(), "{path}");
            assert_eq!(file.immutable, path.starts_with("assets/"), "{path}");
        }
    }

    #[test]
    fn a_built_studio_has_a_page_that_is_asked_for_again() {
        let index = file(INDEX);
        assert_eq!(index.is_some(), is_built());
        if let Some(index) = index {
            assert!(!index.immutable);
            assert!(index.media_type.starts_with("text/html"));
        }
    }

    #[test]
    fn nothing_outside_the_folder_is_found() {
        for path in ["", "/", "/index.html", "../package.json", "assets", "assets/"] {
            assert_eq!(file(path), None, "{path}");
        }
    }

    #[test]
    fn an_etag_names_the_content() {
        let tag = etag(&[0xab; 32]);
        assert_eq!(tag, format!("W/\"{}\"", "ab".repeat(16)));
        assert_ne!(tag, etag(&[0xac; 32]));
    }
}
