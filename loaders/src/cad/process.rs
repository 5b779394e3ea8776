//! One import helper: started, listened to, and ended, whatever happens on either side.

use super::wire::{MAGIC, Message};
use std::{
    collections::VecDeque,
    ffi::OsString,
    io::{self, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Frames that wait for us. When there are more the helper waits at its pipe.
const QUEUED_FRAMES: usize = 16;
/// What is kept of the helper's standard error: the end is where the reason stands.
const STDERR_BYTES: usize = 16 << 10;
/// Time a helper has to exit once it closed its output.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// What comes from the helper.
#[derive(Debug)]
pub enum Heard {
    /// A frame.
    Message(Message),
    /// Nothing within the time asked for.
    Silence,
    /// The stream ended, in the middle of a frame or not: the helper is gone or about to go.
    End,
    /// The stream is not what a helper writes.
    Nonsense(String),
    /// More output than allowed.
    TooMuch,
}

/// How a helper ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// The end of its standard error.
    pub stderr: String,
}

/// A running helper. It is killed and waited for when dropped.
#[derive(Debug)]
pub struct Helper {
    child: Child,
    heard: Receiver<Heard>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
    stderr_done: Receiver<()>,
}

impl Helper {
    /// Starts `program` with nothing of our environment but where shared libraries are found.
    pub fn start(program: &Path, arguments: &[OsString], max_output_bytes: u64) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env_clear();
        for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "PATH"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        // Each further arena of glibc reserves address space, which is limited.
        command.env("MALLOC_ARENA_MAX", "2").env("LC_ALL", "C");
        let mut child = command.spawn()?;
        let pipes = child.stdout.take().zip(child.stderr.take());
        let (heard_tx, heard) = sync_channel(QUEUED_FRAMES);
        let (done_tx, stderr_done) = sync_channel(1);
        let helper = Self { child, heard, stderr: Arc::default(), stderr_done };
        // From here on a failure drops, and so ends, the helper.
        let (stdout, stderr) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        named("rr-import stdout").spawn(move || listen(stdout, max_output_bytes, &heard_tx))?;
        let tail = Arc::clone(&helper.stderr);
        named("rr-import stderr").spawn(move || {
            keep_tail(stderr, &tail);
            let _ = done_tx.try_send(());
        })?;
        Ok(helper)
    }

    /// Waits for the next thing to happen, at most `timeout`.
    pub fn next(&self, timeout: Duration) -> Heard {
        match self.heard.recv_timeout(timeout) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }

    /// Ends the helper, gently if it is exiting anyway, and tells how it went.
    pub fn end(mut self) -> io::Result<Ended> {
        let deadline = Instant::now() + EXIT_GRACE;
        while self.child.try_wait()?.is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let _ = self.child.kill();
        let status = self.child.wait()?;
        // Not longer: something that the helper started may hold the pipe open.
        let _ = self.stderr_done.recv_timeout(EXIT_GRACE);
        let tail = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = tail.iter().copied().collect();
        Ok(Ended { status, stderr: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Both fail only for a process that was waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes frames on until the stream ends or the [`Helper`] is dropped.
fn listen(stdout: impl Read, max_bytes: u64, heard: &SyncSender<Heard>) {
    let mut limited = BufReader::with_capacity(1 << 16, stdout).take(max_bytes);
    let mut magic = [0; MAGIC.len()];
    let first = limited.read_exact(&mut magic);
    if first.is_ok() && magic != MAGIC {
        let _ = heard.send(Heard::Nonsense("it is not our import helper, or one of another version".to_owned()));
        return;
    }
    loop {
        let next = match Message::read_from(&mut limited) {
            Ok(Some(message)) => Heard::Message(message),
            _ if limited.limit() == 0 => Heard::TooMuch,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Heard::Nonsense(error.to_string()),
            Ok(None) | Err(_) => Heard::End,
        };
        let more = matches!(next, Heard::Message(_));
        if heard.send(next).is_err() || !more {
            return;
        }
    }
}

fn keep_tail(mut stderr: impl Read, tail: &Mutex<VecDeque<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer) {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&buffer[..count]);
        let excess = tail.len().saturating_sub(STDERR_BYTES);
        tail.drain(..excess);
    }
}
