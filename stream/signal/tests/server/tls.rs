//! HTTPS with our own certificate.

use super::support::*;
use rr_protocol::signaling::SignalFromHost;
use rr_protocol::token::Role;
use rr_signal::Tls;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn host(dir: &Path) -> Host {
    Host::with(|config| config.tls = Tls::SelfSigned { dir: dir.to_owned(), names: vec!["plant.example".into()] })
}

/// A client that trusts the certificate in `dir` and nothing else.
pub async fn connect(host: &Host, dir: &Path, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("self-signed.crt")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(host.address()).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_gets_page_and_signaling() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let server = host.server.as_ref().unwrap();
    assert_eq!(server.url_base(), format!("https://{}", host.address()));
    let fingerprint = server.certificate_fingerprint().unwrap();
    assert_eq!(fingerprint.split(':').count(), 32);
    for name in ["127.0.0.1", "localhost", "plant.example"] {
        let mut stream = connect(&host, dir.path(), name).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let (status, _, body) = read_response(&mut stream).await;
        assert_eq!((status, &body[..]), (200, &b"<h1>viewer</h1>"[..]), "{name}");
    }
    let error = connect(&host, dir.path(), "other.example").await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");

    let stream = connect(&host, dir.path(), "localhost").await.unwrap();
    let (mut ws, _) = tokio_tungstenite::client_async("wss://localhost/signal", stream).await.unwrap();
    use futures_util::{SinkExt, StreamExt};
    let token = host.token(Role::Viewer);
    let hello = format!(r#"{{"type":"hello","data":{{"token":"{token}","protocolVersion":1}}}}"#);
    ws.send(tokio_tungstenite::tungstenite::Message::text(hello)).await.unwrap();
    let text = tokio::time::timeout(HANG, ws.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(serde_json::from_str(text.to_text().unwrap()).unwrap(), SignalFromHost::Welcome(_)));
}

#[tokio::test]
async fn the_certificate_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let fingerprint = |host: &Host| host.server.as_ref().unwrap().certificate_fingerprint().unwrap().to_owned();
    let first = fingerprint(&host(dir.path()));
    assert_eq!(fingerprint(&host(dir.path())), first);
}

#[tokio::test]
async fn plain_http_is_told_to_use_https_and_nonsense_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path());
    let (status, _, body) = get(host.address(), "/").await;
    assert_eq!(status, 400);
    assert!(String::from_utf8(body).unwrap().contains("https://"));
    for nonsense in [&b"\x16\x03\x01\xff\xff"[..], b"\x16\x03\x01\x00\x02\x01\x00", b"\0\0\0\0", b"hello\r\n"] {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        stream.shutdown().await.unwrap();
        assert_ne!(read_response(&mut stream).await.0, 200);
    }
    assert!(connect(&host, dir.path(), "localhost").await.is_ok());
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::with(|config| {
        config.tls = Tls::SelfSigned { dir: dir.path().to_owned(), names: Vec::new() };
        config.limits.header_timeout = Duration::from_millis(300);
    });
    for begin in [&b""[..], b"\x16\x03\x01"] {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(begin).await.unwrap();
        assert_eq!(read_response(&mut stream).await.0, 0);
    }
}
