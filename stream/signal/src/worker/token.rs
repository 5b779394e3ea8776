//! Join tokens: with one of these a machine proves once that it is the worker that was ordered.
//!
//! `"rrj1." base64url(JSON of JoinClaims) "." base64url(HMAC-SHA256)`, no padding. The worker cannot check the code and need
//! not: it takes from the token which gateway to trust, so that nobody between can hand out certificates in its place.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// Longest token, bytes. Ours are near 250.
pub const MAX_JOIN_TOKEN_LEN: usize = 1024;
/// Longest name of a worker, characters.
pub const MAX_WORKER_NAME_LEN: usize = 64;
const PREFIX: &str = "rrj1.";
const LABEL: &str = "rr-join-token-1.";

/// What a join token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinClaims {
    /// The worker's name. It joins once.
    pub worker: String,
    /// Seconds since 1970-01-01 UTC after which the token is refused.
    pub exp: u64,
    /// SHA-256 of the gateway's certificate authority (DER), hexadecimal.
    pub ca: String,
}

/// Why a join token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenError {
    /// No token of this kind.
    #[error("this is not a join token; rrctl gateway token makes one")]
    Malformed,
    /// Forged, changed, or of another gateway.
    #[error("this join token was not made for this gateway")]
    BadSignature,
    /// Too old.
    #[error("this join token has expired; rrctl gateway token makes another")]
    Expired,
}

/// Makes and checks join tokens.
pub struct JoinKey(hmac::Key);

impl JoinKey {
    /// From 32 secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The same claims make the same token.
    pub fn issue(&self, claims: &JoinClaims) -> String {
        // Two texts and a number: it cannot fail.
        let encoded = BASE64.encode(serde_json::to_vec(claims).unwrap_or_default());
        let mac = hmac::sign(&self.0, format!("{LABEL}{encoded}").as_bytes());
        format!("{PREFIX}{encoded}.{}", BASE64.encode(mac))
    }

    /// # Errors
    /// It is not ours, or too old.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<JoinClaims, JoinTokenError> {
        let (encoded, mac) = split(token)?;
        let mac = BASE64.decode(mac).map_err(|_| JoinTokenError::Malformed)?;
        hmac::verify(&self.0, format!("{LABEL}{encoded}").as_bytes(), &mac)
            .map_err(|_| JoinTokenError::BadSignature)?;
        let claims = claims(encoded)?;
        if now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) > claims.exp {
            return Err(JoinTokenError::Expired);
        }
        Ok(claims)
    }
}

impl std::fmt::Debug for JoinKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret stays out of logs.
        f.write_str("JoinKey")
    }
}

impl JoinClaims {
    /// What a token says, unchecked: for the worker, who has no key.
    ///
    /// # Errors
    /// It is no join token.
    pub fn peek(token: &str) -> Result<Self, JoinTokenError> {
        claims(split(token)?.0)
    }
}

/// The SHA-256 of a certificate as [`JoinClaims::ca`] has it.
pub fn fingerprint(certificate: &[u8]) -> String {
    digest(&SHA256, certificate).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn split(token: &str) -> Result<(&str, &str), JoinTokenError> {
    if token.len() > MAX_JOIN_TOKEN_LEN {
        return Err(JoinTokenError::Malformed);
    }
    token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')).ok_or(JoinTokenError::Malformed)
}

fn claims(encoded: &str) -> Result<JoinClaims, JoinTokenError> {
    let bytes = BASE64.decode(encoded).map_err(|_| JoinTokenError::Malformed)?;
    let claims: JoinClaims = serde_json::from_slice(&bytes).map_err(|_| JoinTokenError::Malformed)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let named = !claims.worker.is_empty() && claims.worker.len() <= MAX_WORKER_NAME_LEN;
    if !named || !claims.worker.chars().all(plain) || claims.ca.len() != 64 {
        return Err(JoinTokenError::Malformed);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn claims() -> JoinClaims {
        JoinClaims { worker: "a1".into(), exp: 1000, ca: "0f".repeat(32) }
    }

    fn at(secs: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(secs)
    }

    #[test]
    fn what_was_issued_is_taken_until_it_expires() {
        let key = JoinKey::new(&[1; 32]);
        let token = key.issue(&claims());
        assert_eq!(token, key.issue(&claims()));
        assert_eq!(key.verify(&token, at(1000)), Ok(claims()));
        assert_eq!(JoinClaims::peek(&token), Ok(claims()));
        assert_eq!(key.verify(&token, at(1001)), Err(JoinTokenError::Expired));
        assert_eq!(JoinKey::new(&[2; 32]).verify(&token, at(1)), Err(JoinTokenError::BadSignature));
    }

    #[test]
    fn forged_and_damaged_ones_are_refused() {
        let key = JoinKey::new(&[1; 32]);
        let token = key.issue(&claims());
        let other = key.issue(&JoinClaims { worker: "b2".into(), ..claims() });
        let (head, _) = token.rsplit_once('.').unwrap();
        let (_, mac) = other.rsplit_once('.').unwrap();
        assert_eq!(key.verify(&format!("{head}.{mac}"), at(1)), Err(JoinTokenError::BadSignature));
        for worker in ["", "a b", "../x", "a/b", &"x".repeat(65)] {
            let token = key.issue(&JoinClaims { worker: worker.into(), ..claims() });
            assert_eq!(key.verify(&token, at(1)), Err(JoinTokenError::Malformed), "{worker}");
        }
        for wrong in ["", "rrj1.", "rrj1.a", "rrj1..", "rrj2.a.b", &format!("rrj1.{}.b", "a".repeat(2000))] {
            assert!(key.verify(wrong, at(1)).is_err(), "{wrong}");
        }
        for at_byte in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at_byte] ^= 1;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(key.verify(&changed, at(1)).is_err(), "byte {at_byte}");
            }
        }
    }
}
