//! Media and HTTP at the same door: each goes its way, and who says too little is put out.

use super::limits::until;
use super::support::*;
use rr_signal::{ConnectionHold, MediaDoor, Tls};
use std::io::Read;
use std::net::TcpStream as StdStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A binding request as a browser begins with, framed.
const REQUEST: &[u8] =
    &[0, 28, 0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0x24, 0, 4, 0, 0, 0, 1];

struct Door(SyncSender<(StdStream, ConnectionHold)>);

impl MediaDoor for Door {
    fn take(&self, stream: StdStream, held: ConnectionHold) {
        let _ = self.0.try_send((stream, held));
    }
}

type Taken = Receiver<(StdStream, ConnectionHold)>;

fn host(change: impl FnOnce(&mut rr_signal::SignalConfig)) -> (Host, Mutex<Taken>) {
    let (taken_tx, taken_rx) = sync_channel(100);
    let host = Host::with(|config| {
        config.media = Some(Arc::new(Door(taken_tx)));
        config.limits.header_timeout = Duration::from_secs(1);
        change(config);
    });
    (host, Mutex::new(taken_rx))
}

fn next(taken: &Mutex<Taken>) -> (StdStream, ConnectionHold) {
    taken.lock().unwrap().recv_timeout(HANG).unwrap()
}

fn read_all(stream: &mut StdStream, length: usize) -> Vec<u8> {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn media_is_handed_over_with_every_byte() {
    let (host, taken) = host(|_| {});
    let mut whole = TcpStream::connect(host.address()).await.unwrap();
    whole.write_all(REQUEST).await.unwrap();
    let (mut stream, _held) = next(&taken);
    assert_eq!(stream.peer_addr().unwrap(), whole.local_addr().unwrap());
    assert_eq!(read_all(&mut stream, REQUEST.len()), REQUEST);
    // The connection lives on both ways, longer than HTTP would.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    std::io::Write::write_all(&mut stream, b"pong").unwrap();
    let mut answer = [0; 4];
    whole.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"pong");

    // In pieces, as a bad network brings it.
    let mut slow = TcpStream::connect(host.address()).await.unwrap();
    slow.set_nodelay(true).unwrap();
    for byte in &REQUEST[..10] {
        slow.write_all(&[*byte]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (mut stream, _held) = next(&taken);
    assert_eq!(read_all(&mut stream, 10), &REQUEST[..10]);
}

#[tokio::test]
async fn http_and_tls_go_on_untouched() {
    let (host, taken) = host(|_| {});
    assert_eq!(get(host.address(), "/health").await.0, 200);
    let mut bytewise = TcpStream::connect(host.address()).await.unwrap();
    for byte in b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" {
        bytewise.write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(read_response(&mut bytewise).await.0, 200);
    drop(host);

    let dir = tempfile::tempdir().unwrap();
    let (host, tls_taken) =
        self::host(|config| config.tls = Tls::SelfSigned { dir: dir.path().to_owned(), names: Vec::new() });
    let mut stream = super::tls::connect(&host, dir.path(), "localhost").await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert_eq!(read_response(&mut stream).await.0, 200);
    let (status, _, body) = raw(host.address(), b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(status == 400 && String::from_utf8_lossy(&body).contains("https://"));
    // The same port, encrypted for the page and not for media, which has its own encryption.
    let mut media = TcpStream::connect(host.address()).await.unwrap();
    media.write_all(REQUEST).await.unwrap();
    assert_eq!(read_all(&mut next(&tls_taken).0, REQUEST.len()), REQUEST);
    assert!(taken.lock().unwrap().try_recv().is_err(), "HTTP was taken for media");
    assert!(tls_taken.lock().unwrap().try_recv().is_err());
}

#[tokio::test]
async fn what_only_looks_like_media_is_refused_as_http() {
    let (host, taken) = host(|_| {});
    let with = |at: usize, byte: u8| {
        let mut bytes = REQUEST.to_vec();
        bytes[at] = byte;
        bytes
    };
    let longest = [&[0xff, 0xff][..], &REQUEST[2..]].concat();
    for garbage in [vec![0; 64], with(6, 0), with(3, 3), with(1, 27), with(5, 12), longest, vec![0x05, 0x01, 0x00]] {
        let (status, ..) = raw(host.address(), &garbage).await;
        assert!(status == 400 || status == 0, "{garbage:?}: {status}");
    }
    assert!(taken.lock().unwrap().try_recv().is_err(), "garbage was handed over");
}

#[tokio::test]
async fn who_says_too_little_is_put_out() {
    let (host, taken) = host(|_| {});
    let cut_after = async |bytes: &[u8]| {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let since = Instant::now();
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(HANG, stream.read_to_end(&mut rest)).await.expect("not cut");
        (since.elapsed(), rest.len())
    };
    for length in [0, 1, 2, 5, 9] {
        let (after, answer) = cut_after(&REQUEST[..length]).await;
        assert!(after < Duration::from_secs(5) && answer == 0, "{length} bytes: {after:?}");
    }
    // A byte now and then does not prolong it.
    let mut slow = TcpStream::connect(host.address()).await.unwrap();
    let since = Instant::now();
    for byte in &REQUEST[..9] {
        let _ = slow.write_all(&[*byte]).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(since.elapsed() > Duration::from_secs(2));
    let _ = tokio::time::timeout(HANG, slow.read_to_end(&mut Vec::new())).await.expect("not cut");
    // Half the head, and gone.
    for length in [1, 9] {
        let mut gone = TcpStream::connect(host.address()).await.unwrap();
        gone.write_all(&REQUEST[..length]).await.unwrap();
    }
    assert!(taken.lock().unwrap().try_recv().is_err());
    assert_eq!(get(host.address(), "/health").await.0, 200);
}

#[tokio::test]
async fn media_counts_among_the_connections_until_it_ends() {
    let (host, taken) = host(|config| config.limits.connections_per_ip = 3);
    let mut streams = Vec::new();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        held.push(next(&taken));
        streams.push(stream);
    }
    assert_eq!(get(host.address(), "/health").await.0, 0, "a fourth connection was taken");
    held.pop();
    until(async || get(host.address(), "/health").await.0 == 200).await;
}

#[tokio::test]
async fn without_a_door_media_is_damaged_http() {
    let host = Host::start();
    assert_eq!(raw(host.address(), REQUEST).await.0, 400);
}

#[tokio::test]
async fn silent_connections_do_not_delay_the_end() {
    let (mut host, _taken) = host(|config| config.limits.header_timeout = Duration::from_secs(60));
    let mut idle = TcpStream::connect(host.address()).await.unwrap();
    let mut half = TcpStream::connect(host.address()).await.unwrap();
    half.write_all(&REQUEST[..5]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let since = Instant::now();
    let server = host.server.take().unwrap();
    tokio::task::spawn_blocking(move || server.shutdown("done")).await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
}
