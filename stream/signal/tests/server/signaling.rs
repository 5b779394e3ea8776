//! Signaling over real sockets.

use super::support::*;
use futures_util::SinkExt;
use rr_protocol::host::ErrorCode;
use rr_protocol::signaling::{Candidate, SignalFromHost};
use rr_protocol::token::Role;
use rr_signal::{Leave, OutboxError, TokenKey};
use std::time::{Duration, SystemTime};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

fn candidate(text: &str) -> Candidate {
    Candidate { candidate: text.into(), sdp_mid: Some("0".into()), sdp_m_line_index: Some(0) }
}

#[tokio::test]
async fn a_viewer_comes_in_and_the_host_says_goodbye() {
    let mut host = Host::start();
    let mut viewer = host.viewer().await;
    let token = host.token(Role::Engineer);
    viewer.send(&format!(r#"{{"type":"hello","data":{{"token":"{token}","protocolVersion":1,"name":"Ada"}}}}"#)).await;
    let Some(SignalFromHost::Welcome(welcome)) = viewer.next().await else { panic!() };
    assert_eq!(welcome.role, Role::Engineer);
    let Call::Join(peer, request) = host.call() else { panic!() };
    assert_eq!((request.claims.role, request.name.as_deref()), (Role::Engineer, Some("Ada")));
    assert!(request.remote.ip().is_loopback() && request.remote.port() != 0);

    viewer.send(r#"{"type":"offer","data":{"sdp":"v=0"}}"#).await;
    let Some(SignalFromHost::Answer(answer)) = viewer.next().await else { panic!() };
    assert_eq!(answer.sdp, "answer to v=0");
    assert_eq!(host.call(), Call::Offer(peer, "v=0".into()));

    let text = r#"{"type":"candidate","data":{"candidate":"candidate:1","sdpMid":"0","sdpMLineIndex":0}}"#;
    viewer.send(text).await;
    assert_eq!(host.call(), Call::Candidate(peer, candidate("candidate:1")));
    let outbox = host.handler.outboxes.lock().unwrap()[&peer].clone();
    outbox.candidate(candidate("candidate:2")).unwrap();
    assert_eq!(viewer.next().await, Some(SignalFromHost::Candidate(candidate("candidate:2"))));

    let server = host.server.take().unwrap();
    let ending = tokio::task::spawn_blocking(move || server.shutdown("the engineer went home"));
    let Some(SignalFromHost::Bye(bye)) = viewer.next().await else { panic!() };
    assert_eq!((bye.code, bye.message.as_str()), (ErrorCode::Closing, "the engineer went home"));
    assert_eq!((viewer.next().await, viewer.close_code), (None, Some(1001)));
    ending.await.unwrap();
    assert_eq!(host.call(), Call::Left(peer, Leave::Silent));
    assert_eq!(outbox.bye(ErrorCode::Closing, "late"), Err(OutboxError::Closed));
}

#[tokio::test]
async fn an_offer_need_not_wait_for_the_welcome() {
    let host = Host::start();
    for _ in 0..20 {
        let mut viewer = host.viewer().await;
        viewer.hello(&host.token(Role::Viewer)).await;
        viewer.send(r#"{"type":"offer","data":{"sdp":"v=0"}}"#).await;
        assert!(matches!(viewer.next().await, Some(SignalFromHost::Welcome(_))));
        let Some(SignalFromHost::Answer(answer)) = viewer.next().await else { panic!() };
        assert_eq!(answer.sdp, "answer to v=0");
    }
}

#[tokio::test]
async fn shutdown_says_goodbye_to_everybody_and_frees_the_port() {
    let mut host = Host::start();
    let address = host.address();
    let mut viewers = Vec::new();
    for _ in 0..10 {
        viewers.push(host.watching().await.0);
    }
    let mut newcomer = host.viewer().await;
    let server = host.server.take().unwrap();
    let ending = tokio::task::spawn_blocking(move || server.shutdown("closing"));
    for viewer in viewers.iter_mut().chain([&mut newcomer]) {
        assert!(matches!(viewer.next().await, Some(SignalFromHost::Bye(_))));
        assert_eq!(viewer.next().await, None);
    }
    ending.await.unwrap();
    assert!(Viewer::try_connect(address).await.is_err());
    let again = Host::with(|config| config.listen = address);
    assert_eq!(get(again.address(), "/health").await.0, 200);
}

#[tokio::test]
async fn the_host_ends_one_viewer_alone() {
    let host = Host::start();
    let ((mut first, first_id), (mut second, second_id)) = (host.watching().await, host.watching().await);
    assert_ne!(first_id, second_id);
    let outbox = |peer| host.handler.outboxes.lock().unwrap()[&peer].clone();
    outbox(first_id).bye(ErrorCode::Removed, "out").unwrap();
    let Some(SignalFromHost::Bye(bye)) = first.next().await else { panic!() };
    assert_eq!((bye.code, bye.message.as_str()), (ErrorCode::Removed, "out"));
    assert_eq!((first.next().await, first.close_code), (None, Some(1000)));
    assert_eq!(host.call(), Call::Left(first_id, Leave::Silent));
    outbox(second_id).candidate(candidate("c")).unwrap();
    assert!(matches!(second.next().await, Some(SignalFromHost::Candidate(_))));
}

#[tokio::test]
async fn wrong_links_do_not_reach_the_handler() {
    let host = Host::start();
    let now = SystemTime::now();
    let minute = Duration::from_secs(60);
    let expired = host.key.issue(Role::Admin, minute, now - 2 * minute).unwrap().token;
    let foreign = TokenKey::generate().unwrap().issue(Role::Admin, minute, now).unwrap().token;
    let withdrawn = host.key.issue(Role::Admin, minute, now).unwrap();
    host.key.revoke(&withdrawn.claims, now).unwrap();
    for (token, word) in [
        ("", "not a share link"),
        ("nonsense", "not a share link"),
        (&*expired, "expired"),
        (&foreign, "not made by this host"),
        (&withdrawn.token, "withdrawn"),
    ] {
        let mut viewer = host.viewer().await;
        viewer.hello(token).await;
        let (code, message, close) = viewer.refused().await;
        assert_eq!((code, close), (ErrorCode::Unauthorized, Some(1008)));
        assert!(message.contains(word), "{message}");
    }
    assert!(host.calls.try_recv().is_err());
}

#[tokio::test]
async fn malformed_messages_end_the_socket_and_nobody_elses() {
    let host = Host::start();
    let (mut watching, peer) = host.watching().await;
    let offer_first = r#"{"type":"offer","data":{"sdp":"v=0"}}"#;
    for text in ["", "{", "null", r#"{"type":"hello"}"#, r#"{"type":"no"}"#, offer_first] {
        let mut viewer = host.viewer().await;
        viewer.send(text).await;
        assert!(matches!(viewer.refused().await, (ErrorCode::Malformed, _, Some(1008))), "{text}");
    }
    let mut viewer = host.viewer().await;
    viewer.ws.send(Message::binary(vec![0; 100])).await.unwrap();
    assert!(matches!(viewer.refused().await, (ErrorCode::Malformed, _, Some(1003))));
    assert!(host.calls.try_recv().is_err());
    host.handler.outboxes.lock().unwrap()[&peer].candidate(candidate("c")).unwrap();
    assert!(matches!(watching.next().await, Some(SignalFromHost::Candidate(_))));
}

#[tokio::test]
async fn oversized_messages_are_refused_and_said_so() {
    let host = Host::start();
    for len in [rr_protocol::MAX_SIGNAL_LEN + 1, 1_000_000] {
        let mut viewer = host.viewer().await;
        // The host may close before all of it is sent.
        let _ = viewer.ws.send(Message::text("x".repeat(len))).await;
        let (code, message, close) = viewer.refused().await;
        assert_eq!((code, close), (ErrorCode::Malformed, Some(1009)), "{len}: {message}");
        assert!(message.contains("65536"), "{message}");
    }
}

#[tokio::test]
async fn damaged_frames_end_the_socket() {
    let host = Host::start();
    // Reserved bits; a control frame that is too long; text that is not UTF-8; a frame without the client's mask.
    for frame in
        [&[0xF1, 0x80, 0, 0, 0, 0][..], &[0x89, 0xFE, 0xFF, 0xFF], &[0x81, 0x81, 0, 0, 0, 0, 0xFF], &[0x81, 1, b'x']]
    {
        let mut viewer = host.viewer().await;
        let MaybeTlsStream::Plain(stream) = viewer.ws.get_mut() else { panic!() };
        stream.write_all(frame).await.unwrap();
        while viewer.next().await.is_some() {}
    }
    assert_eq!(get(host.address(), "/health").await.0, 200);
}

#[tokio::test]
async fn the_handlers_refusals_reach_the_viewer() {
    let host = Host::full();
    let mut viewer = host.viewer().await;
    viewer.hello(&host.token(Role::Viewer)).await;
    assert_eq!(viewer.refused().await, (ErrorCode::Full, "no room".into(), Some(1008)));

    let host = Host::start();
    let mut viewer = host.viewer().await;
    viewer.hello(&host.token(Role::Viewer)).await;
    assert!(matches!(viewer.next().await, Some(SignalFromHost::Welcome(_))));
    viewer.send(r#"{"type":"offer","data":{"sdp":"bad"}}"#).await;
    assert_eq!(viewer.refused().await, (ErrorCode::Invalid, "no H.264 in the offer".into(), Some(1008)));
    let Call::Join(peer, _) = host.call() else { panic!() };
    assert_eq!(host.call(), Call::Offer(peer, "bad".into()));
    assert_eq!(host.call(), Call::Left(peer, Leave::Early));
}

#[tokio::test]
async fn a_handler_that_hangs_or_panics_costs_only_its_viewer() {
    let host = Host::with_limits(|limits| limits.handler_timeout = Duration::from_secs(1));
    let join = |name: &'static str| {
        let token = host.token(Role::Viewer);
        let address = host.address();
        async move {
            let mut viewer = Viewer::connect(address).await;
            viewer
                .send(&format!(
                    r#"{{"type":"hello","data":{{"token":"{token}","protocolVersion":1,"name":"{name}"}}}}"#
                ))
                .await;
            viewer
        }
    };
    for name in ["panic", "slow"] {
        let (code, _, close) = join(name).await.refused().await;
        assert_eq!((code, close), (ErrorCode::Internal, Some(1011)), "{name}");
    }
    // The slow one joins after all, and has left at once.
    let Call::Join(peer, request) = host.call() else { panic!() };
    assert_eq!(request.name.as_deref(), Some("slow"));
    assert_eq!(host.call(), Call::Left(peer, Leave::Early));
    assert!(matches!(join("quick").await.next().await, Some(SignalFromHost::Welcome(_))));
}

#[tokio::test]
async fn a_socket_that_vanishes_is_told_to_the_handler_once() {
    let host = Host::start();
    let (viewer, peer) = host.watching().await;
    drop(viewer);
    assert_eq!(host.call(), Call::Left(peer, Leave::Silent));
    let mut viewer = host.viewer().await;
    viewer.hello(&host.token(Role::Viewer)).await;
    drop(viewer);
    let Call::Join(peer, _) = host.call() else { panic!() };
    assert_eq!(host.call(), Call::Left(peer, Leave::Early));
    assert!(host.calls.recv_timeout(Duration::from_millis(200)).is_err());
}

#[tokio::test]
async fn a_page_that_is_closed_is_told_from_a_connection_that_breaks() {
    let host = Host::start();
    let ((closed, closed_id), (broken, broken_id)) = (host.watching().await, host.watching().await);
    closed.say_goodbye().await;
    assert_eq!(host.call(), Call::Left(closed_id, Leave::Goodbye));
    drop(broken);
    assert_eq!(host.call(), Call::Left(broken_id, Leave::Silent));
}
