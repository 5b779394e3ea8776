//! A PostgreSQL of the tests' own: its own folder and port, ended and removed with the last test that has it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// A server and its folder.
pub struct Postgres {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

static RUNNING: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

impl Postgres {
    /// The one that runs, or a new one.
    pub fn start() -> Arc<Self> {
        let mut running = RUNNING.lock().unwrap();
        if let Some(running) = running.upgrade() {
            return running;
        }
        let new = Arc::new(Self::new());
        *running = Arc::downgrade(&new);
        new
    }

    fn new() -> Self {
        let bin = programs();
        let folder = tempfile::Builder::new().prefix("rr-postgres-").tempdir().unwrap();
        let data = folder.path().join("data");
        let user = user();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let command = |name: &str| {
            let mut command = Command::new(bin.join(name));
            // PostgreSQL does not run as root.
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command.current_dir(folder.path()).stdin(Stdio::null());
            command
        };
        let made = command("initdb").args(["-A", "trust", "-U", "rr", "--no-sync", "-D"]).arg(&data).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = command("postgres")
            .args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200", "-k", ""])
            .args(["-p", &port.to_string(), "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        loop {
            let ready = Command::new(bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-U", "rr", "-p", &port.to_string()])
                .status()
                .unwrap();
            if ready.success() {
                break;
            }
            let ended = child.try_wait().unwrap();
            let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(30),
                "PostgreSQL does not start: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port, _folder: folder }
    }

    /// Address of a new, empty database.
    pub fn database(&self, name: &str) -> String {
        let done = Command::new(programs().join("createdb"))
            .args(["-h", "127.0.0.1", "-U", "rr", "-p", &self.port.to_string(), name])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        format!("postgres://rr@127.0.0.1:{}/{name}?sslmode=disable", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its own children end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian keeps them apart by version.
fn programs() -> PathBuf {
    let all = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        all.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect();
    found.sort();
    found.pop().expect("PostgreSQL is not installed: tools/install.sh test")
}

/// Whom to be, when we are root: the user that the package made.
fn user() -> Option<(u32, u32)> {
    let own = std::fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own)).unwrap_or(1);
    if own != 0 {
        return None;
    }
    let users = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap();
    let line = users.lines().find(|line| line.starts_with("postgres:")).expect("there is no user postgres");
    let mut fields = line.split(':').skip(2).map(|field| field.parse().unwrap());
    Some((fields.next().unwrap(), fields.next().unwrap()))
}
