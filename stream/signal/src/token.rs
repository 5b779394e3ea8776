//! Tokens of share links: signed claims that expire and can be withdrawn.
//!
//! `base64url(JSON of Claims) "." base64url(HMAC-SHA256)`, no padding. The code covers a label and the encoded claims,
//! so that a key can never be led to sign something else. The key lives in a file of the host, so that links survive a
//! restart; with it are the links that were withdrawn, until they would have expired anyway.

use crate::private_file;
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rr_protocol::token::{Claims, Role};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest token that is looked at, bytes. Ours are near 120.
pub const MAX_TOKEN_LEN: usize = 512;
/// Most links that can be withdrawn and not expired at the same time.
pub const MAX_REVOKED: usize = 4096;

const KEY_LEN: usize = 32;
const MAC_LEN: usize = 32;
const MAX_ID_LEN: usize = 64;
const LABEL: &str = "rr-share-link-1.";

/// Signs and checks tokens. Share it in an `Arc`; withdrawing takes effect for all at once.
pub struct TokenKey {
    path: Option<PathBuf>,
    state: RwLock<State>,
}

struct State {
    secret: [u8; KEY_LEN],
    hmac: hmac::Key,
    revoked: Vec<Revoked>,
}

/// A fresh link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// For the link's fragment.
    pub token: String,
    /// What it says.
    pub claims: Claims,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours at all.
    #[error("this is not a share link of Remote Render; ask for a new one")]
    Malformed,
    /// Changed on its way, or signed by another host.
    #[error("this link was not made by this host; ask for a new one")]
    BadSignature,
    /// Too old.
    #[error("this link has expired; ask for a new one")]
    Expired,
    /// Withdrawn.
    #[error("this link was withdrawn; ask for a new one")]
    Revoked,
}

/// Why a key cannot be made, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot {action} the key for share links, {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one of ours.
    #[error("{} does not hold a key for share links: delete it to make a new one (links given out so far end)", .0.display())]
    Damaged(PathBuf),
    /// No random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// See [`MAX_REVOKED`].
    #[error("too many links are withdrawn: withdraw all by making a new key")]
    TooManyRevoked,
}

#[derive(Serialize, Deserialize)]
struct KeyFile {
    key: String,
    #[serde(default)]
    revoked: Vec<Revoked>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Revoked {
    id: String,
    exp: u64,
}

impl TokenKey {
    /// A new key in memory: links end with the process.
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self { path: None, state: RwLock::new(State::new(random()?, Vec::new())) })
    }

    /// The key in `path`, or a new one written there, readable by the owner alone. The folder is created when missing.
    /// A damaged file is an error and stays as it is.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let file_error = |action| move |source| KeyError::File { action, path: path.to_owned(), source };
        if let Some(bytes) = private_file::read(path).map_err(file_error("read"))? {
            let damaged = || KeyError::Damaged(path.to_owned());
            let file: KeyFile = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
            let secret = BASE64.decode(&file.key).map_err(|_| damaged())?.try_into().map_err(|_| damaged())?;
            if file.revoked.len() > MAX_REVOKED {
                return Err(damaged());
            }
            return Ok(Self { path: Some(path.to_owned()), state: RwLock::new(State::new(secret, file.revoked)) });
        }
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            private_file::create_dir(dir).map_err(file_error("write"))?;
        }
        let key = Self { path: Some(path.to_owned()), state: RwLock::new(State::new(random()?, Vec::new())) };
        key.update(|_| Ok(()))?;
        Ok(key)
    }

    /// A link with `role` that works for `ttl` from `now` on.
    pub fn issue(&self, role: Role, ttl: Duration, now: SystemTime) -> Result<Issued, KeyError> {
        self.issue_for("", role, ttl, now)
    }

    /// The same for a session of a gateway: the link's id is the session's name, a dot, and what makes it unique. The name
    /// is short enough for an id.
    pub fn issue_for(&self, session: &str, role: Role, ttl: Duration, now: SystemTime) -> Result<Issued, KeyError> {
        let mut id = [0; 9];
        rand::fill(&mut id).map_err(|_| KeyError::Random)?;
        let id = BASE64.encode(id);
        let id = if session.is_empty() { id } else { format!("{session}.{id}") };
        let claims = Claims { role, exp: unix(now).saturating_add(ttl.as_secs()), id };
        let token = self.sign(&claims);
        Ok(Issued { token, claims })
    }

    /// What the token says, when it is ours and still good at `now`.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN_LEN {
            return Err(TokenError::Malformed);
        }
        let (encoded, mac) = token.split_once('.').ok_or(TokenError::Malformed)?;
        let mac = BASE64.decode(mac).map_err(|_| TokenError::Malformed)?;
        let payload = BASE64.decode(encoded).map_err(|_| TokenError::Malformed)?;
        if mac.len() != MAC_LEN {
            return Err(TokenError::Malformed);
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        // Compares in constant time. Nothing of the claims is looked at before.
        hmac::verify(&state.hmac, signed(encoded).as_bytes(), &mac).map_err(|_| TokenError::BadSignature)?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| TokenError::Malformed)?;
        if claims.id.is_empty() || claims.id.len() > MAX_ID_LEN {
            return Err(TokenError::Malformed);
        }
        if unix(now) > claims.exp {
            return Err(TokenError::Expired);
        }
        if state.revoked.iter().any(|revoked| revoked.id == claims.id) {
            return Err(TokenError::Revoked);
        }
        Ok(claims)
    }

    /// Withdraws a link. It is written down first: when that fails the link still works, and the error says so.
    /// Sessions that came in by it go on until the host ends them.
    pub fn revoke(&self, link: &Claims, now: SystemTime) -> Result<(), KeyError> {
        self.update(|state| {
            // Those refuse themselves.
            state.revoked.retain(|revoked| revoked.exp >= unix(now));
            if state.revoked.iter().any(|revoked| revoked.id == link.id) {
                return Ok(());
            }
            if state.revoked.len() >= MAX_REVOKED {
                return Err(KeyError::TooManyRevoked);
            }
            state.revoked.push(Revoked { id: link.id.clone(), exp: link.exp });
            Ok(())
        })
    }

    /// Withdraws all links by making a new key.
    pub fn rotate(&self) -> Result<(), KeyError> {
        let secret = random()?;
        self.update(|state| {
            *state = State::new(secret, Vec::new());
            Ok(())
        })
    }

    /// Ids of the links that are withdrawn and not forgotten.
    pub fn revoked_ids(&self) -> Vec<String> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.revoked.iter().map(|revoked| revoked.id.clone()).collect()
    }

    fn sign(&self, claims: &Claims) -> String {
        // Text, a number and a known word: it cannot fail.
        let encoded = BASE64.encode(serde_json::to_vec(claims).unwrap_or_default());
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let mac = hmac::sign(&state.hmac, signed(&encoded).as_bytes());
        format!("{encoded}.{}", BASE64.encode(mac))
    }

    fn update(&self, change: impl FnOnce(&mut State) -> Result<(), KeyError>) -> Result<(), KeyError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = State::new(state.secret, state.revoked.clone());
        change(&mut next)?;
        if let Some(path) = &self.path {
            let file = KeyFile { key: BASE64.encode(next.secret), revoked: next.revoked.clone() };
            serde_json::to_vec(&file)
                .map_err(io::Error::from)
                .and_then(|bytes| private_file::write(path, &bytes))
                .map_err(|source| KeyError::File { action: "write", path: path.clone(), source })?;
        }
        *state = next;
        Ok(())
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret stays out of logs.
        f.debug_struct("TokenKey").field("path", &self.path).finish_non_exhaustive()
    }
}

impl State {
    fn new(secret: [u8; KEY_LEN], revoked: Vec<Revoked>) -> Self {
        Self { secret, hmac: hmac::Key::new(hmac::HMAC_SHA256, &secret), revoked }
    }
}

fn random() -> Result<[u8; KEY_LEN], KeyError> {
    let mut bytes = [0; KEY_LEN];
    rand::fill(&mut bytes).map_err(|_| KeyError::Random)?;
    Ok(bytes)
}

fn signed(encoded: &str) -> String {
    format!("{LABEL}{encoded}")
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
