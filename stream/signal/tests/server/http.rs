//! Pages and headers over plain HTTP.

use super::support::*;
use rr_signal::{SignalConfig, SignalError, SignalServer, VIEWER_ASSETS};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, http::HeaderValue};

#[tokio::test]
async fn the_page_and_its_files_are_served_to_everybody() {
    let host = Host::start();
    let (status, head, body) = get(host.address(), "/").await;
    assert_eq!((status, &body[..]), (200, &b"<h1>viewer</h1>"[..]));
    assert!(head.contains("content-type: text/html; charset=utf-8"), "{head}");
    assert!(head.contains("cache-control: no-cache"), "{head}");
    assert_eq!(get(host.address(), "/index.html?x=1").await.2, body);

    let (status, head, body) = get(host.address(), "/assets/app-0a1b2c3d.js").await;
    assert_eq!((status, &body[..]), (200, &b"run()"[..]));
    assert!(head.contains("cache-control: public, max-age=31536000, immutable"), "{head}");
    assert_eq!(get(host.address(), "/assets/big.bin").await.2.len(), 3_000_000);
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again() {
    let host = Host::start();
    let (_, head, _) = get(host.address(), "/").await;
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let ask = |tag: &str| format!("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n");
    let (status, head, body) = raw(host.address(), ask(tag).as_bytes()).await;
    assert_eq!((status, body.len()), (304, 0), "{head}");
    assert_eq!(raw(host.address(), ask("\"other\"").as_bytes()).await.0, 200);
}

#[tokio::test]
async fn health_needs_no_token() {
    let host = Host::start();
    let (status, head, body) = get(host.address(), "/health").await;
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &json["status"]), (200, &"ok".into()));
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert!(head.contains("content-type: application/json") && head.contains("cache-control: no-store"), "{head}");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let host = Host::start();
    for path in ["/", "/health", "/assets/app-0a1b2c3d.js", "/nothing", "/signal"] {
        let (_, head, _) = get(host.address(), path).await;
        for header in [
            "content-security-policy: default-src 'self'; ",
            &format!("connect-src 'self' ws://{0} wss://{0};", host.address()),
            "frame-ancestors 'self'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(header), "{path}: {header} is missing in {head}");
        }
    }
    // What a stranger writes into Host does not get into the policy.
    let request = b"GET / HTTP/1.1\r\nHost: x; script-src *\r\nConnection: close\r\n\r\n";
    let (_, head, _) = raw(host.address(), request).await;
    assert!(!head.contains("script-src"), "{head}");
}

#[tokio::test]
async fn there_is_nothing_else() {
    let host = Host::start();
    for path in [
        "/nothing",
        "/assets",
        "/assets/",
        "/assets/../index.html",
        "/../../etc/passwd",
        "/assets/..%2f..%2fetc/passwd",
        "/%2e%2e/Cargo.toml",
        "//etc/passwd",
        "/index.html/",
        "/INDEX.HTML",
        "/assets/app-0a1b2c3d.js%00",
        "/.git/config",
        "/health/",
        "/signal/x",
        "/whep",
        "/api",
    ] {
        let (status, _, body) = get(host.address(), path).await;
        assert_eq!(status, 404, "{path}");
        assert!(body.len() < 300 && !String::from_utf8_lossy(&body).contains(path), "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        for path in ["/", "/health", "/signal", "/nothing"] {
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            assert_eq!(raw(host.address(), request.as_bytes()).await.0, 405, "{method} {path}");
        }
    }
    let head = raw(host.address(), b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!((head.0, head.2.len()), (200, 0));
    // Without an upgrade there is no signaling.
    assert_eq!(get(host.address(), "/signal").await.0, 400);
}

#[tokio::test]
async fn nonsense_on_the_port_is_survived() {
    let host = Host::start();
    let long_header = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(100_000));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(100_000));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1000));
    for request in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        long_header.as_bytes(),
        long_path.as_bytes(),
        many_headers.as_bytes(),
    ] {
        let (status, _, _) = raw(host.address(), request).await;
        assert!(status == 0 || (400..500).contains(&status), "{status}");
    }
    let body = [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n".as_slice(), &[0; 1_000_000]].concat();
    assert_eq!(raw(host.address(), &body).await.0, 405);
    assert_eq!(get(host.address(), "/health").await.0, 200);
}

#[tokio::test]
async fn only_our_page_and_named_ones_open_the_socket() {
    let host = Host::with(|config| config.allowed_origins = vec!["https://plant.example".into()]);
    let open = async |origin: &str| {
        let mut request = format!("ws://{}/signal", host.address()).into_client_request().unwrap();
        request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        match tokio_tungstenite::connect_async(request).await {
            Ok(_) => 101,
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(open(&format!("http://{}", host.address())).await, 101);
    assert_eq!(open("https://plant.example").await, 101);
    for origin in ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1"] {
        assert_eq!(open(origin).await, 403, "{origin}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_named_with_what_to_do() {
    let host = Host::start();
    let error = start_at(host.address(), &host).unwrap_err();
    assert!(matches!(error, SignalError::PortInUse(address) if address == host.address()));
    let message = error.to_string();
    assert!(message.contains(&format!("port {}", host.address().port())), "{message}");
    assert!(message.contains("choose another port"), "{message}");
    // TEST-NET-1 is nobody's.
    let error = start_at("192.0.2.1:0".parse().unwrap(), &host).unwrap_err();
    assert!(matches!(error, SignalError::NoSuchAddress(_)), "{error}");
}

fn start_at(listen: std::net::SocketAddr, host: &Host) -> Result<SignalServer, SignalError> {
    let handler = Arc::clone(&host.handler);
    SignalServer::start(SignalConfig::new(listen, Arc::clone(&host.key)), handler)
}

#[tokio::test]
async fn the_page_built_in_is_served() {
    let host = Host::with(|config| config.assets = VIEWER_ASSETS);
    let (status, head, body) = get(host.address(), "/").await;
    assert_eq!(status, 200);
    assert!(head.contains("text/html") && String::from_utf8_lossy(&body).contains("Remote Render"), "{head}");
    for asset in VIEWER_ASSETS {
        assert_eq!(get(host.address(), &format!("/{}", asset.path)).await.2, asset.bytes, "{}", asset.path);
    }
}

#[tokio::test]
async fn ipv6_works_where_there_is_any() {
    let Ok(probe) = std::net::TcpListener::bind("[::1]:0") else {
        println!("skipped: this machine has no IPv6");
        return;
    };
    drop(probe);
    let host = Host::with(|config| config.listen = "[::1]:0".parse().unwrap());
    assert_eq!(host.server.as_ref().unwrap().url_base(), format!("http://[::1]:{}", host.address().port()));
    assert_eq!(get(host.address(), "/health").await.0, 200);
    assert!(TcpStream::connect(("127.0.0.1", host.address().port())).await.is_err());
    host.watching().await;
}
