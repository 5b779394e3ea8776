//! What viewers are served: the page to everybody, and signaling at `/signal`.

use crate::assets::Asset;
use crate::front::{Remote, Shutdown};
use crate::handler::SignalService;
use crate::machine::Shared;
use crate::socket;
use crate::throttle::Connections;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use rr_protocol::MAX_SIGNAL_LEN;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// The answer to plain HTTP where TLS is spoken.
pub(crate) const USE_HTTPS: &str = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\nContent-Length: 62\r\n\r\nThis host speaks HTTPS only: begin the address with https://\r\n";

/// What the routes for viewers need.
#[derive(Clone)]
pub struct App {
    /// The page.
    pub assets: &'static [Asset],
    /// Origins that may open the WebSocket besides the page's own.
    pub allowed_origins: Arc<[String]>,
    /// Counts signaling sockets.
    pub sockets: Arc<Connections>,
    /// Tokens, ICE servers and deadlines.
    pub shared: Arc<Shared>,
    /// Serves viewers.
    pub service: Arc<dyn SignalService>,
    /// Ends the sockets.
    pub shutdown: Shutdown,
}

/// `/signal`, and the page wherever no other route is.
pub fn viewer(app: App) -> Router {
    Router::new().route("/signal", get(signal)).fallback(asset).with_state(app)
}

/// Adds the headers that keep a browser from doing more with our pages than we want.
pub fn secured(router: Router) -> Router {
    router.layer(middleware::from_fn(security_headers))
}

pub(crate) async fn health() -> Response {
    let body = format!(r#"{{"status":"ok","version":"{}"}}"#, env!("CARGO_PKG_VERSION"));
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], body).into_response()
}

async fn signal(
    State(app): State<App>,
    Extension(remote): Extension<Remote>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !origin_allowed(&headers, &app.allowed_origins) {
        return page(StatusCode::FORBIDDEN, "this page may not talk to this host");
    }
    let address = remote.address.ip();
    let failures = {
        let failures = app.shared.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.count(address, Instant::now())
    };
    if failures >= app.shared.limits.token_failures.saturating_mul(2) {
        let mut response = page(StatusCode::TOO_MANY_REQUESTS, "too many wrong links from your address: wait a minute");
        let wait = app.shared.limits.failure_window.as_secs();
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
        return response;
    }
    let Some(socket) = app.sockets.open(address) else {
        return page(StatusCode::SERVICE_UNAVAILABLE, "too many viewers; try again later");
    };
    let context =
        socket::Context { shared: app.shared, service: app.service, remote: remote.address, shutdown: app.shutdown };
    upgrade.max_message_size(MAX_SIGNAL_LEN).max_frame_size(MAX_SIGNAL_LEN).on_upgrade(move |ws| async move {
        socket::drive(ws, context).await;
        drop((socket, remote));
    })
}

async fn asset(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        let mut response = page(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are served here");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    // The path is compared as it came: there is no file system behind it to climb in.
    let path = match uri.path() {
        "/" => "index.html",
        path => path.strip_prefix('/').unwrap_or(path),
    };
    let Some(asset) = app.assets.iter().find(|asset| asset.path == path) else {
        return page(StatusCode::NOT_FOUND, "there is nothing here");
    };
    let cache = if asset.hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = etag(asset.bytes);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let head = [
        (header::CONTENT_TYPE, asset.content_type.to_owned()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::ETAG, tag),
    ];
    if known { (StatusCode::NOT_MODIFIED, head).into_response() } else { (head, asset.bytes).into_response() }
}

/// A short page without anything from the request in it.
fn page(status: StatusCode, text: &str) -> Response {
    let body = Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Remote Render</title><p>{status}: {text}.</p></html>"
    ));
    (status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
}

/// From the content, so that a page is fetched again only after the host was updated.
fn etag(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let hex: String = digest.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// A browser says which page opens the WebSocket; it must be ours or a named one. Other programs say nothing.
fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if origins.next().is_some() {
        return false;
    }
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    // A proxy may do TLS in front of us: the scheme says nothing.
    let from = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    matches!((from, host(headers)), (Some(from), Some(host)) if from.eq_ignore_ascii_case(host))
}

/// `Host` when it is there once and is an authority.
fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (hosts.next().is_none() && !host.is_empty() && host.bytes().all(plain)).then_some(host)
}

async fn security_headers(request: Request, next: Next) -> Response {
    // Older Safari does not count our own WebSocket as 'self'.
    let sockets = host(request.headers()).map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let policy = format!(
        "default-src 'self'; connect-src 'self'{sockets}; media-src 'self' blob: mediastream:; \
         img-src 'self' data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'self'"
    );
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_our_own_page_and_named_ones_open_the_socket() {
        use header::{HOST, ORIGIN};
        let allowed = ["https://plant.example".to_owned()];
        let check = |list: &[_]| origin_allowed(&headers(list), &allowed);
        assert!(check(&[(HOST, "10.0.0.1:8080")]));
        assert!(check(&[(HOST, "10.0.0.1:8080"), (ORIGIN, "http://10.0.0.1:8080")]));
        assert!(check(&[(HOST, "host.local"), (ORIGIN, "https://HOST.local")]));
        assert!(check(&[(HOST, "[::1]:8080"), (ORIGIN, "https://[::1]:8080")]));
        assert!(check(&[(HOST, "10.0.0.1"), (ORIGIN, "https://plant.example")]));
        for bad in ["http://10.0.0.1:8081", "http://evil.example", "null", "", "10.0.0.1:8080", "file://10.0.0.1:8080"]
        {
            assert!(!check(&[(HOST, "10.0.0.1:8080"), (ORIGIN, bad)]), "{bad}");
        }
        assert!(!check(&[(ORIGIN, "http://10.0.0.1:8080")]), "no host");
        let twice = [(HOST, "a"), (ORIGIN, "http://a"), (ORIGIN, "http://a")];
        assert!(!check(&twice));
        assert!(!check(&[(HOST, "a"), (HOST, "b"), (ORIGIN, "http://a")]));
    }

    #[test]
    fn the_length_of_the_https_hint_is_right() {
        let (head, body) = USE_HTTPS.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{}", body.len());
    }
}
