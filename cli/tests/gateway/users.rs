//! Users over HTTP: what they may, what they may not, and what hostile requests get.

use crate::support::{HANG, Sessions, Viewer, config, join, run};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rr_gateway::{Gateway, GatewayConfig, Rate, Rates, Users};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SECRET: &str = "a secret of thirty-two bytes or more";

fn start(state: &Path) -> Gateway {
    start_with(state, Rates::default())
}

fn start_with(state: &Path, rates: Rates) -> Gateway {
    let path = state.join("jwt-secret");
    std::fs::write(&path, SECRET).unwrap();
    let users = Some(Users::with_secret(&path).unwrap());
    Gateway::start(GatewayConfig { users, rates, ..config(state, None) }).unwrap()
}

fn unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub fn token(claims: &Value) -> String {
    let head = BASE64.encode(r#"{"alg":"HS256"}"#);
    let signed = format!("{head}.{}", BASE64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{signed}.{}", BASE64.encode(hmac::sign(&key, signed.as_bytes())))
}

fn user(name: &str, projects: &Value) -> String {
    token(&json!({ "sub": name, "exp": unix() + 600, "projects": projects }))
}

fn admin() -> String {
    token(&json!({ "sub": "root", "exp": unix() + 600, "role": "admin" }))
}

/// Status and body of one request, written as it stands.
async fn raw(gateway: &Gateway, request: &[u8]) -> (u16, String) {
    let address = gateway.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    let talk = async {
        // A server that has heard enough may close while we still speak.
        let _ = stream.write_all(request).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(HANG, talk).await.expect("no end");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    (status, body)
}

async fn ask(gateway: &Gateway, method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> (u16, Value) {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n");
    if let Some(token) = token {
        request.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    if let Some(body) = body {
        request.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    } else {
        request.push_str("\r\n");
    }
    let (status, body) = raw(gateway, request.as_bytes()).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

async fn allocate(gateway: &Gateway, token: &str, body: &str) -> (u16, Value) {
    ask(gateway, "POST", "/allocate", Some(token), Some(body)).await
}

#[test]
fn a_user_gets_a_session_with_the_right_role_and_sees_it() {
    let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let gateway = start(dir.path());
    let sessions = Sessions::new(4);
    let _worker = join(&[&gateway], "w1", own.path(), &sessions);
    run(async {
        let ada = user("ada", &json!({ "hall-3": "engineer" }));
        let (status, got) = allocate(&gateway, &ada, r#"{"project":"hall-3"}"#).await;
        assert_eq!((status, &got["role"]), (201, &json!("engineer")), "{got}");
        let mut viewer = Viewer::open(got["link"].as_str().unwrap()).await;
        viewer.welcome().await;
        assert_eq!(sessions.names(), [got["session"].as_str().unwrap()]);
        let (status, less) = allocate(&gateway, &ada, r#"{"project":"hall-3","role":"viewer"}"#).await;
        assert_eq!((status, &less["role"]), (201, &json!("viewer")));
        for body in [r#"{"project":"hall-3","role":"admin"}"#, r#"{"project":"hall-4"}"#] {
            assert_eq!(allocate(&gateway, &ada, body).await.0, 403, "{body}");
        }
        // Others' sessions are nobody's business.
        let bob = user("bob", &json!({ "hall-3": "viewer" }));
        assert_eq!(ask(&gateway, "GET", "/sessions", Some(&bob), None).await, (200, json!([])));
        let (_, mine) = ask(&gateway, "GET", "/sessions", Some(&ada), None).await;
        assert_eq!(mine.as_array().unwrap().len(), 2);
        assert!(mine[0].get("worker").is_none(), "{mine}");
        assert_eq!(ask(&gateway, "GET", "/workers", Some(&ada), None).await.0, 403);
        let (_, all) = ask(&gateway, "GET", "/sessions", Some(&admin()), None).await;
        assert_eq!((all.as_array().unwrap().len(), &all[0]["worker"]), (2, &json!("w1")));
        let (_, workers) = ask(&gateway, "GET", "/workers", Some(&admin()), None).await;
        assert_eq!((&workers[0]["worker"], &workers[0]["capacity"]), (&json!("w1"), &json!(4)));
        assert_eq!(ask(&gateway, "POST", "/workers/w1/drain", Some(&ada), None).await.0, 403);
        assert_eq!(ask(&gateway, "POST", "/workers/w1/drain", Some(&admin()), None).await.0, 204);
        assert_eq!(ask(&gateway, "POST", "/workers/w9/drain", Some(&admin()), None).await.0, 404);
        assert_eq!(ask(&gateway, "DELETE", "/workers/w1", Some(&ada), None).await.0, 403);
        assert_eq!(ask(&gateway, "DELETE", "/workers/w1", None, None).await.0, 401);
        assert_eq!(ask(&gateway, "DELETE", "/workers/w9", Some(&admin()), None).await.0, 204);
    });
    let log = std::fs::read_to_string(dir.path().join("audit.jsonl")).unwrap();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let has = |event: &str| events.iter().any(|entry| entry["event"] == event);
    for event in ["worker_joined", "allocated", "session_placed", "denied", "admin"] {
        assert!(has(event), "{event} is missing in {log}");
    }
    assert!(!log.contains("eyJ"), "a token or a link is in the log");
}

#[test]
fn five_sessions_for_each_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = start(dir.path());
    run(async {
        let ada = user("ada", &json!({ "hall-3": "engineer" }));
        for n in 1..=5 {
            let (status, got) = allocate(&gateway, &ada, r#"{"project":"hall-3"}"#).await;
            // Two of the same millisecond may stand either way round.
            let place = got["place"].as_u64().unwrap_or_default();
            assert!(status == 201 && (1..=n).contains(&place), "{got}");
        }
        let (status, got) = allocate(&gateway, &ada, r#"{"project":"hall-3"}"#).await;
        assert_eq!(status, 409, "{got}");
        let bob = user("bob", &json!({ "hall-3": "viewer" }));
        assert_eq!(allocate(&gateway, &bob, r#"{"project":"hall-3"}"#).await.0, 201);
    });
}

#[test]
fn a_flood_of_one_user_is_stopped_and_another_one_served() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = start(dir.path());
    run(async {
        let ada = user("ada", &json!({}));
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(ask(&gateway, "GET", "/sessions", Some(&ada), None).await.0);
        }
        assert!(statuses.contains(&200) && statuses.contains(&429), "{statuses:?}");
        let bob = user("bob", &json!({}));
        assert_eq!(ask(&gateway, "GET", "/sessions", Some(&bob), None).await.0, 200);
    });
}

#[test]
fn bad_tokens_and_hostile_bodies_get_a_clear_no() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = start(dir.path());
    let good = json!({ "sub": "ada", "exp": unix() + 600, "projects": { "hall-3": "engineer" } });
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        token(&claims)
    };
    run(async {
        let forged = format!("{}x", token(&good));
        let expired = with("exp", json!(unix() - 120));
        let early = with("nbf", json!(unix() + 120));
        for (bad, says) in
            [(forged.as_str(), "token"), (&expired, "expired"), (&early, "not valid yet"), ("", "signed token")]
        {
            let (status, got) = allocate(&gateway, bad, r#"{"project":"hall-3"}"#).await;
            let said = got["error"].as_str().unwrap_or_default();
            assert!(status == 401 && said.contains(says), "{status} {got}");
        }
        assert_eq!(ask(&gateway, "POST", "/allocate", None, Some("{}")).await.0, 401);
        let ada = token(&good);
        let deep = format!("{}{}", "[".repeat(1_900), "]".repeat(1_900));
        let deep_in = format!(r#"{{"project":{deep}}}"#);
        let long = format!(r#"{{"project":"{}"}}"#, "a".repeat(100_000));
        for (body, wanted) in [
            ("", 400),
            ("{", 400),
            ("null", 422),
            (r#"{"project":7}"#, 422),
            (r#"{"project":"../x"}"#, 422),
            (r#"{"project":""}"#, 422),
            (r#"{"project":"hall-3","more":1}"#, 422),
            ("{\"project\":\"a\u{0}\"}", 400),
            (&deep, 400),
            (&deep_in, 400),
            (&long, 413),
        ] {
            let (status, got) = allocate(&gateway, &ada, body).await;
            assert!([wanted, 422].contains(&status) && got["error"].is_string(), "{body:.40}: {status} {got}");
        }
        let (status, _) = ask(&gateway, "DELETE", "/allocate", Some(&ada), None).await;
        assert_eq!(status, 405);
        // Two tokens are none.
        let twice = "GET /sessions HTTP/1.1\r\nHost: g\r\nConnection: close\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n";
        assert_eq!(raw(&gateway, twice.as_bytes()).await.0, 401);
    });
}

#[test]
fn without_users_nobody_is_let_in_by_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(config(dir.path(), None)).unwrap();
    run(async {
        let (status, got) = ask(&gateway, "GET", "/workers", Some(&admin()), None).await;
        assert!(status == 403 && got["error"].as_str().unwrap().contains("--jwks"), "{status} {got}");
        let (status, health) = ask(&gateway, "GET", "/health", None, None).await;
        assert_eq!((status, &health["status"]), (200, &json!("ok")));
    });
}

/// Schemathesis asks every route that the document names whatever it can think of.
#[test]
fn schemathesis_finds_nothing_that_the_document_does_not_say() {
    let dir = tempfile::tempdir().unwrap();
    let many = Rate { burst: 1e6, per_second: 1e6 };
    let gateway = start_with(dir.path(), Rates { user: many, address: many });
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/schemathesis/bin/schemathesis");
    assert!(program.exists(), "schemathesis is not installed: tools/install.sh test");
    let out = std::process::Command::new(program)
        .current_dir(dir.path())
        .args(["run", "--header", &format!("Authorization: Bearer {}", admin()), "--max-examples", "15", "--seed", "1"])
        .args(["--phases", "examples,coverage,fuzzing", "--checks", "all", "--exclude-checks", "ignored_auth"])
        .arg("--no-color")
        .arg(format!("{}/openapi.json", gateway.url()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}\n{}", String::from_utf8_lossy(&out.stderr));
}
