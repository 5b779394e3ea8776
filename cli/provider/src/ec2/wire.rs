//! Signed requests: AWS's query protocol and its JSON one, with retries that leave a throttling service alone.

use super::environment::{Environment, Profiles};
use super::sign::{self, Keys, Post};
use super::xml::{self, Node};
use super::{codes, imds::Imds};
use crate::http::{Answer, Http, host_of};
use crate::{Kind, ProviderError};
use rand::Rng;
use rr_fleet::Time;
use std::fmt::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often and when a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Requests in all.
    pub attempts: u32,
    /// Longest wait before the second; doubled each time.
    pub first: Duration,
    /// Longest wait at all.
    pub longest: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self { attempts: 6, first: Duration::from_millis(500), longest: Duration::from_secs(10) }
    }
}

impl Retries {
    /// As usual, or as often as `AWS_MAX_ATTEMPTS` says.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let usual = Self::default();
        let attempts = environment.get("AWS_MAX_ATTEMPTS").and_then(|text| text.parse().ok());
        Self { attempts: attempts.unwrap_or(usual.attempts).clamp(1, 20), ..usual }
    }
}

/// The way to AWS in one region.
#[derive(Debug)]
pub(super) struct Wire {
    http: Http,
    environment: Environment,
    profiles: Profiles,
    profile: String,
    region: String,
    retries: Retries,
    /// The service wants to be left alone until then, by whatever request it said so.
    not_before: Mutex<Option<Instant>>,
}

/// Parameters of a query, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Params(pub Vec<(String, String)>);

impl Params {
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// `Filter.<number>.Name` and its values.
    pub fn filter(&mut self, number: usize, name: &str, values: &[&str]) {
        self.add(format!("Filter.{number}.Name"), name);
        for (index, value) in values.iter().enumerate() {
            self.add(format!("Filter.{number}.Value.{}", index + 1), *value);
        }
    }
}

impl Wire {
    pub fn open(
        environment: Environment,
        profiles: Profiles,
        chosen_profile: Option<&str>,
        region: Option<&str>,
        retries: Retries,
    ) -> Result<Self, ProviderError> {
        let what = "cannot talk to AWS";
        let http = Http::new(environment.get("AWS_CA_BUNDLE").map(Path::new))
            .map_err(|said| ProviderError::other(what, said, "check AWS_CA_BUNDLE"))?;
        let profile = chosen_profile.or_else(|| environment.get("AWS_PROFILE"));
        let profile = profile.or_else(|| environment.get("AWS_DEFAULT_PROFILE")).unwrap_or("default").to_owned();
        let named = region.or_else(|| environment.get("AWS_REGION"));
        let named = named.or_else(|| environment.get("AWS_DEFAULT_REGION"));
        let named = named.or_else(|| profiles.get(&profile, "region")).map(str::to_owned);
        let region =
            named.or_else(|| Imds::of(&environment, &http)?.get("placement/region").ok()).ok_or_else(|| {
                ProviderError::other(what, "no region is named", "set --region, region in rrctl.toml, or AWS_REGION")
            })?;
        // It becomes part of a host's name.
        if !is_region(&region) {
            let said = format!("\"{region}\" is no region");
            return Err(ProviderError::other(what, said, "regions are named as us-east-1 or eu-central-1"));
        }
        Ok(Self { http, environment, profiles, profile, region, retries, not_before: Mutex::default() })
    }

    pub fn http(&self) -> &Http {
        &self.http
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// Where a service is.
    pub fn endpoint(&self, service: &str) -> String {
        let environment = &self.environment;
        let set = if environment.is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            None
        } else {
            let own = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
            let set = environment.get(&own).or_else(|| environment.get("AWS_ENDPOINT_URL"));
            set.or_else(|| self.profiles.endpoint(&self.profile, service))
        };
        match set {
            Some(url) => format!("{}/", url.trim_end_matches('/')),
            None => {
                let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
                format!("https://{service}.{}.amazonaws.com{china}/", self.region)
            }
        }
    }

    /// The answer to an action of the query protocol. Without keys the request is not signed.
    pub fn query(
        &self,
        service: &str,
        version: &str,
        action: &str,
        params: &Params,
        keys: Option<&Keys>,
        what: &str,
    ) -> Result<Node, ProviderError> {
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in &params.0 {
            body.push('&');
            encode(&mut body, name);
            body.push('=');
            encode(&mut body, value);
        }
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let answer = self.send(service, &headers, body.as_bytes(), keys, what, |answer| {
            let tree = xml::parse(&answer.body);
            let error = tree.as_ref().ok().and_then(|node| node.find("Error"));
            let text = |name: &str| error.and_then(|node| node.at(name)).unwrap_or_default().to_owned();
            (text("Code"), text("Message"))
        })?;
        xml::parse(&answer.body).map_err(|said| {
            let advice = "is something between here and AWS that answers instead of it?";
            ProviderError::new(Kind::Network, what, format!("the answer is not readable: {said}"), advice)
        })
    }

    /// The answer to an action of the JSON protocol (version 1.1).
    pub fn json(
        &self,
        service: &str,
        target: &str,
        body: &serde_json::Value,
        keys: &Keys,
        what: &str,
    ) -> Result<serde_json::Value, ProviderError> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let answer = self.send(service, &headers, body.to_string().as_bytes(), Some(keys), what, |answer| {
            let tree: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
            let text = |names: [&str; 2]| names.iter().find_map(|name| tree[name].as_str()).unwrap_or_default();
            let code = text(["__type", "code"]);
            let code = code.rsplit('#').next().unwrap_or_default();
            (code.to_owned(), text(["message", "Message"]).to_owned())
        })?;
        serde_json::from_str(&answer.body).map_err(|error| {
            ProviderError::new(Kind::Network, what, format!("the answer is not readable: {error}"), "")
        })
    }

    fn send(
        &self,
        service: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        keys: Option<&Keys>,
        what: &str,
        said: impl Fn(&Answer) -> (String, String),
    ) -> Result<Answer, ProviderError> {
        let url = self.endpoint(service);
        let mut attempt = 1;
        loop {
            self.wait();
            let now = Time::from(SystemTime::now());
            let mut all: Vec<(&str, String)> =
                headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            all.push(("host", host_of(&url).to_owned()));
            if let Some(keys) = keys {
                let post = Post { host: host_of(&url), region: &self.region, service, headers, body };
                all.extend(sign::sign(keys, now, &post));
            }
            let (error, retry_after) = match self.http.post(&url, &all, body) {
                Ok(answer) if answer.status < 300 => return Ok(answer),
                Ok(answer) => {
                    let (code, message) = said(&answer);
                    (codes::error(what, &code, &message, answer.status), answer.retry_after)
                }
                Err(said) => {
                    let advice = format!(
                        "check the network, and that there is a region {}; call again, nothing is done twice",
                        self.region
                    );
                    (ProviderError::new(Kind::Network, what, said, advice), None)
                }
            };
            let same_again = error.said.contains("IdempotentParameterMismatch");
            if same_again || attempt >= self.retries.attempts || !matches!(error.kind, Kind::Throttled | Kind::Network)
            {
                return Err(error);
            }
            // Full jitter: many who were refused at once do not come back at once.
            let most = self.retries.first.saturating_mul(1 << (attempt - 1).min(16)).min(self.retries.longest);
            let pause = most.mul_f64(rand::rng().random::<f64>()).max(retry_after.unwrap_or_default());
            if error.kind == Kind::Throttled {
                let mut not_before = self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
                *not_before = not_before.max(Some(Instant::now() + pause));
            } else {
                std::thread::sleep(pause);
            }
            attempt += 1;
        }
    }

    fn wait(&self) {
        let until = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pause) = until.and_then(|until| until.checked_duration_since(Instant::now())) {
            std::thread::sleep(pause);
        }
    }
}

/// As `us-east-1` or `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            let number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
            number && (2..=4).contains(&words.len()) && words.iter().all(word) && text.len() <= 32
        }
        None => false,
    }
}

/// RFC 3986: all but the unreserved characters.
fn encode(text: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // A string takes everything.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_what_is_none() {
        for region in ["us-east-1", "eu-central-2", "us-gov-west-1", "ap-southeast-7", "eusc-de-east-1"] {
            assert!(is_region(region), "{region}");
        }
        for wrong in ["", "frankfurt", "us-east", "us-east-1a", "evil.example/-1", "a-b-c-d-e-f-1"] {
            assert!(!is_region(wrong), "{wrong}");
        }
    }

    #[test]
    fn values_are_encoded() {
        let mut text = String::new();
        encode(&mut text, "a b+ä/~");
        assert_eq!(text, "a%20b%2B%C3%A4%2F~");
    }
}
