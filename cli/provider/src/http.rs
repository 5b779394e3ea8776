//! HTTP and HTTPS, blocking, on the TLS stack that the workspace has.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, http::Request};

/// A list of thousands of machines is a tenth of this.
const MOST_BYTES: u64 = 64 << 20;
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// As text; what is none is replaced.
    pub body: String,
    /// The server wants to be left alone for so long.
    pub retry_after: Option<Duration>,
}

/// Connections, kept between calls.
#[derive(Debug)]
pub struct Http {
    /// By the proxy of the environment, if it names one.
    proxied: Agent,
    /// To this machine, and to what only it can reach.
    direct: Agent,
}

impl Http {
    /// `ca_bundle`: certificates to trust instead of the public ones.
    ///
    /// # Errors
    /// The bundle cannot be read, in words.
    pub fn new(ca_bundle: Option<&Path>) -> Result<Self, String> {
        let roots = match ca_bundle {
            Some(path) => {
                let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                let certificates: Vec<Certificate<'static>> = parse_pem(&text)
                    .filter_map(|item| match item {
                        Ok(PemItem::Certificate(certificate)) => Some(certificate),
                        _ => None,
                    })
                    .collect();
                if certificates.is_empty() {
                    return Err(format!("{} holds no certificate", path.display()));
                }
                RootCerts::new_with_certs(&certificates)
            }
            None => RootCerts::WebPki,
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder().root_certs(roots).unversioned_rustls_crypto_provider(provider).build();
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                // A signature is for one host.
                .max_redirects(0)
                .max_redirects_will_error(false)
                .timeout_global(Some(ANSWERS_WITHIN))
                .timeout_connect(Some(Duration::from_secs(5)))
                .user_agent(concat!("remote-render/", env!("CARGO_PKG_VERSION")))
                .tls_config(tls.clone())
        };
        Ok(Self { proxied: config().build().new_agent(), direct: config().proxy(None).build().new_agent() })
    }

    /// # Errors
    /// There was no answer, in words.
    pub fn post(&self, url: &str, headers: &[(&str, String)], body: &[u8]) -> Result<Answer, String> {
        let agent = if is_here(url) { &self.direct } else { &self.proxied };
        send(agent, "POST", url, headers, body, (ANSWERS_WITHIN, MOST_BYTES))
    }

    /// An answer of more than `most` bytes is none.
    ///
    /// # Errors
    /// There was no answer, in words.
    pub fn get(&self, url: &str, within: Duration, most: u64) -> Result<Answer, String> {
        let agent = if is_here(url) { &self.direct } else { &self.proxied };
        send(agent, "GET", url, &[], &[], (within, most))
    }

    /// To what only this machine can reach, without a proxy.
    ///
    /// # Errors
    /// There was no answer, in words.
    pub fn direct(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, String)],
        within: Duration,
    ) -> Result<Answer, String> {
        send(&self.direct, method, url, headers, &[], (within, MOST_BYTES))
    }
}

fn send(
    agent: &Agent,
    method: &str,
    url: &str,
    headers: &[(&str, String)],
    body: &[u8],
    (within, most): (Duration, u64),
) -> Result<Answer, String> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let run = |error: ureq::Error| match error {
        ureq::Error::HostNotFound => format!("there is no host {}", host_of(url)),
        ureq::Error::Timeout(_) => format!("{} does not answer in time", host_of(url)),
        error => format!("{}: {error}", host_of(url)),
    };
    let sent = if body.is_empty() && method != "POST" {
        let request = request.body(()).map_err(|error| error.to_string())?;
        agent.run(agent.configure_request(request).timeout_global(Some(within)).build())
    } else {
        let request = request.body(body).map_err(|error| error.to_string())?;
        agent.run(agent.configure_request(request).timeout_global(Some(within)).build())
    };
    let mut answer = sent.map_err(run)?;
    let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let body = answer.body_mut().with_config().limit(most).read_to_vec().map_err(run)?;
    Ok(Answer {
        status: answer.status().as_u16(),
        body: String::from_utf8_lossy(&body).into_owned(),
        retry_after: retry_after.map(|secs: u64| Duration::from_secs(secs.min(60))),
    })
}

/// `host` or `host:port` of an address, as it stands in the header.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// An address of this machine.
pub fn is_here(url: &str) -> bool {
    let host = host_of(url);
    let name = host.split(':').next().unwrap_or_default();
    name == "localhost" || name.starts_with("127.") || host.starts_with("[::1]")
}
