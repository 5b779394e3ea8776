//! What a gateway takes: `rrctl gateway` as a process of its own with SQLite and with PostgreSQL, users who ask for
//! sessions over HTTP, workers that have joined (their sessions draw nothing), and tablets on real WebSockets.
//!
//! Everybody comes from an address of their own in 127.0.0.0/8, since each address may ask ten times a second.
#![allow(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    reason = "figures; helpers of tests of which this takes a part"
)]

#[path = "../tests/gateway/postgres.rs"]
mod postgres;
#[path = "../tests/gateway/support.rs"]
mod support;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rr_signal::worker::{GatewayLink, SessionHost};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{Sessions, Viewer, worker_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

const SECRET: &str = "a secret of thirty-two bytes or more";
const TABLETS: u32 = 200;
const WORKERS: u32 = 4;
const CAPACITY: u32 = 64;
const ASKED: u32 = 2_000;
const AT_ONCE: u32 = 16;
const REST: Duration = Duration::from_secs(10);

struct Process {
    child: Child,
    url: String,
    workers: String,
    _state: tempfile::TempDir,
}

impl Process {
    fn start(rrctl: &Path, database: Option<&str>) -> Self {
        let state = tempfile::tempdir().unwrap();
        let secret = state.path().join("jwt-secret");
        std::fs::write(&secret, SECRET).unwrap();
        let mut command = Command::new(rrctl);
        command.args(["gateway", "--listen", "127.0.0.1:0", "--state"]).arg(state.path());
        command.arg("--jwt-secret-file").arg(&secret);
        if let Some(database) = database {
            command.env("RRCTL_DATABASE", database);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        Self { url: text("url"), workers: text("workers"), child, _state: state }
    }

    fn join_token(&self, rrctl: &Path, worker: &str) -> String {
        let state = self._state.path();
        let args = ["gateway", "token", "--worker", worker, "--state"];
        let token = Command::new(rrctl).args(args).arg(state).output().unwrap();
        String::from_utf8(token.stdout).unwrap().trim().to_owned()
    }

    fn memory_kib(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Processor time so far.
    fn busy(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let rest = text.rsplit_once(") ").unwrap().1;
        let ticks: u64 = rest.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token(user: u32) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "sub": format!("user-{user}"), "exp": now + 600, "projects": { "hall": "engineer" } });
    let signed = format!("{}.{}", BASE64.encode(r#"{"alg":"HS256"}"#), BASE64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{signed}.{}", BASE64.encode(hmac::sign(&key, signed.as_bytes())))
}

/// One user asks for a session, on a connection of its own; its link.
async fn allocate(url: &str, user: u32) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    let [_, high, middle, low] = user.to_be_bytes();
    socket.bind((Ipv4Addr::new(127, 1 + high, middle, 1 + low % 250), 0).into()).unwrap();
    let mut stream = socket.connect(url.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap();
    let body = r#"{"project":"hall"}"#;
    let request = format!(
        "POST /allocate HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        token(user),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}"));
    body["link"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// So many users, some at a time: their links, how long each waited, and how long all took.
async fn allocations(url: &str, users: std::ops::Range<u32>) -> (Vec<String>, Vec<Duration>, Duration) {
    let (next, begun) = (Arc::new(AtomicU32::new(users.start)), Instant::now());
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (next, url, end) = (Arc::clone(&next), url.to_owned(), users.end);
            tokio::spawn(async move {
                let mut done = Vec::new();
                loop {
                    let user = next.fetch_add(1, Ordering::Relaxed);
                    if user >= end {
                        return done;
                    }
                    let begun = Instant::now();
                    let link = allocate(&url, user).await;
                    done.push((link, begun.elapsed()));
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    let whole = begun.elapsed();
    let (links, times) = all.into_iter().unzip();
    (links, times, whole)
}

fn told(times: &mut [Duration]) -> String {
    times.sort();
    let of = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)].as_secs_f64() * 1e3;
    format!("P50 {:.1} ms, P95 {:.1} ms", of(0.5), of(0.95))
}

async fn measure(rrctl: &Path, name: &str, database: Option<&str>) {
    let gateway = Process::start(rrctl, database);
    let folder = tempfile::tempdir().unwrap();
    let workers: Vec<GatewayLink> = (0..WORKERS)
        .map(|n| {
            let (worker, dir) = (format!("w{n}"), folder.path().join(n.to_string()));
            let config = worker_config(&[&gateway.workers], Some(gateway.join_token(rrctl, &worker)), &dir);
            let host = Sessions::new(CAPACITY) as Arc<dyn SessionHost>;
            std::thread::scope(|scope| {
                let start = || GatewayLink::start(config, host, Duration::from_secs(10)).unwrap();
                scope.spawn(start).join().unwrap()
            })
        })
        .collect();
    let (links, mut times, whole) = allocations(&gateway.url, 0..TABLETS).await;
    println!(
        "{name}: the first {TABLETS} sessions: {:.0}/s, {}",
        f64::from(TABLETS) / whole.as_secs_f64(),
        told(&mut times)
    );

    // Tablets open them, one after the other.
    let before = gateway.memory_kib();
    let (mut tablets, mut times) = (Vec::new(), Vec::new());
    for link in &links {
        let begun = Instant::now();
        let mut tablet = Viewer::open(link).await;
        loop {
            match tablet.hear().await {
                Some(rr_protocol::signaling::SignalFromHost::Waiting(_)) => {}
                Some(rr_protocol::signaling::SignalFromHost::Welcome(_)) => break,
                other => panic!("{other:?}"),
            }
        }
        times.push(begun.elapsed());
        tablets.push(tablet);
    }
    println!("{name}: {TABLETS} tablets, from opening the link to being let in by the worker: {}", told(&mut times));
    let memory = (gateway.memory_kib() - before) / f64::from(TABLETS);
    let busy = gateway.busy();
    tokio::time::sleep(REST).await;
    let busy = (gateway.busy() - busy).as_secs_f64() / REST.as_secs_f64();
    println!(
        "{name}: with them and {WORKERS} workers connected: {:.1} MB in all, {memory:.0} KiB a tablet; {:.1} % of a core, {:.3} % a tablet",
        gateway.memory_kib() / 1024.0,
        busy * 100.0,
        busy * 100.0 / f64::from(TABLETS),
    );

    let (_, mut times, whole) = allocations(&gateway.url, TABLETS..TABLETS + ASKED).await;
    let rate = f64::from(ASKED) / whole.as_secs_f64();
    println!("{name}: {ASKED} more, {AT_ONCE} at a time, most of which wait: {rate:.0}/s, {}", told(&mut times));
    drop(tablets);
    drop(gateway);
    std::thread::scope(|scope| scope.spawn(|| drop(workers)).join().unwrap());
}

fn main() {
    let rrctl: PathBuf = std::env::args_os().nth(1).expect("usage: gateway_load RRCTL").into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&rrctl, "SQLite", None));
    let postgres = postgres::Postgres::start();
    runtime.block_on(measure(&rrctl, "PostgreSQL", Some(&postgres.database("load"))));
}
