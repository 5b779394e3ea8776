//! Who asks: signed JSON Web Tokens (RFC 7519) of the plant's own sign-on, checked and never issued here.
//!
//! HS256 with a shared secret, or RS256, ES256 and EdDSA with the keys of a JWKS (RFC 7517), which may change meanwhile. The header's `alg` only
//! chooses among what the keys allow, so that no token can choose how it is checked. Claims: `sub`, `exp`, `nbf`, `role`
//! (what the user may do anywhere) and `projects` (what in which project: `{"hall-3": "engineer"}`).

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rr_protocol::token::Role;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest token, bytes.
pub const MAX_JWT_LEN: usize = 8 * 1024;
/// Longest name of a user, characters.
const MAX_USER_LEN: usize = 128;
/// Most projects in one token.
const MAX_PROJECTS: usize = 256;
/// Shortest shared secret, bytes (RFC 7518, 3.2).
const MIN_SECRET_LEN: usize = 32;
/// Clocks may differ by so much.
const SKEW: Duration = Duration::from_secs(60);

/// Why users cannot be checked.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Short secrets are guessed.
    #[error("{} holds {length} bytes: the secret that users' tokens are signed with has at least {MIN_SECRET_LEN}", path.display())]
    Secret {
        /// Which.
        path: PathBuf,
        /// As it is.
        length: usize,
    },
}

/// Why a user is not let in. The text goes to whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// None, or damaged.
    #[error("a signed token is wanted: Authorization: Bearer ...")]
    Missing,
    /// Forged, or of somebody else.
    #[error("the token's signature is wrong, or its key is not known")]
    Signature,
    /// Too old.
    #[error("the token has expired")]
    Expired,
    /// `nbf` lies ahead.
    #[error("the token is not valid yet")]
    Early,
    /// `iss` or `aud` is another.
    #[error("the token is not meant for this gateway")]
    Foreign,
    /// No user, no expiry, or claims that make no sense.
    #[error("the token lacks sub or exp, or its claims make no sense")]
    Claims,
}

/// Somebody who showed a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `sub`.
    pub name: String,
    role: Option<Role>,
    projects: BTreeMap<String, Role>,
}

impl User {
    /// What they may do in a project; `None`: nothing.
    pub fn role_in(&self, project: &str) -> Option<Role> {
        self.projects.get(project).copied().max(self.role)
    }

    /// May see and change what is everybody's.
    pub fn is_admin(&self) -> bool {
        self.role == Some(Role::Admin)
    }
}

/// Checks tokens.
pub struct Users {
    keys: KeyRing,
    issuer: Option<String>,
    audience: Option<String>,
}

/// The keys of tokens. Who has it can exchange them while tokens are checked.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    keys: RwLock<Arc<[Key]>>,
    /// A token has named a key that is not there.
    missed: AtomicBool,
}

impl KeyRing {
    fn new(keys: Vec<Key>) -> Self {
        Self(Arc::new(Ring { keys: RwLock::new(keys.into()), missed: AtomicBool::new(false) }))
    }

    fn now(&self) -> Arc<[Key]> {
        Arc::clone(&self.0.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Other keys from now on. False, and all as before, when there is none in it that can be used.
    pub fn renew(&self, jwks: &[u8]) -> bool {
        let Some(keys) = keys_of(jwks) else { return false };
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
        true
    }

    /// Whether a token has named a key that is not there, since [`Self::asked_for_more`].
    pub fn misses_one(&self) -> bool {
        self.0.missed.load(Ordering::Relaxed)
    }

    /// Keys are being looked for.
    pub fn asked_for_more(&self) {
        self.0.missed.store(false, Ordering::Relaxed);
    }
}

struct Key {
    id: Option<String>,
    check: Check,
}

enum Check {
    Hs256(Box<hmac::Key>),
    Rs256 { n: Vec<u8>, e: Vec<u8> },
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood (RFC 7515, 4.1.11): none is.
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    iss: Option<String>,
    aud: Option<Audience>,
    role: Option<Role>,
    #[serde(default)]
    projects: BTreeMap<String, Role>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Users {
    /// Tokens that are signed with a secret (HS256), which is a file's content without the white space around it.
    ///
    /// # Errors
    /// The file cannot be read, or is too short.
    pub fn with_secret(path: &Path) -> Result<Self, UsersError> {
        let text = std::fs::read(path).map_err(|source| UsersError::File { path: path.to_owned(), source })?;
        let secret = text.trim_ascii();
        if secret.len() < MIN_SECRET_LEN {
            return Err(UsersError::Secret { path: path.to_owned(), length: secret.len() });
        }
        Ok(Self::new(vec![Key { id: None, check: Check::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))) }]))
    }

    /// Tokens that are signed with one of these public keys: a JWKS (RFC 7517). `None`: it holds none that can be used.
    pub fn with_jwks(jwks: &[u8]) -> Option<Self> {
        keys_of(jwks).map(Self::new)
    }

    fn new(keys: Vec<Key>) -> Self {
        Self { keys: KeyRing::new(keys), issuer: None, audience: None }
    }

    /// To exchange the keys.
    pub fn keys(&self) -> KeyRing {
        self.keys.clone()
    }

    /// Takes only tokens of this issuer, and for this audience.
    #[must_use]
    pub fn meant_for(self, issuer: Option<String>, audience: Option<String>) -> Self {
        Self { issuer, audience, ..self }
    }

    /// # Errors
    /// The token is not good now.
    pub fn check(&self, token: &str, now: SystemTime) -> Result<User, Denied> {
        if token.len() > MAX_JWT_LEN {
            return Err(Denied::Missing);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Denied::Missing)?;
        let (header, claims) = signed.split_once('.').ok_or(Denied::Missing)?;
        let decode = |text: &str| BASE64.decode(text).map_err(|_| Denied::Missing);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Denied::Missing)?;
        let signature = decode(signature)?;
        if header.crit.is_some() {
            return Err(Denied::Signature);
        }
        let fits = |key: &&Key| match (&key.id, &header.kid) {
            (Some(id), Some(kid)) => id == kid,
            _ => true,
        };
        // Nothing of the claims is looked at before.
        let keys = self.keys.now();
        if !keys.iter().filter(fits).any(|key| key.check.holds(&header.alg, signed.as_bytes(), &signature)) {
            if !keys.iter().any(|key| fits(&key)) {
                self.keys.0.missed.store(true, Ordering::Relaxed);
            }
            return Err(Denied::Signature);
        }
        let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Denied::Claims)?;
        self.judge(claims, now)
    }

    fn judge(&self, claims: Claims, now: SystemTime) -> Result<User, Denied> {
        let now = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let skew = SKEW.as_secs_f64();
        let exp = claims.exp.filter(|exp| exp.is_finite()).ok_or(Denied::Claims)?;
        if now > exp + skew {
            return Err(Denied::Expired);
        }
        if claims.nbf.is_some_and(|nbf| now + skew < nbf) {
            return Err(Denied::Early);
        }
        let for_us = |wanted: &String| match &claims.aud {
            Some(Audience::One(one)) => one == wanted,
            Some(Audience::Many(many)) => many.contains(wanted),
            None => false,
        };
        let from_them = |wanted: &String| claims.iss.as_ref() == Some(wanted);
        if !self.audience.as_ref().is_none_or(for_us) || !self.issuer.as_ref().is_none_or(from_them) {
            return Err(Denied::Foreign);
        }
        let name = claims
            .sub
            .filter(|sub| !sub.is_empty() && sub.chars().count() <= MAX_USER_LEN && !sub.chars().any(char::is_control));
        if claims.projects.len() > MAX_PROJECTS {
            return Err(Denied::Claims);
        }
        Ok(User { name: name.ok_or(Denied::Claims)?, role: claims.role, projects: claims.projects })
    }
}

impl Check {
    fn holds(&self, alg: &str, signed: &[u8], signature: &[u8]) -> bool {
        match (self, alg) {
            // Compares in constant time.
            (Self::Hs256(key), "HS256") => hmac::verify(key, signed, signature).is_ok(),
            (Self::Rs256 { n, e }, "RS256") => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            (Self::Es256(key), "ES256") => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(signed, signature).is_ok()
            }
            (Self::EdDsa(key), "EdDSA") => UnparsedPublicKey::new(&ED25519, key).verify(signed, signature).is_ok(),
            _ => false,
        }
    }
}

/// Keys of other kinds stand beside those that we can use.
fn keys_of(jwks: &[u8]) -> Option<Vec<Key>> {
    let jwks: Jwks = serde_json::from_slice(jwks).ok()?;
    let keys = jwks.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let for_tokens = keys.filter(|key| key.purpose.as_deref().is_none_or(|purpose| purpose == "sig"));
    let keys: Vec<Key> = for_tokens.filter_map(key_of).collect();
    (!keys.is_empty()).then_some(keys)
}

fn key_of(key: Jwk) -> Option<Key> {
    let bytes = |text: &Option<String>| BASE64.decode(text.as_deref()?).ok();
    let check = match (key.kty.as_str(), key.crv.as_deref()) {
        ("RSA", _) => Check::Rs256 { n: bytes(&key.n)?, e: bytes(&key.e)? },
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes(&key.x)?, bytes(&key.y)?);
            // An uncompressed point (SEC 1, 2.3.3).
            (x.len() == 32 && y.len() == 32).then(|| Check::Es256([&[4][..], &x, &y].concat()))?
        }
        ("OKP", Some("Ed25519")) => Check::EdDsa(bytes(&key.x)?),
        _ => return None,
    };
    Some(Key { id: key.kid, check })
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Secrets stay out of logs.
        f.debug_struct("Users").field("keys", &self.keys.now().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
