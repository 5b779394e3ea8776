//! Certificates: our own self-signed one, kept and used again, or one from files. One cryptography provider, aws-lc.

use crate::config::Tls;
use crate::{link, private_file};
use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Apple's systems take none that is longer.
const VALID: Duration = Duration::from_secs(397 * 24 * 3600);
/// For clocks that are behind.
const BACKDATED: Duration = Duration::from_secs(24 * 3600);
/// Renewed when less is left.
const RENEW: Duration = Duration::from_secs(30 * 24 * 3600);
/// More than any machine has addresses.
const MAX_NAMES: usize = 64;

/// Certificate and key of the self-signed kind, in one file so that they always belong together.
const STORE: &str = "self-signed.json";
/// The certificate alone, for people to install on their tablets.
const PUBLIC: &str = "self-signed.crt";

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what} in PEM form", path.display())]
    Pem {
        /// `certificate` or `private key`.
        what: &'static str,
        /// Which.
        path: PathBuf,
    },
    /// They do not belong together, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// A name that no certificate can hold.
    #[error("{0:?} is neither a host name nor an address")]
    Name(String),
    /// The certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// Ready to serve.
#[derive(Debug)]
pub struct TlsSetup {
    /// For the acceptor.
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the certificate as browsers show it.
    pub fingerprint: String,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Seconds since 1970.
    expires: u64,
    names: BTreeSet<String>,
    certificate: String,
    key: String,
}

/// What `tls` asks for; `listen` is the address that a self-signed certificate must cover.
///
/// # Errors
/// The certificate cannot be read, made or used.
pub fn setup(tls: &Tls, listen: IpAddr, now: SystemTime) -> Result<Option<TlsSetup>, TlsError> {
    match tls {
        Tls::Off => Ok(None),
        Tls::Files { cert, key } => from_files(cert, key).map(Some),
        Tls::SelfSigned { dir, names } => {
            let mut wanted = own_names(listen);
            wanted.extend(names.iter().cloned());
            self_signed(dir, wanted, now).map(Some)
        }
    }
}

/// localhost, the machine's name, and its addresses as far as `listen` uses them.
pub fn own_names(listen: IpAddr) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if let Some(name) = link::host_name().filter(|name| ServerName::try_from(name.as_str()).is_ok()) {
        names.insert(format!("{name}.local"));
        names.insert(name);
    }
    if listen.is_unspecified() {
        names.extend(link::local_addresses().iter().map(|address| address.ip.to_string()));
    } else {
        names.insert(listen.to_canonical().to_string());
    }
    names
}

fn from_files(cert: &Path, key: &Path) -> Result<TlsSetup, TlsError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| TlsError::File { action: "read", path: path.to_owned(), source })
    };
    let (chain, private) = parse(&read(cert)?, &read(key)?).map_err(|what| {
        let path = if what == CERTIFICATE { cert } else { key };
        TlsError::Pem { what, path: path.to_owned() }
    })?;
    server_config(chain, private)
}

fn self_signed(dir: &Path, wanted: BTreeSet<String>, now: SystemTime) -> Result<TlsSetup, TlsError> {
    let path = dir.join(STORE);
    let file_error = |action, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::File { action, path, source }
    };
    let stored = private_file::read(&path).map_err(file_error("read", &path))?;
    let stored = stored.and_then(|bytes| {
        let parsed = serde_json::from_slice::<Stored>(&bytes);
        // Nothing is lost with it that cannot be made again.
        parsed.inspect_err(|_| tracing::warn!(path = %path.display(), "damaged certificate; making a new one")).ok()
    });
    if let Some(stored) = &stored
        && stored.names.is_superset(&wanted)
        && unix(now) + RENEW.as_secs() < stored.expires
        && unix(now) + VALID.as_secs() + BACKDATED.as_secs() >= stored.expires
        && let Ok((chain, key)) = parse(stored.certificate.as_bytes(), stored.key.as_bytes())
        && let Ok(setup) = server_config(chain, key)
    {
        return Ok(setup);
    }
    // Names of before stay: a laptop comes back to the same networks, and each new certificate is a new warning.
    let mut names = wanted;
    let before = stored.into_iter().flat_map(|stored| stored.names).filter(|name| !names.contains(name));
    let before: Vec<_> = before.take(MAX_NAMES.saturating_sub(names.len())).collect();
    names.extend(before);
    let made = make(names, now)?;
    private_file::create_dir(dir).map_err(file_error("write", dir))?;
    let bytes = serde_json::to_vec(&made).map_err(io::Error::from);
    bytes.and_then(|bytes| private_file::write(&path, &bytes)).map_err(file_error("write", &path))?;
    let public = dir.join(PUBLIC);
    std::fs::write(&public, &made.certificate).map_err(file_error("write", &public))?;
    let (chain, key) = parse(made.certificate.as_bytes(), made.key.as_bytes())
        .map_err(|what| TlsError::Pem { what, path: path.clone() })?;
    server_config(chain, key)
}

fn make(names: BTreeSet<String>, now: SystemTime) -> Result<Stored, TlsError> {
    if let Some(bad) = names.iter().find(|name| ServerName::try_from(name.as_str()).is_err()) {
        return Err(TlsError::Name(bad.clone()));
    }
    let mut params = CertificateParams::new(names.iter().cloned().collect::<Vec<_>>())?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "Remote Render host");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let expires = unix(now) + VALID.as_secs();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(unix(now).saturating_sub(BACKDATED.as_secs()));
    params.not_after = epoch + Duration::from_secs(expires);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Stored { expires, names, certificate: certificate.pem(), key: key.serialize_pem() })
}

const CERTIFICATE: &str = "certificate";
const PRIVATE_KEY: &str = "private key";

/// The error says which of the two is missing.
fn parse(
    certificate: &[u8],
    key: &[u8],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), &'static str> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(CERTIFICATE)?;
    Ok((chain, PrivateKeyDer::from_pem_slice(key).map_err(|_| PRIVATE_KEY)?))
}

fn server_config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<TlsSetup, TlsError> {
    let fingerprint = chain.first().map(|own| fingerprint(own)).unwrap_or_default();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // The WebSocket needs it, and one protocol is less to attack.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsSetup { config: Arc::new(config), fingerprint })
}

fn fingerprint(certificate: &[u8]) -> String {
    let bytes = digest(&SHA256, certificate);
    bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
