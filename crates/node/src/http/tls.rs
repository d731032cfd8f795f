//! The API for other machines: the same routes behind TLS, with the artist's own certificate or one that the node makes.

use axum::serve::Listener;
use rayswarm_model::B256;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Handshakes under way at once.
const HANDSHAKES_MAX: usize = 256;
/// A client that needs longer is not waited for.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause after the system gave no connection, for want of file descriptors as a rule.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// What a listener proves itself with.
#[derive(Clone)]
pub struct Certificate {
    config: Arc<ServerConfig>,
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

    /// One of this node's own, made at the first start and kept in `folder`.
    pub fn own(folder: &Path, names: &[String]) -> Result<Self, CertificateError> {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        if !(cert.is_file() && key.is_file()) {
            let made = rcgen::generate_simple_self_signed(names);
            let made = made.map_err(|source| CertificateError::NotMade {
                names: names.to_vec(),
                source,
            })?;
            fs::create_dir_all(folder).map_err(failed("made", folder))?;
            write_private(&key, &made.signing_key.serialize_pem()).map_err(failed("written", &key))?;
            write_private(&cert, &made.cert.pem()).map_err(failed("written", &cert))?;
        }
        Self::read(&cert, &key)
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CertificateError {
    let path = path.to_owned();
    move |source| CertificateError::File { action, path, source }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Accepts connections and encrypts them. A slow client holds nobody up: each shakes hands by itself.
pub struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    /// Dropped with this value.
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// Listens at `address` until this value is dropped.
    pub async fn bind(address: SocketAddr, certificate: &Certificate) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            acceptor: TlsAcceptor::from(certificate.config.clone()),
            handshakes: JoinSet::new(),
        })
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        let acceptor = self.acceptor.clone();
        self.handshakes.spawn(async move {
            match tokio::time::timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some((stream, peer)),
                Ok(Err(error)) => {
                    tracing::debug!(%peer, %error, "no TLS handshake");
                    None
                }
                Err(_) => {
                    tracing::debug!(%peer, "a TLS handshake took too long");
                    None
                }
            }
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.handshakes.len() < HANDSHAKES_MAX => match accepted {
                    Ok((stream, peer)) => self.begin(stream, peer),
                    Err(error) => {
                        tracing::warn!(%error, "no connection accepted");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                },
                done = self.handshakes.join_next(), if !self.handshakes.is_empty() => {
                    if let Some(Ok(Some(accepted))) = done {
                        return accepted;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::{
        TlsConnector,
        rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
    };

    #[tokio::test]
    async fn a_client_that_trusts_the_certificate_is_served_past_a_silent_one() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = Certificate::own(folder.path(), &names).unwrap();
        let again = Certificate::own(folder.path(), &names).unwrap();
        assert_eq!(made.fingerprint, again.fingerprint);
        let mode = fs::metadata(folder.path().join("key.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);

        let mut listener = TlsListener::bind(([127, 0, 0, 1], 0).into(), &made).await.unwrap();
        let bound = listener.local_addr().unwrap();
        let silent = TcpStream::connect(bound).await.unwrap();
        let mut roots = RootCertStore::empty();
        let pem = fs::read(folder.path().join("cert.pem")).unwrap();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(bound).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let client = async {
            let connector = TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect(name, stream).await.unwrap();
            stream.write_all(b"hello").await.unwrap();
            stream
        };
        let server = async {
            let (mut stream, _) = listener.accept().await;
            let mut heard = [0; 5];
            stream.read_exact(&mut heard).await.unwrap();
            heard
        };
        let (_client, heard) = tokio::join!(client, server);
        assert_eq!(&heard, b"hello");
        drop(silent);
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
