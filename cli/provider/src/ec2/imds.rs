//! What a machine of EC2 knows of itself (instance metadata, version 2 only: with a token).

use super::environment::Environment;
use crate::http::Http;
use std::time::Duration;

const TOKEN_SECS: &str = "21600";

/// The metadata service, if there may be one.
pub struct Imds<'a> {
    http: &'a Http,
    base: String,
    within: Duration,
}

impl<'a> Imds<'a> {
    /// `None` when it is switched off.
    pub fn of(environment: &Environment, http: &'a Http) -> Option<Self> {
        if environment.is_on("AWS_EC2_METADATA_DISABLED") {
            return None;
        }
        let six = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let usual = match six {
            Some(mode) if mode.eq_ignore_ascii_case("ipv6") => "http://[fd00:ec2::254]",
            _ => "http://169.254.169.254",
        };
        let base = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(usual).trim_end_matches('/');
        let secs = environment.get("AWS_METADATA_SERVICE_TIMEOUT").and_then(|secs| secs.parse().ok()).unwrap_or(1);
        Some(Self { http, base: base.to_owned(), within: Duration::from_secs(secs) })
    }

    /// A value, as of `placement/region`.
    ///
    /// # Errors
    /// There is no such service or value, in words.
    pub fn get(&self, path: &str) -> Result<String, String> {
        let ttl = [("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECS.to_owned())];
        let token = self.http.direct("PUT", &format!("{}/latest/api/token", self.base), &ttl, self.within)?;
        if token.status != 200 {
            return Err(format!("the metadata service gives no token (status {})", token.status));
        }
        let token = [("x-aws-ec2-metadata-token", token.body)];
        let answer = self.http.direct("GET", &format!("{}/latest/meta-data/{path}", self.base), &token, self.within)?;
        match answer.status {
            200 => Ok(answer.body.trim().to_owned()),
            404 => Err(format!("the metadata service has no {path}")),
            status => Err(format!("the metadata service answers {status} for {path}")),
        }
    }
}
