//! AWS Signature Version 4 of a request ("Signature Version 4 signing process", AWS General Reference).

use super::date;
use aws_lc_rs::{digest, hmac};
use rr_fleet::Time;

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Names the key.
    pub access: String,
    /// Signs.
    pub secret: String,
    /// Of keys that expire.
    pub session: Option<String>,
    /// When they do.
    pub expires: Option<Time>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.access)
    }
}

/// A POST to `/` without a query, which is all that AWS's query and JSON protocols need.
pub struct Post<'a> {
    /// Host, and port where it is not the usual one, as in the header.
    pub host: &'a str,
    /// As `us-east-1`.
    pub region: &'a str,
    /// As `ec2`.
    pub service: &'a str,
    /// Headers to sign beside host and date: lower case, sorted below.
    pub headers: &'a [(&'a str, &'a str)],
    /// What is sent.
    pub body: &'a [u8],
}

/// Headers that make the request a signed one.
pub fn sign(keys: &Keys, at: Time, post: &Post<'_>) -> Vec<(&'static str, String)> {
    let stamp = date::stamp(at);
    let day = stamp.get(..8).unwrap_or_default();
    let mut headers: Vec<(&str, &str)> = post.headers.to_vec();
    headers.extend([("host", post.host), ("x-amz-date", &stamp)]);
    headers.extend(keys.session.as_deref().map(|session| ("x-amz-security-token", session)));
    headers.sort_unstable();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut canonical = "POST\n/\n\n".to_owned();
    for (name, value) in &headers {
        canonical.push_str(&format!("{name}:{}\n", value.trim()));
    }
    canonical.push_str(&format!("\n{names}\n{}", hex::encode(digest::digest(&digest::SHA256, post.body).as_ref())));
    let scope = format!("{day}/{}/{}/aws4_request", post.region, post.service);
    let hash = hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
    let mut key = mac(format!("AWS4{}", keys.secret).as_bytes(), day);
    for part in [post.region, post.service, "aws4_request"] {
        key = mac(key.as_ref(), part);
    }
    let signature = hex::encode(mac(key.as_ref(), &text));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}", keys.access);
    let mut signed = vec![("authorization", authorization)];
    signed.extend(keys.session.clone().map(|session| ("x-amz-security-token", session)));
    signed.push(("x-amz-date", stamp));
    signed
}

/// SHA-256 in hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(session: Option<&str>) -> Keys {
        Keys {
            access: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session: session.map(str::to_owned),
            expires: None,
        }
    }

    fn signature(keys: &Keys, headers: &[(&str, &str)], body: &[u8]) -> String {
        let post = Post { host: "example.amazonaws.com", region: "us-east-1", service: "service", headers, body };
        let at = date::parse("2015-08-30T12:36:00Z").unwrap();
        let signed = sign(keys, at, &post);
        signed[0].1.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// `post-vanilla` and `post-x-www-form-urlencoded` of AWS's test suite for Signature Version 4.
    #[test]
    fn signatures_are_those_of_the_test_suite() {
        let vanilla = signature(&keys(None), &[], b"");
        assert_eq!(vanilla, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let form = signature(&keys(None), &form, b"Param1=value1");
        assert_eq!(form, "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
        assert_ne!(signature(&keys(Some("session")), &[], b""), vanilla);
    }

    #[test]
    fn keys_show_no_secret() {
        assert_eq!(format!("{:?}", keys(Some("session"))), "Keys(AKIDEXAMPLE)");
    }
}
