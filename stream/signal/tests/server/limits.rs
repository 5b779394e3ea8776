//! What strangers can use up, and what not.

use super::support::*;
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Candidate, SignalFromHost};
use rr_protocol::token::Role;
use rr_signal::{Leave, OutboxError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Error;

#[tokio::test]
async fn strangers_that_say_nothing_are_put_out() {
    let host = Host::with_limits(|limits| limits.hello_timeout = Duration::from_millis(300));
    let (code, message, close) = host.viewer().await.refused().await;
    assert_eq!((code, close), (ErrorCode::Malformed, Some(1008)));
    assert!(message.contains("hello"), "{message}");

    let host = Host::with_limits(|limits| limits.offer_timeout = Duration::from_millis(300));
    let mut viewer = host.viewer().await;
    viewer.hello(&host.token(Role::Viewer)).await;
    assert!(matches!(viewer.next().await, Some(SignalFromHost::Welcome(_))));
    assert!(viewer.refused().await.1.contains("offer"));
    let Call::Join(peer, _) = host.call() else { panic!() };
    assert_eq!(host.call(), Call::Left(peer, Leave::Early));
}

#[tokio::test]
async fn slow_requests_are_cut() {
    let host = Host::with_limits(|limits| limits.header_timeout = Duration::from_secs(1));
    for begin in [&b""[..], b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nA: "] {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(begin).await.unwrap();
        let mut rest = Vec::new();
        // Ends only because the server closes; what it says before (408 or nothing) is its own affair.
        let _ = tokio::time::timeout(HANG, stream.read_to_end(&mut rest)).await.expect("not cut");
    }
    // A connection that is kept alive and idle too.
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(read_response(&mut stream).await.0, 200);
}

#[tokio::test]
async fn a_reader_that_takes_for_ever_is_cut() {
    let host = Host::with_limits(|limits| limits.http_timeout = Duration::from_secs(2));
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let request = "GET /assets/big.bin HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20);
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut sink = Vec::new();
    let _ = tokio::time::timeout(HANG, stream.read_to_end(&mut sink)).await.expect("not cut");
    assert!(sink.len() < 20 * 3_000_000, "{}", sink.len());
    // A signaling socket is not cut by it.
    let (mut viewer, peer) = host.watching().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    host.handler.outboxes.lock().unwrap()[&peer].bye(ErrorCode::Closing, "done").unwrap();
    assert!(matches!(viewer.next().await, Some(SignalFromHost::Bye(_))));
}

#[tokio::test]
async fn connections_and_sockets_are_bounded_and_come_free_again() {
    let host = Host::with_limits(|limits| limits.sockets = 2);
    let (first, second) = (host.viewer().await, host.viewer().await);
    let refused = Viewer::try_connect(host.address()).await;
    assert!(matches!(refused, Err(Error::Http(response)) if response.status() == 503));
    assert_eq!(get(host.address(), "/health").await.0, 200, "the page still comes");
    drop((first, second));
    until(async || Viewer::try_connect(host.address()).await.is_ok()).await;

    let host = Host::with_limits(|limits| limits.connections_per_ip = 3);
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(TcpStream::connect(host.address()).await.unwrap());
    }
    until(async || get(host.address(), "/health").await.0 == 0).await;
    drop(idle);
    until(async || get(host.address(), "/health").await.0 == 200).await;
}

/// The server learns of a closed connection when it gets to it.
pub async fn until(mut condition: impl AsyncFnMut() -> bool) {
    tokio::time::timeout(HANG, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it never happens");
}

#[tokio::test]
async fn guessing_links_is_throttled() {
    let host = Host::start();
    let mut codes = Vec::new();
    let mut early = host.viewer().await;
    for _ in 0..20 {
        let mut viewer = host.viewer().await;
        viewer.hello("guess").await;
        codes.push(viewer.refused().await.0);
    }
    assert_eq!(codes[..10], [ErrorCode::Unauthorized; 10]);
    assert_eq!(codes[10..], [ErrorCode::TooMany; 10]);
    let refused = Viewer::try_connect(host.address()).await;
    let Err(Error::Http(response)) = refused else { panic!() };
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "60");
    // A colleague behind the same router with a good link.
    early.hello(&host.token(Role::Viewer)).await;
    assert!(matches!(early.next().await, Some(SignalFromHost::Welcome(_))));
}

#[tokio::test]
async fn floods_are_cut() {
    let host = Host::start();
    let (mut viewer, peer) = host.watching().await;
    for _ in 0..150 {
        use futures_util::SinkExt;
        let text = r#"{"type":"candidate","data":{"candidate":"c"}}"#;
        if viewer.ws.send(tokio_tungstenite::tungstenite::Message::text(text)).await.is_err() {
            break;
        }
    }
    assert_eq!(viewer.refused().await.0, ErrorCode::TooMany);
    let calls: Vec<_> = std::iter::from_fn(|| host.calls.recv_timeout(Duration::from_secs(2)).ok()).collect();
    assert_eq!(calls.last(), Some(&Call::Left(peer, Leave::Silent)));
    assert!(calls.len() <= 120, "{}", calls.len());
}

#[tokio::test]
async fn a_viewer_that_does_not_read_is_dropped_and_stalls_nobody() {
    let host = Host::with_limits(|limits| limits.write_timeout = Duration::from_millis(500));
    let (stuck, stuck_id) = host.watching().await;
    let (mut other, other_id) = host.watching().await;
    let outbox = |peer| host.handler.outboxes.lock().unwrap().get(&peer).cloned();
    let big = Candidate { candidate: "c".repeat(60_000), sdp_mid: None, sdp_m_line_index: None };
    // Far more than the socket buffers hold: the queue fills, then the socket is closed.
    let mut full = false;
    let mut pushed = 0;
    while let Some(outbox) = outbox(stuck_id) {
        match outbox.candidate(big.clone()) {
            Ok(()) => pushed += 1,
            Err(OutboxError::Full) => {
                full = true;
                // Meanwhile the other is served.
                let small = Candidate { candidate: "other".into(), ..big.clone() };
                send(&host, other_id, small).await;
                assert!(matches!(other.next().await, Some(SignalFromHost::Candidate(c)) if c.candidate == "other"));
            }
            Err(OutboxError::Closed) => break,
        }
        assert!(pushed < 100_000);
        tokio::task::yield_now().await;
    }
    assert!(full, "the queue never filled");
    assert_eq!(host.call(), Call::Left(stuck_id, Leave::Silent));
    drop(stuck);
}

async fn send(host: &Host, peer: rr_signal::PeerId, candidate: Candidate) {
    let outbox = host.handler.outboxes.lock().unwrap()[&peer].clone();
    outbox.candidate(candidate).unwrap();
}

// On several threads: the one that waits for the handler's call must not keep the other viewer from reading.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_sockets_are_found() {
    let host = Host::with_limits(|limits| {
        limits.ping_interval = Duration::from_millis(500);
        limits.idle_timeout = Duration::from_secs(3);
    });
    // It keeps the connection but reads nothing, so that no ping is answered.
    let (silent, silent_id) = host.watching().await;
    let (mut alive, alive_id) = host.watching().await;
    let reading = tokio::spawn(async move { alive.next().await });
    assert_eq!(host.call(), Call::Left(silent_id, Leave::Silent));
    send(&host, alive_id, Candidate { candidate: "c".into(), sdp_mid: None, sdp_m_line_index: None }).await;
    assert!(matches!(reading.await.unwrap(), Some(SignalFromHost::Candidate(_))));
    drop(silent);
}

#[tokio::test]
async fn many_come_at_once() {
    let host = Host::start();
    let mut viewers = Vec::new();
    for _ in 0..40 {
        let (address, token) = (host.address(), host.token(Role::Viewer));
        viewers.push(tokio::spawn(async move {
            let mut viewer = Viewer::connect(address).await;
            viewer.hello(&token).await;
            assert!(matches!(viewer.next().await, Some(SignalFromHost::Welcome(_))));
            viewer.send(r#"{"type":"offer","data":{"sdp":"v=0"}}"#).await;
            assert!(matches!(viewer.next().await, Some(SignalFromHost::Answer(_))));
            viewer
        }));
    }
    let mut open = Vec::new();
    for viewer in viewers {
        open.push(viewer.await.unwrap());
    }
    assert_eq!(host.handler.outboxes.lock().unwrap().len(), 40);
    drop(open);
    until(async || host.handler.outboxes.lock().unwrap().is_empty()).await;
}
