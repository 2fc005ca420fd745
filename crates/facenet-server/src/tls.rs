//! TLS, with a certificate and a key from PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::{self, ServerConfig};

/// Where the certificate and its key are.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate and those that vouch for it, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM of the kind.
    #[error("cannot use `{path}` for TLS")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The two do not belong together, or are of a kind that is not spoken.
    #[error("certificate and key cannot be used together")]
    Pair(#[from] rustls::Error),
}

/// What speaks TLS with these files.
///
/// # Errors
/// When they cannot be used.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        |source| TlsError::File { path, source }
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect);
    let certificates: Vec<CertificateDer<'static>> = certificates.map_err(fault(&files.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(fault(&files.key))?;
    // The provider is named, so that no other part of the program can have chosen another one.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
