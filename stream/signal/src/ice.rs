//! STUN and TURN servers that viewers are told, and time-limited credentials for TURN.
//!
//! The credentials are those of "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00, section 2.2),
//! which coturn calls `use-auth-secret`: the user name is the moment of expiry (seconds since 1970) and a name, joined by a
//! colon; the password is the Base64 of its HMAC-SHA1 under a secret that the TURN server shares. The server needs to know
//! nobody, and what a viewer was told is of no use to anybody once it has expired.

use crate::PeerId;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rr_protocol::signaling::IceServer;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest secret or password, bytes.
const MAX_SECRET_LEN: usize = 1_024;
/// Longest address of a server, bytes.
const MAX_URL_LEN: usize = 256;

/// All servers that viewers are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceServers {
    /// Told as they are: STUN servers, and TURN servers with one password for all.
    pub fixed: Vec<IceServer>,
    /// TURN servers for which each viewer gets credentials of its own.
    pub turn: Option<TimeLimitedTurn>,
}

impl IceServers {
    /// What a viewer is told that joins now.
    pub fn for_viewer(&self, peer: PeerId, now: SystemTime) -> Vec<IceServer> {
        let turn = self.turn.iter().map(|turn| {
            let (username, credential) = turn.secret.credentials(&format!("viewer-{}", peer.0), now + turn.valid_for);
            let urls = turn.urls.iter().map(ToString::to_string).collect();
            IceServer { urls, username: Some(username), credential: Some(credential) }
        });
        self.fixed.iter().cloned().chain(turn).collect()
    }
}

/// TURN servers that share a secret with this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeLimitedTurn {
    /// `turn:` and `turns:` addresses.
    pub urls: Vec<IceUrl>,
    /// As the server has it (coturn: `static-auth-secret`).
    pub secret: Secret,
    /// How long a viewer's credentials can be used. A relayed session that lasts longer may end with them.
    pub valid_for: Duration,
}

/// A secret or password. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Reads it from a file: one line, what stands around it is left out.
    ///
    /// # Errors
    /// The file cannot be read, is empty, has several lines, or more than 1,024 bytes.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let file = |source| SecretError::File { path: path.to_owned(), source };
        let opened = File::open(path).map_err(file)?;
        warn_if_others_read(path, &opened);
        let mut text = String::new();
        let length = opened.take(MAX_SECRET_LEN as u64 + 1).read_to_string(&mut text).map_err(file)?;
        let secret = text.trim();
        if length > MAX_SECRET_LEN || secret.is_empty() || secret.chars().any(char::is_control) {
            return Err(SecretError::Content { path: path.to_owned() });
        }
        Ok(Self(secret.to_owned()))
    }

    /// For a server that is told it as it is.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// User name and password until `expiry`.
    fn credentials(&self, name: &str, expiry: SystemTime) -> (String, String) {
        let expiry = expiry.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let username = format!("{expiry}:{name}");
        // SHA-1 is what the servers speak; as an HMAC it is not broken.
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.0.as_bytes());
        let password = BASE64.encode(hmac::sign(&key, username.as_bytes()));
        (username, password)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a secret cannot be used. Never says what was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret in {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not hold a secret.
    #[error("{} has to hold one line with the secret, of at most {MAX_SECRET_LEN} bytes", path.display())]
    Content {
        /// Which.
        path: PathBuf,
    },
}

#[cfg(unix)]
fn warn_if_others_read(path: &Path, file: &File) {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0) {
        tracing::warn!(path = %path.display(), "all users of this machine can read this secret: chmod o-rwx it");
    }
}

#[cfg(not(unix))]
fn warn_if_others_read(_path: &Path, _file: &File) {}

/// The address of a STUN or TURN server (RFC 7064, RFC 7065): `stun:host[:port]`, `turn:host[:port][?transport=udp|tcp]`,
/// and `stuns:`, `turns:` over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceUrl {
    text: String,
    turn: bool,
}

impl IceUrl {
    /// Whether it is a TURN server, which wants credentials.
    pub fn is_turn(&self) -> bool {
        self.turn
    }
}

impl fmt::Display for IceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text that is not the address of a STUN or TURN server: browsers refuse the whole connection for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use an address such as stun:stun.example:3478, turn:turn.example:3478 or turns:turn.example:443?transport=tcp"
)]
pub struct IceUrlError;

impl FromStr for IceUrl {
    type Err = IceUrlError;

    fn from_str(text: &str) -> Result<Self, IceUrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(IceUrlError)?;
        let turn = match scheme {
            "turn" | "turns" => true,
            "stun" | "stuns" => false,
            _ => return Err(IceUrlError),
        };
        let (server, query) = rest.split_once('?').map_or((rest, None), |(server, query)| (server, Some(query)));
        let query_fits = match query {
            None => true,
            Some(query) => turn && matches!(query, "transport=udp" | "transport=tcp"),
        };
        let (host, port) = match server.strip_prefix('[') {
            Some(v6) => {
                let (host, after) = v6.split_once(']').ok_or(IceUrlError)?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| IceUrlError)?;
                (host, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or(IceUrlError)?) })
            }
            None => {
                let (host, port) = server.split_once(':').map_or((server, None), |(host, port)| (host, Some(port)));
                let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
                if host.is_empty() || !host.chars().all(plain) {
                    return Err(IceUrlError);
                }
                (host, port)
            }
        };
        let port_fits = port.is_none_or(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if host.is_empty() || !port_fits || !query_fits || text.len() > MAX_URL_LEN {
            return Err(IceUrlError);
        }
        Ok(Self { text: text.to_owned(), turn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    #[test]
    fn credentials_are_those_that_turn_servers_reckon() {
        // Reckoned with OpenSSL: printf %s 1700000000:viewer-7 | openssl dgst -sha1 -hmac north -binary | base64
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let (username, password) = secret("north").credentials("viewer-7", at);
        assert_eq!(username, "1700000000:viewer-7");
        assert_eq!(password, "ACDvHG7t4ksqqVBIJdUQzG4ji2Y=");
        assert_ne!(secret("south").credentials("viewer-7", at).1, password);
    }

    #[test]
    fn each_viewer_gets_credentials_of_its_own_that_expire() {
        let turn = TimeLimitedTurn {
            urls: vec![
                "turn:turn.example:3478".parse().unwrap(),
                "turns:turn.example:443?transport=tcp".parse().unwrap(),
            ],
            secret: secret("north"),
            valid_for: Duration::from_secs(600),
        };
        let stun = IceServer { urls: vec!["stun:stun.example".into()], username: None, credential: None };
        let servers = IceServers { fixed: vec![stun.clone()], turn: Some(turn) };
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let told = servers.for_viewer(PeerId(3), now);
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], stun);
        assert_eq!(told[1].urls, ["turn:turn.example:3478", "turns:turn.example:443?transport=tcp"]);
        assert_eq!(told[1].username.as_deref(), Some("1600:viewer-3"));
        assert_ne!(servers.for_viewer(PeerId(4), now)[1].credential, told[1].credential);
        assert_ne!(servers.for_viewer(PeerId(3), now + Duration::from_secs(1))[1].credential, told[1].credential);
        assert_eq!(IceServers::default().for_viewer(PeerId(3), now), []);
    }

    #[test]
    fn secrets_are_read_whole_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = |text: &[u8]| {
            let path = folder.path().join("secret");
            std::fs::write(&path, text).unwrap();
            Secret::read(&path)
        };
        assert_eq!(file(b"  north wind\n").unwrap(), secret("north wind"));
        for wrong in [&b""[..], b" \n", b"two\nlines", &[b'x'; 1_025], b"\xff\xfe", b"a\0b"] {
            let error = file(wrong).unwrap_err().to_string();
            assert!(error.contains("secret") && !error.contains("two"), "{error}");
        }
        assert!(matches!(Secret::read(&folder.path().join("none")), Err(SecretError::File { .. })));
        assert_eq!(format!("{:?}", secret("north")), "Secret(..)");
    }

    #[test]
    fn addresses_of_servers_are_checked() {
        for (text, turn) in [
            ("stun:stun.example", false),
            ("stuns:stun.example:5349", false),
            ("turn:192.0.2.7:3478", true),
            ("turn:[2001:db8::7]:3478?transport=udp", true),
            ("turns:turn.example:443?transport=tcp", true),
        ] {
            let url: IceUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.is_turn()), (text, turn));
        }
        for wrong in [
            "",
            "turn",
            "turn:",
            "turn.example:3478",
            "http://turn.example",
            "turn://turn.example",
            "turn:a b",
            "turn:a:0",
            "turn:a:70000",
            "turn:a:+1",
            "turn:a:",
            "turn:[::1",
            "turn:[::1]x",
            "turn:[a]:1",
            "turn:a?transport=sctp",
            "stun:a?transport=udp",
            "turn:user@turn.example",
            "turn:a:1:2",
            "TURN:a",
        ] {
            assert_eq!(wrong.parse::<IceUrl>(), Err(IceUrlError), "{wrong}");
        }
        assert!(format!("turn:{}", "a".repeat(300)).parse::<IceUrl>().is_err());
    }
}
