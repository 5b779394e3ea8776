//! What the emulator of EC2 leaves out: machines that run. Their workers are real processes, started from the user data of
//! their instances as cloud-init and systemd would, and ended with them; and the gateway that they join.

use crate::common::{Rrctl, rrhost, signal, until};
use crate::emulator::front::Front;
use crate::emulator::http::{self, Request, Response, Server};
use crate::emulator::{ec2, options};
use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use rr_fleet::{MachineId, MachineState};
use rr_protocol::PROTOCOL_VERSION;
use rr_protocol::signaling::{Hello, SignalFromHost, SignalFromViewer};
use rr_provider::{Listed, Provider};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

/// A running machine: its worker, and what it asks about itself.
struct Machine {
    id: MachineId,
    worker: Child,
    is_taken: Arc<AtomicBool>,
    _metadata: Server,
    _disk: tempfile::TempDir,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.worker.kill();
        let _ = self.worker.wait();
    }
}

/// Runs the machines of one fleet.
pub struct Cloud {
    machines: Arc<Mutex<BTreeMap<String, Machine>>>,
    begun: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Cloud {
    pub fn start(front: &Arc<Front>, fleet: &str) -> Self {
        let provider = ec2(front.port(), options(fleet)).unwrap();
        let (machines, begun, stop): (Arc<Mutex<BTreeMap<_, _>>>, Arc<AtomicUsize>, Arc<AtomicBool>) =
            Default::default();
        let (front, all, count, stopped) = (front.clone(), machines.clone(), begun.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let mut listed = provider.list().unwrap();
                listed.retain(|l| matches!(l.machine.state, MachineState::Pending | MachineState::Running));
                let mut all = all.lock().unwrap();
                all.retain(|name: &String, _| listed.iter().any(|l| l.machine.token.0 == *name));
                for Listed { machine, .. } in &listed {
                    if all.contains_key(&machine.token.0) {
                        continue;
                    }
                    let asked = front.seen("RunInstances");
                    let orders = asked.iter().find_map(|request| Orders::of(request, &machine.token.0));
                    // Each machine carries what its own worker needs to know.
                    all.insert(machine.token.0.clone(), Machine::boot(machine.id.clone(), &orders.unwrap()));
                    count.fetch_add(1, Ordering::Relaxed);
                }
                drop(all);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Self { machines, begun, stop, thread: Some(thread) }
    }

    /// Machines that were started so far.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// EC2 says to that machine that it will be gone in two minutes.
    pub fn notice(&self, id: &str) {
        let machines = self.machines.lock().unwrap();
        machines.values().find(|machine| machine.id.0 == id).unwrap().is_taken.store(true, Ordering::Relaxed);
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What the user data of a machine says.
struct Orders {
    token: String,
    environment: Vec<(String, String)>,
}

impl Orders {
    /// If the request is for that machine.
    fn of(request: &Request, name: &str) -> Option<Self> {
        let data = base64::engine::general_purpose::STANDARD.decode(request.param("UserData")?).unwrap();
        let data: Value = serde_json::from_slice(data.strip_prefix(b"#cloud-config\n").unwrap()).unwrap();
        let file = |path: &str| {
            let files = data["write_files"].as_array().unwrap();
            files.iter().find(|file| file["path"] == path).unwrap()["content"].as_str().unwrap().to_owned()
        };
        let environment = file("/etc/remote-render/worker.env");
        let pairs = environment.lines().filter_map(|line| line.split_once('='));
        let environment: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let is_for = environment.iter().any(|(key, value)| key == "RR_WORKER" && value == name);
        is_for.then(|| Self { token: file("/etc/remote-render/join-token"), environment })
    }
}

impl Machine {
    fn boot(id: MachineId, orders: &Orders) -> Self {
        let is_taken = Arc::new(AtomicBool::new(false));
        let taken = is_taken.clone();
        let metadata = Server::start(move |request| {
            Some(match (request.method.as_str(), request.path.as_str()) {
                ("PUT", "/latest/api/token") => Response::new(200, "a token"),
                ("GET", "/latest/meta-data/spot/instance-action") if taken.load(Ordering::Relaxed) => {
                    Response::new(200, r#"{"action":"terminate","time":"2030-01-01T00:00:00Z"}"#)
                }
                _ => Response::new(404, ""),
            })
        });
        let disk = tempfile::tempdir().unwrap();
        let at = |name: &str| disk.path().join(name);
        std::fs::write(at("join-token"), &orders.token).unwrap();
        let mut worker = Command::new(rrhost());
        worker.arg("--headless").args(["--config-dir".as_ref(), at("config").as_os_str()]);
        worker.args(["--cache-dir".as_ref(), at("cache").as_os_str()]);
        worker.args(["--join-token-file".as_ref(), at("join-token").as_os_str()]);
        worker.envs(orders.environment.iter().map(|(name, value)| (name, value)));
        worker.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://127.0.0.1:{}", metadata.port));
        // All machines are this one here.
        worker.env("RRHOST_LISTEN", "127.0.0.1:0").env("XDG_STATE_HOME", at("state"));
        let worker = worker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { id, worker, is_taken, _metadata: metadata, _disk: disk }
    }
}

/// `rrctl gateway`, until it is dropped.
pub struct Gateway {
    child: Child,
    url: String,
}

impl Gateway {
    pub fn start(rrctl: &Rrctl, args: &[&str]) -> Self {
        let mut command = rrctl.command(&["gateway", "--state", "gateway", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { url: ready["url"].as_str().unwrap().to_owned(), child }
    }

    /// Workers that are connected.
    pub fn workers(&self) -> usize {
        let port = self.url.rsplit_once(':').unwrap().1.parse().unwrap();
        let request = Request { method: "GET".into(), path: "/metrics".into(), ..Request::default() };
        let metrics = http::send(port, &request).unwrap().body;
        let line = metrics.lines().find_map(|line| line.strip_prefix("rr_gateway_workers_connected "));
        line.unwrap().parse().unwrap()
    }

    /// Somebody who wants to see a session.
    pub fn viewer(&self, rrctl: &Rrctl, session: &str) -> Viewer {
        let link = rrctl.run(&["gateway", "link", "--state", "gateway", "--session", session, "--role", "viewer"]).ok();
        Viewer::start(&self.url, link.out.trim().split_once("/#").unwrap().1)
    }

    /// In order.
    pub fn end(mut self) {
        signal(self.child.id(), "TERM");
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who comes again and again, as pages do, until they are dropped. They see no pictures.
pub struct Viewer {
    is_let_in: Arc<AtomicBool>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Viewer {
    fn start(url: &str, token: &str) -> Self {
        let url = format!("{}/signal", url.replacen("http", "ws", 1));
        let hello = Hello { token: token.to_owned(), protocol_version: PROTOCOL_VERSION, name: None, return_key: None };
        let hello = serde_json::to_string(&SignalFromViewer::Hello(hello)).unwrap();
        let is_let_in = Arc::new(AtomicBool::new(false));
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let let_in = is_let_in.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = come_again(&url, &hello, &let_in) => {}
                    _ = &mut stopped => {}
                }
            });
        });
        Self { is_let_in, stop: Some(stop), thread: Some(thread) }
    }

    /// A worker took them, soon.
    pub fn is_let_in(&self) -> bool {
        until("somebody is let in", || self.is_let_in.load(Ordering::Relaxed));
        true
    }

    /// A worker takes them from now on.
    pub fn is_let_in_again(&self) -> bool {
        self.is_let_in.store(false, Ordering::Relaxed);
        self.is_let_in()
    }
}

async fn come_again(url: &str, hello: &str, let_in: &AtomicBool) {
    loop {
        if let Ok((mut socket, _)) = tokio_tungstenite::connect_async(url).await
            && socket.send(Message::text(hello)).await.is_ok()
        {
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                let message = serde_json::from_str(text.as_str()).unwrap();
                if let SignalFromHost::Welcome(_) = message {
                    let_in.store(true, Ordering::Relaxed);
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
