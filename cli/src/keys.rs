//! The public keys of users' tokens, which change: a file that somebody replaces, or an address of the plant's sign-on
//! (its JWKS, as OpenID providers have one). The last keys from an address are kept beside the gateway's secrets, so that a
//! gateway starts while the sign-on is down.

use crate::exit::{Exit, Failure};
use rr_gateway::{KeyRing, Users};
use rr_provider::http::{Http, is_here};
use rr_provider::replace_file;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant, SystemTime};

/// Between two looks at a file.
const LOOK: Duration = Duration::from_secs(2);
/// Between two questions to an address, and the least time where a token names a key that is not known.
const ASK: Duration = Duration::from_secs(600);
const ASK_AGAIN: Duration = Duration::from_secs(10);
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// Largest JWKS, bytes.
const MOST_BYTES: u64 = 256 * 1024;
/// In the gateway's folder.
const KEPT: &str = "jwks.json";

/// Where the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    File(PathBuf),
    Url(String),
}

impl FromStr for KeySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("https://") {
            return Ok(Self::Url(text.to_owned()));
        }
        if text.starts_with("http://") {
            let why = "keys that come over http:// can be anybody's: use https://";
            return if is_here(text) { Ok(Self::Url(text.to_owned())) } else { Err(why.to_owned()) };
        }
        Ok(Self::File(PathBuf::from(text)))
    }
}

/// Looks for new keys, until it is dropped.
pub struct KeyWatch {
    stop: Arc<AtomicBool>,
    thread: Thread,
}

impl Drop for KeyWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Not waited for: it may be in the middle of a question that takes its time.
        self.thread.unpark();
    }
}

/// Users with these keys, which are looked for again as long as the watch is there.
pub fn users(source: &KeySource, state: &Path, ca_bundle: Option<&Path>) -> anyhow::Result<(Users, KeyWatch)> {
    let wrong = |text: String| Failure::error(Exit::Wrong, text);
    let kept = state.join(KEPT);
    let http = Http::new(ca_bundle).map_err(wrong)?;
    let (text, stamp) = match source {
        KeySource::File(path) => (read(path).map_err(wrong)?, stamp(path)),
        KeySource::Url(url) => match ask(&http, url) {
            Ok(text) => (text, None),
            Err(why) => {
                let last = std::fs::read(&kept);
                let last =
                    last.map_err(|_| wrong(format!("no keys of users: {why}; none are kept from an earlier run")))?;
                eprintln!("rrctl: no keys of users: {why}; those of the last run are used until there are some");
                (last, None)
            }
        },
    };
    let Some(users) = Users::with_jwks(&text) else { return Err(wrong(not_keys(source))) };
    keep(source, &kept, &text);
    let (ring, stop, source) = (users.keys(), Arc::new(AtomicBool::new(false)), source.clone());
    let mut watch = Watch { ring, source, http, kept, stamp, asked: Instant::now(), told: String::new() };
    let stopped = Arc::clone(&stop);
    let thread = std::thread::Builder::new().name("rrctl-keys".into()).spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            watch.look();
            std::thread::park_timeout(LOOK);
        }
    })?;
    Ok((users, KeyWatch { stop, thread: thread.thread().clone() }))
}

struct Watch {
    ring: KeyRing,
    source: KeySource,
    http: Http,
    kept: PathBuf,
    stamp: Option<(SystemTime, u64)>,
    asked: Instant,
    /// What went wrong last.
    told: String,
}

impl Watch {
    fn look(&mut self) {
        let found = match &self.source {
            KeySource::File(path) => {
                let now = stamp(path);
                if now == self.stamp {
                    return;
                }
                self.stamp = now;
                read(path)
            }
            KeySource::Url(url) => {
                let wait = if self.ring.misses_one() { ASK_AGAIN } else { ASK };
                if self.asked.elapsed() < wait {
                    return;
                }
                self.asked = Instant::now();
                self.ring.asked_for_more();
                ask(&self.http, url)
            }
        };
        let renewed = found.and_then(|text| {
            if self.ring.renew(&text) {
                keep(&self.source, &self.kept, &text);
                Ok(())
            } else {
                Err(not_keys(&self.source))
            }
        });
        match renewed {
            Ok(()) => self.told.clear(),
            // Once, not every ten minutes.
            Err(why) if why != self.told => {
                eprintln!("rrctl: no new keys of users, the last ones hold: {why}");
                self.told = why;
            }
            Err(_) => {}
        }
    }
}

fn not_keys(source: &KeySource) -> String {
    let place = match source {
        KeySource::File(path) => path.display().to_string(),
        KeySource::Url(url) => url.clone(),
    };
    format!(
        "{place} holds no keys that can be used: a JWKS with RSA (RS256), EC P-256 (ES256) or Ed25519 keys is wanted"
    )
}

/// Only a help for the next start.
fn keep(source: &KeySource, kept: &Path, text: &[u8]) {
    if let KeySource::Url(_) = source
        && std::fs::read(kept).ok().as_deref() != Some(text)
    {
        // The gateway's secrets come into the same folder.
        let _ = kept.parent().map(rr_signal::private_file::create_dir);
        let _ = replace_file(kept, text);
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    if std::fs::metadata(path).map_err(cannot)?.len() > MOST_BYTES {
        return Err(format!("{} is far too large for keys", path.display()));
    }
    std::fs::read(path).map_err(cannot)
}

/// Tells one content of a file from the next one.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

fn ask(http: &Http, url: &str) -> Result<Vec<u8>, String> {
    let answer = http.get(url, ANSWERS_WITHIN, MOST_BYTES)?;
    if answer.status == 200 { Ok(answer.body.into_bytes()) } else { Err(format!("{url} answers {}", answer.status)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// With one Ed25519 key of this name; nobody has its other half.
    fn jwks(kid: &str) -> String {
        format!(
            r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}]}}"#
        )
    }

    /// What a sign-on would say to whoever asks, one after the other.
    fn sign_on(answers: Vec<(u16, String)>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let head =
                    format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        format!("http://{address}/keys")
    }

    /// A token that names a key; whether the ring lacks it shows when it is checked.
    fn lacks(users: &Users, kid: &str) -> bool {
        use base64::Engine;
        let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let header = encode(format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#));
        users.keys().asked_for_more();
        let _ = users.check(&format!("{header}.{}.AAAA", encode("{}".to_owned())), SystemTime::now());
        users.keys().misses_one()
    }

    #[test]
    fn a_source_is_a_file_or_a_safe_address() {
        assert_eq!("keys.json".parse(), Ok(KeySource::File("keys.json".into())));
        assert_eq!("https://id.example/keys".parse(), Ok(KeySource::Url("https://id.example/keys".into())));
        assert!("http://127.0.0.1:8080/keys".parse::<KeySource>().is_ok());
        assert!("http://id.example/keys".parse::<KeySource>().is_err());
    }

    #[test]
    fn a_file_that_is_replaced_is_read_again_and_a_damaged_one_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        let source = KeySource::File(path.clone());
        assert!(users(&source, folder.path(), None).is_err(), "there is none");
        std::fs::write(&path, jwks("one")).unwrap();
        let (users, _watch) = users(&source, folder.path(), None).unwrap();
        assert!(!lacks(&users, "one") && lacks(&users, "another"));
        let until = |what: &str, is_so: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !is_so() {
                assert!(begun.elapsed() < Duration::from_secs(60), "not in time: {what}");
                std::thread::sleep(Duration::from_millis(50));
            }
        };
        // Written in two steps, as editors do.
        std::fs::write(&path, "{").unwrap();
        std::fs::write(&path, jwks("another")).unwrap();
        until("the other key", &|| !lacks(&users, "another"));
        assert!(lacks(&users, "one"));
        assert!(!folder.path().join(KEPT).exists(), "a file is kept where it is");
    }

    #[test]
    fn keys_of_an_address_are_asked_for_again_and_kept_for_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let url = sign_on(vec![(200, jwks("one")), (500, String::new()), (200, "{}".into()), (200, jwks("two"))]);
        let source = KeySource::Url(url.clone());
        let (users, watch) = users(&source, folder.path(), None).unwrap();
        drop(watch);
        assert!(!lacks(&users, "one"));
        let asked = Instant::now().checked_sub(ASK).unwrap();
        let (ring, http, kept) = (users.keys(), Http::new(None).unwrap(), folder.path().join(KEPT));
        let mut watch = Watch { ring, source: source.clone(), http, kept, stamp: None, asked, told: String::new() };
        for why in ["500", "no keys"] {
            watch.asked = asked;
            watch.look();
            assert!(watch.told.contains(why), "{}", watch.told);
            assert!(!lacks(&users, "one"), "the last ones hold");
        }
        // A token that names a key which is not there makes it ask sooner, but not at once.
        assert!(lacks(&users, "two"));
        watch.look();
        assert!(lacks(&users, "two"), "it was asked a moment ago");
        watch.asked = Instant::now().checked_sub(ASK_AGAIN).unwrap();
        watch.look();
        assert!(!lacks(&users, "two") && watch.told.is_empty());
        // Nobody answers there any more.
        let (users, _watch) = super::users(&source, folder.path(), None).unwrap();
        assert!(!lacks(&users, "two"));
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(super::users(&source, elsewhere.path(), None).is_err());
    }
}
