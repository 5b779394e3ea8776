//! Processes that are told from others beyond doubt. Linux: `/proc`, and signals through a `pidfd`.

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Variable in a worker's environment with the folder of its order.
pub const FOLDER: &str = "RR_WORKER_FOLDER";

/// A process: its number alone may belong to another one tomorrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it started, in ticks since the machine did (proc(5), `starttime`).
    started_ticks: u64,
    /// Which start of the machine that was.
    boot: String,
}

impl Identity {
    /// The process that has this number now.
    pub fn of(pid: u32) -> Option<Self> {
        Some(Self { pid, started_ticks: Stat::of(pid)?.started_ticks, boot: boot()? })
    }

    /// It has not ended.
    pub fn runs(&self) -> bool {
        let same = |stat: &Stat| stat.started_ticks == self.started_ticks && !stat.has_ended;
        boot().is_some_and(|boot| boot == self.boot) && Stat::of(self.pid).is_some_and(|stat| same(&stat))
    }

    /// Asks it to end (SIGTERM).
    pub fn ask_to_end(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Ends it and what it started in its group.
    pub fn kill(&self) -> io::Result<()> {
        if let Some(pid) = self.leads_group() {
            // Its helpers; whether there are any is no matter.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        self.signal(Signal::KILL)
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(()) };
        let process = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => process,
            Err(rustix::io::Errno::SRCH) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        // What is open now stays the same process, so that looking afterwards leaves no gap.
        if !self.runs() {
            return Ok(());
        }
        match pidfd_send_signal(process, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn leads_group(&self) -> Option<Pid> {
        let stat = Stat::of(self.pid).filter(|_| self.runs())?;
        (stat.group == self.pid).then(|| i32::try_from(self.pid).ok().and_then(Pid::from_raw))?
    }
}

/// What proc(5) says of a process.
struct Stat {
    has_ended: bool,
    group: u32,
    started_ticks: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The second field is a name in parentheses, with whatever in it.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            has_ended: matches!(*fields.first()?, "Z" | "X" | "x"),
            group: fields.get(2)?.parse().ok()?,
            started_ticks: fields.get(19)?.parse().ok()?,
        })
    }
}

/// Names this start of the machine.
fn boot() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

/// The process that was started for an order. Its helpers have the same environment, but lead no group.
pub fn started_for(folder: &Path) -> Option<Identity> {
    let wanted = [FOLDER.as_bytes(), b"=", folder.as_os_str().as_bytes()].concat();
    let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let carries = |pid: &u32| {
        // Other users' cannot be read, and are not ours.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
    };
    let leads = |pid: &u32| Stat::of(*pid).is_some_and(|stat| stat.group == *pid && !stat.has_ended);
    Identity::of(pids.filter(leads).find(carries)?)
}

/// The program that a command names: a path, or a name that is looked up.
pub fn find_program(command: &Path) -> Option<PathBuf> {
    let runs = |path: &PathBuf| fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    if command.components().count() > 1 {
        return Some(command.to_owned()).filter(runs);
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(command)).find(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_parentheses_does_not_confuse() {
        let tail = "S 1 77 77 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 123456 1000 10";
        let stat = Stat::parse(&format!("77 (a) b (c)) {tail}")).unwrap();
        assert_eq!((stat.group, stat.started_ticks, stat.has_ended), (77, 123_456, false));
        assert!(Stat::parse("77 (a) S 1").is_none() && Stat::parse("").is_none());
    }

    #[test]
    fn another_process_with_the_same_number_is_not_meant() {
        let me = Identity::of(std::process::id()).unwrap();
        assert!(me.runs());
        let earlier = Identity { started_ticks: me.started_ticks - 1, ..me.clone() };
        let before_boot = Identity { boot: "another".to_owned(), ..me };
        for other in [earlier, before_boot] {
            assert!(!other.runs());
            // Were it sent, this test would not go on.
            other.ask_to_end().unwrap();
            other.kill().unwrap();
        }
    }
}
