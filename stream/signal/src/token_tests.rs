//! Tokens: issued, tampered with, expired, withdrawn.

use super::*;
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

fn at(secs: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(secs)
}

#[test]
fn a_link_says_what_was_put_in() {
    let key = TokenKey::generate().unwrap();
    for role in [Role::Viewer, Role::Engineer, Role::Admin] {
        let issued = key.issue(role, HOUR, at(1000)).unwrap();
        assert_eq!((issued.claims.role, issued.claims.exp), (role, 4600));
        assert_eq!(key.verify(&issued.token, at(1000)), Ok(issued.claims));
        assert!(issued.token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{}", issued.token);
    }
    let ids = [(); 2].map(|()| key.issue(Role::Viewer, HOUR, at(0)).unwrap().claims.id);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn it_expires() {
    let key = TokenKey::generate().unwrap();
    let token = key.issue(Role::Viewer, HOUR, at(1000)).unwrap().token;
    assert!(key.verify(&token, at(4600)).is_ok());
    assert_eq!(key.verify(&token, at(4601)), Err(TokenError::Expired));
    let forever = key.issue(Role::Viewer, Duration::MAX, at(1000)).unwrap();
    assert_eq!(forever.claims.exp, u64::MAX);
}

#[test]
fn another_key_refuses_it() {
    let token = TokenKey::generate().unwrap().issue(Role::Admin, HOUR, at(0)).unwrap().token;
    assert_eq!(TokenKey::generate().unwrap().verify(&token, at(0)), Err(TokenError::BadSignature));
}

#[test]
fn any_changed_or_missing_byte_is_refused() {
    let key = TokenKey::generate().unwrap();
    let token = key.issue(Role::Viewer, HOUR, at(0)).unwrap().token;
    for i in 0..token.len() {
        for replacement in [b'A', b'B', b'.', b'=', b'~', 0, b'\n'] {
            let mut bytes = token.clone().into_bytes();
            if bytes[i] != replacement {
                bytes[i] = replacement;
                assert!(key.verify(std::str::from_utf8(&bytes).unwrap(), at(0)).is_err(), "byte {i}");
            }
        }
        assert!(key.verify(&token[..i], at(0)).is_err(), "cut at {i}");
        assert!(key.verify(&token[i + 1..], at(0)).is_err(), "from {}", i + 1);
    }
    assert_eq!(key.verify(&format!("{token}="), at(0)), Err(TokenError::Malformed));
    assert_eq!(key.verify(&format!("{token}AA"), at(0)), Err(TokenError::Malformed));
}

#[test]
fn the_signature_does_not_carry_over_to_other_claims() {
    let key = TokenKey::generate().unwrap();
    let token = key.issue(Role::Viewer, HOUR, at(0)).unwrap().token;
    let mac = token.split_once('.').unwrap().1;
    let forged = BASE64.encode(r#"{"role":"admin","exp":99999999999,"id":"x"}"#);
    assert_eq!(key.verify(&format!("{forged}.{mac}"), at(0)), Err(TokenError::BadSignature));
    let unsigned = format!("{forged}.{}", BASE64.encode([0; 32]));
    assert_eq!(key.verify(&unsigned, at(0)), Err(TokenError::BadSignature));
}

#[test]
fn well_signed_nonsense_is_malformed() {
    let key = TokenKey::generate().unwrap();
    let long_id = format!(r#"{{"role":"viewer","exp":9,"id":"{}"}}"#, "x".repeat(65));
    for payload in
        ["", "{}", "[]", r#"{"role":"boss","exp":9,"id":"a"}"#, r#"{"role":"viewer","exp":-1,"id":"a"}"#, &long_id]
    {
        let encoded = BASE64.encode(payload);
        let mac = hmac::sign(&key.state.read().unwrap().hmac, signed(&encoded).as_bytes());
        let token = format!("{encoded}.{}", BASE64.encode(mac));
        assert_eq!(key.verify(&token, at(0)), Err(TokenError::Malformed), "{payload}");
    }
}

#[test]
fn nonsense_and_huge_tokens_are_malformed() {
    let key = TokenKey::generate().unwrap();
    let huge = "A".repeat(100_000_000);
    for token in ["", ".", "..", "a.b.c", "token", "+/.+/", "ä.ö", "AA==.AA==", "AA.AA", &huge, &format!("{huge}.AA")]
    {
        assert_eq!(key.verify(token, at(0)), Err(TokenError::Malformed));
    }
}

#[test]
fn a_withdrawn_link_is_refused_and_the_others_work() {
    let key = TokenKey::generate().unwrap();
    let (one, two) = (key.issue(Role::Viewer, HOUR, at(0)).unwrap(), key.issue(Role::Viewer, HOUR, at(0)).unwrap());
    key.revoke(&one.claims, at(0)).unwrap();
    key.revoke(&one.claims, at(0)).unwrap();
    assert_eq!(key.verify(&one.token, at(0)), Err(TokenError::Revoked));
    assert!(key.verify(&two.token, at(0)).is_ok());
    assert_eq!(key.revoked_ids(), [one.claims.id]);
    // Forgotten once it has expired, and refused all the same.
    key.revoke(&two.claims, at(4000)).unwrap();
    assert_eq!(key.revoked_ids(), [two.claims.id]);
    assert_eq!(key.verify(&one.token, at(4000)), Err(TokenError::Expired));
    key.rotate().unwrap();
    assert_eq!(key.verify(&two.token, at(0)), Err(TokenError::BadSignature));
}

#[test]
fn withdrawn_links_are_bounded() {
    let key = TokenKey::generate().unwrap();
    let claims = |i: usize| Claims { role: Role::Viewer, exp: 10, id: i.to_string() };
    key.state.write().unwrap().revoked = (0..MAX_REVOKED).map(|i| Revoked { id: i.to_string(), exp: 10 }).collect();
    assert!(matches!(key.revoke(&claims(MAX_REVOKED), at(0)), Err(KeyError::TooManyRevoked)));
    key.revoke(&claims(MAX_REVOKED), at(11)).unwrap();
}

#[test]
fn links_and_withdrawals_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config/share.key");
    let key = TokenKey::load_or_create(&path).unwrap();
    let (good, bad) = (key.issue(Role::Engineer, HOUR, at(0)).unwrap(), key.issue(Role::Viewer, HOUR, at(0)).unwrap());
    key.revoke(&bad.claims, at(0)).unwrap();
    drop(key);
    let key = TokenKey::load_or_create(&path).unwrap();
    assert_eq!(key.verify(&good.token, at(5)), Ok(good.claims));
    assert_eq!(key.verify(&bad.token, at(5)), Err(TokenError::Revoked));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
}

#[cfg(unix)]
#[test]
fn the_key_file_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("share.key");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    TokenKey::load_or_create(&path).unwrap();
    assert_eq!(mode(), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    TokenKey::load_or_create(&path).unwrap();
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_damaged_key_file_is_an_error_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("share.key");
    for content in ["", "{}", r#"{"key":"AAAA"}"#, r#"{"key":"?"}"#, "\0\0"] {
        std::fs::write(&path, content).unwrap();
        assert!(matches!(TokenKey::load_or_create(&path), Err(KeyError::Damaged(_))), "{content:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    let message = TokenKey::load_or_create(&path).unwrap_err().to_string();
    assert!(message.contains("share.key") && message.contains("delete it"), "{message}");
    assert!(matches!(TokenKey::load_or_create(dir.path()), Err(KeyError::File { .. })));
}

#[test]
fn debug_output_keeps_the_secret() {
    let key = TokenKey::generate().unwrap();
    key.state.write().unwrap().secret = [0xAB; 32];
    assert!(!format!("{key:?}").to_lowercase().contains("171"));
}

proptest! {
    #[test]
    fn arbitrary_text_never_passes(token in "\\PC{0,600}") {
        prop_assert!(TokenKey::generate().unwrap().verify(&token, at(0)).is_err());
    }

    #[test]
    fn any_bit_flip_is_refused(bit in 0usize..900, exp in any::<u32>()) {
        let key = TokenKey::generate().unwrap();
        let mut bytes = key.issue(Role::Viewer, Duration::from_secs(u64::from(exp)), at(0)).unwrap().token.into_bytes();
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            prop_assert!(key.verify(text, at(0)).is_err());
        }
    }
}
