//! What happened, for those who have to account for it: a file of JSON lines that is only ever appended to. Who asked for a
//! session, whom the gateway did not let in, what administrators did, when sessions began and ended. No tokens, no links.

use rr_fleet::Time;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Mutex;

const FILE: &str = "audit.jsonl";

/// One line.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    /// Milliseconds since 1970 (UTC).
    pub(crate) at_ms: u64,
    /// Which replica wrote it.
    pub(crate) replica: &'a str,
    #[serde(flatten)]
    pub(crate) what: What<'a>,
}

/// What happened.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum What<'a> {
    /// A token was not good enough.
    Denied { address: IpAddr, reason: &'a str, user: Option<&'a str> },
    /// A user asked for a session and got a link.
    Allocated { address: IpAddr, user: &'a str, session: &'a str, project: &'a str, role: &'a str },
    /// An administrator did something.
    Admin { address: IpAddr, user: &'a str, action: &'a str, subject: &'a str },
    /// A worker serves a session.
    SessionPlaced { session: &'a str, worker: &'a str },
    /// It does no more, and the session waits.
    SessionFreed { session: &'a str, worker: &'a str, reason: &'a str },
    /// A session is over.
    SessionEnded { session: &'a str, worker: Option<&'a str> },
    /// A worker has joined.
    WorkerJoined { address: IpAddr, worker: &'a str },
    /// A machine was not let in as a worker.
    WorkerDenied { address: IpAddr, reason: &'a str },
}

/// The log of one replica. Each line is written at once and whole, so that replicas may share a folder.
pub(crate) struct Audit(Mutex<File>);

impl Audit {
    /// Opens the file in this folder.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self(Mutex::new(options.open(dir.join(FILE))?)))
    }

    pub(crate) fn write(&self, replica: &str, now: Time, what: What<'_>) {
        let entry = Entry { at_ms: now.0, replica, what };
        let line = serde_json::to_vec(&entry).map(|mut line| {
            line.push(b'\n');
            line
        });
        // A slow disk holds up whoever is accounted for, and no other task of this thread.
        let write = |line: Vec<u8>| tokio::task::block_in_place(|| crate::hub::lock(&self.0).write_all(&line));
        let written = line.map_err(io::Error::from).and_then(write);
        if let Err(error) = written {
            tracing::error!(%error, ?entry, "the audit log cannot be written");
        }
    }
}
