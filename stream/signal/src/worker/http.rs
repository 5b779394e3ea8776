//! Requests to a gateway over TLS.

use super::Address;
use axum::body::{Body, to_bytes};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// For a connection, and for a request on it.
const WITHIN: Duration = Duration::from_secs(10);
/// Longest usual answer, bytes.
pub(super) const MAX_ANSWER: usize = 64 * 1024;

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

fn unreachable(error: impl Display) -> CallError {
    CallError::Unreachable(error.to_string())
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

/// One request on a connection of its own.
pub(super) async fn post<A: DeserializeOwned>(
    address: &Address,
    tls: &Arc<ClientConfig>,
    path: &str,
    body: &impl Serialize,
) -> Result<A, CallError> {
    Connection::open(address, tls).await?.post(path, body, MAX_ANSWER).await
}

/// For requests one after the other.
pub(super) struct Connection {
    authority: String,
    sender: SendRequest<Body>,
    task: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    pub(super) async fn open(address: &Address, tls: &Arc<ClientConfig>) -> Result<Self, CallError> {
        let stream = connect(address, tls).await.map_err(unreachable)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(unreachable)?;
        let task = tokio::spawn(connection).abort_handle();
        Ok(Self { authority: address.authority(), sender, task })
    }

    /// The answer is `most` bytes long at most. After an error the connection is of no use.
    pub(super) async fn post<A: DeserializeOwned>(
        &mut self,
        path: &str,
        body: &impl Serialize,
        most: usize,
    ) -> Result<A, CallError> {
        let refused = |error: &dyn Display| CallError::Refused(error.to_string());
        let body = serde_json::to_vec(body).map_err(|error| refused(&error))?;
        let request = Request::post(path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| refused(&error))?;
        let call = async {
            self.sender.ready().await.map_err(unreachable)?;
            let (head, body) = self.sender.send_request(request).await.map_err(unreachable)?.into_parts();
            let bytes = to_bytes(Body::new(body), most).await.map_err(unreachable)?;
            Ok((head.status, bytes))
        };
        let (status, bytes) = timeout(WITHIN, call).await.map_err(|_| unreachable("no answer in time"))??;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|_| refused(&"the answer is not a gateway's"));
        }
        let said = serde_json::from_slice::<rr_protocol::worker::HttpRefusal>(&bytes).map(|refusal| refusal.error);
        let said = said.unwrap_or_else(|_| format!("HTTP status {status}"));
        if status.is_client_error() && status.as_u16() != 429 {
            Err(CallError::Refused(said))
        } else {
            Err(CallError::Unreachable(said))
        }
    }
}
