//! Two replicas of one gateway, with one PostgreSQL.

use crate::postgres::Postgres;
use crate::support::{Sessions, Viewer, aside, gateway, join, link, run, until, workers_seen};
use rr_gateway::Role;
use rr_protocol::signaling::SignalFromHost;
use rr_signal::worker::{GatewayLink, SessionHost};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn a_viewer_of_one_replica_is_served_by_a_worker_of_the_other() {
    let postgres = Postgres::start();
    let database = postgres.database("across");
    let (state, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (gateway(state.path(), Some(&database)), gateway(state.path(), Some(&database)));
    let sessions = Sessions::new(1);
    let _worker = join(&[&b], "w1", own.path(), &sessions);
    until("the other replica knows the worker", || workers_seen(&a) == 1);
    run(async {
        let mut viewer = Viewer::open(&link(&a, "main")).await;
        viewer.welcome().await;
        // More than a notification holds.
        viewer.offer(20_000).await;
        viewer.candidate("across").await;
        let session = sessions.session("main").unwrap();
        until("the candidate came", || session.candidates.lock().unwrap().iter().any(|c| c.candidate == "across"));
        let mut another = Viewer::open(&link(&b, "main")).await;
        another.welcome().await;
        assert_eq!(session.here.lock().unwrap().len(), 2, "the same session by either replica");
        viewer.say_goodbye().await;
        until("the worker hears of it by the other one", || session.here.lock().unwrap().len() == 1);
    });
}

/// A replica as a process of its own.
struct Replica {
    child: Child,
    url: String,
    workers: String,
}

impl Replica {
    fn start(state: &Path, database: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rrctl"))
            .args(["gateway", "--listen", "127.0.0.1:0", "--state"])
            .arg(state)
            .env("RRCTL_DATABASE", database)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).expect("no ready line");
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        Self { url: text("url"), workers: text("workers"), child }
    }

    fn link(&self, state: &Path, session: &str) -> String {
        let secrets = rr_gateway::Secrets::load_or_create(state).unwrap();
        rr_gateway::link(&secrets, &self.url, session, Role::Engineer, Duration::from_secs(600)).unwrap()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn when_a_replica_is_killed_its_workers_and_waiting_viewers_go_on_with_the_other() {
    let postgres = Postgres::start();
    let database = postgres.database("killed");
    let (state, own, other) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut a, b) = (Replica::start(state.path(), &database), Replica::start(state.path(), &database));
    let secrets = rr_gateway::Secrets::load_or_create(state.path()).unwrap();
    let soon = std::time::SystemTime::now() + Duration::from_secs(60);
    let member = |name: &str, dir: &Path, sessions: &Arc<Sessions>| {
        let config =
            crate::support::worker_config(&[&a.workers, &b.workers], Some(secrets.join_token(name, soon)), dir);
        GatewayLink::start(config, Arc::clone(sessions) as Arc<dyn SessionHost>, Duration::from_secs(5)).unwrap()
    };
    let (first, second) = (Sessions::new(1), Sessions::new(1));
    // It is connected to the replica that will die.
    let _first = member("w1", own.path(), &first);
    let (link_one, link_two) = (a.link(state.path(), "one"), a.link(state.path(), "two"));
    let link_b = |session| b.link(state.path(), session);
    run(async {
        let mut flowing = Viewer::open(&link_one).await;
        flowing.welcome().await;
        flowing.offer(100).await;
        let mut waiting = Viewer::open(&link_two).await;
        assert!(matches!(waiting.hear().await, Some(SignalFromHost::Waiting(_))));
        a.kill();
        let killed = Instant::now();
        assert_eq!(flowing.hear().await, None);
        assert_eq!(waiting.hear().await, None);
        // Its session is where it was: nobody was sent away.
        assert_eq!(first.names(), ["one"]);
        assert_eq!(first.session("one").unwrap().here.lock().unwrap().len(), 1);
        // Who waited asks the other replica, and is served when there is a worker.
        let mut waiting = Viewer::open(&link_b("two")).await;
        assert!(matches!(waiting.hear().await, Some(SignalFromHost::Waiting(_))));
        let config = crate::support::worker_config(&[&b.workers], Some(secrets.join_token("w2", soon)), other.path());
        let host = Arc::clone(&second) as Arc<dyn SessionHost>;
        let _second = aside(|| GatewayLink::start(config, host, Duration::from_secs(5))).unwrap();
        waiting.welcome().await;
        waiting.offer(100).await;
        assert_eq!((first.names(), second.names()), (vec!["one".to_owned()], vec!["two".to_owned()]));
        // The worker of the dead replica has come to this one, with its session.
        let mut again = Viewer::open(&link_b("one")).await;
        again.welcome().await;
        again.offer(100).await;
        assert!(killed.elapsed() < Duration::from_secs(15), "{:?}", killed.elapsed());
        assert_eq!(first.session("one").unwrap().here.lock().unwrap().len(), 2);
    });
}
