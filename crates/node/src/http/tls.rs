//! The API for other machines: the same routes behind TLS.

mod certificate;

pub use certificate::{Certificate, CertificateError};

use axum::serve::Listener;
use std::{io, net::SocketAddr, time::Duration};
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

/// Accepts connections and encrypts them. A slow client holds nobody up: each shakes hands by itself.
pub struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    handshake_time_max: Duration,
    /// Dropped with this value.
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

impl TlsListener {
    /// Listens at `address` until this value is dropped.
    pub async fn bind(address: SocketAddr, certificate: &Certificate) -> io::Result<Self> {
        Self::patient(address, certificate, HANDSHAKE_TIME_MAX).await
    }

    async fn patient(address: SocketAddr, certificate: &Certificate, handshake_time_max: Duration) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            acceptor: TlsAcceptor::from(certificate.config.clone()),
            handshake_time_max,
            handshakes: JoinSet::new(),
        })
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        let (acceptor, time_max) = (self.acceptor.clone(), self.handshake_time_max);
        self.handshakes.spawn(async move {
            match tokio::time::timeout(time_max, acceptor.accept(stream)).await {
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
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    use std::{fs, sync::Arc};
    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::{
        TlsConnector,
        rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
    };

    async fn listener(handshake_time_max: Duration) -> (TempDir, TlsListener) {
        let folder = tempfile::tempdir().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = Certificate::own(folder.path(), &names, crate::clock::now()).unwrap();
        let listener = TlsListener::patient(([127, 0, 0, 1], 0).into(), &made, handshake_time_max);
        (folder, listener.await.unwrap())
    }

    fn connector(folder: &TempDir) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let pem = fs::read(folder.path().join("cert.pem")).unwrap();
        roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    #[tokio::test]
    async fn a_client_that_trusts_the_certificate_is_served_past_a_silent_one() {
        // Nothing ends the wait for the silent one: who waits for it waits for ever.
        let (folder, mut listener) = listener(Duration::MAX).await;
        let bound = listener.local_addr().unwrap();
        let _silent = TcpStream::connect(bound).await.unwrap();
        let stream = TcpStream::connect(bound).await.unwrap();
        let connector = connector(&folder);
        let client = async {
            let name = ServerName::try_from("localhost").unwrap();
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
    }

    #[tokio::test]
    async fn a_silent_client_is_let_go() {
        let (_folder, mut listener) = listener(Duration::from_millis(1)).await;
        let mut silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let hung_up = async { silent.read(&mut [0]).await };
        tokio::select! {
            _ = listener.accept() => unreachable!("nobody has shaken hands"),
            end = hung_up => assert!(matches!(end, Ok(0) | Err(_))),
        }
    }
}
