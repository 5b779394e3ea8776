//! Certificates: made, kept, renewed, refused.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn today() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

#[test]
fn the_certificate_is_kept_until_it_is_about_to_expire() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("tls");
    let get = |now| self_signed(&dir, names(&["localhost"]), now).unwrap().fingerprint;
    let first = get(today());
    assert_eq!(first.len(), 32 * 3 - 1);
    assert_eq!(get(today() + 360 * DAY), first);
    let second = get(today() + 370 * DAY);
    assert_ne!(second, first);
    assert_eq!(get(today() + 371 * DAY), second);
    // A clock that was years ahead when it was made.
    assert_ne!(get(today()), second);
}

#[test]
fn a_new_address_makes_a_new_certificate_that_keeps_the_names_of_before() {
    let dir = tempfile::tempdir().unwrap();
    let get = |list: &[&str]| self_signed(dir.path(), names(list), today()).unwrap().fingerprint;
    let first = get(&["localhost", "10.0.0.1"]);
    assert_eq!(get(&["localhost"]), first, "fewer names need no new one");
    let second = get(&["localhost", "10.0.0.2"]);
    assert_ne!(second, first);
    assert_eq!(get(&["localhost", "10.0.0.1"]), second, "back in the first network");
    for n in 0..100 {
        get(&[&format!("10.0.1.{n}")]);
    }
    let stored: Stored = serde_json::from_slice(&std::fs::read(dir.path().join(STORE)).unwrap()).unwrap();
    assert!(stored.names.len() <= MAX_NAMES, "{}", stored.names.len());
}

#[test]
fn a_damaged_store_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let get = || self_signed(dir.path(), names(&["localhost"]), today()).unwrap().fingerprint;
    let first = get();
    let path = dir.path().join(STORE);
    let good = std::fs::read_to_string(&path).unwrap();
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let mut mixed: Stored = serde_json::from_str(&good).unwrap();
    mixed.key = other_key;
    for bad in [String::new(), "{}".into(), good[..good.len() / 2].into(), serde_json::to_string(&mixed).unwrap()] {
        std::fs::write(&path, bad).unwrap();
        assert_ne!(get(), first);
    }
}

#[cfg(unix)]
#[test]
fn the_private_key_is_the_owners_alone_and_the_certificate_can_be_installed() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    self_signed(dir.path(), names(&["localhost"]), today()).unwrap();
    assert_eq!(std::fs::metadata(dir.path().join(STORE)).unwrap().permissions().mode() & 0o777, 0o600);
    let public = std::fs::read_to_string(dir.path().join(PUBLIC)).unwrap();
    assert!(public.starts_with("-----BEGIN CERTIFICATE-----") && !public.contains("PRIVATE"));
}

#[test]
fn bad_names_and_folders_are_clear_errors() {
    let dir = tempfile::tempdir().unwrap();
    for bad in ["", "two words", "a/b", "ä", "-"] {
        let error = self_signed(dir.path(), names(&["localhost", bad]), today()).unwrap_err();
        assert!(matches!(&error, TlsError::Name(name) if name == bad), "{bad:?}: {error}");
    }
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = self_signed(&file.join("dir"), names(&["localhost"]), today()).unwrap_err();
    assert!(matches!(&error, TlsError::File { .. }) && error.to_string().contains("file"), "{error}");
}

#[test]
fn own_files_work_and_wrong_ones_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let made = make(names(&["plant.example"]), today()).unwrap();
    let (cert, key) = (file("host.pem", &made.certificate), file("host.key", &made.key));
    assert_eq!(from_files(&cert, &key).unwrap().fingerprint.len(), 95);

    let message = |cert: &Path, key: &Path| from_files(cert, key).unwrap_err().to_string();
    assert!(message(&key, &key).contains("host.key holds no certificate"));
    assert!(message(&cert, &cert).contains("host.pem holds no private key"));
    assert!(message(&dir.path().join("gone.pem"), &key).contains("cannot read"));
    let other = file("other.key", &make(names(&["plant.example"]), today()).unwrap().key);
    assert!(message(&cert, &other).contains("cannot be used"), "{}", message(&cert, &other));
    let empty = file("empty.pem", "");
    assert!(message(&empty, &key).contains("empty.pem holds no certificate"));
}

#[test]
fn the_machines_own_names_are_covered() {
    let own = own_names("10.1.2.3".parse().unwrap());
    assert!(own.is_superset(&names(&["localhost", "127.0.0.1", "::1", "10.1.2.3"])), "{own:?}");
    let all = own_names("0.0.0.0".parse().unwrap());
    assert!(!all.contains("0.0.0.0"));
    assert!(own.iter().chain(&all).all(|name| ServerName::try_from(name.as_str()).is_ok()), "{own:?} {all:?}");
}
