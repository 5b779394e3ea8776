//! Waiting for a datagram, a wake-up or a moment, whichever comes first.
//!
//! `polling` keeps its deadlines with a timer of the system's finest resolution (timerfd on Linux). The pacer needs
//! that: a socket's read timeout is rounded up to the kernel's tick and starves it.
#![allow(unsafe_code)]

use polling::{Event, Events, Poller};
use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Wakes the waiting thread from any other.
#[derive(Debug, Clone)]
pub(crate) struct Waker(Arc<Poller>);

impl Waker {
    pub(crate) fn wake(&self) {
        // It fails only when the poller's own descriptors are gone, and then there is nobody to wake.
        let _ = self.0.notify();
    }
}

/// A socket and the means to wait for it.
pub(crate) struct Waiter {
    poller: Arc<Poller>,
    events: Events,
    socket: UdpSocket,
}

impl Waiter {
    pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
        let poller = Arc::new(Poller::new()?);
        register(&poller, &socket)?;
        Ok(Self { poller, events: Events::new(), socket })
    }

    pub(crate) fn waker(&self) -> Waker {
        Waker(self.poller.clone())
    }

    pub(crate) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Closes the socket and waits for another one from now on.
    pub(crate) fn replace(&mut self, make: impl FnOnce() -> io::Result<UdpSocket>) -> io::Result<()> {
        let socket = make()?;
        register(&self.poller, &socket)?;
        self.poller.delete(&self.socket)?;
        self.socket = socket;
        Ok(())
    }

    /// Returns at the deadline, after a wake-up, or when a datagram is there.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        self.events.clear();
        // Interest is for one event: it is renewed before each wait.
        self.poller.modify(&self.socket, Event::readable(0))?;
        let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if timeout == Some(Duration::ZERO) {
            return Ok(());
        }
        self.poller.wait(&mut self.events, timeout).map(|_| ())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let _ = self.poller.delete(&self.socket);
    }
}

fn register(poller: &Poller, socket: &UdpSocket) -> io::Result<()> {
    // SAFETY: `Waiter` owns poller and socket and takes the socket out of the poller (`replace`, `drop`) before it
    // closes it. A `Waker` may keep the poller longer, but then it has no socket in it.
    unsafe { poller.add(socket, Event::readable(0)) }
}
