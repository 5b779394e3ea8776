//! What a gateway keeps secret in its folder, readable by its owner alone: its certificate authority, and the keys of
//! join tokens and of links. Replicas of one gateway have the same folder, or copies of it.

use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rr_signal::TokenKey;
use rr_signal::private_file;
use rr_signal::worker::{JoinClaims, JoinKey, token::fingerprint};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Of a worker's certificate, unless the configuration says otherwise.
pub const WORKER_CERTIFICATE: Duration = Duration::from_secs(24 * 3600);
/// Of the authority: longer than any installation lives.
const AUTHORITY: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Of the gateway's own certificate, which is made anew with each start.
const SERVER: Duration = Duration::from_secs(397 * 24 * 3600);
/// For clocks that are behind.
const BACKDATED: Duration = Duration::from_secs(3600);
const FILE: &str = "gateway.json";
const LINKS: &str = "links.key";

/// Why there are no secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
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
    /// The file is not one of ours.
    #[error("{} does not hold the secrets of a gateway: restore it, or delete it and let all workers join anew", .0.display())]
    Damaged(PathBuf),
    /// The key of links.
    #[error(transparent)]
    Links(#[from] rr_signal::KeyError),
    /// Certificates cannot be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Certificates cannot be used.
    #[error("a certificate cannot be used: {0}")]
    Tls(String),
}

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Certificate and key of the authority, PEM.
    authority: String,
    authority_key: String,
    /// 32 bytes, hexadecimal.
    join_key: String,
}

/// The secrets of a gateway.
pub struct Secrets {
    authority: String,
    authority_der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    join: JoinKey,
    /// Signs links to sessions.
    pub links: Arc<TokenKey>,
}

impl Secrets {
    /// Those in the folder, or new ones. The folder is made when it is missing.
    ///
    /// # Errors
    /// The folder cannot be used, or holds something damaged, which stays as it is.
    pub fn load_or_create(dir: &Path) -> Result<Self, SecretsError> {
        let path = dir.join(FILE);
        let file = |action, path: &Path| {
            let path = path.to_owned();
            move |source| SecretsError::File { action, path, source }
        };
        private_file::create_dir(dir).map_err(file("write", dir))?;
        let stored = match private_file::read(&path).map_err(file("read", &path))? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| SecretsError::Damaged(path.clone()))?,
            None => {
                let made = make()?;
                let bytes = serde_json::to_vec(&made).map_err(io::Error::from);
                bytes.and_then(|bytes| private_file::write(&path, &bytes)).map_err(file("write", &path))?;
                made
            }
        };
        let damaged = || SecretsError::Damaged(path.clone());
        let key = KeyPair::from_pem(&stored.authority_key).map_err(|_| damaged())?;
        let authority_der = CertificateDer::from_pem_slice(stored.authority.as_bytes()).map_err(|_| damaged())?;
        let issuer = Issuer::from_ca_cert_pem(&stored.authority, key).map_err(|_| damaged())?;
        let join: [u8; 32] =
            hex::decode(&stored.join_key).ok().and_then(|key| key.try_into().ok()).ok_or_else(damaged)?;
        let links = Arc::new(TokenKey::load_or_create(&dir.join(LINKS))?);
        Ok(Self { authority: stored.authority, authority_der, issuer, join: JoinKey::new(&join), links })
    }

    /// The authority's certificate, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// A token by which the worker of this name joins once, until `expires`.
    pub fn join_token(&self, worker: &str, expires: SystemTime) -> String {
        let ca = fingerprint(&self.authority_der);
        self.join.issue(&JoinClaims { worker: worker.to_owned(), exp: unix(expires), ca })
    }

    /// # Errors
    /// It is not ours, or too old.
    pub fn check_join_token(
        &self,
        token: &str,
        now: SystemTime,
    ) -> Result<JoinClaims, rr_signal::worker::JoinTokenError> {
        self.join.verify(token, now)
    }

    /// A worker's certificate (PEM) for the key in its request. Of the request nothing but the key is taken.
    ///
    /// # Errors
    /// The request is none, or not signed by its key.
    pub fn sign_worker(
        &self,
        worker: &str,
        csr: &str,
        now: SystemTime,
        valid_for: Duration,
    ) -> Result<String, SecretsError> {
        let request = CertificateSigningRequestParams::from_pem(csr)?;
        let mut params = CertificateParams::default();
        name(&mut params, worker);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        valid(&mut params, now, valid_for);
        Ok(params.signed_by(&request.public_key, &self.issuer)?.pem())
    }

    /// TLS for workers: a fresh certificate of ours for these names, the authority beside it. Workers show theirs, but for
    /// those who join.
    ///
    /// # Errors
    /// A name that no certificate can hold.
    pub fn server_tls(&self, names: Vec<String>, now: SystemTime) -> Result<Arc<ServerConfig>, SecretsError> {
        let mut params = CertificateParams::new(names)?;
        name(&mut params, "Remote Render gateway");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        valid(&mut params, now, SERVER);
        let key = KeyPair::generate()?;
        let own = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes());
        let tls = |error: &dyn std::fmt::Display| SecretsError::Tls(error.to_string());
        let key = key.map_err(|error| tls(&error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.authority_der.clone()).map_err(|error| tls(&error))?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()
            .map_err(|error| tls(&error))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| tls(&error))?
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![own.der().clone(), self.authority_der.clone()], key)
            .map_err(|error| tls(&error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// The worker that a certificate of ours is for. TLS has checked the certificate.
pub(crate) fn worker_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_owned())
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

fn make() -> Result<Stored, SecretsError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    name(&mut params, "Remote Render gateway authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, SystemTime::now(), AUTHORITY);
    let authority = params.self_signed(&key)?;
    let mut join_key = [0; 32];
    rand::fill(&mut join_key).map_err(|_| SecretsError::Tls("the operating system gives no random numbers".into()))?;
    Ok(Stored { authority: authority.pem(), authority_key: key.serialize_pem(), join_key: hex::encode(join_key) })
}

fn name(params: &mut CertificateParams, name: &str) {
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
}

fn valid(params: &mut CertificateParams, now: SystemTime, time: Duration) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(unix(now).saturating_sub(BACKDATED.as_secs()));
    params.not_after = epoch + Duration::from_secs(unix(now) + time.as_secs());
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rr_signal::worker::key_and_request;

    #[test]
    fn secrets_are_kept_and_are_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Secrets::load_or_create(dir.path()).unwrap();
        let token = first.join_token("a1", SystemTime::now() + Duration::from_secs(60));
        let again = Secrets::load_or_create(dir.path()).unwrap();
        assert_eq!(again.check_join_token(&token, SystemTime::now()).unwrap().worker, "a1");
        assert_eq!(first.authority(), again.authority());
        #[cfg(unix)]
        for file in [FILE, LINKS] {
            let mode = std::os::unix::fs::PermissionsExt::mode(
                &std::fs::metadata(dir.path().join(file)).unwrap().permissions(),
            );
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        std::fs::write(dir.path().join(FILE), "{}").unwrap();
        assert!(matches!(Secrets::load_or_create(dir.path()), Err(SecretsError::Damaged(_))));
    }

    #[test]
    fn a_certificate_names_the_worker_and_nothing_of_the_request() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::load_or_create(dir.path()).unwrap();
        let (_, csr) = key_and_request().unwrap();
        let pem = secrets.sign_worker("w-7", &csr, SystemTime::now(), WORKER_CERTIFICATE).unwrap();
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        assert_eq!(worker_of(&der).as_deref(), Some("w-7"));
        assert!(secrets.sign_worker("w-7", "no request", SystemTime::now(), WORKER_CERTIFICATE).is_err());
        // Another key under the same signature.
        let (_, other) = key_and_request().unwrap();
        let half = csr.len() / 2;
        assert!(
            secrets
                .sign_worker(
                    "w-7",
                    &format!("{}{}", &csr[..half], &other[half..]),
                    SystemTime::now(),
                    WORKER_CERTIFICATE
                )
                .is_err()
        );
    }
}
