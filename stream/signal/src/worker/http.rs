//! One request to a gateway over TLS.

use super::Address;
use axum::body::{Body, to_bytes};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// For a connection, and for a request on it.
const WITHIN: Duration = Duration::from_secs(10);
/// Longest answer, bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// Another try may help.
    #[error("{0}")]
    Unreachable(String),
    /// The gateway has said no.
    #[error("{0}")]
    Refused(String),
}

pub(super) async fn connect(address: &Address, tls: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    let connect = async {
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::clone(tls)).connect(name, stream).await
    };
    timeout(WITHIN, connect).await.map_err(|_| late())?
}

pub(super) async fn post<A: DeserializeOwned>(
    address: &Address,
    tls: &Arc<ClientConfig>,
    path: &str,
    body: &impl Serialize,
) -> Result<A, CallError> {
    let unreachable = |error: &dyn std::fmt::Display| CallError::Unreachable(error.to_string());
    let stream = connect(address, tls).await.map_err(|error| unreachable(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
    // Ends with the answer: nothing else is asked on this connection.
    let connection = tokio::spawn(connection);
    let body = serde_json::to_vec(body).map_err(|error| CallError::Refused(error.to_string()))?;
    let request = Request::post(path)
        .header(HOST, address.authority())
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .map_err(|error| CallError::Refused(error.to_string()))?;
    let call = async {
        let answer = sender.send_request(request).await.map_err(|error| unreachable(&error))?;
        let (head, body) = answer.into_parts();
        let bytes = to_bytes(Body::new(body), MAX_ANSWER).await.map_err(|error| unreachable(&error))?;
        Ok((head.status, bytes))
    };
    let answer = timeout(WITHIN, call).await.unwrap_or_else(|_| Err(unreachable(&"no answer in time")));
    connection.abort();
    let (status, bytes) = answer?;
    if status.is_success() {
        return serde_json::from_slice(&bytes).map_err(|_| CallError::Refused("the answer is not a gateway's".into()));
    }
    let said = serde_json::from_slice::<rr_protocol::worker::HttpRefusal>(&bytes).map(|refusal| refusal.error);
    let said = said.unwrap_or_else(|_| format!("HTTP status {status}"));
    if status.is_client_error() && status.as_u16() != 429 {
        Err(CallError::Refused(said))
    } else {
        Err(CallError::Unreachable(said))
    }
}
