//! Joining: once for each token, with this gateway only, and never without.

use crate::support::{
    Sessions, Viewer, aside, config, gateway, join, join_on_a_machine, link, run, until, worker_config, workers_seen,
};
use rr_fleet::Token;
use rr_gateway::{DeskRules, Gateway, GatewayConfig, IceServers, Secret, TimeLimitedTurn};
use rr_protocol::signaling::SignalFromHost;
use rr_protocol::worker::{MAX_DOCUMENT_LEN, MAX_VIEW_LEN};
use rr_signal::worker::{GatewayError, GatewayLink, IdentityError, SessionHost};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const BRIEF: Duration = Duration::from_millis(600);

fn refused(result: Result<GatewayLink, GatewayError>) -> String {
    match result {
        Err(GatewayError::Identity(error)) => error.to_string(),
        other => panic!("not refused: {:?}", other.map(|link| link.worker().to_owned())),
    }
}

fn try_join(url: &str, token: Option<String>) -> Result<GatewayLink, GatewayError> {
    let dir = tempfile::tempdir().unwrap();
    let host = Sessions::new(1) as Arc<dyn SessionHost>;
    GatewayLink::start(worker_config(&[url], token, dir.path()), host, BRIEF)
}

#[test]
fn a_token_is_good_once() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path(), None);
    let token = gateway.join_token("w1", Duration::from_secs(60));
    let first = try_join(gateway.workers_url(), Some(token.clone())).unwrap();
    assert_eq!(first.worker(), "w1");
    until("the worker is known", || workers_seen(&gateway) == 1);
    // Stolen from the machine's user data after its worker has joined.
    let error = refused(try_join(gateway.workers_url(), Some(token)));
    assert!(error.contains("used before"), "{error}");
    // Another token for the same name is the same claim.
    let again = gateway.join_token("w1", Duration::from_secs(600));
    assert!(refused(try_join(gateway.workers_url(), Some(again))).contains("used before"));
}

#[test]
fn of_many_who_come_with_one_token_at_once_one_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path(), None);
    let token = gateway.join_token("w1", Duration::from_secs(60));
    let taken = std::thread::scope(|scope| {
        let (url, token) = (gateway.workers_url(), &token);
        let all: Vec<_> = (0..8).map(|_| scope.spawn(move || try_join(url, Some(token.clone())).is_ok())).collect();
        all.into_iter().map(|each| each.join().unwrap()).filter(|ok| *ok).count()
    });
    assert_eq!(taken, 1);
}

#[test]
fn forged_expired_and_foreign_tokens_are_refused() {
    let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (gateway, other) = (gateway(dir.path(), None), gateway(other_dir.path(), None));
    let url = gateway.workers_url();
    let good = gateway.join_token("w1", Duration::from_secs(60));
    let (head, _) = good.rsplit_once('.').unwrap();
    let (_, foreign_code) = gateway
        .join_token("w2", Duration::from_secs(60))
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let error = refused(try_join(url, Some(format!("{head}.{foreign_code}"))));
    assert!(error.contains("not made for this gateway"), "{error}");
    // Secrets of another gateway: the worker itself does not talk to this one.
    let error = refused(try_join(url, Some(other.join_token("w3", Duration::from_secs(60)))));
    assert!(error.contains("not the gateway that the join token was made by"), "{error}");
    let secrets = rr_gateway::Secrets::load_or_create(dir.path()).unwrap();
    let old = secrets.join_token("w4", std::time::SystemTime::now() - Duration::from_secs(5));
    let error = refused(try_join(url, Some(old)));
    assert!(error.contains("expired"), "{error}");
    assert!(refused(try_join(url, Some("rubbish".into()))).contains("not a join token"));
    assert!(refused(try_join(url, None)).contains("rrctl gateway token"));
    assert_eq!(workers_seen(&gateway), 0);
    // What was refused has used nothing up.
    try_join(url, Some(good)).unwrap();
}

#[test]
fn a_gateway_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = gateway(dir.path(), None);
    let token = gateway.join_token("w1", Duration::from_secs(60));
    let url = gateway.workers_url().to_owned();
    gateway.shutdown("over");
    let result = try_join(&url, Some(token));
    assert!(matches!(&result, Err(GatewayError::Identity(IdentityError::Unreachable(_)))), "{result:?}");
}

#[test]
fn who_has_joined_comes_back_by_the_certificate() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = gateway(dir.path(), None);
    let sessions = Sessions::new(1);
    let token = gateway.join_token("w1", Duration::from_secs(60));
    let config = worker_config(&[gateway.workers_url()], Some(token), own.path());
    let start = || GatewayLink::start(config.clone(), Arc::clone(&sessions) as Arc<dyn SessionHost>, BRIEF).unwrap();
    drop(start());
    // The token is used up; the same configuration still works, as a service that restarts needs it.
    let _again = start();
    run(async {
        let mut viewer = Viewer::open(&link(&gateway, "main")).await;
        viewer.welcome().await;
    });
    // Without a token as well.
    let config = worker_config(&[gateway.workers_url()], None, own.path());
    GatewayLink::start(config, sessions as Arc<dyn SessionHost>, BRIEF).unwrap();
}

#[test]
fn signaling_is_relayed_both_ways() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = gateway(dir.path(), None);
    let sessions = Sessions::new(2);
    let _worker = join(&[&gateway], "w1", own.path(), &sessions);
    run(async {
        let mut viewer = Viewer::open(&link(&gateway, "main")).await;
        viewer.welcome().await;
        viewer.offer(3_000).await;
        viewer.candidate("of the viewer").await;
        until("the candidate came", || {
            let session = sessions.session("main").unwrap();
            let candidates = session.candidates.lock().unwrap();
            candidates.iter().any(|candidate| candidate.candidate == "of the viewer")
        });
        let session = sessions.session("main").unwrap();
        let (request, outbox) = session.here.lock().unwrap().values().next().cloned().unwrap();
        assert_eq!(request.name.as_deref(), Some("Tablet"));
        outbox.bye(rr_protocol::host::ErrorCode::Removed, "go away").unwrap();
        let bye = viewer.hear().await;
        assert!(matches!(&bye, Some(SignalFromHost::Bye(bye)) if bye.message == "go away"), "{bye:?}");
        // The worker learns who closed the page and whose connection only broke.
        let before = session.here.lock().unwrap().len();
        let (mut closed, mut broken) =
            (Viewer::open(&link(&gateway, "main")).await, Viewer::open(&link(&gateway, "main")).await);
        for viewer in [&mut closed, &mut broken] {
            viewer.welcome().await;
            viewer.offer(100).await;
        }
        drop(broken);
        closed.say_goodbye().await;
        until("one is gone", || session.here.lock().unwrap().len() == before + 1);
    });
}

#[test]
fn two_sessions_share_a_worker_and_the_third_waits_in_order() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = gateway(dir.path(), None);
    let sessions = Sessions::new(2);
    let worker = join(&[&gateway], "w1", own.path(), &sessions);
    run(async {
        let mut first = Viewer::open(&link(&gateway, "one")).await;
        first.welcome().await;
        let mut second = Viewer::open(&link(&gateway, "two")).await;
        second.welcome().await;
        assert_eq!(sessions.names(), ["one", "two"]);
        let mut third = Viewer::open(&link(&gateway, "three")).await;
        let Some(SignalFromHost::Waiting(waiting)) = third.hear().await else { panic!("not told to wait") };
        assert_eq!((waiting.place, waiting.estimate_secs), (1, None));
        let mut fourth = Viewer::open(&link(&gateway, "four")).await;
        let Some(SignalFromHost::Waiting(waiting)) = fourth.hear().await else { panic!("not told to wait") };
        assert_eq!(waiting.place, 2);
        // Whoever waits and speaks has misunderstood.
        let other = tempfile::tempdir().unwrap();
        let more = Sessions::new(1);
        let _more = aside(|| join(&[&gateway], "w2", other.path(), &more));
        third.welcome().await;
        assert_eq!(more.names(), ["three"]);
        let Some(SignalFromHost::Waiting(waiting)) = fourth.hear().await else { panic!("not moved up") };
        assert_eq!(waiting.place, 1);
    });
    drop(worker);
}

#[test]
fn sessions_of_a_drained_worker_move() {
    let (dir, own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = gateway(dir.path(), None);
    let (first, second) = (Sessions::new(1), Sessions::new(1));
    let _first = join(&[&gateway], "w1", own.path(), &first);
    run(async {
        let mut viewer = Viewer::open(&link(&gateway, "one")).await;
        viewer.welcome().await;
        viewer.offer(10).await;
        let _second = aside(|| join(&[&gateway], "w2", other.path(), &second));
        // Changed the moment before.
        first.session("one").unwrap().change("of the first worker");
        assert!(aside(|| gateway.drain(&Token("w1".into()))).unwrap());
        let bye = viewer.hear().await;
        assert!(matches!(&bye, Some(SignalFromHost::Bye(_))), "{bye:?}");
        let mut viewer = Viewer::open(&link(&gateway, "one")).await;
        viewer.welcome().await;
        assert_eq!((first.names(), second.names()), (Vec::new(), vec!["one".to_owned()]));
        assert_eq!(second.session("one").unwrap().document().as_deref(), Some("of the first worker"));
        assert!(first.drained.load(Ordering::Relaxed) && !second.drained.load(Ordering::Relaxed));
    });
    assert!(!gateway.drain(&Token("nobody".into())).unwrap());
}

#[test]
fn the_next_session_waits_until_a_slow_worker_is_done_with_the_last_one() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rules = DeskRules { linger: Duration::from_secs(1), ..DeskRules::default() };
    let gateway = Gateway::start(GatewayConfig { rules, ..config(dir.path(), None) }).unwrap();
    let sessions = Sessions::slow(1, Duration::from_millis(700));
    let _worker = join(&[&gateway], "w1", own.path(), &sessions);
    run(async {
        let mut first = Viewer::open(&link(&gateway, "one")).await;
        first.welcome().await;
        drop(first);
        // It ends and the next one begins in one look of the desk.
        let mut second = Viewer::open(&link(&gateway, "two")).await;
        second.welcome().await;
        assert_eq!(sessions.names(), ["two"]);
    });
    let workers = gateway.observed().unwrap().0.workers;
    assert_eq!((workers.len(), workers[0].sessions), (1, 1), "it is well");
}

#[test]
fn a_session_lives_while_a_busy_worker_connects_with_who_comes() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rules = DeskRules { linger: Duration::from_secs(1), ..DeskRules::default() };
    let gateway = Gateway::start(GatewayConfig { rules, ..config(dir.path(), None) }).unwrap();
    // Heartbeats come every two seconds, and the first two or three know of nobody.
    let sessions = Sessions::busy(1, Duration::ZERO, Duration::from_secs(5));
    let _worker = join(&[&gateway], "w1", own.path(), &sessions);
    run(async {
        let mut viewer = Viewer::open(&link(&gateway, "one")).await;
        viewer.welcome().await;
        let begun = sessions.session("one").unwrap();
        tokio::time::sleep(Duration::from_secs(8)).await;
        let now = sessions.session("one").expect("the session ended although somebody came");
        assert!(Arc::ptr_eq(&begun, &now), "it ended and began again");
        // Who leaves is nobody's reason to keep it.
        viewer.say_goodbye().await;
        until("it ends", || sessions.names().is_empty());
    });
}

#[test]
fn a_session_goes_on_where_its_worker_left_it() {
    let (dir, own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = gateway(dir.path(), None);
    let (first, second) = (Sessions::new(1), Sessions::new(1));
    let mut member = Some(join(&[&gateway], "w1", own.path(), &first));
    run(async {
        Viewer::open(&link(&gateway, "one")).await.welcome().await;
        assert_eq!(first.session("one").unwrap().document(), None, "it is new");
        // A large one, with all that JSON has to escape.
        let state = "\"\\\n\u{1f3ed}".repeat(200_000);
        first.session("one").unwrap().change(&state);
        // Its worker ends in order, at once after that.
        aside(|| drop(member.take()));
        assert_eq!(first.names(), Vec::<String>::new());
        let _second = aside(|| join(&[&gateway], "w2", other.path(), &second));
        Viewer::open(&link(&gateway, "one")).await.welcome().await;
        let session = second.session("one").unwrap();
        assert!(session.document().is_some_and(|found| found == state));
        assert_eq!(session.view(), None, "nobody turned it");
        // Too large: the session goes on, with what was kept before.
        session.change("small");
        session.turn("from the left");
        tokio::time::sleep(Duration::from_millis(1500)).await;
        session.change(&"x".repeat(MAX_DOCUMENT_LEN + 1));
        session.turn(&"x".repeat(MAX_VIEW_LEN + 1));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        // One of them is not lost with the other.
        session.turn("from above");
        until("it is told", || session.is_told());
        aside(|| drop(_second));
        let _again = aside(|| join(&[&gateway], "w3", tempfile::tempdir().unwrap().path(), &first));
        Viewer::open(&link(&gateway, "one")).await.welcome().await;
        let session = first.session("one").unwrap();
        assert_eq!((session.document().as_deref(), session.view().as_deref()), (Some("small"), Some("from above")));
    });
}

#[test]
fn what_changes_while_the_gateway_is_away_is_kept_when_it_is_back() {
    let (dir, own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut gateway = gateway(dir.path(), None);
    let (first, second) = (Sessions::new(1), Sessions::new(1));
    let member = join(&[&gateway], "w1", own.path(), &first);
    run(async { Viewer::open(&link(&gateway, "one")).await.welcome().await });
    let workers = gateway.workers_url().strip_prefix("https://").unwrap().parse().unwrap();
    gateway.shutdown("over");
    let noting = first.session("one").unwrap();
    noting.change("while nobody could be told");
    until("a try to tell it", || noting.is_told());
    // What came later does not take the place of what could not be said.
    noting.turn("from the right");
    until("a try to tell that", || noting.is_told());
    gateway = Gateway::start(GatewayConfig { workers, ..config(dir.path(), None) }).unwrap();
    // The worker is back when it can be reached.
    run(async { Viewer::open(&link(&gateway, "one")).await.welcome().await });
    assert_eq!(first.names(), ["one"]);
    drop(member);
    let _second = join(&[&gateway], "w2", other.path(), &second);
    run(async { Viewer::open(&link(&gateway, "one")).await.welcome().await });
    let session = second.session("one").unwrap();
    assert_eq!(session.document().as_deref(), Some("while nobody could be told"));
    assert_eq!(session.view().as_deref(), Some("from the right"));
}

#[test]
fn a_revoked_worker_is_cut_off_and_its_sessions_move() {
    let (dir, own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = gateway(dir.path(), None);
    let (first, second) = (Sessions::new(1), Sessions::new(1));
    let joined = join(&[&gateway], "w1", own.path(), &first);
    run(async {
        Viewer::open(&link(&gateway, "one")).await.welcome().await;
        assert_eq!(first.names(), ["one"]);
    });
    gateway.revoke(&Token("w1".into())).unwrap();
    let _second = join(&[&gateway], "w2", other.path(), &second);
    run(async { Viewer::open(&link(&gateway, "one")).await.welcome().await });
    assert_eq!(second.names(), ["one"]);
    // It gets nothing with its certificate, begun again, and nothing with a new token either.
    drop(joined);
    let _again = join(&[&gateway], "w1", own.path(), &first);
    let denied = || {
        let audit = std::fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
        audit.lines().filter(|line| line.contains("worker_denied") && line.contains("revoked")).count()
    };
    until("its certificate is refused", || denied() == 1);
    let connected = |name: &str| gateway.observed().unwrap().0.workers.iter().any(|worker| worker.token.0 == name);
    assert!(connected("w2"));
    let token = gateway.join_token("w1", Duration::from_secs(60));
    let again = refused(try_join(gateway.workers_url(), Some(token)));
    assert!(again.contains("revoked"), "{again}");
    until("that is written down", || denied() == 2);
    // Told so, it does not ask all the time.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(denied(), 2);
}

/// What a machine of EC2 can ask about itself; the flag says whether it will be taken away.
fn metadata() -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (url, taken) = (format!("http://{}", listener.local_addr().unwrap()), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&taken);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let has = |name: &str| head.iter().any(|line| line.to_lowercase().starts_with(name));
            let (status, body) = match head.first().map_or("", String::as_str) {
                "PUT /latest/api/token HTTP/1.1" if has("x-aws-ec2-metadata-token-ttl-seconds: 60") => (200, "secret"),
                _ if !has("x-aws-ec2-metadata-token: secret") => (401, ""),
                "GET /latest/meta-data/spot/instance-action HTTP/1.1" if flag.load(Ordering::Relaxed) => {
                    (200, r#"{"action": "terminate", "time": "2026-11-22T08:22:00Z"}"#)
                }
                _ => (404, ""),
            };
            write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    (url, taken)
}

#[test]
fn a_session_leaves_a_spot_machine_before_it_is_taken_away() {
    let (dir, own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = gateway(dir.path(), None);
    let (first, second) = (Sessions::new(1), Sessions::new(1));
    let (service, taken) = metadata();
    let _first = join_on_a_machine(&[&gateway], "spot", own.path(), &first, Some(service));
    run(async {
        let mut viewer = Viewer::open(&link(&gateway, "one")).await;
        viewer.welcome().await;
        viewer.offer(10).await;
        first.session("one").unwrap().change("of the spot machine");
        let _second = aside(|| join(&[&gateway], "w2", other.path(), &second));
        taken.store(true, Ordering::Relaxed);
        // It asks every five seconds.
        let bye = viewer.hear().await;
        assert!(matches!(&bye, Some(SignalFromHost::Bye(_))), "{bye:?}");
        Viewer::open(&link(&gateway, "one")).await.welcome().await;
        assert_eq!(second.session("one").unwrap().document().as_deref(), Some("of the spot machine"));
        assert_eq!(first.names(), Vec::<String>::new());
        let workers = aside(|| gateway.observed()).unwrap().0.workers;
        let notices: Vec<bool> = workers.iter().map(|worker| worker.notice.is_some()).collect();
        assert_eq!(notices, [true, false], "the pool will replace it");
    });
}

#[test]
fn a_certificate_is_renewed_before_it_expires() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let worker_certificate = Duration::from_secs(6);
    let gateway = Gateway::start(GatewayConfig { worker_certificate, ..config(dir.path(), None) }).unwrap();
    let sessions = Sessions::new(1);
    let member = join(&[&gateway], "w1", own.path(), &sessions);
    let file = own.path().join("w1.json");
    let first = std::fs::read_to_string(&file).unwrap();
    // Longer than the first one is good.
    std::thread::sleep(Duration::from_secs(7));
    assert_ne!(std::fs::read_to_string(&file).unwrap(), first);
    drop(member);
    let host = || Arc::clone(&sessions) as Arc<dyn SessionHost>;
    let again = || GatewayLink::start(worker_config(&[gateway.workers_url()], None, own.path()), host(), BRIEF);
    let _member = again().unwrap();
    run(async {
        let mut viewer = Viewer::open(&link(&gateway, "main")).await;
        viewer.welcome().await;
    });
    // With the first one it would be nobody.
    std::fs::write(&file, first).unwrap();
    assert!(refused(again()).contains("no join token"));
}

#[test]
fn viewers_are_told_turn_servers_with_credentials_of_their_own() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let secret = dir.path().join("turn-secret");
    std::fs::write(&secret, "north").unwrap();
    let turn = TimeLimitedTurn {
        urls: vec!["turn:turn.example:3478".parse().unwrap()],
        secret: Secret::read(&secret).unwrap(),
        valid_for: Duration::from_secs(60),
    };
    let ice = IceServers { turn: Some(turn), ..IceServers::default() };
    let gateway = Gateway::start(GatewayConfig { ice, ..config(dir.path(), None) }).unwrap();
    let sessions = Sessions::new(1);
    let _worker = join(&[&gateway], "w1", own.path(), &sessions);
    run(async {
        let mut names = Vec::new();
        for _ in 0..2 {
            let mut viewer = Viewer::open(&link(&gateway, "main")).await;
            let welcome = loop {
                match viewer.hear().await {
                    Some(SignalFromHost::Welcome(welcome)) => break welcome,
                    Some(SignalFromHost::Waiting(_)) => {}
                    other => panic!("no welcome: {other:?}"),
                }
            };
            assert_eq!(welcome.ice_servers[0].urls, ["turn:turn.example:3478"]);
            assert!(welcome.ice_servers[0].credential.as_ref().is_some_and(|password| !password.contains("north")));
            names.push(welcome.ice_servers[0].username.clone().unwrap());
        }
        assert_ne!(names[0], names[1]);
    });
}
