//! `rrctl health`: asks one host.

use anyhow::{Context, bail};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// The host's answer to `GET /health`.
pub fn health(host: &str, timeout: Duration) -> anyhow::Result<String> {
    const MAX_ANSWER: u64 = 64 * 1024;
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    let address = host
        .to_socket_addrs()
        .with_context(|| format!("\"{host}\" is no host and port such as 127.0.0.1:8443"))?
        .next()
        .with_context(|| format!("{host} has no address"))?;
    let mut stream =
        TcpStream::connect_timeout(&address, timeout).with_context(|| format!("no host answers at {host}"))?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    // In one piece: a server may answer and close on the first of several.
    let request = format!("GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).with_context(|| format!("{host} does not answer"))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{host} does not speak HTTP"))?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        bail!("{host} answers \"{status}\"");
    }
    Ok(body.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answering(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        });
        address
    }

    #[test]
    fn a_healthy_host_is_told_from_others() {
        let within = Duration::from_secs(5);
        let ok = answering("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"status\":\"ok\"}\n");
        assert_eq!(health(&ok, within).unwrap(), "{\"status\":\"ok\"}");
        for wrong in ["HTTP/1.1 503 Busy\r\n\r\n", "hello", ""] {
            assert!(health(&answering(wrong), within).is_err(), "{wrong:?} was taken for health");
        }
        assert!(health("nowhere", within).is_err());
    }
}
