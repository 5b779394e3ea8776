//! The signaling state machine, without a socket.

use super::*;
use rr_protocol::signaling::IceServer;
use std::collections::HashSet;

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7));
const PEER: PeerId = PeerId(5);

/// A conversation in virtual time.
struct Talk {
    machine: Machine,
    shared: Arc<Shared>,
    start: Now,
    passed: Duration,
}

impl Talk {
    fn new() -> Self {
        let limits = Limits::default();
        Self::with(Arc::new(Shared {
            key: Arc::new(TokenKey::generate().unwrap()),
            ice: IceServers {
                fixed: vec![IceServer { urls: vec!["stun:stun.example".into()], username: None, credential: None }],
                turn: None,
            },
            failures: Mutex::new(Failures::new(limits.failure_window)),
            limits,
        }))
    }

    fn with(shared: Arc<Shared>) -> Self {
        let start = Now::read();
        let machine = Machine::new(Arc::clone(&shared), ADDRESS, start.instant);
        Self { machine, shared, start, passed: Duration::ZERO }
    }

    fn now(&self) -> Now {
        Now { instant: self.start.instant + self.passed, system: self.start.system + self.passed }
    }

    fn pass(&mut self, secs: f64) {
        self.passed += Duration::from_secs_f64(secs);
    }

    fn token(&self) -> String {
        self.shared.key.issue(Role::Engineer, Duration::from_secs(3600), self.start.system).unwrap().token
    }

    fn say(&mut self, text: &str) -> Vec<Action> {
        self.machine.on_message(self.now(), text)
    }

    fn hello(&mut self, token: &str) -> Vec<Action> {
        self.say(&format!(r#"{{"type":"hello","data":{{"token":"{token}","protocolVersion":{PROTOCOL_VERSION}}}}}"#))
    }

    fn tick(&mut self) -> Vec<Action> {
        self.machine.on_tick(self.now().instant)
    }

    fn welcomed() -> Self {
        let mut talk = Self::new();
        let token = talk.token();
        assert!(matches!(talk.hello(&token)[..], [Action::Join { .. }]));
        let now = talk.now();
        talk.machine.on_joined(now, Ok(PEER));
        talk
    }

    fn open() -> Self {
        let mut talk = Self::welcomed();
        talk.say(OFFER);
        talk.machine.on_answered(Ok("v=0".into()));
        talk
    }
}

const OFFER: &str = r#"{"type":"offer","data":{"sdp":"v=0 offer"}}"#;
const CANDIDATE: &str =
    r#"{"type":"candidate","data":{"candidate":"candidate:1 1 udp 1 10.0.0.1 9 typ host","sdpMid":"0"}}"#;

/// The error that ends the conversation, and how the socket is closed.
#[track_caller]
fn refused(actions: &[Action]) -> (ErrorCode, u16) {
    match actions {
        [Action::Send(SignalFromHost::Error(error)), Action::Close(code)] => {
            assert!(!error.message.is_empty());
            (error.code, *code)
        }
        other => panic!("{other:?}"),
    }
}

fn host_candidate() -> SignalFromHost {
    SignalFromHost::Candidate(Candidate { candidate: "candidate:2".into(), sdp_mid: None, sdp_m_line_index: Some(0) })
}

#[test]
fn the_whole_conversation() {
    let mut talk = Talk::new();
    let token = talk.token();
    let text = format!(r#"{{"type":"hello","data":{{"token":"{token}","protocolVersion":1,"name":" Käthe "}}}}"#);
    let actions = talk.say(&text);
    let [Action::Join { claims, name, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!((claims.role, name.as_deref()), (Role::Engineer, Some("Käthe")));

    let now = talk.now();
    let actions = talk.machine.on_joined(now, Ok(PEER));
    let [Action::Send(SignalFromHost::Welcome(welcome))] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!((welcome.role, welcome.protocol_version, welcome.ice_servers.len()), (Role::Engineer, 1, 1));
    assert_eq!(talk.machine.peer(), Some((PEER, Leave::Early)));

    assert_eq!(talk.say(OFFER), [Action::Offer { peer: PEER, sdp: "v=0 offer".into() }]);
    let answer = SignalFromHost::Answer(Sdp { sdp: "v=0 answer".into() });
    assert_eq!(talk.machine.on_answered(Ok("v=0 answer".into())), [Action::Send(answer)]);
    assert_eq!(talk.machine.peer(), Some((PEER, Leave::Silent)));
    // Only a goodbye is one.
    for code in [None, Some(1006), Some(1011)] {
        talk.machine.on_close(code);
        assert_eq!(talk.machine.peer(), Some((PEER, Leave::Silent)), "{code:?}");
    }
    for code in [CLOSE_NORMAL, CLOSE_AWAY] {
        talk.machine.on_close(Some(code));
        assert_eq!(talk.machine.peer(), Some((PEER, Leave::Goodbye)), "{code}");
    }

    let actions = talk.say(CANDIDATE);
    assert!(
        matches!(&actions[..], [Action::Candidate { peer: PEER, candidate }] if candidate.sdp_mid.as_deref() == Some("0"))
    );
    assert_eq!(talk.machine.on_host_message(host_candidate()), [Action::Send(host_candidate())]);

    let bye = SignalFromHost::Bye(Bye { code: ErrorCode::Closing, message: "good night".into() });
    assert_eq!(talk.machine.on_host_message(bye.clone()), [Action::Send(bye), Action::Close(CLOSE_NORMAL)]);
    assert_eq!(talk.say(CANDIDATE), [], "nothing after the end");
    assert_eq!(talk.machine.on_shutdown("again"), []);
}

#[test]
fn candidates_of_the_host_wait_for_the_answer() {
    let mut talk = Talk::welcomed();
    assert_eq!(talk.machine.on_host_message(host_candidate()), []);
    talk.say(OFFER);
    let actions = talk.machine.on_answered(Ok("v=0".into()));
    assert!(matches!(
        &actions[..],
        [Action::Send(SignalFromHost::Answer(_)), Action::Send(SignalFromHost::Candidate(_))]
    ));

    let mut talk = Talk::welcomed();
    for _ in 0..talk.shared.limits.outbox {
        assert_eq!(talk.machine.on_host_message(host_candidate()), []);
    }
    assert_eq!(refused(&talk.machine.on_host_message(host_candidate())), (ErrorCode::Internal, CLOSE_INTERNAL));
    // A goodbye does not wait.
    let bye = SignalFromHost::Bye(Bye { code: ErrorCode::Removed, message: "no".into() });
    assert_eq!(Talk::welcomed().machine.on_host_message(bye.clone()), [Action::Send(bye), Action::Close(CLOSE_NORMAL)]);
}

#[test]
fn wrong_order_is_refused() {
    let hello = |talk: &mut Talk| {
        let token = talk.token();
        talk.hello(&token)
    };
    let expect = (ErrorCode::Malformed, CLOSE_POLICY);
    assert_eq!(refused(&Talk::new().say(OFFER)), expect, "offer first");
    assert_eq!(refused(&Talk::new().say(CANDIDATE)), expect, "candidate first");
    assert_eq!(refused(&Talk::welcomed().say(CANDIDATE)), expect, "candidate before the offer");
    assert_eq!(refused(&hello(&mut Talk::welcomed())), expect, "hello twice");
    assert_eq!(refused(&hello(&mut Talk::open())), expect, "hello at the end");
    assert_eq!(refused(&Talk::open().say(OFFER)), expect, "offer twice");
    let mut talk = Talk::welcomed();
    talk.say(OFFER);
    assert_eq!(refused(&talk.say(OFFER)), expect, "offer while it is worked on");
    // The reply to it comes too late and does nothing.
    assert_eq!(talk.machine.on_answered(Ok(String::new())), []);
}

#[test]
fn malformed_messages_are_refused() {
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    for text in [
        "",
        "null",
        "{}",
        "[]",
        "hello",
        "\0",
        &deep,
        r#"{"type":"hello"}"#,
        r#"{"type":"hello","data":{}}"#,
        r#"{"type":"hello","data":{"token":1,"protocolVersion":1}}"#,
        r#"{"type":"hello","data":{"token":"","protocolVersion":-1}}"#,
        r#"{"type":"welcome","data":{}}"#,
        r#"{"type":"offer","data":{"sdp":null}}"#,
        r#"{"type":"offer","data":{"sdp":"v=0"}} trailing"#,
        r#"{"type":"bye","data":{"message":"me"}}"#,
    ] {
        assert_eq!(refused(&Talk::new().say(text)), (ErrorCode::Malformed, CLOSE_POLICY), "{text:.60}");
    }
    assert_eq!(refused(&Talk::new().machine.on_binary()), (ErrorCode::Malformed, CLOSE_UNSUPPORTED));
    assert_eq!(refused(&Talk::new().machine.on_protocol_error()), (ErrorCode::Malformed, CLOSE_POLICY));
}

#[test]
fn what_is_refused_is_not_repeated() {
    let mut talk = Talk::new();
    let actions = talk.say(r#"{"type":"hello","data":{"token":"secret-token","protocolVersion":"secret"}}"#);
    assert!(!format!("{actions:?}").contains("secret"), "{actions:?}");
}

#[test]
fn oversized_messages_are_refused() {
    let offer = |len: usize| format!(r#"{{"type":"offer","data":{{"sdp":"{}"}}}}"#, "v".repeat(len - OFFER.len() + 9));
    assert_eq!(offer(MAX_SIGNAL_LEN).len(), MAX_SIGNAL_LEN);
    assert!(matches!(Talk::welcomed().say(&offer(MAX_SIGNAL_LEN))[..], [Action::Offer { .. }]));
    assert_eq!(refused(&Talk::welcomed().say(&offer(MAX_SIGNAL_LEN + 1))), (ErrorCode::Malformed, CLOSE_TOO_BIG));
    let candidate = |len: usize| format!(r#"{{"type":"candidate","data":{{"candidate":"{}"}}}}"#, "c".repeat(len));
    assert!(matches!(Talk::open().say(&candidate(MAX_CANDIDATE_LEN))[..], [Action::Candidate { .. }]));
    assert_eq!(refused(&Talk::open().say(&candidate(MAX_CANDIDATE_LEN + 1))), (ErrorCode::Invalid, CLOSE_POLICY));
}

#[test]
fn keys_of_those_who_come_again_are_checked() {
    let hello = |key: &str| {
        let mut talk = Talk::new();
        let key = serde_json::to_string(key).unwrap();
        let text = format!(
            r#"{{"type":"hello","data":{{"token":"{}","protocolVersion":1,"returnKey":{key}}}}}"#,
            talk.token()
        );
        talk.say(&text)
    };
    for good in ["0123456789abcdef", "A-_z0123456789abcdef", &"k".repeat(64)] {
        let actions = hello(good);
        assert!(matches!(&actions[..], [Action::Join { return_key: Some(key), .. }] if key == good), "{actions:?}");
    }
    for bad in ["", "0123456789abcde", "0123456789abcde\n", "0123456789äbcdef", &"k".repeat(65)] {
        assert_eq!(refused(&hello(bad)), (ErrorCode::Invalid, CLOSE_POLICY), "{bad:?}");
    }
}

#[test]
fn names_are_checked() {
    let hello = |name: &str| {
        let mut talk = Talk::new();
        let name = serde_json::to_string(name).unwrap();
        let text =
            format!(r#"{{"type":"hello","data":{{"token":"{}","protocolVersion":1,"name":{name}}}}}"#, talk.token());
        talk.say(&text)
    };
    for (given, taken) in
        [("", None), ("  ", None), ("工程师", Some("工程师")), (&"ä".repeat(64), Some(&*"ä".repeat(64)))]
    {
        assert!(matches!(&hello(given)[..], [Action::Join { name, .. }] if name.as_deref() == taken), "{given}");
    }
    for bad in ["a\nb", "a\0", "\u{202e}nimda", "a\u{200b}b", &"a".repeat(65)] {
        assert_eq!(refused(&hello(bad)), (ErrorCode::Invalid, CLOSE_POLICY), "{bad:?}");
    }
}

#[test]
fn wrong_links_are_refused_with_the_reason() {
    let mut talk = Talk::new();
    let old = talk.token();
    talk.pass(3602.0);
    let mut talk = Talk { machine: Talk::with(Arc::clone(&talk.shared)).machine, ..talk };
    let actions = talk.hello(&old);
    assert_eq!(refused(&actions), (ErrorCode::Unauthorized, CLOSE_POLICY));
    assert!(format!("{actions:?}").contains("expired"), "{actions:?}");
    assert_eq!(refused(&Talk::new().hello("")), (ErrorCode::Unauthorized, CLOSE_POLICY));
    assert_eq!(refused(&Talk::new().hello("bad.token")), (ErrorCode::Unauthorized, CLOSE_POLICY));
    let foreign = Talk::new().token();
    assert_eq!(refused(&Talk::new().hello(&foreign)), (ErrorCode::Unauthorized, CLOSE_POLICY));
    assert_eq!(talk.machine.peer(), None);
}

#[test]
fn another_version_is_told_to_reload() {
    let mut talk = Talk::new();
    let text = format!(r#"{{"type":"hello","data":{{"token":"{}","protocolVersion":2}}}}"#, talk.token());
    let actions = talk.say(&text);
    assert_eq!(refused(&actions), (ErrorCode::Invalid, CLOSE_POLICY));
    assert!(format!("{actions:?}").contains("reload the page"));
}

#[test]
fn guessing_is_throttled_and_good_links_still_pass() {
    let shared = Talk::new().shared;
    let codes: Vec<_> = (0..12).map(|_| refused(&Talk::with(Arc::clone(&shared)).hello("guess")).0).collect();
    assert!(codes[..10].iter().all(|code| *code == ErrorCode::Unauthorized), "{codes:?}");
    assert!(codes[10..].iter().all(|code| *code == ErrorCode::TooMany), "{codes:?}");
    let mut talk = Talk::with(Arc::clone(&shared));
    let token = talk.token();
    assert!(matches!(talk.hello(&token)[..], [Action::Join { .. }]));
    let mut talk = Talk::with(shared);
    talk.pass(60.0);
    assert_eq!(refused(&talk.hello("guess")).0, ErrorCode::Unauthorized, "a minute later it starts again");
}

#[test]
fn the_handler_may_refuse_or_hang() {
    let full = || Refusal { code: ErrorCode::Full, message: "32 viewers are here".into() };
    let mut talk = Talk::new();
    let token = talk.token();
    talk.hello(&token);
    let now = talk.now();
    assert_eq!(refused(&talk.machine.on_joined(now, Err(full()))), (ErrorCode::Full, CLOSE_POLICY));
    assert_eq!(talk.machine.peer(), None);

    let mut talk = Talk::welcomed();
    talk.say(OFFER);
    let internal = Refusal { code: ErrorCode::Internal, message: "no encoder".into() };
    assert_eq!(refused(&talk.machine.on_answered(Err(internal))), (ErrorCode::Internal, CLOSE_INTERNAL));
    assert_eq!(talk.machine.peer(), Some((PEER, Leave::Early)), "the handler learns that it left");

    let mut talk = Talk::welcomed();
    talk.say(OFFER);
    assert_eq!(refused(&talk.machine.on_handler_stuck()), (ErrorCode::Internal, CLOSE_INTERNAL));
}

#[test]
fn silence_has_deadlines() {
    let mut talk = Talk::new();
    talk.pass(9.9);
    assert_eq!(talk.tick(), []);
    talk.pass(0.1);
    assert_eq!(talk.machine.deadline(), talk.now().instant);
    assert_eq!(refused(&talk.tick()), (ErrorCode::Malformed, CLOSE_POLICY), "hello");

    let mut talk = Talk::welcomed();
    talk.pass(29.9);
    assert!(talk.tick().iter().all(|action| *action == Action::Ping));
    talk.pass(0.1);
    assert_eq!(refused(&talk.tick()), (ErrorCode::Malformed, CLOSE_POLICY), "offer");
}

#[test]
fn a_quiet_socket_is_pinged_and_a_dead_one_closed() {
    let mut talk = Talk::open();
    let mut seen = Vec::new();
    for _ in 0..100 {
        talk.passed = talk.machine.deadline() - talk.start.instant;
        let actions = talk.tick();
        let end = matches!(actions[..], [Action::Close(_)]);
        seen.push((talk.passed.as_secs(), actions));
        if end {
            break;
        }
    }
    let expected = [(20, vec![Action::Ping]), (40, vec![Action::Ping]), (60, vec![Action::Close(CLOSE_POLICY)])];
    assert_eq!(seen, expected);

    // A pong keeps it for as long as anybody likes.
    let mut talk = Talk::open();
    for _ in 0..1000 {
        talk.passed = talk.machine.deadline() - talk.start.instant;
        assert_eq!(talk.tick(), [Action::Ping]);
        talk.pass(1.0);
        talk.machine.on_alive(talk.now().instant);
    }
}

#[test]
fn floods_are_cut_and_steady_trickling_is_not() {
    let mut talk = Talk::open();
    let last = (0..200).map(|_| talk.say(CANDIDATE)).find(|actions| !matches!(actions[..], [Action::Candidate { .. }]));
    assert_eq!(refused(&last.unwrap()), (ErrorCode::TooMany, CLOSE_POLICY));

    let mut talk = Talk::open();
    for _ in 0..2000 {
        talk.pass(0.11);
        assert!(matches!(talk.say(CANDIDATE)[..], [Action::Candidate { .. }]));
    }
}

#[test]
fn the_end_of_the_host_reaches_every_state() {
    for mut talk in [Talk::new(), Talk::welcomed(), Talk::open()] {
        let actions = talk.machine.on_shutdown("closing");
        let [Action::Send(SignalFromHost::Bye(bye)), Action::Close(CLOSE_AWAY)] = &actions[..] else {
            panic!("{actions:?}")
        };
        assert_eq!(bye.message, "closing");
        assert_eq!(talk.machine.on_shutdown("closing"), []);
    }
}

#[test]
fn join_replies_that_come_after_the_end_are_kept_for_leaving() {
    let mut talk = Talk::new();
    let token = talk.token();
    talk.hello(&token);
    talk.machine.on_shutdown("closing");
    let now = talk.now();
    assert_eq!(talk.machine.on_joined(now, Ok(PEER)), []);
    assert_eq!(talk.machine.peer(), Some((PEER, Leave::Early)));
}

proptest::proptest! {
    /// Whatever comes in whatever order: at most one end, nothing after it, and never a call without a good token.
    #[test]
    fn any_sequence_is_survived(steps in proptest::collection::vec((0u8..10, 0u32..40), 0..80)) {
        let mut talk = Talk::new();
        let token = talk.token();
        let (mut ended, mut joined, mut seen) = (false, false, HashSet::new());
        for (step, wait) in steps {
            talk.pass(f64::from(wait) * 0.3);
            let now = talk.now().instant;
            let actions = match step {
                0 => talk.hello(&token),
                1 => talk.hello("bad"),
                2 => talk.say(OFFER),
                3 => talk.say(CANDIDATE),
                4 => talk.say("{"),
                5 => talk.machine.on_joined(talk.now(), Ok(PEER)),
                6 => talk.machine.on_answered(Ok("v=0".into())),
                7 => talk.machine.on_host_message(host_candidate()),
                8 => { talk.machine.on_alive(now); Vec::new() }
                _ => talk.tick(),
            };
            proptest::prop_assert!(!ended || actions.is_empty(), "{actions:?} after the end");
            for action in &actions {
                match action {
                    Action::Close(_) => ended = true,
                    Action::Join { .. } => { proptest::prop_assert!(!joined && step == 0); joined = true; }
                    Action::Offer { .. } | Action::Candidate { .. } => proptest::prop_assert!(joined),
                    _ => {}
                }
                seen.insert(std::mem::discriminant(action));
            }
            proptest::prop_assert!(ended || talk.machine.deadline() > talk.start.instant);
        }
    }
}
