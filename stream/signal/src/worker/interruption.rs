//! Whether the machine is about to be taken away: EC2 says so to spot instances two minutes before, by the instance
//! metadata service (version 2: with a token), where nobody is told who does not ask.

use axum::body::{Body, to_bytes};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Where a machine of EC2 asks about itself.
pub const EC2_METADATA: &str = "http://169.254.169.254";

/// Between two questions, as EC2 advises.
const EVERY: Duration = Duration::from_secs(5);
/// From the notice to the end of the machine, at least: it may have stood there since the last question.
const LEFT: Duration = Duration::from_secs(115);
/// For one answer.
const WITHIN: Duration = Duration::from_secs(2);
/// Longest answer, bytes.
const MAX_ANSWER: usize = 4096;
/// How long a token is used, seconds; each question has its own.
const TOKEN_SECS: &str = "60";

/// Asks until there is a notice, and tells when the machine will be gone.
pub(super) async fn watch(service: String, notice: watch::Sender<Option<Instant>>) {
    let mut was_told = false;
    loop {
        match noticed(&service).await {
            Ok(true) => {
                tracing::warn!("this machine will be taken away within two minutes");
                notice.send_replace(Some(Instant::now() + LEFT));
                return;
            }
            Ok(false) => was_told = false,
            Err(why) => {
                if !std::mem::replace(&mut was_told, true) {
                    tracing::warn!(service, why, "cannot ask whether this machine will be taken away; asked again");
                }
            }
        }
        sleep(EVERY).await;
    }
}

async fn noticed(service: &str) -> Result<bool, String> {
    let header = ("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECS);
    let (status, token) = ask(service, "PUT", "/latest/api/token", header).await?;
    if status != 200 {
        return Err(format!("no token (status {status})"));
    }
    let header = ("x-aws-ec2-metadata-token", token.trim());
    match ask(service, "GET", "/latest/meta-data/spot/instance-action", header).await? {
        // To stop, to hibernate or to terminate: nobody is served in either case.
        (200, _) => Ok(true),
        (404, _) => Ok(false),
        (status, _) => Err(format!("status {status}")),
    }
}

async fn ask(service: &str, method: &str, path: &str, header: (&str, &str)) -> Result<(u16, String), String> {
    let authority = service.strip_prefix("http://").ok_or("an address that does not begin with http://")?;
    let authority = authority.trim_end_matches('/');
    let has_port = authority.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let target = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, authority)
        .header(header.0, header.1)
        .body(Body::empty())
        .map_err(|error| error.to_string())?;
    let call = async {
        let stream = TcpStream::connect(target).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        let call = async {
            let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = Body::new(answer.into_body());
            let bytes = to_bytes(body, MAX_ANSWER).await.map_err(|error| error.to_string())?;
            Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
        };
        tokio::select! {
            answer = call => answer,
            Err(error) = connection => Err(error.to_string()),
        }
    };
    timeout(WITHIN, call).await.map_err(|_| "no answer in time".to_owned())?
}
