//! Who a worker is: its key, and the certificate that the gateway gave it. Kept in one file that nobody else may read.

use super::http::{CallError, post};
use super::token::{JoinClaims, JoinTokenError};
use super::{Address, GatewayConfig, tls};
use crate::private_file;
use rcgen::{CertificateParams, KeyPair};
use rr_protocol::worker::{JoinRequest, Membership, RenewRequest};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

/// Between two tries to reach a gateway that has never answered.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a worker is nobody.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
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
    /// Nothing to show.
    #[error(
        "no join token, and {} holds no certificate that is still good: make a token by rrctl gateway token and give it by \
         --join-token-file or RR_JOIN_TOKEN", .0.display()
    )]
    NoToken(PathBuf),
    /// What is given as a token is none.
    #[error(transparent)]
    Token(#[from] JoinTokenError),
    /// The gateway says no.
    #[error("the gateway does not take this worker: {0}")]
    Refused(String),
    /// It does not answer.
    #[error("no gateway answers: {0}")]
    Unreachable(String),
    /// Key or certificate cannot be made or used.
    #[error("key or certificate cannot be used: {0}")]
    Crypto(String),
}

/// Key and certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) worker: String,
    key: String,
    certificate: String,
    ca: String,
    /// Seconds since 1970.
    renew: u64,
    expires: u64,
}

/// A fresh key (PEM) and a signing request for it (PEM).
///
/// # Errors
/// The system gives no random numbers.
pub fn key_and_request() -> Result<(String, String), IdentityError> {
    let crypto = |error: rcgen::Error| IdentityError::Crypto(error.to_string());
    let key = KeyPair::generate().map_err(crypto)?;
    let request = CertificateParams::default().serialize_request(&key).and_then(|request| request.pem());
    Ok((key.serialize_pem(), request.map_err(crypto)?))
}

/// The identity that is kept, or a new one by the token.
pub(super) async fn obtain(
    config: &GatewayConfig,
    addresses: &[Address],
    patience: Duration,
) -> Result<Identity, IdentityError> {
    let token = config.join_token.as_deref().map(str::trim).filter(|token| !token.is_empty());
    let claims = token.map(JoinClaims::peek).transpose()?;
    // Workers of one machine may share the folder.
    let path = match &claims {
        Some(claims) => Some(file_of(&config.dir, &claims.worker)),
        None => only_file(&config.dir),
    };
    if let Some(path) = &path
        && let Some(kept) = Identity::load(path)?
        && unix() < kept.expires
        && kept.tls().is_ok()
    {
        return Ok(kept);
    }
    let (Some(token), Some(claims), Some(path)) = (token, claims, path) else {
        return Err(IdentityError::NoToken(config.dir.clone()));
    };
    let (key, csr) = key_and_request()?;
    let tls = tls::pinned(&claims.ca).map_err(|error| IdentityError::Crypto(error.to_string()))?;
    let request = JoinRequest { token: token.to_owned(), csr };
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let mut said = String::new();
        for address in addresses {
            match post::<Membership>(address, &tls, "/workers/join", &request).await {
                Ok(membership) => return Identity::keep(&path, key, membership),
                Err(CallError::Refused(text)) => return Err(IdentityError::Refused(text)),
                Err(CallError::Unreachable(text)) => said = format!("{}: {text}", address.authority()),
            }
        }
        if begun.elapsed() + pause > patience {
            return Err(IdentityError::Unreachable(said));
        }
        tracing::warn!("cannot join yet: {said}");
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Identity {
    fn load(path: &Path) -> Result<Option<Self>, IdentityError> {
        let bytes = private_file::read(path).map_err(|source| IdentityError::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        // A damaged one is as good as none: the token decides.
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn keep(path: &Path, key: String, membership: Membership) -> Result<Self, IdentityError> {
        let now = unix();
        let identity = Self {
            worker: membership.worker,
            key,
            certificate: membership.certificate,
            ca: membership.ca,
            renew: now.saturating_add(membership.renew_secs),
            expires: now.saturating_add(membership.expires_secs),
        };
        identity.tls()?;
        let file = |source| IdentityError::File { action: "write", path: path.to_owned(), source };
        if let Some(dir) = path.parent() {
            private_file::create_dir(dir).map_err(file)?;
        }
        let bytes = serde_json::to_vec(&identity).map_err(io::Error::from).map_err(file)?;
        private_file::write(path, &bytes).map_err(file)?;
        Ok(identity)
    }

    /// For connections as this worker.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, IdentityError> {
        let crypto = |error: &dyn std::fmt::Display| IdentityError::Crypto(error.to_string());
        let ca = CertificateDer::from_pem_slice(self.ca.as_bytes()).map_err(|error| crypto(&error))?;
        let own = CertificateDer::from_pem_slice(self.certificate.as_bytes()).map_err(|error| crypto(&error))?;
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|error| crypto(&error))?;
        tls::member(ca, vec![own], key).map_err(|error| crypto(&error))
    }

    /// How long until it should be renewed.
    pub(super) fn renews_in(&self) -> Duration {
        Duration::from_secs(self.renew.saturating_sub(unix()))
    }

    /// A new key and a new certificate for it.
    pub(super) async fn renew(&self, dir: &Path, address: &Address) -> Result<Self, IdentityError> {
        let (key, csr) = key_and_request()?;
        let tls = self.tls()?;
        match post::<Membership>(address, &tls, "/workers/renew", &RenewRequest { csr }).await {
            Ok(membership) => Self::keep(&file_of(dir, &self.worker), key, membership),
            Err(CallError::Refused(text)) => Err(IdentityError::Refused(text)),
            Err(CallError::Unreachable(text)) => Err(IdentityError::Unreachable(text)),
        }
    }
}

/// Of a worker, whose name was checked.
fn file_of(dir: &Path, worker: &str) -> PathBuf {
    dir.join(format!("{worker}.json"))
}

/// Whom the folder belongs to, where that is beyond doubt.
fn only_file(dir: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let mut files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.next().filter(|_| files.next().is_none())
}

fn unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
