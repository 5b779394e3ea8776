//! Runs the real `rrctl`, with a folder of its own for everything.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Rrctl {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// What a call printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It went well.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It ended with that code and said all of that.
    pub fn fails(self, code: i32, says: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for text in says {
            assert!(self.err.contains(text), "\"{text}\" is not in {self:?}");
        }
        self
    }

    pub fn workers(&self) -> Vec<Value> {
        self.json()["workers"].as_array().unwrap().clone()
    }
}

impl Rrctl {
    pub fn new(config: &str, env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rrctl.toml"), config).unwrap();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { folder, env: env.iter().map(own).collect() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn configure(&self, config: &str) {
        fs::write(self.folder().join("rrctl.toml"), config).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rrctl"));
        command.args(args).current_dir(self.folder()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| ["RRCTL_", "RRHOST_", "AWS_"].iter().any(|own| name.starts_with(own))) {
                command.env_remove(name);
            }
        }
        command.env("RRCTL_STATE_DIR", self.folder().join("state")).envs(self.env.iter().cloned());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Begins a call and goes on.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Processes of workers, whatever rrctl knows of them: by what they carry, without what they started.
    pub fn processes(&self) -> Vec<u32> {
        let wanted = format!("RR_WORKER_FOLDER={}/", self.folder().canonicalize().unwrap().display());
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let carries = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let fields: Vec<&str> = fields.split_whitespace().collect();
            let (state, group) = (fields.first().copied(), fields.get(2).and_then(|group| group.parse().ok()));
            let ours = environment.split(|byte| *byte == 0).any(|entry| entry.starts_with(wanted.as_bytes()));
            ours && state != Some("Z") && group == Some(*pid)
        };
        pids.filter(carries).collect()
    }
}

impl Drop for Rrctl {
    fn drop(&mut self) {
        // Whatever a failed test left.
        for pid in self.processes() {
            signal(pid, "KILL");
        }
    }
}

pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null()).status();
}

pub fn until(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < end, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The real host, beside the real rrctl.
pub fn rrhost() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_rrctl")).with_file_name("rrhost");
    assert!(path.exists(), "{} is not built: cargo build --workspace", path.display());
    path
}
