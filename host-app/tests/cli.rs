//! The command line as a person meets it: results, messages and exit codes of the real program.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test reports")]

use rr_signal::worker::{JoinClaims, JoinKey};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A cube of 1 m in millimetres, ASCII.
    fn cube(&self, name: &str) -> PathBuf {
        let c = |i: usize| [i & 1, i >> 1 & 1, i >> 2 & 1].map(|b| if b == 1 { 1000.0 } else { 0.0 });
        let quads = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
        let mut text = String::from("solid cube\n");
        for q in quads {
            for t in [[q[0], q[1], q[2]], [q[0], q[2], q[3]]] {
                text.push_str("facet normal 0 0 0\nouter loop\n");
                for v in t {
                    let [x, y, z] = c(v);
                    text.push_str(&format!("vertex {x} {y} {z}\n"));
                }
                text.push_str("endloop\nendfacet\n");
            }
        }
        text.push_str("endsolid cube\n");
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn rrhost(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rrhost"));
        command
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.rrhost().args(args).output().unwrap()
    }
}

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn inspect_prints_the_documented_json() {
    let f = Folder::new();
    let out = f.run(&["inspect", text(&f.cube("cube.stl")), "--json"]);
    assert!(out.status.success(), "{}", stderr(&out));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["format"].as_str().unwrap().to_lowercase(), "stl");
    assert_eq!(
        (json["parts"].as_u64(), json["triangles"].as_u64(), json["lines"].as_u64()),
        (Some(1), Some(12), Some(0))
    );
    assert_eq!(json["bounds_m"]["max"], serde_json::json!([1.0, 1.0, 1.0]));
    assert_eq!(json["unit"], "mm");
    for key in ["file", "colours", "warnings", "elapsed_ms"] {
        assert!(!json[key].is_null(), "{key} is missing");
    }
    let out = f.run(&["inspect", text(&f.cube("cube.stl")), "--json", "--unit", "inch"]);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!((json["bounds_m"]["max"][0].as_f64().unwrap() - 25.4).abs() < 1e-6);
}

#[test]
fn inspect_says_why_a_file_cannot_be_shown_and_goes_on_with_the_others() {
    let f = Folder::new();
    let good = f.cube("cube.stl");
    for (name, bytes) in [("empty.stl", &b""[..]), ("noise.stl", &[0xAB; 300]), ("words.igs", b"hello\n")] {
        let bad = f.path(name);
        fs::write(&bad, bytes).unwrap();
        let out = f.run(&["inspect", text(&bad), text(&good)]);
        assert_eq!(out.status.code(), Some(1), "{name}");
        assert!(stderr(&out).contains(name), "{name}: {}", stderr(&out));
        assert!(String::from_utf8_lossy(&out.stdout).contains("cube.stl"), "the good file was not shown beside {name}");
    }
    let out = f.run(&["inspect", "/no/such/file.stl"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("no such file"));
}

#[test]
fn render_writes_a_picture_of_the_asked_size() {
    let f = Folder::new();
    let (cube, picture) = (f.cube("cube.stl"), f.path("out.png"));
    let out = f.run(&["render", text(&cube), "-o", text(&picture), "--size", "322x200", "--view", "iso"]);
    assert!(out.status.success(), "{}", stderr(&out));
    let png = fs::read(&picture).unwrap();
    assert_eq!(&png[1..4], b"PNG");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((number(16), number(20)), (322, 200));
    let out = f.run(&["render", text(&cube), "-o", text(&picture), "--view", "sideways"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("sideways") && stderr(&out).contains("iso"), "{}", stderr(&out));
    let out = f.run(&["render", text(&cube), "-o", "/no/such/folder/out.png"]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("/no/such/folder/out.png"), "{}", stderr(&out));
}

#[test]
fn a_workspace_with_a_missing_model_is_drawn_with_what_is_there() {
    let f = Folder::new();
    f.cube("cube.stl");
    let device = |id: &str, model: &str| {
        format!(r#"{{"id":"{id}","name":"{id}","kind":"custom","model":{{"path":"{model}"}}}}"#)
    };
    let both = format!("{},{}", device("a", "cube.stl"), device("b", "gone.stl"));
    for (devices, says_nothing_was_read) in [(both, false), (device("b", "gone.stl"), true)] {
        let (path, picture) = (f.path("line.rrws.json"), f.path("line.png"));
        let body = format!(r#"{{"format":"remote-render-workspace","version":1,"name":"Line","devices":[{devices}]}}"#);
        fs::write(&path, body).unwrap();
        let _ = fs::remove_file(&picture);
        let out = f.run(&["render", text(&path), "-o", text(&picture)]);
        assert_eq!(out.status.code(), Some(1));
        assert!(stderr(&out).contains("gone.stl"), "{}", stderr(&out));
        assert_eq!(stderr(&out).contains("nothing could be read"), says_nothing_was_read, "{}", stderr(&out));
        assert_eq!(picture.exists(), !says_nothing_was_read);
    }
}

#[test]
fn without_a_graphics_adapter_it_says_what_to_install() {
    let f = Folder::new();
    let cube = f.cube("cube.stl");
    let picture = f.path("out.png");
    let none = f.path("no_driver.json");
    let out = f
        .rrhost()
        .args(["render", text(&cube), "-o", text(&picture)])
        .env("VK_ICD_FILENAMES", &none)
        .env("VK_DRIVER_FILES", &none)
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("mesa-vulkan-drivers"), "{}", stderr(&out));
}

#[test]
fn a_wrong_command_line_ends_with_code_2_and_help() {
    let f = Folder::new();
    for args in [&["--size", "huge"][..], &["--listen", "everywhere"], &["render", "x.stl"], &["--no-such-flag"]] {
        let out = f.run(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(stderr(&out).contains("--help"), "{args:?}: {}", stderr(&out));
    }
    let out = f.run(&["--help"]);
    assert!(out.status.success() && String::from_utf8_lossy(&out.stdout).contains("Examples:"));
}

#[test]
fn damaged_workspaces_are_refused_with_the_reason() {
    let f = Folder::new();
    for (body, why) in [("{", "is not a workspace"), (r#"{"format":"remote-render-workspace","version":99}"#, "update")]
    {
        let path = f.path("broken.rrws.json");
        fs::write(&path, body).unwrap();
        let out = f.run(&["--headless", "--listen", "127.0.0.1:0", text(&path)]);
        assert_eq!(out.status.code(), Some(1));
        assert!(stderr(&out).contains("broken.rrws.json") && stderr(&out).contains(why), "{}", stderr(&out));
    }
}

#[test]
fn a_port_in_use_is_named() {
    let f = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let out = f.run(&["--headless", "--listen", &listen, text(&f.cube("cube.stl"))]);
    assert_eq!(out.status.code(), Some(1));
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(stderr(&out).contains(&port) && stderr(&out).contains("in use"), "{}", stderr(&out));
}

#[test]
fn a_headless_host_with_nothing_readable_ends_with_an_error() {
    let f = Folder::new();
    fs::write(f.path("bad.stl"), b"").unwrap();
    let out = f.run(&["--headless", "--listen", "127.0.0.1:0", text(&f.path("bad.stl"))]);
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("bad.stl"), "{}", stderr(&out));
}

/// A running host that is ended by the test in any case.
struct Running(std::process::Child, serde_json::Value);

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|e| panic!("no ready line: {e}: {line}"));
        Self(child, ready)
    }

    fn end(mut self) -> (Option<i32>, String) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Some(status) = self.0.try_wait().unwrap() {
                let mut log = String::new();
                let _ = std::io::Read::read_to_string(&mut self.0.stderr.take().unwrap(), &mut log);
                return (status.code(), log);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the host does not end on SIGTERM");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_worker_that_waits_for_its_gateway_ends_when_it_is_asked_to() {
    let f = Folder::new();
    let claims = JoinClaims { worker: "w1".into(), exp: u64::MAX, ca: "00".repeat(32) };
    let token = f.path("token");
    fs::write(&token, JoinKey::new(&[7; 32]).issue(&claims)).unwrap();
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gateway = format!("https://{closed}");
    let args = ["--headless", "--listen", "127.0.0.1:0", "--gateway", &gateway, "--join-token-file", text(&token)];
    let mut child = f.rrhost().args(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("cannot join yet") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut log, &mut line).unwrap() > 0, "it does not try to join");
    }
    child.stderr = Some(log.into_inner());
    let (code, log) = Running(child, serde_json::Value::Null).end();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn models_without_a_workspace_are_kept_in_the_recovery_file_when_the_host_ends() {
    let f = Folder::new();
    let (a, b) = (f.cube("roller_conveyor.stl"), f.cube("robot.stl"));
    let host =
        Running::start(f.rrhost().args(["--headless", "--listen", "127.0.0.1:0", "--fps", "5", text(&a), text(&b)]));
    assert_eq!(host.1["event"], "ready");
    assert_eq!(host.1["devices"], 2);
    assert!(host.1["url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let (code, log) = host.end();
    assert_eq!(code, Some(0), "{log}");
    let saved = fs::read_to_string(f.path("state/remote-render/recovered.rrws.json")).unwrap();
    assert!(saved.contains("roller-conveyor") && saved.contains(text(&b)), "{saved}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_on_save_is_reported_and_the_old_file_stays_whole() {
    let f = Folder::new();
    let cube = f.cube("cube.stl");
    let small = f.path("small");
    fs::create_dir(&small).unwrap();
    let mount = |args: &[&str]| Command::new("mount").args(args).output().is_ok_and(|o| o.status.success());
    if !mount(&["-t", "tmpfs", "-o", "size=16k", "tmpfs", text(&small)]) {
        println!("skipped: a small file system cannot be mounted here (needs root)");
        return;
    }
    let workspace = small.join("line.rrws.json");
    fs::write(&workspace, r#"{"format":"remote-render-workspace","version":1,"name":"Old"}"#).unwrap();
    let before = fs::read(&workspace).unwrap();
    fs::write(small.join("filler"), vec![0u8; 8 * 1024]).unwrap();
    let _ = fs::write(small.join("filler2"), vec![0u8; 64 * 1024]); // takes what is left
    let host =
        Running::start(f.rrhost().args(["--headless", "--listen", "127.0.0.1:0", text(&workspace), text(&cube)]));
    let (code, log) = host.end();
    let after = fs::read(&workspace).unwrap();
    Command::new("umount").arg(&small).status().unwrap();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("cannot save") && log.contains("line.rrws.json"), "{log}");
    assert_eq!(after, before);
}

#[test]
fn settings_of_a_file_hold_and_its_mistakes_are_told() {
    let f = Folder::new();
    let folder = f.path("config").join("remote-render");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("rrhost.toml");
    fs::write(&file, "fps = 24\nown_cameras = \"nobody\"\n").unwrap();
    let out = f.rrhost().args(["config", "--json"]).env("RRHOST_OWN_CAMERAS", "engineers").output().unwrap();
    assert!(out.status.success(), "{}", stderr(&out));
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(json["file"], text(&file));
    let of = |key: &str| (json["settings"][key]["values"][0].clone(), json["settings"][key]["from"].clone());
    assert_eq!(of("fps"), ("24".into(), "rrhost.toml".into()));
    assert_eq!(of("own_cameras"), ("engineers".into(), "RRHOST_OWN_CAMERAS".into()));
    assert_eq!(of("size"), ("1280x720".into(), "default".into()));

    // What is printed to begin with can be used as it is.
    let template = f.run(&["config", "--template"]);
    fs::write(&file, &template.stdout).unwrap();
    assert!(f.run(&["config"]).status.success());

    fs::write(&file, "sise = \"640x360\"\n").unwrap();
    let out = f.run(&["--headless"]);
    assert_eq!(out.status.code(), Some(2));
    let said = stderr(&out);
    assert!(said.contains(text(&file)) && said.contains("did you mean size?"), "{said}");
}
