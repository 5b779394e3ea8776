//! What this process gives away before it touches the file: memory, processor time, new files, core dumps, new
//! privileges, and its life once its parent is gone.
//!
//! The limits are set here and not between fork and exec, so that the parent needs no unsafe code.
#![expect(unsafe_code, reason = "limits of a process can only be set through the C library")]

use crate::args::Args;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Descriptors that OCCT and the C++ run time may have open at once.
const MAX_OPEN_FILES: u64 = 64;
/// Stays below the work of people at the same machine.
const NICENESS: libc::c_int = 5;

/// Takes standard output for the frames. What OCCT prints goes to standard error from now on.
pub fn claim_stdout() -> Result<File> {
    let frames = io::stdout().as_fd().try_clone_to_owned().context("standard output is closed")?;
    // SAFETY: both descriptors are open: 1 was just duplicated, and 2 is checked by the call itself.
    let moved = unsafe { libc::dup2(io::stderr().as_raw_fd(), io::stdout().as_raw_fd()) };
    if moved < 0 {
        return Err(io::Error::last_os_error()).context("standard error is closed");
    }
    Ok(File::from(frames))
}

/// Sets all limits. Some are missing from some systems; those that protect the host are not optional.
pub fn apply(args: &Args) -> Result<()> {
    limit(libc::RLIMIT_CORE, 0, "core dumps")?;
    limit(libc::RLIMIT_FSIZE, 0, "file sizes")?;
    limit(libc::RLIMIT_NOFILE, MAX_OPEN_FILES, "open files")?;
    if let Some(bytes) = args.memory_bytes {
        limit(libc::RLIMIT_AS, bytes, "memory")?;
    }
    if let Some(seconds) = args.cpu_seconds {
        limit(libc::RLIMIT_CPU, seconds, "processor time")?;
    }
    // SAFETY: no pointers are involved. A refusal is harmless: the process is only less polite.
    unsafe { libc::nice(NICENESS) };
    #[cfg(target_os = "linux")]
    die_with_parent(args.parent)?;
    Ok(())
}

/// Ends the process without running exit handlers.
pub fn exit_now(code: u8) -> ! {
    // SAFETY: always sound; all output was written by the caller.
    unsafe { libc::_exit(libc::c_int::from(code)) }
}

#[cfg(target_os = "linux")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_os = "linux"))]
type Resource = libc::c_int;

fn limit(resource: Resource, value: u64, what: &str) -> Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `now` is a valid rlimit for the duration of the call.
    if unsafe { libc::getrlimit(resource, &raw mut now) } != 0 {
        return Err(io::Error::last_os_error()).with_context(|| format!("the limit on {what} cannot be read"));
    }
    // A limit that is lower already stays.
    let value = (value as libc::rlim_t).min(now.rlim_max);
    let wanted = libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: `wanted` is a valid rlimit for the duration of the call.
    if unsafe { libc::setrlimit(resource, &raw const wanted) } != 0 {
        return Err(io::Error::last_os_error()).with_context(|| format!("the limit on {what} cannot be set"));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn die_with_parent(parent: Option<u32>) -> Result<()> {
    let no: libc::c_ulong = 0;
    // SAFETY: prctl with these operations takes integers only.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1 as libc::c_ulong, no, no, no) == 0
            && libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, no, no, no) == 0
    };
    if !done {
        return Err(io::Error::last_os_error()).context("privileges cannot be given away");
    }
    // The parent may have died before it could be asked to take this process along.
    // SAFETY: getppid cannot fail.
    let now = unsafe { libc::getppid() };
    if parent.is_some_and(|pid| i64::from(pid) != i64::from(now)) {
        bail!("the parent is gone");
    }
    Ok(())
}
