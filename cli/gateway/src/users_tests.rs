//! Tokens that are good, and the many that are not.
#![allow(clippy::unwrap_used)]

use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

const SECRET: &str = "a secret of thirty-two bytes or more";

fn at(secs: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(secs)
}

fn users() -> Users {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, format!("{SECRET}\n")).unwrap();
    Users::with_secret(&path).unwrap()
}

fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature = BASE64.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn hs256(claims: &Value) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    token(&json!({ "alg": "HS256", "typ": "JWT" }), claims, |signed| hmac::sign(&key, signed).as_ref().to_vec())
}

#[test]
fn the_example_of_the_standard_is_checked_as_it_says() {
    // RFC 7515, A.1: an HS256 token with its key.
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = Check::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &BASE64.decode(key).unwrap())));
    let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = BASE64.decode("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    assert!(key.holds("HS256", text.as_bytes(), &signature));
    assert!(!key.holds("HS256", &text.as_bytes()[1..], &signature));
}

#[test]
fn the_example_of_the_standard_for_rsa_is_checked_as_it_says() {
    // RFC 7515, A.2: an RS256 token and the public half of its key.
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC\
             gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg66\
             5xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyu\
             XpoQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF\
                     9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383L\
                     cOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWyw\
                     lVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let text = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0\
                cnVlfQ";
    let jwks = json!({ "keys": [{ "kty": "RSA", "kid": "rsa", "n": n, "e": "AQAB" }] });
    let users = Users::with_jwks(jwks.to_string().as_bytes()).unwrap();
    let keys = users.keys.now();
    let [key] = &*keys else { panic!("one key") };
    let signature = BASE64.decode(signature).unwrap();
    assert!(key.check.holds("RS256", text.as_bytes(), &signature));
    assert!(!key.check.holds("RS256", &text.as_bytes()[1..], &signature));
    assert!(!key.check.holds("ES256", text.as_bytes(), &signature), "by another name");
    // Its claims name nobody.
    assert_eq!(users.check(&format!("{text}.{}", BASE64.encode(&signature)), at(1)), Err(Denied::Claims));
}

#[test]
fn roles_are_of_everywhere_or_of_a_project() {
    let claims = json!({ "sub": "ada", "exp": 1000, "role": "viewer", "projects": { "hall-3": "engineer" } });
    let user = users().check(&hs256(&claims), at(1)).unwrap();
    assert_eq!((user.role_in("hall-3"), user.role_in("hall-4")), (Some(Role::Engineer), Some(Role::Viewer)));
    assert!(!user.is_admin());
    let nobody = users().check(&hs256(&json!({ "sub": "bob", "exp": 1000 })), at(1)).unwrap();
    assert_eq!(nobody.role_in("hall-3"), None);
}

#[test]
fn time_counts_with_a_minute_for_clocks() {
    let of = |now| users().check(&hs256(&json!({ "sub": "ada", "exp": 1000, "nbf": 500 })), at(now)).err();
    assert_eq!((of(439), of(440), of(1060), of(1061)), (Some(Denied::Early), None, None, Some(Denied::Expired)));
}

#[test]
fn what_is_forged_or_damaged_is_denied() {
    let users = users();
    let good = hs256(&json!({ "sub": "ada", "exp": 1000 }));
    assert!(users.check(&good, at(1)).is_ok());
    for at_byte in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at_byte] ^= 2;
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(users.check(&changed, at(1)).is_err(), "byte {at_byte}");
        }
    }
    let claims = json!({ "sub": "ada", "exp": 1000, "role": "admin" });
    let unsigned = token(&json!({ "alg": "none" }), &claims, |_| Vec::new());
    assert_eq!(users.check(&unsigned, at(1)), Err(Denied::Signature));
    let critical = token(&json!({ "alg": "HS256", "crit": ["x"] }), &claims, |signed| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed).as_ref().to_vec()
    });
    assert_eq!(users.check(&critical, at(1)), Err(Denied::Signature));
    for claims in [json!({ "exp": 1000 }), json!({ "sub": "ada" }), json!({ "sub": "", "exp": 1000 }), json!([])] {
        assert_eq!(users.check(&hs256(&claims), at(1)), Err(Denied::Claims), "{claims}");
    }
    for wrong in ["", "a", "a.b", "a.b.c", "..", &"x".repeat(MAX_JWT_LEN + 1)] {
        assert_eq!(users.check(wrong, at(1)), Err(Denied::Missing), "{wrong:.10}");
    }
}

#[test]
fn tokens_for_others_are_denied() {
    let ours = users().meant_for(Some("plant".into()), Some("render".into()));
    let of = |iss: &str, aud: Value| {
        ours.check(&hs256(&json!({ "sub": "ada", "exp": 1000, "iss": iss, "aud": aud })), at(1)).err()
    };
    assert_eq!(of("plant", json!("render")), None);
    assert_eq!(of("plant", json!(["mail", "render"])), None);
    assert_eq!(of("plant", json!("mail")), Some(Denied::Foreign));
    assert_eq!(of("other", json!("render")), Some(Denied::Foreign));
}

#[test]
fn public_keys_check_what_theirs_signed_and_are_no_secrets() {
    let rng = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
    let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    let point = ec.public_key().as_ref();
    let jwks = json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "kid": "one", "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..]) },
        { "kty": "OKP", "crv": "Ed25519", "kid": "two", "x": BASE64.encode(ed.public_key().as_ref()) },
        { "kty": "oct", "kid": "three", "k": "AAAA" },
    ] });
    let users = Users::with_jwks(jwks.to_string().as_bytes()).unwrap();
    let claims = json!({ "sub": "ada", "exp": 1000 });
    let by_ec = |kid: &str| {
        let header = json!({ "alg": "ES256", "kid": kid });
        token(&header, &claims, |signed| ec.sign(&rng, signed).unwrap().as_ref().to_vec())
    };
    assert!(users.check(&by_ec("one"), at(1)).is_ok());
    assert_eq!(users.check(&by_ec("two"), at(1)), Err(Denied::Signature));
    let by_ed = token(&json!({ "alg": "EdDSA", "kid": "two" }), &claims, |signed| ed.sign(signed).as_ref().to_vec());
    assert!(users.check(&by_ed, at(1)).is_ok());
    // The old trick: the public key as the secret of an HMAC.
    let confused = token(&json!({ "alg": "HS256", "kid": "one" }), &claims, |signed| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, point), signed).as_ref().to_vec()
    });
    assert_eq!(users.check(&confused, at(1)), Err(Denied::Signature));
    assert!(Users::with_jwks(br#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#).is_none());

    // Keys are exchanged while the gateway runs; what is none leaves those that are there.
    let ring = users.keys();
    assert!(!ring.misses_one());
    assert_eq!(users.check(&by_ec("later"), at(1)), Err(Denied::Signature));
    assert!(ring.misses_one());
    ring.asked_for_more();
    assert!(!ring.misses_one() && !ring.renew(b"{}") && users.check(&by_ec("one"), at(1)).is_ok());
    let later = jwks.to_string().replace("\"one\"", "\"later\"");
    assert!(ring.renew(later.as_bytes()));
    assert!(users.check(&by_ec("later"), at(1)).is_ok());
    assert_eq!(users.check(&by_ec("one"), at(1)), Err(Denied::Signature));
}
