//! What a listener proves itself with: the artist's own certificate, or one that the node makes for its names and makes
//! again when they change or its time is nearly over.

use crate::private_list::{PrivateList, write_whole};
use rayswarm_model::{B256, UnixMillis};
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest time for which every browser takes a certificate that people have allowed themselves is 825 days.
const VALID_FOR: Duration = DAY.saturating_mul(800);
/// A node that starts with less than this left makes another one: it may run for long.
const LEFT_MIN: Duration = DAY.saturating_mul(100);

/// What a listener proves itself with.
#[derive(Clone)]
pub struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    /// SHA-256 of the first certificate, by which people know it.
    pub fingerprint: B256,
}

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Its file.
    #[error("{path} cannot be {action}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{path} holds no PEM {what}; give --tls-cert the certificate chain and --tls-key its private key")]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// None could be made.
    #[error("no certificate for {names:?} can be made; check --http-name")]
    NotMade {
        /// Names it was to be for.
        names: Vec<String>,
        /// Why not.
        #[source]
        source: rcgen::Error,
    },
    /// Certificate and key do not fit.
    #[error("the certificate {cert} and the key {key} cannot be used together")]
    Unusable {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
}

/// What the node's own certificate was made for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MadeFor {
    names: Vec<String>,
    until: UnixMillis,
}

impl Certificate {
    /// That of these files.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, CertificateError> {
        let not_pem = |path: &Path, what| CertificateError::NotPem {
            path: path.into(),
            what,
        };
        let text = |path: &Path| fs::read(path).map_err(failed("read", path));
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text(cert)?).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| not_pem(cert, "certificate"))?;
        let private = PrivateKeyDer::from_pem_slice(&text(key)?).map_err(|_| not_pem(key, "private key"))?;
        let digest = chain.first().map(Sha256::digest).unwrap_or_default();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(|source| CertificateError::Unusable {
                cert: cert.into(),
                key: key.into(),
                source,
            })?;
        Ok(Self {
            config: Arc::new(config),
            fingerprint: B256::from_slice(&digest),
        })
    }

    /// One of this node's own, kept in `folder`. It is made at the first start, and again when it is for other names, has
    /// not long to go or is damaged.
    pub fn own(folder: &Path, names: &[String], now: UnixMillis) -> Result<Self, CertificateError> {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let made_for = PrivateList::<MadeFor>::in_folder(folder, "made-for");
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        let kept = made_for.read().unwrap_or_default();
        let serves = |made: &MadeFor| made.names == names && now.after(LEFT_MIN) < made.until;
        if kept.first().is_some_and(serves)
            && let Ok(own) = Self::read(&cert, &key)
        {
            return Ok(own);
        }
        let until = now.after(VALID_FOR);
        let made = make(&names, now, until).map_err(|source| CertificateError::NotMade {
            names: names.clone(),
            source,
        })?;
        fs::create_dir_all(folder).map_err(failed("made", folder))?;
        write_whole(&key, made.signing_key.serialize_pem().as_bytes()).map_err(failed("written", &key))?;
        write_whole(&cert, made.cert.pem().as_bytes()).map_err(failed("written", &cert))?;
        // Last of all: of files that an end of the process has left half changed nobody says that they serve.
        if let Err(error) = made_for.write(&[MadeFor { names, until }]) {
            tracing::warn!(%error, "the next start will make another certificate");
        }
        Self::read(&cert, &key)
    }
}

fn make(names: &[String], now: UnixMillis, until: UnixMillis) -> Result<CertifiedKey<KeyPair>, rcgen::Error> {
    let seconds = |at: UnixMillis| date_time_ymd(1970, 1, 1) + Duration::from_secs(at.seconds_floor());
    let signing_key = KeyPair::generate()?;
    let mut wanted = CertificateParams::new(names)?;
    // Clocks differ.
    wanted.not_before = seconds(now) - DAY;
    wanted.not_after = seconds(until);
    let cert = wanted.self_signed(&signing_key)?;
    Ok(CertifiedKey { cert, signing_key })
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CertificateError {
    let path = path.to_owned();
    move |source| CertificateError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn made(folder: &TempDir, names: &[&str], now: UnixMillis) -> B256 {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        Certificate::own(folder.path(), &names, now).unwrap().fingerprint
    }

    #[test]
    fn its_own_is_kept_for_the_same_names_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(&folder, &["localhost", "10.0.0.7"], NOW);
        assert_eq!(
            made(&folder, &["10.0.0.7", "localhost", "localhost"], NOW.after(DAY)),
            first
        );
        let mut files: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        files.sort();
        assert_eq!(files, ["cert.pem", "key.pem", "made-for.json"], "no draft is left");
        let mode = fs::metadata(folder.path().join("key.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn its_own_is_made_again_for_other_names_and_when_its_time_runs_out() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(&folder, &["localhost"], NOW);
        let named = made(&folder, &["localhost", "farm.studio"], NOW);
        assert_ne!(named, first);
        let names = ["farm.studio", "localhost"];
        assert_eq!(made(&folder, &names, NOW.after(VALID_FOR - LEFT_MIN - DAY)), named);
        let later = NOW.after(VALID_FOR - LEFT_MIN);
        let renewed = made(&folder, &names, later);
        assert_ne!(renewed, named);
        assert_eq!(made(&folder, &names, later), renewed);
    }

    #[test]
    fn its_own_is_made_again_when_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let first = made(&folder, &["localhost"], NOW);
        let stranger = tempfile::tempdir().unwrap();
        made(&stranger, &["localhost"], NOW);
        fs::copy(stranger.path().join("key.pem"), folder.path().join("key.pem")).unwrap();
        let second = made(&folder, &["localhost"], NOW);
        assert_ne!(second, first);
        fs::write(folder.path().join("made-for.json"), "?").unwrap();
        assert_ne!(made(&folder, &["localhost"], NOW), second);
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.pem");
        fs::write(&file, "nothing").unwrap();
        let refused = Certificate::read(&file, &file).err().unwrap().to_string();
        assert!(refused.contains("x.pem holds no PEM certificate"), "{refused}");
    }
}
