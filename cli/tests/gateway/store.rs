//! What every store must do, asked of SQLite and of PostgreSQL alike.

use crate::postgres::Postgres;
use crate::support::run;
use rr_fleet::{Time, Token};
use rr_gateway::store::{Event, Hello, STATE_KEPT, SqlStore, Store};
use rr_protocol::worker::{SessionLoad, SessionState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn sqlite_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    run(complies(None, dir.path()));
}

#[test]
fn postgres_is_a_store() {
    let postgres = Postgres::start();
    let dir = tempfile::tempdir().unwrap();
    run(complies(Some(&postgres.database("compliance")), dir.path()));
}

#[test]
fn what_sqlite_was_told_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    run(async {
        let store = SqlStore::open(None, dir.path()).await.unwrap();
        assert!(store.consume_join("w1", Time(5_000)).await.unwrap());
        store.want("s", "o", "p", Time(1_000)).await.unwrap();
    });
    run(async {
        let store = SqlStore::open(None, dir.path()).await.unwrap();
        assert!(!store.consume_join("w1", Time(5_000)).await.unwrap());
        assert_eq!(store.sessions().await.unwrap().len(), 1);
    });
}

#[test]
fn other_databases_are_refused_without_their_passwords() {
    let dir = tempfile::tempdir().unwrap();
    let error = run(SqlStore::open(Some("mysql://root:secret@h/d"), dir.path())).err().unwrap().to_string();
    assert!(error.contains("mysql") && !error.contains("secret"), "{error}");
}

async fn complies(url: Option<&str>, dir: &Path) {
    let store: Arc<dyn Store> = Arc::new(SqlStore::open(url, dir).await.unwrap());
    joins(&*store).await;
    revoked(&*store).await;
    workers(&*store).await;
    leases(&*store).await;
    states(&*store).await;
    each_lease_is_given_once(&store).await;
    events(&*store).await;
}

async fn joins(store: &dyn Store) {
    assert!(store.consume_join("w1", Time(10_000)).await.unwrap());
    assert!(!store.consume_join("w1", Time(20_000)).await.unwrap());
    assert!(store.consume_join("w2", Time(90_000)).await.unwrap());
    store.tidy(Time(80_000), Duration::from_secs(60)).await.unwrap();
    // The first has expired, so that its name may be given again; the other has not.
    assert!(store.consume_join("w1", Time(90_000)).await.unwrap());
    assert!(!store.consume_join("w2", Time(90_000)).await.unwrap());
}

async fn revoked(store: &dyn Store) {
    store.revoke("r1", Time(10_000)).await.unwrap();
    store.revoke("r1", Time(20_000)).await.unwrap();
    store.tidy(Time(15_000), Duration::from_secs(60)).await.unwrap();
    assert!(store.is_revoked("r1").await.unwrap() && !store.is_revoked("r2").await.unwrap());
    store.tidy(Time(25_000), Duration::from_secs(60)).await.unwrap();
    assert!(!store.is_revoked("r1").await.unwrap(), "its certificates have expired");
}

fn hello(worker: &str, capacity: u32) -> Hello {
    Hello { worker: worker.to_owned(), program: "rrhost".to_owned(), capacity }
}

fn load(session: &str, viewers: u32) -> SessionLoad {
    SessionLoad { session: session.to_owned(), viewers }
}

async fn workers(store: &dyn Store) {
    store.hello("a", &hello("w1", 2), Time(1_000)).await.unwrap();
    let row = store.workers().await.unwrap().remove(0);
    assert_eq!((row.desk.worker.token.0.as_str(), row.desk.capacity, row.replica.as_str()), ("w1", 2, "a"));
    assert_eq!((row.desk.worker.seen, row.joined, row.desk.lost), (Time(1_000), Time(1_000), None));
    store.beat("w1", 0.5, &[], Time(3_000), Time(9_000)).await.unwrap();
    // What another replica says of a worker that is not connected there is late.
    store.lost("b", "w1", Time(3_500)).await.unwrap();
    assert_eq!(store.workers().await.unwrap()[0].desk.lost, None);
    store.lost("a", "w1", Time(4_000)).await.unwrap();
    store.lost("a", "w1", Time(5_000)).await.unwrap();
    let row = store.workers().await.unwrap().remove(0);
    assert_eq!((row.desk.lost, row.load, row.desk.worker.seen), (Some(Time(4_000)), 0.5, Time(3_000)));
    store.hello("b", &hello("w1", 3), Time(6_000)).await.unwrap();
    let row = store.workers().await.unwrap().remove(0);
    assert_eq!((row.desk.lost, row.desk.capacity, row.replica.as_str(), row.joined), (None, 3, "b", Time(1_000)));
    store.notice("w1", Time(70_000)).await.unwrap();
    store.notice("w1", Time(90_000)).await.unwrap();
    assert!(store.drain("w1").await.unwrap());
    assert!(!store.drain("nobody").await.unwrap());
    let row = store.workers().await.unwrap().remove(0);
    assert_eq!((row.desk.worker.notice, row.desk.draining), (Some(Time(70_000)), true));
    store.forget("w1").await.unwrap();
    assert!(store.workers().await.unwrap().is_empty());
}

async fn leases(store: &dyn Store) {
    let (one, two) = (Token("l1".into()), Token("l2".into()));
    store.hello("a", &hello("l1", 1), Time(1_000)).await.unwrap();
    store.hello("a", &hello("l2", 1), Time(1_000)).await.unwrap();
    store.want("s1", "owner", "hall", Time(1_000)).await.unwrap();
    store.want("s2", "", "", Time(2_000)).await.unwrap();
    store.want("s1", "another", "x", Time(3_000)).await.unwrap();
    store.want("s1", "", "", Time(2_500)).await.unwrap();
    let rows = store.sessions().await.unwrap();
    let seat = &rows[0].seat;
    assert_eq!((seat.opened, seat.asked, rows[0].owner.as_str()), (Time(1_000), Time(3_000), "owner"));
    let seat = store.session("s2").await.unwrap().unwrap().seat;
    assert_eq!(seat, rows[1].seat);
    assert_eq!(store.session("s3").await.unwrap(), None);
    assert_eq!(store.waiting_before(&rows[0].seat, Time(0)).await.unwrap(), 0);
    assert_eq!(store.waiting_before(&seat, Time(3_000)).await.unwrap(), 1);
    assert_eq!(store.waiting_before(&seat, Time(3_001)).await.unwrap(), 0, "nobody asks for it any more");
    assert_eq!((store.owned("owner").await.unwrap(), store.owned("another").await.unwrap()), (1, 0));
    assert!(store.lease("s1", &one, Time(9_000)).await.unwrap());
    assert_eq!(store.waiting_before(&seat, Time(0)).await.unwrap(), 0, "it does not wait any more");
    assert!(!store.lease("s1", &two, Time(9_000)).await.unwrap(), "leased twice");
    assert!(!store.lease("s2", &one, Time(9_000)).await.unwrap(), "there was no room");
    assert!(!store.lease("nobody", &two, Time(9_000)).await.unwrap());
    assert!(!store.lease("s2", &Token("nobody".into()), Time(9_000)).await.unwrap());
    // The worker renews what it has, and is told what it has not.
    let wrong = store.beat("l1", 0.1, &[load("s1", 3), load("s2", 1)], Time(5_000), Time(12_000)).await.unwrap();
    assert_eq!(wrong, ["s2"]);
    let row = store.sessions().await.unwrap().remove(0);
    let placed = row.seat.placed.unwrap();
    assert_eq!((placed.until, row.viewers, row.seat.watched), (Time(12_000), 3, Some(Time(5_000))));
    assert!(!store.free("s1", &two).await.unwrap(), "not of this worker");
    assert!(store.free("s1", &one).await.unwrap());
    assert!(!store.free("s1", &one).await.unwrap());
    store.drain("l1").await.unwrap();
    assert!(!store.lease("s1", &one, Time(9_000)).await.unwrap(), "it drains");
    store.lost("a", "l2", Time(6_000)).await.unwrap();
    assert!(!store.lease("s1", &two, Time(9_000)).await.unwrap(), "it is lost");
    store.hello("a", &hello("l2", 1), Time(7_000)).await.unwrap();
    assert!(store.lease("s1", &two, Time(9_000)).await.unwrap());
    assert!(!store.end("s1", Time(2_000)).await.unwrap(), "somebody wanted it since");
    assert!(!store.end("s1", Time(4_999)).await.unwrap(), "somebody watched it since");
    assert!(store.end("s1", Time(5_000)).await.unwrap());
    assert_eq!(store.workers().await.unwrap()[1].desk.worker.sessions, 0, "its place is free again");
    assert!(store.end("s2", Time(2_000)).await.unwrap());
    store.forget("l1").await.unwrap();
    store.forget("l2").await.unwrap();
}

/// What is kept of a session goes from worker to worker, and only who has it may say anything.
async fn states(store: &dyn Store) {
    let (one, two) = (Token("k1".into()), Token("k2".into()));
    store.hello("a", &hello("k1", 1), Time(1_000)).await.unwrap();
    store.hello("a", &hello("k2", 1), Time(1_000)).await.unwrap();
    store.want("s", "", "", Time(1_000)).await.unwrap();
    let kept = async |worker: &Token| store.kept("s", &worker.0).await.unwrap();
    let document = |text: &str| SessionState { document: Some(text.into()), view: None };
    let view = |text: &str| SessionState { document: None, view: Some(text.into()) };
    let nothing = SessionState::default();
    let keep = async |worker: &Token, changes: &SessionState, last: bool| {
        store.keep("s", &worker.0, changes, last, Time(2_000)).await.unwrap()
    };
    assert_eq!(kept(&one).await, None, "nobody has it");
    assert!(!keep(&one, &document("stolen"), false).await);
    assert!(store.lease("s", &one, Time(9_000)).await.unwrap());
    assert_eq!(kept(&one).await, Some(nothing.clone()), "it is new");
    let long = "\u{20ac}\"\\".repeat(500_000);
    assert!(keep(&one, &document(&long), false).await);
    assert_eq!(kept(&one).await, Some(document(&long)));
    assert!(keep(&one, &view("first"), false).await);
    assert_eq!(kept(&one).await, Some(view("first").or(document(&long))), "beside the document");
    assert!(keep(&one, &document("second").or(view("second")), false).await);
    assert!(!keep(&two, &document("stolen"), true).await);
    assert!(keep(&one, &nothing, true).await, "nothing new, and given back");
    assert_eq!(kept(&one).await, None);
    assert_eq!(store.workers().await.unwrap()[0].desk.worker.sessions, 0, "its place is free");
    assert!(store.sessions().await.unwrap()[0].seat.placed.is_none());
    assert!(!keep(&one, &view("late"), true).await);
    assert!(store.lease("s", &two, Time(9_000)).await.unwrap());
    let second = Some(document("second").or(view("second")));
    assert_eq!(kept(&two).await, second);
    // Who comes back within a day finds it, and not only when somebody changed something on the last one.
    store.want("s", "", "", Time(500_000)).await.unwrap();
    assert!(store.end("s", Time(500_000)).await.unwrap());
    let tidy = async |now| store.tidy(now, Duration::from_secs(60)).await.unwrap();
    tidy(Time(500_000) + STATE_KEPT).await;
    store.want("s", "", "", Time(600_000)).await.unwrap();
    assert!(store.lease("s", &one, Time(9_000)).await.unwrap());
    assert_eq!(kept(&one).await, second);
    // A session that goes on is not forgotten, one that ended is.
    let late = Time(600_001) + STATE_KEPT;
    tidy(late).await;
    assert_eq!(kept(&one).await, second);
    assert!(store.end("s", Time(600_000)).await.unwrap());
    tidy(late).await;
    store.want("s", "", "", Time(700_000)).await.unwrap();
    assert!(store.lease("s", &one, Time(9_000)).await.unwrap());
    assert_eq!(kept(&one).await, Some(nothing));
    assert!(store.end("s", Time(700_000)).await.unwrap());
    store.forget("k1").await.unwrap();
    store.forget("k2").await.unwrap();
}

/// Forty sessions, ten places, eight at it.
async fn each_lease_is_given_once(store: &Arc<dyn Store>) {
    for worker in 0..5 {
        store.hello("a", &hello(&format!("c{worker}"), 2), Time(1_000)).await.unwrap();
    }
    for session in 0..40 {
        store.want(&format!("s{session:02}"), "", "", Time(1_000)).await.unwrap();
    }
    let tries = (0..8).map(|seed| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut given = Vec::new();
            for n in 0..200 {
                let (session, worker) = ((n * 7 + seed) % 40, (n + seed) % 5);
                if store.lease(&format!("s{session:02}"), &Token(format!("c{worker}")), Time(9_000)).await.unwrap() {
                    given.push((session, worker));
                }
            }
            given
        })
    });
    let mut given = Vec::new();
    for each in tries.collect::<Vec<_>>() {
        given.extend(each.await.unwrap());
    }
    assert_eq!(given.len(), 10, "{given:?}");
    let mut sessions: Vec<_> = given.iter().map(|(session, _)| session).collect();
    sessions.sort();
    sessions.dedup();
    assert_eq!(sessions.len(), 10, "a session was leased twice");
    assert!((0..5).all(|worker| given.iter().filter(|(_, at)| *at == worker).count() == 2), "{given:?}");
}

async fn events(store: &dyn Store) {
    let (mut here, mut there) = (store.listen("here").await.unwrap(), store.listen("there").await.unwrap());
    // Longer than a notification of PostgreSQL may be.
    let long = "x".repeat(60_000);
    store.publish("here", &long, Time(1_000)).await.unwrap();
    store.publish("here", "second", Time(1_000)).await.unwrap();
    store.publish("gone", "to nobody", Time(1_000)).await.unwrap();
    assert_eq!(here.recv().await, Some(Event::Message(long)));
    assert_eq!(here.recv().await, Some(Event::Message("second".into())));
    store.changed().await.unwrap();
    assert_eq!((here.recv().await, there.recv().await), (Some(Event::Changed), Some(Event::Changed)));
    store.tidy(Time(200_000), Duration::from_secs(60)).await.unwrap();
}
